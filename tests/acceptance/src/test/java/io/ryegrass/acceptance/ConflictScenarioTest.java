package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.services.greengrassv2.model.EffectiveDeployment;
import tools.jackson.databind.JsonNode;

/** Deployments that cannot be: what runs goes on, and who wanted what is told. */
@DisplayName("S-07 Version conflict")
@ExtendWith(TestCloud.Shared.class)
class ConflictScenarioTest {
  private static final String NAME = "com.example.Wanted";
  private static final String ELSEWHERE = "com.example.Elsewhere";
  private static final String GROUP = "ConflictX";

  private static TestCloud cloud;
  private static TestCore core;
  private static String process;

  @BeforeAll
  static void deployLocally(TestCloud shared) {
    cloud = shared;
    core = TestCore.provisioned(cloud, "conflict");
    cloud.iot.createThingGroup(b -> b.thingGroupName(GROUP));
    cloud.iot.addThingToThingGroup(b -> b.thingGroupName(GROUP).thingName(core.thing));
    core.start();
    TestCloud.write(
        cloud.folder.resolve("conflict-recipes/" + NAME + "-1.0.0.yaml"), recipe("1.0.0"));
    core.deployLocallyAndSucceed(
        "-r", cloud.folder.resolve("conflict-recipes").toString(), "-m", NAME + "=1.0.0");
    process = core.awaitFile(NAME, "process");
    cloud.createComponent(recipe("1.0.1"));
    cloud.createComponent(
        recipe("1.0.0")
            .replace(NAME, ELSEWHERE)
            .replace("- Lifecycle:", "- Platform: {os: darwin}\n    Lifecycle:"));
  }

  private static String recipe(String version) {
    return """
    RecipeFormatVersion: '2020-01-25'
    ComponentName: %s
    ComponentVersion: %s
    Manifests:
      - Lifecycle:
          Run: echo $$ > process; exec sleep 100000
    """
        .formatted(NAME, version);
  }

  @AfterAll
  static void stop() {
    core.close();
  }

  private static void isUntouched() {
    core.awaitState(NAME, "1.0.0", "RUNNING");
    assertThat(core.awaitFile(NAME, "process")).isEqualTo(process);
  }

  private static JsonNode deployToGroup(String component, String version) {
    return cloud.createDeployment(
        TestCloud.groupArn(GROUP),
        "{\"" + component + "\":{\"componentVersion\":\"" + version + "\"}}");
  }

  @Test
  @DisplayName(
      "FAILED with FAILED_NO_STATE_CHANGE, NO_AVAILABLE_COMPONENT_VERSION and"
          + " COMPONENT_VERSION_REQUIREMENTS_NOT_MET, REQUEST_ERROR; cause lists LOCAL_DEPLOYMENT"
          + " requires =1.0.0 and thinggroup/X requires =1.0.1; running components untouched")
  void aConflictOfTwoTargetsNamesBoth() {
    JsonNode created = deployToGroup(NAME, "1.0.1");
    String deployment = created.path("deploymentId").asString();

    EffectiveDeployment failed = core.awaitEffective(deployment, "FAILED");

    assertThat(failed.statusDetails().errorStack())
        .contains("NO_AVAILABLE_COMPONENT_VERSION", "COMPONENT_VERSION_REQUIREMENTS_NOT_MET");
    assertThat(failed.statusDetails().errorTypes()).contains("REQUEST_ERROR");
    // the core tells the fleet's status and the job's one after the other
    Map<String, String> details =
        TestCore.await("the end of the job's execution")
            .until(
                () ->
                    cloud
                        .iot
                        .describeJobExecution(
                            b -> b.jobId(created.path("iotJobId").asString()).thingName(core.thing))
                        .execution(),
                e -> e.statusAsString().equals("FAILED"))
            .statusDetails()
            .detailsMap();
    assertThat(details).containsEntry("detailed-deployment-status", "FAILED_NO_STATE_CHANGE");
    assertThat(details.get("deployment-failure-cause"))
        .contains("LOCAL_DEPLOYMENT requires =1.0.0")
        .contains("thinggroup/" + GROUP + " requires =1.0.1");
    isUntouched();
  }

  @Test
  @DisplayName("the platform case says doesn't claim platform")
  void aComponentOfAnotherPlatformSaysSo() {
    String deployment = deployToGroup(ELSEWHERE, "1.0.0").path("deploymentId").asString();

    EffectiveDeployment failed = core.awaitEffective(deployment, "FAILED");

    assertThat(failed.reason())
        .contains("FAILED_NO_STATE_CHANGE")
        .contains("doesn't claim platform");
    isUntouched();
  }

  @Test
  @DisplayName("missing version 9.9.9: FAILED, running components untouched")
  void aVersionThatNobodyHasIsNotAvailable() {
    String deployment = core.deployLocally("-m", NAME + "=9.9.9");

    assertThat(core.awaitLocalEnd(deployment))
        .contains(deployment + ": FAILED")
        .contains("FAILED_NO_STATE_CHANGE")
        .contains("NO_AVAILABLE_COMPONENT_VERSION")
        .contains("9.9.9");
    isUntouched();
  }
}
