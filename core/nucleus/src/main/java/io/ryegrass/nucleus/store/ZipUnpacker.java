package io.ryegrass.nucleus.store;

import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * Unpacks an archive from somebody we do not know. Refused: names that leave the folder, symbolic
 * links and other special files, more entries or more bytes than the limits (counted while
 * unpacking; the archive's own figures are not believed), a file where a folder is, and the same
 * name twice.
 */
final class ZipUnpacker {
  /**
   * Bounds of what one archive may unpack to.
   *
   * @param disk whether it is the room on the disk that bounds the bytes
   */
  record Limits(int entries, long bytes, boolean disk) {
    static final Limits DEFAULT = new Limits(100_000, 2L << 30);

    Limits(int entries, long bytes) {
      this(entries, bytes, false);
    }

    /** These, and no more than there is room for: an archive does not fill a device's disk. */
    Limits within(long room) {
      return room < bytes ? new Limits(entries, Math.max(0, room), true) : this;
    }
  }

  /**
   * A central directory with more bytes than this is not looked at: it is held in memory, by us and
   * by java.util.zip, and the core's heap is small. A hundred thousand entries with names of a
   * hundred letters fit.
   */
  private static final int LARGEST_DIRECTORY = 16 << 20;

  private static final int CENTRAL_HEADER = 0x02014b50;
  private static final int END_RECORD = 0x06054b50;

  private ZipUnpacker() {}

  /**
   * Unpacks into an existing empty folder.
   *
   * @throws NucleusException IO_UNZIP_ERROR
   */
  static void unpack(Path archive, Path target, Limits limits) {
    long bytes = 0;
    int entries = 0;
    byte[] buffer = new byte[64 << 10];
    try {
      refuseSpecialFiles(archive);
      try (ZipFile zip = new ZipFile(archive.toFile())) {
        Enumeration<? extends ZipEntry> all = zip.entries();
        while (all.hasMoreElements()) {
          ZipEntry entry = all.nextElement();
          if (++entries > limits.entries()) {
            throw refused(archive, "has more than " + limits.entries() + " entries");
          }
          Path file = inside(archive, target, entry.getName());
          if (entry.isDirectory()) {
            Files.createDirectories(file);
            continue;
          }
          Files.createDirectories(java.util.Objects.requireNonNull(file.getParent()));
          if (Files.exists(file)) {
            throw refused(archive, "holds \"" + entry.getName() + "\" twice");
          }
          try (InputStream in = zip.getInputStream(entry);
              OutputStream out = Files.newOutputStream(file)) {
            int n;
            while ((n = in.read(buffer)) > 0) {
              bytes += n;
              if (bytes > limits.bytes()) {
                throw tooLarge(archive, limits);
              }
              out.write(buffer, 0, n);
            }
          }
        }
      }
    } catch (ZipException e) {
      throw new NucleusException(
          "IO_UNZIP_ERROR",
          archive.getFileName() + " is not a usable ZIP file: " + e.getMessage(),
          e);
    } catch (IOException e) {
      throw new NucleusException(
          "IO_UNZIP_ERROR",
          "Cannot unpack "
              + archive
              + " to "
              + target
              + " ("
              + e.getMessage()
              + "); check space and rights there.",
          e);
    }
  }

  static Path inside(Path archive, Path target, String name) {
    if (name.isEmpty()
        || name.startsWith("/")
        || name.indexOf('\\') >= 0
        || name.indexOf('\0') >= 0) {
      throw refused(archive, "holds the name \"" + name + "\"");
    }
    Path file;
    try {
      file = target.resolve(name).normalize();
    } catch (InvalidPathException e) {
      throw refused(archive, "holds the name \"" + name + "\", which cannot be had here");
    }
    for (String part : name.split("/")) {
      if (part.equals("..")) {
        throw refused(archive, "holds \"" + name + "\", which leaves the folder");
      }
    }
    if (!file.startsWith(target) || (file.equals(target) && !name.endsWith("/"))) {
      throw refused(archive, "holds \"" + name + "\", which leaves the folder");
    }
    return file;
  }

  static String untilNul(String text) {
    int end = text.indexOf('\0');
    return end < 0 ? text : text.substring(0, end);
  }

  static NucleusException tooLarge(Path archive, Limits limits) {
    return limits.disk()
        ? new NucleusException(
            "DISK_SPACE_CRITICAL",
            archive.getFileName()
                + " unpacks to more than the "
                + (limits.bytes() >> 20)
                + " MiB that there is room for where "
                + archive.getParent()
                + " is, when 20 MiB stay free; free some space.")
        : refused(archive, "unpacks to more than " + limits.bytes() + " bytes");
  }

  static NucleusException refused(Path archive, String why) {
    return new NucleusException(
        "IO_UNZIP_ERROR", archive.getFileName() + " is refused: it " + why + ".");
  }

  /**
   * Reads the file types of entries made on Unix from the central directory, which java.util.zip
   * does not show.
   */
  private static void refuseSpecialFiles(Path archive) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(archive.toFile(), "r")) {
      long length = file.length();
      int tail = (int) Math.min(length, 65_557);
      byte[] end = new byte[tail];
      file.seek(length - tail);
      file.readFully(end);
      ByteBuffer b = ByteBuffer.wrap(end).order(ByteOrder.LITTLE_ENDIAN);
      int at = tail - 22;
      while (at >= 0 && b.getInt(at) != END_RECORD) {
        at--;
      }
      if (at < 0) {
        throw refused(archive, "has no central directory");
      }
      long size = Integer.toUnsignedLong(b.getInt(at + 12));
      long offset = Integer.toUnsignedLong(b.getInt(at + 16));
      if (size > LARGEST_DIRECTORY || offset == 0xFFFFFFFFL || offset + size > length) {
        throw refused(
            archive, "has a central directory that is too large or lies outside the file");
      }
      byte[] central = new byte[(int) size];
      file.seek(offset);
      file.readFully(central);
      ByteBuffer c = ByteBuffer.wrap(central).order(ByteOrder.LITTLE_ENDIAN);
      int p = 0;
      while (p + 46 <= central.length && c.getInt(p) == CENTRAL_HEADER) {
        int madeOn = (c.getShort(p + 4) >> 8) & 0xFF;
        int type = (c.getInt(p + 38) >>> 16) & 0xF000;
        if (madeOn == 3 && type != 0 && type != 0x8000 && type != 0x4000) {
          throw refused(archive, "holds a symbolic link or another special file");
        }
        p +=
            46
                + Short.toUnsignedInt(c.getShort(p + 28))
                + Short.toUnsignedInt(c.getShort(p + 30))
                + Short.toUnsignedInt(c.getShort(p + 32));
      }
    }
  }
}
