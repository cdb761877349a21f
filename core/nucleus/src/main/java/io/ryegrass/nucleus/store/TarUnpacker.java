package io.ryegrass.nucleus.store;

import io.ryegrass.nucleus.NucleusException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Unpacks a TAR file (POSIX ustar and pax, GNU's long names) from somebody we do not know, with the
 * refusals of {@link ZipUnpacker}: names that leave the folder, links and special files, more
 * entries or bytes than the limits, the same name twice.
 */
final class TarUnpacker {
  private static final int BLOCK = 512;
  private static final int MAX_NAME = 64 << 10;

  private final Path archive;
  private final Path target;
  private final ZipUnpacker.Limits limits;
  private final byte[] buffer = new byte[64 << 10];
  private long bytes;
  private int entries;

  private TarUnpacker(Path archive, Path target, ZipUnpacker.Limits limits) {
    this.archive = archive;
    this.target = target;
    this.limits = limits;
  }

  /**
   * Unpacks into an existing empty folder.
   *
   * @throws NucleusException IO_UNZIP_ERROR
   */
  static void unpack(Path archive, Path target, boolean gzip, ZipUnpacker.Limits limits) {
    try (InputStream file = new BufferedInputStream(Files.newInputStream(archive));
        InputStream in = gzip ? new GZIPInputStream(file, 64 << 10) : file) {
      new TarUnpacker(archive, target, limits).all(in);
    } catch (IOException e) {
      throw new NucleusException(
          "IO_UNZIP_ERROR",
          archive.getFileName()
              + " cannot be unpacked as a TAR file ("
              + (e.getMessage() == null ? e.toString() : e.getMessage())
              + "); check the file, and space and rights in "
              + target
              + ".",
          e);
    }
  }

  private void all(InputStream in) throws IOException {
    byte[] head = new byte[BLOCK];
    String longName = null;
    while (true) {
      int n = in.readNBytes(head, 0, BLOCK);
      if (n == 0 || isEnd(head)) {
        if (entries == 0 && n == 0) {
          throw new EOFException("it is empty");
        }
        return;
      }
      if (n < BLOCK || checksum(head) != number(head, 148, 8)) {
        throw new IOException("it is damaged, or no TAR file");
      }
      count(BLOCK);
      long size = number(head, 124, 12);
      char type = (char) head[156];
      switch (type) {
        case 'x' -> longName = paxName(text(in, size), longName);
        case 'g' -> text(in, size);
        case 'L' -> longName = ZipUnpacker.untilNul(text(in, size));
        case '0', '\0', '7', '5' -> {
          if (++entries > limits.entries()) {
            throw ZipUnpacker.refused(archive, "has more than " + limits.entries() + " entries");
          }
          entry(in, longName == null ? name(head) : longName, type == '5', size);
          longName = null;
        }
        default ->
            throw ZipUnpacker.refused(archive, "holds a symbolic link or another special file");
      }
    }
  }

  private void entry(InputStream in, String name, boolean folder, long size) throws IOException {
    boolean isFolder = folder || name.endsWith("/");
    String plain = name.startsWith("./") ? name.substring(2) : name;
    if (plain.isEmpty() || plain.equals(".")) {
      skip(in, size);
      return;
    }
    Path file =
        ZipUnpacker.inside(archive, target, isFolder && !plain.endsWith("/") ? plain + "/" : plain);
    if (isFolder) {
      Files.createDirectories(file);
      skip(in, size);
      return;
    }
    Files.createDirectories(java.util.Objects.requireNonNull(file.getParent()));
    if (Files.exists(file)) {
      throw ZipUnpacker.refused(archive, "holds \"" + name + "\" twice");
    }
    count(size);
    long left = size;
    try (OutputStream out = Files.newOutputStream(file)) {
      while (left > 0) {
        int n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (n < 0) {
          throw new EOFException("it ends within " + name);
        }
        out.write(buffer, 0, n);
        left -= n;
      }
    }
    in.skipNBytes(padding(size));
  }

  private void skip(InputStream in, long size) throws IOException {
    count(size);
    in.skipNBytes(size + padding(size));
  }

  /**
   * Counts what is about to be read, heads and long names too: an archive of nothing but these has
   * an end as well. Written so that no size overflows the count.
   */
  private void count(long size) {
    if (size > limits.bytes() - bytes) {
      throw ZipUnpacker.tooLarge(archive, limits);
    }
    bytes += size;
  }

  private static long padding(long size) {
    return (BLOCK - size % BLOCK) % BLOCK;
  }

  private String text(InputStream in, long size) throws IOException {
    if (size > MAX_NAME) {
      throw new IOException("a name in it has " + size + " bytes");
    }
    count(size);
    byte[] text = in.readNBytes((int) size);
    if (text.length < size) {
      throw new EOFException("it ends within a name");
    }
    in.skipNBytes(padding(size));
    return new String(text, StandardCharsets.UTF_8);
  }

  /** Records {@code "<length> <key>=<value>\n"}; only the path counts here. */
  private static @Nullable String paxName(String records, @Nullable String before) {
    String name = before;
    for (String line : records.split("\n", -1)) {
      int space = line.indexOf(' ');
      if (space > 0 && line.startsWith("path=", space + 1)) {
        name = line.substring(space + "path=".length() + 1);
      }
    }
    return name;
  }

  private static String name(byte[] head) {
    String name = field(head, 0, 100);
    String prefix = head[257] == 'u' && head[262] == 0 ? field(head, 345, 155) : "";
    return prefix.isEmpty() ? name : prefix + "/" + name;
  }

  private static String field(byte[] head, int at, int length) {
    return ZipUnpacker.untilNul(new String(head, at, length, StandardCharsets.UTF_8));
  }

  /** Octal digits, or, with the first bit set, a number in base 256 (GNU). */
  private static long number(byte[] head, int at, int length) throws IOException {
    if ((head[at] & 0x80) != 0) {
      long value = head[at] & 0x7F;
      for (int i = 1; i < length; i++) {
        if (value > Long.MAX_VALUE >> 8) {
          throw new IOException("a number in it is too large");
        }
        value = value << 8 | head[at + i] & 0xFF;
      }
      return value;
    }
    String digits = field(head, at, length).strip();
    long value = 0;
    for (int i = 0; i < digits.length(); i++) { // at most twelve, so the value fits
      int digit = digits.charAt(i) - '0';
      if (digit < 0 || digit > 7) { // a sign, too: no size is negative
        throw new IOException("it is damaged, or no TAR file");
      }
      value = value << 3 | digit;
    }
    return value;
  }

  private static long checksum(byte[] head) {
    long sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      sum += i >= 148 && i < 156 ? ' ' : head[i] & 0xFF;
    }
    return sum;
  }

  private static boolean isEnd(byte[] head) {
    for (byte b : head) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }
}
