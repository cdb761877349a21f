package io.ryegrass.lambda;

import io.ryegrass.nucleus.ComponentLog;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Carries a worker's stdout and stderr, line by line, to the component's log. A level that the line
 * itself carries (as {@code [ERROR]-file.py:3,…} of the Python runtime, or {@code [WARN] …}) is
 * kept; other lines of stdout are INFO, of stderr WARN (LESSON-19).
 */
record WorkerLog(ComponentLog log) {
  private static final int LONGEST_LINE = 64 * 1024;
  private static final Pattern LEVEL =
      Pattern.compile("^\\s*\\[?(DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)\\b\\]?");

  /** Reads until the stream ends; returns when everything is written. */
  void carry(InputStream stream, String levelOtherwise) {
    try (InputStream in = new BufferedInputStream(stream)) {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      for (int b = in.read(); b >= 0; b = in.read()) {
        if (b == '\n' || line.size() >= LONGEST_LINE) {
          write(line, levelOtherwise);
        }
        if (b != '\n') {
          line.write(b);
        }
      }
      if (line.size() > 0) {
        write(line, levelOtherwise);
      }
    } catch (IOException e) {
      log.write("DEBUG", "The output of this worker ended early: " + e.getMessage());
    }
  }

  private void write(ByteArrayOutputStream line, String levelOtherwise) {
    String text = line.toString(StandardCharsets.UTF_8).stripTrailing();
    line.reset();
    Matcher matcher = LEVEL.matcher(text);
    log.write(matcher.find() ? level(matcher.group(1)) : levelOtherwise, text);
  }

  private static String level(String word) {
    return switch (word) {
      case "WARNING" -> "WARN";
      case "CRITICAL", "FATAL" -> "ERROR";
      default -> word;
    };
  }
}
