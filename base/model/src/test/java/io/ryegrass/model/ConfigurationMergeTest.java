package io.ryegrass.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The worked examples of v2-recipes-config.md §9 and the laws behind them. */
class ConfigurationMergeTest {

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '^',
      nullValues = "-",
      value = {
        "merge nested | {} | {'a':{'x':1,'y':2},'l':[1]} | - | {'a':{'x':5},'l':[2,3]} | {'a':{'x':5,'y':2},'l':[2,3]}",
        "reset then merge | {'m':'d','n':{'p':80}} | {'m':'z','n':{'p':81}} | /n/p | {'m':'q'} | {'m':'q','n':{'p':80}}",
        "reset key without default | {} | {'extra':1} | /extra | - | {}",
        "reset all | {'d':1} | {'a':2,'d':5} | ALL | - | {'d':1}",
        "new default in new version | {'a':2,'b':3} | {'a':1} | - | - | {'a':1,'b':3}",
        "list element reset | {} | {'l':[1,2]} | /l/0 | - | {'l':[1,2]}",
        "null merge | {} | {'a':1} | - | {'a':null} | {'a':null}",
        "type change | {} | {'a':1} | - | {'a':{'b':2}} | {'a':{'b':2}}",
        "type change back | {} | {'a':{'b':2}} | - | {'a':1} | {'a':1}",
        "keys without case | {'Port':1} | {'PORT':2} | - | {'port':3} | {'PORT':3}",
        "reset without case | {} | {'A':{'B':1}} | /a/b | - | {'A':{}}",
        "reset of an escaped key | {} | {'a/b':1,'c~d':2} | /a~1b | - | {'c~d':2}",
        "missing path ignored | {} | {'a':1} | /x/y | - | {'a':1}",
      })
  void a_deployment_changes_configuration_as_the_examples_say(
      String name, String defaults, String current, String reset, String merge, String after) {
    ObjectNode result =
        ConfigurationMerge.apply(
            json(current),
            json(defaults),
            new DeploymentDocument.ConfigurationUpdate(
                merge == null ? null : json(merge),
                reset == null ? List.of() : List.of(reset.equals("ALL") ? "" : reset)));
    assertThat(result).as(name).isEqualTo(json(after));
  }

  @Test
  void merging_twice_is_merging_once_and_leaves_the_arguments_alone() {
    for (int seed = 0; seed < 500; seed++) {
      Random random = new Random(seed);
      ObjectNode base = randomObject(random, 3);
      ObjectNode update = randomObject(random, 3);
      ObjectNode baseBefore = base.deepCopy();
      ObjectNode updateBefore = update.deepCopy();
      ObjectNode once = ConfigurationMerge.merge(base, update);
      assertThat(ConfigurationMerge.merge(once, update)).as("seed " + seed).isEqualTo(once);
      assertThat(base).isEqualTo(baseBefore);
      assertThat(update).isEqualTo(updateBefore);
      assertThat(ConfigurationMerge.merge(JsonNodeFactory.instance.objectNode(), update))
          .isEqualTo(update);
    }
  }

  @Test
  void adding_defaults_never_changes_what_is_there() {
    for (int seed = 0; seed < 500; seed++) {
      Random random = new Random(seed);
      ObjectNode current = randomObject(random, 3);
      ObjectNode defaults = randomObject(random, 3);
      ObjectNode result = ConfigurationMerge.addMissing(current, defaults);
      assertThat(ConfigurationMerge.merge(result, current)).as("seed " + seed).isEqualTo(result);
      assertThat(ConfigurationMerge.addMissing(result, defaults)).isEqualTo(result);
    }
  }

  private static ObjectNode randomObject(Random random, int depth) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    for (String key : Stream.of("a", "b", "c", "d").filter(k -> random.nextBoolean()).toList()) {
      switch (random.nextInt(depth == 0 ? 3 : 5)) {
        case 0 -> node.put(key, random.nextInt(3));
        case 1 -> node.putNull(key);
        case 2 -> node.putArray(key).add(random.nextInt(3));
        default -> node.set(key, randomObject(random, depth - 1));
      }
    }
    return node;
  }

  private static ObjectNode json(String text) {
    return (ObjectNode) JsonMapper.shared().readTree(text.replace('\'', '"'));
  }
}
