package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.ComponentLog;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.LoggingSettings;
import io.ryegrass.nucleus.LoggingSettings.Level;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code logs/<component>.log}: rotated at a size, all files of the component together capped, the
 * oldest removed first (LESSON-18). A full or failing disk never stops the component: lines are
 * dropped and counted.
 *
 * <p>Text lines are {@code timestamp [LEVEL] (thread) logger: message. {key=value, …}}, JSON lines
 * have the members that {@code logs get} filters by (catalogue CLI-20, CLI-22, CLI-23).
 */
final class LogFile implements ComponentLog, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LogFile.class);
  private static final int MAX_LINE = 64 << 10;
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
  private static final DateTimeFormatter HOUR =
      DateTimeFormatter.ofPattern("yyyy_MM_dd_HH").withZone(ZoneOffset.UTC);

  private final String component;
  private final Clock clock;
  private final Supplier<LoggingSettings> settings;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile ComponentState state = ComponentState.NEW;
  private @Nullable OutputStream out;
  private @Nullable Path folder;
  private long size;
  private long lost;

  /**
   * @param settings read at each line, so it must be cheap
   */
  LogFile(String component, Clock clock, Supplier<LoggingSettings> settings) {
    this.component = component;
    this.clock = clock;
    this.settings = settings;
  }

  /** The state that lines are marked with from now on. */
  void state(ComponentState now) {
    state = now;
  }

  @Override
  public void write(String level, String text) {
    Level l = Level.of(level);
    entry(l, l, "nucleus", null, text, null);
  }

  @Override
  public void output(Level level, Level ofStream, String stream, String line, String script) {
    entry(level, ofStream, "Copier", stream, line, script);
  }

  private void entry(
      Level level,
      Level atLeast,
      String thread,
      @Nullable String stream,
      String text,
      @Nullable String script) {
    LoggingSettings s = settings.get();
    if (level.compareTo(s.level()) < 0 && atLeast.compareTo(s.level()) < 0) {
      return;
    }
    String cut = text.length() > MAX_LINE ? text.substring(0, MAX_LINE) + "…" : text;
    Instant now = clock.instant();
    append(
        s,
        (s.json()
                ? json(now, level, thread, stream, cut, script)
                : text(now, level, thread, stream, cut, script))
            + "\n");
  }

  private String text(
      Instant now,
      Level level,
      String thread,
      @Nullable String stream,
      String text,
      @Nullable String script) {
    StringBuilder line = new StringBuilder(text.length() + 160);
    line.append(STAMP.format(now)).append(" [").append(level).append("] (").append(thread);
    line.append(") ").append(component).append(": ");
    if (stream != null) {
      line.append(stream).append(". ");
    }
    line.append(text.replace('\n', ' ').replace('\r', ' '));
    if (script != null) {
      line.append(". {scriptName=").append(script).append(", serviceName=").append(component);
      line.append(", currentState=").append(state).append('}');
    }
    return line.toString();
  }

  private String json(
      Instant now,
      Level level,
      String thread,
      @Nullable String stream,
      String text,
      @Nullable String script) {
    ObjectNode line = JsonNodeFactory.instance.objectNode();
    line.put("thread", thread);
    line.put("level", level.name());
    if (stream != null) {
      line.put("eventType", stream);
    }
    line.put("message", text);
    ObjectNode contexts = line.putObject("contexts");
    if (script != null) {
      contexts.put("scriptName", script);
    }
    contexts.put("serviceName", component);
    contexts.put("currentState", state.name());
    line.put("loggerName", component);
    line.put("timestamp", now.toEpochMilli());
    line.putNull("cause");
    return line.toString();
  }

  private void append(LoggingSettings s, String line) {
    byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
    lock.lock();
    try {
      if (s.console()) {
        System.out.write(bytes);
        System.out.flush();
        return;
      }
      OutputStream o = open(s.directory());
      o.write(bytes);
      size += bytes.length;
      if (size >= s.fileKb() * 1024L) {
        rotate(s);
      }
    } catch (IOException e) {
      if (Long.bitCount(++lost) == 1) {
        LOG.warn("{} log lines of {} could not be written: {}", lost, component, e.getMessage());
      }
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
      Path file = wanted.resolve(component + ".log");
      o = Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      size = Files.size(file);
      out = o;
      folder = wanted;
    }
    return o;
  }

  private void rotate(LoggingSettings s) throws IOException {
    OutputStream o = out;
    if (o != null) {
      o.close();
      out = null;
    }
    Path file = s.directory().resolve(component + ".log");
    String stem = component + "_" + HOUR.format(clock.instant()) + "_";
    int n = 0;
    while (Files.exists(s.directory().resolve(stem + n + ".log"))) {
      n++;
    }
    Files.move(file, s.directory().resolve(stem + n + ".log"), StandardCopyOption.ATOMIC_MOVE);
    long room = s.totalKb() * 1024L - s.fileKb() * 1024L;
    for (Path old : rotated(s.directory())) {
      room -= Files.size(old);
      if (room < 0) {
        Files.deleteIfExists(old);
      }
    }
  }

  /** Newest first. */
  private List<Path> rotated(Path directory) throws IOException {
    String prefix = component + "_";
    try (Stream<Path> files = Files.list(directory)) {
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
