package io.ryegrass.nucleus.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.nucleus.ConfigurationConflictException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** The worked examples of v2-recipes-config.md section 9, and variables (section 5). */
class StampedConfigurationTest {
  private static ObjectNode json(String text) {
    return (ObjectNode) new JsonMapper().readTree(text.replace('\'', '"'));
  }

  private static StampedConfiguration at(long time, String text) {
    StampedConfiguration c = StampedConfiguration.empty();
    c.merge(json(text), time);
    return c;
  }

  @Test
  void a_deep_merge_replaces_lists_and_scalars() {
    StampedConfiguration c = at(5, "{'a':{'x':1,'y':2},'l':[1]}");
    c.merge(json("{'a':{'x':5},'l':[2,3]}"), 10);
    assertThat(c.values()).isEqualTo(json("{'a':{'x':5,'y':2},'l':[2,3]}"));
  }

  @Test
  void reset_comes_before_defaults_and_merge() {
    StampedConfiguration c = at(5, "{'m':'z','n':{'p':81}}");
    c.reset(List.of("/n/p"), p -> {});
    c.addDefaults(json("{'m':'d','n':{'p':80}}"));
    c.merge(json("{'m':'q'}"), 10);
    assertThat(c.values()).isEqualTo(json("{'m':'q','n':{'p':80}}"));
  }

  @Test
  void new_defaults_fill_gaps_only() {
    StampedConfiguration c = StampedConfiguration.empty();
    c.addDefaults(json("{'a':1}"));
    c.addDefaults(json("{'a':2,'b':3}"));
    assertThat(c.values()).isEqualTo(json("{'a':1,'b':3}"));
  }

  @Test
  void an_older_deployment_does_not_replace_a_newer_value() {
    StampedConfiguration c = at(200, "{'a':1}");
    c.merge(json("{'a':9,'b':2}"), 100);
    assertThat(c.values()).isEqualTo(json("{'a':1,'b':2}"));
  }

  @Test
  void elements_of_lists_are_not_reset_and_the_empty_pointer_resets_all() {
    StampedConfiguration c = at(5, "{'l':[1,2],'extra':1}");
    List<String> refused = new ArrayList<>();
    c.reset(List.of("/l/0"), refused::add);
    assertThat(refused).containsExactly("/l/0");
    assertThat(c.values()).isEqualTo(json("{'l':[1,2],'extra':1}"));
    c.reset(List.of("", "/never"), refused::add);
    assertThat(c.values()).isEqualTo(json("{}"));
  }

  @Test
  void null_is_a_value_and_types_may_change() {
    StampedConfiguration c = at(5, "{'a':1,'b':1}");
    c.merge(json("{'a':null,'b':{'c':2}}"), 6);
    assertThat(c.values()).isEqualTo(json("{'a':null,'b':{'c':2}}"));
  }

  @Test
  void keys_are_found_without_regard_to_case_and_keep_their_first_spelling() {
    StampedConfiguration c = at(5, "{'Name':1}");
    c.merge(json("{'name':2}"), 6);
    assertThat(c.values()).isEqualTo(json("{'Name':2}"));
    assertThat(c.find(List.of("NAME"))).isPresent();
  }

  @Test
  void a_runtime_change_with_an_older_time_is_refused() {
    StampedConfiguration c = at(100, "{'a':{'b':1}}");
    assertThatThrownBy(() -> c.set(List.of("a", "b"), StringNode.valueOf("x"), 99))
        .isInstanceOf(ConfigurationConflictException.class);
    assertThat(c.set(List.of("a", "c", "d"), StringNode.valueOf("x"), 101)).isTrue();
    assertThat(c.values()).isEqualTo(json("{'a':{'b':1,'c':{'d':'x'}}}"));
  }

  @Test
  void differences_name_the_changed_leaves() {
    assertThat(
            StampedConfiguration.differences(
                json("{'a':{'x':1,'y':2},'l':[1],'gone':1}"),
                json("{'a':{'x':1,'y':3},'l':[2],'new':{'k':1}}")))
        .containsExactlyInAnyOrder(
            List.of("a", "y"), List.of("l"), List.of("gone"), List.of("new", "k"));
  }

  @Test
  void recipe_variables_are_replaced_and_unknown_ones_left() {
    RecipeVariables.Facts own =
        new RecipeVariables.Facts(
            json("{'m':'hi','o':{'b':1,'a':[true]},'n':null}"),
            Path.of("/r/packages/artifacts/c/1.0.0"),
            Path.of("/r/packages/artifacts-unarchived/c/1.0.0"),
            Path.of("/r/work/c"));
    RecipeVariables.Facts other =
        new RecipeVariables.Facts(
            json("{'port':80}"), Path.of("/r/a/d"), Path.of("/r/u/d"), Path.of("/r/work/d"));
    RecipeVariables v =
        new RecipeVariables(Path.of("/r"), "core1", own, n -> n.equals("d") ? other : null);
    ObjectNode out =
        v.lifecycle(
            json(
                "{'Run':'{artifacts:path}/x {artifacts:decompressedPath} {work:path} {kernel:rootPath} {iot:thingName}',"
                    + "'Install':{'Script':'{configuration:/m} {configuration:/o} {configuration:/n} {configuration:/none} {d:configuration:/port} {e:configuration:/port} ${SHELL} {a:b}'}}"));
    assertThat(out.at("/Run").asString())
        .isEqualTo(
            "/r/packages/artifacts/c/1.0.0/x /r/packages/artifacts-unarchived/c/1.0.0 /r/work/c /r core1");
    assertThat(out.at("/Install/Script").asString())
        .isEqualTo(
            "hi {\"a\":[true],\"b\":1} null {configuration:/none} 80 {e:configuration:/port} ${SHELL} {a:b}");
    assertThat(v.configurationText("{configuration:/m} {iot:thingName}"))
        .isEqualTo("{configuration:/m} core1");
  }
}
