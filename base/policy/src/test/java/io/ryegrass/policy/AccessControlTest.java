package io.ryegrass.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.policy.AccessControl.Style;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The rules of v2-ipc.md, section 8. */
class AccessControlTest {
  private static final JsonMapper JSON = JsonMapper.shared();

  private static AccessControl of(String json) {
    return AccessControl.parse(Map.of("comp", tree(json)));
  }

  private static JsonNode tree(String json) {
    return JSON.readTree(json.replace('\'', '"'));
  }

  private static AccessControl resource(String resource) {
    return of("{'svc':{'p1':{'operations':['op'],'resources':['" + resource + "']}}}");
  }

  @ParameterizedTest
  @CsvSource({
    "a/b,      a/b,    true,  true",
    "a/*,      a/b/c,  true,  true",
    "*,        a/b,    true,  true",
    "a*/z,     ab/c/z, true,  true",
    "a/+/c,    a/b/c,  false, true",
    "a/+/c,    a/+/c,  true,  true",
    "a/+/c,    a/b/x/c,false, false",
    "+/b,      a/b,    false, true",
    "a/+,      a/b,    false, true",
    "a/b+/c,   a/bx/c, false, false",
    "a/b+/c,   a/b+/c, true,  true",
    "a/#,      a,      false, true",
    "a/#,      a/b/c,  false, true",
    "a/#,      ab,     false, false",
    "a/#,      a/#,    true,  true",
    "a#,       ab,     false, false",
    "#,        a/b,    false, true",
    "a/${*},   a/*,    true,  true",
    "a/${*},   a/b,    false, false",
    "a/${?},   a/?,    true,  true",
    "a/${$},   a/$,    true,  true"
  })
  void resourcesMatchInBothStyles(
      String pattern, String requested, boolean standard, boolean mqtt) {
    AccessControl control = resource(pattern);
    assertThat(control.allows("svc", "comp", "op", requested, Style.STANDARD)).isEqualTo(standard);
    assertThat(control.allows("svc", "comp", "op", requested, Style.MQTT)).isEqualTo(mqtt);
  }

  @ParameterizedTest
  @CsvSource({"a?b", "?", "${x}", "a/${foo}", "''"})
  void anInvalidResourceIsLeftOutAndTold(String pattern) {
    AccessControl control = resource(pattern);
    assertThat(control.allows("svc", "comp", "op", pattern, Style.STANDARD)).isFalse();
    assertThat(control.problems()).hasSize(1);
  }

  @Test
  void onlyTheComponentThatHoldsThePolicyMayUseIt() {
    AccessControl control = resource("*");
    assertThat(control.allows("svc", "other", "op", "a", Style.STANDARD)).isFalse();
    assertThat(control.allows("other", "comp", "op", "a", Style.STANDARD)).isFalse();
    assertThat(control.allows("svc", "comp", "other", "a", Style.STANDARD)).isFalse();
  }

  @Test
  void aStarAllowsEveryOperation() {
    AccessControl control = of("{'svc':{'p':{'operations':['*'],'resources':['a']}}}");
    assertThat(control.allows("svc", "comp", "anything", "a", Style.STANDARD)).isTrue();
  }

  @Test
  void aBlockMayBeTextAndItsKeysAnyCase() {
    var text =
        JSON.getNodeFactory()
            .stringNode("{\"SVC\":{\"p\":{\"Operations\":[\"op\"],\"RESOURCES\":[\"a\"]}}}");
    AccessControl control = AccessControl.parse(Map.of("comp", text));
    assertThat(control.allows("svc", "comp", "op", "a", Style.STANDARD)).isTrue();
  }

  @Test
  void aPolicyWithoutResourcesAllowsOnlyRequestsWithoutOne() {
    AccessControl control = of("{'svc':{'p':{'operations':['op']}}}");
    assertThat(control.allows("svc", "comp", "op", "", Style.STANDARD)).isTrue();
    assertThat(control.allows("svc", "comp", "op", "a", Style.STANDARD)).isFalse();
  }

  @Test
  void anEmptyPolicyIdVoidsItsServiceAndNoOther() {
    AccessControl control =
        of(
            "{'svc':{'':{'operations':['op'],'resources':['*']},'p':{'operations':['op'],'resources':['*']}},"
                + "'two':{'p':{'operations':['op'],'resources':['*']}}}");
    assertThat(control.allows("svc", "comp", "op", "a", Style.STANDARD)).isFalse();
    assertThat(control.allows("two", "comp", "op", "a", Style.STANDARD)).isTrue();
  }
}
