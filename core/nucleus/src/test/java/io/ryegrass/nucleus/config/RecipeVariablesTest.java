package io.ryegrass.nucleus.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Recipe variables (CMP-33, CMP-34; v2-recipes-config.md section 5). */
class RecipeVariablesTest {
  private static ObjectNode json(String text) {
    return (ObjectNode) new JsonMapper().readTree(text.replace('\'', '"'));
  }

  private static RecipeVariables.Facts facts(String name, String configuration) {
    return new RecipeVariables.Facts(
        json(configuration), Path.of("/a", name), Path.of("/u", name), Path.of("/w", name));
  }

  private final RecipeVariables variables =
      new RecipeVariables(
          Path.of("/root"),
          "thing-1",
          facts(
              "own",
              "{'Message':'hi','n':null,'b':true,'x':1.5,'o':{'z':1,'a':{'d':[1,'t']}},'l':[{'k':'v'}],'a/b':'slash'}"),
          name -> name.equals("dep.A") ? facts(name, "{'port':81}") : null);

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{artifacts:path} | /a/own",
        "{artifacts:decompressedPath}/x | /u/own/x",
        "{work:path} | /w/own",
        "{kernel:rootPath} | /root",
        "{iot:thingName} | thing-1",
        "{configuration:/Message} | hi",
        "{configuration:/message} | hi",
        "{configuration:/n} | null",
        "{configuration:/b} {configuration:/x} | true 1.5",
        "{configuration:/o} | {\"a\":{\"d\":[1,\"t\"]},\"z\":1}",
        "{configuration:/o/a/d/1} | t",
        "{configuration:/l/0/k} | v",
        "{configuration:/a~1b} | slash",
        "{configuration:/missing} | {configuration:/missing}",
        "{configuration:missing} | {configuration:missing}",
        "{nothing:path} {artifacts:other} | {nothing:path} {artifacts:other}",
        "{dep.A:configuration:/port} | 81",
        "{dep.A:artifacts:path}/f | /a/dep.A/f",
        "{dep.A:work:path} | /w/dep.A",
        "{other:configuration:/port} | {other:configuration:/port}",
        "$HOME \\1 {artifacts:path} | $HOME \\1 /a/own"
      })
  void a_variable_becomes_its_value_and_the_unknown_stays(String text, String expected) {
    assertThat(
            variables
                .lifecycle((ObjectNode) new JsonMapper().createObjectNode().put("Run", text))
                .get("Run")
                .asString())
        .isEqualTo(expected);
  }

  @Test
  void text_is_replaced_deep_in_maps_and_lists_and_keys_stay() {
    assertThat(
            variables.lifecycle(
                json("{'{work:path}':{'s':['{iot:thingName}',{'t':'{work:path}'}],'n':5}}")))
        .isEqualTo(json("{'{work:path}':{'s':['thing-1',{'t':'/w/own'}],'n':5}}"));
  }

  @Test
  void configuration_text_takes_all_variables_but_configuration() {
    assertThat(variables.configurationText("{iot:thingName}/{configuration:/Message}"))
        .isEqualTo("thing-1/{configuration:/Message}"); // CMP-34
    assertThat(variables.configurationText("{dep.A:artifacts:path}{dep.A:configuration:/port}"))
        .isEqualTo("/a/dep.A{dep.A:configuration:/port}");
  }
}
