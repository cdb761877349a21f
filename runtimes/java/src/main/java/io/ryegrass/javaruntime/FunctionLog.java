package io.ryegrass.javaruntime;

import java.io.PrintStream;

/** The function's log is the standard output; the core reads a line's level at its head. */
public final class FunctionLog {
  private FunctionLog() {}

  /** One line, or several at once. */
  @SuppressWarnings("SystemOut") // that is where the log is
  public static void write(String level, String message) {
    line(level.equals("INFO") ? message : "[" + level + "]-" + message);
  }

  /** A line without a level is INFO. */
  @SuppressWarnings("SystemOut")
  static void line(String message) {
    PrintStream out = System.out;
    if (message.endsWith("\n")) {
      out.print(message);
    } else {
      out.println(message);
    }
    out.flush();
  }
}
