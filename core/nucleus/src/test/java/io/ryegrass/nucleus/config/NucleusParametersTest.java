package io.ryegrass.nucleus.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.nucleus.config.NucleusParameters.Effect;
import io.ryegrass.nucleus.config.NucleusParameters.Parameter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Each parameter of the nucleus counts, or somebody is told that it does not (NUC-12 … NUC-21). */
class NucleusParametersTest {
  private static ObjectNode json(String text) {
    return (ObjectNode) new JsonMapper().readTree(text.replace('\'', '"'));
  }

  private static Path repository() {
    Path p = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(p.resolve("core"))) {
      p = p.getParent();
    }
    return p;
  }

  /**
   * All main sources of the core but the table itself; what is built beside them comes and goes.
   */
  private static String sources() {
    try (Stream<Path> modules = Files.list(repository().resolve("core"))) {
      return modules
          .map(module -> module.resolve("src/main"))
          .filter(Files::isDirectory)
          .flatMap(NucleusParametersTest::walk)
          .filter(f -> f.toString().endsWith(".java"))
          .filter(f -> !f.toString().endsWith("NucleusParameters.java"))
          .map(
              f -> {
                try {
                  return Files.readString(f);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              })
          .collect(Collectors.joining());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Stream<Path> walk(Path folder) {
    try {
      return Files.walk(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void what_is_said_to_count_is_read_somewhere_in_the_core() {
    String sources = sources();
    for (Parameter p : NucleusParameters.all()) {
      if (p.effect() == Effect.AT_ONCE
          || p.effect() == Effect.AT_START
          || p.effect() == Effect.IDENTITY) {
        assertThat(sources.contains("\"" + p.path().getLast() + "\"")).as(p.name()).isTrue();
      } else {
        assertThat(p.reason()).as(p.name()).isNotEmpty();
      }
    }
  }

  /** Run with {@code -Dryegrass.writeDocs=true} to write the page again. */
  @Test
  void the_documented_parameters_are_the_ones_in_force() throws IOException {
    Path page = repository().resolve("docs/reference/nucleus-parameters.md");
    if (Boolean.getBoolean("ryegrass.writeDocs")) {
      Files.writeString(page, NucleusParameters.toMarkdown());
    }
    assertThat(page).content().isEqualTo(NucleusParameters.toMarkdown());
  }

  @Test
  void names_are_unique_and_every_parameter_of_the_reference_is_there() {
    List<String> names = NucleusParameters.all().stream().map(Parameter::name).toList();
    assertThat(names)
        .doesNotHaveDuplicates()
        .contains(
            "awsRegion",
            "iotRoleAlias",
            "iotDataEndpoint",
            "iotCredEndpoint",
            "greengrassDataPlaneEndpoint",
            "greengrassDataPlanePort",
            "interpolateComponentConfiguration",
            "deploymentConfigurationTimeSource",
            "deploymentPollingFrequencySeconds",
            "componentStoreMaxSizeBytes",
            "credentialEndpointTimeoutMs",
            "fipsMode",
            "s3EndpointType",
            "envStage",
            "jvmOptions",
            "platformOverride",
            "runWithDefault.posixUser",
            "runWithDefault.posixShell",
            "runWithDefault.windowsUser",
            "networkProxy.noProxyAddresses",
            "networkProxy.proxy.url",
            "httpClient.connectionTimeoutMs",
            "httpClient.socketTimeoutMs",
            "logging.level",
            "logging.outputDirectory",
            "fleetStatus.periodicStatusPublishIntervalSeconds",
            "telemetry.enabled",
            "mqtt.version",
            "mqtt.maxInFlightPublishes",
            "mqtt.maxMessageSizeInBytes",
            "mqtt.spooler.storageType",
            "mqtt.spooler.pluginName");
  }

  @Test
  void a_value_that_cannot_be_is_refused_with_what_could() {
    ObjectNode none = json("{'awsRegion':'us-east-1'}");
    assertThat(
            NucleusParameters.refusals(
                none,
                json(
                    "{'awsRegion':'us-east-1','mqtt':{'PORT':'many','maxInFlightPublishes':101},"
                        + "'logging':{'level':'LOUD'},'fipsMode':'true','platformOverride':[1]}")))
        .containsExactly(
            "fipsMode cannot be \"true\": this core has no FIPS-validated cryptography.",
            "platformOverride is [1]; write a map of texts.",
            "logging.level is \"LOUD\"; write one of INFO, DEBUG, WARN, ERROR.",
            "mqtt.port is \"many\"; write a number from 1 to 65535.",
            "mqtt.maxInFlightPublishes is 101; write a number from 1 to 100.");
    assertThat(NucleusParameters.refusals(none, json("{'awsRegion':'eu-west-1'}")))
        .singleElement()
        .asString()
        .contains("read from config.yaml only");
  }

  @Test
  void what_was_there_before_and_what_says_the_default_is_not_refused() {
    ObjectNode odd = json("{'mqtt':{'port':'many'},'fipsMode':'false'}");
    assertThat(NucleusParameters.refusals(odd, odd)).isEmpty();
    assertThat(
            NucleusParameters.refusals(
                json("{}"),
                json(
                    "{'fipsMode':'false','logging':{'level':'warn'},'greengrassDataPlanePort':443,"
                        + "'jvmOptions':'-Xmx64m','mqtt':{'port':443},"
                        + "'networkProxy':{'noProxyAddresses':'a,b','proxy':{'url':'https://p:1','username':'u','password':'secret'}},"
                        + "'runWithDefault':{'posixUser':'ggc_user:ggc_group'}}")))
        .isEmpty(); // NUC-25
  }

  @Test
  void what_is_set_and_not_honoured_is_told_and_a_secret_never_is() {
    assertThat(
            NucleusParameters.remarks(
                json(
                    "{'mqtt':{'standaloneMqttTimeoutMs':5,'port':0},'telemetry':{'enabled':true},"
                        + "'networkProxy':{'proxy':{'password':{'secret':1}}}}")))
        .containsExactly(
            "networkProxy.proxy.password is not valid and does not count; write a text.",
            "mqtt.port is 0 and does not count; write a number from 1 to 65535.",
            "mqtt.standaloneMqttTimeoutMs is not honoured by this core: no endpoint switch.");
  }
}
