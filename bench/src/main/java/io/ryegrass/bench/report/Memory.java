package io.ryegrass.bench.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel says of a process: proc(5). */
public final class Memory {
  private static final double TICKS = 100;

  private Memory() {}

  /** Proportional set size: shared pages count by share. */
  public static double pssMegabytes(long pid) {
    return read(pid, "smaps_rollup")
            .lines()
            .filter(l -> l.startsWith("Pss:"))
            .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")))
            .findFirst()
            .orElseThrow()
        / 1024.0;
  }

  public static double cpuSeconds(long pid) {
    String stat = read(pid, "stat");
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS;
  }

  /** How many files, sockets included, the process may have open: its soft limit. */
  public static int openFilesLimit(long pid) {
    return read(pid, "limits")
        .lines()
        .filter(l -> l.startsWith("Max open files"))
        .map(l -> l.split("\\s+")[3])
        .mapToInt(n -> n.equals("unlimited") ? Integer.MAX_VALUE : Integer.parseInt(n))
        .findFirst()
        .orElseThrow();
  }

  private static String read(long pid, String file) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/" + file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + " of process " + pid, e);
    }
  }
}
