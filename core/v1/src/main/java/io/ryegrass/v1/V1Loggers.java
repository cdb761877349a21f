package io.ryegrass.v1;

import io.ryegrass.nucleus.LoggingSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/**
 * The loggers of the deployed group (LOG-07 … LOG-09): which levels go to the files of system
 * components and of functions, and how much room they have. Without a logger of its own a kind has
 * V1's defaults, INFO and 128 KB; a logger for CloudWatch alone leaves the files with its level.
 */
final class V1Loggers {
  private static final int DEFAULT_KB = 128;

  /** DEBUG, INFO, WARN, ERROR, FATAL. */
  static final List<String> LEVELS = List.of("DEBUG", "INFO", "WARN", "ERROR", "FATAL");

  /**
   * Of one kind.
   *
   * @param least index in {@link #LEVELS}
   * @param kb room of all files of one log
   */
  record Limits(int least, int kb) {
    boolean takes(String level) {
      return rank(level) >= least;
    }

    /** In bytes: a line is at most a twelfth of the room, so that it never takes it all. */
    int longestLine() {
      return Math.min(64 << 10, Math.max(200, kb * 1024 / 12));
    }

    /**
     * The room is for the file and one before it, so that there is always something to look at; a
     * file is a line longer than its size.
     */
    LoggingSettings in(Path folder) {
      return new LoggingSettings(
          LoggingSettings.Level.DEBUG,
          false,
          false,
          Math.max(1, kb * 9 / 20),
          Math.max(3, kb),
          folder);
    }
  }

  private static final Limits DEFAULT = new Limits(1, DEFAULT_KB);

  private volatile Limits system = DEFAULT;
  private volatile Limits functions = DEFAULT;

  /**
   * @param loggers entries of a V1 logger definition
   */
  void follow(JsonNode loggers) {
    system = of(loggers, "GreengrassSystem");
    functions = of(loggers, "Lambda");
  }

  private static Limits of(JsonNode loggers, String component) {
    Limits cloudOnly = DEFAULT;
    for (JsonNode logger : loggers) {
      if (!logger.path("Component").asString("").equals(component)) {
        continue;
      }
      int least = rank(logger.path("Level").asString("INFO"));
      if (logger.path("Type").asString("").equals("FileSystem")) {
        int space = logger.path("Space").asInt(DEFAULT_KB);
        return new Limits(least, space > 0 ? space : DEFAULT_KB);
      }
      cloudOnly = new Limits(least, DEFAULT_KB);
    }
    return cloudOnly;
  }

  static int rank(String level) {
    return switch (level.toUpperCase(Locale.ROOT)) {
      case "TRACE", "DEBUG" -> 0;
      case "WARN", "WARNING" -> 2;
      case "ERROR" -> 3;
      case "CRITICAL", "FATAL" -> 4;
      default -> 1;
    };
  }

  Limits system() {
    return system;
  }

  Limits functions() {
    return functions;
  }
}
