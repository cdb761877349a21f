package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.model.Json;
import io.ryegrass.nucleus.ComponentLog;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.LoggingSettings;
import io.ryegrass.nucleus.LoggingSettings.Level;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
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

  private final String component;
  private final Clock clock;
  private final Supplier<LoggingSettings> settings;
  private final RotatedLog file;
  private final AtomicLong lost = new AtomicLong();
  private final AtomicLong forgotten = new AtomicLong();
  private volatile ComponentState state = ComponentState.NEW;

  /**
   * @param settings read at each line, so it must be cheap
   */
  LogFile(String component, Clock clock, Supplier<LoggingSettings> settings) {
    this.component = component;
    this.file = new RotatedLog(component, clock);
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
    ObjectNode line = Json.object();
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
    return Json.text(line);
  }

  private void append(LoggingSettings s, String line) {
    try {
      int removed = file.append(s, line.getBytes(StandardCharsets.UTF_8));
      if (removed > 0) {
        outgrown(s, forgotten.addAndGet(removed));
      }
    } catch (IOException e) {
      long now = lost.incrementAndGet();
      if (Long.bitCount(now) == 1) {
        LOG.warn("{} log lines of {} could not be written: {}", now, component, e.getMessage());
      }
    }
  }

  /** Says so where the new file begins, and now and then in the core's log. */
  private void outgrown(LoggingSettings s, long files) throws IOException {
    String what =
        component
            + " has written more than its logs may hold (totalLogsSizeKB "
            + s.totalKb()
            + "): "
            + files
            + " of the oldest files are gone since its start.";
    Instant now = clock.instant();
    String line =
        s.json()
            ? json(now, Level.WARN, "nucleus", null, what, null)
            : text(now, Level.WARN, "nucleus", null, what, null);
    var unused = file.append(s, (line + "\n").getBytes(StandardCharsets.UTF_8));
    if (Long.bitCount(files) == 1) {
      LOG.warn("{}", what);
    }
  }

  @Override
  public void close() {
    try {
      file.close();
    } catch (IOException e) {
      LOG.debug("Closing the log of {}: {}", component, e.getMessage());
    }
  }
}
