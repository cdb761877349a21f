package io.ryegrass.nucleus.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.nucleus.NucleusException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** TAR archives, made by the real tar and by hand where tar would not make them. */
class ArchivesTest {
  @TempDir Path temp;

  private Path target() throws IOException {
    return Files.createDirectories(temp.resolve("out"));
  }

  private Path tar(String format, boolean gzip, String... names) throws Exception {
    Path archive = temp.resolve("a.tar");
    var command =
        new java.util.ArrayList<>(
            java.util.List.of(
                "tar", "--format=" + format, gzip ? "-czf" : "-cf", archive.toString()));
    command.addAll(java.util.List.of(names));
    Process p =
        new ProcessBuilder(command).directory(temp.resolve("in").toFile()).inheritIO().start();
    assertThat(p.waitFor()).isZero();
    return archive;
  }

  @ParameterizedTest
  @CsvSource({"ustar, false", "pax, true", "gnu, true", "gnu, false"})
  void an_archive_of_tar_is_unpacked_with_long_names_and_folders(String format, boolean gzip)
      throws Exception {
    String deep = "d".repeat(60) + "/" + "e".repeat(60);
    Files.createDirectories(temp.resolve("in").resolve(deep));
    byte[] big = new byte[70_001];
    new java.util.Random(1).nextBytes(big);
    Files.write(temp.resolve("in").resolve(deep).resolve("long.bin"), big);
    Files.writeString(temp.resolve("in/plain.txt"), "plain");
    Files.createDirectories(temp.resolve("in/empty"));
    Path archive = tar(format, gzip, ".");
    Archives.unpack(archive, target());
    assertThat(target().resolve("plain.txt")).hasContent("plain");
    assertThat(target().resolve(deep).resolve("long.bin")).hasBinaryContent(big);
    assertThat(target().resolve("empty")).isEmptyDirectory();
  }

  @Test
  void a_symbolic_link_in_a_TAR_is_refused() throws Exception {
    Files.createDirectories(temp.resolve("in"));
    Files.createSymbolicLink(temp.resolve("in/link"), Path.of("/etc/passwd"));
    Path archive = tar("ustar", false, "link");
    assertThatThrownBy(() -> Archives.unpack(archive, target()))
        .isInstanceOf(NucleusException.class)
        .hasMessageContaining("symbolic link");
  }

  private static byte[] entry(String name, long size, byte[] content) {
    byte[] head = new byte[512];
    System.arraycopy(name.getBytes(StandardCharsets.UTF_8), 0, head, 0, name.length());
    put(head, 100, "0000644\0");
    put(head, 124, "%011o\0".formatted(size));
    head[156] = '0';
    put(head, 257, "ustar\00000");
    put(head, 148, "        ");
    int sum = 0;
    for (byte b : head) {
      sum += b & 0xFF;
    }
    put(head, 148, "%06o\0 ".formatted(sum));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(head);
    out.writeBytes(content);
    out.writeBytes(new byte[(512 - content.length % 512) % 512]);
    return out.toByteArray();
  }

  private static void put(byte[] head, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(bytes, 0, head, at, bytes.length);
  }

  @ParameterizedTest
  @ValueSource(strings = {"../evil", "/etc/evil", "a/../../evil", "a\\..\\b"})
  void a_name_that_leaves_the_folder_is_refused(String name) throws Exception {
    Path archive = temp.resolve("evil.tar");
    Files.write(archive, entry(name, 1, new byte[] {1}));
    assertThatThrownBy(() -> Archives.unpack(archive, target()))
        .isInstanceOf(NucleusException.class)
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo("IO_UNZIP_ERROR");
    assertThat(temp.resolve("evil")).doesNotExist();
  }

  @Test
  void a_bomb_is_given_up_at_the_limit() throws Exception {
    Path archive = temp.resolve("bomb.tar.gz");
    try (var out = new GZIPOutputStream(Files.newOutputStream(archive))) {
      out.write(entry("bomb", 8L << 20, new byte[8 << 20]));
    }
    Path out = target();
    assertThatThrownBy(
            () -> TarUnpacker.unpack(archive, out, true, new ZipUnpacker.Limits(10, 1 << 20)))
        .hasMessageContaining("more than 1048576 bytes");
    assertThat(Files.size(out.resolve("bomb"))).isLessThanOrEqualTo(1 << 20);
  }

  @Test
  void a_truncated_and_a_damaged_archive_are_told() throws Exception {
    byte[] whole = entry("file", 2000, new byte[2000]);
    Path archive = temp.resolve("cut.tar");
    Files.write(archive, java.util.Arrays.copyOf(whole, 1500));
    assertThatThrownBy(() -> Archives.unpack(archive, target()))
        .hasMessageContaining("ends within");
    whole[3] ^= 1;
    Files.write(archive, whole);
    assertThatThrownBy(() -> Archives.unpack(archive, target())).hasMessageContaining("damaged");
  }
}
