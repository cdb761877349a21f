package io.ryegrass.lambda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernel's control groups as this host mounts them: version 1, version 2, or both ("hybrid",
 * where version 2 is mounted beside the controllers of version 1 and has hardly any of its own).
 *
 * @param first mount points of version 1 hierarchies
 * @param second mount points of version 2
 */
record Cgroups(List<Path> first, List<Path> second) {
  private static final Logger LOG = LoggerFactory.getLogger(Cgroups.class);

  static Cgroups ofThisHost() {
    List<Path> first = new ArrayList<>();
    List<Path> second = new ArrayList<>();
    for (Mounts.Mount mount : Mounts.ofThisProcess()) {
      if (mount.type().equals("cgroup")) {
        first.add(mount.point());
      } else if (mount.type().equals("cgroup2")) {
        second.add(mount.point());
      }
    }
    return new Cgroups(first, second);
  }

  /** The mount of version 2 that some engines stumble over beside version 1. */
  Optional<Path> hybrid() {
    return first.isEmpty() || second.isEmpty() ? Optional.empty() : Optional.of(second.getFirst());
  }

  /**
   * Whether the kernel killed something in the group because of its memory limit, as long as the
   * group exists.
   *
   * @param name with a leading slash
   */
  boolean outOfMemory(String name) {
    for (Path mount : first) {
      Path group = mount.resolve(name.substring(1));
      if (count(group.resolve("memory.oom_control"), "oom_kill") > 0) {
        return true;
      }
    }
    for (Path mount : second) {
      if (count(mount.resolve(name.substring(1)).resolve("memory.events"), "oom_kill") > 0) {
        return true;
      }
    }
    return false;
  }

  private static long count(Path file, String key) {
    try {
      for (String line : Files.readAllLines(file)) {
        if (line.startsWith(key + " ")) {
          return Long.parseLong(line.substring(key.length() + 1).strip());
        }
      }
    } catch (IOException | NumberFormatException e) {
      return 0; // another hierarchy, or the group is gone
    }
    return 0;
  }

  /**
   * Ends what lives in groups of which the name begins so, and removes them; returns how many
   * groups there were, counted once over all hierarchies.
   *
   * @param prefix with a leading slash
   */
  int sweep(String prefix) {
    int most = 0;
    for (List<Path> mounts : List.of(first, second)) {
      for (Path mount : mounts) {
        most = Math.max(most, sweep(mount, prefix.substring(1)));
      }
    }
    return most;
  }

  private static int sweep(Path mount, String prefix) {
    int found = 0;
    try (DirectoryStream<Path> groups =
        Files.newDirectoryStream(
            mount, p -> p.getFileName().toString().startsWith(prefix) && Files.isDirectory(p))) {
      for (Path group : groups) {
        found++;
        remove(group);
      }
    } catch (IOException e) {
      LOG.debug("{} is not swept: {}", mount, e.toString());
    }
    return found;
  }

  private static void remove(Path group) {
    try (DirectoryStream<Path> inner = Files.newDirectoryStream(group, Files::isDirectory)) {
      inner.forEach(Cgroups::remove);
    } catch (IOException | UncheckedIOException e) {
      LOG.debug("{} is not read: {}", group, e.toString());
    }
    for (int attempt = 0; attempt < 50; attempt++) {
      try {
        for (String pid : Files.readAllLines(group.resolve("cgroup.procs"))) {
          ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly);
        }
        Files.deleteIfExists(group);
        return;
      } catch (IOException e) {
        try {
          Thread.sleep(20); // the killed are not gone yet
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          return;
        }
      }
    }
    LOG.error(
        "The control group {} of an earlier run cannot be removed; see its cgroup.procs", group);
  }
}
