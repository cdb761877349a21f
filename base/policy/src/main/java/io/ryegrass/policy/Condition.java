package io.ryegrass.policy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One condition key under one operator: {@code {"StringLike": {"iot:ClientId": ["a*", "b"]}}}.
 *
 * <p>Listed values are alternatives; for a negated operator none may match. A missing key fails a
 * positive operator and {@code ForAnyValue:}, and passes a negated one, {@code …IfExists} and
 * {@code ForAllValues:}. Of several values of a key each must hold with {@code ForAllValues:} and
 * with a negated operator, else one is enough. An operator that is unknown here, a value that
 * cannot be read and a variable without value are decided against the caller: false for an Allow,
 * true for a Deny.
 */
record Condition(String operator, String key, List<String> expected) {

  /**
   * @param values keys of one value
   * @param lists keys that may have several, as {@code aws:TagKeys}
   */
  boolean holds(
      Map<String, String> values,
      Map<String, List<String>> lists,
      boolean allow,
      boolean variables) {
    String name = operator;
    boolean forAll = name.startsWith("ForAllValues:");
    boolean forAny = name.startsWith("ForAnyValue:");
    if (forAll || forAny) {
      name = name.substring(name.indexOf(':') + 1);
    }
    boolean ifExists = name.endsWith("IfExists");
    if (ifExists) {
      name = name.substring(0, name.length() - "IfExists".length());
    }
    List<String> actual = actual(values, lists);
    if (name.equals("Null")) {
      return isNull(actual.isEmpty(), allow);
    }
    Optional<ConditionOperator> known = ConditionOperator.find(name);
    if (known.isEmpty()) {
      return !allow;
    }
    if (actual.isEmpty()) {
      return ifExists || forAll || (known.get().negated() && !forAny);
    }
    boolean all = forAll || (!forAny && known.get().negated());
    for (String one : actual) {
      if (compare(known.get(), one, values, allow, variables) != all) {
        return !all;
      }
    }
    return all;
  }

  private List<String> actual(Map<String, String> values, Map<String, List<String>> lists) {
    for (Map.Entry<String, List<String>> list : lists.entrySet()) {
      if (list.getKey().equalsIgnoreCase(key)) {
        return list.getValue();
      }
    }
    String one = Variables.find(values, key);
    return one == null ? List.of() : List.of(one);
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

  private boolean isNull(boolean missing, boolean allow) {
    if (expected.size() != 1) {
      return !allow;
    }
    return switch (expected.getFirst()) {
      case "true" -> missing;
      case "false" -> !missing;
      default -> !allow;
    };
  }
}
