package io.ryegrass.eventstream;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The address of a socket file whose path may be longer than the 108 bytes (one of them a final
 * zero) that the kernel takes.
 *
 * <p>A long path is reached by a symbolic link to its folder from a short-lived private folder: the
 * socket file itself appears at the long path, and the link may go as soon as {@code bind} or
 * {@code connect} returned.
 */
final class SocketPath implements AutoCloseable {
  static final int MAX_BYTES = 107;

  private final UnixDomainSocketAddress address;
  private final Path folder;
  private final boolean linked;

  private SocketPath(UnixDomainSocketAddress address, Path folder, boolean linked) {
    this.address = address;
    this.folder = folder;
    this.linked = linked;
  }

  static boolean fits(Path path) {
    return path.toString().getBytes(StandardCharsets.UTF_8).length <= MAX_BYTES;
  }

  static SocketPath of(Path path) throws IOException {
    Path absolute = path.toAbsolutePath().normalize();
    if (fits(absolute)) {
      return new SocketPath(UnixDomainSocketAddress.of(absolute), absolute, false);
    }
    Path parent = absolute.getParent();
    Path name = absolute.getFileName();
    if (parent == null || name == null) {
      throw new IOException("not a file: " + absolute);
    }
    Path folder = Files.createTempDirectory("rg");
    Path link = Files.createSymbolicLink(folder.resolve("l"), parent);
    return new SocketPath(UnixDomainSocketAddress.of(link.resolve(name)), folder, true);
  }

  UnixDomainSocketAddress address() {
    return address;
  }

  @Override
  public void close() {
    if (linked) {
      try {
        Files.deleteIfExists(folder.resolve("l"));
        Files.deleteIfExists(folder);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
