package io.ryegrass.nucleus.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.nucleus.NucleusException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
}
