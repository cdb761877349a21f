package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.LoggingSettings;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * {@code <name>.log} in the folder of the parameters {@code logging.*}: rotated at a size, all
 * files of one name together capped, the oldest removed first (LESSON-18). The parameters count
 * from the next line on. For a component and for the core itself.
 */
public final class RotatedLog implements AutoCloseable {
  private static final DateTimeFormatter HOUR =
      DateTimeFormatter.ofPattern("yyyy_MM_dd_HH").withZone(ZoneOffset.UTC);

  private final String name;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable OutputStream out;
  private @Nullable Path folder;
  private long size;

  public RotatedLog(String name, Clock clock) {
    this.name = name;
    this.clock = clock;
  }

  /**
   * Appends a line; to standard output when the settings say so.
   *
   * @return how many of the oldest files had to be removed for it
   * @throws IOException when it is lost
   */
  public int append(LoggingSettings s, byte[] line) throws IOException {
    lock.lock();
    try {
      if (s.console()) {
        System.out.write(line);
        System.out.flush();
        return 0;
      }
      OutputStream o = open(s.directory());
      o.write(line);
      size += line.length;
      return size >= s.fileKb() * 1024L ? rotate(s) : 0;
    } finally {
      lock.unlock();
    }
  }

  private OutputStream open(Path wanted) throws IOException {
    OutputStream o = out;
    if (o != null && !wanted.equals(folder)) {
      o.close();
      o = null;
    }
    if (o == null) {
      Files.createDirectories(wanted);
      Path file = wanted.resolve(name + ".log");
      o = Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      size = Files.size(file);
      out = o;
      folder = wanted;
    }
    return o;
  }

  private int rotate(LoggingSettings s) throws IOException {
    OutputStream o = out;
    if (o != null) {
      o.close();
      out = null;
    }
    Path file = s.directory().resolve(name + ".log");
    String stem = name + "_" + HOUR.format(clock.instant()) + "_";
    int n = 0;
    while (Files.exists(s.directory().resolve(stem + n + ".log"))) {
      n++;
    }
    Files.move(file, s.directory().resolve(stem + n + ".log"), StandardCopyOption.ATOMIC_MOVE);
    long room = s.totalKb() * 1024L - s.fileKb() * 1024L;
    int removed = 0;
    for (Path old : rotated(s.directory())) {
      room -= Files.size(old);
      if (room < 0 && Files.deleteIfExists(old)) {
        removed++;
      }
    }
    return removed;
  }

  /** Newest first. */
  private List<Path> rotated(Path directory) throws IOException {
    String prefix = name + "_";
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(
              p -> {
                String file = String.valueOf(p.getFileName());
                return file.startsWith(prefix)
                    && file.substring(prefix.length())
                        .matches("\\d{4}_\\d\\d_\\d\\d_\\d\\d_\\d+\\.log");
              })
          .sorted(
              Comparator.comparing(
                      (Path p) -> {
                        try {
                          return Files.getLastModifiedTime(p);
                        } catch (IOException e) {
                          return FileTime.fromMillis(0);
                        }
                      })
                  .reversed())
          .toList();
    }
  }

  @Override
  public void close() throws IOException {
    lock.lock();
    try {
      if (out != null) {
        out.close();
        out = null;
      }
    } finally {
      lock.unlock();
    }
  }
}
