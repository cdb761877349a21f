package io.ryegrass.nucleus.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.nucleus.NucleusException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives that mean harm. */
class ZipUnpackerTest {
  @TempDir Path temp;
  private Path target;

  @BeforeEach
  void folder() throws IOException {
    target = Files.createDirectory(temp.resolve("target"));
  }

  private byte[] zip(String... names) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream z = new ZipOutputStream(out)) {
      for (String name : names) {
        z.putNextEntry(new ZipEntry(name));
        z.write(new byte[1000]);
        z.closeEntry();
      }
    }
    return out.toByteArray();
  }

  private void unpack(byte[] zip, ZipUnpacker.Limits limits) throws IOException {
    Path file = temp.resolve("a.zip");
    Files.write(file, zip);
    ZipUnpacker.unpack(file, target, limits);
  }

  @Test
  void an_ordinary_archive_is_unpacked() throws IOException {
    unpack(zip("a.txt", "d/e/f.txt"), ZipUnpacker.Limits.DEFAULT);
    assertThat(target.resolve("d/e/f.txt")).hasSize(1000);
  }

  @Test
  void names_that_leave_the_folder_are_refused() throws IOException {
    for (String name : new String[] {"../evil", "a/../../evil", "/etc/evil", "a\\..\\evil", ".."}) {
      assertThatThrownBy(() -> unpack(zip(name), ZipUnpacker.Limits.DEFAULT))
          .as(name)
          .isInstanceOf(NucleusException.class);
    }
    assertThat(temp.resolve("evil")).doesNotExist();
  }

  @Test
  void a_symbolic_link_is_refused() throws IOException {
    byte[] bytes = zip("link");
    ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < bytes.length - 46; i++) {
      if (b.getInt(i) == 0x02014b50) {
        b.put(i + 5, (byte) 3);
        b.putInt(i + 38, 0xA1FF << 16);
      }
    }
    assertThatThrownBy(() -> unpack(bytes, ZipUnpacker.Limits.DEFAULT))
        .hasMessageContaining("symbolic link");
    assertThat(target).isEmptyDirectory();
  }

  @Test
  void an_archive_that_unpacks_to_more_than_allowed_is_refused() throws IOException {
    assertThatThrownBy(() -> unpack(zip("a", "b", "c"), new ZipUnpacker.Limits(10, 2500)))
        .hasMessageContaining("2500 bytes");
    assertThatThrownBy(() -> unpack(zip("d", "e", "f"), new ZipUnpacker.Limits(2, 1 << 20)))
        .hasMessageContaining("2 entries");
  }

  @Test
  void something_else_than_an_archive_is_one_sentence() {
    assertThatThrownBy(() -> unpack(new byte[100], ZipUnpacker.Limits.DEFAULT))
        .isInstanceOf(NucleusException.class)
        .hasMessageContaining("a.zip");
  }

  /** The size that the archive gives of itself is not believed. */
  @Test
  void an_entry_that_is_larger_than_it_says_is_given_up_at_the_limit() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream z = new ZipOutputStream(out)) {
      z.putNextEntry(new ZipEntry("bomb"));
      z.write(new byte[8 << 20]);
    }
    byte[] bytes = out.toByteArray();
    ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < bytes.length - 46; i++) {
      if (b.getInt(i) == 0x02014b50) {
        b.putInt(i + 24, 10);
      }
    }
    assertThatThrownBy(() -> unpack(bytes, new ZipUnpacker.Limits(10, 1 << 20)))
        .hasMessageContaining("more than 1048576 bytes");
    assertThat(Files.size(target.resolve("bomb"))).isLessThanOrEqualTo(1 << 20);
  }

  @Test
  void a_name_twice_a_name_with_NUL_and_a_file_where_a_folder_is_are_refused() throws IOException {
    byte[] twice = zip("name-a", "name-b");
    for (int i = 0; i < twice.length - 6; i++) {
      if (new String(twice, i, 6, StandardCharsets.ISO_8859_1).equals("name-b")) {
        twice[i + 5] = 'a';
      }
    }
    for (byte[] bytes :
        new byte[][] {twice, zip("a\0b"), zip("x", "x/y"), zip("n".repeat(300)), zip("z/y", "z")}) {
      assertThatThrownBy(() -> unpack(bytes, ZipUnpacker.Limits.DEFAULT))
          .isInstanceOf(NucleusException.class)
          .extracting(e -> ((NucleusException) e).code())
          .isEqualTo("IO_UNZIP_ERROR");
    }
  }

  @Test
  void an_archive_that_is_cut_off_is_refused() throws IOException {
    byte[] whole = zip("a", "b");
    for (int length : new int[] {whole.length - 1, whole.length / 2, 10, 0}) {
      assertThatThrownBy(
              () -> unpack(java.util.Arrays.copyOf(whole, length), ZipUnpacker.Limits.DEFAULT))
          .as("%s bytes", length)
          .isInstanceOf(NucleusException.class);
    }
  }

  /** It would be held in memory, by us and by java.util.zip, in a heap of 96 MB. */
  @Test
  void a_central_directory_of_millions_of_entries_is_refused_unread() throws IOException {
    Path file = temp.resolve("many.zip");
    ByteBuffer end = ByteBuffer.allocate(22).order(ByteOrder.LITTLE_ENDIAN);
    end.putInt(0x06054b50).putInt(0).putShort((short) -1).putShort((short) -1).putInt(40 << 20);
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.seek(40 << 20);
      out.write(end.array());
    }
    assertThatThrownBy(() -> ZipUnpacker.unpack(file, target, ZipUnpacker.Limits.DEFAULT))
        .hasMessageContaining("central directory that is too large");
  }
}
