package io.ryegrass.nucleus.host;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control groups of one core's components (v2-recipes-config.md section 3.1; catalogue NUC-07,
 * IPC-19): {@code greengrass/<component>} below the mounts of cgroup v1 and v2, so that limits
 * count, processes can be frozen, and none escapes its end, whatever it forked.
 *
 * <p>A host may have v2 alone, v1 alone, or both: then each controller is used where it is mounted,
 * and v2, which can freeze and kill without any controller, is used for these. A core in another
 * place than {@code /greengrass/v2} has a parent group of its own name, because several cores may
 * share a host.
 *
 * <p>Groups outlive the process that made them. {@link #reclaim} ends what an earlier life of this
 * core left in them.
 */
public final class Cgroups {
  private static final Logger LOG = LoggerFactory.getLogger(Cgroups.class);
  private static final Path MOUNTS = Path.of("/proc/self/mountinfo");
  private static final Path OWN = Path.of("/proc/self/cgroup");
  private static final Path USUAL_ROOT = Path.of("/greengrass/v2");

  private final @Nullable Path unified;
  private final @Nullable Path freezer;
  private final @Nullable Path memory;
  private final @Nullable Path cpu;
  private final String reason;

  /**
   * What is mounted where.
   *
   * @param v1 mount by controller
   * @param unified mount of v2, or null
   * @param unifiedControllers controllers that v2 has
   * @param own this process' group in v2, below the mount; for a core that is not root
   */
  public record Mounts(
      Map<String, Path> v1,
      @Nullable Path unified,
      Set<String> unifiedControllers,
      @Nullable Path own) {
    /** As the kernel tells. */
    public static Mounts ofHost() {
      return read(MOUNTS, OWN);
    }

    static Mounts read(Path mountInfo, Path ownGroups) {
      Map<String, Path> v1 = new LinkedHashMap<>();
      Path unified = null;
      for (String line : lines(mountInfo)) {
        String[] halves = line.split(" - ", 2);
        String[] left = halves[0].split(" ");
        String[] right = halves.length < 2 ? new String[0] : halves[1].split(" ");
        if (left.length < 5 || right.length < 3) {
          continue;
        }
        Path mount = Path.of(left[4]);
        if (right[0].equals("cgroup2")) {
          unified = mount;
        } else if (right[0].equals("cgroup")) {
          for (String option : right[2].split(",")) {
            v1.putIfAbsent(option, mount);
          }
        }
      }
      Set<String> controllers = new TreeSet<>();
      Path own = null;
      if (unified != null) {
        for (String line : lines(unified.resolve("cgroup.controllers"))) {
          controllers.addAll(Arrays.asList(line.split(" ")));
        }
        for (String line : lines(ownGroups)) {
          if (line.startsWith("0::/")) {
            own = unified.resolve(line.substring("0::/".length()));
          }
        }
      }
      return new Mounts(v1, unified, controllers, own);
    }

    private static List<String> lines(Path file) {
      try {
        return Files.readAllLines(file);
      } catch (IOException e) {
        return List.of();
      }
    }
  }

  /** Groups named by {@code parent} below what is mounted. */
  public Cgroups(Mounts mounts, String parent) {
    List<String> missing = new ArrayList<>();
    this.unified = unified(mounts, parent, missing);
    this.freezer = unified == null ? v1(mounts, "freezer", parent, missing) : null;
    this.memory = controller(mounts, "memory", parent, missing);
    this.cpu = controller(mounts, "cpu", parent, missing);
    this.reason =
        missing.isEmpty()
            ? "no control groups are mounted on this host"
            : String.join("; ", missing);
  }

  /** The groups of the core that lives in {@code root}. */
  public static Cgroups ofHost(Path root) {
    return new Cgroups(Mounts.ofHost(), parentName(root));
  }

  /** No groups at all, with the reason that users are told. */
  public static Cgroups none() {
    return new Cgroups(new Mounts(Map.of(), null, Set.of(), null), "greengrass");
  }

  static String parentName(Path root) {
    if (root.equals(USUAL_ROOT)) {
      return "greengrass";
    }
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256")
              .digest(root.toString().getBytes(StandardCharsets.UTF_8));
      return "greengrass-" + HexFormat.of().formatHex(hash, 0, 4);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256.", e);
    }
  }

  private static @Nullable Path unified(Mounts mounts, String parent, List<String> missing) {
    Path mount = mounts.unified();
    if (mount == null) {
      return null;
    }
    Path made = make(mount.resolve(parent), missing);
    Path own = mounts.own();
    if (made == null && own != null && !own.equals(mount)) {
      made = make(own.resolve(parent), missing); // a group that was delegated to this user
    }
    return made;
  }

  private static @Nullable Path v1(
      Mounts mounts, String controller, String parent, List<String> missing) {
    Path mount = mounts.v1().get(controller);
    return mount == null ? null : make(mount.resolve(parent), missing);
  }

  private @Nullable Path controller(
      Mounts mounts, String controller, String parent, List<String> missing) {
    Path v1 = v1(mounts, controller, parent, missing);
    Path v2 = unified;
    if (v1 != null || v2 == null || !mounts.unifiedControllers().contains(controller)) {
      return v1;
    }
    try {
      for (Path above : List.of(v2.resolveSibling("cgroup.subtree_control"), subtree(v2))) {
        if (!Files.readString(above).contains(controller)) {
          Files.writeString(above, "+" + controller, java.nio.file.StandardOpenOption.WRITE);
        }
      }
      return v2;
    } catch (IOException e) {
      missing.add("controller " + controller + " cannot be switched on for " + v2 + ": " + e);
      return null;
    }
  }

  private static Path subtree(Path group) {
    return group.resolve("cgroup.subtree_control");
  }

  private static @Nullable Path make(Path group, List<String> missing) {
    try {
      if (!Files.isDirectory(group)) {
        Files.createDirectory(group);
      }
      if (!Files.isWritable(group)) {
        missing.add(group + " is not writable for this user");
        return null;
      }
      return group;
    } catch (IOException e) {
      missing.add("the group " + group + " cannot be made: " + e);
      return null;
    }
  }

  /** Whether processes can be put into a group that can be frozen and ended as a whole. */
  public boolean available() {
    return unified != null || freezer != null;
  }

  /** Whether limits of memory and CPU can be set. */
  public boolean canLimit() {
    return memory != null && cpu != null;
  }

  /** Why something is not available, for people. */
  public String reason() {
    return reason;
  }

  /** The groups of one component; nothing is made yet. */
  public ComponentCgroup group(String component) {
    Path base = unified != null ? unified : freezer;
    return new ComponentCgroup(
        component,
        base == null ? null : base.resolve(component),
        unified != null,
        memory == null ? null : memory.resolve(component),
        memory != null && memory.equals(unified),
        cpu == null ? null : cpu.resolve(component),
        cpu != null && cpu.equals(unified));
  }

  /**
   * Ends all processes in the groups of this core and removes the groups; called before anything is
   * started. Returns how many groups still had processes.
   */
  public int reclaim() {
    int found = 0;
    Set<String> names = new TreeSet<>();
    for (Path parent : parents()) {
      try (DirectoryStream<Path> all = Files.newDirectoryStream(parent, Files::isDirectory)) {
        all.forEach(p -> names.add(String.valueOf(p.getFileName())));
      } catch (IOException e) {
        LOG.warn("Cannot list {}: {}", parent, e.getMessage());
      }
    }
    for (String name : names) {
      ComponentCgroup group = group(name);
      if (!group.members().isEmpty()) {
        found++;
        LOG.info("Ending processes of {} that an earlier run of this core left behind", name);
        if (!group.kill(Duration.ofSeconds(5))) {
          LOG.warn("Processes in the control group of {} did not end after SIGKILL", name);
        }
      }
      group.remove();
    }
    return found;
  }

  /** Removes the parent groups as well, when they are empty. */
  public void removeParents() {
    for (Path parent : parents()) {
      try {
        Files.deleteIfExists(parent);
      } catch (IOException e) {
        LOG.debug("{} stays: {}", parent, e.getMessage());
      }
    }
  }

  private Set<Path> parents() {
    Set<Path> all = new TreeSet<>();
    for (Path p : new @Nullable Path[] {unified, freezer, memory, cpu}) {
      if (p != null) {
        all.add(p);
      }
    }
    return all;
  }
}
