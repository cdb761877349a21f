package io.ryegrass.lambda;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The root file system of a function's container: a read-only view of the host's
 * (v1-lambda-runtime.md section 2.2), with mount points in it wherever the function has something.
 *
 * <p>Each folder at the top of the host's is bound, alone: file systems mounted below it stay out,
 * as they do of an overlay, but those below the folders of programs and settings. Where a mount
 * point is missing on the host (nothing may be made there), the folder becomes an overlay of a
 * layer that has it and the host's. All mounts are made by the OCI runtime in the container's own
 * namespace, so that none can be left behind.
 *
 * <p>Not of the host: {@code /dev}, {@code /proc}, {@code /sys}, {@code /tmp}, {@code /run}.
 */
final class HostView {
  private static final Set<String> NOT_SHOWN =
      Set.of("dev", "proc", "sys", "tmp", "run", "lost+found", "lambda", "runtime");
  private static final List<Path> WITH_INNER_MOUNTS =
      BundleConfig.HOST_FOLDERS.stream().map(Path::of).toList();
  private static final Set<String> NO_FILES =
      Set.of("proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "mqueue", "securityfs");

  private static final int STICKY_FOR_ALL = 01777;

  private final Path rootfs;
  private final Path layers;

  /**
   * @param rootfs folder that becomes the container's root
   * @param layers folder for the layers of overlays; must lie under none of the folders that are
   *     shown, because the kernel refuses layers that contain each other
   */
  HostView(Path rootfs, Path layers) {
    this.rootfs = rootfs;
    this.layers = layers;
  }

  /** One mount of the OCI configuration. */
  record Part(String destination, String type, String source, List<String> options) {}

  /** Something that will be mounted over this view. */
  record Place(Path destination, boolean folder) {}

  /**
   * Prepares the folders; returns what to mount, in order.
   *
   * @param programs folders that will be mounted at their own place and must be reachable: where
   *     the way to one is closed to other users, the host's folder at the top is left out
   */
  List<Part> build(List<Place> places, List<Path> programs) throws IOException {
    List<Part> parts = new ArrayList<>();
    Files.createDirectories(rootfs);
    for (String name : NOT_SHOWN) {
      if (!name.equals("lost+found")) {
        Files.createDirectories(rootfs.resolve(name));
      }
    }
    // runc gives a tmpfs the mode of the folder that it is mounted on, whatever its options say.
    Files.setAttribute(rootfs.resolve("tmp"), "unix:mode", STICKY_FOR_ALL);
    List<Place> missing = new ArrayList<>();
    for (Place place : places) {
      Path real = real(place.destination());
      if (Files.notExists(real)) {
        missing.add(new Place(real, place.folder()));
      }
    }
    try (DirectoryStream<Path> top = Files.newDirectoryStream(Path.of("/"))) {
      for (Path host : top) {
        String name = host.getFileName().toString();
        if (NOT_SHOWN.contains(name)) {
          continue;
        }
        if (Files.isSymbolicLink(host)) {
          Path link = rootfs.resolve(name);
          if (!Files.isSymbolicLink(link)) {
            Files.createSymbolicLink(link, Files.readSymbolicLink(host));
          }
        } else if (Files.isDirectory(host, LinkOption.NOFOLLOW_LINKS)) {
          Files.createDirectories(rootfs.resolve(name));
          if (programs.stream().anyMatch(p -> p.startsWith(host) && isClosed(p))) {
            continue;
          }
          parts.add(
              part(host, missing.stream().filter(p -> p.destination().startsWith(host)).toList()));
        }
      }
    }
    for (Mounts.Mount mount : Mounts.ofThisProcess()) {
      if (WITH_INNER_MOUNTS.stream()
              .anyMatch(f -> mount.point().startsWith(f) && !mount.point().equals(f))
          && !NO_FILES.contains(mount.type())) {
        parts.add(bind(mount.point()));
      }
    }
    return parts;
  }

  private static boolean isClosed(Path program) {
    for (Path at = program.getParent(); at != null; at = at.getParent()) {
      try {
        if (!Files.getPosixFilePermissions(at).contains(PosixFilePermission.OTHERS_EXECUTE)) {
          return true;
        }
      } catch (IOException e) {
        return true;
      }
    }
    return false;
  }

  private Part part(Path host, List<Place> missing) throws IOException {
    if (missing.isEmpty()) {
      return bind(host);
    }
    for (Place place : missing) {
      Path made = layers.resolve(place.destination().toString().substring(1));
      if (place.folder()) {
        Files.createDirectories(made);
      } else {
        Files.createDirectories(made.getParent());
        if (Files.notExists(made)) {
          Files.createFile(made);
        }
      }
    }
    Path layer = layers.resolve(host.getFileName());
    return new Part(
        host.toString(),
        "overlay",
        "overlay",
        List.of("ro", "nosuid", "lowerdir=" + escaped(layer) + ":" + escaped(host)));
  }

  /** A colon ends a layer's name. */
  private static String escaped(Path path) {
    return path.toString().replace("\\", "\\\\").replace(":", "\\:");
  }

  private static Part bind(Path host) {
    return new Part(
        host.toString(), "bind", host.toString(), List.of("bind", "nosuid", "ro", "private"));
  }

  /** The path with the links resolved of that part of it which exists. */
  private static Path real(Path path) {
    Path existing = path.normalize();
    while (Files.notExists(existing) && existing.getParent() != null) {
      existing = existing.getParent();
    }
    try {
      return existing.toRealPath().resolve(existing.relativize(path.normalize()));
    } catch (IOException e) {
      return path.normalize();
    }
  }
}
