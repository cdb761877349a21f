package io.ryegrass.coreapp.provisioning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.cloudlink.ClaimCloud;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.RestartPort;
import io.ryegrass.nucleus.config.CoreConfigFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** How a core without identity gets one: PRV-09, PRV-17 … PRV-23, S-22. */
class ProvisionerTest {
  private static final String PEM =
      "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

  @TempDir Path root;
  private final List<String> restarts = new CopyOnWriteArrayList<>();
  private final List<String> asked = new CopyOnWriteArrayList<>();
  private final AtomicInteger certificates = new AtomicInteger();

  /** What the registration says: an error code, "down", or empty when it accepts. */
  private volatile String registration = "";

  private @Nullable Provisioner provisioner;
  private volatile ClaimCloud.Settings opened;

  @BeforeEach
  void claim() throws IOException {
    for (String f : List.of("claim.crt", "claim.key", "root.pem")) {
      Files.writeString(root.resolve(f), PEM + "PRIVATE KEY-----");
    }
  }

  @AfterEach
  void stop() {
    if (provisioner != null) {
      provisioner.close();
    }
  }

  private void config(String plugin, String more) throws IOException {
    Files.createDirectories(root.resolve("config"));
    Files.writeString(
        root.resolve("config/config.yaml"),
        """
        %s
        services:
          aws.greengrass.Nucleus: {version: 2.15.0, configuration: {logging: {level: DEBUG}}}
          %s
        """
            .formatted(more, plugin));
  }

  private void claimConfig(String more) throws IOException {
    config(
        """
        aws.greengrass.FleetProvisioningByClaim:
            configuration:
              rootPath: %s
              awsRegion: us-east-1
              iotDataEndpoint: cloud.example
              iotCredentialEndpoint: cloud.example:8443
              iotRoleAlias: alias
              provisioningTemplate: fleet
              claimCertificatePath: claim.crt
              claimCertificatePrivateKeyPath: claim.key
              rootCaPath: root.pem
              templateParameters: {ThingName: core-7}
              deviceId: claim-7
              %s
        """
            .formatted(root, more),
        "");
  }

  /** A cloud in memory. */
  private ClaimCloud cloud(ClaimCloud.Settings settings) {
    assertThat(settings.clientId()).isEqualTo("claim-7");
    assertThat(settings.host()).isEqualTo("cloud.example");
    opened = settings;
    return new ClaimCloud() {
      @Override
      public ObjectNode ask(String topic, ObjectNode request) {
        asked.add(topic + " " + request);
        ObjectNode answer = JsonMapper.shared().createObjectNode();
        if (topic.startsWith("$aws/certificates/")) {
          int n = certificates.incrementAndGet();
          answer.put("certificateId", "id" + n).put("certificatePem", PEM + n);
          if (topic.endsWith("create/json")) {
            answer.put("privateKey", "PRIVATE KEY-----" + n);
          }
          return answer.put("certificateOwnershipToken", "token" + n);
        }
        switch (registration) {
          case "" -> {}
          case "down" -> throw new CloudUnavailableException("down");
          default -> throw new ClaimCloud.Rejected(registration, "no");
        }
        return answer.put("thingName", request.at("/parameters/ThingName").asString());
      }

      @Override
      public void close() {}
    };
  }

  private void start() {
    RestartPort port =
        (what, why) -> {
          restarts.add(what.name());
          return true;
        };
    provisioner =
        Provisioner.start(root, port, this::cloud, Duration.ofMillis(20), Duration.ofMillis(100));
  }

  private void awaitIdentity() {
    await().atMost(Duration.ofSeconds(30)).until(() -> restarts.contains("NUCLEUS"));
  }

  private CoreConfigFile config() {
    return CoreConfigFile.read(root);
  }

  @Test
  void aClaimBecomesAnIdentityAndEverythingElseInTheConfigurationStays() throws IOException {
    claimConfig("");
    start();
    awaitIdentity();
    assertThat(config().identity().cloud()).isTrue();
    assertThat(config().identity().thingName()).isEqualTo("core-7");
    assertThat(config().identity().certificate()).isEqualTo(root.resolve("thingCert.crt"));
    assertThat(config().identity().privateKey()).isEqualTo(root.resolve("privKey.key"));
    assertThat(config().nucleus().path("iotCredEndpoint").asString())
        .isEqualTo("cloud.example:8443");
    assertThat(config().nucleus().at("/logging/level").asString()).isEqualTo("DEBUG");
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(root.resolve("privKey.key"))))
        .isEqualTo("rw-------");
    assertThat(root.resolve("provisioning/claim.json")).doesNotExist();
    assertThat(asked).hasSize(2);
  }

  @Test
  void aCoreThatWasKilledBeforeTheRegistrationGoesOnWithTheCertificateItHas() throws IOException {
    claimConfig("");
    registration = "down";
    start();
    await().atMost(Duration.ofSeconds(30)).until(() -> asked.size() > 3);
    stop();
    assertThat(config().identity().cloud()).as("nothing half-made").isFalse();
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(root.resolve("provisioning/claim.json"))))
        .isEqualTo("rw-------");
    registration = "";
    start();
    awaitIdentity();
    assertThat(certificates).hasValue(1);
    assertThat(asked.getLast()).contains("token1");
    assertThat(Files.readString(root.resolve("thingCert.crt"))).isEqualTo(PEM + 1);
  }

  @Test
  void aTokenThatHasEndedIsGivenUpAndANewCertificateAskedFor() throws IOException {
    claimConfig("");
    registration = "InvalidCertificateOwnershipToken";
    start();
    await().atMost(Duration.ofSeconds(30)).until(() -> certificates.get() >= 2);
    registration = "";
    awaitIdentity();
    assertThat(config().identity().thingName()).isEqualTo("core-7");
  }

  @Test
  void aWrongTemplateIsTriedForEverWithTheSameCertificateS_22() throws IOException {
    claimConfig("");
    registration = "InvalidProvisioningTemplate";
    start();
    await().atMost(Duration.ofSeconds(30)).until(() -> asked.size() > 6);
    assertThat(certificates).hasValue(1);
    registration = "";
    awaitIdentity();
  }

  @Test
  void damageToWhatWasKeptIsNotTheEnd() throws IOException {
    claimConfig("");
    Files.createDirectories(root.resolve("provisioning"));
    Files.writeString(root.resolve("provisioning/claim.json"), "{\"templ");
    start();
    awaitIdentity();
  }

  @Test
  void withASigningRequestTheKeyStaysTheDevicesOwnPRV_18() throws IOException {
    Files.writeString(root.resolve("my.csr"), "-----BEGIN CERTIFICATE REQUEST-----");
    Files.writeString(root.resolve("my.key"), "mine PRIVATE KEY-----");
    claimConfig("csrPath: my.csr\n      csrPrivateKeyPath: my.key");
    start();
    awaitIdentity();
    assertThat(asked.getFirst())
        .startsWith("$aws/certificates/create-from-csr/json")
        .contains("BEGIN CERTIFICATE REQUEST");
    assertThat(config().identity().privateKey()).isEqualTo(root.resolve("my.key"));
    assertThat(Files.readString(root.resolve("my.key"))).startsWith("mine");
    assertThat(root.resolve("privKey.key")).doesNotExist();
  }

  @Test
  void theClaimGoesThroughItsOwnProxyPRV_11() throws IOException {
    claimConfig(
        "mqttPort: 443\n      proxyUrl: 'https://proxy:3128'\n      proxyUserName: u\n      proxyPassword: p");
    start();
    awaitIdentity();
    assertThat(opened.port()).isEqualTo(443);
    assertThat(opened.proxyUrl()).isEqualTo("https://proxy:3128");
    assertThat(opened.proxyUser() + opened.proxyPassword()).isEqualTo("up");
    assertThat(opened.toString()).doesNotContain("proxy");
  }

  @Test
  void aParameterThatIsMissingIsNamedPRV_17() throws Exception {
    claimConfig("");
    for (String name :
        List.of(
            "rootPath",
            "awsRegion",
            "iotDataEndpoint",
            "iotCredentialEndpoint",
            "iotRoleAlias",
            "provisioningTemplate",
            "claimCertificatePath",
            "claimCertificatePrivateKeyPath",
            "rootCaPath")) {
      ObjectNode c =
          (ObjectNode)
              Identity.parameters(Identity.configuration(root), ClaimParameters.PLUGIN).deepCopy();
      c.remove(name);
      org.assertj.core.api.Assertions.assertThatThrownBy(() -> ClaimParameters.read(root, c))
          .isInstanceOf(Source.GaveUp.class)
          .hasMessageContaining("parameter " + name + " is missing");
    }
  }

  private Path plugin(String name, String script) throws IOException {
    Path file = Files.createDirectories(root.resolve("plugins/trusted")).resolve(name);
    Files.writeString(file, "#!/bin/sh\n" + script);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.setPosixFilePermissions(file.getParent(), PosixFilePermissions.fromString("rwxr-xr-x"));
    return file;
  }

  private static String answer(String system, String nucleus) {
    return "printf '%s' '{\"systemConfiguration\": {"
        + system
        + "}, \"nucleusConfiguration\": {"
        + nucleus
        + "}}'\n";
  }

  @Test
  void aPluginsValuesCountBeforeTheFilesAndWhatItLeavesOutComesFromTheFilePRV_23()
      throws IOException {
    plugin(
        "com.example.Maker.sh",
        "cat > input\n"
            + answer(
                "\"thingName\": \"made\", \"certificateFilePath\": \"claim.crt\"",
                "\"awsRegion\": \"eu-west-1\", \"iotDataEndpoint\": \"d\""));
    config(
        """
        com.example.Maker: {configuration: {serial: 12}}
        """,
        "system: {privateKeyPath: claim.key, rootCaPath: root.pem, thingName: ''}");
    Files.writeString(
        root.resolve("config/config.yaml"),
        Files.readString(root.resolve("config/config.yaml"))
            .replace("{level: DEBUG}", "{level: DEBUG}, iotCredEndpoint: c, awsRegion: us-east-1"));
    assertThat(Provisioner.isAsked(root)).isTrue();
    start();
    awaitIdentity();
    assertThat(config().identity().thingName()).isEqualTo("made");
    assertThat(config().nucleus().path("awsRegion").asString()).isEqualTo("eu-west-1");
    assertThat(config().nucleus().path("iotCredEndpoint").asString()).isEqualTo("c");
    assertThat(JsonMapper.shared().readTree(Files.readString(root.resolve("input"))).toString())
        .isEqualTo(
            "{\"provisioningPolicy\":\"PROVISION_IF_NOT_PROVISIONED\","
                + "\"parameterMap\":{\"serial\":12}}");
  }

  @Test
  void aPluginThatAsksForItIsRunAgainAndOneThatFailsIsNot() throws Exception {
    config("other: {}", "");
    plugin("retry", "echo x >> runs; [ $(wc -l < runs) -lt 3 ] && exit 75; echo why >&2; exit 1");
    start();
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> Files.exists(root.resolve("runs")) && lines() == 3);
    await().during(Duration.ofMillis(400)).atMost(Duration.ofSeconds(20)).until(() -> lines() == 3);
    assertThat(config().identity().cloud()).isFalse();
    assertThat(restarts).isEmpty();
  }

  private long lines() throws IOException {
    return Files.readAllLines(root.resolve("runs")).size();
  }

  @Test
  void aPluginThatOthersCanChangeIsNotRun() throws Exception {
    config("other: {}", "");
    Path file = plugin("open", "touch ran");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxrwxrwx"));
    start();
    await().during(Duration.ofMillis(400)).atMost(Duration.ofSeconds(20)).until(() -> true);
    assertThat(root.resolve("ran")).doesNotExist();
  }

  @Test
  void twoWaysToAnIdentityAreNoneAtAllPRV_21() throws IOException {
    claimConfig("");
    plugin("second", "exit 0");
    start();
    assertThat(provisioner).isNull();
    assertThat(asked).isEmpty();
  }
}
