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
