package io.ryegrass.mqtt;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Any text as a topic filter, against the rules told a second time in another way: by levels. A
 * plain test run replays the corpus; {@code JAZZER_FUZZ=1 mvn test -Dtest=FilterSyntaxFuzzTest
 * -Djazzer.hooks=true} looks for new inputs for one minute.
 */
class FilterSyntaxFuzzTest {
  private static final int LEVELS = 8;

  @FuzzTest(maxDuration = "1m")
  void anyText(byte[] input) {
    String text = new String(input, StandardCharsets.UTF_8);
    FilterSyntax.Result result = FilterSyntax.parse(text, LEVELS);
    boolean expected = isValid(text);
    if (result instanceof FilterSyntax.Valid != expected) {
      throw new AssertionError("expected " + (expected ? "valid" : "invalid") + ", got " + result);
    }
    if (result instanceof FilterSyntax.Valid(String group, String filter)) {
      String back = group == null ? filter : "$share/" + group + "/" + filter;
      if (!back.equals(text) || FilterSyntax.isShared(text) != (group != null)) {
        throw new AssertionError("something else came out: " + result);
      }
      if (FilterSyntax.levels(filter) > LEVELS) {
        throw new AssertionError("too many levels");
      }
    }
  }

  private static boolean isValid(String text) {
    if (text.getBytes(StandardCharsets.UTF_8).length > 65_535 || text.indexOf('\0') >= 0) {
      return false;
    }
    String filter = text;
    List<String> levels = List.of(text.split("/", -1));
    if (levels.size() > 1 && levels.getFirst().equals("$share")) {
      String group = levels.get(1);
      if (levels.size() < 3 || group.isEmpty() || !group.matches("(?s)[^+#]*")) {
        return false;
      }
      levels = levels.subList(2, levels.size());
      filter = String.join("/", levels);
    }
    if (filter.isEmpty() || levels.size() > LEVELS) {
      return false;
    }
    for (int i = 0; i < levels.size(); i++) {
      String level = levels.get(i);
      boolean whole =
          level.equals("+")
              || (level.equals("#") && i == levels.size() - 1)
              || (level.indexOf('+') < 0 && level.indexOf('#') < 0);
      if (!whole) {
        return false;
      }
    }
    return true;
  }
}
