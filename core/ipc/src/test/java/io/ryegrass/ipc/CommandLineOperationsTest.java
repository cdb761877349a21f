package io.ryegrass.ipc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.eventstream.EventStreamException;
import io.ryegrass.eventstream.RpcClient;
import io.ryegrass.eventstream.RpcServer;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.nucleus.LocalDeployments;
import io.ryegrass.nucleus.host.PosixUsers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.CancelLocalDeploymentRequest;
import software.amazon.awssdk.aws.greengrass.model.CreateDebugPasswordRequest;
import software.amazon.awssdk.aws.greengrass.model.CreateLocalDeploymentRequest;
import software.amazon.awssdk.aws.greengrass.model.DeploymentStatus;
import software.amazon.awssdk.aws.greengrass.model.GetLocalDeploymentStatusRequest;
import software.amazon.awssdk.aws.greengrass.model.InvalidArgumentsError;
import software.amazon.awssdk.aws.greengrass.model.InvalidArtifactsDirectoryPathError;
import software.amazon.awssdk.aws.greengrass.model.InvalidRecipeDirectoryPathError;
import software.amazon.awssdk.aws.greengrass.model.ListLocalDeploymentsRequest;
import software.amazon.awssdk.aws.greengrass.model.Metric;
import software.amazon.awssdk.aws.greengrass.model.MetricUnitType;
import software.amazon.awssdk.aws.greengrass.model.PauseComponentRequest;
import software.amazon.awssdk.aws.greengrass.model.PutComponentMetricRequest;
import software.amazon.awssdk.aws.greengrass.model.ResourceNotFoundError;
import software.amazon.awssdk.aws.greengrass.model.ResumeComponentRequest;
import software.amazon.awssdk.aws.greengrass.model.RunWithInfo;
import software.amazon.awssdk.aws.greengrass.model.SystemResourceLimits;
import software.amazon.awssdk.aws.greengrass.model.UnauthorizedError;
import tools.jackson.databind.JsonNode;

/**
 * What the command line and components with a policy of {@code aws.greengrass.Cli} ask of the core
 * (IPC-19, IPC-32 to IPC-36, CLI-05, CLI-06).
 */
@Timeout(120)
class CommandLineOperationsTest {
  private static final Duration SOON = Duration.ofSeconds(30);

  @TempDir Path root;
  private TestCore core;
  private IpcServer server;
  private GreengrassCoreIPCClientV2 client;
  private GreengrassCoreIPCClientV2 bare;

  @BeforeEach
  void start() throws IOException {
    core = new TestCore(root);
    server = IpcServer.start(core.core(), RpcServer.Limits.defaults());
    client =
        connect(
            core.component(
                "aws.example.Tool",
                """
                {"accessControl": {
                  "aws.greengrass.Cli": {"c": {"operations": ["*"], "resources": ["*"]}},
                  "aws.greengrass.ipc.lifecycle": {"l": {"operations": ["*"], "resources": ["c"]}},
                  "aws.greengrass.ipc.componentmetric":
                      {"m": {"operations": ["*"], "resources": ["Good*"]}}}}
                """));
    bare = connect(core.component("bare", "{}"));
  }

  @AfterEach
  void stop() throws Exception {
    client.close();
    bare.close();
    server.close();
    core.stop();
  }

  @Test
  void aLocalDeploymentIsCreatedWithAllItsPartsListedLookedAtAndCancelled() throws Exception {
    String id =
        client
            .createLocalDeployment(
                new CreateLocalDeploymentRequest()
                    .withGroupName("group1")
                    .withRootComponentVersionsToAdd(Map.of("a", "1.0.0"))
                    .withRootComponentsToRemove(List.of("b"))
                    .withComponentToConfiguration(
                        Map.of("a", Map.of("MERGE", Map.of("k", "v"), "RESET", List.of("/old"))))
                    .withComponentToRunWithInfo(
                        Map.of(
                            "a",
                            new RunWithInfo()
                                .withPosixUser("me:us")
                                .withSystemResourceLimits(
                                    new SystemResourceLimits().withMemory(1024L).withCpus(0.5))))
                    .withRecipeDirectoryPath("/recipes")
                    .withArtifactsDirectoryPath("/artifacts")
                    .withFailureHandlingPolicy("ROLLBACK"))
            .getDeploymentId();
    LocalDeployments.Request asked = core.deployments.asked.getFirst();
    assertThat(asked.group()).isEqualTo("group1");
    assertThat(asked.merge()).isEqualTo(Map.of("a", "1.0.0"));
    assertThat(asked.remove()).containsExactly("b");
    assertThat(asked.configuration().get("a").reset()).containsExactly("/old");
    assertThat(String.valueOf(asked.configuration().get("a").merge())).isEqualTo("{\"k\":\"v\"}");
    assertThat(asked.runWith().get("a").posixUser()).isEqualTo("me:us");
    assertThat(asked.runWith().get("a").systemResourceLimits().memory()).isEqualTo(1024);
    assertThat(asked.runWith().get("a").systemResourceLimits().cpus()).isEqualTo(0.5);
    assertThat(asked.recipes()).isEqualTo(Path.of("/recipes"));
    assertThat(asked.artifacts()).isEqualTo(Path.of("/artifacts"));
    assertThat(asked.failureHandlingPolicy()).isEqualTo(FailureHandlingPolicy.ROLLBACK);

    assertThat(
            client
                .listLocalDeployments(new ListLocalDeploymentsRequest())
                .getLocalDeployments()
                .getFirst()
                .getDeploymentId())
        .isEqualTo(id);
    var status =
        client
            .getLocalDeploymentStatus(new GetLocalDeploymentStatusRequest().withDeploymentId(id))
            .getDeployment();
    assertThat(status.getStatus()).isEqualTo(DeploymentStatus.QUEUED);
    assertThat(status.getCreatedOn()).isEqualTo("01-01-1970 00:00:00 UTC");
    assertThat(
            client
                .cancelLocalDeployment(new CancelLocalDeploymentRequest().withDeploymentId(id))
                .getMessage())
        .contains("Cancellation");
  }

  @Test
  void aFailedDeploymentTellsItsErrors() throws Exception {
    String id = UUID.randomUUID().toString();
    core.deployments.known.add(
        new LocalDeployments.Status(
            id,
            "REJECTED",
            Instant.EPOCH,
            "REJECTED",
            List.of("DEPLOYMENT_REJECTED", "REJECTED_STALE_DEPLOYMENT"),
            List.of("REQUEST_ERROR"),
            "it is old",
            "REJECTED"));
    var deployment =
        client
            .getLocalDeploymentStatus(new GetLocalDeploymentStatusRequest().withDeploymentId(id))
            .getDeployment();
    assertThat(deployment.getStatusAsString()).isEqualTo("FAILED");
    var details = deployment.getDeploymentStatusDetails();
    assertThat(details.getDetailedDeploymentStatusAsString()).isEqualTo("REJECTED");
    assertThat(details.getDeploymentErrorStack()).hasSize(2);
    assertThat(details.getDeploymentErrorTypes()).containsExactly("REQUEST_ERROR");
    assertThat(details.getDeploymentFailureCause()).isEqualTo("it is old");
  }

  @Test
  void wrongRequestsAreAnsweredWithTheirModelledErrors() {
    assertThatThrownBy(() -> create("/missing", null, null))
        .isInstanceOf(InvalidRecipeDirectoryPathError.class);
    assertThatThrownBy(() -> create(null, "/missing", null))
        .isInstanceOf(InvalidArtifactsDirectoryPathError.class);
    assertThatThrownBy(() -> create(null, null, "a:b")).isInstanceOf(InvalidArgumentsError.class);
    assertThatThrownBy(
            () ->
                client.createLocalDeployment(
                    new CreateLocalDeploymentRequest()
                        .withComponentToConfiguration(Map.of("a", Map.of("SMELT", 1)))))
        .isInstanceOf(InvalidArgumentsError.class);
    String unknown = UUID.randomUUID().toString();
    assertThatThrownBy(
            () ->
                client.getLocalDeploymentStatus(
                    new GetLocalDeploymentStatusRequest().withDeploymentId(unknown)))
        .isInstanceOf(ResourceNotFoundError.class);
    assertThatThrownBy(
            () ->
                client.cancelLocalDeployment(
                    new CancelLocalDeploymentRequest().withDeploymentId(unknown)))
        .isInstanceOf(ResourceNotFoundError.class);
    assertThatThrownBy(() -> bare.createLocalDeployment(new CreateLocalDeploymentRequest()))
        .isInstanceOf(UnauthorizedError.class);
    assertThatThrownBy(() -> bare.listLocalDeployments(new ListLocalDeploymentsRequest()))
        .isInstanceOf(UnauthorizedError.class);
  }

  @Test
  void aComponentIsPausedAndResumedOnlyByWhomThePolicyNames() throws Exception {
    core.component("c", "{}");
    client.pauseComponent(new PauseComponentRequest().withComponentName("c"));
    assertThatThrownBy(
            () -> client.pauseComponent(new PauseComponentRequest().withComponentName("c")))
        .isInstanceOf(InvalidArgumentsError.class);
    client.resumeComponent(new ResumeComponentRequest().withComponentName("c"));
    assertThat(core.calls).containsExactly("pause c", "resume c");
    assertThatThrownBy(
            () -> client.pauseComponent(new PauseComponentRequest().withComponentName("bare")))
        .isInstanceOf(UnauthorizedError.class);
  }

  @Test
  void metricsOfAwsComponentsAreSummedAndOthersRefused() throws Exception {
    client.putComponentMetric(metrics(metric("Good1", 1), metric("Good2", 2)));
    client.putComponentMetric(metrics(metric("Good1", 3)));
    assertThat(core.metrics.take())
        .containsExactlyInAnyOrder(
            new ComponentMetrics.Sum("aws.example.Tool", "Good1", "COUNT", 4),
            new ComponentMetrics.Sum("aws.example.Tool", "Good2", "COUNT", 2));
    assertThatThrownBy(() -> client.putComponentMetric(metrics(metric("Good1", 1), metric("X", 1))))
        .isInstanceOf(UnauthorizedError.class);
    assertThat(core.metrics.take()).isEmpty();
    assertThatThrownBy(() -> bare.putComponentMetric(metrics(metric("Good1", 1))))
        .isInstanceOf(UnauthorizedError.class);
    for (Metric wrong : List.of(metric("G".repeat(33), 1), metric("Good1", -1), metric("", 1))) {
      assertThatThrownBy(() -> client.putComponentMetric(metrics(wrong)))
          .isInstanceOf(InvalidArgumentsError.class);
    }
    assertThatThrownBy(() -> client.putComponentMetric(metrics()))
        .isInstanceOf(InvalidArgumentsError.class);
  }

  @Test
  void aDebugPasswordOpensTheConsoleForEightHours() throws Exception {
    var password = client.createDebugPassword(new CreateDebugPasswordRequest());
    assertThat(password.getUsername()).isEqualTo("debug");
    assertThat(password.getPassword()).hasSize(43);
    assertThat(password.getPasswordExpiration())
        .isBetween(
            Instant.now().plus(Duration.ofMinutes(479)),
            Instant.now().plus(Duration.ofMinutes(481)));
    assertThat(server.debugPasswords().accepts("debug", password.getPassword())).isTrue();
    assertThat(server.debugPasswords().accepts("root", password.getPassword())).isFalse();
    assertThat(server.debugPasswords().accepts("debug", "guess")).isFalse();
    assertThatThrownBy(() -> bare.createDebugPassword(new CreateDebugPasswordRequest()))
        .isInstanceOf(UnauthorizedError.class);
  }

  @Test
  void theStatusOfTheCloudConnectionIsToldAtOnceAndAtEachChange() {
    List<String> heard = new CopyOnWriteArrayList<>();
    try (RpcClient commandLine = RpcClient.connect(server.socket(), ownToken())) {
      commandLine.subscribe(
          "aws.greengrass#SubscribeToIoTCoreConnectionStatus",
          TestCore.JSON.createObjectNode(),
          SOON,
          event -> heard.add(event.at("/connectionStatusEvent/status").asString()));
      await().atMost(SOON).until(() -> heard.equals(List.of("CONNECTED")));
      core.connected = false;
      await().atMost(SOON).until(() -> heard.equals(List.of("CONNECTED", "DISCONNECTED")));
    }
  }

  @Test
  void theUserOfTheCoreGetsATokenThatEndsWithTheCore() throws Exception {
    Path file = tokenFile();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    JsonNode info = TestCore.JSON.readTree(Files.readString(file));
    assertThat(info.path("domain_socket_path").asString()).isEqualTo(server.socket().toString());
    String token = info.path("cli_auth_token").asString();
    try (RpcClient commandLine = RpcClient.connect(server.socket(), token)) {
      assertThat(
              commandLine
                  .call("aws.greengrass#ListComponents", TestCore.JSON.createObjectNode(), SOON)
                  .path("components"))
          .hasSize(2);
    }
    server.close();
    assertThat(file).doesNotExist();
    server = IpcServer.start(core.core(), RpcServer.Limits.defaults());
    assertThatThrownBy(() -> RpcClient.connect(server.socket(), token))
        .isInstanceOf(EventStreamException.class);
  }

  @Test
  void groupsNamedInTheConfigurationGetATokenFileAndLoseItAgain() throws Exception {
    String group = Files.getAttribute(root, "unix:gid").toString();
    core.component("aws.greengrass.Cli", "{\"AuthorizedPosixGroups\": \"\"}");
    Path file = root.resolve("cli_ipc_info").resolve("group-" + group);
    assertThat(file).doesNotExist();
    configureGroups("no-such-group, " + group);
    await().atMost(SOON).until(() -> Files.exists(file) && permissions(file).equals("rw-r-----"));
    String token = TestCore.JSON.readTree(Files.readString(file)).path("cli_auth_token").asString();
    RpcClient.connect(server.socket(), token).close();
    configureGroups("");
    await().atMost(SOON).until(() -> !Files.exists(file));
    assertThatThrownBy(() -> RpcClient.connect(server.socket(), token))
        .isInstanceOf(EventStreamException.class);
  }

  @Test
  void theRootHasAScriptThatStartsTheCommandLineWithThatRoot() throws Exception {
    Path odd = Files.createDirectories(root.resolve("a $HOME `b` \"c\""));
    Path home = Files.createDirectories(root.resolve("home"));
    Path launcher = home.resolve("ryegrass");
    Files.writeString(launcher, "#!/bin/sh\nprintf '%s|%s' \"$GGC_ROOT_PATH\" \"$*\"\n");
    Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
    CliScript.write(odd, home.toString());
    Process process =
        new ProcessBuilder(odd.resolve("bin/greengrass-cli").toString(), "component", "list")
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(said).isEqualTo(odd + "|cli component list");
    CliScript.write(root.resolve("none"), root.resolve("nowhere").toString());
    assertThat(root.resolve("none")).doesNotExist();
  }

  private void configureGroups(String groups) {
    core.updateConfiguration(
        "aws.greengrass.Cli",
        List.of(),
        TestCore.JSON.createObjectNode().put("AuthorizedPosixGroups", groups),
        Instant.now());
  }

  private static String permissions(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }

  private Path tokenFile() {
    return root.resolve("cli_ipc_info").resolve("user-" + PosixUsers.ownUid());
  }

  private String ownToken() {
    try {
      return TestCore.JSON
          .readTree(Files.readString(tokenFile()))
          .path("cli_auth_token")
          .asString();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private void create(String recipes, String artifacts, String group) throws InterruptedException {
    client.createLocalDeployment(
        new CreateLocalDeploymentRequest()
            .withRecipeDirectoryPath(recipes)
            .withArtifactsDirectoryPath(artifacts)
            .withGroupName(group));
  }

  private static PutComponentMetricRequest metrics(Metric... metrics) {
    return new PutComponentMetricRequest().withMetrics(List.of(metrics));
  }

  private static Metric metric(String name, double value) {
    return new Metric().withName(name).withUnit(MetricUnitType.COUNT).withValue(value);
  }

  private GreengrassCoreIPCClientV2 connect(String token) throws IOException {
    return GreengrassCoreIPCClientV2.builder()
        .withSocketPath(server.socket().toString())
        .withAuthToken(token)
        .withoutExecutor()
        .build();
  }
}
