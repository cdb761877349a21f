package io.ryegrass.nucleus.host;

import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control groups of one component. Processes join before they begin ({@link #joins}), so that
 * everything they fork is in the group from its first moment; limits that come later move the
 * processes into the groups that count. Safe for use by several threads: all state is the kernel's.
 */
public final class ComponentCgroup {
  private static final Logger LOG = LoggerFactory.getLogger(ComponentCgroup.class);
  private static final int MOVE_ROUNDS = 20;

  private final String component;
  private final @Nullable Path base;
  private final boolean unified;
  private final @Nullable Path memory;
  private final boolean memoryUnified;
  private final @Nullable Path cpu;
  private final boolean cpuUnified;

  ComponentCgroup(
      String component,
      @Nullable Path base,
      boolean unified,
      @Nullable Path memory,
      boolean memoryUnified,
      @Nullable Path cpu,
      boolean cpuUnified) {
    this.component = component;
    this.base = base;
    this.unified = unified;
    this.memory = memory;
    this.memoryUnified = memoryUnified;
    this.cpu = cpu;
    this.cpuUnified = cpuUnified;
  }

  /** Whether there is a group at all. */
  public boolean exists() {
    return base != null && Files.isDirectory(base);
  }

  /** Makes the group and returns the files into which a process writes {@code 0} to join. */
  public List<Path> joins() {
    List<Path> files = new ArrayList<>();
    Path own = base;
    if (own != null && !Files.isDirectory(own)) {
      try {
        Files.createDirectories(own);
      } catch (IOException e) {
        LOG.warn("{} runs without a control group: {}", component, e.getMessage());
      }
    }
    for (Path group : groups()) {
      Path procs = group.resolve("cgroup.procs");
      if (Files.exists(procs)) {
        files.add(procs);
      }
    }
    return files;
  }

  /** All processes in the group and in groups below it. */
  public Set<Long> members() {
    Set<Long> found = new LinkedHashSet<>();
    for (Path group : groups()) {
      members(group, found);
    }
    found.remove(ProcessHandle.current().pid());
    return found;
  }

  private static void members(Path group, Set<Long> found) {
    try {
      for (String line : Files.readAllLines(group.resolve("cgroup.procs"))) {
        found.add(Long.parseLong(line.strip()));
      }
    } catch (NoSuchFileException e) {
      return;
    } catch (IOException | NumberFormatException e) {
      LOG.debug("The members of {} cannot be read: {}", group, e.getMessage());
    }
    try (DirectoryStream<Path> below = Files.newDirectoryStream(group, Files::isDirectory)) {
      below.forEach(p -> members(p, found));
    } catch (IOException e) {
      LOG.debug("The groups below {} cannot be read: {}", group, e.getMessage());
    }
  }

  private Set<Path> groups() {
    Set<Path> all = new LinkedHashSet<>();
    for (Path p : new @Nullable Path[] {base, memory, cpu}) {
      if (p != null) {
        all.add(p);
      }
    }
    return all;
  }

  // ---- freezing

  /**
   * Stops all processes where they are; returns when they stand.
   *
   * @throws NucleusException PAUSE_ERROR when they do not within the limit; they go on then
   */
  public void freeze(Duration limit) {
    long until = System.nanoTime() + limit.toNanos();
    try {
      do {
        write(freezeFile(), unified ? "1" : "FROZEN");
        if (frozen()) {
          return;
        }
        pause();
      } while (System.nanoTime() < until);
    } catch (IOException e) {
      thaw();
      throw new NucleusException(
          "PAUSE_ERROR", "The processes of " + component + " cannot be frozen: " + e + ".", e);
    }
    thaw();
    throw new NucleusException(
        "PAUSE_ERROR",
        "The processes of "
            + component
            + " did not stand still within "
            + limit.toMillis()
            + " ms and go on; try again.");
  }

  /** Lets frozen processes go on; does nothing when they are not frozen. */
  public void thaw() {
    Path group = base;
    if (group == null || !Files.isDirectory(group)) {
      return;
    }
    try {
      write(freezeFile(), unified ? "0" : "THAWED");
    } catch (IOException e) {
      LOG.warn("The processes of {} cannot be thawed: {}", component, e.getMessage());
    }
  }

  /** Whether all processes stand. */
  public boolean frozen() {
    Path group = base;
    try {
      return group != null
          && (unified
              ? Files.readString(group.resolve("cgroup.events")).contains("frozen 1")
              : Files.readString(freezeFile()).strip().equals("FROZEN"));
    } catch (IOException e) {
      return false;
    }
  }

  private Path freezeFile() {
    return java.util.Objects.requireNonNull(base)
        .resolve(unified ? "cgroup.freeze" : "freezer.state");
  }

  // ---- limits

  /**
   * Sets the limits, also of processes that run; 0 or less is no limit.
   *
   * @param memoryKb kilobytes
   * @param cpus number of CPUs
   * @throws NucleusException LIMITS_NOT_SET
   */
  public void limit(long memoryKb, double cpus) {
    try {
      if (memory != null) {
        limited(
            memory,
            memoryUnified,
            memoryUnified ? "memory.max" : "memory.limit_in_bytes",
            memoryKb > 0
                ? Long.toString(Math.multiplyExact(memoryKb, 1024L))
                : memoryUnified ? "max" : "-1",
            memoryKb > 0);
      }
      if (cpu != null) {
        Path period = cpu.resolve(cpuUnified ? "cpu.max" : "cpu.cfs_period_us");
        long micros = 100_000;
        if (Files.exists(period)) {
          String[] words = Files.readString(period).strip().split(" ");
          micros = Long.parseLong(words[words.length - 1]);
        }
        long quota = Math.max(1000, Math.round(micros * cpus));
        limited(
            cpu,
            cpuUnified,
            cpuUnified ? "cpu.max" : "cpu.cfs_quota_us",
            cpus <= 0
                ? cpuUnified ? "max" : "-1"
                : cpuUnified ? quota + " " + micros : Long.toString(quota),
            cpus > 0);
      }
    } catch (IOException | NumberFormatException | ArithmeticException e) {
      throw new NucleusException(
          "LIMITS_NOT_SET",
          "The resource limits of " + component + " cannot be set: " + e + ".",
          e);
    }
  }

  private void limited(Path group, boolean shared, String file, String value, boolean wanted)
      throws IOException {
    if (!Files.isDirectory(group)) {
      if (!wanted) {
        return; // no group, no limit
      }
      Files.createDirectories(group);
    }
    write(group.resolve(file), value);
    if (wanted && !shared) {
      move(group);
    }
  }

  /** Moves the processes that run; those that they fork meanwhile are found in another round. */
  private void move(Path group) throws IOException {
    Path from = base;
    if (from == null || from.equals(group) || !Files.isDirectory(from)) {
      return;
    }
    for (int round = 0; round < MOVE_ROUNDS; round++) {
      Set<Long> here = new LinkedHashSet<>();
      members(from, here);
      Set<Long> there = new LinkedHashSet<>();
      members(group, there);
      here.removeAll(there);
      if (here.isEmpty()) {
        return;
      }
      for (long pid : here) {
        try {
          write(group.resolve("cgroup.procs"), Long.toString(pid));
        } catch (IOException e) {
          LOG.debug("Process {} of {} has ended: {}", pid, component, e.getMessage());
        }
      }
    }
  }

  /** How often the kernel ended a process of the group because of its memory limit. */
  public long outOfMemoryKills() {
    Path group = memory;
    if (group == null) {
      return 0;
    }
    try {
      for (String line :
          Files.readAllLines(
              group.resolve(memoryUnified ? "memory.events" : "memory.oom_control"))) {
        if (line.startsWith("oom_kill ")) {
          return Long.parseLong(line.substring("oom_kill ".length()).strip());
        }
      }
    } catch (IOException | NumberFormatException e) {
      LOG.debug("No count of memory kills for {}: {}", component, e.getMessage());
    }
    return 0;
  }

  // ---- the end

  /**
   * SIGKILL to everything in the group.
   *
   * @return whether nothing is left
   */
  public boolean kill(Duration limit) {
    long until = System.nanoTime() + limit.toNanos();
    Set<Long> left = members();
    while (!left.isEmpty() && System.nanoTime() < until) {
      Path all = base == null ? null : base.resolve("cgroup.kill");
      if (all != null && unified && Files.exists(all)) {
        try {
          write(all, "1");
        } catch (IOException e) {
          LOG.debug("cgroup.kill of {}: {}", component, e.getMessage());
        }
      }
      for (long pid : left) {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
      }
      thaw(); // what is frozen by v1 dies only when it goes on
      pause();
      left = members();
    }
    return left.isEmpty();
  }

  /** Removes the empty groups; one that is not empty stays. */
  public void remove() {
    for (Path group : groups()) {
      removeTree(group);
    }
  }

  private static void removeTree(Path group) {
    if (!Files.isDirectory(group)) {
      return;
    }
    try (DirectoryStream<Path> below = Files.newDirectoryStream(group, Files::isDirectory)) {
      below.forEach(ComponentCgroup::removeTree);
    } catch (IOException e) {
      LOG.debug("The groups below {} cannot be read: {}", group, e.getMessage());
    }
    try {
      Files.deleteIfExists(group);
    } catch (IOException e) {
      LOG.debug("{} stays: {}", group, e.getMessage());
    }
  }

  private static void write(Path file, String text) throws IOException {
    Files.writeString(file, text, StandardOpenOption.WRITE);
  }

  /** Waits a little, also for a thread that was interrupted, whose mark stays. */
  private static void pause() {
    boolean interrupted = Thread.interrupted();
    try {
      Thread.sleep(5);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
