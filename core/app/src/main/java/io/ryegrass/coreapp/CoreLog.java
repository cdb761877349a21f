package io.ryegrass.coreapp;

import io.ryegrass.nucleus.LoggingSettings;
import io.ryegrass.nucleus.lifecycle.RotatedLog;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The core's own log: {@code greengrass.log} in the folder, form, level and sizes that the
 * parameters {@code logging.*} of {@code aws.greengrass.Nucleus} say, from one line to the next
 * (v2-recipes-config.md section 7). WARN and above also go to standard error, so that whoever
 * started the core sees them. SLF4J finds it through {@link CoreLogProvider}.
 */
final class CoreLog {
  private static final String NAME = "greengrass";
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
  private static final DateTimeFormatter CLOCK =
      DateTimeFormatter.ofPattern("HH:mm:ss").withZone(ZoneOffset.UTC);

  private static final RotatedLog FILE = new RotatedLog(NAME, Clock.systemUTC());
  private static final AtomicLong LOST = new AtomicLong();
  private static volatile @Nullable LoggingSettings settings;

  /** Where lines go in place of the file, such as the log files of V1. */
  interface Target {
    boolean takes(Level level, boolean ours);

    /**
     * @param logger its whole name
     */
    void write(Level level, String logger, String message, @Nullable Throwable cause);

    /** The one to look into first. */
    Path file();
  }

  private static volatile @Nullable Target target;

  private CoreLog() {}

  /** Must be called before the first logger is made. */
  static void choose() {
    System.setProperty("slf4j.provider", CoreLogProvider.class.getName());
    System.setProperty("slf4j.internal.verbosity", "WARN");
  }

  /** Where the log is until the configuration has been read. */
  static void configure(Path root) {
    follow(LoggingSettings.of(root));
  }

  /** The parameters count from now on. */
  static void follow(LoggingSettings now) {
    settings = now;
  }

  /** Lines go there from now on. */
  static void into(Target other) {
    target = other;
  }

  /** The newest log file. */
  static Path file(Path root) {
    Target t = target;
    if (t != null) {
      return t.file();
    }
    LoggingSettings s = settings;
    return (s == null ? root.resolve("logs") : s.directory()).resolve(NAME + ".log");
  }

  /** Other people's libraries are heard from INFO on, whatever the level. */
  static boolean isEnabled(Level level, boolean ours) {
    Target t = target;
    if (t != null) {
      return t.takes(level, ours);
    }
    LoggingSettings s = settings;
    LoggingSettings.Level least = s == null ? LoggingSettings.Level.INFO : s.level();
    int wanted =
        switch (least) {
          case DEBUG -> ours ? Level.DEBUG.toInt() : Level.INFO.toInt();
          case INFO -> Level.INFO.toInt();
          case WARN -> Level.WARN.toInt();
          case ERROR -> Level.ERROR.toInt();
        };
    return level.toInt() >= wanted;
  }

  /**
   * @param name the logger's whole name
   */
  static void write(Level level, String name, String message, @Nullable Throwable cause) {
    Target t = target;
    if (t != null) {
      t.write(level, name, message, cause);
      return;
    }
    String logger = name.substring(name.lastIndexOf('.') + 1); // of a class, its short name
    Instant now = Instant.now();
    LoggingSettings s = settings;
    boolean loud = level.toInt() >= Level.WARN.toInt();
    if (loud && (s == null || !s.console())) {
      System.err.println(
          CLOCK.format(now) + " " + level + ": " + message + (cause == null ? "" : " " + cause));
    }
    if (s == null) {
      return; // before there is a folder
    }
    String line =
        s.json()
            ? json(now, level, logger, message, cause)
            : text(now, level, logger, message, cause);
    try {
      FILE.append(s, (line + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      long lost = LOST.incrementAndGet();
      if (Long.bitCount(lost) == 1) {
        System.err.println(
            CLOCK.format(now)
                + " WARN: "
                + lost
                + " lines of the core's log could not be written to "
                + s.directory()
                + ": "
                + e.getMessage());
      }
    }
  }

  private static String text(
      Instant now, Level level, String logger, String message, @Nullable Throwable cause) {
    return STAMP.format(now)
        + " ["
        + level
        + "] ("
        + Thread.currentThread().getName()
        + ") "
        + logger
        + ": "
        + message
        + (cause == null ? "" : "\n" + stack(cause).stripTrailing());
  }

  private static String json(
      Instant now, Level level, String logger, String message, @Nullable Throwable cause) {
    ObjectNode line = JsonNodeFactory.instance.objectNode();
    line.put("thread", Thread.currentThread().getName());
    line.put("level", level.name());
    line.put("message", message);
    line.putObject("contexts");
    line.put("loggerName", logger);
    line.put("timestamp", now.toEpochMilli());
    if (cause == null) {
      line.putNull("cause");
    } else {
      line.put("cause", stack(cause));
    }
    return line.toString();
  }

  private static String stack(Throwable cause) {
    StringWriter out = new StringWriter();
    cause.printStackTrace(new PrintWriter(out, true));
    return out.toString();
  }
}
