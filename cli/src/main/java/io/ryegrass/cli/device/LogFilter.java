package io.ryegrass.cli.device;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Which lines are wanted (CLI-20): all groups must match; in a group, one of its terms. A term is
 * {@code key=value} of a field, a word or a regular expression.
 */
final class LogFilter {
  private static final String BOLD_RED = "\u001b[1;31m";
  private static final String PLAIN = "\u001b[0m";

  private record Term(@Nullable String key, String value, Pattern pattern) {}

  private final List<List<Term>> groups = new ArrayList<>();
  private final List<LogTimes.Window> windows;

  LogFilter(List<String> filters, List<LogTimes.Window> windows) {
    this.windows = windows;
    for (String filter : filters) {
      List<Term> group = new ArrayList<>();
      for (String term : filter.split(",")) {
        if (!term.isBlank()) {
          group.add(term(term.strip()));
        }
      }
      if (!group.isEmpty()) {
        groups.add(group);
      }
    }
  }

  private static Term term(String text) {
    int equals = text.indexOf('=');
    String key =
        equals > 0 && text.substring(0, equals).matches("\\w+") ? text.substring(0, equals) : null;
    String value = key == null ? text : text.substring(equals + 1);
    Pattern pattern;
    try {
      pattern = Pattern.compile(text);
    } catch (PatternSyntaxException e) {
      pattern = Pattern.compile(Pattern.quote(text));
    }
    return new Term(key, value, pattern);
  }

  boolean wants(LogEntry entry) {
    Instant time = entry.time();
    if (!windows.isEmpty()
        && (time == null || windows.stream().noneMatch(window -> window.holds(time)))) {
      return false;
    }
    return groups.stream().allMatch(group -> group.stream().anyMatch(t -> matches(t, entry)));
  }

  private static boolean matches(Term term, LogEntry entry) {
    String key = term.key();
    if (key != null) {
      for (Map.Entry<String, String> field : entry.fields().entrySet()) {
        if (field.getKey().equalsIgnoreCase(key)) {
          return field.getValue().equalsIgnoreCase(term.value());
        }
      }
    }
    return entry.text().contains(term.value()) && key == null
        || term.pattern().matcher(entry.text()).find();
  }

  /** The line with what matched in bold red. */
  String highlighted(LogEntry entry) {
    String text = entry.text();
    for (List<Term> group : groups) {
      for (Term term : group) {
        String key = term.key();
        if (key != null && entry.fields().containsKey(key)) {
          text = mark(text, Pattern.compile(Pattern.quote(term.value()), Pattern.CASE_INSENSITIVE));
        } else {
          text = mark(text, term.pattern());
        }
      }
    }
    return text;
  }

  private static String mark(String text, Pattern pattern) {
    Matcher matcher = pattern.matcher(text);
    return matcher.replaceAll(
        found ->
            found.group().isEmpty()
                ? ""
                : BOLD_RED + Matcher.quoteReplacement(found.group()) + PLAIN);
  }
}
