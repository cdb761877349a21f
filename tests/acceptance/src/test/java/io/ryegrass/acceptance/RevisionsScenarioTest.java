package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.services.greengrassv2.model.Deployment;
import tools.jackson.databind.JsonNode;

/** One group, three cores: one online, one that was away, one that comes later. */
@DisplayName("S-08 Revisions, continuous deployment, offline target")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RevisionsScenarioTest {
  private static final String A = "com.example.rev.A";
  private static final String B = "com.example.rev.B";
  private static final String GROUP = "Revisions";

  private static TestCloud cloud;
  private static TestCore online;
  private static TestCore away;
  private static TestCore later;
  private static JsonNode first;
  private static JsonNode second;

  @BeforeAll
  static void start(TestCloud shared) {
    cloud = shared;
    online = TestCore.started(cloud, "rev-online");
    away = TestCore.provisioned(cloud, "rev-away");
    later = TestCore.provisioned(cloud, "rev-later");
    cloud.iot.createThingGroup(b -> b.thingGroupName(GROUP));
    join(online);
    join(away);
    cloud.createComponent(recipe(A, "1.0.0"));
    cloud.createComponent(recipe(A, "1.1.0"));
    cloud.createComponent(recipe(B, "1.0.0"));
  }

  private static void join(TestCore core) {
    cloud.iot.addThingToThingGroup(b -> b.thingGroupName(GROUP).thingName(core.thing));
  }

  private static String recipe(String name, String version) {
    return """
    RecipeFormatVersion: '2020-01-25'
    ComponentName: %s
    ComponentVersion: %s
    Manifests:
      - Lifecycle:
          Run: echo "version %s runs"; exec sleep 100000
    """
        .formatted(name, version, version);
  }

  private static JsonNode deploy(String components) {
    return cloud.createDeployment(TestCloud.groupArn(GROUP), components);
  }

  private static String id(JsonNode deployment) {
    return deployment.path("deploymentId").asString();
  }

  @AfterAll
  static void stop() {
    online.close();
    away.close();
    later.close();
  }

  @Test
  @Order(1)
  @DisplayName("core 2 applies only rev 2")
  void whoWasAwayGetsTheLatestOnly() {
    first = deploy("{\"" + A + "\":{\"componentVersion\":\"1.0.0\"}}");
    online.awaitEffective(id(first), "SUCCEEDED");
    second =
        deploy(
            "{\""
                + A
                + "\":{\"componentVersion\":\"1.1.0\"},\""
                + B
                + "\":{\"componentVersion\":\"1.0.0\"}}");
    online.awaitEffective(id(second), "SUCCEEDED");

    away.start();

    away.awaitEffective(id(second), "SUCCEEDED");
    away.awaitLog(A, "version 1.1.0 runs");
    assertThat(away.log(A)).doesNotContain("version 1.0.0 runs");
    away.awaitState(B, "1.0.0", "RUNNING");
  }

  @Test
  @Order(2)
  @DisplayName("core 3 gets rev 2 in 60 s after joining")
  void whoJoinsLaterGetsTheLatest() {
    later.start();
    join(later);

    later.awaitEffective(id(second), "SUCCEEDED");
    later.awaitState(A, "1.1.0", "RUNNING");
  }

  @Test
  @Order(3)
  @DisplayName(
      "ListDeployments LATEST_ONLY shows rev 2 isLatestForTarget true, rev 1 INACTIVE and its job"
          + " CANCELED")
  void onlyTheLatestRevisionIsActive() {
    List<Deployment> latest =
        cloud
            .greengrass
            .listDeployments(
                b -> b.targetArn(TestCloud.groupArn(GROUP)).historyFilter("LATEST_ONLY"))
            .deployments();
    assertThat(latest)
        .singleElement()
        .satisfies(
            d -> {
              assertThat(d.deploymentId()).isEqualTo(id(second));
              assertThat(d.isLatestForTarget()).isTrue();
              assertThat(d.revisionId()).isEqualTo("2");
            });
    assertThat(cloud.status(id(first))).isEqualTo("INACTIVE");
    assertThat(
            cloud
                .iot
                .describeJob(b -> b.jobId(first.path("iotJobId").asString()))
                .job()
                .statusAsString())
        .isEqualTo("CANCELED");
  }

  @Test
  @Order(4)
  @DisplayName("a stale job delivered late is REJECTED with REJECTED_STALE_DEPLOYMENT")
  void aStaleJobIsRejected() {
    String document =
        cloud.iot.getJobDocument(b -> b.jobId(first.path("iotJobId").asString())).document();
    cloud.iot.createJob(
        b ->
            b.jobId("stale")
                .targets(online.arn())
                .document(document)
                .namespaceId("aws-gg-deployment"));

    var execution =
        TestCore.await("REJECTED")
            .until(
                () ->
                    cloud
                        .iot
                        .describeJobExecution(b -> b.jobId("stale").thingName(online.thing))
                        .execution(),
                e -> e.statusAsString().equals("REJECTED"));
    assertThat(execution.statusDetails().detailsMap().toString())
        .contains("REJECTED_STALE_DEPLOYMENT");
    online.awaitState(A, "1.1.0", "RUNNING");
  }

  @Test
  @Order(5)
  @DisplayName("removing B in rev 3 uninstalls B")
  void whatARevisionLeavesOutIsUninstalled() {
    JsonNode third = deploy("{\"" + A + "\":{\"componentVersion\":\"1.1.0\"}}");

    for (TestCore core : List.of(online, away, later)) {
      core.awaitEffective(id(third), "SUCCEEDED");
      assertThat(core.installed()).extracting(c -> c.componentName()).contains(A);
      TestCore.await("B to be gone from " + core.thing)
          .untilAsserted(
              () ->
                  assertThat(core.installed())
                      .extracting(c -> c.componentName())
                      .doesNotContain(B));
    }
    assertThat(online.cliOutput("component", "list")).contains(A).doesNotContain(B);
  }
}
