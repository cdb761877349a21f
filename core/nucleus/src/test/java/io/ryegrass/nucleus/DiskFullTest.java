package io.ryegrass.nucleus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ryegrass.durable.DurableException;
import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.nucleus.deploy.FaultPoint;
import io.ryegrass.nucleus.store.Backoff;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.IntNode;

/**
 * A core on a small file system of its own that is full, or read-only in parts: deployments fail
 * and are rolled back, changes are refused and change nothing, the core lives on and recovers when
 * there is room again (TRB-31, TRB-53). Needs the right to mount; skipped elsewhere.
 */
class DiskFullTest {
  private static final Duration LONG = Duration.ofSeconds(90);
  private static final String A = "com.example.A";

  @TempDir Path temp;
  private final TestCloud cloud = new TestCloud();
  private Path disk;
  private Path root;
  private Nucleus nucleus;
  private volatile String fillAt = "";
  private int revision;

  @BeforeEach
  void mount() throws Exception {
    disk = Files.createDirectories(temp.resolve("disk"));
    assumeTrue(
        "root".equals(System.getProperty("user.name"))
            && run("mount", "-t", "tmpfs", "-o", "size=48m", "ryegrass", disk.toString()) == 0,
        "only who may mount can fill a disk");
    root = TestCloud.provision(disk.resolve("root"));
    cloud.generic(A, "1.0.0", "{v: 1, deep: {a: 1}}", "{}", "{Startup: 'true'}");
    cloud.generic("com.example.B", "1.0.0", "{}", "{}", "{Startup: 'true'}");
    byte[] big = new byte[500_000];
    new Random(1).nextBytes(big);
    cloud.artifacts.put("greengrass:big.bin", big);
    cloud.recipe(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: 2.0.0
        ComponentConfiguration: {DefaultConfiguration: {v: 2, more: 2}}
        Manifests:
          - Platform: {os: linux}
            Lifecycle: {Startup: 'test "$(wc -c < {artifacts:path}/big.bin)" = 500000'}
            Artifacts: [{URI: 'greengrass:big.bin', Digest: '%s', Algorithm: SHA-256}]
        """
            .formatted(
                A,
                Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("SHA-256").digest(big))));
    cloud.generic(A, "3.0.0", "{v: 3}", "{}", "{Startup: 'exit 1'}");
    nucleus = open(cloud.ports());
    nucleus.start();
  }

  @AfterEach
  void unmount() throws Exception {
    if (nucleus != null) {
      nucleus.close();
    }
    if (root != null) {
      for (String folder :
          List.of("deployments", "generations", "packages", "logs", "work", "run")) {
        run("umount", root.resolve(folder).toString());
      }
      assertThat(run("umount", "-l", disk.toString())).isZero();
    }
  }

  private static int run(String... command) throws IOException, InterruptedException {
    Process p =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(p.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return p.exitValue();
  }

  private Nucleus open(CloudPorts ports) {
    return Nucleus.open(
        new NucleusSettings(root, Clock.systemUTC(), Duration.ofSeconds(2), Duration.ofSeconds(30)),
        List.of(),
        List.of(),
        ports,
        new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), new Random()),
        (FaultPoint)
            step -> {
              if (step.equals(fillAt)) {
                fillAt = "";
                fill();
              }
            });
  }

  private void fill() {
    try (OutputStream out = Files.newOutputStream(disk.resolve("ballast"))) {
      byte[] block = new byte[1 << 16];
      while (true) {
        out.write(block); // the last write takes what is left
      }
    } catch (IOException full) {
      assertThat(full).hasMessageContaining("No space left");
    }
  }

  private void empty() throws IOException {
    Files.delete(disk.resolve("ballast"));
  }

  private DeploymentStatus deploy(String... components) {
    return deploy(TestCloud.components(components));
  }

  private DeploymentStatus deploy(Map<String, DeploymentDocument.ComponentUpdate> components) {
    DeploymentRequest r = TestCloud.shadow(++revision, FailureHandlingPolicy.ROLLBACK, components);
    nucleus.deployments().submit(r);
    return Awaitility.await()
        .pollInterval(Duration.ofMillis(20))
        .atMost(LONG)
        .until(
            () ->
                cloud.statuses.stream()
                    .filter(s -> s.id().equals(r.id()) && !s.status().equals("IN_PROGRESS"))
                    .findFirst()
                    .orElse(null),
            s -> s != null);
  }

  private void change(String key, int value) {
    nucleus
        .components()
        .updateConfiguration(A, List.of(key), IntNode.valueOf(value), Instant.now());
  }

  private Map<String, String> versions() {
    Map<String, String> all = new TreeMap<>();
    nucleus.components().list().forEach(s -> all.put(s.name(), s.version()));
    return all;
  }

  private void awaitRunning(String version) {
    Awaitility.await()
        .atMost(LONG)
        .untilAsserted(
            () -> {
              ComponentStatus a = nucleus.components().find(A).orElseThrow();
              assertThat(a.version()).isEqualTo(version);
              assertThat(a.state()).isEqualTo(ComponentState.RUNNING);
            });
  }

  @Test
  void on_a_full_disk_a_deployment_fails_and_is_rolled_back_and_the_core_recovers_with_room()
      throws Exception {
    assertThat(deploy(A, "1.0.0").status()).isEqualTo("SUCCEEDED");
    change("live", 7);
    fill();
    var before = nucleus.config().effective();
    var running = versions();

    for (int i = 0; i < 3; i++) {
      DeploymentStatus full = deploy(A, "2.0.0");
      assertThat(full.status()).as("%s", full).isEqualTo("FAILED");
      assertThat(full.errorStack()).containsAnyOf("DISK_SPACE_CRITICAL", "IO_WRITE_ERROR");
      assertThat(full.detailedStatus()).isIn("FAILED_NO_STATE_CHANGE", "FAILED_ROLLBACK_COMPLETE");
    }
    assertThat(nucleus.config().effective()).isEqualTo(before);
    assertThat(versions()).isEqualTo(running);

    nucleus.close();
    nucleus = open(cloud.ports());
    nucleus.start();
    assertThat(versions()).isEqualTo(running);

    empty();
    change("after", 1);
    assertThat(deploy(A, "2.0.0").status()).isEqualTo("SUCCEEDED");
    awaitRunning("2.0.0");
    assertThat(nucleus.config().component(A).path("live").asInt()).isEqualTo(7);
    assertThat(nucleus.config().component(A).path("after").asInt()).isEqualTo(1);
  }

  @Test
  void a_change_that_a_full_disk_refuses_changes_nothing_now_and_after_a_restart()
      throws Exception {
    assertThat(deploy(A, "1.0.0").status()).isEqualTo("SUCCEEDED");
    change("sure", 1);
    fill();
    int accepted = -1;
    DurableException refused = null;
    for (int i = 0; i < 2000 && refused == null; i++) {
      try {
        change("k" + i, i);
        accepted = i;
      } catch (DurableException e) {
        refused = e;
      }
    }
    assertThat(refused).isNotNull();
    assertThat(refused).hasMessageContaining("changes").hasMessageContaining("room");
    String lost = "k" + (accepted + 1);
    assertThat(nucleus.config().component(A).has(lost)).isFalse();
    empty();
    change("later", 2);
    assertThat(nucleus.config().component(A).has(lost)).isFalse();
    nucleus.close();
    nucleus = open(cloud.ports());
    nucleus.start();
    assertThat(nucleus.config().component(A).has(lost)).as(lost).isFalse();
    assertThat(nucleus.config().component(A).path("sure").asInt()).isEqualTo(1);
    assertThat(nucleus.config().component(A).path("later").asInt()).isEqualTo(2);
    for (int i = 0; i <= accepted; i++) {
      assertThat(nucleus.config().component(A).path("k" + i).asInt(-1)).isEqualTo(i);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "state:RECEIVED",
        "state:RESOLVED",
        "half-downloaded",
        "state:DOWNLOADED",
        "state:AGREED",
        "generation-written",
        "brought-taken",
        "pointer-switched",
        "reconciled",
        "state:APPLIED",
        "state:HEALTHY",
        "state:ROLLING_BACK",
        "pointer-switched-back"
      })
  void a_disk_that_fills_up_during_a_deployment_leaves_the_state_before_or_the_new_one(String step)
      throws Exception {
    assertThat(deploy(A, "1.0.0", "com.example.B", "1.0.0").status()).isEqualTo("SUCCEEDED");
    change("live", 7);
    cloud.halfDownloaded =
        () -> {
          if (fillAt.equals("half-downloaded")) {
            fillAt = "";
            fill();
          }
        };
    var before = nucleus.config().effective();
    var running = versions();
    boolean back = step.equals("state:ROLLING_BACK") || step.equals("pointer-switched-back");
    fillAt = step;

    DeploymentStatus end = deploy(A, back ? "3.0.0" : "2.0.0");

    assertThat(fillAt).as("the step was reached").isEmpty();
    if (end.status().equals("SUCCEEDED")) {
      assertThat(versions()).containsEntry(A, "2.0.0").doesNotContainKey("com.example.B");
    } else {
      assertThat(end.status()).isEqualTo("FAILED");
      assertThat(end.detailedStatus())
          .as("%s", end)
          .isIn("FAILED_NO_STATE_CHANGE", "FAILED_ROLLBACK_COMPLETE");
      assertThat(nucleus.config().effective()).isEqualTo(before);
      assertThat(versions()).isEqualTo(running);
    }
    empty();
    String version = end.status().equals("SUCCEEDED") ? "2.0.0" : "1.0.0";
    awaitRunning(version);
    Awaitility.await()
        .atMost(LONG)
        .untilAsserted(
            () ->
                assertThat(Files.readString(record(revision)))
                    .contains("\"state\":\"" + end.status() + "\""));
    nucleus.close();
    nucleus = open(cloud.ports());
    nucleus.start();
    awaitRunning(version);
    assertThat(nucleus.config().component(A).path("live").asInt()).isEqualTo(7);
    assertThat(deploy(A, "2.0.0").status()).isEqualTo("SUCCEEDED");
  }

  private Path record(int sequence) {
    return root.resolve("deployments").resolve(String.format("%010d.json", sequence));
  }

  @ParameterizedTest
  @ValueSource(strings = {"deployments", "generations", "packages", "logs", "work", "run"})
  void a_folder_that_becomes_read_only_fails_a_deployment_and_not_the_core(String name)
      throws Exception {
    assertThat(deploy(A, "1.0.0").status()).isEqualTo("SUCCEEDED");
    change("live", 7);
    var before = nucleus.config().effective();
    Path folder = root.resolve(name);
    assertThat(run("mount", "--bind", folder.toString(), folder.toString())).isZero();
    assertThat(run("mount", "-o", "remount,bind,ro", folder.toString())).isZero();

    DeploymentStatus end;
    try {
      end = deploy(A, "2.0.0");
    } catch (DurableException e) {
      assertThat(e).hasMessageContaining(name).hasMessageContaining("writable");
      end = null;
    }

    if (end == null || end.status().equals("FAILED")) {
      assertThat(nucleus.config().effective()).isEqualTo(before);
      assertThat(nucleus.components().find(A).orElseThrow().version()).isEqualTo("1.0.0");
    }
    if (end != null && end.status().equals("FAILED")) {
      assertThat(end.failureCause()).as("names what and what to do").contains(name);
    }
    // busy as long as the core has a file open there, which it tries to write now and then
    Awaitility.await().atMost(LONG).until(() -> run("umount", folder.toString()) == 0);
    assertThat(deploy(A, "2.0.0").status()).isEqualTo("SUCCEEDED");
    awaitRunning("2.0.0");
  }
}
