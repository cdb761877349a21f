package io.ryegrass.bench.cloud;

import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Memory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether the system lets this process and the cloud have as many sockets as a fleet needs. */
final class Room {
  /** Files and sockets that a process has beside those of the fleet. */
  private static final int OTHERS = 600;

  private static final Path PORTS = Path.of("/proc/sys/net/ipv4/ip_local_port_range");

  private Room() {}

  /**
   * @throws BenchFailed when they cannot all be open at once; the message says what to change
   */
  static void check(CloudProgram cloud, int cores) {
    int least =
        Math.min(cloud.openFilesLimit(), Memory.openFilesLimit(ProcessHandle.current().pid()));
    if (least < cores + OTHERS) {
      throw new BenchFailed(
          "a process may have " + least + " open files here, too few for " + advice(cores));
    }
  }

  static String advice(int cores) {
    return cores
        + " cores: each needs an open file on both sides ('ulimit -n "
        + (cores + OTHERS)
        + "' before the start, or fewer with --cores) and a port of "
        + ports()
        + " on one of the addresses 127.0.0.2 and up (sysctl net.ipv4.ip_local_port_range)";
  }

  private static String ports() {
    try {
      return Files.readString(PORTS).strip().replaceAll("\\s+", "-");
    } catch (IOException e) {
      return "the system's range";
    }
  }
}
