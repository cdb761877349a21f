package io.ryegrass.nucleus.deploy;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which nucleus the loader starts: {@code <root>/alts/current} names a launch folder, whose {@code
 * distro} names an unpacked nucleus (v2-deployments.md section 10). An update works on a copy, and
 * {@code old} names the one to go back to until the new one has proven itself. Every change is one
 * rename of a link; each method may be cut off anywhere and called again. Without {@code alts} (a
 * core that was not started by the loader) nothing is done.
 */
final class LaunchFolders {
  private static final Logger LOG = LoggerFactory.getLogger(LaunchFolders.class);

  private final Path alts;

  LaunchFolders(Path root) {
    this.alts = root.resolve("alts");
  }

  private Path link(String name) {
    return alts.resolve(name);
  }

  boolean isUsed() {
    return Files.isSymbolicLink(link("current"));
  }

  /** Whether the loader gave up a new nucleus and started the old one. */
  boolean failedOver() {
    return Files.exists(link("broken"), LinkOption.NOFOLLOW_LINKS);
  }

  /** Makes a copy of the present launch folder the current one; what starts is still the same. */
  void prepare(String deploymentId) {
    if (!isUsed() || Files.isSymbolicLink(link("old"))) {
      return;
    }
    String name = safe(deploymentId);
    try {
      Path now = target("current");
      Path copy = alts.resolve(name);
      DurableFiles.deleteTree(copy);
      DurableFiles.createDirectories(copy);
      try (var files = Files.list(alts.resolve(now))) {
        for (Path p : files.toList()) {
          Files.copy(
              p,
              copy.resolve(String.valueOf(p.getFileName())),
              LinkOption.NOFOLLOW_LINKS,
              StandardCopyOption.COPY_ATTRIBUTES);
        }
      }
      DurableFiles.syncTree(copy);
      point("old", now);
      point("current", Path.of(name));
    } catch (IOException e) {
      throw broken(e);
    }
  }

  /** Options of the JVM that the loader starts next with (NUC-02). */
  void writeOptions(String options) {
    if (isUsed()) {
      DurableFiles.writeAtomically(
          link("current").resolve("launch.params"), options.getBytes(StandardCharsets.UTF_8));
    }
  }

  /** The new nucleus works: the one before is forgotten. */
  void succeeded() {
    if (Files.isSymbolicLink(link("old"))) {
      forget("old");
    }
  }

  /**
   * Goes back to the nucleus before, if that is not what runs already.
   *
   * @return whether a restart is needed for it
   */
  boolean rollBack() {
    if (!Files.isSymbolicLink(link("old"))) {
      return false;
    }
    try {
      Path old = target("old");
      Path now = target("current");
      if (!now.equals(old)) {
        point("broken", now);
        point("current", old);
      }
      DurableFiles.delete(link("old"));
      return !now.equals(old);
    } catch (IOException e) {
      throw broken(e);
    }
  }

  /** The rollback has ended: what did not work is removed. */
  void rolledBack() {
    if (failedOver()) {
      forget("broken");
    }
  }

  private void forget(String name) {
    try {
      Path folder = alts.resolve(target(name)).normalize();
      Path current = alts.resolve(target("current")).normalize();
      DurableFiles.delete(link(name));
      if (!folder.equals(current) && alts.equals(folder.getParent())) {
        DurableFiles.deleteTree(folder);
      }
    } catch (IOException | io.ryegrass.durable.DurableException e) {
      LOG.warn("The launch folder {} could not be removed: {}", name, e.getMessage());
    }
  }

  private Path target(String name) throws IOException {
    Path to = Files.readSymbolicLink(link(name));
    return to.isAbsolute() && to.startsWith(alts) ? alts.relativize(to) : to;
  }

  private void point(String name, Path to) throws IOException {
    Path fresh = link("." + name + ".~new");
    Files.deleteIfExists(fresh);
    Files.createSymbolicLink(fresh, to);
    Files.move(
        fresh, link(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    DurableFiles.syncDirectory(alts);
  }

  private static String safe(String id) {
    String name = id.replaceAll("[^A-Za-z0-9._-]", "_");
    return name.isEmpty() || name.startsWith(".") || name.matches("current|old|new|broken|init")
        ? "d-" + name
        : name;
  }

  private NucleusException broken(IOException e) {
    return new NucleusException(
        "LAUNCH_DIRECTORY_CORRUPTED",
        "The links in " + alts + " cannot be changed (" + e + "); check its rights and the disk.",
        e);
  }
}
