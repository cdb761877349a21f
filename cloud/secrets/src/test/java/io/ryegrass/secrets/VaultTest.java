package io.ryegrass.secrets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.DecryptionFailureException;

/** What is on the disk, and what happens to it when keys change or are missing. */
class VaultTest {
  private static final String VALUE = "correct-horse-battery-staple";

  @TempDir Path folder;

  private List<String> keyLines() throws IOException {
    return Files.readAllLines(folder.resolve("secrets.key")).stream()
        .filter(line -> !line.startsWith("#"))
        .toList();
  }

  private boolean onDisk(String text) throws IOException {
    String base64 =
        java.util.Base64.getEncoder()
            .withoutPadding()
            .encodeToString(text.getBytes(StandardCharsets.UTF_8));
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String content = Files.readString(file, StandardCharsets.ISO_8859_1);
        if (content.contains(text) || content.contains(base64)) {
          return true;
        }
      }
    }
    return false;
  }

  private static String value(SecretsManagerClient client, String id) {
    return client.getSecretValue(r -> r.secretId(id)).secretString();
  }

  @Test
  void valuesAreOnTheDiskEncryptedOnlyAndTheKeyIsForItsOwnerOnly() throws Exception {
    try (SecretsCloud cloud = new SecretsCloud(folder)) {
      SecretsManagerClient client = cloud.client();
      client.createSecret(r -> r.name("s").description("known words").secretString(VALUE));
      assertThat(onDisk("known words")).as("the search finds what is there").isTrue();
      assertThat(onDisk(VALUE)).isFalse();
      String key = keyLines().getFirst().split(" ")[1];
      assertThat(Files.readString(folder.resolve("cloud.db"), StandardCharsets.ISO_8859_1))
          .doesNotContain(key);
      assertThat(Files.getPosixFilePermissions(cloud.keyFile()))
          .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }
    try (SecretsCloud cloud = new SecretsCloud(folder)) {
      assertThat(value(cloud.client(), "s")).isEqualTo(VALUE);
    }
  }

  @Test
  void aMissingAForeignAndADamagedKeyFileAreNamedAtTheStart(@TempDir Path other) throws Exception {
    try (SecretsCloud cloud = new SecretsCloud(folder);
        SecretsCloud stranger = new SecretsCloud(other)) {
      cloud.client().createSecret(r -> r.name("s").secretString(VALUE));
      assertThat(stranger.secrets).isNotNull();
    }
    Path file = folder.resolve("secrets.key");
    byte[] good = Files.readAllBytes(file);
    Files.delete(file);
    assertThatThrownBy(() -> new SecretsCloud(folder))
        .isInstanceOf(SecretsException.class)
        .hasMessageContaining(file + " is missing")
        .hasMessageContaining("restore it from a backup");
    assertThat(file).as("no new key is made in the place of a lost one").doesNotExist();
    Files.copy(other.resolve("secrets.key"), file);
    assertThatThrownBy(() -> new SecretsCloud(folder))
        .isInstanceOf(SecretsException.class)
        .hasMessageContaining("is not the one of this database");
    Files.writeString(file, "abc def");
    assertThatThrownBy(() -> new SecretsCloud(folder))
        .isInstanceOf(SecretsException.class)
        .hasMessageContaining("is damaged");
    String id = new String(good, StandardCharsets.UTF_8).lines().toList().getLast().split(" ")[0];
    Files.writeString(file, id + " " + "A".repeat(43) + "=");
    assertThatThrownBy(() -> new SecretsCloud(folder))
        .as("the right id before another key")
        .hasMessageContaining("is not the one of this database");
    Files.write(file, good);
    try (SecretsCloud cloud = new SecretsCloud(folder)) {
      assertThat(value(cloud.client(), "s")).isEqualTo(VALUE);
    }
  }

  @Test
  void theMasterKeyChangesWhileOthersWriteAndTheOldOneIsNotNeededAfterwards() throws Exception {
    List<String> names = new ArrayList<>();
    try (SecretsCloud cloud = new SecretsCloud(folder)) {
      SecretsManagerClient client = cloud.client();
      client.createSecret(r -> r.name("first").secretString(VALUE));
      String before = keyLines().getFirst();
      AtomicBoolean done = new AtomicBoolean();
      Thread writer =
          Thread.ofVirtual()
              .start(
                  () -> {
                    for (int i = 0; !done.get() || i < 20; i++) {
                      String name = "s" + i;
                      client.createSecret(r -> r.name(name).secretString(VALUE + name));
                      names.add(name);
                    }
                  });
      for (int i = 0; i < 5; i++) {
        cloud.secrets.changeMasterKey();
      }
      done.set(true);
      writer.join();
      assertThat(keyLines()).hasSize(1).doesNotContain(before);
      assertThat(
              cloud.store.<Long>read(
                  sql -> sql.count("SELECT COUNT(DISTINCT key_id) AS n FROM secret_versions")))
          .isEqualTo(1);
    }
    assertThat(names).hasSizeGreaterThanOrEqualTo(20);
    try (SecretsCloud cloud = new SecretsCloud(folder)) {
      SecretsManagerClient client = cloud.client();
      assertThat(value(client, "first")).isEqualTo(VALUE);
      for (String name : names) {
        assertThat(value(client, name)).isEqualTo(VALUE + name);
      }
    }
  }

  /** The state that a process leaves that dies between the two writes of the key file. */
  @Test
  void aChangeThatWasCutOffIsFinishedByTheNextStart() throws Exception {
    Path file = folder.resolve("secrets.key");
    try (SecretsCloud cloud = new SecretsCloud(folder)) {
      cloud.client().createSecret(r -> r.name("s").secretString(VALUE));
    }
    String old = keyLines().getFirst();
    String key = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=";
    Files.writeString(file, "newkey " + key + "\n" + old + "\n");
    try (SecretsCloud cloud = new SecretsCloud(folder)) {
      assertThat(value(cloud.client(), "s")).isEqualTo(VALUE);
    }
    assertThat(keyLines()).containsExactly("newkey " + key);
    try (SecretsCloud cloud = new SecretsCloud(folder)) {
      assertThat(value(cloud.client(), "s")).isEqualTo(VALUE);
    }
  }

  @Test
  void anEnvelopeThatWasMovedToAnotherSecretDoesNotOpen() throws Exception {
    try (SecretsCloud cloud = new SecretsCloud(folder)) {
      SecretsManagerClient client = cloud.client();
      String token = "11111111-1111-1111-1111-111111111111";
      String mine =
          client
              .createSecret(r -> r.name("a").secretString("mine").clientRequestToken(token))
              .arn();
      String yours =
          client.createSecret(r -> r.name("b").secretString(VALUE).clientRequestToken(token)).arn();
      cloud.store.write(
          sql ->
              sql.update(
                  "UPDATE secret_versions SET data_key = (SELECT data_key FROM secret_versions"
                      + " WHERE arn = ?), value = (SELECT value FROM secret_versions WHERE arn ="
                      + " ?) WHERE arn = ?",
                  yours,
                  yours,
                  mine));
      assertThatThrownBy(() -> value(client, "a"))
          .isInstanceOf(DecryptionFailureException.class)
          .hasMessageContaining(mine)
          .message()
          .doesNotContain(VALUE);
      assertThat(value(client, "b")).isEqualTo(VALUE);
    }
  }
}
