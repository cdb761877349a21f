package io.ryegrass.objects;

import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * The folder of bodies that are being received. What a process left there, the next one removes.
 */
final class Staging {
  private final Path folder;

  Staging(Path folder) {
    this.folder = folder;
    DurableFiles.createDirectories(folder);
    try (Stream<Path> left = Files.list(folder)) {
      for (Path file : left.toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw S3Exception.io("emptying " + folder, e);
    }
  }

  Path newFile() {
    return folder.resolve(UUID.randomUUID().toString());
  }

  /**
   * Receives a body.
   *
   * @throws S3Exception {@code EntityTooLarge} when it is longer than maxBytes
   */
  StagedObject receive(InputStream body, long maxBytes, Checksums checksums) {
    Path file = newFile();
    boolean done = false;
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      byte[] buffer = new byte[1 << 16];
      long size = 0;
      for (int n = read(body, buffer); n >= 0; n = read(body, buffer)) {
        size += n;
        if (size > maxBytes) {
          throw new S3Exception(
                  "EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
              .with("MaxSizeAllowed", Long.toString(maxBytes));
        }
        checksums.update(buffer, 0, n);
        ByteBuffer out = ByteBuffer.wrap(buffer, 0, n);
        while (out.hasRemaining()) {
          channel.write(out);
        }
      }
      done = true;
      return new StagedObject(file, size, checksums.result());
    } catch (IOException e) {
      throw S3Exception.io("storing the body", e);
    } finally {
      if (!done) {
        discard(file);
      }
    }
  }

  /** A client that goes away in the middle is no fault of ours. */
  private static int read(InputStream body, byte[] buffer) {
    try {
      return body.read(buffer);
    } catch (IOException e) {
      throw new S3Exception(
          "IncompleteBody", 400, "The request body ended early: " + e.getMessage(), e);
    }
  }

  void discard(StagedObject staged) {
    discard(staged.file());
  }

  /** Nothing here needs to be durably gone: the next start would remove it. */
  void discard(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw S3Exception.io("removing " + file, e);
    }
  }
}
