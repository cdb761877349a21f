package io.ryegrass.nucleus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.deploy.FaultPoint;
import io.ryegrass.nucleus.store.Backoff;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** Components as processes: environment, steps, errors, dependencies, what is left of them. */
class SupervisorTest {
  @TempDir Path temp;
  private final TestCloud cloud = new TestCloud();
  private final AtomicReference<ObjectNode> seenByBuiltIn = new AtomicReference<>();
  private Path root;
  private Nucleus nucleus;
  private int revision;

  @BeforeEach
  void open() {
    root = TestCloud.provision(temp.resolve("root"));
    BuiltIn exchange =
        new BuiltIn() {
          @Override
          public String name() {
            return "aws.greengrass.TokenExchangeService";
          }

          @Override
          public void start(BuiltInContext c) {
            c.provideEnvironment("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost:1/x");
            c.onConfigurationChanged(seenByBuiltIn::set);
          }

          @Override
          public void stop() {}
        };
    nucleus =
        Nucleus.open(
            new NucleusSettings(
                root, Clock.systemUTC(), Duration.ofSeconds(1), Duration.ofSeconds(20)),
            List.of(exchange),
            List.of(),
            cloud.ports(),
            new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), new Random()),
            FaultPoint.NONE);
    nucleus.start();
  }

  @AfterEach
  void close() {
    nucleus.close();
  }

  private DeploymentStatus deploy(String... namesAndVersions) {
    DeploymentRequest r =
        TestCloud.shadow(
            ++revision, FailureHandlingPolicy.DO_NOTHING, TestCloud.components(namesAndVersions));
    return deploy(r);
  }

  private DeploymentStatus deploy(DeploymentRequest r) {
    nucleus.deployments().submit(r);
    await()
        .pollInterval(Duration.ofMillis(20))
        .atMost(Duration.ofSeconds(60))
        .until(
            () ->
                cloud.statuses.stream()
                    .anyMatch(s -> s.id().equals(r.id()) && !s.status().equals("IN_PROGRESS")));
    return cloud.statuses.getLast();
  }

  private ComponentState state(String name) {
    return nucleus.components().find(name).map(ComponentStatus::state).orElse(null);
  }

  private List<String> lines(String component, String file) {
    try {
      Path p = root.resolve("work").resolve(component).resolve(file);
      return Files.exists(p) ? Files.readAllLines(p) : List.of();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void
      three_errors_within_the_reset_time_break_a_component_and_a_restart_gives_it_another_chance() {
    cloud.generic(
        "c.Bad",
        "1.0.0",
        "{}",
        "{}",
        "{Run: 'echo try >> tries; test -f cured && exec sleep 600; exit 7'}");
    DeploymentStatus s = deploy("c.Bad", "1.0.0");
    assertThat(s.status()).isEqualTo("FAILED");
    assertThat(state("c.Bad")).isEqualTo(ComponentState.BROKEN);
    assertThat(lines("c.Bad", "tries")).hasSize(3);
    ComponentStatus status = nucleus.components().find("c.Bad").orElseThrow();
    assertThat(status.statusReason()).contains("code 7");
    await()
        .until(
            () ->
                cloud.snapshots.stream()
                    .anyMatch(f -> f.trigger() == FleetSnapshot.Trigger.THING_DEPLOYMENT));
    nucleus.components().restart("c.Bad");
    await().until(() -> lines("c.Bad", "tries").size() == 6);
    await().until(() -> state("c.Bad") == ComponentState.BROKEN);
  }

  @Test
  void steps_run_in_their_order_with_the_environment_of_the_reference() {
    cloud.generic(
        "c.Env",
        "1.0.0",
        "{}",
        "{aws.greengrass.TokenExchangeService: {VersionRequirement: '^2.0.0', DependencyType: HARD}}",
        """
        {Setenv: {A: outer, B: '{iot:thingName}'}, Install: 'echo install >> log', Startup: {Script: 'env > env; echo startup >> log', Setenv: {A: inner}},
         Shutdown: 'echo shutdown >> log', Uninstall: 'echo uninstall $GREENGRASS_COMPONENT_VERSION >> log', Recover: 'echo recover >> log'}
        """);
    assertThat(deploy("c.Env", "1.0.0").status()).isEqualTo("SUCCEEDED");
    List<String> env = lines("c.Env", "env");
    assertThat(env)
        .contains(
            "A=inner",
            "B=core1",
            "AWS_IOT_THING_NAME=core1",
            "AWS_REGION=us-east-1",
            "GGC_VERSION=2.15.0",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://localhost:1/x")
        .anyMatch(l -> l.startsWith("AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT="));
    String token =
        env.stream().filter(l -> l.startsWith("SVCUID=")).findFirst().orElseThrow().substring(7);
    assertThat(token).matches("[A-HJ-NP-Z0-7]{16}");
    assertThat(nucleus.components().componentOfToken(token)).contains("c.Env");
    deploy();
    assertThat(lines("c.Env", "log"))
        .containsExactly("install", "startup", "shutdown", "uninstall 1.0.0");
    assertThat(nucleus.components().componentOfToken(token)).isEmpty();
  }

  @Test
  void nothing_of_a_stopped_component_is_left_even_when_it_forked_twice_or_ignores_SIGTERM() {
    // another run of this test on the same host has other processes
    int number = 100_000 + new Random().nextInt(800_000);
    String one = Integer.toString(number);
    String two = Integer.toString(number + 1);
    cloud.generic(
        "c.Fork",
        "1.0.0",
        "{}",
        "{}",
        """
        {Startup: "setsid setsid sleep %s & (sleep %s &) ; (trap '' TERM; while :; do sleep 0.1; done) & true"}
        """
            .formatted(one, two));
    assertThat(deploy("c.Fork", "1.0.0").status()).isEqualTo("SUCCEEDED");
    // what the shell forked may become sleep later than the shell ends
    await().until(() -> !withArgument(one).isEmpty() && !withArgument(two).isEmpty());
    nucleus.components().stop("c.Fork");
    await().until(() -> state("c.Fork") == ComponentState.FINISHED);
    assertThat(withArgument(one, two)).isEmpty();
    assertThat(root.resolve("run")).isEmptyDirectory();
  }

  private static List<ProcessHandle> withArgument(String... arguments) {
    return ProcessHandle.allProcesses()
        .filter(
            p ->
                p.info()
                    .arguments()
                    .map(a -> List.of(a).stream().anyMatch(List.of(arguments)::contains))
                    .orElse(false))
        .toList();
  }

  @Test
  void a_hard_dependency_starts_first_and_its_loss_restarts_the_depender() throws IOException {
    cloud.generic("c.Base", "1.0.0", "{}", "{}", "{Startup: 'sleep 0.2; echo base >> ../order'}");
    cloud.generic(
        "c.Top",
        "1.0.0",
        "{}",
        "{c.Base: {VersionRequirement: '>=1.0.0'}}",
        "{Run: 'echo top >> ../order; exec sleep 600'}");
    // The order file lies beside the working directories, which belong to the components' user.
    root.resolve("work").toFile().setWritable(true, false);
    assertThat(deploy("c.Top", "1.0.0").status()).isEqualTo("SUCCEEDED");
    await().until(() -> Files.readAllLines(root.resolve("work/order")).size() == 2);
    assertThat(root.resolve("work/order")).content().isEqualTo("base\ntop\n");
    nucleus.components().restart("c.Base");
    await().until(() -> Files.readAllLines(root.resolve("work/order")).size() == 4);
    assertThat(Files.readAllLines(root.resolve("work/order")))
        .containsExactly("base", "top", "base", "top");
    assertThat(nucleus.components().find("c.Base").orElseThrow().root()).isFalse();
  }

  @Test
  void a_step_beyond_its_timeout_is_ended_and_counts_as_an_error() {
    cloud.generic(
        "c.Slow",
        "1.0.0",
        "{}",
        "{}",
        "{Install: {Script: 'sleep 600', Timeout: 0.2}, Run: 'sleep 600'}");
    DeploymentStatus s = deploy("c.Slow", "1.0.0");
    assertThat(s.status()).isEqualTo("FAILED");
    assertThat(nucleus.components().find("c.Slow").orElseThrow().statusCodes())
        .containsExactly("INSTALL_TIMEOUT");
  }

  @Test
  void a_skipped_step_counts_as_absent_and_a_malformed_condition_is_an_error() {
    cloud.generic(
        "c.Skip",
        "1.0.0",
        "{}",
        "{}",
        "{Install: {Skipif: onpath sh, Script: 'exit 1'}, Startup: {Skipif: '!exists /nowhere', Script: 'exit 1'}, Run: 'true'}");
    assertThat(deploy("c.Skip", "1.0.0").status()).isEqualTo("SUCCEEDED");
    await().until(() -> state("c.Skip") == ComponentState.FINISHED);
    cloud.generic("c.Odd", "1.0.0", "{}", "{}", "{Install: {Skipif: whenever, Script: 'true'}}");
    deploy("c.Odd", "1.0.0");
    assertThat(nucleus.components().find("c.Odd").orElseThrow().statusCodes())
        .containsExactly("INSTALL_CONFIG_NOT_VALID");
  }

  @Test
  void output_goes_to_the_components_log() {
    cloud.generic("c.Log", "1.0.0", "{}", "{}", "{Run: 'echo to-out; echo to-err >&2'}");
    deploy("c.Log", "1.0.0");
    await()
        .untilAsserted(
            () ->
                assertThat(root.resolve("logs/c.Log.log"))
                    .content()
                    .contains("[INFO] (Copier) c.Log: stdout. to-out")
                    .contains("[WARN] (Copier) c.Log: stderr. to-err"));
  }

  @Test
  void artifacts_are_fetched_once_checked_unpacked_and_runnable() throws Exception {
    ByteArrayOutputStream zip = new ByteArrayOutputStream();
    try (ZipOutputStream z = new ZipOutputStream(zip)) {
      z.putNextEntry(new ZipEntry("bin/hello.sh"));
      z.write("#!/bin/sh\necho hello-from-zip > said\n".getBytes(StandardCharsets.UTF_8));
      z.closeEntry();
    }
    artifact(
        "c.Art",
        "1.0.0",
        "s3://b/app.zip",
        zip.toByteArray(),
        digest(zip.toByteArray()),
        "{artifacts:decompressedPath}/app/bin/hello.sh");
    assertThat(deploy("c.Art", "1.0.0").status()).isEqualTo("SUCCEEDED");
    await().until(() -> lines("c.Art", "said").equals(List.of("hello-from-zip")));
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(
                    root.resolve("packages/artifacts-unarchived/c.Art/1.0.0/app/bin/hello.sh"))))
        .isEqualTo("r-x------");
    assertThat(cloud.downloads).isEqualTo(1);
    deploy("c.Art", "1.0.0");
    assertThat(cloud.downloads).isEqualTo(1);

    artifact("c.Art", "2.0.0", "s3://b/app.zip", zip.toByteArray(), digest(new byte[1]), "true");
    DeploymentStatus failed = deploy("c.Art", "2.0.0");
    assertThat(failed.detailedStatus()).isEqualTo("FAILED_NO_STATE_CHANGE");
    assertThat(failed.errorStack())
        .containsExactly(
            "DEPLOYMENT_FAILURE", "ARTIFACT_DOWNLOAD_ERROR", "ARTIFACT_CHECKSUM_MISMATCH");
    assertThat(failed.errorTypes()).containsExactly("COMPONENT_RECIPE_ERROR");
  }

  private static String digest(byte[] content) throws Exception {
    return Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(content));
  }

  private void artifact(
      String name, String version, String uri, byte[] content, String digest, String run) {
    cloud.artifacts.put(uri, content);
    Recipe ignored =
        cloud.recipe(
            """
            RecipeFormatVersion: '2020-01-25'
            ComponentName: %s
            ComponentVersion: %s
            ComponentDependencies:
              aws.greengrass.TokenExchangeService: {VersionRequirement: '^2.0.0', DependencyType: HARD}
            Manifests:
              - Platform: {os: linux}
                Lifecycle: {Run: '%s'}
                Artifacts:
                  - {URI: '%s', Unarchive: ZIP, Digest: '%s', Algorithm: SHA-256, Permission: {Execute: OWNER}}
            """
                .formatted(name, version, run, uri, digest));
    assertThat(ignored.componentName()).isEqualTo(name);
  }

  @Test
  void a_newer_shadow_revision_supersedes_one_that_waits_for_the_network_and_cancel_ends_one_too() {
    cloud.generic("c.Late", "1.0.0", "{}", "{}", "{Run: 'true'}");
    cloud.online = false;
    DeploymentRequest one =
        TestCloud.shadow(
            101, FailureHandlingPolicy.ROLLBACK, TestCloud.components("c.Late", "1.0.0"));
    DeploymentRequest two =
        TestCloud.shadow(
            102, FailureHandlingPolicy.ROLLBACK, TestCloud.components("c.Late", "1.0.0"));
    nucleus.deployments().submit(one);
    await().until(() -> nucleus.deployments().recent().getFirst().status().equals("IN_PROGRESS"));
    nucleus.deployments().submit(two);
    await().until(() -> nucleus.deployments().recent().get(1).status().equals("CANCELED"));
    nucleus.deployments().cancel(DeploymentRequest.SHADOW, two.id());
    await().until(() -> nucleus.deployments().recent().getFirst().status().equals("CANCELED"));
    assertThat(cloud.statuses).isEmpty();
    cloud.online = true;
    await().until(() -> cloud.last(two.id(), "CANCELED").isPresent());
    assertThat(nucleus.deployments().recent().get(1).id()).isEqualTo(one.id());
  }

  @Test
  void a_configuration_change_reaches_a_built_in_and_watchers_without_a_restart() {
    deploy("aws.greengrass.TokenExchangeService", "2.0.3");
    List<List<String>> seen = new java.util.concurrent.CopyOnWriteArrayList<>();
    nucleus
        .components()
        .onConfigurationChange(
            "aws.greengrass.TokenExchangeService", List.of("port"), (c, p) -> seen.add(p));
    DeploymentRequest r =
        TestCloud.shadow(
            ++revision,
            FailureHandlingPolicy.ROLLBACK,
            TestCloud.component(
                "aws.greengrass.TokenExchangeService", "2.0.3", "{\"port\": 81, \"other\": 1}"));
    assertThat(deploy(r).status()).isEqualTo("SUCCEEDED");
    assertThat(seen).containsExactly(List.of("port"));
    await()
        .until(() -> seenByBuiltIn.get() != null && seenByBuiltIn.get().path("port").asInt() == 81);
    nucleus
        .components()
        .updateConfiguration(
            "aws.greengrass.TokenExchangeService",
            List.of("port"),
            StringNode.valueOf("82"),
            java.time.Instant.now());
    await().until(() -> seenByBuiltIn.get().path("port").asInt() == 82);
  }

  @Test
  void a_local_deployment_takes_recipes_from_a_folder_and_needs_no_cloud() throws IOException {
    cloud.online = false;
    Path recipes = Files.createDirectory(temp.resolve("recipes"));
    Files.writeString(
        recipes.resolve("x.yaml"),
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: c.Local
        ComponentVersion: 1.0.0
        Manifests: [{Lifecycle: {Run: 'exec sleep 600'}}]
        """);
    nucleus
        .deployments()
        .submit(
            new LocalDeployment(
                "r1",
                System.currentTimeMillis(),
                Map.of("c.Local", "1.0.0"),
                java.util.Set.of(),
                null,
                Map.of(),
                Map.of(),
                recipes,
                null,
                FailureHandlingPolicy.DO_NOTHING));
    await().until(() -> nucleus.deployments().recent().getFirst().status().equals("SUCCEEDED"));
    assertThat(state("c.Local")).isEqualTo(ComponentState.RUNNING);
    nucleus
        .deployments()
        .submit(
            new LocalDeployment(
                "r2",
                System.currentTimeMillis(),
                Map.of(),
                java.util.Set.of("c.Local"),
                null,
                Map.of(),
                Map.of(),
                null,
                null,
                FailureHandlingPolicy.DO_NOTHING));
    await().until(() -> nucleus.components().find("c.Local").isEmpty());
  }

  @Test
  void as_root_a_component_runs_as_its_posix_user_and_privileged_steps_as_root()
      throws IOException {
    org.junit.jupiter.api.Assumptions.assumeTrue(
        "root".equals(System.getProperty("user.name")), "Only root can change users");
    Path shared = Path.of(System.getProperty("java.io.tmpdir"));
    for (Path p = root; p.startsWith(shared) && !p.equals(shared); p = p.getParent()) {
      Files.setPosixFilePermissions(p, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
    cloud.generic(
        "c.User",
        "1.0.0",
        "{}",
        "{}",
        "{Install: {RequiresPrivilege: true, Script: 'id -un > who'}, Startup: 'id -un >> ../c.User/mine; echo $HOME >> mine'}");
    DeploymentRequest r =
        TestCloud.shadow(
            ++revision,
            FailureHandlingPolicy.DO_NOTHING,
            Map.of(
                "c.User",
                new io.ryegrass.model.DeploymentDocument.ComponentUpdate(
                    "1.0.0",
                    io.ryegrass.model.DeploymentDocument.ConfigurationUpdate.NONE,
                    new io.ryegrass.model.DeploymentDocument.RunWith("nobody", null, null))));
    assertThat(deploy(r).status()).isEqualTo("SUCCEEDED");
    assertThat(lines("c.User", "who")).containsExactly("root");
    assertThat(lines("c.User", "mine")).first().isEqualTo("nobody");

    DeploymentRequest unknown =
        TestCloud.shadow(
            ++revision,
            FailureHandlingPolicy.ROLLBACK,
            Map.of(
                "c.User",
                new io.ryegrass.model.DeploymentDocument.ComponentUpdate(
                    "1.0.0",
                    io.ryegrass.model.DeploymentDocument.ConfigurationUpdate.NONE,
                    new io.ryegrass.model.DeploymentDocument.RunWith("no-such-user", null, null))));
    DeploymentStatus failed = deploy(unknown);
    assertThat(failed.detailedStatus()).isEqualTo("FAILED_NO_STATE_CHANGE");
    assertThat(failed.errorStack()).contains("RUN_WITH_CONFIG_NOT_VALID");
    assertThat(failed.failureCause()).contains("no-such-user");
  }

  @Test
  void after_two_updates_only_the_current_and_the_previous_version_are_on_disk() {
    for (String version : new String[] {"1.0.0", "2.0.0", "3.0.0"}) {
      cloud.generic("c.Gc", version, "{}", "{}", "{Startup: 'true'}");
      assertThat(deploy("c.Gc", version).status()).isEqualTo("SUCCEEDED");
    }
    assertThat(new io.ryegrass.nucleus.store.ComponentStore(root).versions("c.Gc"))
        .extracting(io.ryegrass.model.ComponentVersion::text)
        .containsExactly("3.0.0", "2.0.0");
    assertThat(root.resolve("generations").toFile().list())
        .containsExactlyInAnyOrder("current", "current.copy", "2", "3");
  }
}
