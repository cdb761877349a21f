package io.ryegrass.logs;

import io.ryegrass.awsapi.AwsException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Filter patterns ("Filter pattern syntax" in the CloudWatch Logs guide).
 *
 * <p>Terms: all of them must be in the message, in any order and with this case; those after {@code
 * -} must not; of those after {@code ?} one is enough, and they mean nothing beside others. Terms
 * with other characters than letters, digits and underscores stand in double quotes. {@code { … }}
 * is a {@link JsonPattern}. Regular expressions ({@code %…%}) and space-delimited fields ({@code
 * […]}) are refused.
 */
final class FilterPattern {
  private final List<String> all = new ArrayList<>();
  private final List<String> any = new ArrayList<>();
  private final List<String> none = new ArrayList<>();

  private FilterPattern() {}

  /**
   * @throws AwsException {@code InvalidParameterException} when the text is no pattern
   */
  static Predicate<String> parse(String text) {
    String pattern = text.strip();
    if (pattern.isEmpty()) {
      return message -> true;
    }
    if (pattern.startsWith("{")) {
      return JsonPattern.parse(pattern);
    }
    if (pattern.startsWith("[")) {
      throw Faults.invalid(
          "Patterns of space-delimited fields, '[…]', are not served by this cloud; use terms.");
    }
    FilterPattern terms = new FilterPattern();
    terms.read(pattern);
    return terms::matches;
  }

  private void read(String text) {
    int at = 0;
    while (at < text.length()) {
      char c = text.charAt(at);
      if (Character.isWhitespace(c)) {
        at++;
        continue;
      }
      List<String> into = c == '-' ? none : c == '?' ? any : all;
      int start = into == all ? at : at + 1;
      boolean quoted = start < text.length() && text.charAt(start) == '"';
      StringBuilder term = new StringBuilder();
      at = quoted ? Quoted.read(text, start, term) : bare(text, start, term);
      if (term.isEmpty()) {
        throw Faults.invalid("Invalid filter pattern: a term is empty in '" + text + "'.");
      }
      into.add(term.toString());
    }
  }

  private static int bare(String text, int start, StringBuilder term) {
    int at = start;
    while (at < text.length() && !Character.isWhitespace(text.charAt(at))) {
      char c = text.charAt(at);
      if (c == '%') {
        throw Faults.invalid(
            "Regular expressions, '%…%', are not served by this cloud; use terms.");
      }
      if (!Character.isLetterOrDigit(c) && c != '_' && !Character.isSurrogate(c)) {
        throw Faults.invalid(
            "Invalid character(s) in term '"
                + text.substring(start).split("\\s", 2)[0]
                + "'; put it in double quotes.");
      }
      term.append(c);
      at++;
    }
    return at;
  }

  private boolean matches(String message) {
    if (all.isEmpty() && none.isEmpty()) {
      return any.stream().anyMatch(message::contains);
    }
    return all.stream().allMatch(message::contains) && none.stream().noneMatch(message::contains);
  }

  /** TestMetricFilter: which of some messages match; values are not extracted. */
  static ObjectNode test(ObjectNode in) {
    Predicate<String> pattern = parse(in.path("filterPattern").asString(""));
    ObjectNode out = LogGroups.object();
    ArrayNode matches = out.putArray("matches");
    long number = 0;
    for (JsonNode message : in.path("logEventMessages")) {
      number++;
      if (pattern.test(message.asString(""))) {
        matches
            .addObject()
            .put("eventNumber", number)
            .put("eventMessage", message.asString(""))
            .putObject("extractedValues");
      }
    }
    return out;
  }

  /** Texts in double quotes; a backslash takes the next character as it is. */
  static final class Quoted {
    private Quoted() {}

    /**
     * @param start where the opening quote stands
     * @return where what follows the closing quote stands
     */
    static int read(String text, int start, StringBuilder into) {
      int at = start + 1;
      while (at < text.length()) {
        char c = text.charAt(at);
        if (c == '"') {
          return at + 1;
        }
        if (c == '\\' && at + 1 < text.length()) {
          at++;
          c = text.charAt(at);
        }
        into.append(c);
        at++;
      }
      throw Faults.invalid("Invalid filter pattern: a quote is not closed in '" + text + "'.");
    }
  }
}
