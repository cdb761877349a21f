package io.ryegrass.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class GlobTest {
  @Test
  void everyPatternDecidesAsTheSameRegularExpressionWould() {
    Random random = new Random(20261121);
    for (int i = 0; i < 50_000; i++) {
      String pattern = text(random, "ab/*?+#", 8);
      String text = text(random, "ab/+#", 8);
      StringBuilder regex = new StringBuilder();
      for (char c : pattern.toCharArray()) {
        regex.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(String.valueOf(c)));
      }
      assertThat(Glob.plain(pattern).matches(text))
          .as("pattern %s, text %s", pattern, text)
          .isEqualTo(Pattern.compile(regex.toString(), Pattern.DOTALL).matcher(text).matches());
    }
  }

  @Test
  void manyWildcardsDoNotStopTheServer() {
    Glob pattern = Glob.plain("*a".repeat(100) + "b");
    assertTimeout(
        Duration.ofSeconds(60), () -> assertThat(pattern.matches("a".repeat(5000))).isFalse());
  }

  @Test
  void charactersOutsideTheBasicPlaneCountAsOne() {
    assertThat(Glob.plain("x/?").matches("x/😀")).isTrue();
    assertThat(Glob.plain("😀/*").matches("😀/a")).isTrue();
    assertThat(Glob.plain("😀/*").matches("😁/a")).isFalse();
  }

  @Test
  void aWildcardInsideAVariablesValueIsOrdinaryText() {
    Glob glob = Glob.withVariables("topic/${iot:ClientId}", Map.of("iot:ClientId", "*")).get();
    assertThat(glob.matches("topic/*")).isTrue();
    assertThat(glob.matches("topic/other")).isFalse();
  }

  @Test
  void aVariableWithoutValueGivesNoPatternUnlessItHasADefault() {
    assertThat(Glob.withVariables("a/${iot:ClientId}", Map.of())).isEmpty();
    assertThat(Glob.withVariables("a/${iot:ClientId, 'b'}", Map.of()).get().matches("a/b"))
        .isTrue();
  }

  private static String text(Random random, String alphabet, int max) {
    StringBuilder text = new StringBuilder();
    for (int n = random.nextInt(max); n > 0; n--) {
      text.append(alphabet.charAt(random.nextInt(alphabet.length())));
    }
    return text.toString();
  }
}
