package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The worked example of the guide, to the letter (DPL-23). */
@DisplayName("S-03 Configuration merge and reset (industrial dashboard)")
@ExtendWith(TestCloud.Shared.class)
class ConfigurationScenarioTest {
  private static final String DEFAULTS =
      """
      {"name":null,"mode":"REQUEST","network":{"useHttps":true,"port":{"http":80,"https":443}},"tags":[]}""";
  private static final String MERGE_1 =
      """
      {"name":"Factory 2A","network":{"useHttps":false,"port":{"http":8080}},"tags":["/boiler/1/temperature","/boiler/1/pressure","/boiler/2/temperature","/boiler/2/pressure"]}""";
  private static final String AFTER_1 =
      """
      {"name":"Factory 2A","mode":"REQUEST","network":{"useHttps":false,"port":{"http":8080,"https":443}},"tags":["/boiler/1/temperature","/boiler/1/pressure","/boiler/2/temperature","/boiler/2/pressure"]}""";
  private static final String RESET_2 =
      """
      ["/network/useHttps","/tags"]""";
  private static final String MERGE_2 =
      """
      {"tags":["/boiler/3/temperature","/boiler/3/pressure","/boiler/4/temperature","/boiler/4/pressure"]}""";
  private static final String AFTER_2 =
      """
      {"name":"Factory 2A","mode":"REQUEST","network":{"useHttps":true,"port":{"http":8080,"https":443}},"tags":["/boiler/3/temperature","/boiler/3/pressure","/boiler/4/temperature","/boiler/4/pressure"]}""";

  private static TestCloud cloud;
  private static TestCore core;

  @BeforeAll
  static void start(TestCloud shared) {
    cloud = shared;
    core = TestCore.started(cloud, "dashboard");
  }

  @AfterAll
  static void stop() {
    core.close();
  }

  private static String recipe(String name) {
    return """
    {"RecipeFormatVersion":"2020-01-25","ComponentName":"%s","ComponentVersion":"1.0.0",
     "ComponentConfiguration":{"DefaultConfiguration":%s},
     "Manifests":[{"Lifecycle":{"Run":"exec sleep 100000"}}]}
    """
        .formatted(name, DEFAULTS);
  }

  private static JsonNode json(String text) {
    return JsonMapper.shared().readTree(text);
  }

  @Test
  @DisplayName("by cloud: after 1, after 2, and after a reset of \"\" equal to the defaults")
  void theCloudMergesAndResets() {
    String name = "com.example.IndustrialDashboard";
    cloud.createComponent(recipe(name));

    deploy(name, "");
    assertThat(core.configuration(name)).isEqualTo(json(DEFAULTS));
    deploy(name, ",\"configurationUpdate\":{\"merge\":" + quoted(MERGE_1) + "}");
    assertThat(core.configuration(name)).isEqualTo(json(AFTER_1));
    deploy(
        name,
        ",\"configurationUpdate\":{\"reset\":" + RESET_2 + ",\"merge\":" + quoted(MERGE_2) + "}");
    assertThat(core.configuration(name)).isEqualTo(json(AFTER_2));
    deploy(name, ",\"configurationUpdate\":{\"reset\":[\"\"]}");
    assertThat(core.configuration(name)).isEqualTo(json(DEFAULTS));
  }

  private static void deploy(String name, String update) {
    String deployment =
        core.deploy("{\"" + name + "\":{\"componentVersion\":\"1.0.0\"" + update + "}}");
    core.awaitCompleted(deployment);
  }

  private static String quoted(String text) {
    return JsonMapper.shared().writeValueAsString(text);
  }

  @Test
  @DisplayName("same results by CLI (MERGE/RESET)")
  void theCommandLineMergesAndResets() {
    String name = "com.example.LocalDashboard";
    TestCloud.write(
        cloud.folder.resolve("dashboard-recipes/" + name + "-1.0.0.json"), recipe(name));

    core.deployLocallyAndSucceed(
        "--recipeDir",
        cloud.folder.resolve("dashboard-recipes").toString(),
        "--merge",
        name + "=1.0.0");
    assertThat(core.configuration(name)).isEqualTo(json(DEFAULTS));
    update(name, "\"MERGE\":" + MERGE_1);
    assertThat(core.configuration(name)).isEqualTo(json(AFTER_1));
    update(name, "\"RESET\":" + RESET_2 + ",\"MERGE\":" + MERGE_2);
    assertThat(core.configuration(name)).isEqualTo(json(AFTER_2));
    update(name, "\"RESET\":[\"\"]");
    assertThat(core.configuration(name)).isEqualTo(json(DEFAULTS));
  }

  private static void update(String name, String update) {
    core.deployLocallyAndSucceed("--update-config", "{\"" + name + "\":{" + update + "}}");
  }
}
