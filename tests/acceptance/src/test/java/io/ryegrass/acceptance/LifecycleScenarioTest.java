package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.services.greengrassv2.model.InstalledComponent;

/** Components that end, fail, hang and depend on each other, in one local deployment. */
@DisplayName("S-05 Lifecycle, retries and status codes")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class LifecycleScenarioTest {
  private static TestCloud cloud;
  private static TestCore core;
  private static String deployment;

  @BeforeAll
  static void deploy(TestCloud shared) {
    cloud = shared;
    core = TestCore.started(cloud, "lifecycle");
    recipe("com.example.Ends", "", "Run: echo done");
    recipe(
        "com.example.Fails",
        "ComponentConfiguration: {DefaultConfiguration: {code: 1}}",
        "Run: '[ {configuration:/code} = 0 ] && exec sleep 100000; exit 1'\n"
            + "      Recover: echo x >> counter");
    recipe("com.example.Hangs", "", "Startup: {Script: sleep 100000, Timeout: 2}");
    recipe("com.example.CannotInstall", "", "Install: exit 7\n      Run: sleep 100000");
    // a step that ends: the component runs when it has said its time
    recipe("com.example.Base", "", "Startup: date +%s.%N >> starts");
    recipe("com.example.Hard", depends("HARD"), "Run: date +%s.%N >> starts; exec sleep 100000");
    recipe("com.example.Soft", depends("SOFT"), "Run: date +%s.%N >> starts; exec sleep 100000");
    deployment =
        core.deployLocally(
            "-r",
            recipes().toString(),
            "-m",
            "com.example.Ends=1.0.0",
            "-m",
            "com.example.Fails=1.0.0",
            "-m",
            "com.example.Hangs=1.0.0",
            "-m",
            "com.example.CannotInstall=1.0.0",
            "-m",
            "com.example.Hard=1.0.0",
            "-m",
            "com.example.Soft=1.0.0");
  }

  private static String depends(String type) {
    return "ComponentDependencies: {com.example.Base: {VersionRequirement: ^1.0.0,"
        + " DependencyType: "
        + type
        + "}}";
  }

  private static Path recipes() {
    return cloud.folder.resolve("lifecycle-recipes");
  }

  private static void recipe(String name, String more, String lifecycle) {
    TestCloud.write(
        recipes().resolve(name + "-1.0.0.yaml"),
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: 1.0.0
        %s
        Manifests:
          - Lifecycle:
              %s
        """
            .formatted(name, more, lifecycle));
  }

  private static List<String> starts(String component) {
    return TestCloud.read(core.work(component).resolve("starts")).lines().toList();
  }

  @AfterAll
  static void stop() {
    core.close();
  }

  private static InstalledComponent awaitBroken(String component) {
    core.awaitState(component, "1.0.0", "BROKEN");
    return TestCore.await(component + " BROKEN in the cloud")
        .until(
            () ->
                core.installed().stream()
                    .filter(c -> c.componentName().equals(component))
                    .findFirst()
                    .orElse(null),
            c -> c != null && "BROKEN".equals(c.lifecycleStateAsString()));
  }

  @Test
  @Order(1)
  @DisplayName("run exits 0: FINISHED")
  void whatEndsWellIsFinished() {
    core.awaitState("com.example.Ends", "1.0.0", "FINISHED");
  }

  @Test
  @Order(2)
  @DisplayName("run exits 1 always: counter reaches 2 or 3 then BROKEN with RUN_ERROR")
  void whatFailsThreeTimesIsBroken() {
    InstalledComponent broken = awaitBroken("com.example.Fails");

    assertThat(broken.lifecycleStatusCodes()).contains("RUN_ERROR");
    assertThat(TestCloud.read(core.work("com.example.Fails").resolve("counter")).lines().count())
        .isBetween(2L, 3L);
    assertThat(core.awaitLocalEnd(deployment)).contains(": FAILED").contains("COMPONENT_BROKEN");
  }

  @Test
  @Order(3)
  @DisplayName("startup that sleeps past Timeout: 2: STARTUP_TIMEOUT")
  void whatHangsTimesOut() {
    assertThat(awaitBroken("com.example.Hangs").lifecycleStatusCodes()).contains("STARTUP_TIMEOUT");
  }

  @Test
  @Order(4)
  @DisplayName("install exit 7: INSTALL_ERROR with exit code 7 in the text")
  void whatCannotBeInstalledSaysItsExitCode() {
    InstalledComponent broken = awaitBroken("com.example.CannotInstall");

    assertThat(broken.lifecycleStatusCodes()).contains("INSTALL_ERROR");
    assertThat(broken.lifecycleStateDetails()).contains("7");
  }

  @Test
  @Order(5)
  @DisplayName(
      "dependant starts after dependency, restarts when the HARD dependency restarts, not when"
          + " SOFT")
  void dependantsFollowTheirHardDependency() {
    TestCore.await("all three")
        .until(
            () ->
                starts("com.example.Soft").size() == 1
                    && starts("com.example.Hard").size() == 1
                    && starts("com.example.Base").size() == 1);
    core.awaitState("com.example.Hard", "1.0.0", "RUNNING");
    core.awaitState("com.example.Base", "1.0.0", "RUNNING");
    assertThat(Double.parseDouble(starts("com.example.Hard").getFirst()))
        .isGreaterThan(Double.parseDouble(starts("com.example.Base").getFirst()));

    core.cliOutput("component", "restart", "--names", "com.example.Base");

    TestCore.await("the hard dependant's second start")
        .untilAsserted(
            () -> {
              assertThat(starts("com.example.Base")).hasSize(2);
              assertThat(starts("com.example.Hard")).hasSize(2);
            });
    core.awaitState("com.example.Hard", "1.0.0", "RUNNING");
    assertThat(starts("com.example.Soft")).hasSize(1);
  }

  @Test
  @Order(6)
  @DisplayName("a new deployment with changed configuration restarts a BROKEN one")
  void changedConfigurationHealsWhatIsBroken() {
    core.deployLocally("-c", "{\"com.example.Fails\":{\"MERGE\":{\"code\":0}}}");

    core.awaitState("com.example.Fails", "1.0.0", "RUNNING");
  }
}
