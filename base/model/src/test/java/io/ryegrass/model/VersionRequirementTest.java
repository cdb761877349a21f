package io.ryegrass.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The table of v2-recipes-config.md §8. */
class VersionRequirementTest {

  @ParameterizedTest(name = "{0} holds {1}")
  @CsvSource(
      delimiter = ';',
      value = {
        "1.2.3; 1.2.3",
        "=1.2.3; 1.2.3",
        "1.0.0; 1.0.0+b",
        "1.2; 1.2.9",
        "1.2.x; 1.2.0",
        "~1.2; 1.2.7",
        "1; 1.9.0",
        "1.x; 1.0.0",
        "~1; 1.9.9",
        "~1.2.3; 1.2.9",
        "^1.2.3; 1.9.9",
        "^0.2.3; 0.2.9",
        "^0.0.3; 0.0.3",
        "^1.2.x; 1.9.0",
        "*; 3.2.1",
        "''; 3.2.1",
        "latest; 3.2.1",
        "x; 3.2.1",
        "^0; 0.9.0",
        "^0.x; 0.0.1",
        "^0.0; 0.0.9",
        ">1.0.0 <2.0.0; 1.5.0",
        ">=1.0.0 <=2.0.0; 2.0.0",
        ">= 1.0.0 < 2.0.0; 1.5.0",
        "1.2.3 - 2.3; 2.3.9",
        "1.2.3 - 2.3.4; 2.3.4",
        "1.0.0 || 3.0.0; 3.0.0",
        "^1.0.0-alpha; 1.0.0-beta",
        "*; 1.0.0-rc1",
        ">=0.0.0; 1.0.0-rc1",
        "''; 1.0.0-rc1",
        "1.0.0 || *; 2.0.0-rc1"
      })
  void a_requirement_holds_these_versions(String requirement, String version) {
    assertThat(accepts(requirement, version)).isTrue();
  }

  @ParameterizedTest(name = "{0} does not hold {1}")
  @CsvSource(
      delimiter = ';',
      value = {
        "1.2.3; 1.2.4",
        "1.2; 1.3.0",
        "1.2.x; 1.1.9",
        "~1.2; 1.3.0",
        "1; 2.0.0",
        "~1; 2.0.0",
        "~1.2.3; 1.3.0",
        "~1.2.3; 1.2.2",
        "^1.2.3; 2.0.0",
        "^0.2.3; 0.3.0",
        "^0.0.3; 0.0.4",
        "^1.2.x; 1.1.9",
        "^1.2.x; 2.0.0",
        ">1.0.0 <2.0.0; 1.0.0",
        "1.2.3 - 2.3; 2.4.0",
        "1.0.0 || 3.0.0; 2.0.0",
        ">=1.0.0 <2.0.0; 1.5.0-rc1",
        "^1.0.0-alpha; 1.1.0-beta",
        "^0; 1.0.0",
        "^0.0; 0.1.0",
        "^0.x; 1.0.0"
      })
  void a_requirement_refuses_these_versions(String requirement, String version) {
    assertThat(accepts(requirement, version)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"garbage", ">=abc", "1.2.3.4", "!=1.0.0", "[1.0,2.0)", "(1.0,2.0]"})
  void what_is_no_requirement_is_refused_with_an_example(String text) {
    assertThatThrownBy(() -> VersionRequirement.parse(text))
        .isInstanceOfSatisfying(
            InvalidDocumentException.class,
            e -> assertThat(e.code()).isEqualTo("COMPONENT_DEPENDENCY_NOT_VALID"))
        .hasMessageContaining(text)
        .hasMessageContaining("^1.2.0");
  }

  @Test
  void versions_are_ordered_as_semver_says() {
    List<String> ordered =
        List.of(
            "0.9.9",
            "1.0.0-1",
            "1.0.0-2",
            "1.0.0-10",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0",
            "1.0.0+build",
            "1.0.1",
            "1.2.0",
            "1.10.0",
            "2.0.0");
    for (int seed = 0; seed < 20; seed++) {
      List<String> shuffled = new ArrayList<>(ordered);
      Collections.shuffle(shuffled, new Random(seed));
      assertThat(
              shuffled.stream().map(ComponentVersion::parse).sorted().map(ComponentVersion::text))
          .containsExactlyElementsOf(ordered);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1",
        "1.0",
        "v1.0.0",
        "1.0.0.0",
        "1.0.1000000",
        "01.0.0",
        "1.0.0-",
        "1.0.0-01",
        ""
      })
  void what_is_no_version_is_refused(String text) {
    assertThatThrownBy(() -> ComponentVersion.parse(text))
        .isInstanceOfSatisfying(
            InvalidDocumentException.class,
            e -> assertThat(e.code()).isEqualTo("COMPONENT_VERSION_NOT_VALID"));
  }

  private static boolean accepts(String requirement, String version) {
    return VersionRequirement.parse(requirement).accepts(ComponentVersion.parse(version));
  }
}
