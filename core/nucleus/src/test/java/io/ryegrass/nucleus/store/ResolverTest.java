package io.ryegrass.nucleus.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.Recipe;
import io.ryegrass.model.VersionRequirement;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ComponentCatalog;
import io.ryegrass.nucleus.NucleusException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Choice of versions (v2-recipes-config.md section 8.1). */
class ResolverTest {
  @TempDir Path root;
  private final List<Recipe> cloud = new ArrayList<>();
  private final List<String> asked = new ArrayList<>();
  private final List<String> answersAtOnce = new ArrayList<>();
  private boolean online = true;

  private final ComponentCatalog catalog =
      new ComponentCatalog() {
        @Override
        public ResolvedComponent resolve(
            String name,
            Map<String, String> requirements,
            Map<String, String> platform,
            ComponentVersion local) {
          if (!online) {
            throw new CloudUnavailableException("off");
          }
          asked.add(name);
          Recipe r =
              cloud.stream()
                  .filter(c -> c.componentName().equals(name))
                  .filter(
                      c ->
                          requirements.values().stream()
                              .allMatch(
                                  q -> VersionRequirement.parse(q).accepts(c.componentVersion())))
                  .max(Comparator.comparing(Recipe::componentVersion))
                  .orElseThrow(
                      () ->
                          new CloudRefusedException(
                              "NO_AVAILABLE_COMPONENT_VERSION", name + requirements));
          return new ResolvedComponent("arn:" + name, r, r.toJson().toString());
        }

        @Override
        public Map<String, ResolvedComponent> resolveAll(
            List<Wanted> wanted, Map<String, String> platform) {
          Map<String, ResolvedComponent> some = new LinkedHashMap<>();
          for (Wanted w : wanted) {
            if (answersAtOnce.contains(w.name())) {
              some.put(w.name(), resolve(w.name(), w.requirements(), platform, null));
              asked.removeLast();
            }
          }
          return some;
        }

        @Override
        public List<String> thingGroups() {
          return List.of();
        }
      };

  private void recipe(String name, String version, String dependencies) {
    cloud.add(
        Recipe.parse(
            """
            RecipeFormatVersion: '2020-01-25'
            ComponentName: %s
            ComponentVersion: %s
            ComponentDependencies: %s
            Manifests: [{Platform: {os: linux}}]
            """
                .formatted(name, version, dependencies)
                .getBytes(StandardCharsets.UTF_8)));
  }

  private Map<String, String> resolve(Map<String, Map<String, String>> roots)
      throws InterruptedException {
    Map<String, String> versions = new LinkedHashMap<>();
    new Resolver(
            new ComponentStore(root),
            catalog,
            Map.of("os", "linux", "architecture", "amd64"),
            Map.of(),
            false,
            new Backoff(Duration.ofMillis(1), Duration.ofMillis(2), new Random()))
        .resolve(roots)
        .forEach((n, r) -> versions.put(n, r.recipe().componentVersion().text()));
    return versions;
  }

  private static Map<String, Map<String, String>> roots(String... namesAndVersions) {
    Map<String, Map<String, String>> all = new LinkedHashMap<>();
    for (int i = 0; i < namesAndVersions.length; i += 2) {
      all.put(namesAndVersions[i], Map.of("thing/t", namesAndVersions[i + 1]));
    }
    return all;
  }

  @Test
  void a_later_requirement_changes_an_earlier_choice_and_what_nobody_needs_falls_out()
      throws Exception {
    recipe("a", "1.0.0", "{lib: {VersionRequirement: '>=1.0.0'}}");
    recipe("b", "1.0.0", "{c: {VersionRequirement: '^1.0.0'}}");
    recipe("c", "1.0.0", "{lib: {VersionRequirement: '<2.0.0'}}");
    recipe("lib", "1.5.0", "{}");
    recipe("lib", "2.0.0", "{extra: {VersionRequirement: '*'}}");
    recipe("extra", "1.0.0", "{}");
    Map<String, String> found = resolve(roots("a", "1.0.0", "b", "1.0.0"));
    assertThat(found).containsOnlyKeys("lib", "a", "c", "b").containsEntry("lib", "1.5.0");
    assertThat(List.copyOf(found.keySet())).first().isEqualTo("lib");
  }

  @Test
  void requirements_that_exclude_each_other_and_circles_fail_with_their_codes() {
    recipe("a", "1.0.0", "{b: {VersionRequirement: '*'}}");
    recipe("b", "1.0.0", "{a: {VersionRequirement: '*'}}");
    assertThatThrownBy(() -> resolve(roots("a", "1.0.0")))
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo("COMPONENT_CIRCULAR_DEPENDENCY_ERROR");
  }

  /** DPL-05, TRB-26: who wants what is told, and nobody is asked in vain. */
  @Test
  void versions_that_exclude_each_other_are_told_with_who_wants_them_without_asking_the_cloud() {
    online = false;
    assertThatThrownBy(
            () ->
                resolve(Map.of("a", Map.of("LOCAL_DEPLOYMENT", "1.0.0", "thinggroup/X", "1.0.1"))))
        .hasMessageContaining("LOCAL_DEPLOYMENT requires =1.0.0, thinggroup/X requires =1.0.1")
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo("COMPONENT_VERSION_REQUIREMENTS_NOT_MET");
    assertThatThrownBy(
            () -> resolve(Map.of("a", Map.of("thing/t", "1.0.0", "com.example.B", ">=2.0.0"))))
        .hasMessageContaining("com.example.B requires >=2.0.0, thing/t requires =1.0.0");
    assertThat(asked).isEmpty();
  }

  @Test
  void without_the_cloud_a_version_on_the_device_that_fits_is_used() throws Exception {
    recipe("a", "1.0.0", "{}");
    recipe("a", "1.1.0", "{}");
    assertThat(resolve(Map.of("a", Map.of("g", "^1.0.0")))).containsEntry("a", "1.1.0");
    online = false;
    assertThat(resolve(Map.of("a", Map.of("g", ">=1.0.0")))).containsEntry("a", "1.1.0");
  }

  @Test
  void built_in_components_are_never_asked_for_and_have_the_cores_version() throws Exception {
    assertThat(resolve(roots("aws.greengrass.Nucleus", "2.15.0")))
        .containsEntry("aws.greengrass.Nucleus", "2.15.0");
    assertThat(asked).isEmpty();
    assertThatThrownBy(() -> resolve(roots("aws.greengrass.LambdaManager", "2.0.0")))
        .hasMessageContaining("This core brings aws.greengrass.LambdaManager");
  }

  /** 200 functions of a V1 group are asked for in few questions. */
  @Test
  void whatTheCloudAnswersAtOnceIsNotAskedForAgainAndTheRestIs() throws InterruptedException {
    recipe("A", "1.0.0", "{C: {VersionRequirement: '^1.0.0'}}");
    recipe("B", "1.0.0", "{}");
    recipe("C", "1.2.0", "{}");
    answersAtOnce.add("A");

    assertThat(resolve(Map.of("A", Map.of("g", "1.0.0"), "B", Map.of("g", "1.0.0"))))
        .containsOnly(Map.entry("A", "1.0.0"), Map.entry("B", "1.0.0"), Map.entry("C", "1.2.0"));
    assertThat(asked).containsExactlyInAnyOrder("B", "C");
  }

  /** What was answered for a group's wish alone does not stand when somebody else wishes, too. */
  @Test
  void anAnswerForFewerWishesIsAskedForAgain() throws InterruptedException {
    recipe("A", "1.0.0", "{B: {VersionRequirement: '<1.5.0'}}");
    recipe("B", "1.0.0", "{}");
    recipe("B", "1.9.0", "{}");
    answersAtOnce.add("B");

    assertThat(resolve(Map.of("A", Map.of("g", "1.0.0"), "B", Map.of("g", "^1.0.0"))))
        .containsOnly(Map.entry("A", "1.0.0"), Map.entry("B", "1.0.0"));
  }
}
