package io.ryegrass.v1;

import io.ryegrass.nucleus.ComponentLog;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code user/<region>/<account>/<function>.log} (LOG-03). A line that brings its level, as {@code
 * [ERROR]-file.py:3,text} or {@code [WARN] text}, keeps it; versions of one function share the
 * file.
 */
final class FunctionLog implements ComponentLog {
  private static final Pattern LEVEL =
      Pattern.compile("^\\s*\\[(DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)\\]\\s*-?\\s*");

  private final V1LogFiles files;
  private final V1Loggers loggers;
  private final Path file;

  FunctionLog(V1LogFiles files, V1Loggers loggers, Path file) {
    this.files = files;
    this.loggers = loggers;
    this.file = file;
  }

  /** Its place, by the function's qualified ARN; parts 3 to 6 are region, account and name. */
  static Path place(String functionArn) {
    String[] parts = functionArn.split(":", -1);
    if (parts.length < 7) {
      throw new IllegalArgumentException(functionArn);
    }
    return Path.of("user", parts[3], parts[4].isEmpty() ? "aws" : parts[4], parts[6]);
  }

  @Override
  public void write(String level, String text) {
    Matcher own = LEVEL.matcher(text);
    boolean tagged = own.find();
    String of = V1Loggers.LEVELS.get(V1Loggers.rank(tagged ? own.group(1) : level));
    V1Loggers.Limits limits = loggers.functions();
    if (limits.takes(of)) {
      String rest = tagged ? text.substring(own.end()) : text;
      files.append(file, limits, "[" + of + "]-" + rest);
    }
  }

  @Override
  public boolean ofV1() {
    return true;
  }
}
