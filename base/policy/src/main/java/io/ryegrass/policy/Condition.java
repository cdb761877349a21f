package io.ryegrass.policy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One condition key under one operator: {@code {"StringLike": {"iot:ClientId": ["a*", "b"]}}}.
 *
 * <p>Listed values are alternatives; for a negated operator none may match. A missing key fails a
 * positive operator and passes a negated one, {@code …IfExists} and {@code ForAllValues:}. An
 * operator that is unknown here, a value that cannot be read and a variable without value are
 * decided against the caller: false for an Allow, true for a Deny.
 */
record Condition(String operator, String key, List<String> expected) {

  boolean holds(Map<String, String> values, boolean allow, boolean variables) {
    String name = operator;
    boolean forAll = name.startsWith("ForAllValues:");
    if (forAll || name.startsWith("ForAnyValue:")) {
      name = name.substring(name.indexOf(':') + 1);
    }
    boolean ifExists = name.endsWith("IfExists");
    if (ifExists) {
      name = name.substring(0, name.length() - "IfExists".length());
    }
    String actual = Variables.find(values, key);
    if (name.equals("Null")) {
      return isNull(actual, allow);
    }
    Optional<ConditionOperator> known = ConditionOperator.find(name);
    if (known.isEmpty()) {
      return !allow;
    }
    if (actual == null) {
      return ifExists || forAll || known.get().negated();
    }
    return compare(known.get(), actual, values, allow, variables);
  }

  private boolean compare(
      ConditionOperator known,
      String actual,
      Map<String, String> values,
      boolean allow,
      boolean variables) {
    List<Glob> patterns = new ArrayList<>();
    for (String text : expected) {
      Optional<Glob> glob =
          variables ? Glob.withVariables(text, values) : Optional.of(Glob.plain(text));
      if (glob.isEmpty()) {
        return !allow;
      }
      patterns.add(glob.get());
    }
    boolean found = false;
    for (int i = 0; i < expected.size(); i++) {
      String text = variables ? Literal.of(expected.get(i), values) : expected.get(i);
      Optional<Boolean> match = known.matches(actual, text, patterns.get(i));
      if (match.isEmpty()) {
        return !allow;
      }
      found |= match.get();
    }
    return found != known.negated();
  }

  private boolean isNull(@Nullable String actual, boolean allow) {
    if (expected.size() != 1) {
      return !allow;
    }
    return switch (expected.getFirst()) {
      case "true" -> actual == null;
      case "false" -> actual != null;
      default -> !allow;
    };
  }
}
