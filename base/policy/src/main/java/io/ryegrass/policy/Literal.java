package io.ryegrass.policy;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A condition value for operators without wildcards: only variables are replaced. */
final class Literal {
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([^}]*)}");

  private Literal() {}

  /** The text with its variables replaced; {@link Glob} has already seen that all have a value. */
  static String of(String text, Map<String, String> values) {
    return VARIABLE
        .matcher(text)
        .replaceAll(found -> Matcher.quoteReplacement(value(found.group(1), values)));
  }

  private static String value(String expression, Map<String, String> values) {
    if (expression.equals("*") || expression.equals("?") || expression.equals("$")) {
      return expression;
    }
    int comma = expression.indexOf(',');
    String name = (comma < 0 ? expression : expression.substring(0, comma)).strip();
    @Nullable String value = Variables.find(values, name);
    if (value != null) {
      return value;
    }
    String fallback = expression.substring(comma + 1).strip();
    return fallback.length() < 2 ? "" : fallback.substring(1, fallback.length() - 1);
  }
}
