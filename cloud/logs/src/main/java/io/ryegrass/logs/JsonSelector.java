package io.ryegrass.logs;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Selectors of properties: {@code $.a.b[0].c}, {@code $.list[*]}, {@code $['key.with.dots']}. */
final class JsonSelector {
  private static final String ENDS = " \t\r\n.[]()=!<>&|,'\"";
  private static final int ALL = -1;

  private JsonSelector() {}

  /** One step downwards. */
  sealed interface Step {
    record Name(String name) implements Step {}

    /**
     * @param index {@code -1} for all elements
     */
    record Index(int index) implements Step {}
  }

  /**
   * @param end where what follows the selector stands
   */
  record Parsed(List<Step> steps, int end) {}

  /**
   * @param start where the {@code $} stands
   */
  static Parsed parse(String text, int start) {
    List<Step> steps = new ArrayList<>();
    int at = start + 1;
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == '.' && at + 1 < text.length() && text.charAt(at + 1) == '[') {
        at++;
      } else if (c == '.') {
        int end = at + 1;
        while (end < text.length() && ENDS.indexOf(text.charAt(end)) < 0) {
          end++;
        }
        if (end == at + 1) {
          throw wrong(text, start);
        }
        steps.add(new Step.Name(text.substring(at + 1, end)));
        at = end;
      } else if (c == '[') {
        at = bracket(text, start, at, steps);
      } else {
        break;
      }
    }
    return new Parsed(List.copyOf(steps), at);
  }

  private static int bracket(String text, int start, int at, List<Step> steps) {
    char quote = at + 1 < text.length() ? text.charAt(at + 1) : ' ';
    boolean named = quote == '\'' || quote == '"';
    int close = text.indexOf(named ? quote + "]" : "]", at + (named ? 2 : 1));
    if (close < 0) {
      throw wrong(text, start);
    }
    if (named) {
      steps.add(new Step.Name(text.substring(at + 2, close)));
      return close + 2;
    }
    String index = text.substring(at + 1, close).strip();
    if (!index.equals("*") && !index.matches("\\d{1,9}")) {
      throw wrong(text, start);
    }
    steps.add(new Step.Index(index.equals("*") ? ALL : Integer.parseInt(index)));
    return close + 1;
  }

  private static RuntimeException wrong(String text, int start) {
    return Faults.invalid(
        "Invalid filter pattern: '" + text.substring(start) + "' does not begin with a selector.");
  }

  /** What is there; empty when nothing is. */
  static List<JsonNode> select(JsonNode tree, List<Step> steps) {
    List<JsonNode> nodes = List.of(tree);
    for (Step step : steps) {
      List<JsonNode> below = new ArrayList<>();
      for (JsonNode node : nodes) {
        switch (step) {
          case Step.Name(String name) -> add(node.path(name), below);
          case Step.Index(int index) when index == ALL -> {
            if (node.isArray()) {
              node.forEach(below::add);
            }
          }
          case Step.Index(int index) -> add(node.path(index), below);
        }
      }
      nodes = below;
    }
    return nodes;
  }

  private static void add(JsonNode node, List<JsonNode> into) {
    if (!node.isMissingNode()) {
      into.add(node);
    }
  }
}
