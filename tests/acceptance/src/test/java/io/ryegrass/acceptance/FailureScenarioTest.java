package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.services.greengrassv2.model.EffectiveDeployment;

/** A version that cannot start, deployed over one that works. */
@DisplayName("S-04 Failure handling")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class FailureScenarioTest {
  private static final String NAME = "com.example.Fragile";

  private static TestCore core;

  @BeforeAll
  static void deployTheOneThatWorks(TestCloud cloud) {
    core = TestCore.started(cloud, "fragile");
    cloud.createComponent(recipe("1.0.0", "Run: exec sleep 100000"));
    cloud.createComponent(recipe("1.1.0", "Startup: exit 1"));
    String works = core.deploy(components("1.0.0", "old"));
    core.awaitCompleted(works);
  }

  private static String recipe(String version, String step) {
    return """
    RecipeFormatVersion: '2020-01-25'
    ComponentName: %s
    ComponentVersion: %s
    ComponentConfiguration:
      DefaultConfiguration:
        say: nothing
    Manifests:
      - Lifecycle:
          %s
    """
        .formatted(NAME, version, step);
  }

  private static String components(String version, String say) {
    return "{\"%s\":{\"componentVersion\":\"%s\",\"configurationUpdate\":{\"merge\":\"{\\\"say\\\":\\\"%s\\\"}\"}}}"
        .formatted(NAME, version, say);
  }

  private static EffectiveDeployment deployTheBroken(String policy) {
    String deployment =
        core.deploy(
            components("1.1.0", "new"),
            "--deployment-policies",
            "{\"failureHandlingPolicy\":\"" + policy + "\"}");
    return core.awaitEffective(deployment, "FAILED");
  }

  private static void isAComponentsFault(EffectiveDeployment failed) {
    assertThat(failed.statusDetails().errorStack())
        .startsWith("DEPLOYMENT_FAILURE", "COMPONENT_UPDATE_ERROR")
        .contains("COMPONENT_BROKEN");
    assertThat(failed.statusDetails().errorTypes()).contains("USER_COMPONENT_ERROR");
  }

  @AfterAll
  static void stop() {
    core.close();
  }

  @Test
  @Order(1)
  @DisplayName(
      "ROLLBACK: core runs 1.0.0 with its old configuration, status FAILED, details"
          + " FAILED_ROLLBACK_COMPLETE")
  void rollbackBringsBackVersionAndConfiguration() {
    EffectiveDeployment failed = deployTheBroken("ROLLBACK");

    isAComponentsFault(failed);
    assertThat(failed.reason()).contains("FAILED_ROLLBACK_COMPLETE").contains("STARTUP_ERROR");
    core.awaitState(NAME, "1.0.0", "RUNNING");
    assertThat(core.configuration(NAME).toString()).isEqualTo("{\"say\":\"old\"}");
    TestCore.await("a healthy core").until(core::coreStatus, "HEALTHY"::equals);
  }

  @Test
  @Order(2)
  @DisplayName(
      "DO_NOTHING: 1.1.0 stays BROKEN, details FAILED_ROLLBACK_NOT_REQUESTED, core UNHEALTHY")
  void doNothingLeavesWhatIsBroken() {
    EffectiveDeployment failed = deployTheBroken("DO_NOTHING");

    isAComponentsFault(failed);
    assertThat(failed.reason()).contains("FAILED_ROLLBACK_NOT_REQUESTED");
    core.awaitState(NAME, "1.1.0", "BROKEN");
    TestCore.await("an unhealthy core").until(core::coreStatus, "UNHEALTHY"::equals);
    TestCore.await("STARTUP_ERROR in the cloud")
        .untilAsserted(
            () ->
                assertThat(core.installed())
                    .filteredOn(c -> c.componentName().equals(NAME))
                    .singleElement()
                    .satisfies(
                        c -> {
                          assertThat(c.componentVersion()).isEqualTo("1.1.0");
                          assertThat(c.lifecycleStateAsString()).isEqualTo("BROKEN");
                          assertThat(c.lifecycleStatusCodes()).contains("STARTUP_ERROR");
                        }));
  }
}
