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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files below {@code var/log} (LOG-02 … LOG-06): lines {@code [time][LEVEL]-text}, each file
 * rotated and its room kept; only the core's user may look. A line that cannot be written is
 * counted, and never stops who wrote it.
 */
final class V1LogFiles {
  private static final Logger LOG = LoggerFactory.getLogger(V1LogFiles.class);
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  private final Path folder;
  private final Clock clock;
  private final Map<Path, OneLog> open = new ConcurrentHashMap<>();
  private final AtomicLong lost = new AtomicLong();

  private static final class OneLog {
    final RotatedLog files;
    final AtomicLong gone = new AtomicLong();

    OneLog(String name, Clock clock) {
      files = new RotatedLog(name, clock);
    }
  }

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
    Path parent = folder.resolve(file).getParent();
    Path in = parent == null ? folder : parent;
    OneLog log =
        open.computeIfAbsent(file, f -> new OneLog(String.valueOf(f.getFileName()), clock));
    try {
      int removed = log.files.append(limits.in(in), bytes(limits, line));
      if (removed > 0) {
        outgrown(log, file, limits, in, log.gone.addAndGet(removed));
      }
    } catch (IOException e) {
      long n = lost.incrementAndGet();
      if (Long.bitCount(n) == 1) { // the 1st, 2nd, 4th …: no flood in crash.log
        System.err.println(n + " log lines could not be written below " + folder + ": " + e);
      }
    }
  }

  private byte[] bytes(V1Loggers.Limits limits, String line) {
    return ("[" + STAMP.format(clock.instant()) + "]" + cut(line, limits.longestLine()) + "\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  /** Says so where the new file begins; of a function also, now and then, in runtime.log. */
  private void outgrown(OneLog log, Path file, V1Loggers.Limits limits, Path in, long gone)
      throws IOException {
    String what =
        file.getFileName()
            + " has written more than its log may hold (Space "
            + limits.kb()
            + " KB by the group's loggers): "
            + gone
            + " of the oldest files are gone since the core's start.";
    if (limits.takes("WARN")) {
      var unused = log.files.append(limits.in(in), bytes(limits, "[WARN]-" + what));
    }
    if (file.startsWith("user") && Long.bitCount(gone) == 1) {
      LOG.warn("{}", what);
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
    for (Map.Entry<Path, OneLog> e : open.entrySet()) {
      if (e.getKey().startsWith("user")) {
        open.remove(e.getKey());
        e.getValue().files.close();
      }
    }
    V1Files.deleteTree(user);
    Files.createDirectories(user);
  }
}
