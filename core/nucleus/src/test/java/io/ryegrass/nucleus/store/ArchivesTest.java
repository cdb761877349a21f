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
    return entry('0', name, "%011o\0".formatted(size).getBytes(StandardCharsets.US_ASCII), content);
  }

  private static byte[] entry(char type, String name, byte[] size, byte[] content) {
    byte[] head = new byte[512];
    System.arraycopy(name.getBytes(StandardCharsets.UTF_8), 0, head, 0, name.length());
    put(head, 100, "0000644\0");
    System.arraycopy(size, 0, head, 124, size.length);
    head[156] = (byte) type;
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
    assertThat(out).isEmptyDirectory();
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

  // ---- archives that mean harm

  private static byte[] joined(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private static byte[] octal(long size) {
    return "%011o\0".formatted(size).getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }

  private void refused(byte[] archive, String why) throws IOException {
    Path file = temp.resolve("harm");
    Files.write(file, archive);
    assertThatThrownBy(() -> Archives.unpack(file, target()))
        .isInstanceOf(NucleusException.class)
        .hasMessageContaining("harm ")
        .hasMessageContaining(why)
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo("IO_UNZIP_ERROR");
  }

  /** Hard and symbolic links, devices, a FIFO, sparse files and long names of links. */
  @ParameterizedTest
  @ValueSource(chars = {'1', '2', '3', '4', '6', 'S', 'K'})
  void an_entry_that_is_no_file_and_no_folder_is_refused(char type) throws Exception {
    byte[] head = entry(type, "thing", octal(0), new byte[0]);
    refused(
        joined(head, entry("thing/evil", 1, new byte[] {1})),
        "a symbolic link or another special file");
    assertThat(target()).isEmptyDirectory();
  }

  /** By the real tar, whose heads of hard links and FIFOs are what people meet. */
  @Test
  void a_hard_link_and_a_FIFO_that_tar_has_packed_are_refused() throws Exception {
    Path in = Files.createDirectories(temp.resolve("in"));
    Files.writeString(in.resolve("one"), "1");
    Files.createLink(in.resolve("two"), in.resolve("one"));
    assertThat(new ProcessBuilder("mkfifo", in.resolve("pipe").toString()).start().waitFor())
        .isZero();
    refused(Files.readAllBytes(tar("gnu", true, "one", "two")), "special file");
    refused(Files.readAllBytes(tar("gnu", true, "pipe")), "special file");
  }

  @Test
  void ten_gigabytes_of_zeros_are_refused_before_the_first_is_written() throws Exception {
    long size = 10L << 30;
    byte[] size256 = java.nio.ByteBuffer.allocate(12).putInt(0x80000000).putLong(size).array();
    byte[] zeros = gzip(new byte[16 << 20]); // members of gzip follow each other
    Path file = temp.resolve("bomb.tar.gz");
    try (var out = Files.newOutputStream(file)) {
      out.write(gzip(entry('0', "bomb", size256, new byte[0])));
      for (long written = 0; written < size; written += 16 << 20) {
        out.write(zeros);
      }
    }
    assertThat(Files.size(file)).isLessThan(20 << 20);
    assertThatThrownBy(() -> Archives.unpack(file, target()))
        .hasMessageContaining("more than 2147483648 bytes");
    assertThat(target()).isEmptyDirectory();
  }

  /** A folder of 2^63-1 bytes made the count negative, and with it the limit endless. */
  @Test
  void no_size_turns_the_count_of_bytes_round() throws Exception {
    byte[] size256 =
        java.nio.ByteBuffer.allocate(12).putInt(0x80000000).putLong(Long.MAX_VALUE).array();
    refused(
        joined(
            entry("one", 1, new byte[] {1}),
            entry('5', "folder", size256, new byte[0]),
            entry("bomb", 600, new byte[600])),
        "more than 2147483648 bytes");
    refused(
        entry('0', "bomb", "-0000000001\0".getBytes(StandardCharsets.US_ASCII), new byte[0]),
        "damaged");
  }

  @Test
  void an_archive_of_heads_without_an_end_and_one_of_countless_entries_are_given_up()
      throws Exception {
    Path file = temp.resolve("heads.tar.gz");
    byte[] comment = entry('g', "g", octal(1024), new byte[1024]);
    byte[] heads = gzip(joined(comment, comment, comment, comment));
    try (var out = Files.newOutputStream(file)) {
      for (int i = 0; i < 1000; i++) {
        out.write(heads);
      }
    }
    Path out = target();
    assertThatThrownBy(
            () -> TarUnpacker.unpack(file, out, true, new ZipUnpacker.Limits(10, 1 << 20)))
        .hasMessageContaining("more than 1048576 bytes");
    byte[] three =
        joined(entry("a", 0, new byte[0]), entry("b", 0, new byte[0]), entry("c", 0, new byte[0]));
    Files.write(file, three);
    assertThatThrownBy(
            () -> TarUnpacker.unpack(file, out, false, new ZipUnpacker.Limits(2, 1 << 20)))
        .hasMessageContaining("more than 2 entries");
  }

  @Test
  void a_name_twice_and_a_file_where_a_folder_is_are_refused() throws Exception {
    byte[] a = entry("a", 1, new byte[] {1});
    refused(joined(a, entry("./a", 1, new byte[] {2})), "twice");
    assertThat(target().resolve("a")).hasBinaryContent(new byte[] {1});
    Files.delete(target().resolve("a"));
    refused(joined(entry("b/c", 1, new byte[] {1}), entry("b", 1, new byte[] {2})), "twice");
    refused(joined(a, entry("a/c", 1, new byte[] {1})), "cannot be unpacked");
  }

  @Test
  void names_with_NUL_and_names_that_no_file_system_takes_are_refused() throws Exception {
    byte[] file = entry("short", 1, new byte[] {1});
    for (String name : new String[] {"a\0b", "n".repeat(300), "d/".repeat(3000) + "f"}) {
      String record = " path=" + name + "\n";
      byte[] pax = (record.length() + 4 + record).getBytes(StandardCharsets.UTF_8);
      refused(joined(entry('x', "pax", octal(pax.length), pax), file), "");
    }
    refused(
        joined(entry('x', "pax", octal(1 << 20), new byte[1 << 20]), file),
        "a name in it has 1048576 bytes");
    try (var walk = Files.walk(target())) {
      assertThat(walk.filter(Files::isRegularFile)).isEmpty();
    }
  }

  @Test
  void an_archive_that_is_cut_off_or_is_something_else_is_told_in_one_sentence() throws Exception {
    byte[] random = new byte[50_000];
    new java.util.Random(1).nextBytes(random);
    byte[] whole = gzip(entry("file", random.length, random));
    refused(java.util.Arrays.copyOf(whole, whole.length / 2), "cannot be unpacked as a TAR file");
    refused(gzip("no TAR file at all".getBytes(StandardCharsets.UTF_8)), "damaged, or no TAR");
    refused("a page that says 404".getBytes(StandardCharsets.UTF_8), "no central directory");
    refused(new byte[0], "no central directory");
  }

  @Test
  void an_archive_for_which_there_is_no_room_does_not_fill_the_disk() throws Exception {
    Path file = temp.resolve("large");
    byte[] content = new byte[2 << 20];
    Files.write(file, gzip(entry("file", content.length, content)));
    assertThatThrownBy(() -> Archives.unpack(file, target(), 1 << 20))
        .hasMessageContaining("large unpacks to more than the 1 MiB that there is room for")
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo("DISK_SPACE_CRITICAL");
    assertThat(target()).isEmptyDirectory();
  }
}
