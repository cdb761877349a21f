package io.ryegrass.nucleus.deploy;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Room on the disk that is kept for the moment when there is none: a file that is given up so that
 * a deployment can be taken back and its end be written down although the disk is full. Without it
 * the way back would need what the way forward has used up.
 *
 * <p>Losing the file at any moment costs nothing but the room; it is made again when the disk has
 * some.
 */
final class Reserve {
  private static final Logger LOG = LoggerFactory.getLogger(Reserve.class);
  private static final int BYTES = 256 << 10;

  /** Others need room before this file does. */
  private static final long LEFT_FOR_OTHERS = 4L * BYTES;

  private final Path file;

  Reserve(Path folder) {
    this.file = folder.resolve("reserve");
  }

  /** Makes it when it is not there and the disk has room. */
  void fill() {
    try {
      if (Files.exists(file) && Files.size(file) == BYTES) {
        return;
      }
      Path folder = file.toAbsolutePath().getParent();
      if (folder == null || Files.getFileStore(folder).getUsableSpace() < LEFT_FOR_OTHERS) {
        return;
      }
      byte[] bytes = new byte[BYTES];
      new java.util.Random(BYTES).nextBytes(bytes); // a disk that compresses keeps room for it, too
      DurableFiles.writeAtomically(file, bytes);
    } catch (IOException | DurableException e) {
      LOG.debug("No room is kept for a full disk: {}", e.getMessage());
    }
  }

  /** Gives the room up; false when there is none to give. */
  boolean release() {
    try {
      boolean had = Files.deleteIfExists(file);
      if (had) {
        LOG.warn("The disk of {} is full; the room kept for that is used now", file.getParent());
      }
      return had;
    } catch (IOException e) {
      LOG.warn("The room kept in {} cannot be given up: {}", file, e.getMessage());
      return false;
    }
  }
}
