package io.ryegrass.v1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** CFG-01 … CFG-31, TRB-CORE-01 … 03: V1's configuration file and what the nucleus is told. */
class V1ConfigTest {
  private static final String OLD =
      """
      {"coreThing": {"caPath": "root.ca.pem", "certPath": "c.cert.pem", "keyPath": "c.private.key",
         "thingArn": "arn:aws:iot:eu-west-1:123456789012:thing/MyGroup_Core",
         "iotHost": "cloud.example", "ggHost": "greengrass.cloud.example" %s}
         %s}
      """;

  @TempDir Path root;

  @BeforeEach
  void certificates() throws IOException {
    Path certs = Files.createDirectories(root.resolve("certs"));
    Files.createDirectories(root.resolve("config"));
    for (String name : new String[] {"root.ca.pem", "c.cert.pem"}) {
      Files.writeString(certs.resolve(name), "-----BEGIN CERTIFICATE-----\n");
    }
    Files.writeString(certs.resolve("c.private.key"), "-----BEGIN RSA PRIVATE KEY-----\n");
  }

  private V1Config read(String json) throws IOException {
    Files.writeString(root.resolve("config/config.json"), json);
    return V1Config.read(root);
  }

  private V1Config old(String inThing, String atTop) throws IOException {
    return read(OLD.formatted(inThing, atTop));
  }

  private static JsonNode nucleus(V1Config c) {
    return V1Translation.of(c)
        .tree()
        .path("services")
        .path("aws.greengrass.Nucleus")
        .path("configuration");
  }

  private void refused(String json, String... words) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(NucleusException.class)
        .satisfies(
            e ->
                assertThat(e.getMessage())
                    .contains(words)
                    .contains(root.resolve("config/config.json").toString()));
  }

  @Test
  void theOldFormMeansFilesBelowCertsAndDefaultsCount() throws IOException {
    V1Config c = old("", "");
    JsonNode system = V1Translation.of(c).tree().path("system");
    assertThat(system.path("certificateFilePath").asString())
        .isEqualTo(root.resolve("certs/c.cert.pem").toString());
    assertThat(system.path("thingName").asString()).isEqualTo("MyGroup_Core");
    assertThat(nucleus(c).toString())
        .isEqualTo(
            """
            {"awsRegion":"eu-west-1","iotRoleAlias":"GreengrassV2TokenExchangeRoleAlias",\
            "iotDataEndpoint":"cloud.example","iotCredEndpoint":"cloud.example:8443",\
            "greengrassDataPlaneEndpoint":"greengrass.cloud.example","greengrassDataPlanePort":8443,\
            "mqtt":{"port":8883,"keepAliveTimeoutMs":600000,"operationTimeoutMs":5000,\
            "maximumReconnectDelaySeconds":60},"ryegrass":{"localMqttHost":"0.0.0.0",\
            "localMqttPort":8883,"lambdaIpcPort":8000,\
            "s3Endpoint":"https://greengrass.cloud.example:8443"}}""");
    assertThat(c.notes()).isEmpty();
  }

  @Test
  void portsProxyAndMqttFollowTheFile() throws IOException {
    V1Config c =
        old(
            """
            , "iotMqttPort": 443, "iotHttpPort": 443, "ggHttpPort": 443, "ggMqttPort": 9000,
            "ggDaemonPort": 8001, "keepAlive": 30, "mqttOperationTimeout": 7,
            "networkProxy": {"noProxyAddresses": "http://128.12.34.56,www.mywebsite.com",
              "proxy": {"url": "https://my-proxy-server:1100", "username": "u", "password": "p"}}
            """,
            ", \"mqttMaxConnectionRetryInterval\": 90");
    JsonNode n = nucleus(c);
    assertThat(n.path("mqtt").toString())
        .isEqualTo(
            "{\"port\":443,\"keepAliveTimeoutMs\":30000,\"operationTimeoutMs\":7000,\"maximumReconnectDelaySeconds\":90}");
    assertThat(n.path("greengrassDataPlanePort").asInt()).isEqualTo(443);
    assertThat(n.path("iotCredEndpoint").asString()).isEqualTo("cloud.example:443");
    assertThat(n.path("ryegrass").path("localMqttPort").asInt()).isEqualTo(9000);
    assertThat(n.path("ryegrass").path("lambdaIpcPort").asInt()).isEqualTo(8001);
    assertThat(n.path("networkProxy").toString())
        .isEqualTo(
            "{\"noProxyAddresses\":\"128.12.34.56,www.mywebsite.com\",\"proxy\":{\"url\":\"https://my-proxy-server:1100\",\"username\":\"u\",\"password\":\"p\"}}");
  }

  @Test
  void aSectionCryptoCountsBeforeThePathsOfCoreThing() throws IOException {
    Path elsewhere = Files.createDirectories(root.resolve("elsewhere"));
    Files.copy(root.resolve("certs/c.cert.pem"), elsewhere.resolve("d cert.pem"));
    Files.copy(root.resolve("certs/c.private.key"), elsewhere.resolve("d.key"));
    V1Config c =
        old(
            "",
            """
            , "crypto": {"caPath": "file://certs/root.ca.pem", "principals": {
               "IoTCertificate": {"certificatePath": "file://%1$s/d%%20cert.pem",
                                  "privateKeyPath": "file://%1$s/d.key"}}}
            """
                .formatted(elsewhere));
    assertThat(c.certificate()).isEqualTo(elsewhere.resolve("d cert.pem"));
    assertThat(c.privateKey()).isEqualTo(elsewhere.resolve("d.key"));
    assertThat(c.rootCa()).isEqualTo(root.resolve("certs/root.ca.pem"));
  }

  @Test
  void theRetryIntervalMayStandInsideCoreThingAsIn16() throws IOException {
    V1Config c = old(", \"mqttMaxConnectionRetryInterval\": 33", "");
    assertThat(nucleus(c).path("mqtt").path("maximumReconnectDelaySeconds").asInt()).isEqualTo(33);
  }

  @Test
  void whatHasNoMeaningIsToldByNameAndTheRestCounts() throws IOException {
    V1Config c =
        old(
            ", \"coreClientId\": \"x\", \"keepalive\": 4",
            """
            , "managedRespawn": true, "runtime": {"cgroup": {"useSystemd": "yes"}, "lruSize": 7},
            "colour": {"of": "sky"}
            """);
    assertThat(c.notes()).hasSize(6);
    assertThat(c.notes())
        .anyMatch(n -> n.startsWith("coreThing.coreClientId has no effect: "))
        .anyMatch(n -> n.startsWith("coreThing.keepalive is no key of V1"))
        .anyMatch(n -> n.startsWith("managedRespawn has no effect: "))
        .anyMatch(n -> n.startsWith("runtime.lruSize has no effect: "))
        .anyMatch(n -> n.startsWith("colour is no key of V1"));
  }

  @Test
  void whatIsWrongIsOneSentenceWithKeyFileAndRemedy() {
    refused("{\"coreThing\": {,}}", "Failed to parse ", "Line 1", "Correct the file");
    refused("[]", "Failed to parse ");
    refused("{}", "coreThing.thingArn", "add it");
    refused(
        OLD.formatted("", "").replace("\"c.cert.pem\"", "\"gone.pem\""),
        "gone.pem",
        "coreThing.certPath",
        "does not exist");
    refused(
        OLD.formatted("", "").replace("\"certPath\": \"c.cert.pem\",", ""),
        "The configuration file is missing the CaPath, CertPath or KeyPath.",
        "coreThing.certPath");
    refused(
        OLD.formatted("", "").replace("\"c.private.key\"", "\"c.cert.pem\""),
        "coreThing.keyPath",
        "holds no PEM private key");
    refused(
        OLD.formatted(", \"keepAlive\": 5", ""),
        "coreThing.keepAlive",
        "is 5",
        "30 to 1200",
        "600");
    refused(OLD.formatted(", \"ggMqttPort\": 80", ""), "coreThing.ggMqttPort", "1024 to 65535");
    refused(
        OLD.formatted(", \"ggDaemonPort\": \"many\"", ""), "coreThing.ggDaemonPort", "\"many\"");
    refused(
        OLD.formatted("", ", \"runtime\": {\"allowFunctionsToRunAsRoot\": true}"),
        "runtime.allowFunctionsToRunAsRoot",
        "\"yes\" or \"no\"");
    refused(OLD.formatted("", ", \"runtime\": 5"), "runtime", "no section");
    refused(OLD.formatted("", ", \"writeDirectory\": \"var\""), "writeDirectory", "absolute");
    refused(
        OLD.formatted(
            "",
            ", \"crypto\": {\"caPath\": \"/greengrass/certs/root.ca.pem\", \"principals\": {\"IoTCertificate\": {\"certificatePath\": \"/c.pem\"}}}"),
        "Error occurred while generating TLS config: ErrUnknownURIScheme",
        "certificatePath");
    refused(
        OLD.formatted(
            "",
            ", \"crypto\": {\"caPath\": \"file:///x\", \"principals\": {\"IoTCertificate\": {\"certificatePath\": \"file://certs/c.cert.pem\", \"privateKeyPath\": \"pkcs11:object=iotkey;type=private\"}}}"),
        "IoTCertificate.privateKeyPath",
        "pkcs11:",
        "file:///");
    refused(
        OLD.formatted("", "").replace("thing/MyGroup_Core", "thinggroup/x"),
        "coreThing.thingArn",
        "no thing's ARN");
  }

  @Test
  void aRefusedFileLeavesTheFolderAsItWas() throws IOException {
    Files.writeString(root.resolve("config/config.json"), "{");
    assertThatThrownBy(() -> V1Face.open(root, java.time.Clock.systemUTC()))
        .hasMessageContaining("Failed to parse");
    try (Stream<Path> files = Files.list(root)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder("certs", "config");
    }
  }

  @Test
  void aFolderWithConfigurationOfV2IsNoneOfV1() throws IOException {
    old("", "");
    assertThat(V1Face.isFolder(root)).isTrue();
    Files.writeString(root.resolve("config/config.yaml"), "system: {}");
    assertThat(V1Face.isFolder(root)).isFalse();
  }
}
