package io.ryegrass.nucleus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.nucleus.deploy.FaultPoint;
import io.ryegrass.nucleus.store.Backoff;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The process is ended without warning (Runtime.halt) right after each durable step of a
 * deployment, and the core is started again: LESSON-01, LESSON-02, LESSON-04.
 */
class CrashTest {
  private static final int HALTED = 137;
  @TempDir Path temp;

  static Nucleus open(Path root, TestCloud cloud, FaultPoint fault) {
    return Nucleus.open(
        new NucleusSettings(root, Clock.systemUTC(), Duration.ofSeconds(2), Duration.ofSeconds(30)),
        List.of(),
        List.of(),
        cloud.ports(),
        new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), new Random()),
        fault);
  }

  static TestCloud cloud(String mark) {
    TestCloud cloud = new TestCloud();
    cloud.generic(
        "com.example.A",
        "1.0.0",
        "{v: 1}",
        "{}",
        "{Startup: 'nohup sleep " + mark + " >/dev/null 2>&1 &'}");
    cloud.generic("com.example.A", "2.0.0", "{w: 2}", "{}", "{Startup: 'true'}");
    cloud.generic("com.example.A", "3.0.0", "{x: 3}", "{}", "{Startup: 'exit 1'}");
    byte[] content = new byte[200_000];
    new Random(1).nextBytes(content);
    cloud.artifacts.put("greengrass:big.bin", content);
    cloud.recipe(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: com.example.A
        ComponentVersion: 4.0.0
        Manifests:
          - Platform: {os: linux}
            Lifecycle:
              Bootstrap: 'true'
              Startup: test "$(wc -c < {artifacts:path}/big.bin)" = 200000
            Artifacts: [{URI: 'greengrass:big.bin', Digest: '%s', Algorithm: SHA-256}]
        """
            .formatted(digest(content)));
    return cloud;
  }

  private static String digest(byte[] content) {
    try {
      return Base64.getEncoder()
          .encodeToString(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Deploys version 1.0.0, then the given version, halting at the named step of the second
   * deployment.
   */
  static final class Victim {
    private Victim() {}

    public static void main(String[] args) throws Exception {
      Path root = Path.of(args[0]);
      String version = args[1];
      String step = args[2];
      boolean[] armed = new boolean[1];
      TestCloud cloud = cloud(args[3]);
      FaultPoint fault =
          passed -> {
            if (armed[0] && passed.equals(step)) {
              Runtime.getRuntime().halt(HALTED);
            }
          };
      cloud.halfDownloaded = () -> fault.passed("half-downloaded");
      Nucleus nucleus = open(root, cloud, fault);
      nucleus.start();
      DeploymentRequest first =
          TestCloud.shadow(
              1, FailureHandlingPolicy.ROLLBACK, TestCloud.components("com.example.A", "1.0.0"));
      nucleus.deployments().submit(first);
      while (cloud.last(first.id(), "SUCCEEDED").isEmpty()) {
        Thread.onSpinWait();
        Thread.sleep(5);
      }
      armed[0] = true;
      nucleus
          .deployments()
          .submit(
              TestCloud.shadow(
                  2,
                  FailureHandlingPolicy.ROLLBACK,
                  TestCloud.components("com.example.A", version)));
      Thread.sleep(100_000);
      System.exit(3);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "2.0.0, state:RECEIVED",
    "2.0.0, state:RESOLVED",
    "2.0.0, state:DOWNLOADED",
    "2.0.0, state:VALIDATED",
    "2.0.0, state:AGREED",
    "2.0.0, generation-written",
    "2.0.0, pointer-switched",
    "2.0.0, reconciled",
    "2.0.0, state:APPLIED",
    "2.0.0, state:HEALTHY",
    "2.0.0, state:SUCCEEDED",
    "4.0.0, half-downloaded",
    "4.0.0, state:STAGED",
    "4.0.0, bootstrap-begins",
    "4.0.0, bootstrapped",
    "3.0.0, state:APPLIED",
    "3.0.0, state:ROLLING_BACK",
    "3.0.0, pointer-switched-back",
    "3.0.0, state:FAILED"
  })
  void a_core_killed_after_any_durable_step_ends_the_deployment_after_its_restart(
      String version, String step) throws Exception {
    Path root = TestCloud.provision(temp.resolve("root"));
    // another run of this test on the same host has other processes
    String mark = Integer.toString(100_000 + new Random().nextInt(800_000));
    Process victim =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
                "-cp",
                System.getProperty("java.class.path"),
                Victim.class.getName(),
                root.toString(),
                version,
                step,
                mark)
            .redirectErrorStream(true)
            .redirectOutput(new File(temp.toFile(), "victim.log"))
            .start();
    assertThat(victim.waitFor(120, TimeUnit.SECONDS)).isTrue();
    assertThat(victim.exitValue())
        .as(Files.readString(temp.resolve("victim.log")))
        .isEqualTo(HALTED);

    TestCloud cloud = cloud(mark);
    Nucleus nucleus = open(root, cloud, FaultPoint.NONE);
    try {
      nucleus.start();
      String id = "arn:aws:greengrass:us-east-1:000000000000:configuration:thing/core1:2";
      boolean good = !version.equals("3.0.0");
      await()
          .pollInterval(Duration.ofMillis(20))
          .atMost(Duration.ofSeconds(60))
          .until(() -> cloud.last(id, good ? "SUCCEEDED" : "FAILED").isPresent());
      await()
          .until(
              () ->
                  nucleus.components().find("com.example.A").orElseThrow().state()
                      == ComponentState.RUNNING);
      assertThat(nucleus.components().find("com.example.A").orElseThrow().version())
          .isEqualTo(good ? version : "1.0.0");
      assertThat(nucleus.config().component("com.example.A").has("x")).isFalse();
      if (!good) {
        assertThat(cloud.last(id, "FAILED").orElseThrow().detailedStatus())
            .isEqualTo("FAILED_ROLLBACK_COMPLETE");
      }
      if (step.equals("half-downloaded")) {
        assertThat(cloud.resumed).as("the download went on where it was").containsExactly(100_000);
      }
    } finally {
      nucleus.close();
    }
    assertThat(root.resolve("run")).isEmptyDirectory();
    assertThat(
            ProcessHandle.allProcesses()
                .filter(
                    h -> h.info().arguments().map(a -> List.of(a).contains(mark)).orElse(false)))
        .as("processes of the killed core and of its successor")
        .isEmpty();
  }
}
