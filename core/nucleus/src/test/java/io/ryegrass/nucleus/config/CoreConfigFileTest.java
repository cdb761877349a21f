package io.ryegrass.nucleus.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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

  private void whole() throws IOException {
    for (String f : new String[] {"c", "k"}) {
      Files.writeString(
          root.resolve(f), "-----BEGIN CERTIFICATE----- -----BEGIN EC PRIVATE KEY-----");
    }
    write(
        "system: {thingName: t, certificateFilePath: c, privateKeyPath: k, rootCaPath: c}\n"
            + "services: {aws.greengrass.Nucleus: {configuration: {awsRegion: us-east-1, iotDataEndpoint: h,"
            + " iotCredEndpoint: 'h:1', mqtt: {port: '1234'}, ryegrass: {localMqttPort: 1}}}}");
  }

  @Test
  void no_file_and_no_identity_are_a_core_without_a_cloud_LESSON_13() throws IOException {
    assertThat(CoreConfigFile.read(root).identity().cloud()).isFalse();
    write("services: {aws.greengrass.Nucleus: {configuration: {logging: {level: DEBUG}}}}");
    CoreConfigFile c = CoreConfigFile.read(root);
    assertThat(c.identity().cloud()).isFalse();
    assertThat(c.problem()).isNull();
    assertThat(c.nucleus().at("/logging/level").asString()).isEqualTo("DEBUG");
  }

  @Test
  void damage_to_the_file_or_to_the_key_after_a_good_start_is_survived_and_told_LESSON_02()
      throws IOException {
    whole();
    CoreConfigFile.read(root).remember(root);
    Path file = root.resolve("config/config.yaml");
    for (String damage :
        new String[] {"", "system: [", "\0\0\0\0", "system: {thingName: ''}", "a"}) {
      Files.writeString(file, damage);
      CoreConfigFile c = CoreConfigFile.read(root);
      assertThat(c.identity().thingName()).as(damage).isEqualTo("t");
      assertThat(c.identity().cloud()).isTrue();
      assertThat(c.problem()).contains("config.yaml.good").contains("correct the file");
    }
    Files.delete(file);
    assertThat(CoreConfigFile.read(root).identity().thingName()).isEqualTo("t");
    whole();
    Files.writeString(root.resolve("k"), "");
    CoreConfigFile c = CoreConfigFile.read(root);
    assertThat(c.identity().thingName()).isEqualTo("t");
    assertThat(c.identity().cloud()).isFalse();
    assertThat(c.problem()).contains("holds no PEM private key").contains("without its cloud");
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
    whole();
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

  @Test
  void theUserThatIsGivenAtTheStartCountsOnlyWhereTheFileNamesNoneNUC_05() {
    CoreConfigFile without = CoreConfigFile.read(root).withDefaultUser("anna");
    assertThat(without.nucleus().at("/runWithDefault/posixUser").asString()).isEqualTo("anna");
    assertThat(without.withDefaultUser("bert").nucleus().at("/runWithDefault/posixUser").asString())
        .isEqualTo("anna");
    assertThat(CoreConfigFile.read(root).withDefaultUser(null).nucleus().isEmpty()).isTrue();
  }

  @Test
  void aPartOfAnIdentityIsNoMistakeWhenAClaimOrAPluginGivesTheRestPRV_20() throws IOException {
    write("system: {rootCaPath: c, thingName: t}\nservices: {}\n");
    assertThatThrownBy(() -> CoreConfigFile.read(root)).hasMessageContaining("certificateFilePath");
    write(
        "system: {rootCaPath: c}\nservices: {aws.greengrass.FleetProvisioningByClaim: {configuration: {}}}\n");
    assertThat(CoreConfigFile.read(root).identity().cloud()).isFalse();
    write("system: {rootCaPath: c, thingName: t}\nservices: {}\n");
    Files.createDirectories(root.resolve("plugins/trusted"));
    Files.writeString(root.resolve("plugins/trusted/p"), "");
    assertThat(CoreConfigFile.read(root).identity().cloud()).isFalse();
  }
}
