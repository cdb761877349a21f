package io.ryegrass.model;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** Trees are those of Jackson's own mapper, which is the judge here. */
class JsonTest {
  private static final JsonMapper MAPPER = JsonMapper.shared();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "[]",
        "null",
        "true",
        "\"\"",
        "-1",
        "{\"a\":[1,2147483648,-9223372036854775808,123456789012345678901234567890],\"b\":null}",
        "[0.1,1e300,-0.0,1.0,100.5,12345678901234567890.5]",
        "{\"\u00fc\\n\\\"\\u0000\":\"\u20ac\ud83d\ude00 \\\\ / \\t\"}",
        "{\"a\":1,\"a\":2}",
        " [ {\"x\" : [ [ ] , { } , false ] } ] "
      })
  void readsAndWritesAsTheMapperDoes(String text) {
    assertThat(Json.read(text)).isEqualTo(MAPPER.readTree(text));
    assertThat(Json.read(text.getBytes(UTF_8))).isEqualTo(MAPPER.readTree(text));
    assertThat(Json.text(Json.read(text))).isEqualTo(MAPPER.readTree(text).toString());
    assertThat(Json.bytes(Json.read(text)))
        .isEqualTo(MAPPER.writeValueAsBytes(MAPPER.readTree(text)));
  }

  @Test
  void nothingAtAllIsMissing() {
    assertThat(Json.read("").isMissingNode()).isTrue();
    assertThat(Json.read(new byte[0]).isMissingNode()).isTrue();
    assertThat(Json.readYaml(new byte[0]).isMissingNode()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"{", "[1,]", "{\"a\"}", "{} {}", "1 2", "nul", "[1}", "\"open"})
  void whatIsNoJsonIsRefused(String text) {
    assertThatThrownBy(() -> Json.read(text)).isInstanceOf(JacksonException.class);
    assertThatThrownBy(() -> MAPPER.readTree(text)).isInstanceOf(JacksonException.class);
  }

  @Test
  void aTreeThatIsTooDeepIsRefusedAndNoStackOverflows() {
    String deep = "[".repeat(100_000);
    assertThatThrownBy(() -> Json.read(deep)).isInstanceOf(JacksonException.class);
  }

  @Test
  void twoMembersWithOneNameAreAnErrorForWhoAsksForIt() {
    byte[] twice = "{\"a\":1,\"a\":2}".getBytes(UTF_8);
    assertThatThrownBy(() -> Json.readStrictly(twice)).isInstanceOf(JacksonException.class);
    byte[] yaml = "a: 1\na: 2\n".getBytes(UTF_8);
    assertThatThrownBy(() -> Json.readYamlStrictly(yaml)).isInstanceOf(JacksonException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a: {b: [1, 2.5, ~, yes, 'no', 0x10, 010, 1_000]}\nc: |\n  text\n  more\nd:\n",
        "- a\n- b: c\n-\n",
        "text",
        "x: !!binary aGk=\ny: &anchor 5\nz: 12345678901\n",
        "# nothing but a remark\n"
      })
  void readsYamlAsTheMapperDoes(String text) {
    assertThat(Json.readYaml(text.getBytes(UTF_8))).isEqualTo(new YAMLMapper().readTree(text));
    assertThat(Json.readYamlStrictly(text.getBytes(UTF_8)))
        .isEqualTo(new YAMLMapper().readTree(text));
  }

  @Test
  void aTextIsQuoted() {
    String text = "a\"b\\c\n\u20ac";
    assertThat(Json.quoted(text)).isEqualTo(MAPPER.writeValueAsBytes(text));
  }
}
