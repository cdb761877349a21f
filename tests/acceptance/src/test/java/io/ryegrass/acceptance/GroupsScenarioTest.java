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
import software.amazon.awssdk.services.greengrassv2.model.InstalledComponent;

/**
 * Two cores in two groups, both with a local deployment; one of them may not ask which groups it is
 * in.
 */
@DisplayName("S-06 Several targets and leaving a group")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class GroupsScenarioTest {
  private static final String A = "com.example.group.A";
  private static final String B = "com.example.group.B";
  private static final String C = "com.example.group.C";
  private static final String D = "com.example.group.D";
  private static final String POLICY =
      """
      {"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["iot:*","greengrass:*"],"Resource":"*"},
        {"Effect":"Deny","Action":"greengrass:ListThingGroupsForCoreDevice","Resource":"*"}]}
      """;

  private static TestCloud cloud;
  private static TestCore asks;
  private static TestCore mayNotAsk;

  @BeforeAll
  static void start(TestCloud shared) {
    cloud = shared;
    asks = TestCore.provisioned(cloud, "member");
    TestCloud.write(cloud.folder.resolve("no-groups.json"), POLICY);
    mayNotAsk =
        TestCore.provisioned(
            cloud,
            "member-without-permission",
            "--policy",
            "NoGroups",
            "--policy-document",
            cloud.folder.resolve("no-groups.json").toString());
    for (String component : List.of(A, B, C)) {
      cloud.createComponent(recipe(component));
    }
    TestCloud.write(cloud.folder.resolve("group-recipes/" + D + "-1.0.0.yaml"), recipe(D));
    for (String group : List.of("GroupX", "GroupY")) {
      cloud.iot.createThingGroup(b -> b.thingGroupName(group));
      for (TestCore core : List.of(asks, mayNotAsk)) {
        cloud.iot.addThingToThingGroup(b -> b.thingGroupName(group).thingName(core.thing));
      }
    }
    for (TestCore core : List.of(asks, mayNotAsk)) {
      core.start();
      core.deployLocallyAndSucceed(
          "-r", cloud.folder.resolve("group-recipes").toString(), "-m", D + "=1.0.0");
    }
  }

  private static String recipe(String name) {
    return """
    RecipeFormatVersion: '2020-01-25'
    ComponentName: %s
    ComponentVersion: 1.0.0
    Manifests:
      - Lifecycle:
          Run: exec sleep 100000
    """
        .formatted(name);
  }

  @AfterAll
  static void stop() {
    asks.close();
    mayNotAsk.close();
  }

  private static void deployTo(String group, String... components) {
    String deployment =
        cloud.deploy(
            TestCloud.groupArn(group),
            "{"
                + String.join(
                    ",",
                    List.of(components).stream()
                        .map(c -> "\"" + c + "\":{\"componentVersion\":\"1.0.0\"}")
                        .toList())
                + "}");
    asks.awaitEffective(deployment, "SUCCEEDED");
    mayNotAsk.awaitEffective(deployment, "SUCCEEDED");
  }

  private static List<String> roots(TestCore core) {
    return core.installed().stream()
        .filter(c -> Boolean.TRUE.equals(c.isRoot()))
        .map(InstalledComponent::componentName)
        .filter(n -> n.startsWith("com.example.group."))
        .sorted()
        .toList();
  }

  private static void awaitRoots(TestCore core, String... wanted) {
    TestCore.await("roots of " + core.thing)
        .untilAsserted(() -> assertThat(roots(core)).containsExactly(wanted));
    String listed = core.cliOutput("component", "list");
    for (String component : List.of(A, B, C, D)) {
      assertThat(listed.contains("Component Name: " + component))
          .as("%s in %s", component, listed)
          .isEqualTo(List.of(wanted).contains(component));
    }
  }

  @Test
  @Order(1)
  @DisplayName("installed roots A, B, C, D")
  void allTargetsAreUnited() {
    deployTo("GroupX", A, B);
    deployTo("GroupY", B, C);

    awaitRoots(asks, A, B, C, D);
    awaitRoots(mayNotAsk, A, B, C, D);
  }

  @Test
  @Order(2)
  @DisplayName("after revision A is gone")
  void aRevisionReplacesItsTargetsComponents() {
    deployTo("GroupX", B);

    awaitRoots(asks, B, C, D);
    awaitRoots(mayNotAsk, B, C, D);
  }

  @Test
  @Order(3)
  @DisplayName(
      "after leaving, C is removed in the next deployment, B and D stay; without the permission C"
          + " stays and the log has 'Failed to get thing group hierarchy'")
  void whatAGroupBroughtGoesWhenTheCoreHasLeftIt() {
    for (TestCore core : List.of(asks, mayNotAsk)) {
      cloud.aws(
          "iot",
          "remove-thing-from-thing-group",
          "--thing-group-name",
          "GroupY",
          "--thing-name",
          core.thing);
    }

    deployTo("GroupX", B);

    awaitRoots(asks, B, D);
    awaitRoots(mayNotAsk, B, C, D);
    assertThat(mayNotAsk.log("greengrass")).contains("Failed to get thing group hierarchy");
    assertThat(asks.log("greengrass")).doesNotContain("Failed to get thing group hierarchy");
  }
}
