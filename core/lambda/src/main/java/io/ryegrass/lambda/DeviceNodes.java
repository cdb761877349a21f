package io.ryegrass.lambda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.node.ArrayNode;

/**
 * Device nodes of the host, as a container is given them: the node itself, made anew inside with
 * its owner and mode, and the right to open it that the control group demands (LRA-03).
 */
final class DeviceNodes {
  private static final int TYPE = 0170000;
  private static final int CHARACTER = 0020000;
  private static final int BLOCK = 0060000;

  private DeviceNodes() {}

  /** The device, or all devices of a folder such as {@code /dev/bus/usb}. */
  static List<Path> below(Path path) throws IOException {
    try (Stream<Path> walk = Files.walk(path)) {
      return walk.filter(DeviceNodes::isDevice).toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static boolean isDevice(Path path) {
    try {
      int type = (int) Files.getAttribute(path, "unix:mode") & TYPE;
      return type == CHARACTER || type == BLOCK;
    } catch (IOException e) {
      return false; // unplugged just now
    }
  }

  /**
   * Adds one device to the lists of an OCI configuration.
   *
   * @param devices {@code linux.devices}
   * @param rules {@code linux.resources.devices}
   */
  static void add(Path path, boolean writable, ArrayNode devices, ArrayNode rules)
      throws IOException {
    int mode = (int) Files.getAttribute(path, "unix:mode");
    String type = (mode & TYPE) == BLOCK ? "b" : "c";
    long rdev = ((Number) Files.getAttribute(path, "unix:rdev")).longValue();
    // The encoding of Linux: 12 bits of major number between 8 and 12 bits of minor number.
    long major = ((rdev >>> 8) & 0xfff) | ((rdev >>> 32) & ~0xfffL);
    long minor = (rdev & 0xff) | ((rdev >>> 12) & ~0xffL);
    devices
        .addObject()
        .put("path", path.toString())
        .put("type", type)
        .put("major", major)
        .put("minor", minor)
        .put("fileMode", mode & 0777)
        .put("uid", (int) Files.getAttribute(path, "unix:uid"))
        .put("gid", (int) Files.getAttribute(path, "unix:gid"));
    rules
        .addObject()
        .put("allow", true)
        .put("type", type)
        .put("major", major)
        .put("minor", minor)
        .put("access", writable ? "rw" : "r");
  }
}
