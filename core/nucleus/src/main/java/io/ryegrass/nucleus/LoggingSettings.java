package io.ryegrass.nucleus;

import java.nio.file.Path;
import java.util.Locale;

/**
 * The nucleus parameters {@code logging.*} (v2-recipes-config.md section 7), for the core's own log
 * and for those of its components.
 *
 * @param json one JSON object a line instead of text
 * @param console to standard output instead of files
 * @param fileKb size at which a file is rotated
 * @param totalKb cap of all files of one component, and of the core's own, each
 */
public record LoggingSettings(
    Level level, boolean json, boolean console, int fileKb, int totalKb, Path directory) {

  /** Levels in rising order. */
  public enum Level {
    DEBUG,
    INFO,
    WARN,
    ERROR;

    /** The level of that name without regard to case; INFO for any other text. */
    public static Level of(String text) {
      return switch (text.strip().toUpperCase(Locale.ROOT)) {
        case "TRACE", "DEBUG" -> DEBUG;
        case "WARN", "WARNING" -> WARN;
        case "ERROR" -> ERROR;
        default -> INFO;
      };
    }
  }

  /** Defaults of the reference, below a root folder. */
  public static LoggingSettings of(Path root) {
    return new LoggingSettings(Level.INFO, false, false, 1024, 10240, root.resolve("logs"));
  }
}
