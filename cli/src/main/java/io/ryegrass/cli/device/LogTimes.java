package io.ryegrass.cli.device;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Times of {@code --time-window}: absolute in seven forms, or relative to now (CLI-21). */
final class LogTimes {
  private static final Pattern RELATIVE =
      Pattern.compile(
          "([+-])(?:(\\d+)(?:hours|hr|h))?(?:(\\d+)(?:minutes|min|m))?(?:(\\d+)(?:seconds|sec|s))?");
  private static final List<DateTimeFormatter> DAY_AND_TIME =
      List.of(format("yyyy-MM-dd'T'HH:mm:ss.SSS"), format("yyyy-MM-dd'T'HH:mm:ss"));
  private static final List<DateTimeFormatter> DAYS =
      List.of(format("yyyy-MM-dd"), format("yyyyMMdd"));
  private static final List<DateTimeFormatter> TIMES =
      List.of(format("HH:mm:ssSSS"), format("HH:mm:ss"));

  private final Clock clock;
  private final ZoneId zone;

  LogTimes(Clock clock, ZoneId zone) {
    this.clock = clock;
    this.zone = zone;
  }

  /** From begin to end, both included. */
  record Window(Instant begin, Instant end) {
    boolean holds(Instant time) {
      return !time.isBefore(begin) && !time.isAfter(end);
    }
  }

  /**
   * @param text {@code <begin>,<end>}; a missing side is now
   * @throws IllegalArgumentException with a sentence
   */
  Window window(String text) {
    int comma = text.indexOf(',');
    String begin = comma < 0 ? text : text.substring(0, comma);
    String end = comma < 0 ? "" : text.substring(comma + 1);
    if (end.indexOf(',') >= 0 || begin.isBlank() && end.isBlank()) {
      throw new IllegalArgumentException("a time window is <begin>,<end>, but is '" + text + "'");
    }
    Window window = new Window(time(begin.strip()), time(end.strip()));
    if (window.begin().isAfter(window.end())) {
      throw new IllegalArgumentException("the time window '" + text + "' ends before it begins");
    }
    return window;
  }

  private Instant time(String text) {
    Instant now = clock.instant();
    if (text.isEmpty()) {
      return now;
    }
    Matcher relative = RELATIVE.matcher(text);
    if (relative.matches() && text.length() > 1) {
      Duration offset =
          Duration.ofHours(number(relative.group(2)))
              .plusMinutes(number(relative.group(3)))
              .plusSeconds(number(relative.group(4)));
      return relative.group(1).equals("-") ? now.minus(offset) : now.plus(offset);
    }
    if (text.endsWith("Z")) {
      LocalDateTime utc = dayAndTime(text.substring(0, text.length() - 1));
      if (utc != null) {
        return utc.toInstant(ZoneOffset.UTC);
      }
    }
    LocalDateTime local = dayAndTime(text);
    if (local == null) {
      throw new IllegalArgumentException(
          "'"
              + text
              + "' is no time; write 2024-05-31, 20240531, 13:45:00, 13:45:00123,"
              + " 2024-05-31T13:45:00[Z], 2024-05-31T13:45:00.123, or -2h15min");
    }
    return local.atZone(zone).toInstant();
  }

  private @Nullable LocalDateTime dayAndTime(String text) {
    for (DateTimeFormatter each : DAY_AND_TIME) {
      try {
        return LocalDateTime.parse(text, each);
      } catch (DateTimeException e) {
        continue;
      }
    }
    for (DateTimeFormatter each : DAYS) {
      try {
        return LocalDate.parse(text, each).atStartOfDay();
      } catch (DateTimeException e) {
        continue;
      }
    }
    for (DateTimeFormatter each : TIMES) {
      try {
        return LocalDate.now(clock.withZone(zone)).atTime(LocalTime.parse(text, each));
      } catch (DateTimeException e) {
        continue;
      }
    }
    return null;
  }

  private static long number(@Nullable String digits) {
    return digits == null ? 0 : Long.parseLong(digits);
  }

  private static DateTimeFormatter format(String pattern) {
    return DateTimeFormatter.ofPattern(pattern, Locale.ROOT);
  }
}
