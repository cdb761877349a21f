package io.ryegrass.bench.mqtt;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel says of a process: proc(5). */
record ProcFs(long pid) {
  /** Ticks a second of the counters in {@code stat}; 100 on every Linux that Java runs on. */
  private static final double TICKS = 100;

  /** CPU seconds in user and kernel mode. */
  record CpuTime(double seconds) {
    CpuTime minus(CpuTime other) {
      return new CpuTime(seconds - other.seconds);
    }
  }

  static ProcFs self() {
    return new ProcFs(ProcessHandle.current().pid());
  }

  CpuTime cpu() throws IOException {
    String stat = read("stat");
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return new CpuTime((Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS);
  }

  /** CPU seconds that the whole machine has worked, interrupts and all. */
  static CpuTime machine() throws IOException {
    String[] fields =
        Files.readString(Path.of("/proc/stat"), StandardCharsets.ISO_8859_1)
            .lines()
            .findFirst()
            .orElseThrow()
            .split("\\s+");
    long ticks = 0;
    for (int i = 1; i <= 8; i++) {
      ticks += i == 4 || i == 5 ? 0 : Long.parseLong(fields[i]); // 4, 5: idle, waiting for a disk
    }
    return new CpuTime(ticks / TICKS);
  }

  /** Proportional set size in bytes: shared pages count by share. */
  long pss() throws IOException {
    return read("smaps_rollup")
            .lines()
            .filter(l -> l.startsWith("Pss:"))
            .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")))
            .findFirst()
            .orElseThrow()
        * 1024;
  }

  String commandLine() throws IOException {
    return read("cmdline").replace('\0', ' ').strip();
  }

  private String read(String file) throws IOException {
    return Files.readString(Path.of("/proc/" + pid + "/" + file), StandardCharsets.ISO_8859_1);
  }
}
