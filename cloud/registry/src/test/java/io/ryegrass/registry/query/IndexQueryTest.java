package io.ryegrass.registry.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The query language of fleet indexing (developer guide, "Query syntax"). */
@Timeout(60)
class IndexQueryTest {
  private record Fields(Map<String, List<String>> map) implements IndexFields {
    @Override
    public List<String> values(String field) {
      return map.getOrDefault(field, List.of());
    }

    @Override
    public Collection<String> all() {
      return map.values().stream().flatMap(List::stream).toList();
    }
  }

  private static final Fields TV =
      new Fields(
          Map.of(
              "thingName", List.of("tv-plasma:1"),
              "thingGroupNames", List.of("hall", "Plant"),
              "attributes.place", List.of("new york city"),
              "attributes.size", List.of("42")));

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "*; true",
        "thingName:tv-plasma:1; true",
        "thingName:TV*; true",
        "thingName:tv-plasma?1; true",
        "thingName:tv?; false",
        "thingName:plasma; false",
        "thingName:(tv* AND -plasma); true",
        "thingName:(tv* AND -tv-p*); false",
        "hall plant; true",
        "hall AND nothing; false",
        "nothing OR hall; true",
        "nothing OR hall AND nothing; false",
        "(nothing OR hall) AND plant; true",
        "NOT nothing; true",
        "NOT NOT hall; true",
        "-hall; false",
        "york; true",
        "attributes.place:york; true",
        "\"new york\"; true",
        "attributes.place:\"york new\"; false",
        "attributes.size>41; true",
        "attributes.size>42; false",
        "attributes.size>=42; true",
        "attributes.size<100; true",
        "attributes.size<=9; false",
        "attributes.size:[40 TO 42]; true",
        "attributes.size:{40 TO 42}; false",
        "attributes.size:[* TO 50]; true",
        "attributes.place>a; true",
        "attributes.size:*; true",
        "attributes.none:*; false",
        "thingName:tv\\-plasma\\:1; true",
        "thingName:tv\\*; false",
        "AND1; false"
      })
  void aQueryFindsWhatItSays(String query, boolean found) {
    assertThat(IndexQuery.parse(query).matches(TV)).as(query).isEqualTo(found);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "  ", "a AND", "a OR", "NOT", "(a", "a)", "AND a", "OR a", "a AND OR b", "NOT AND a",
        "a OR NOT", ")a", "(a b", "()", "a:", "a>", "a:[1 TO", "a:[1 2]", "*abc", "\"a", "a:\"\"",
        "a b c d e f g h i j k l m"
      })
  void whatIsNoQueryIsRefused(String query) {
    assertThatThrownBy(() -> IndexQuery.parse(query)).isInstanceOf(InvalidQueryException.class);
  }

  @Test
  void randomTextsAreReadOrRefused() {
    String[] pieces = {
      "a",
      "thingName:",
      "(",
      ")",
      " AND ",
      " OR ",
      "NOT ",
      "-",
      "*",
      "?",
      "\"",
      "\\",
      "[",
      " TO ",
      "]",
      "{",
      "}",
      ">",
      "<",
      "=",
      ":",
      " ",
      "1",
      "\ud83d",
      "\u0000",
      "\u0130"
    };
    Random random = new Random(42);
    int read = 0;
    for (int i = 0; i < 50_000; i++) {
      StringBuilder text = new StringBuilder();
      for (int j = random.nextInt(12); j >= 0; j--) {
        text.append(pieces[random.nextInt(pieces.length)]);
      }
      try {
        IndexQuery.parse(text.toString()).matches(TV);
        read++;
      } catch (InvalidQueryException e) {
        assertThat(e.getMessage()).isNotBlank();
      }
    }
    assertThat(read).isGreaterThan(1000);
  }

  @Test
  void depthAndWildcardsAreBounded() {
    assertThatThrownBy(() -> IndexQuery.parse("(".repeat(900) + "a"))
        .isInstanceOf(InvalidQueryException.class);
    IndexQuery stars = IndexQuery.parse("thingName:" + "a*".repeat(400) + "b");
    assertThat(stars.matches(new Fields(Map.of("thingName", List.of("a".repeat(100_000))))))
        .isFalse();
  }
}
