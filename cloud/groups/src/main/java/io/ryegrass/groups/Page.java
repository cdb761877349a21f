package io.ryegrass.groups;

import java.util.List;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Paging by MaxResults and NextToken; the token is the number of the last row shown. */
record Page(long after, int limit) {
  private static final int DEFAULT = 50;
  private static final int MAX = 200;

  static Page of(ObjectNode input) {
    return new Page(
        number(input, "NextToken", 0, Long.MAX_VALUE),
        (int) Math.min(MAX, number(input, "MaxResults", DEFAULT, Integer.MAX_VALUE)));
  }

  private static long number(ObjectNode input, String member, long absent, long max) {
    String text = input.path(member).asString("");
    if (text.isEmpty()) {
      return absent;
    }
    try {
      long number = Long.parseLong(text);
      if (number >= 1 && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw V1Errors.invalidInput(member + " is not valid: " + text);
    }
    throw V1Errors.invalidInput(member + " is not valid: " + text);
  }

  /** How many rows to ask for: one more than shown tells whether there is another page. */
  int fetch() {
    return limit + 1;
  }

  <T> ObjectNode write(
      String member, List<T> rows, Function<T, ObjectNode> json, ToLongFunction<T> seq) {
    ObjectNode output = VersionedStore.JSON.createObjectNode();
    ArrayNode array = output.putArray(member);
    rows.stream().limit(limit).forEach(row -> array.add(json.apply(row)));
    if (rows.size() > limit) {
      output.put("NextToken", Long.toString(seq.applyAsLong(rows.get(limit - 1))));
    }
    return output;
  }
}
