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
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bootstrap steps, restarts and updates of the nucleus (v2-deployments.md section 10, S-13). */
class BootstrapTest {
  @TempDir Path temp;
  private final TestCloud cloud = new TestCloud();
  private final List<RestartPort.What> wanted = new CopyOnWriteArrayList<>();
  private Path root;
  private Path notes;
  private Nucleus nucleus;

  @BeforeEach
  void start() {
    root = TestCloud.provision(temp.resolve("root"));
    notes = temp.resolve("notes");
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
    nucleus.restartBy((what, why) -> wanted.add(what));
    nucleus.start();
  }

  /** What the program does when it is asked to: end, and start again. */
  private void restarted(int times) {
    await().atMost(Duration.ofSeconds(60)).until(() -> wanted.size() == times);
    nucleus.close();
    open();
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

  private String step(String text, String exit) {
    return "{Bootstrap: {Script: 'echo "
        + text
        + " >> "
        + notes
        + "; exit "
        + exit
        + "', RequiresPrivilege: true}, Run: 'exec sleep 600'}";
  }

  private DeploymentRequest deploy(int revision, String... components) {
    DeploymentRequest r =
        TestCloud.shadow(
            revision, FailureHandlingPolicy.ROLLBACK, TestCloud.components(components));
    nucleus.deployments().submit(r);
    return r;
  }

  private ComponentState state(String name) {
    return nucleus.components().find(name).map(ComponentStatus::state).orElse(null);
  }

  @Test
  void a_step_that_wants_no_restart_is_run_once_for_each_version() throws IOException {
    cloud.generic("com.example.A", "1.0.0", "{}", "{}", step("A1", "0"));
    cloud.generic("com.example.A", "2.0.0", "{}", "{}", step("A2", "0"));
    cloud.generic("com.example.B", "1.0.0", "{}", "{}", "{Run: 'exec sleep 600'}");
    awaitStatus(deploy(1, "com.example.A", "1.0.0"), "SUCCEEDED");
    awaitStatus(deploy(2, "com.example.A", "1.0.0", "com.example.B", "1.0.0"), "SUCCEEDED");
    awaitStatus(deploy(3, "com.example.A", "2.0.0", "com.example.B", "1.0.0"), "SUCCEEDED");
    assertThat(Files.readAllLines(notes)).containsExactly("A1", "A2");
    assertThat(wanted).isEmpty();
  }

  @Test
  void steps_go_on_where_a_restart_left_them_and_none_is_run_twice() throws IOException {
    cloud.generic("com.example.A", "1.0.0", "{}", "{}", step("A", "100"));
    cloud.generic(
        "com.example.B",
        "1.0.0",
        "{}",
        "{com.example.A: {VersionRequirement: '*'}}",
        step("B", "101"));
    DeploymentRequest r = deploy(1, "com.example.B", "1.0.0");
    restarted(1);
    restarted(2); // the next step may ask for it as soon as the nucleus is open again
    assertThat(wanted).containsExactly(RestartPort.What.NUCLEUS, RestartPort.What.HOST);
    awaitStatus(r, "SUCCEEDED");
    assertThat(Files.readAllLines(notes)).containsExactly("A", "B");
    assertThat(state("com.example.B")).isEqualTo(ComponentState.RUNNING);
  }

  @Test
  void a_step_that_fails_changes_nothing_and_is_named() throws IOException {
    cloud.generic("com.example.A", "1.0.0", "{}", "{}", "{Run: 'exec sleep 600'}");
    cloud.generic("com.example.A", "2.0.0", "{}", "{}", step("A2", "7"));
    awaitStatus(deploy(1, "com.example.A", "1.0.0"), "SUCCEEDED");
    DeploymentStatus failed = awaitStatus(deploy(2, "com.example.A", "2.0.0"), "FAILED");
    assertThat(failed.errorStack())
        .containsExactly(
            "DEPLOYMENT_FAILURE", "COMPONENT_UPDATE_ERROR", "COMPONENT_BOOTSTRAP_ERROR");
    assertThat(failed.failureCause()).contains("com.example.A", "exited with code 7");
    assertThat(nucleus.components().find("com.example.A").orElseThrow().version())
        .isEqualTo("1.0.0");
    assertThat(state("com.example.A")).isEqualTo(ComponentState.RUNNING);
  }

  @Test
  void a_rollback_runs_the_old_versions_step_where_its_recipe_says_so() throws IOException {
    cloud.generic(
        "com.example.A",
        "1.0.0",
        "{}",
        "{}",
        "{Bootstrap: {Script: 'echo old >> "
            + notes
            + "', bootstrapOnRollback: true, RequiresPrivilege: true}, Run: 'exec sleep 600'}");
    cloud.generic(
        "com.example.A",
        "2.0.0",
        "{}",
        "{}",
        "{Bootstrap: {Script: 'echo new >> "
            + notes
            + "', RequiresPrivilege: true}, Startup: 'exit 1'}");
    awaitStatus(deploy(1, "com.example.A", "1.0.0"), "SUCCEEDED");
    DeploymentStatus failed = awaitStatus(deploy(2, "com.example.A", "2.0.0"), "FAILED");
    assertThat(failed.detailedStatus()).isEqualTo("FAILED_ROLLBACK_COMPLETE");
    assertThat(Files.readAllLines(notes)).containsExactly("old", "new", "old");
    assertThat(state("com.example.A")).isEqualTo(ComponentState.RUNNING);
  }

  /** NUC-21. */
  @Test
  void a_change_that_the_process_reads_once_restarts_it_and_others_do_not() {
    DeploymentRequest live = nucleusConfiguration(1, "{\"logging\": {\"level\": \"DEBUG\"}}");
    awaitStatus(live, "SUCCEEDED");
    assertThat(wanted).isEmpty();
    DeploymentRequest once =
        nucleusConfiguration(2, "{\"mqtt\": {\"spooler\": {\"maxSizeInBytes\": 5000000}}}");
    restarted(1);
    awaitStatus(once, "SUCCEEDED");
    assertThat(wanted).containsExactly(RestartPort.What.NUCLEUS);
    assertThat(
            nucleus
                .config()
                .nucleus()
                .find("mqtt", "spooler", "maxSizeInBytes")
                .orElseThrow()
                .asInt())
        .isEqualTo(5000000);
  }

  private DeploymentRequest nucleusConfiguration(int revision, String merge) {
    DeploymentRequest r =
        TestCloud.shadow(
            revision,
            FailureHandlingPolicy.ROLLBACK,
            TestCloud.component("aws.greengrass.Nucleus", "2.15.0", merge));
    nucleus.deployments().submit(r);
    return r;
  }

  // ---- another nucleus

  private void launchFolders() throws IOException {
    Path first = Files.createDirectories(temp.resolve("distro-1"));
    Files.createDirectories(temp.resolve("distro-2"));
    Files.createDirectories(root.resolve("alts/init"));
    Files.createSymbolicLink(root.resolve("alts/init/distro"), first);
    Files.createSymbolicLink(root.resolve("alts/current"), Path.of("init"));
    cloud.recipe(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: aws.greengrass.Nucleus
        ComponentVersion: 2.16.0
        ComponentType: aws.greengrass.nucleus
        Manifests:
          - Platform: {os: linux}
            Lifecycle:
              bootstrap:
                RequiresPrivilege: true
                Script: ln -sfn %s %s/alts/current/distro; exit 100
        """
            .formatted(temp.resolve("distro-2"), root));
  }

  private Path distro() throws IOException {
    return root.resolve("alts/current/distro").toRealPath();
  }

  @Test
  void another_nucleus_is_linked_by_its_own_step_and_the_one_before_is_kept_until_it_works()
      throws IOException {
    launchFolders();
    DeploymentRequest r = deploy(1, "aws.greengrass.Nucleus", "2.16.0");
    await().atMost(Duration.ofSeconds(60)).until(() -> wanted.size() == 1);
    assertThat(distro()).isEqualTo(temp.resolve("distro-2").toRealPath());
    assertThat(root.resolve("alts/old/distro").toRealPath())
        .isEqualTo(temp.resolve("distro-1").toRealPath());
    nucleus.close();
    open();
    awaitStatus(r, "SUCCEEDED");
    assertThat(root.resolve("alts/old")).doesNotExist();
    assertThat(distro()).isEqualTo(temp.resolve("distro-2").toRealPath());
  }

  @Test
  void a_nucleus_that_the_loader_has_given_up_ends_its_deployment_with_a_rollback()
      throws IOException {
    launchFolders();
    DeploymentRequest r = deploy(1, "aws.greengrass.Nucleus", "2.16.0");
    await().atMost(Duration.ofSeconds(60)).until(() -> wanted.size() == 1);
    nucleus.close();
    Path alts = root.resolve("alts"); // what the loader does after three failed starts
    Files.createSymbolicLink(
        alts.resolve("broken"), Files.readSymbolicLink(alts.resolve("current")));
    Files.delete(alts.resolve("current"));
    Files.move(alts.resolve("old"), alts.resolve("current"));
    open();
    restarted(2); // the rollback starts the process once more
    DeploymentStatus failed = awaitStatus(r, "FAILED");
    assertThat(failed.detailedStatus()).isEqualTo("FAILED_ROLLBACK_COMPLETE");
    assertThat(failed.errorStack()).contains("NUCLEUS_RESTART_FAILURE");
    assertThat(failed.failureCause()).contains("loader went back");
    assertThat(distro()).isEqualTo(temp.resolve("distro-1").toRealPath());
    assertThat(alts.resolve("broken")).doesNotExist();
    assertThat(nucleus.components().find("aws.greengrass.Nucleus").orElseThrow().version())
        .isEqualTo("2.15.0");
  }

  /** LESSON-28: nobody's process is exchanged because a component would like a newer one. */
  @Test
  void a_dependency_on_a_newer_nucleus_is_told_and_does_not_update_it() {
    cloud.generic(
        "com.example.A",
        "1.0.0",
        "{}",
        "{aws.greengrass.Nucleus: {VersionRequirement: '>=2.16.0'}}",
        "{Run: 'exec sleep 600'}");
    DeploymentStatus failed = awaitStatus(deploy(1, "com.example.A", "1.0.0"), "FAILED");
    assertThat(failed.detailedStatus()).isEqualTo("FAILED_NO_STATE_CHANGE");
    assertThat(failed.failureCause()).contains("com.example.A requires >=2.16.0");
    assertThat(wanted).isEmpty();
  }
}
