package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.ComponentLog;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code logs/<component>.log}: rotated at a size, all files of the component together capped, the
 * oldest removed first (LESSON-18). A full or failing disk never stops the component: lines are
 * dropped and counted.
 */
final class LogFile implements ComponentLog, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LogFile.class);
  private static final int MAX_LINE = 64 << 10;
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
  private static final DateTimeFormatter HOUR =
      DateTimeFormatter.ofPattern("yyyy_MM_dd_HH").withZone(ZoneOffset.UTC);

  private final Path folder;
  private final String component;
  private final Clock clock;
  private final IntSupplier fileKb;
  private final IntSupplier totalKb;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable OutputStream out;
  private long size;
  private long lost;

  LogFile(Path folder, String component, Clock clock, IntSupplier fileKb, IntSupplier totalKb) {
    this.folder = folder;
    this.component = component;
    this.clock = clock;
    this.fileKb = fileKb;
    this.totalKb = totalKb;
  }

  @Override
  public void write(String level, String text) {
    String cut = text.length() > MAX_LINE ? text.substring(0, MAX_LINE) + "…" : text;
    String line =
        STAMP.format(clock.instant())
            + " ["
            + level
            + "] "
            + component
            + ": "
            + cut.replace('\n', ' ').replace('\r', ' ')
            + "\n";
    byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
    lock.lock();
    try {
      OutputStream o = open();
      o.write(bytes);
      size += bytes.length;
      if (size >= fileKb.getAsInt() * 1024L) {
        rotate();
      }
    } catch (IOException e) {
      if (Long.bitCount(++lost) == 1) {
        LOG.warn("{} log lines of {} could not be written: {}", lost, component, e.getMessage());
      }
    } finally {
      lock.unlock();
    }
  }

  private OutputStream open() throws IOException {
    OutputStream o = out;
    if (o == null) {
      Files.createDirectories(folder);
      Path file = folder.resolve(component + ".log");
      o = Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      size = Files.size(file);
      out = o;
    }
    return o;
  }

  private void rotate() throws IOException {
    OutputStream o = out;
    if (o != null) {
      o.close();
      out = null;
    }
    Path file = folder.resolve(component + ".log");
    String stem = component + "_" + HOUR.format(clock.instant()) + "_";
    int n = 0;
    while (Files.exists(folder.resolve(stem + n + ".log"))) {
      n++;
    }
    Files.move(file, folder.resolve(stem + n + ".log"), StandardCopyOption.ATOMIC_MOVE);
    long room = totalKb.getAsInt() * 1024L - fileKb.getAsInt() * 1024L;
    for (Path old : rotated()) {
      room -= Files.size(old);
      if (room < 0) {
        Files.deleteIfExists(old);
      }
    }
  }

  /** Newest first. */
  private List<Path> rotated() throws IOException {
    String prefix = component + "_";
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(
              p -> {
                String name = String.valueOf(p.getFileName());
                return name.startsWith(prefix)
                    && name.substring(prefix.length())
                        .matches("\\d{4}_\\d\\d_\\d\\d_\\d\\d_\\d+\\.log");
              })
          .sorted(
              Comparator.comparing(
                      (Path p) -> {
                        try {
                          return Files.getLastModifiedTime(p);
                        } catch (IOException e) {
                          return java.nio.file.attribute.FileTime.fromMillis(0);
                        }
                      })
                  .reversed())
          .toList();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (out != null) {
        out.close();
        out = null;
      }
    } catch (IOException e) {
      LOG.debug("Closing the log of {}: {}", component, e.getMessage());
    } finally {
      lock.unlock();
    }
  }
}
