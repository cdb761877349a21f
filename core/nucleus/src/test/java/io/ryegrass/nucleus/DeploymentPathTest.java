package io.ryegrass.nucleus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.nucleus.deploy.FaultPoint;
import io.ryegrass.nucleus.store.Backoff;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** The way of a deployment on real processes. */
class DeploymentPathTest {
  @TempDir Path temp;
  private final TestCloud cloud = new TestCloud();
  private Path root;
  private Nucleus nucleus;

  @BeforeEach
  void start() {
    root = TestCloud.provision(temp.resolve("root"));
    open();
  }

  private void open() {
    nucleus =
        Nucleus.open(
            new NucleusSettings(
                root, Clock.systemUTC(), Duration.ofSeconds(2), Duration.ofSeconds(30)),
            List.of(),
            List.of(),
            cloud.ports(),
            new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), new Random()),
            FaultPoint.NONE);
    nucleus.start();
  }

  @AfterEach
  void stop() {
    nucleus.close();
  }

  private DeploymentStatus awaitStatus(DeploymentRequest r, String status) {
    return await()
        .pollInterval(Duration.ofMillis(20))
        .atMost(Duration.ofSeconds(60))
        .until(() -> cloud.last(r.id(), status), java.util.Optional::isPresent)
        .get();
  }

  private ComponentState state(String name) {
    return nucleus.components().find(name).map(ComponentStatus::state).orElse(null);
  }

  private static final String ECHO =
      "{Run: {Script: \"echo started-{configuration:/message} >> {work:path}/out; exec sleep 600\"}}";

  @Test
  void
      a_deployed_component_runs_with_its_merged_configuration_and_again_after_a_restart_without_the_cloud()
          throws IOException {
    cloud.generic("com.example.Echo", "1.0.0", "{message: hi, n: {p: 80}}", "{}", ECHO);
    DeploymentRequest r =
        TestCloud.shadow(
            1,
            FailureHandlingPolicy.ROLLBACK,
            TestCloud.component("com.example.Echo", "1.0.0", "{\"message\": \"you\"}"));
    nucleus.deployments().submit(r);
    DeploymentStatus done = awaitStatus(r, "SUCCEEDED");

    assertThat(done.detailedStatus()).isEqualTo("SUCCESSFUL");
    assertThat(cloud.last(r.id(), "IN_PROGRESS")).isPresent();
    assertThat(state("com.example.Echo")).isEqualTo(ComponentState.RUNNING);
    ObjectNode c = nucleus.components().configuration("com.example.Echo");
    assertThat(c.at("/message").asString()).isEqualTo("you");
    assertThat(c.at("/n/p").asInt()).isEqualTo(80);
    ComponentStatus status = nucleus.components().find("com.example.Echo").orElseThrow();
    assertThat(status.root()).isTrue();
    assertThat(status.fleetConfigArns()).containsExactly(r.id());
    Path out = root.resolve("work/com.example.Echo/out");
    await().until(() -> Files.exists(out) && Files.size(out) > 0);

    nucleus
        .components()
        .updateConfiguration(
            "com.example.Echo",
            List.of("live"),
            StringNode.valueOf("yes"),
            java.time.Instant.now());
    nucleus.close();
    cloud.online = false;
    open();
    await().until(() -> state("com.example.Echo") == ComponentState.RUNNING);
    assertThat(nucleus.components().configuration("com.example.Echo").at("/live").asString())
        .isEqualTo("yes");
    await().until(() -> Files.readAllLines(out).size() == 2);
    assertThat(Files.readAllLines(out)).containsOnly("started-you");
  }

  @Test
  void a_broken_revision_is_rolled_back_to_the_whole_state_before() throws IOException {
    cloud.generic("com.example.Echo", "1.0.0", "{message: hi}", "{}", ECHO);
    cloud.generic(
        "com.example.Echo",
        "1.1.0",
        "{message: hi, fresh: 1}",
        "{com.example.Dep: {VersionRequirement: '*'}}",
        "{Startup: \"exit 1\"}");
    cloud.generic("com.example.Dep", "1.0.0", "{}", "{}", "{Run: sleep 600}");
    DeploymentRequest first =
        TestCloud.shadow(
            1, FailureHandlingPolicy.ROLLBACK, TestCloud.components("com.example.Echo", "1.0.0"));
    nucleus.deployments().submit(first);
    awaitStatus(first, "SUCCEEDED");
    ObjectNode before = nucleus.config().effective();

    DeploymentRequest second =
        TestCloud.shadow(
            2,
            FailureHandlingPolicy.ROLLBACK,
            TestCloud.component("com.example.Echo", "1.1.0", "{\"message\": \"broken\"}"));
    nucleus.deployments().submit(second);
    DeploymentStatus failed = awaitStatus(second, "FAILED");

    assertThat(failed.detailedStatus()).isEqualTo("FAILED_ROLLBACK_COMPLETE");
    assertThat(failed.errorStack())
        .containsExactly("DEPLOYMENT_FAILURE", "COMPONENT_UPDATE_ERROR", "COMPONENT_BROKEN");
    assertThat(failed.failureCause()).contains("com.example.Echo").contains("code 1");
    assertThat(nucleus.config().effective()).isEqualTo(before);
    assertThat(state("com.example.Echo")).isEqualTo(ComponentState.RUNNING);
    assertThat(nucleus.components().find("com.example.Dep")).isEmpty();
    assertThat(nucleus.components().find("com.example.Echo").orElseThrow().version())
        .isEqualTo("1.0.0");
    try (var generations = Files.list(root.resolve("generations"))) {
      assertThat(generations.map(p -> p.getFileName().toString()))
          .containsExactlyInAnyOrder("current", "current.copy", "0", "1");
    }
  }

  @Test
  void a_failure_with_DO_NOTHING_keeps_the_new_state() {
    cloud.generic("com.example.Bad", "1.0.0", "{}", "{}", "{Run: \"exit 3\"}");
    DeploymentRequest r =
        TestCloud.shadow(
            1, FailureHandlingPolicy.DO_NOTHING, TestCloud.components("com.example.Bad", "1.0.0"));
    nucleus.deployments().submit(r);
    DeploymentStatus failed = awaitStatus(r, "FAILED");
    assertThat(failed.detailedStatus()).isEqualTo("FAILED_ROLLBACK_NOT_REQUESTED");
    ComponentStatus status = nucleus.components().find("com.example.Bad").orElseThrow();
    assertThat(status.state()).isEqualTo(ComponentState.BROKEN);
    assertThat(status.statusCodes()).containsExactly("RUN_ERROR");
    assertThat(status.statusReason()).contains("3");
  }

  @Test
  void an_unknown_component_fails_without_a_change_of_state() {
    DeploymentRequest r =
        TestCloud.shadow(
            1, FailureHandlingPolicy.ROLLBACK, TestCloud.components("com.example.Nobody", "1.0.0"));
    nucleus.deployments().submit(r);
    DeploymentStatus failed = awaitStatus(r, "FAILED");
    assertThat(failed.detailedStatus()).isEqualTo("FAILED_NO_STATE_CHANGE");
    assertThat(failed.errorStack())
        .containsExactly("DEPLOYMENT_FAILURE", "NO_AVAILABLE_COMPONENT_VERSION");
  }

  @Test
  void unchanged_components_are_not_restarted_and_groups_are_merged() throws IOException {
    cloud.groups = List.of("floor1", "floor2");
    cloud.generic("com.example.Echo", "1.0.0", "{message: hi}", "{}", ECHO);
    cloud.generic("com.example.Other", "1.0.0", "{}", "{}", "{Run: sleep 600}");
    DeploymentRequest one =
        TestCloud.job("j1", "floor1", 1, 1000, TestCloud.components("com.example.Echo", "1.0.0"));
    DeploymentRequest two =
        TestCloud.job("j2", "floor2", 1, 1000, TestCloud.components("com.example.Other", "1.0.0"));
    nucleus.deployments().submit(one);
    nucleus.deployments().submit(two);
    awaitStatus(two, "SUCCEEDED");
    assertThat(state("com.example.Echo")).isEqualTo(ComponentState.RUNNING);
    assertThat(state("com.example.Other")).isEqualTo(ComponentState.RUNNING);
    assertThat(Files.readAllLines(root.resolve("work/com.example.Echo/out"))).hasSize(1);

    DeploymentRequest old = TestCloud.job("j0", "floor1", 0, 500, Map.of());
    nucleus.deployments().submit(old);
    DeploymentStatus rejected = awaitStatus(old, "REJECTED");
    assertThat(rejected.errorStack())
        .containsExactly("DEPLOYMENT_REJECTED", "REJECTED_STALE_DEPLOYMENT");

    cloud.groups = List.of("floor2");
    DeploymentRequest three =
        TestCloud.job("j3", "floor2", 2, 2000, TestCloud.components("com.example.Other", "1.0.0"));
    nucleus.deployments().submit(three);
    awaitStatus(three, "SUCCEEDED");
    assertThat(nucleus.components().find("com.example.Echo")).isEmpty();
  }

  @Test
  void a_component_that_never_reports_is_given_up_at_the_deadline_and_rolled_back() {
    nucleus.close();
    ComponentBodyFactory silent =
        new ComponentBodyFactory() {
          @Override
          public boolean supports(io.ryegrass.model.ComponentType t) {
            return t == io.ryegrass.model.ComponentType.LAMBDA;
          }

          @Override
          public ComponentBody create(ComponentInstance i) {
            return new ComponentBody() {
              @Override
              public void install() {}

              @Override
              public void start(StateReporter r) {}

              @Override
              public void stop(Duration deadline) {}

              @Override
              public void configurationChanged(ObjectNode c) {}

              @Override
              public void uninstall() {}
            };
          }
        };
    nucleus =
        Nucleus.open(
            new NucleusSettings(
                // also the time that its rollback has
                root, Clock.systemUTC(), Duration.ofSeconds(2), Duration.ofSeconds(6)),
            List.of(),
            List.of(silent),
            cloud.ports(),
            new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), new Random()),
            FaultPoint.NONE);
    nucleus.start();
    cloud.recipe(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: c.Silent
        ComponentVersion: 1.0.0
        ComponentType: aws.greengrass.lambda
        Manifests: [{Platform: {os: linux}}]
        """);
    DeploymentRequest r =
        TestCloud.shadow(
            1, FailureHandlingPolicy.ROLLBACK, TestCloud.components("c.Silent", "1.0.0"));
    nucleus.deployments().submit(r);
    DeploymentStatus failed = awaitStatus(r, "FAILED");
    assertThat(failed.detailedStatus()).isEqualTo("FAILED_ROLLBACK_COMPLETE");
    assertThat(failed.failureCause()).contains("APPLIED");
    assertThat(nucleus.components().find("c.Silent")).isEmpty();
  }

  @Test
  void components_are_asked_before_a_change_of_their_configuration_and_may_refuse_it() {
    cloud.generic("com.example.Echo", "1.0.0", "{message: hi}", "{}", ECHO);
    DeploymentRequest first =
        TestCloud.shadow(
            1, FailureHandlingPolicy.ROLLBACK, TestCloud.components("com.example.Echo", "1.0.0"));
    nucleus.deployments().submit(first);
    awaitStatus(first, "SUCCEEDED");
    List<String> calls = new java.util.concurrent.CopyOnWriteArrayList<>();
    nucleus
        .deployments()
        .consult(
            new UpdateConsent() {
              @Override
              public void validate(String id, Map<String, ObjectNode> changed, Duration timeout) {
                calls.add("validate " + changed);
                if (changed.get("com.example.Echo").path("message").asString().equals("bad")) {
                  throw new NucleusException(
                      "COMPONENT_CONFIGURATION_NOT_VALID", "com.example.Echo says no.");
                }
              }

              @Override
              public void beforeUpdate(String id, boolean restarts, Duration timeout) {
                calls.add("before " + id);
              }

              @Override
              public void afterUpdate(String id) {
                calls.add("after " + id);
              }
            });
    DeploymentRequest second =
        TestCloud.shadow(
            2,
            FailureHandlingPolicy.ROLLBACK,
            TestCloud.component("com.example.Echo", "1.0.0", "{\"message\": \"bad\"}"));
    nucleus.deployments().submit(second);
    DeploymentStatus failed = awaitStatus(second, "FAILED");
    assertThat(failed.detailedStatus()).isEqualTo("FAILED_NO_STATE_CHANGE");
    assertThat(failed.failureCause()).isEqualTo("com.example.Echo says no.");
    DeploymentRequest third =
        TestCloud.shadow(
            3,
            FailureHandlingPolicy.ROLLBACK,
            TestCloud.component("com.example.Echo", "1.0.0", "{\"message\": \"good\"}"));
    nucleus.deployments().submit(third);
    awaitStatus(third, "SUCCEEDED");
    assertThat(calls)
        .containsExactly(
            "validate {com.example.Echo={\"message\":\"bad\"}}",
            "validate {com.example.Echo={\"message\":\"good\"}}",
            "before d-3",
            "after d-3");
  }

  @Test
  void access_policies_follow_the_configuration_and_the_fleet_hears_of_the_launch_first() {
    await().until(() -> !cloud.snapshots.isEmpty());
    assertThat(cloud.snapshots.getFirst().trigger())
        .isEqualTo(FleetSnapshot.Trigger.NUCLEUS_LAUNCH);
    assertThat(cloud.snapshots.getFirst().components())
        .extracting(ComponentStatus::name, ComponentStatus::state)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("aws.greengrass.Nucleus", ComponentState.RUNNING));
    cloud.generic(
        "com.example.Pub",
        "1.0.0",
        "{accessControl: {aws.greengrass.ipc.pubsub: {p1: {operations: ['aws.greengrass#PublishToTopic'], resources: ['a/b']}}}}",
        "{}",
        "{Startup: 'true'}");
    DeploymentRequest first =
        TestCloud.shadow(
            1, FailureHandlingPolicy.ROLLBACK, TestCloud.components("com.example.Pub", "1.0.0"));
    nucleus.deployments().submit(first);
    awaitStatus(first, "SUCCEEDED");
    assertThat(mayPublish("a/b")).isTrue();
    assertThat(mayPublish("c")).isFalse();
    DeploymentRequest second =
        TestCloud.shadow(
            2,
            FailureHandlingPolicy.ROLLBACK,
            TestCloud.component(
                "com.example.Pub",
                "1.0.0",
                "{\"accessControl\": {\"aws.greengrass.ipc.pubsub\": {\"p1\": {\"resources\": [\"c\"]}}}}"));
    nucleus.deployments().submit(second);
    awaitStatus(second, "SUCCEEDED");
    assertThat(mayPublish("a/b")).isFalse();
    assertThat(mayPublish("c")).isTrue();
  }

  private boolean mayPublish(String topic) {
    return nucleus
        .components()
        .accessControl()
        .allows(
            "aws.greengrass.ipc.pubsub",
            "com.example.Pub",
            "aws.greengrass#PublishToTopic",
            topic,
            io.ryegrass.policy.AccessControl.Style.STANDARD);
  }
}
