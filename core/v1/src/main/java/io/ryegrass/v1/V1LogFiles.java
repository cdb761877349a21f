package io.ryegrass.v1;

import io.ryegrass.nucleus.lifecycle.RotatedLog;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The files below {@code var/log} (LOG-02 … LOG-06): lines {@code [time][LEVEL]-text}, each file
 * rotated and its room kept; only the core's user may look. A line that cannot be written is
 * counted, and never stops who wrote it.
 */
final class V1LogFiles {
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  private final Path folder;
  private final Clock clock;
  private final Map<Path, RotatedLog> open = new ConcurrentHashMap<>();
  private final AtomicLong lost = new AtomicLong();

  /**
   * @param folder {@code var/log}; made for the core's user alone
   */
  V1LogFiles(Path folder, Clock clock) {
    this.folder = folder;
    this.clock = clock;
    try {
      for (String name : new String[] {"system", "user"}) {
        Files.createDirectories(folder.resolve(name));
      }
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Cannot make the log folder " + folder + ": " + e + "; start the core as root.", e);
    }
  }

  Path folder() {
    return folder;
  }

  /**
   * @param file below the folder, without {@code .log}
   * @param line begins with its level, as {@code [INFO]-…}
   */
  void append(Path file, V1Loggers.Limits limits, String line) {
    byte[] bytes =
        ("[" + STAMP.format(clock.instant()) + "]" + cut(line, limits.longestLine()) + "\n")
            .getBytes(StandardCharsets.UTF_8);
    Path parent = folder.resolve(file).getParent();
    RotatedLog log =
        open.computeIfAbsent(file, f -> new RotatedLog(String.valueOf(f.getFileName()), clock));
    try {
      log.append(limits.in(parent == null ? folder : parent), bytes);
    } catch (IOException e) {
      long n = lost.incrementAndGet();
      if (Long.bitCount(n) == 1) { // the 1st, 2nd, 4th …: no flood in crash.log
        System.err.println(n + " log lines could not be written below " + folder + ": " + e);
      }
    }
  }

  /** So that what is written as UTF-8 has at most that many bytes, and a mark where it ended. */
  private static String cut(String line, int most) {
    if (line.length() <= most / 3) {
      return line; // no letter takes more than three
    }
    int bytes = 0;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      bytes += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
      if (bytes > most) {
        int end = i > 0 && Character.isLowSurrogate(c) ? i - 1 : i;
        return line.substring(0, end) + "… (cut, " + line.length() + " characters)";
      }
    }
    return line;
  }

  /** Removes the logs of all functions (RST-01). */
  void forgetUsers() throws IOException {
    Path user = folder.resolve("user");
    for (Map.Entry<Path, RotatedLog> e : open.entrySet()) {
      if (e.getKey().startsWith("user")) {
        open.remove(e.getKey());
        e.getValue().close();
      }
    }
    V1Files.deleteTree(user);
    Files.createDirectories(user);
  }
}
