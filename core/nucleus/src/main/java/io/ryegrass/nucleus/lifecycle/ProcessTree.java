package io.ryegrass.nucleus.lifecycle;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Finds and ends all processes of one script: the members of its session (it was started with
 * {@code setsid}), their descendants, and those that carry its mark in their environment, so that
 * neither a double fork nor a new session escapes (LESSON-27).
 */
final class ProcessTree {
  /** Environment variable with a random value for each started script. */
  static final String MARK = "RYEGRASS_PROCESS_MARK";

  private static final Path PROC = Path.of("/proc");

  private ProcessTree() {}

  /**
   * Start time of a process in clock ticks since boot: with the id it names a process for good. -1
   * when it is gone.
   */
  static long startTicks(long pid) {
    String[] fields = stat(pid);
    return fields == null ? -1 : Long.parseLong(fields[19]);
  }

  /**
   * Living processes of the session or with the mark, and all their descendants. Zombies do not
   * count.
   */
  static Set<Long> members(long session, String mark) {
    Set<Long> found = new LinkedHashSet<>();
    long self = ProcessHandle.current().pid();
    byte[] wanted = (MARK + "=" + mark).getBytes(StandardCharsets.UTF_8);
    try (DirectoryStream<Path> all = Files.newDirectoryStream(PROC, "[0-9]*")) {
      for (Path p : all) {
        long pid = Long.parseLong(String.valueOf(p.getFileName()));
        String[] fields = stat(pid);
        if (fields == null || fields[0].equals("Z") || fields[0].equals("X") || pid == self) {
          continue;
        }
        if (Long.parseLong(fields[3]) == session || carries(p, wanted)) {
          found.add(pid);
        }
      }
    } catch (IOException e) {
      ProcessHandle.of(session).ifPresent(h -> found.add(session));
    }
    for (long pid : Set.copyOf(found)) {
      ProcessHandle.of(pid)
          .ifPresent(
              h -> h.descendants().filter(ProcessTree::living).forEach(d -> found.add(d.pid())));
    }
    found.remove(self);
    return found;
  }

  private static boolean living(ProcessHandle h) {
    String[] fields = stat(h.pid());
    return fields != null && !fields[0].equals("Z");
  }

  /**
   * SIGTERM to all, then SIGKILL to what is left; new children are looked for in each round.
   *
   * @return whether nothing is left
   */
  static boolean end(long session, String mark, Duration grace) {
    terminate(() -> members(session, mark), grace);
    boolean interrupted = false;
    try {
      long until = System.nanoTime() + Duration.ofSeconds(5).toNanos();
      Set<Long> alive = members(session, mark);
      while (!alive.isEmpty() && System.nanoTime() < until) {
        for (long pid : alive) {
          ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        }
        interrupted |= pause(10);
        alive = members(session, mark);
      }
      return alive.isEmpty();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** SIGTERM to each process once, also to those that come meanwhile; returns when none is left. */
  static void terminate(Supplier<Set<Long>> members, Duration grace) {
    boolean interrupted = false;
    Set<Long> told = new HashSet<>();
    long until = System.nanoTime() + grace.toNanos();
    Set<Long> alive = members.get();
    long pause = 5;
    while (!alive.isEmpty() && System.nanoTime() < until) {
      for (long pid : alive) {
        if (told.add(pid)) {
          ProcessHandle.of(pid).ifPresent(ProcessHandle::destroy);
        }
      }
      interrupted |= pause(pause);
      pause = Math.min(100, pause * 2);
      alive = members.get();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean pause(long millis) {
    try {
      Thread.sleep(millis);
      return false;
    } catch (InterruptedException e) {
      return true;
    }
  }

  /** Fields of /proc/pid/stat after the command name: state, ppid, pgrp, session, … */
  private static String @Nullable [] stat(long pid) {
    try {
      String line = Files.readString(PROC.resolve(pid + "/stat"), StandardCharsets.ISO_8859_1);
      return line.substring(line.lastIndexOf(')') + 2).split(" ");
    } catch (IOException | StringIndexOutOfBoundsException e) {
      return null;
    }
  }

  private static boolean carries(Path process, byte[] wanted) {
    byte[] environment;
    try {
      environment = Files.readAllBytes(process.resolve("environ"));
    } catch (IOException e) {
      return false;
    }
    for (int at = 0; at + wanted.length <= environment.length; ) {
      int end = at;
      while (end < environment.length && environment[end] != 0) {
        end++;
      }
      if (end - at == wanted.length
          && java.util.Arrays.equals(environment, at, end, wanted, 0, wanted.length)) {
        return true;
      }
      at = end + 1;
    }
    return false;
  }
}
