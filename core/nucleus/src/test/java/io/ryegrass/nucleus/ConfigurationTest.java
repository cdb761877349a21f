package io.ryegrass.nucleus;

import static io.ryegrass.nucleus.NucleusTestBench.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.nucleus.ConfigExplanation.Source;
import io.ryegrass.nucleus.ConfigExplanation.Value;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.StringNode;

/** Configuration over deployments: S-03, TRB-34, LESSON-30, LESSON-32. */
class ConfigurationTest {
  private static final String NUCLEUS = "aws.greengrass.Nucleus";
  @TempDir Path temp;
  private NucleusTestBench bench;

  @BeforeEach
  void open() {
    bench = new NucleusTestBench(temp.resolve("root"));
  }

  @AfterEach
  void close() {
    bench.close();
  }

  private static JsonNode json(String text) {
    return new JsonMapper().readTree(text.replace('\'', '"'));
  }

  private DeploymentStatus deploy(String component, String merge, String... reset) {
    return bench.deploy(
        TestCloud.component(
            component,
            component.equals(NUCLEUS) ? "2.15.0" : "1.0.0",
            merge == null ? null : merge.replace('\'', '"'),
            reset));
  }

  @Test
  void s03_merge_and_reset_of_the_industrial_dashboard() {
    String defaults =
        "{'name':null,'mode':'REQUEST','network':{'useHttps':true,'port':{'http':80,'https':443}},'tags':[]}";
    bench.cloud.generic("c.Dash", "1.0.0", defaults.replace('\'', '"'), "{}", "{Startup: 'true'}");
    deploy(
        "c.Dash",
        "{'name':'Factory 2A','network':{'useHttps':false,'port':{'http':8080}},'tags':['/b/1/t','/b/2/t']}");
    assertThat(bench.nucleus.components().configuration("c.Dash"))
        .isEqualTo(
            json(
                "{'name':'Factory 2A','mode':'REQUEST','network':{'useHttps':false,'port':{'http':8080,'https':443}},'tags':['/b/1/t','/b/2/t']}"));
    deploy("c.Dash", "{'tags':['/b/3/t','/b/4/t']}", "/network/useHttps", "/tags");
    JsonNode now = bench.nucleus.components().configuration("c.Dash");
    assertThat(now.at("/network"))
        .isEqualTo(json("{'port':{'http':8080,'https':443},'useHttps':true}"));
    assertThat(now.at("/tags")).isEqualTo(json("['/b/3/t','/b/4/t']"));
    deploy("c.Dash", null, "");
    assertThat(bench.nucleus.components().configuration("c.Dash")).isEqualTo(json(defaults));
  }

  @Test
  void lesson30_each_value_says_where_it_comes_from() {
    bench.cloud.generic(
        "c.E", "1.0.0", "{a: 1, b: 1, in: {c: 1, d: [1]}}", "{}", "{Startup: 'true'}");
    bench.cloud.generic("c.E", "2.0.0", "{a: 2, b: 1, new: 5}", "{}", "{Startup: 'true'}");
    deploy("c.E", "{'in':{'c':9}}");
    Instant t = Instant.now();
    bench.nucleus.components().updateConfiguration("c.E", List.of("b"), StringNode.valueOf("x"), t);
    bench.deploy("c.E", "2.0.0");
    List<Value> all = bench.nucleus.components().explain("c.E", "").values();
    assertThat(all)
        .extracting(Value::pointer)
        .containsExactly("/a", "/b", "/in/c", "/in/d", "/new");
    assertThat(all.get(0).sentence())
        .isEqualTo(
            "default of the recipe, version 1.0.0; the present recipe's default is 2, reset /a to take it");
    assertThat(all.get(1).source()).isEqualTo(Source.COMPONENT);
    assertThat(all.get(1).time()).isEqualTo(t.truncatedTo(java.time.temporal.ChronoUnit.MILLIS));
    assertThat(all.get(2).source()).isEqualTo(Source.DEPLOYMENT);
    assertThat(all.get(2).sentence()).startsWith("merge of deployment d-1 at 20");
    assertThat(all.get(4).id()).isEqualTo("2.0.0");
    assertThat(bench.nucleus.components().explain("c.E", "/IN/C").values())
        .singleElement()
        .extracting(Value::pointer)
        .isEqualTo("/in/c");
    bench.restart(); // it is known after a restart as well
    assertThat(bench.nucleus.components().explain("c.E", "").values()).isEqualTo(all);
    assertThat(bench.nucleus.components().explain("c.E", "/nothing").values()).isEmpty();
    assertThatThrownBy(() -> bench.nucleus.components().explain("c.E", "no pointer"))
        .hasMessageContaining("not a JSON pointer");
  }

  @Test
  void the_nucleus_own_values_come_from_the_file_or_a_deployment() {
    deploy(NUCLEUS, "{'mqtt':{'port':443}}");
    List<Value> all = bench.nucleus.components().explain(NUCLEUS, "").values();
    assertThat(all)
        .filteredOn(v -> v.pointer().equals("/awsRegion"))
        .singleElement()
        .extracting(Value::sentence)
        .isEqualTo("config.yaml of this core");
    assertThat(all)
        .filteredOn(v -> v.pointer().equals("/mqtt/port"))
        .singleElement()
        .extracting(Value::source)
        .isEqualTo(Source.DEPLOYMENT);
  }

  @Test
  void a_deployed_parameter_counts_for_what_is_built_before_the_nucleus_at_the_next_start() {
    deploy(NUCLEUS, "{'mqtt':{'port':444,'operationTimeoutMs':5000}}");
    NucleusSettings settings =
        new NucleusSettings(
            bench.root, Clock.systemUTC(), Duration.ofSeconds(1), Duration.ofSeconds(20));
    ConfigTree before = Nucleus.readConfiguration(settings);
    assertThat(before.nucleus().mqttPort()).isEqualTo(444);
    assertThat(before.nucleus().awsRegion()).isEqualTo("us-east-1");
    assertThat(before.identity().thingName()).isEqualTo("core1");
  }

  @Test
  void a_deployment_with_a_nucleus_parameter_that_cannot_be_fails_and_changes_nothing() {
    DeploymentStatus s = deploy(NUCLEUS, "{'mqtt':{'port':'many'},'iotDataEndpoint':'other.host'}");
    assertThat(s.status()).isEqualTo("FAILED");
    assertThat(s.detailedStatus()).isEqualTo("FAILED_NO_STATE_CHANGE");
    assertThat(s.errorStack()).contains("COMPONENT_CONFIGURATION_NOT_VALID");
    assertThat(s.failureCause())
        .contains("mqtt.port is \"many\"; write a number from 1 to 65535")
        .contains("iotDataEndpoint says which cloud this core belongs to"); // LESSON-32
    assertThat(bench.nucleus.config().nucleus().mqttPort()).isEqualTo(8883);
  }

  @Test
  void platform_attributes_of_our_own_choose_a_manifest() { // NUC-17, CMP-19
    bench.cloud.recipe(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: c.Radio
        ComponentVersion: 1.0.0
        Manifests:
          - Platform: {os: linux, com.example.radio.RadioModule: five}
            Lifecycle: {Startup: 'echo radio > which'}
          - Lifecycle: {Startup: 'echo plain > which'}
        """);
    deploy(NUCLEUS, "{'platformOverride':{'com.example.radio.RadioModule':'five'}}");
    bench.deploy("c.Radio", "1.0.0");
    assertThat(bench.lines("c.Radio", "which")).containsExactly("radio");
  }

  @Test
  void interpolation_in_configuration_counts_when_it_is_switched_on() { // CMP-34, NUC-13
    bench.cloud.generic(
        "c.I", "1.0.0", "{topic: 'things/{iot:thingName}/x'}", "{}", "{Startup: 'true'}");
    bench.deploy("c.I", "1.0.0");
    assertThat(bench.nucleus.components().configuration("c.I").path("topic").asString())
        .isEqualTo("things/{iot:thingName}/x");
    bench.deploy(
        java.util.Map.of(
            "c.I",
            TestCloud.components("c.I", "1.0.0").get("c.I"),
            NUCLEUS,
            TestCloud.component(NUCLEUS, "2.15.0", "{\"interpolateComponentConfiguration\":true}")
                .get(NUCLEUS)));
    until(
        () ->
            bench
                .nucleus
                .components()
                .configuration("c.I")
                .path("topic")
                .asString()
                .equals("things/core1/x"));
  }

  @Test
  void the_proxys_user_is_in_its_address_for_components() { // PXY-03, PXY-04
    deploy(
        NUCLEUS,
        "{'networkProxy':{'noProxyAddresses':'a.b','proxy':{'url':'http://p:1','username':'u@1','password':'p w'}}}");
    bench.run("c.Env", "{Startup: 'env > env'}");
    assertThat(bench.lines("c.Env", "env"))
        .contains(
            "HTTPS_PROXY=http://u%401:p%20w@p:1",
            "all_proxy=http://u%401:p%20w@p:1", "NO_PROXY=a.b");
  }
}
