package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * One cloud and one core on ports of their own that both can be killed and started again, and what
 * the crash tests look at: the AWS CLI's answers, the core's folder, the component's process.
 */
final class CrashWorld implements AutoCloseable {
  static final String THING = "crash-core";
  static final String COMPONENT = "com.example.Crash";
  static final Duration SOON = TestCore.PATIENCE;

  final Path folder;
  private final int apiPort = freePort();
  private final int httpsPort = freePort();
  private final int mqttPort = freePort();
  private final int localMqttPort = freePort();
  private final int lambdaPort = freePort();

  /** Makes the component's processes recognisable among all others of the machine. */
  private final String mark = 70_000_000 + ProcessHandle.current().pid() + "";

  private Ryegrass.@Nullable Running cloud;
  private Ryegrass.@Nullable Running core;
  private @Nullable AwsCli cli;
  private int version;

  CrashWorld(Path folder) {
    this.folder = folder;
    startCloud();
    provision(THING, "--local-mqtt-port", "" + localMqttPort, "--lambda-ipc-port", "" + lambdaPort);
    startCore();
  }

  // ---- programs

  void startCloud() {
    Ryegrass.Running started =
        Ryegrass.start(
            folder,
            "cloud",
            "--data",
            folder.resolve("cloud").toString(),
            "--api-port",
            "" + apiPort,
            "--https-port",
            "" + httpsPort,
            "--mqtt-port",
            "" + mqttPort);
    cloud = started;
    started.awaitOutput("ryegrass cloud ready:");
  }

  Ryegrass.Running startCore() {
    Ryegrass.Running started = Ryegrass.start(folder, "core", "--root", root().toString());
    core = started;
    started.awaitOutput("ryegrass core ready:");
    return started;
  }

  Ryegrass.Running core() {
    Ryegrass.Running running = core;
    assertThat(running).isNotNull();
    return running;
  }

  void killCore() {
    core().kill();
  }

  void killCloud() {
    Ryegrass.Running running = cloud;
    assertThat(running).isNotNull();
    running.kill();
  }

  /** Each test begins with both programs up, whatever the one before it left. */
  void bothUp() {
    if (cloud == null || !cloud.process().isAlive()) {
      startCloud();
    }
    if (core == null || !core.process().isAlive()) {
      startCore();
    }
  }

  void provision(String thing, String... more) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "provision",
                "--data",
                folder.resolve("cloud").toString(),
                "--thing",
                thing,
                "--root",
                folder.resolve(thing).toString()));
    command.addAll(Arrays.asList(more));
    Ryegrass.run(folder, SOON, command.toArray(String[]::new)).isSuccess();
  }

  String aws(String... arguments) {
    AwsCli loaded = cli;
    if (loaded == null) {
      loaded = AwsCli.start(folder.resolve("cloud"));
      cli = loaded;
    }
    Ryegrass.Outcome outcome =
        loaded == null ? Ryegrass.aws(folder, arguments) : loaded.call(arguments);
    outcome.isSuccess();
    return outcome.output().strip();
  }

  int mqttPort() {
    return mqttPort;
  }

  int localMqttPort() {
    return localMqttPort;
  }

  // ---- deployments

  /** A new version of the component, whose run script says its configuration and then stays. */
  String createVersion() {
    String number = "1.0." + ++version;
    Path recipe = folder.resolve("recipe-" + number + ".yaml");
    write(
        recipe,
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: %s
        ComponentConfiguration:
          DefaultConfiguration:
            message: nobody-deployed-this
        Manifests:
          - Platform:
              os: linux
            Lifecycle:
              run: echo "%s {configuration:/message}" > proof; exec sleep %s
        """
            .formatted(COMPONENT, number, number, mark));
    aws("greengrassv2", "create-component-version", "--inline-recipe", "fileb://" + recipe);
    return number;
  }

  String deploy(String number, String message) {
    return aws(
        "greengrassv2",
        "create-deployment",
        "--target-arn",
        "arn:aws:iot:us-east-1:000000000000:thing/" + THING,
        "--components",
        "{\"%s\":{\"componentVersion\":\"%s\",\"configurationUpdate\":{\"merge\":\"{\\\"message\\\":\\\"%s\\\"}\"}}}"
            .formatted(COMPONENT, number, message),
        "--deployment-policies",
        "{\"failureHandlingPolicy\":\"ROLLBACK\"}",
        "--query",
        "deploymentId",
        "--output",
        "text");
  }

  /** Waits for the deployment's end in the cloud; gives COMPLETED or FAILED. */
  String awaitEnd(String deployment) {
    return Awaitility.await("the end of deployment " + deployment)
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(100))
        .until(() -> status(deployment), Set.of("COMPLETED", "FAILED")::contains);
  }

  String status(String deployment) {
    return aws(
        "greengrassv2",
        "get-deployment",
        "--deployment-id",
        deployment,
        "--query",
        "deploymentStatus",
        "--output",
        "text");
  }

  /** Which deployments the core has on disk; grows when one reaches it. */
  Set<String> deploymentsOnDisk() {
    try (Stream<Path> files = Files.list(root().resolve("deployments"))) {
      Set<String> names = new TreeSet<>();
      files
          .map(f -> f.getFileName().toString())
          .filter(n -> n.matches("\\d+\\.json"))
          .forEach(names::add);
      return names;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The core as seen from outside: this version says this message, and runs exactly once. */
  void awaitRunning(String number, String message) {
    Awaitility.await(COMPONENT + " " + number + " with " + message)
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(50))
        .untilAsserted(
            () -> {
              assertThat(root().resolve("work/" + COMPONENT + "/proof"))
                  .content()
                  .isEqualToIgnoringNewLines(number + " " + message);
              assertThat(processes()).hasSize(1);
              assertThat(currentGeneration()).contains("\"" + message + "\"", "\"" + number + "\"");
            });
  }

  List<ProcessHandle> processes() {
    return ProcessHandle.allProcesses()
        .filter(
            p -> p.info().arguments().map(a -> a.length == 1 && a[0].equals(mark)).orElse(false))
        .toList();
  }

  // ---- the core's folder

  Path root() {
    return folder.resolve(THING);
  }

  Path pointer() {
    return root().resolve("generations/current");
  }

  long currentNumber() {
    Matcher number = Pattern.compile("\"current\":(\\d+)").matcher(read(pointer()));
    assertThat(number.find()).isTrue();
    return Long.parseLong(number.group(1));
  }

  String currentGeneration() {
    return read(root().resolve("generations/" + currentNumber() + "/generation.json"));
  }

  /** All that the core has logged in all its lives. */
  String log() {
    return read(root().resolve("logs/greengrass.log"));
  }

  static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      return "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Below those that Linux gives to connections and to whoever asks for any port: the programs come
   * back to theirs after a kill, and nobody may have it meanwhile.
   */
  private static int freePort() {
    for (int attempt = 0; attempt < 100; attempt++) {
      int port = ThreadLocalRandom.current().nextInt(20_000, 32_000);
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (IOException e) {
        continue; // somebody has it
      }
    }
    throw new AssertionError("no free port between 20000 and 32000");
  }

  @Override
  public void close() {
    if (cli != null) {
      cli.close();
    }
    if (core != null) {
      core.close();
    }
    if (cloud != null) {
      cloud.close();
    }
    // Only what carries this run's mark.
    processes().forEach(ProcessHandle::destroyForcibly);
  }
}
