package io.ryegrass.lambda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything that belongs to a worker process, which leads its own session: all members of the
 * session, all their descendants, and all processes that carry the worker's mark in their
 * environment (daemons that left the session and lost their parent keep it). Read from {@code
 * /proc}, so no shell and no helper is needed.
 */
final class ProcessTree {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessTree.class);
  private static final Path PROC = Path.of("/proc");

  /**
   * A process, told apart from a later one with the same id.
   *
   * @param bootId {@code /proc/sys/kernel/random/boot_id}
   * @param startTicks field 22 of {@code /proc/<pid>/stat}
   */
  record Identity(long pid, long startTicks, String bootId) {
    /** Identity of a running process; empty when there is none with this id. */
    static Optional<Identity> of(long pid) {
      return stat(pid).map(s -> new Identity(pid, s.startTicks(), currentBootId()));
    }

    /**
     * Whether the session this process led can still be its own: the process lives, or its id has
     * not been given away (the kernel keeps the id of a session leader as long as the session has
     * members).
     */
    boolean sessionMayLive() {
      if (!bootId.equals(currentBootId())) {
        return false;
      }
      return stat(pid).map(s -> s.startTicks() == startTicks).orElse(true);
    }
  }

  private record Stat(long pid, long parent, long session, long startTicks, char state) {}

  /** Variable that marks all processes of a worker. */
  static final String MARK = "RYEGRASS_WORKER";

  private ProcessTree() {}

  /**
   * Sends SIGKILL to all of the tree until nothing is left. A tree that forks while it is killed is
   * caught by looking again.
   *
   * @return whether all are gone within the deadline
   */
  static boolean kill(long leader, String worker, Duration deadline) throws InterruptedException {
    long end = System.nanoTime() + deadline.toNanos();
    Set<Long> known = new LinkedHashSet<>();
    while (true) {
      known.addAll(members(leader, worker));
      known.removeIf(pid -> stat(pid).map(s -> s.state() == 'Z').orElse(true));
      if (known.isEmpty()) {
        return true;
      }
      for (long pid : known) {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
      }
      if (System.nanoTime() > end) {
        return false;
      }
      Thread.sleep(5);
    }
  }

  /**
   * What V1 does with the children of a function without a container when the function has ended
   * (LAM-32): those of its session end, but for those that ignore or handle SIGHUP ({@code nohup});
   * what left the session lives on.
   *
   * @return whether all that must end are gone within the deadline
   */
  static boolean hangUp(long leader, Duration deadline) throws InterruptedException {
    long end = System.nanoTime() + deadline.toNanos();
    Set<Long> told = new LinkedHashSet<>();
    while (true) {
      List<Long> left = new ArrayList<>();
      List<Long> handlers = new ArrayList<>();
      for (Stat s : ofSession(leader)) {
        if (s.pid() == leader) {
          left.add(leader);
          continue;
        }
        switch (HangUps.of(s.pid())) {
          case ENDS -> left.add(s.pid());
          case HANDLES -> handlers.add(s.pid());
          case IGNORES -> {}
        }
      }
      handlers.removeIf(pid -> !told.add(pid));
      sendHangUp(handlers);
      if (left.isEmpty()) {
        return true;
      }
      for (long pid : left) {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
      }
      if (System.nanoTime() > end) {
        return false;
      }
      Thread.sleep(5);
    }
  }

  private static List<Stat> ofSession(long leader) {
    List<Stat> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(PROC, "[0-9]*")) {
      for (Path entry : entries) {
        stat(Long.parseLong(entry.getFileName().toString()))
            .filter(s -> s.session() == leader && s.state() != 'Z')
            .ifPresent(found::add);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read /proc; it must be mounted.", e);
    }
    return found;
  }

  /** Java can send SIGTERM and SIGKILL only; the shell has the others. */
  private static void sendHangUp(List<Long> pids) throws InterruptedException {
    if (pids.isEmpty()) {
      return;
    }
    List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", "kill -HUP \"$@\"", "kill"));
    pids.forEach(pid -> command.add(pid.toString()));
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      LOG.warn("No SIGHUP to {}: {}", pids, e.toString());
    }
  }

  /** Living members of the tree, the leader last. Zombies count as dead. */
  static List<Long> members(long leader, String worker) {
    byte[] mark = (MARK + "=" + worker + "\0").getBytes(StandardCharsets.UTF_8);
    List<Stat> all = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(PROC, "[0-9]*")) {
      for (Path entry : entries) {
        stat(Long.parseLong(entry.getFileName().toString())).ifPresent(all::add);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read /proc; it must be mounted.", e);
    }
    Set<Long> found = new LinkedHashSet<>();
    for (Stat s : all) {
      if (s.session() == leader || s.pid() == leader || isMarked(s, mark)) {
        found.add(s.pid());
      }
    }
    boolean grew = true;
    while (grew) {
      grew = false;
      for (Stat s : all) {
        grew |= found.contains(s.parent()) && found.add(s.pid());
      }
    }
    List<Long> living = new ArrayList<>();
    for (Stat s : all) {
      if (found.contains(s.pid()) && s.state() != 'Z' && s.pid() != leader) {
        living.add(s.pid());
      }
    }
    all.stream()
        .filter(s -> s.pid() == leader && s.state() != 'Z')
        .forEach(s -> living.add(leader));
    return living;
  }

  private static boolean isMarked(Stat s, byte[] mark) {
    if (s.state() == 'Z') {
      return false;
    }
    byte[] environment;
    try {
      environment = Files.readAllBytes(PROC.resolve(Long.toString(s.pid())).resolve("environ"));
    } catch (IOException e) {
      return false; // it has ended, or belongs to someone else
    }
    for (int start = 0; start < environment.length; start++) {
      if (start + mark.length <= environment.length
          && Arrays.equals(environment, start, start + mark.length, mark, 0, mark.length)) {
        return true;
      }
      while (start < environment.length && environment[start] != 0) {
        start++;
      }
    }
    return false;
  }

  private static Optional<Stat> stat(long pid) {
    String text;
    try {
      text =
          Files.readString(
              PROC.resolve(Long.toString(pid)).resolve("stat"), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return Optional.empty(); // it has ended
    }
    // The second field is the name in parentheses and may itself hold spaces and parentheses.
    String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ");
    return Optional.of(
        new Stat(
            pid,
            Long.parseLong(fields[1]),
            Long.parseLong(fields[3]),
            Long.parseLong(fields[19]),
            fields[0].charAt(0)));
  }

  private static String currentBootId() {
    try {
      return Files.readString(PROC.resolve("sys/kernel/random/boot_id")).strip();
    } catch (IOException e) {
      return ""; // a kernel without it: start times alone must do
    }
  }
}
