package io.ryegrass.nucleus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.model.DeploymentDocument;
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
import tools.jackson.databind.json.JsonMapper;

/** Local deployments on a core that has no cloud and no identity: LESSON-13, LESSON-14. */
class LocalDeploymentsTest {
  @TempDir Path temp;
  private Path root;
  private Path recipes;
  private Path artifacts;
  private Nucleus nucleus;

  @BeforeEach
  void start() throws IOException {
    root = temp.resolve("root");
    recipes = Files.createDirectories(temp.resolve("recipes"));
    artifacts = Files.createDirectories(temp.resolve("artifacts"));
    open(CloudPorts.offline());
  }

  private void open(CloudPorts cloud) {
    nucleus =
        Nucleus.open(
            new NucleusSettings(
                    root, Clock.systemUTC(), Duration.ofSeconds(2), Duration.ofSeconds(30))
                .withDefaultUser(System.getProperty("user.name")),
            List.of(),
            List.of(),
            cloud,
            new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), new Random()),
            FaultPoint.NONE);
    nucleus.start();
  }

  @AfterEach
  void stop() {
    nucleus.close();
  }

  private void recipe(String name, String version, String lifecycle, String more)
      throws IOException {
    Files.writeString(
        recipes.resolve(name + "-" + version + ".yaml"),
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: %s
        ComponentConfiguration: {DefaultConfiguration: {message: hi, keep: 1}}
        Manifests:
          - Platform: {os: linux}
            Lifecycle: %s
        %s"""
            .formatted(name, version, lifecycle, more));
  }

  private LocalDeployments.Request request(Map<String, String> merge, String... remove) {
    return new LocalDeployments.Request(
        null, merge, List.of(remove), Map.of(), Map.of(), recipes, artifacts, null);
  }

  private LocalDeployments.Status ended(String id) {
    return await()
        .pollInterval(Duration.ofMillis(20))
        .atMost(Duration.ofSeconds(60))
        .until(
            () -> nucleus.localDeployments().find(id).orElseThrow(),
            s -> !s.detailedStatus().isEmpty());
  }

  private LocalDeployments.Status deploy(LocalDeployments.Request r) {
    return ended(nucleus.localDeployments().create(r));
  }

  private ComponentState state(String name) {
    return nucleus.components().find(name).map(ComponentStatus::state).orElse(null);
  }

  private static final String SAY =
      "{Run: \"cat {artifacts:path}/hello.txt > {work:path}/said; exec sleep 600\"}";

  private void hello(String version, String text) throws IOException {
    recipe(
        "com.example.Hello",
        version,
        SAY,
        "    Artifacts: [{URI: 's3://DOC-EXAMPLE-BUCKET/hello.txt', Permission: {Read: ALL}}]\n");
    Path file = artifacts.resolve("com.example.Hello/" + version + "/hello.txt");
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private String said() throws IOException {
    Path file = root.resolve("work/com.example.Hello/said");
    await().atMost(Duration.ofSeconds(60)).until(() -> Files.exists(file) && Files.size(file) > 0);
    return Files.readString(file);
  }

  /** CLI-13, DPL-01, CLI-17; a restart of the core keeps it all. */
  @Test
  void a_component_is_deployed_from_folders_changed_and_removed_without_any_cloud()
      throws IOException {
    hello("1.0.0", "one");
    // no credentials are needed for what lies on the device
    LocalDeployments.Status first = deploy(request(Map.of("com.example.Hello", "1.0.0")));
    assertThat(first.failureCause()).isNull();
    assertThat(first.status()).isEqualTo("SUCCEEDED");
    assertThat(first.detailedStatus()).isEqualTo("SUCCESSFUL");
    assertThat(state("com.example.Hello")).isEqualTo(ComponentState.RUNNING);
    assertThat(said()).isEqualTo("one");

    recipe("com.example.Other", "1.0.0", "{Run: 'exec sleep 600'}", "");
    assertThat(deploy(request(Map.of("com.example.Other", "1.0.0"))).status())
        .isEqualTo("SUCCEEDED");
    assertThat(state("com.example.Hello")).isEqualTo(ComponentState.RUNNING);

    LocalDeployments.Status changed =
        deploy(
            new LocalDeployments.Request(
                null,
                Map.of(),
                List.of(),
                Map.of(
                    "com.example.Hello",
                    LocalDeployments.update(
                        "com.example.Hello",
                        new JsonMapper()
                            .readTree("{\"MERGE\":{\"message\":\"you\"},\"RESET\":[\"/keep\"]}"))),
                Map.of(),
                null,
                null,
                null));
    assertThat(changed.status()).isEqualTo("SUCCEEDED");
    assertThat(nucleus.components().configuration("com.example.Hello").path("message").asString())
        .isEqualTo("you");

    nucleus.close();
    open(CloudPorts.offline());
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> state("com.example.Hello") == ComponentState.RUNNING);
    assertThat(nucleus.localDeployments().list()).hasSize(3).first().isEqualTo(changed);

    assertThat(deploy(request(Map.of(), "com.example.Hello")).status()).isEqualTo("SUCCEEDED");
    assertThat(nucleus.components().find("com.example.Hello")).isEmpty();
    assertThat(state("com.example.Other")).isEqualTo(ComponentState.RUNNING);
    assertThat(root.resolve("config")).doesNotExist();
  }

  @Test
  void two_that_are_asked_for_at_once_add_up_in_their_order() throws IOException {
    recipe("com.example.A", "1.0.0", "{Run: 'exec sleep 600'}", "");
    recipe("com.example.B", "1.0.0", "{Run: 'exec sleep 600'}", "");
    String a = nucleus.localDeployments().create(request(Map.of("com.example.A", "1.0.0")));
    String b = nucleus.localDeployments().create(request(Map.of("com.example.B", "1.0.0")));
    assertThat(ended(a).status()).isEqualTo("SUCCEEDED");
    assertThat(ended(b).status()).isEqualTo("SUCCEEDED");
    assertThat(state("com.example.A")).isEqualTo(ComponentState.RUNNING);
    assertThat(state("com.example.B")).isEqualTo(ComponentState.RUNNING);
  }

  /** LESSON-04: the same version with other contents is undone as well. */
  @Test
  void a_rollback_brings_back_recipes_and_artifacts_that_were_replaced_under_the_same_version()
      throws IOException {
    hello("1.0.0", "one");
    assertThat(deploy(request(Map.of("com.example.Hello", "1.0.0"))).status())
        .isEqualTo("SUCCEEDED");
    var before = nucleus.config().effective();
    recipe(
        "com.example.Hello",
        "1.0.0",
        "{Startup: 'exit 3'}",
        "    Artifacts: [{URI: 's3://DOC-EXAMPLE-BUCKET/hello.txt', Permission: {Read: ALL}}]\n");
    Files.writeString(artifacts.resolve("com.example.Hello/1.0.0/hello.txt"), "two");
    LocalDeployments.Status failed =
        deploy(
            new LocalDeployments.Request(
                null,
                Map.of("com.example.Hello", "1.0.0"),
                List.of(),
                Map.of(),
                Map.of(),
                recipes,
                artifacts,
                FailureHandlingPolicy.ROLLBACK));
    assertThat(failed.detailedStatus()).isEqualTo("FAILED_ROLLBACK_COMPLETE");
    assertThat(failed.errorStack()).contains("COMPONENT_BROKEN");
    assertThat(state("com.example.Hello")).isEqualTo(ComponentState.RUNNING);
    assertThat(nucleus.config().effective()).isEqualTo(before);
    assertThat(root.resolve("packages/artifacts/com.example.Hello/1.0.0/hello.txt"))
        .hasContent("one");
    nucleus.close();
    open(CloudPorts.offline());
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> state("com.example.Hello") == ComponentState.RUNNING);
    assertThat(said()).isEqualTo("one");
  }

  /** CLI-02: without ROLLBACK the new contents stay. */
  @Test
  void the_same_version_with_a_new_artifact_is_taken_over() throws IOException {
    hello("1.0.0", "one");
    deploy(request(Map.of("com.example.Hello", "1.0.0")));
    Files.writeString(artifacts.resolve("com.example.Hello/1.0.0/hello.txt"), "two");
    assertThat(deploy(request(Map.of("com.example.Hello", "1.0.0"))).status())
        .isEqualTo("SUCCEEDED");
    nucleus.components().restart("com.example.Hello");
    await().atMost(Duration.ofSeconds(60)).until(() -> said().equals("two"));
  }

  /** LESSON-14: without a cloud there is no waiting for one. */
  @Test
  void what_is_not_on_the_device_fails_at_once_and_says_so() {
    LocalDeployments.Status s = deploy(request(Map.of("com.example.Nobody", "1.0.0")));
    assertThat(s.detailedStatus()).isEqualTo("FAILED_NO_STATE_CHANGE");
    assertThat(s.errorStack()).contains("NO_AVAILABLE_COMPONENT_VERSION");
    assertThat(s.failureCause())
        .contains("LOCAL_DEPLOYMENT requires =1.0.0")
        .contains("no cloud to ask");
  }

  /** DPL-02, DPL-30, scenario S-07. */
  @Test
  void a_group_that_wants_another_version_is_named_with_what_it_wants() throws IOException {
    hello("1.0.0", "one");
    hello("1.0.1", "two");
    deploy(request(Map.of("com.example.Hello", "1.0.0")));
    LocalDeployments.Status s =
        deploy(
            new LocalDeployments.Request(
                "X",
                Map.of("com.example.Hello", "1.0.1"),
                List.of(),
                Map.of(),
                Map.of(),
                recipes,
                artifacts,
                null));
    assertThat(s.detailedStatus()).isEqualTo("FAILED_NO_STATE_CHANGE");
    assertThat(s.errorStack())
        .containsExactly(
            "DEPLOYMENT_FAILURE",
            "NO_AVAILABLE_COMPONENT_VERSION",
            "COMPONENT_VERSION_REQUIREMENTS_NOT_MET");
    assertThat(s.errorTypes()).contains("REQUEST_ERROR");
    assertThat(s.failureCause())
        .contains("LOCAL_DEPLOYMENT requires =1.0.0")
        .contains("thinggroup/X requires =1.0.1");
    assertThat(state("com.example.Hello")).isEqualTo(ComponentState.RUNNING);
  }

  /** CLI-19: cancel reaches an end in each phase. */
  @Test
  void a_deployment_is_cancelled_while_it_waits_for_its_component_and_its_followers_go_on()
      throws IOException {
    recipe("com.example.Slow", "1.0.0", "{Startup: {Script: 'sleep 600', Timeout: 900}}", "");
    recipe("com.example.B", "1.0.0", "{Run: 'exec sleep 600'}", "");
    LocalDeployments local = nucleus.localDeployments();
    String slow =
        local.create(
            new LocalDeployments.Request(
                null,
                Map.of("com.example.Slow", "1.0.0"),
                List.of(),
                Map.of(),
                Map.of(),
                recipes,
                null,
                FailureHandlingPolicy.DO_NOTHING));
    String queued = local.create(request(Map.of("com.example.Slow", "1.0.0")));
    String next = local.create(request(Map.of("com.example.B", "1.0.0")));
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> local.find(slow).orElseThrow().phase().equals("APPLIED"));
    assertThat(local.find(queued).orElseThrow().status()).isEqualTo("QUEUED");
    assertThat(local.cancel(queued)).contains("being cancelled");
    assertThat(ended(queued).status()).isEqualTo("CANCELED");
    local.cancel(slow);
    assertThat(ended(slow).detailedStatus()).isEqualTo("FAILED_ROLLBACK_COMPLETE");
    assertThat(nucleus.components().find("com.example.Slow")).isEmpty();
    assertThat(ended(next).status()).isEqualTo("SUCCEEDED");
    assertThat(local.cancel(next)).contains("ended already");
  }

  @Test
  void requests_that_cannot_be_carried_out_are_refused_with_a_code() throws IOException {
    LocalDeployments local = nucleus.localDeployments();
    assertThatThrownBy(
            () ->
                local.create(
                    new LocalDeployments.Request(
                        "a:b", Map.of(), List.of(), Map.of(), Map.of(), null, null, null)))
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo(LocalDeployments.INVALID_ARGUMENTS);
    assertThatThrownBy(
            () ->
                local.create(
                    new LocalDeployments.Request(
                        null, Map.of(), List.of(), Map.of(), Map.of(), null, root, null)))
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo(LocalDeployments.INVALID_ARTIFACTS_DIRECTORY);
    assertThatThrownBy(
            () ->
                local.create(
                    new LocalDeployments.Request(
                        null,
                        Map.of(),
                        List.of(),
                        Map.of(),
                        Map.of(),
                        temp.resolve("none"),
                        null,
                        null)))
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo(LocalDeployments.INVALID_RECIPE_DIRECTORY);
    assertThatThrownBy(() -> local.create(request(Map.of("a", "latest"))))
        .hasMessageContaining("is no version");
    assertThatThrownBy(() -> local.find("7")).hasMessageContaining("UUID");
    assertThatThrownBy(() -> local.cancel("00000000-0000-0000-0000-000000000000"))
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo(LocalDeployments.RESOURCE_NOT_FOUND);
  }

  /** LESSON-13: the cloud that is joined later finds the local group as one among others. */
  @Test
  void a_core_that_joins_a_cloud_keeps_what_was_deployed_locally() throws IOException {
    hello("1.0.0", "one");
    deploy(request(Map.of("com.example.Hello", "1.0.0")));
    nucleus.close();
    TestCloud.provision(root);
    TestCloud cloud = new TestCloud();
    cloud.generic("com.example.Fleet", "1.0.0", "{}", "{}", "{Run: 'exec sleep 600'}");
    open(cloud.ports());
    DeploymentRequest fleet =
        TestCloud.shadow(
            1, FailureHandlingPolicy.ROLLBACK, TestCloud.components("com.example.Fleet", "1.0.0"));
    nucleus.deployments().submit(fleet);
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> cloud.last(fleet.id(), "SUCCEEDED").isPresent());
    assertThat(state("com.example.Hello")).isEqualTo(ComponentState.RUNNING);
    assertThat(state("com.example.Fleet")).isEqualTo(ComponentState.RUNNING);
    assertThat(nucleus.config().identity().thingName()).isEqualTo("core1");
  }

  @Test
  void limits_and_users_of_a_local_deployment_survive_the_wait_in_the_queue() throws IOException {
    recipe("com.example.A", "1.0.0", "{Run: 'exec sleep 600'}", "");
    LocalDeployments.Status s =
        deploy(
            new LocalDeployments.Request(
                null,
                Map.of("com.example.A", "1.0.0"),
                List.of(),
                Map.of(),
                Map.of(
                    "com.example.A",
                    new DeploymentDocument.RunWith(
                        null, null, new DeploymentDocument.SystemResourceLimits(102400, 0.5))),
                recipes,
                null,
                null));
    assertThat(s.status()).isEqualTo("SUCCEEDED");
    try (var generations = Files.walk(root.resolve("generations"))) {
      assertThat(
              generations
                  .filter(p -> p.endsWith("generation.json"))
                  .map(LocalDeploymentsTest::text)
                  .filter(t -> t.contains("102400")))
          .isNotEmpty();
    }
  }

  private static String text(Path p) {
    try {
      return Files.readString(p);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
