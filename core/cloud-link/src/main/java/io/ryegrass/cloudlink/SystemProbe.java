package io.ryegrass.cloudlink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How busy the whole device is, as Linux tells it in {@code /proc}. For one thread. */
final class SystemProbe {
  private static final Logger LOG = LoggerFactory.getLogger(SystemProbe.class);

  /**
   * @param cpuPercent of all processors together, since the sample before
   * @param memoryMegabytes in use, without what the kernel would give back
   * @param fileDescriptors open in all processes
   */
  record Sample(double cpuPercent, double memoryMegabytes, double fileDescriptors) {}

  private final Path proc;
  private long lastBusy;
  private long lastTotal;

  SystemProbe(Path proc) {
    this.proc = proc;
  }

  /** Empty where there is no such {@code /proc}. */
  Optional<Sample> sample() {
    try {
      return Optional.of(new Sample(cpu(), memory(), descriptors()));
    } catch (IOException | RuntimeException e) {
      LOG.debug("The device's load is not known: {}", e.getMessage());
      return Optional.empty();
    }
  }

  /** First line of {@code stat}: user nice system idle iowait irq softirq steal … (proc(5)). */
  private double cpu() throws IOException {
    String[] fields = Files.readAllLines(proc.resolve("stat")).getFirst().strip().split("\\s+");
    long[] ticks =
        Arrays.stream(fields, 1, Math.min(fields.length, 9)).mapToLong(Long::parseLong).toArray();
    long total = Arrays.stream(ticks).sum();
    long busy = total - ticks[3] - ticks[4];
    double percent = total > lastTotal ? 100.0 * (busy - lastBusy) / (total - lastTotal) : 0;
    lastBusy = busy;
    lastTotal = total;
    return Math.clamp(percent, 0, 100);
  }

  private double memory() throws IOException {
    long total = 0;
    long available = 0;
    for (String line : Files.readAllLines(proc.resolve("meminfo"))) {
      if (line.startsWith("MemTotal:")) {
        total = kilobytes(line);
      } else if (line.startsWith("MemAvailable:")) {
        available = kilobytes(line);
      }
    }
    return (total - available) / 1024.0;
  }

  private static long kilobytes(String line) {
    return Long.parseLong(line.replaceAll("\\D", ""));
  }

  private double descriptors() throws IOException {
    return Double.parseDouble(
        Files.readString(proc.resolve("sys/fs/file-nr")).strip().split("\\s+")[0]);
  }
}
