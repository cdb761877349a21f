package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.LoggingSettings.Level;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds the level that a program itself wrote into a line of its output (LESSON-19): a JSON
 * object's {@code level} (or {@code severity}, {@code lvl}, {@code loglevel}), logfmt's {@code
 * level=}, {@code [WARN]}, {@code ERROR:}, {@code - ERROR -}, or the level first after a time
 * stamp. Only the head of the line is looked at, and a mere word in a sentence is none.
 */
final class LogLevels {
  private static final int HEAD = 200;
  private static final String WORD =
      "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|FATAL|CRITICAL|PANIC";
  private static final Pattern JSON =
      Pattern.compile(
          "\"(?:level|severity|lvl|loglevel|log\\.level)\"\\s*:\\s*\"(" + WORD + ")\"",
          Pattern.CASE_INSENSITIVE);
  private static final Pattern LOGFMT =
      Pattern.compile(
          "(?:^|\\s)(?:level|lvl|severity)=\"?(" + WORD + ")\\b", Pattern.CASE_INSENSITIVE);
  private static final Pattern BRACKETS =
      Pattern.compile("[\\[<(]\\s*(" + WORD + ")\\s*[\\]>)]", Pattern.CASE_INSENSITIVE);
  private static final Pattern DASHES = Pattern.compile("\\s[-|]\\s(" + WORD + ")\\s+[-|]\\s");
  private static final Pattern FIRST =
      Pattern.compile("^[\\d\\-:.,/+TZ\\s\\[\\]()]*(" + WORD + ")(?::|\\s*[-|]|\\s{1,3}\\S)");

  private static final Map<String, Level> LEVELS =
      Map.ofEntries(
          Map.entry("TRACE", Level.DEBUG),
          Map.entry("DEBUG", Level.DEBUG),
          Map.entry("INFO", Level.INFO),
          Map.entry("NOTICE", Level.INFO),
          Map.entry("WARN", Level.WARN),
          Map.entry("WARNING", Level.WARN),
          Map.entry("ERROR", Level.ERROR),
          Map.entry("ERR", Level.ERROR),
          Map.entry("SEVERE", Level.ERROR),
          Map.entry("FATAL", Level.ERROR),
          Map.entry("CRITICAL", Level.ERROR),
          Map.entry("PANIC", Level.ERROR));

  private LogLevels() {}

  /** The level a line names, or null. */
  static @Nullable Level detect(String line) {
    String head = line.length() > HEAD ? line.substring(0, HEAD) : line;
    if (head.startsWith("{")) {
      return find(JSON, line.length() > 4096 ? line.substring(0, 4096) : line);
    }
    for (Pattern p : new Pattern[] {BRACKETS, FIRST, DASHES, LOGFMT}) {
      Level found = find(p, head);
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  private static @Nullable Level find(Pattern p, String text) {
    Matcher m = p.matcher(text);
    return m.find() ? LEVELS.get(m.group(1).toUpperCase(Locale.ROOT)) : null;
  }
}
