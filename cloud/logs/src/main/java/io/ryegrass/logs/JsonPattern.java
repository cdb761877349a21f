package io.ryegrass.logs;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.logs.JsonSelector.Step;
import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Patterns for JSON messages: <code>{ ($.user.id = 1 || $.tags[*] = "a*") &amp;&amp; $.err NOT
 * EXISTS }</code>. Comparisons are {@code = != < <= > >=}, {@code IS NULL}, {@code IS TRUE}, {@code
 * IS FALSE} and {@code NOT EXISTS}; texts may hold {@code *} for any characters. A property that is
 * not there satisfies {@code NOT EXISTS} only; messages that are no JSON satisfy nothing.
 */
final class JsonPattern {
  private static final JsonMapper JSON = JsonMapper.shared();

  private final String text;
  private int at;

  private JsonPattern(String text) {
    this.text = text;
  }

  /**
   * @throws AwsException {@code InvalidParameterException} when the text is no pattern
   */
  static Predicate<String> parse(String pattern) {
    if (!pattern.endsWith("}")) {
      throw Faults.invalid("Invalid filter pattern: '" + pattern + "' does not end with '}'.");
    }
    JsonPattern parser = new JsonPattern(pattern.substring(1, pattern.length() - 1));
    Predicate<JsonNode> condition = parser.alternatives();
    parser.space();
    if (parser.at < parser.text.length()) {
      throw parser.wrong("the end, && or ||");
    }
    return message -> test(condition, message);
  }

  private static boolean test(Predicate<JsonNode> condition, String message) {
    String json = message.strip();
    if (!json.startsWith("{") && !json.startsWith("[")) {
      return false;
    }
    JsonNode tree;
    try {
      tree = JSON.readTree(json);
    } catch (JacksonException e) {
      return false; // no JSON: the pattern is about other messages
    }
    return condition.test(tree);
  }

  private Predicate<JsonNode> alternatives() {
    Predicate<JsonNode> found = conjunction();
    while (take("||")) {
      found = found.or(conjunction());
    }
    return found;
  }

  private Predicate<JsonNode> conjunction() {
    Predicate<JsonNode> found = unit();
    while (take("&&")) {
      found = found.and(unit());
    }
    return found;
  }

  private Predicate<JsonNode> unit() {
    if (take("(")) {
      Predicate<JsonNode> inner = alternatives();
      if (!take(")")) {
        throw wrong("')'");
      }
      return inner;
    }
    space();
    if (at >= text.length() || text.charAt(at) != '$') {
      throw wrong("a selector such as $.name, or '('");
    }
    JsonSelector.Parsed selector = JsonSelector.parse(text, at);
    at = selector.end();
    return comparison(selector.steps());
  }

  private Predicate<JsonNode> comparison(List<Step> steps) {
    if (word("NOT")) {
      if (!word("EXISTS")) {
        throw wrong("EXISTS");
      }
      return tree -> JsonSelector.select(tree, steps).isEmpty();
    }
    if (word("IS")) {
      Predicate<JsonNode> is = is();
      return tree -> JsonSelector.select(tree, steps).stream().anyMatch(is);
    }
    for (String operator : List.of("!=", "<=", ">=", "=", "<", ">")) {
      if (take(operator)) {
        Predicate<JsonNode> compare = compare(operator);
        return tree -> JsonSelector.select(tree, steps).stream().anyMatch(compare);
      }
    }
    throw wrong("a comparison");
  }

  private Predicate<JsonNode> is() {
    if (word("NULL")) {
      return JsonNode::isNull;
    }
    if (word("TRUE")) {
      return node -> node.isBoolean() && node.booleanValue();
    }
    if (word("FALSE")) {
      return node -> node.isBoolean() && !node.booleanValue();
    }
    throw wrong("NULL, TRUE or FALSE");
  }

  private Predicate<JsonNode> compare(String operator) {
    space();
    StringBuilder value = new StringBuilder();
    boolean quoted = at < text.length() && text.charAt(at) == '"';
    at = quoted ? FilterPattern.Quoted.read(text, at, value) : bare(value);
    if (value.isEmpty() && !quoted) {
      throw wrong("a value");
    }
    String wanted = value.toString();
    if (!quoted && wanted.startsWith("%")) {
      throw Faults.invalid("Regular expressions, '%…%', are not served by this cloud.");
    }
    Optional<BigDecimal> number = quoted ? Optional.empty() : number(wanted);
    if (operator.equals("=") || operator.equals("!=")) {
      boolean equal = operator.equals("=");
      return node -> node.isValueNode() && !node.isNull() && equals(node, wanted, number) == equal;
    }
    BigDecimal bound = number.orElseThrow(() -> wrong("a number after " + operator));
    return node -> node.isNumber() && ordered(operator, node.decimalValue().compareTo(bound));
  }

  private static boolean equals(JsonNode node, String wanted, Optional<BigDecimal> number) {
    return number.isPresent() && node.isNumber()
        ? node.decimalValue().compareTo(number.get()) == 0
        : fits(node.asString(""), wanted);
  }

  private static boolean ordered(String operator, int comparison) {
    return switch (operator) {
      case "<" -> comparison < 0;
      case "<=" -> comparison <= 0;
      case ">" -> comparison > 0;
      default -> comparison >= 0;
    };
  }

  private static Optional<BigDecimal> number(String text) {
    if (text.length() > 40 || !text.matches("[+-]?[0-9]*\\.?[0-9]+([eE][+-]?[0-9]{1,3})?")) {
      return Optional.empty();
    }
    return Optional.of(new BigDecimal(text));
  }

  /** Whether a text fits a pattern with {@code *}; linear in their product, without recursion. */
  static boolean fits(String text, String pattern) {
    int t = 0;
    int p = 0;
    int star = -1;
    int resume = 0;
    while (t < text.length()) {
      if (p < pattern.length() && pattern.charAt(p) == '*') {
        star = p++;
        resume = t;
      } else if (p < pattern.length() && pattern.charAt(p) == text.charAt(t)) {
        p++;
        t++;
      } else if (star >= 0) {
        p = star + 1;
        t = ++resume;
      } else {
        return false;
      }
    }
    while (p < pattern.length() && pattern.charAt(p) == '*') {
      p++;
    }
    return p == pattern.length();
  }

  private int bare(StringBuilder into) {
    int end = at;
    while (end < text.length() && " \t\n\r()&|\"".indexOf(text.charAt(end)) < 0) {
      into.append(text.charAt(end++));
    }
    return end;
  }

  private boolean take(String token) {
    space();
    if (text.startsWith(token, at)) {
      at += token.length();
      return true;
    }
    return false;
  }

  private boolean word(String word) {
    space();
    int end = at + word.length();
    boolean there =
        end <= text.length()
            && text.substring(at, end).toUpperCase(Locale.ROOT).equals(word)
            && (end == text.length() || !Character.isLetterOrDigit(text.charAt(end)));
    if (there) {
      at = end;
    }
    return there;
  }

  private void space() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }

  private AwsException wrong(String wanted) {
    return Faults.invalid(
        "Invalid filter pattern: expected " + wanted + " at '" + text.substring(at) + "'.");
  }
}
