package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FilterSyntaxTest {
  private static final int LEVELS = 8;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a",
        "/",
        "//",
        "a/b",
        "#",
        "+",
        "+/+",
        "/+",
        "+/",
        "a/#",
        "/#",
        "+/a/#",
        "a b/ä",
        "$SYS/#",
        "$share",
        "$shared/g/t",
        "$",
        "a/$share/g"
      })
  void ordinaryFiltersHaveNoGroup(String filter) {
    // [MQTT5-4.7.1-1], [MQTT5-4.7.1-2], [MQTT5-4.7.3-1]; "$share" alone has no slash
    // [MQTT5-4.8.2-1]
    assertThat(FilterSyntax.parse(filter, LEVELS)).isEqualTo(new FilterSyntax.Valid(null, filter));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "a#", "#/a", "a/#/b", "##", "a+", "+a", "a/+b/c", "++", "a/b+", "/#a"})
  void misplacedWildcardsAndEmptyFiltersAreRefused(String filter) {
    // [MQTT5-4.7.1-1], [MQTT5-4.7.1-2], [MQTT5-4.7.3-1]
    assertThat(FilterSyntax.parse(filter, LEVELS)).isInstanceOf(FilterSyntax.Invalid.class);
  }

  @ParameterizedTest
  @CsvSource({
    "$share/g/t, g, t",
    "$share/g/#, g, #",
    "$share/g/+/x, g, +/x",
    "$share/$g//t, $g, /t",
    "$share/g//, g, /"
  })
  void sharedSubscriptionsHaveAGroupAndAFilter(String text, String group, String filter) {
    // [MQTT5-4.8.2-1], [MQTT5-4.8.2-2]
    assertThat(FilterSyntax.parse(text, LEVELS)).isEqualTo(new FilterSyntax.Valid(group, filter));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "$share/",
        "$share/g",
        "$share/g/",
        "$share//t",
        "$share//",
        "$share/+/t",
        "$share/#/t",
        "$share/a+b/t",
        "$share/a#/t",
        "$share/#",
        "$share/g/a#",
        "$share/g/+a"
      })
  void malformedSharesAreRefused(String text) {
    // [MQTT5-4.8.2-1], [MQTT5-4.8.2-2]
    assertThat(FilterSyntax.parse(text, LEVELS)).isInstanceOf(FilterSyntax.Invalid.class);
  }

  @Test
  void theLevelsOfTheFilterProperAreBounded() {
    assertThat(FilterSyntax.parse("1/2/3/4/5/6/7/8", LEVELS))
        .isInstanceOf(FilterSyntax.Valid.class);
    assertThat(FilterSyntax.parse("$share/g/1/2/3/4/5/6/7/8", LEVELS))
        .isInstanceOf(FilterSyntax.Valid.class);
    assertThat(FilterSyntax.parse("1/2/3/4/5/6/7/8/9", LEVELS))
        .isEqualTo(new FilterSyntax.Invalid("has more than 8 levels"));
    assertThat(FilterSyntax.parse("/".repeat(60_000), 1 << 20))
        .isInstanceOf(FilterSyntax.Valid.class);
    assertThat(FilterSyntax.levels("a")).isEqualTo(1);
    assertThat(FilterSyntax.levels("/a//")).isEqualTo(4);
  }

  @Test
  void zeroAndMoreThan65535BytesAreRefused() {
    // [MQTT5-4.7.3-2], [MQTT5-4.7.3-3]
    assertThat(FilterSyntax.parse("a\0", LEVELS)).isInstanceOf(FilterSyntax.Invalid.class);
    assertThat(FilterSyntax.parse("$share/g\0/t", LEVELS)).isInstanceOf(FilterSyntax.Invalid.class);
    assertThat(FilterSyntax.parse("a".repeat(65_535), LEVELS))
        .isInstanceOf(FilterSyntax.Valid.class);
    assertThat(FilterSyntax.parse("a".repeat(65_536), LEVELS))
        .isInstanceOf(FilterSyntax.Invalid.class);
    assertThat(FilterSyntax.parse("ä".repeat(32_768), LEVELS))
        .isInstanceOf(FilterSyntax.Invalid.class);
  }
}
