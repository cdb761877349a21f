package io.ryegrass.cli.v1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.cli.CliException;
import io.ryegrass.cli.CloudAddress;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code ryegrass adopt}: a V1 device's own folder gets another cloud (CFG-05 … CFG-10, CFG-16).
 */
class V1FolderTest {
  private static final String AWS =
      """
      {"coreThing": {"caPath": "root.ca.pem", "certPath": "c.cert.pem", "keyPath": "c.private.key",
         "thingArn": "arn:aws:iot:us-west-2:123456789012:thing/MyGroup_Core",
         "iotHost": "abc-ats.iot.us-west-2.amazonaws.com",
         "ggHost": "greengrass-ats.iot.us-west-2.amazonaws.com", "keepAlive": 600},
       "runtime": {"maxWorkItemCount": 2048},
       "crypto": {"caPath": "file:///greengrass/certs/root.ca.pem"}}
      """;

  @TempDir Path root;
  private final CloudAddress cloud =
      new CloudAddress(
          URI.create("http://cloud.example:9080"),
          "cloud.example",
          "cloud.example:8443",
          8443,
          8883,
          "-----BEGIN CERTIFICATE-----\n",
          "eu-west-1",
          AwsBasicCredentials.create("a", "b"));

  @BeforeEach
  void config() throws IOException {
    Files.createDirectories(root.resolve("config"));
    Files.writeString(root.resolve("config/config.json"), AWS);
  }

  private JsonNode read(String name) throws IOException {
    return JsonMapper.shared().readTree(Files.readString(root.resolve("config").resolve(name)));
  }

  @Test
  void onlyTheLinesThatSayWhereTheCloudIsChangeAndTheOldFileIsKept() throws IOException {
    List<String> changed = new V1Folder(root).point(cloud, "000000000000");
    JsonNode now = read("config.json");
    JsonNode thing = now.path("coreThing");
    assertThat(thing.path("thingArn").asString())
        .isEqualTo("arn:aws:iot:eu-west-1:000000000000:thing/MyGroup_Core");
    assertThat(thing.path("iotHost").asString()).isEqualTo("cloud.example");
    assertThat(thing.path("ggHttpPort").asInt()).isEqualTo(8443);
    assertThat(thing.path("certPath").asString()).isEqualTo("c.cert.pem");
    assertThat(now.path("runtime").path("maxWorkItemCount").asInt()).isEqualTo(2048);
    assertThat(now.path("crypto").path("caPath").asString())
        .isEqualTo("file://" + root.resolve("certs/ryegrass.root.ca.pem"));
    assertThat(root.resolve("certs/ryegrass.root.ca.pem")).exists();
    assertThat(changed).hasSize(8).anyMatch(l -> l.startsWith("coreThing.iotMqttPort = 8883"));
    assertThat(read("config.json.before")).isEqualTo(JsonMapper.shared().readTree(AWS));
    assertThat(new V1Folder(root).point(cloud, "000000000000")).isEmpty();
    assertThat(read("config.json.before")).isEqualTo(JsonMapper.shared().readTree(AWS));
  }

  @Test
  void aFileThatIsNoV1CoresIsNotTouched() throws IOException {
    Files.writeString(root.resolve("config/config.json"), "{\"runtime\": {}}");
    assertThatThrownBy(() -> new V1Folder(root).point(cloud, "0"))
        .isInstanceOf(CliException.class)
        .hasMessageContaining("no section coreThing");
    assertThat(root.resolve("certs")).doesNotExist();
  }

  @Test
  void aFolderWithAnIdentityKeepsIt() {
    assertThatThrownBy(() -> new V1Folder(root).requireNoIdentity())
        .hasMessageContaining("already provisioned")
        .hasMessageContaining("config/config.json");
  }
}
