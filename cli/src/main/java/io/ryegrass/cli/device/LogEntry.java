package io.ryegrass.cli.device;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.Year;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * One line of a log, whatever its form: JSON as AWS's nucleus writes it (CLI-20, CLI-22), the text
 * lines of this core and its components, or the system's log (RFC 3164).
 *
 * @param time when, or null for a line without a time: it goes on from the one before
 * @param fields what a filter {@code key=value} looks at
 * @param text the line as it is shown
 */
record LogEntry(@Nullable Instant time, Map<String, String> fields, String text) {
  private static final Pattern PLAIN =
      Pattern.compile(
          "^(\\d{4}-\\d\\d-\\d\\dT\\S+) \\[([A-Za-z]+)\\](?: \\(([^)]*)\\))? ([^:]+): ?(.*)$");
  private static final Pattern SYSLOG =
      Pattern.compile(
          "^(?:<(\\d+)>)?([A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d) (\\S+) ([^:\\[\\s]+)(?:\\[[^]]*\\])?: ?(.*)$");
  private static final DateTimeFormatter SYSLOG_TIME =
      new DateTimeFormatterBuilder()
          .appendPattern("MMM ppd HH:mm:ss yyyy")
          .toFormatter(Locale.ROOT);
  private static final DateTimeFormatter SHOWN =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  static LogEntry of(String line) {
    if (line.startsWith("{")) {
      LogEntry json = json(line);
      if (json != null) {
        return json;
      }
    }
    Matcher plain = PLAIN.matcher(line);
    if (plain.matches()) {
      Instant time = instant(plain.group(1));
      if (time != null) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("level", plain.group(2));
        if (plain.group(3) != null) {
          fields.put("thread", plain.group(3));
        }
        fields.put("loggerName", plain.group(4));
        fields.put("serviceName", plain.group(4));
        return new LogEntry(time, fields, line);
      }
    }
    return new LogEntry(null, Map.of(), line);
  }

  /** {@code <priority>time host program: message}; the year is this one. */
  static LogEntry ofSystem(String line, Year year) {
    Matcher syslog = SYSLOG.matcher(line);
    if (!syslog.matches()) {
      return new LogEntry(null, Map.of(), line);
    }
    Map<String, String> fields = new LinkedHashMap<>();
    if (syslog.group(1) != null) {
      fields.put("priority", syslog.group(1));
    }
    fields.put("host", syslog.group(3));
    fields.put("logger", syslog.group(4));
    try {
      LocalDateTime time = LocalDateTime.parse(syslog.group(2) + " " + year, SYSLOG_TIME);
      return new LogEntry(time.atZone(ZoneId.systemDefault()).toInstant(), fields, line);
    } catch (DateTimeException e) {
      return new LogEntry(null, fields, line);
    }
  }

  private static @Nullable LogEntry json(String line) {
    JsonNode json;
    try {
      json = Result.JSON.readTree(line);
    } catch (JacksonException e) {
      return null;
    }
    if (!json.path("message").isString() && !json.path("level").isString()) {
      return null;
    }
    Map<String, String> fields = new LinkedHashMap<>();
    for (String name : new String[] {"level", "thread", "loggerName", "eventType"}) {
      if (json.path(name).isString()) {
        fields.put(name, json.path(name).asString());
      }
    }
    Map<String, String> shown = new LinkedHashMap<>();
    json.path("contexts")
        .properties()
        .forEach(e -> shown.put(e.getKey(), e.getValue().asString(e.getValue().toString())));
    fields.putAll(shown);
    JsonNode cause = json.path("cause");
    if (!cause.isMissingNode() && !cause.isNull()) {
      fields.put("error", cause.path("message").asString(cause.toString()));
    }
    @Nullable Instant time =
        json.path("timestamp").isNumber()
            ? Instant.ofEpochMilli(json.path("timestamp").asLong())
            : null;
    StringBuilder text = new StringBuilder();
    text.append(time == null ? "" : SHOWN.format(time));
    text.append(" [").append(fields.getOrDefault("level", "")).append("] (");
    text.append(fields.getOrDefault("thread", "")).append(") ");
    text.append(fields.getOrDefault("loggerName", "")).append(": ");
    text.append(json.path("message").asString(fields.getOrDefault("eventType", ""))).append(". ");
    text.append(shown);
    if (fields.containsKey("error")) {
      text.append(' ').append(fields.get("error"));
    }
    return new LogEntry(time, fields, text.toString());
  }

  private static @Nullable Instant instant(String text) {
    try {
      return OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      return null;
    }
  }
}
