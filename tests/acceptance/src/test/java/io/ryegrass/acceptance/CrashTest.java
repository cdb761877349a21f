package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whole programs that end by SIGKILL, and folders that come back damaged. The programs share one
 * cloud and one core; every test begins with both up.
 *
 * <p>Proved here: LESSON-01 (no deployment hangs: each ends within its deadline, whenever the core
 * or the cloud dies), LESSON-02 (the same root always starts again: after a kill at any moment,
 * with a damaged pointer or generation, beside a half-written generation, with a torn spool),
 * LESSON-04 (what runs afterwards is one generation as a whole: version, configuration and process
 * agree), LESSON-10 (a message that was acknowledged on the core reaches the cloud over kill and
 * restart, in order).
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class CrashTest {
  private static final int MESSAGES = 400;
  private static final int OUTAGE = 50;
  private static final String DEVICE = "crash-device";
  private static final String WATCHER = "crash-watcher";
  private static final String TOPIC = "crash/count";

  @TempDir static Path folder;
  private static CrashWorld world;

  @BeforeAll
  static void start() {
    world = new CrashWorld(folder);
  }

  @AfterAll
  static void stop() {
    if (world != null) {
      world.close();
    }
  }

  @BeforeEach
  void bothUp() {
    world.bothUp();
  }

  @Test
  @Order(1)
  void aDeploymentEndsWheneverItsCoreIsKilled() throws InterruptedException {
    String runs = world.createVersion();
    String says = "before";
    assertThat(world.awaitEnd(world.deploy(runs, says))).isEqualTo("COMPLETED");
    world.awaitRunning(runs, says);

    for (int delay : List.of(0, 100, 300, 800, 1500)) {
      String number = world.createVersion();
      String message = "killed-after-" + delay;
      Set<String> known = world.deploymentsOnDisk();
      CompletableFuture<String> asked =
          CompletableFuture.supplyAsync(() -> world.deploy(number, message));
      awaitArrival(known);
      // No more than the span of time that this round is about: the core should live on in it.
      assertThat(world.core().process().waitFor(delay, TimeUnit.MILLISECONDS)).isFalse();
      world.killCore();
      world.startCore();

      String end = world.awaitEnd(asked.join());
      if (end.equals("COMPLETED")) {
        runs = number;
        says = message;
      }
      world.awaitRunning(runs, says);
    }
  }

  @Test
  @Order(2)
  void aDeploymentEndsWhenTheCloudIsKilledAndNothingThatWasAnsweredIsMissing() {
    String first = world.createVersion();
    String earlier = world.deploy(first, "before the cloud died");
    assertThat(world.awaitEnd(earlier)).isEqualTo("COMPLETED");
    String number = world.createVersion();
    world.aws("iot", "create-thing", "--thing-name", "answered");
    String deployment = world.deploy(number, "while the cloud died");
    world.killCloud();
    world.startCloud();

    assertThat(world.awaitEnd(deployment)).isEqualTo("COMPLETED");
    world.awaitRunning(number, "while the cloud died");
    world.aws("iot", "describe-thing", "--thing-name", "answered");
    assertThat(
            world.aws(
                "greengrassv2",
                "list-effective-deployments",
                "--core-device-thing-name",
                CrashWorld.THING,
                "--query",
                "effectiveDeployments[?deploymentId=='"
                    + deployment
                    + "'].coreDeviceExecutionStatus",
                "--output",
                "text"))
        .isIn("SUCCEEDED", "COMPLETED");
    assertThat(world.aws("greengrassv2", "list-deployments", "--history-filter", "ALL"))
        .contains(earlier, deployment);
    awaitInstalled(number);
  }

  @Test
  @Order(3)
  void acknowledgedMessagesReachTheCloudInOrderOverKillsOfTheCore() throws Exception {
    long seed = Long.getLong("crash.seed", System.nanoTime());
    System.out.println("CrashTest: -Dcrash.seed=" + seed);
    Random random = new Random(seed);
    List<Integer> arrived = new CopyOnWriteArrayList<>();
    routeDeviceToCloud();
    try (CrashDevice watcher = watcher(arrived)) {
      watcher.subscribe("crash/#");
      int killAt = 50 + random.nextInt(100);
      int killAgainAt = 200 + random.nextInt(100);
      CrashDevice device = device();
      CompletableFuture<Void> restart = CompletableFuture.completedFuture(null);
      for (int n = 1; n <= MESSAGES; n++) {
        if (n == killAt || n == killAgainAt) {
          restart.join();
          int micros = random.nextInt(20_000);
          restart =
              CompletableFuture.runAsync(
                  () -> {
                    killCoreAfter(micros);
                    world.startCore();
                  });
        }
        device = publish(device, n);
      }
      restart.join();
      awaitAll(arrived, MESSAGES);
      device.close();

      // The same once more without the cloud, and the last frame of the spool torn.
      device = device();
      world.killCloud();
      for (int n = MESSAGES + 1; n <= MESSAGES + OUTAGE; n++) {
        device = publish(device, n);
      }
      device.close();
    }
    world.killCore();
    Path segment = largestSegment();
    cut(segment, Files.size(segment) - 3);
    startAndExpectOneLine(String.valueOf(segment.getFileName()));
    world.startCloud();
    try (CrashDevice watcher = watcher(arrived)) {
      awaitAll(arrived, MESSAGES + OUTAGE - 1);
    }
  }

  @Test
  @Order(4)
  void aDamagedPointerOrGenerationDoesNotKeepTheCoreFromItsLastGoodState() throws IOException {
    String number = world.createVersion();
    assertThat(world.awaitEnd(world.deploy(number, "good"))).isEqualTo("COMPLETED");
    world.awaitRunning(number, "good");
    byte[] pointer = Files.readAllBytes(world.pointer());
    String whole = world.currentGeneration();

    for (byte[] damaged :
        List.of(
            new byte[0],
            Arrays.copyOf(pointer, pointer.length / 2),
            new byte[pointer.length],
            "{}".getBytes(java.nio.charset.StandardCharsets.US_ASCII))) {
      world.killCore();
      Files.write(world.pointer(), damaged);
      startAndExpectOneLine("generations/current");
      world.awaitRunning(number, "good");
    }

    world.killCore();
    Path half = world.root().resolve("generations/" + (world.currentNumber() + 1));
    Files.createDirectories(half);
    Files.writeString(half.resolve("generation.json"), whole.substring(0, whole.length() / 2));
    world.startCore();
    world.awaitRunning(number, "good");
    String next = world.createVersion();
    assertThat(world.awaitEnd(world.deploy(next, "after all"))).isEqualTo("COMPLETED");
    world.awaitRunning(next, "after all");

    world.killCore();
    Path current =
        world.root().resolve("generations/" + world.currentNumber() + "/generation.json");
    cut(current, Files.size(current) / 2);
    startAndExpectOneLine("the one before");
    world.awaitRunning(number, "good");
  }

  // ---- steps

  private static void awaitArrival(Set<String> known) {
    Awaitility.await("the deployment to reach the core")
        .atMost(CrashWorld.SOON)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(2))
        .until(() -> !known.containsAll(world.deploymentsOnDisk()));
  }

  private static void awaitInstalled(String number) {
    Awaitility.await("the cloud to hear that " + number + " runs")
        .atMost(CrashWorld.SOON)
        .until(
            () ->
                world.aws(
                    "greengrassv2",
                    "list-installed-components",
                    "--core-device-thing-name",
                    CrashWorld.THING,
                    "--query",
                    "installedComponents[?componentName=='"
                        + CrashWorld.COMPONENT
                        + "'].[componentVersion,lifecycleState]",
                    "--output",
                    "text"),
            text -> text.matches(number + "\\s+RUNNING"));
  }

  private static void startAndExpectOneLine(String words) {
    int logged = world.log().length();
    world.startCore();
    assertThat(world.log().substring(logged).lines()).filteredOn(l -> l.contains(words)).hasSize(1);
  }

  private static void killCoreAfter(int micros) {
    try {
      world.core().process().waitFor(micros, TimeUnit.MICROSECONDS);
      world.killCore();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Until it is acknowledged, over as many connections as that takes. */
  private static CrashDevice publish(CrashDevice first, int n) {
    CrashDevice device = first;
    long deadline = System.nanoTime() + CrashWorld.SOON.toNanos();
    while (true) {
      try {
        device.publish(TOPIC, "" + n);
        return device;
      } catch (MqttException e) {
        assertThat(System.nanoTime()).as("%s: %s", n, e).isLessThan(deadline);
        device.close();
        device = device();
      }
    }
  }

  private static CrashDevice device() {
    return connect(DEVICE, world.localMqttPort(), true, new ArrayList<>());
  }

  private static CrashDevice watcher(List<Integer> into) {
    return connect(WATCHER, world.mqttPort(), false, into);
  }

  private static CrashDevice connect(String thing, int port, boolean clean, List<Integer> into) {
    return Awaitility.await(thing + " to be connected")
        .atMost(CrashWorld.SOON)
        .pollInterval(Duration.ofMillis(50))
        .ignoreException(MqttException.class)
        .until(
            () ->
                CrashDevice.connect(
                    folder.resolve(thing).resolve("certs"),
                    thing,
                    port,
                    clean,
                    payload -> into.add(Integer.valueOf(payload))),
            device -> true);
  }

  /** QoS 1: what was sent again may come twice, but nothing may overtake or be missing. */
  private static void awaitAll(List<Integer> arrived, int last) {
    Awaitility.await("message " + last)
        .atMost(CrashWorld.SOON)
        .pollInterval(Duration.ofMillis(50))
        .untilAsserted(() -> assertThat(arrived).contains(last));
    assertThat(arrived.stream().distinct().toList())
        .isEqualTo(Stream.iterate(1, n -> n + 1).limit(last).toList());
  }

  private static void routeDeviceToCloud() throws IOException {
    Path policy = folder.resolve("policy.json");
    Files.writeString(
        policy,
        """
        {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}
        """);
    world.provision(
        WATCHER, "--client-device", "--policy", WATCHER, "--policy-document", policy.toString());
    world.provision(DEVICE, "--client-device");
    String things = "arn:aws:iot:us-east-1:000000000000:thing/";
    String core = define("core", "Cores", member(CrashWorld.THING, things));
    String device = define("device", "Devices", member(DEVICE, things));
    String subscription =
        define(
            "subscription",
            "Subscriptions",
            "{\"Id\":\"1\",\"Source\":\"%s\",\"Subject\":\"%s\",\"Target\":\"cloud\"}"
                .formatted(things + DEVICE, TOPIC));
    String[] group =
        world
            .aws(
                "greengrass",
                "create-group",
                "--name",
                "crash",
                "--initial-version",
                "{\"CoreDefinitionVersionArn\":\"%s\",\"DeviceDefinitionVersionArn\":\"%s\",\"SubscriptionDefinitionVersionArn\":\"%s\"}"
                    .formatted(core, device, subscription),
                "--query",
                "[Id,LatestVersion]",
                "--output",
                "text")
            .split("\\s+");
    String deployment =
        world.aws(
            "greengrass",
            "create-deployment",
            "--deployment-type",
            "NewDeployment",
            "--group-id",
            group[0],
            "--group-version-id",
            group[1],
            "--query",
            "DeploymentId",
            "--output",
            "text");
    Awaitility.await("the group's deployment")
        .atMost(CrashWorld.SOON)
        .until(
            () ->
                world.aws(
                    "greengrass",
                    "get-deployment-status",
                    "--group-id",
                    group[0],
                    "--deployment-id",
                    deployment,
                    "--query",
                    "DeploymentStatus",
                    "--output",
                    "text"),
            "Success"::equals);
  }

  private static String member(String thing, String things) {
    String certificate =
        world.aws(
            "iot",
            "list-thing-principals",
            "--thing-name",
            thing,
            "--query",
            "principals[0]",
            "--output",
            "text");
    return "{\"Id\":\"%s\",\"ThingArn\":\"%s\",\"CertificateArn\":\"%s\",\"SyncShadow\":false}"
        .formatted(thing, things + thing, certificate);
  }

  private static String define(String kind, String member, String content) {
    return world.aws(
        "greengrass",
        "create-" + kind + "-definition",
        "--name",
        "crash",
        "--initial-version",
        "{\"" + member + "\":[" + content + "]}",
        "--query",
        "LatestVersionArn",
        "--output",
        "text");
  }

  private static Path largestSegment() throws IOException {
    try (Stream<Path> files = Files.walk(world.root().resolve("spool"))) {
      return files
          .filter(f -> f.toString().endsWith(".seg"))
          .max(java.util.Comparator.comparingLong(f -> f.toFile().length()))
          .orElseThrow();
    }
  }

  private static void cut(Path file, long size) throws IOException {
    try (var channel = Files.newByteChannel(file, java.nio.file.StandardOpenOption.WRITE)) {
      channel.truncate(size);
    }
  }
}
