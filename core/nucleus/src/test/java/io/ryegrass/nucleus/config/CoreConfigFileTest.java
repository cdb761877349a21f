package io.ryegrass.nucleus.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the person who wrote config.yaml is told. */
class CoreConfigFileTest {
  @TempDir Path root;

  private void write(String yaml) throws IOException {
    Files.createDirectories(root.resolve("config"));
    Files.writeString(root.resolve("config/config.yaml"), yaml);
  }

  @Test
  void a_missing_file_names_the_command_that_makes_it() {
    assertThatThrownBy(() -> CoreConfigFile.read(root))
        .isInstanceOf(NucleusException.class)
        .hasMessageContaining("config.yaml is missing")
        .hasMessageContaining("ryegrass provision");
  }

  @Test
  void a_missing_key_and_a_missing_certificate_are_named() throws IOException {
    write("system: {certificateFilePath: cert.pem}");
    assertThatThrownBy(() -> CoreConfigFile.read(root)).hasMessageContaining("system.thingName");
    write("system: {thingName: t, certificateFilePath: cert.pem}");
    assertThatThrownBy(() -> CoreConfigFile.read(root))
        .hasMessageContaining("cert.pem")
        .hasMessageContaining("does not exist");
    Files.writeString(root.resolve("cert.pem"), "nothing");
    assertThatThrownBy(() -> CoreConfigFile.read(root))
        .hasMessageContaining("holds no PEM certificate");
  }

  @Test
  void broken_yaml_is_one_sentence() throws IOException {
    write("system: [");
    assertThatThrownBy(() -> CoreConfigFile.read(root))
        .hasMessageContaining("is not valid YAML")
        .extracting(e -> e.getMessage().lines().count())
        .isEqualTo(1L);
  }

  @Test
  void keys_of_the_nucleus_have_the_defaults_of_the_guide() throws IOException {
    for (String f : new String[] {"c", "k"}) {
      Files.writeString(
          root.resolve(f), "-----BEGIN CERTIFICATE----- -----BEGIN EC PRIVATE KEY-----");
    }
    write(
        "system: {thingName: t, certificateFilePath: c, privateKeyPath: k, rootCaPath: c}\n"
            + "services: {aws.greengrass.Nucleus: {configuration: {awsRegion: us-east-1, iotDataEndpoint: h,"
            + " iotCredEndpoint: 'h:1', mqtt: {port: '1234'}, ryegrass: {localMqttPort: 1}}}}");
    EffectiveConfiguration c = new EffectiveConfiguration(root, CoreConfigFile.read(root), null);
    assertThat(c.identity().thingName()).isEqualTo("t");
    assertThat(c.mqttPort()).isEqualTo(1234);
    assertThat(c.dataPlaneHost()).isEqualTo("h");
    assertThat(c.dataPlanePort()).isEqualTo(8443);
    assertThat(c.localMqttPort()).isEqualTo(1);
    assertThat(c.lambdaIpcPort()).isEqualTo(8000);
    assertThat(c.posixShell()).isEqualTo("sh");
    assertThat(c.iotRoleAlias()).isEmpty();
  }
}
