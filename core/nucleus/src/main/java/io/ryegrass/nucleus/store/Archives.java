package io.ryegrass.nucleus.store;

import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Unpacks an archive by what it is, not by what it is called: ZIP, TAR, or TAR packed with gzip.
 */
final class Archives {
  private Archives() {}

  /**
   * Unpacks into an existing empty folder.
   *
   * @throws NucleusException IO_UNZIP_ERROR
   */
  static void unpack(Path archive, Path target) {
    unpack(archive, target, Long.MAX_VALUE);
  }

  /**
   * The same on a disk with little room.
   *
   * @param room bytes that it may take there
   * @throws NucleusException IO_UNZIP_ERROR, or DISK_SPACE_CRITICAL when the room is not enough
   */
  static void unpack(Path archive, Path target, long room) {
    ZipUnpacker.Limits limits = ZipUnpacker.Limits.DEFAULT.within(room);
    byte[] head = new byte[512];
    int n;
    try (InputStream in = Files.newInputStream(archive)) {
      n = in.readNBytes(head, 0, head.length);
    } catch (IOException e) {
      throw new NucleusException(
          "IO_UNZIP_ERROR", "Cannot read " + archive + " (" + e.getMessage() + ").", e);
    }
    boolean gzip = n > 2 && (head[0] & 0xFF) == 0x1F && (head[1] & 0xFF) == 0x8B;
    boolean tar = n == 512 && head[257] == 'u' && head[258] == 's' && head[259] == 't';
    if (gzip || tar) {
      TarUnpacker.unpack(archive, target, gzip, limits);
    } else {
      ZipUnpacker.unpack(archive, target, limits);
    }
  }
}
