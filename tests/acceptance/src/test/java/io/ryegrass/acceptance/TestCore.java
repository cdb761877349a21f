package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.GetComponentDetailsRequest;
import software.amazon.awssdk.aws.greengrass.model.GetLocalDeploymentStatusRequest;
import software.amazon.awssdk.services.greengrassv2.model.EffectiveDeployment;
import software.amazon.awssdk.services.greengrassv2.model.GreengrassV2Exception;
import software.amazon.awssdk.services.greengrassv2.model.InstalledComponent;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A core device: its folder, its process, its command line, its components' logs. */
final class TestCore implements AutoCloseable {
  /** What every wait may take at most; {@code -Dscenario.patience=10} fails faster. */
  static final Duration PATIENCE = Duration.ofSeconds(Long.getLong("scenario.patience", 120));

  private static final Pattern ID = Pattern.compile("Deployment Id: (\\S+)");

  final Path folder;
  final Path root;
  final String thing;
  private final @Nullable TestCloud cloud;
  private Ryegrass.@Nullable Running program;

  private TestCore(@Nullable TestCloud cloud, Path folder, String thing) {
    this.cloud = cloud;
    this.folder = folder;
    this.thing = thing;
    root = folder.resolve(thing);
  }

  /** Provisioned in that cloud; not started yet. */
  static TestCore provisioned(TestCloud cloud, String thing, String... more) {
    TestCore core = new TestCore(cloud, cloud.folder, thing);
    List<String> command =
        new ArrayList<>(
            List.of(
                "provision",
                "--data",
                cloud.data().toString(),
                "--thing",
                thing,
                "--root",
                core.root.toString(),
                "--local-mqtt-port",
                "0",
                "--lambda-ipc-port",
                "0"));
    command.addAll(Arrays.asList(more));
    Ryegrass.run(cloud.folder, PATIENCE, command.toArray(String[]::new)).isSuccess();
    return core;
  }

  /** As the tutorial does it (INS-05), without the system's service; runs in the foreground. */
  static TestCore installed(TestCloud cloud, String thing, String role) {
    TestCore core = new TestCore(cloud, cloud.folder, thing);
    List<String> command =
        new ArrayList<>(
            List.of(
                "install",
                "--data",
                cloud.data().toString(),
                "--root",
                core.root.toString(),
                "--aws-region",
                TestCloud.REGION,
                "--thing-name",
                thing,
                "--thing-group-name",
                thing + "Group",
                "--thing-policy-name",
                "GreengrassV2IoTThingPolicy",
                "--tes-role-name",
                role,
                "--tes-role-alias-name",
                role + "Alias",
                "--provision",
                "true",
                "--setup-system-service",
                "false",
                "--deploy-dev-tools",
                "true"));
    if (isRoot()) {
      command.addAll(List.of("--component-default-user", "nobody"));
    }
    core.program = Ryegrass.start(cloud.folder, command.toArray(String[]::new));
    core.program.awaitOutput("Launched Nucleus successfully.");
    return core;
  }

  /**
   * Provisioned so that its components, and with them functions of V1 groups, run as somebody who
   * is not root (LAM-30).
   */
  static TestCore provisionedForFunctions(TestCloud cloud, String thing) {
    return isRoot()
        ? provisioned(cloud, thing, "--component-default-user", "nobody")
        : provisioned(cloud, thing);
  }

  static TestCore startedForFunctions(TestCloud cloud, String thing) {
    TestCore core = provisionedForFunctions(cloud, thing);
    core.start();
    return core;
  }

  static TestCore started(TestCloud cloud, String thing) {
    TestCore core = provisioned(cloud, thing);
    core.start();
    return core;
  }

  /** Has no identity; not started yet. */
  static TestCore withoutCloud(Path folder, String name) {
    return new TestCore(null, folder, name);
  }

  /** As root, components run as somebody else; a core does not guess who. */
  private void nameComponentUser() {
    Path config = root.resolve("config/config.yaml");
    String text = TestCloud.read(config);
    if (isRoot() && !text.contains("runWithDefault")) {
      TestCloud.write(
          config,
          text.isEmpty()
              ? "services: {aws.greengrass.Nucleus: {configuration: {runWithDefault: {posixUser:"
                  + " nobody}}}}"
              : text.replaceFirst(
                  "configuration:\n",
                  "configuration:\n      runWithDefault:\n        posixUser: nobody\n"));
    }
  }

  void start() {
    nameComponentUser();
    forgetTokens();
    program = Ryegrass.start(folder, "core", "--root", root.toString());
    program.awaitOutput("ryegrass core ready:");
  }

  /** Those that components wrote in the core's life before. */
  private void forgetTokens() {
    if (!Files.isDirectory(root.resolve("work"))) {
      return;
    }
    try (Stream<Path> components = Files.list(root.resolve("work"))) {
      for (Path component : components.toList()) {
        Files.deleteIfExists(component.resolve("svcuid"));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Under the loader, which starts it again; a reboot is a line in {@code rebooted}. */
  void startUnderLoader() {
    nameComponentUser();
    program =
        Ryegrass.startProgram(
            folder,
            Map.of(
                "RYEGRASS_REBOOT",
                "touch " + root.resolve("rebooted"),
                "RYEGRASS_LOADER_PAUSE",
                "0"),
            List.of(
                Ryegrass.HOME.resolve("dist/launcher/loader").toString(),
                "--root",
                root.toString()));
    program.awaitOutput("ryegrass core ready:");
  }

  Ryegrass.Running program() {
    assertThat(program).isNotNull();
    return program;
  }

  void kill() {
    program().kill();
  }

  @Override
  public void close() {
    if (program != null) {
      program.close();
    }
  }

  String arn() {
    return TestCloud.thingArn(thing);
  }

  private TestCloud cloud() {
    assertThat(cloud).isNotNull();
    return cloud;
  }

  static ConditionFactory await(String what) {
    return Awaitility.await(what).atMost(PATIENCE).pollInterval(Duration.ofMillis(100));
  }

  // ---- its command line

  Ryegrass.Outcome cli(String... arguments) {
    return Ryegrass.run(
        folder,
        PATIENCE,
        Stream.concat(Stream.of("cli", "--ggcRootPath", root.toString()), Stream.of(arguments))
            .toArray(String[]::new));
  }

  String cliOutput(String... arguments) {
    Ryegrass.Outcome outcome = cli(arguments);
    outcome.isSuccess();
    return outcome.output();
  }

  JsonNode cliJson(String... arguments) {
    return JsonMapper.shared()
        .readTree(
            cliOutput(
                Stream.concat(Stream.of(arguments), Stream.of("--output", "json"))
                    .toArray(String[]::new)));
  }

  /** {@code deployment create}; gives the id that it printed. */
  String deployLocally(String... arguments) {
    String output =
        cliOutput(
            Stream.concat(Stream.of("deployment", "create"), Stream.of(arguments))
                .toArray(String[]::new));
    Matcher id = ID.matcher(output);
    assertThat(id.find()).as(output).isTrue();
    return id.group(1);
  }

  /** Waits for the end of a local deployment; gives what {@code deployment status} prints then. */
  String awaitLocalEnd(String deployment) {
    try (GreengrassCoreIPCClientV2 manager = manager()) {
      await("the end of local deployment " + deployment)
          .until(
              () ->
                  manager
                      .getLocalDeploymentStatus(
                          new GetLocalDeploymentStatusRequest().withDeploymentId(deployment))
                      .getDeployment()
                      .getStatusAsString(),
              Set.of("SUCCEEDED", "FAILED", "CANCELED")::contains);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    return cliOutput("deployment", "status", "-i", deployment);
  }

  void deployLocallyAndSucceed(String... arguments) {
    String deployment = deployLocally(arguments);
    assertThat(awaitLocalEnd(deployment)).contains(deployment + ": SUCCEEDED");
  }

  /** What {@code component details} knows. */
  JsonNode details(String component) {
    return cliJson("component", "details", "--name", component);
  }

  JsonNode configuration(String component) {
    return details(component).path("configuration");
  }

  void awaitState(String component, String version, String state) {
    try (GreengrassCoreIPCClientV2 manager = manager()) {
      await(component + " " + version + " " + state)
          .ignoreExceptions()
          .until(
              () -> {
                var details =
                    manager
                        .getComponentDetails(
                            new GetComponentDetailsRequest().withComponentName(component))
                        .getComponentDetails();
                return details.getVersion() + " " + details.getStateAsString();
              },
              (version + " " + state)::equals);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  // ---- the cloud's view

  String deploy(String components, String... more) {
    return cloud().deploy(arn(), components, more);
  }

  /** A deployment to this thing ends well. */
  void awaitCompleted(String deployment) {
    String end =
        await("the end of deployment " + deployment)
            .until(() -> cloud().status(deployment), Set.of("COMPLETED", "FAILED")::contains);
    assertThat(end).as("%s", effective(deployment)).isEqualTo("COMPLETED");
  }

  /** How this core took a deployment to a thing or a group; ends with SUCCEEDED, FAILED …. */
  EffectiveDeployment awaitEffective(String deployment, String status) {
    return await(deployment + " on " + thing + " to be " + status)
        .until(
            () -> effective(deployment),
            e -> e != null && e.coreDeviceExecutionStatusAsString().equals(status));
  }

  @Nullable EffectiveDeployment effective(String deployment) {
    try {
      return cloud()
          .greengrass
          .listEffectiveDeployments(b -> b.coreDeviceThingName(thing))
          .effectiveDeployments()
          .stream()
          .filter(e -> deployment.equals(e.deploymentId()))
          .findFirst()
          .orElse(null);
    } catch (GreengrassV2Exception e) {
      return null;
    }
  }

  List<InstalledComponent> installed() {
    try {
      return cloud()
          .greengrass
          .listInstalledComponents(b -> b.coreDeviceThingName(thing).topologyFilter("ALL"))
          .installedComponents();
    } catch (GreengrassV2Exception e) {
      return List.of();
    }
  }

  String coreStatus() {
    try {
      return cloud().greengrass.getCoreDevice(b -> b.coreDeviceThingName(thing)).statusAsString();
    } catch (GreengrassV2Exception e) {
      return String.valueOf(e.getMessage());
    }
  }

  // ---- its folder

  /** All that a component has logged; {@code greengrass} is the core itself. */
  String log(String component) {
    return TestCloud.read(root.resolve("logs/" + component + ".log"));
  }

  /** Until messages of the cloud on these topics come to this core. */
  void awaitSubscribed(String... filters) {
    for (String filter : filters) {
      TestCloud.awaitSubscribed(root, filter);
    }
  }

  void awaitLog(String component, String words) {
    await("'" + words + "' in the log of " + component)
        .untilAsserted(() -> assertThat(log(component)).contains(words));
  }

  Path work(String component) {
    return root.resolve("work/" + component);
  }

  /** What a component wrote to a file of its own, when it is there and whole (ends a line). */
  String awaitFile(String component, String file) {
    Path path = work(component).resolve(file);
    return await(path.toString()).until(() -> TestCloud.read(path), t -> t.endsWith("\n")).strip();
  }

  // ---- its IPC

  /**
   * AWS's IPC client in the place of a component, whose run script is {@code echo $SVCUID > svcuid;
   * exec sleep …}: the test says what the component does.
   */
  GreengrassCoreIPCClientV2 as(String component) {
    return ipc(awaitFile(component, "svcuid"));
  }

  /** AWS's IPC client with the right of the command line: looking often costs less that way. */
  GreengrassCoreIPCClientV2 manager() {
    try (Stream<Path> tokens = Files.list(root.resolve("cli_ipc_info"))) {
      Path file =
          tokens
              .filter(f -> f.getFileName().toString().startsWith("user-"))
              .findFirst()
              .orElseThrow();
      return ipc(
          JsonMapper.shared().readTree(Files.readString(file)).path("cli_auth_token").asString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  GreengrassCoreIPCClientV2 ipc(String token) {
    try {
      return GreengrassCoreIPCClientV2.builder()
          .withSocketPath(root.resolve("ipc.socket").toString())
          .withAuthToken(token)
          .withoutExecutor() // whose threads would change the order of events
          .build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The call, again until it gives what is wanted. */
  static <T> T until(String what, Callable<T> call, java.util.function.Predicate<T> wanted) {
    return await(what).until(call, wanted::test);
  }

  static boolean isRoot() {
    try {
      return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
