package io.ryegrass.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

class RecipeTest {
  private static final String ECHO =
      """
      RecipeFormatVersion: '2020-01-25'
      ComponentName: com.example.Echo
      ComponentVersion: 1.0.0
      ComponentPublisher: Example
      ComponentConfiguration:
        DefaultConfiguration:
          message: hi
      ComponentDependencies:
        aws.greengrass.TokenExchangeService:
          VersionRequirement: ^2.0.0
          DependencyType: soft
      Manifests:
        - Platform: {os: linux, runtime: "*"}
          Lifecycle:
            Install: {Script: "true", Timeout: 60}
            Run: sh {artifacts:path}/echo.sh {configuration:/message}
          Artifacts:
            - URI: s3://bucket/path/echo.sh
              Permission: {Read: OWNER, Execute: Owner}
      """;

  @Test
  void a_yaml_recipe_is_read_with_its_defaults() {
    Recipe recipe = parse(ECHO);
    assertThat(recipe.componentName()).isEqualTo("com.example.Echo");
    assertThat(recipe.componentType()).isEqualTo(ComponentType.GENERIC);
    assertThat(recipe.defaultConfiguration().get("message").asString()).isEqualTo("hi");
    assertThat(recipe.dependencies().get("aws.greengrass.TokenExchangeService").type())
        .isEqualTo(Recipe.DependencyType.SOFT);
    Recipe.Artifact artifact = recipe.manifests().getFirst().artifacts().getFirst();
    assertThat(artifact.fileName()).isEqualTo("echo.sh");
    assertThat(artifact.scheme()).isEqualTo("s3");
    assertThat(artifact.unarchive()).isEqualTo(Recipe.Unarchive.NONE);
    assertThat(artifact.permission())
        .isEqualTo(new Recipe.Permission(Recipe.Access.OWNER, Recipe.Access.OWNER));
    assertThat(recipe.manifests().getFirst().lifecycle().at("/Install/Timeout").asInt())
        .isEqualTo(60);
  }

  @Test
  void writing_and_reading_again_gives_an_equal_recipe() {
    Recipe recipe = parse(ECHO);
    assertThat(parse(recipe.toJson().toString())).isEqualTo(recipe);
    for (Recipe builtIn : BuiltInComponents.recipes()) {
      assertThat(parse(builtIn.toJson().toString())).isEqualTo(builtIn);
    }
  }

  @Test
  void field_names_count_without_their_case_and_unknown_fields_are_ignored() {
    Recipe recipe =
        parse(
            """
            {"recipeformatversion": "2020-01-25", "COMPONENTNAME": "a", "componentVersion": "1.0.0",
             "componentType": "AWS.greengrass.Lambda", "somethingNew": 1,
             "manifests": [{"artifacts": [{"uri": "greengrass:lambda.zip", "unarchive": "zip"}]}]}
            """);
    assertThat(recipe.componentType()).isEqualTo(ComponentType.LAMBDA);
    assertThat(recipe.manifests().getFirst().artifacts().getFirst().unarchive())
        .isEqualTo(Recipe.Unarchive.ZIP);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "RecipeFormatVersion: '2020-01-25'; RecipeFormatVersion: '2021-01-01'; 2020-01-25",
        "ComponentName: com.example.Echo; ComponentName: 'a b'; ComponentName",
        "ComponentName: com.example.Echo; ComponentName: '..'; ComponentName",
        "ComponentName: com.example.Echo; ComponentName: '.'; ComponentName",
        "ComponentVersion: 1.0.0; ComponentVersion: 1.0; 1.0.0-beta",
        "Execute: Owner; Execute: Nobody; Manifests[0].Artifacts[0].Permission.Execute",
        "- URI: s3://bucket/path/echo.sh; - Nothing: 1; Manifests[0].Artifacts[0].URI",
        "DependencyType: soft; DependencyType: maybe; HARD, SOFT",
        "VersionRequirement: ^2.0.0; VersionRequirement: nonsense; nonsense",
        "ComponentPublisher: Example; 'ComponentPublisher: [Example'; line",
        "ComponentPublisher: Example; ComponentName: twice; Duplicate"
      })
  void a_mistake_is_answered_with_its_field(String right, String wrong, String hint) {
    assertThatThrownBy(() -> parse(ECHO.replace(right, wrong)))
        .isInstanceOf(InvalidDocumentException.class)
        .hasMessageContaining(hint);
  }

  @Test
  void a_recipe_without_manifests_has_its_own_code() {
    assertThatThrownBy(
            () ->
                parse(
                    "{RecipeFormatVersion: '2020-01-25', ComponentName: a, ComponentVersion: 1.0.0}"))
        .isInstanceOfSatisfying(
            InvalidDocumentException.class,
            e -> assertThat(e.code()).isEqualTo("RECIPE_MISSING_MANIFEST"));
  }

  @ParameterizedTest(name = "{0}: {1} against {2} -> {3}")
  @CsvSource(
      nullValues = "absent",
      value = {
        "runtime, *, absent, true",
        "os, /lin.*/, linux, true",
        "os, /lin/, linux, false",
        "os, /.*/, absent, false",
        "os, all, windows, true",
        "architecture, any, arm, true",
        "os, any, absent, false",
        "runtime, any, x, false",
        "os, linux, linux, true",
        "os, Linux, linux, false",
        "os, _x, _x, false",
        "os, /(/, x, false",
      })
  void a_platform_template_matches_as_the_table_says(
      String key, String template, String value, boolean expected) {
    Map<String, String> device = value == null ? Map.of() : Map.of(key, value);
    assertThat(PlatformMatcher.matches(Map.of(key, template), device)).isEqualTo(expected);
  }

  @Test
  void the_first_manifest_that_fits_is_taken_and_none_is_an_error() {
    Recipe recipe =
        parse(
            """
            RecipeFormatVersion: '2020-01-25'
            ComponentName: a
            ComponentVersion: 1.0.0
            Manifests:
              - {Name: w, Platform: {os: windows}}
              - {Name: l, Platform: {os: linux, architecture: /a.*64/}}
              - {Name: second, Platform: {os: linux}}
            """);
    assertThat(recipe.select(Map.of("os", "linux", "architecture", "amd64")).name()).isEqualTo("l");
    assertThat(recipe.select(Map.of("os", "linux", "architecture", "x86")).name())
        .isEqualTo("second");
    assertThatThrownBy(() -> recipe.select(Map.of("os", "darwin")))
        .isInstanceOf(InvalidDocumentException.class)
        .hasMessageContaining("claim platform");
  }

  @Test
  void the_global_life_cycle_is_filtered_by_selections() {
    Recipe recipe =
        parse(
            """
            RecipeFormatVersion: '2020-01-25'
            ComponentName: a
            ComponentVersion: 1.0.0
            Manifests:
              - {Name: u, Selections: [ubuntu, debian]}
              - {Name: d, Selections: [debian]}
              - {Name: none}
              - {Name: own, Lifecycle: {Run: mine}, Selections: [ubuntu]}
            Lifecycle:
              Install: {Script: {ubuntu: apt, all: nothing}, Timeout: 5}
              Run: {debian: only debian, beside: dropped}
              Shutdown: {Script: bye}
            """);
    assertThat(lifecycle(recipe, 0))
        .isEqualTo(
            json(
                "{'Install':{'Script':'apt','Timeout':5},'Run':'only debian','Shutdown':{'Script':'bye'}}"));
    assertThat(lifecycle(recipe, 1))
        .isEqualTo(
            json(
                "{'Install':{'Script':'nothing','Timeout':5},'Run':'only debian','Shutdown':{'Script':'bye'}}"));
    assertThat(lifecycle(recipe, 2))
        .isEqualTo(
            json("{'Install':{'Script':'nothing','Timeout':5},'Shutdown':{'Script':'bye'}}"));
    assertThat(lifecycle(recipe, 3)).isEqualTo(json("{'Run':'mine'}"));
  }

  private static Object lifecycle(Recipe recipe, int manifest) {
    return recipe.lifecycleFor(recipe.manifests().get(manifest));
  }

  private static Object json(String text) {
    return JsonMapper.shared().readTree(text.replace('\'', '"'));
  }

  private static Recipe parse(String text) {
    return Recipe.parse(text.getBytes(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @CsvSource({
    "'', EMPTY_ARTIFACT_URI",
    "file.zip, EMPTY_ARTIFACT_SCHEME",
    "s3://bucket/, ARTIFACT_URI_NOT_VALID",
    "s3://bucket/.., ARTIFACT_URI_NOT_VALID"
  })
  void an_artifact_that_cannot_become_a_file_has_a_code_of_its_own(String uri, String code) {
    assertThatThrownBy(() -> parse(ECHO.replace("s3://bucket/path/echo.sh", "'" + uri + "'")))
        .isInstanceOfSatisfying(
            InvalidDocumentException.class, e -> assertThat(e.code()).isEqualTo(code)); // TRB-51
  }

  @Test
  void file_names_are_unique_in_a_manifest() { // CMP-30
    String twice = ECHO.replace("- URI: s3", "- URI: s3://other/echo.sh\n      - URI: s3");
    assertThatThrownBy(() -> parse(twice))
        .hasMessageContaining("two files named 'echo.sh'")
        .hasMessageContaining("s3://other/echo.sh");
  }

  @Test
  void a_recipe_with_dependencies_skips_and_privileges_is_read_alike_in_yaml_and_json() { // CMP-35
    Recipe yaml =
        parse(
            """
            RecipeFormatVersion: '2020-01-25'
            ComponentName: com.example.Foo
            ComponentVersion: 1.2.0
            ComponentDescription: a service with needs
            ComponentPublisher: Example
            ComponentConfiguration:
              DefaultConfiguration: {port: 8080, nested: {list: [1, two, null]}}
            ComponentDependencies:
              com.example.Bar: {VersionRequirement: '>=1.0.0 <2.0.0', DependencyType: SOFT}
              com.example.Baz: {VersionRequirement: 1.1.x}
            Manifests:
              - Platform: {os: linux, architecture: /amd64|aarch64/, com.example.radio: '*'}
                Selections: [debian, linux]
                Artifacts:
                  - URI: s3://b/foo.zip
                    Unarchive: ZIP
                    Permission: {Read: ALL, Execute: NONE}
            Lifecycle:
              Setenv: {LEVEL: info}
              Install:
                Skipif: onpath foo
                debian: {Script: apt-get install foo, RequiresPrivilege: true}
                all: {Script: ./configure}
              Run: {linux: foo serve, windows: foo.exe}
            """);
    Recipe json = parse(yaml.toJson().toString());
    assertThat(json).isEqualTo(yaml);
    assertThat(yaml.dependencies().get("com.example.Baz").type())
        .isEqualTo(Recipe.DependencyType.HARD);
    assertThat(yaml.lifecycleFor(yaml.manifests().getFirst()).toString())
        .isEqualTo(
            "{\"Setenv\":{\"LEVEL\":\"info\"},\"Install\":{\"Script\":\"apt-get install foo\","
                + "\"RequiresPrivilege\":true},\"Run\":\"foo serve\"}");
    assertThat(
            yaml.select(Map.of("os", "linux", "architecture", "amd64", "com.example.radio", "x")))
        .isSameAs(yaml.manifests().getFirst()); // CMP-19
    assertThatThrownBy(() -> yaml.select(Map.of("os", "windows", "architecture", "amd64")))
        .hasMessageContaining("doesn't claim platform"); // TRB-27, S-07
  }
}
