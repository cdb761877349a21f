package io.ryegrass.nucleus;

/**
 * The log file of one component, {@code logs/<component>.log}: bounded, rotated, one line an entry.
 * Never throws.
 */
public interface ComponentLog {
  /**
   * @param level INFO, WARN, ERROR, DEBUG
   * @param text one line; longer text is cut at 64 KiB
   */
  void write(String level, String text);

  /**
   * A line of a process' output.
   *
   * @param level as the line names it, otherwise the stream's
   * @param ofStream the stream's own level: what the configured threshold would let through as such
   *     is never lost because the program calls it DEBUG
   * @param stream {@code stdout} or {@code stderr}
   * @param script the script's name, {@code services.<component>.lifecycle.<step>}
   */
  default void output(
      LoggingSettings.Level level,
      LoggingSettings.Level ofStream,
      String stream,
      String line,
      String script) {
    write(level.name(), stream + ". " + line);
  }

  /** Whether this is the file itself in which users of V1 look for a function's log. */
  default boolean ofV1() {
    return false;
  }

  default void info(String text) {
    write("INFO", text);
  }

  default void warn(String text) {
    write("WARN", text);
  }

  default void error(String text) {
    write("ERROR", text);
  }
}
