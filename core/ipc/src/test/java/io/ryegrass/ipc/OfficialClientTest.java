package io.ryegrass.ipc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.eventstream.RpcServer;
import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.BinaryMessage;
import software.amazon.awssdk.aws.greengrass.model.ComponentDetails;
import software.amazon.awssdk.aws.greengrass.model.ComponentUpdatePolicyEvents;
import software.amazon.awssdk.aws.greengrass.model.ConfigurationValidityReport;
import software.amazon.awssdk.aws.greengrass.model.ConfigurationValidityStatus;
import software.amazon.awssdk.aws.greengrass.model.DeferComponentUpdateRequest;
import software.amazon.awssdk.aws.greengrass.model.FailedUpdateConditionCheckError;
import software.amazon.awssdk.aws.greengrass.model.GetComponentDetailsRequest;
import software.amazon.awssdk.aws.greengrass.model.GetConfigurationRequest;
import software.amazon.awssdk.aws.greengrass.model.GetSecretValueRequest;
import software.amazon.awssdk.aws.greengrass.model.InvalidArgumentsError;
import software.amazon.awssdk.aws.greengrass.model.InvalidTokenError;
import software.amazon.awssdk.aws.greengrass.model.JsonMessage;
import software.amazon.awssdk.aws.greengrass.model.ListComponentsRequest;
import software.amazon.awssdk.aws.greengrass.model.PauseComponentRequest;
import software.amazon.awssdk.aws.greengrass.model.PublishMessage;
import software.amazon.awssdk.aws.greengrass.model.PublishToIoTCoreRequest;
import software.amazon.awssdk.aws.greengrass.model.PublishToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.QOS;
import software.amazon.awssdk.aws.greengrass.model.ReceiveMode;
import software.amazon.awssdk.aws.greengrass.model.ReportedLifecycleState;
import software.amazon.awssdk.aws.greengrass.model.ResourceNotFoundError;
import software.amazon.awssdk.aws.greengrass.model.RestartComponentRequest;
import software.amazon.awssdk.aws.greengrass.model.SendConfigurationValidityReportRequest;
import software.amazon.awssdk.aws.greengrass.model.ServiceError;
import software.amazon.awssdk.aws.greengrass.model.StopComponentRequest;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToComponentUpdatesRequest;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToConfigurationUpdateRequest;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToIoTCoreRequest;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToValidateConfigurationUpdatesRequest;
import software.amazon.awssdk.aws.greengrass.model.SubscriptionResponseMessage;
import software.amazon.awssdk.aws.greengrass.model.UnauthorizedError;
import software.amazon.awssdk.aws.greengrass.model.UpdateConfigurationRequest;
import software.amazon.awssdk.aws.greengrass.model.UpdateStateRequest;
import software.amazon.awssdk.aws.greengrass.model.ValidateAuthorizationTokenRequest;

/** What a component sees through AWS's own SDK for Java, on the real socket (v2-ipc.md §7). */
@Timeout(120)
class OfficialClientTest {
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final String PERMISSIVE =
      """
      {"accessControl": {
        "aws.greengrass.ipc.pubsub": {"p": {"operations": ["*"], "resources": ["*"]}},
        "aws.greengrass.ipc.mqttproxy": {"m": {"operations": ["*"], "resources": ["cloud/#", "spool/full"]}},
        "aws.greengrass.ipc.lifecycle": {"l": {"operations": ["*"], "resources": ["*"]}},
        "aws.greengrass.Cli": {"c": {"operations": ["*"], "resources": ["*"]}}},
       "message": "hi", "nested": {"level": {"leaf": 5}}}
      """;

  @TempDir Path root;
  private TestCore core;
  private IpcServer server;
  private final List<GreengrassCoreIPCClientV2> clients = new ArrayList<>();

  @BeforeEach
  void start() {
    core = new TestCore(root);
    server = IpcServer.start(core.core(), RpcServer.Limits.defaults());
  }

  @AfterEach
  void stop() throws Exception {
    for (GreengrassCoreIPCClientV2 client : clients) {
      client.close();
    }
    server.close();
    core.stop();
  }

  @Test
  void aJsonMessageIsHeardAsJsonAndABinaryOneAsBinary() throws Exception {
    GreengrassCoreIPCClientV2 speaker = client("speaker", PERMISSIVE);
    GreengrassCoreIPCClientV2 listener = client("listener", PERMISSIVE);
    List<SubscriptionResponseMessage> heard = listen(listener, "demo/+/local", null);

    publishJson(speaker, "demo/hello/local", Map.of("text", "grüß dich", "n", 1.5));
    publishBinary(speaker, "demo/hello/local", "{\"looks\":\"like json\"}");
    publishBinary(speaker, "demo/hello/other", "not for you");

    await().atMost(SOON).until(() -> heard.size() == 2);
    assertThat(heard.get(0).getJsonMessage().getMessage())
        .containsEntry("text", "grüß dich")
        .containsEntry("n", 1.5);
    assertThat(heard.get(0).getJsonMessage().getContext().getTopic()).isEqualTo("demo/hello/local");
    assertThat(new String(heard.get(1).getBinaryMessage().getMessage(), UTF_8))
        .isEqualTo("{\"looks\":\"like json\"}");
  }

  @Test
  void messagesKeepTheirOrder() throws Exception {
    GreengrassCoreIPCClientV2 speaker = client("speaker", PERMISSIVE);
    GreengrassCoreIPCClientV2 listener = client("listener", PERMISSIVE);
    List<SubscriptionResponseMessage> heard = listen(listener, "t", null);
    List<CompletableFuture<?>> sent = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      sent.add(speaker.publishToTopicAsync(binary("t", Integer.toString(i))));
    }
    CompletableFuture.allOf(sent.toArray(CompletableFuture[]::new)).get(20, TimeUnit.SECONDS);
    await().atMost(SOON).until(() -> heard.size() == 500);
    assertThat(heard)
        .extracting(m -> Integer.parseInt(new String(m.getBinaryMessage().getMessage(), UTF_8)))
        .isSorted();
  }

  @Test
  void ownMessagesAreHeardOnAPlainTopicButNotOnAWildcardUnlessAskedFor() throws Exception {
    GreengrassCoreIPCClientV2 self = client("self", PERMISSIVE);
    List<SubscriptionResponseMessage> plain = listen(self, "a/b", null);
    List<SubscriptionResponseMessage> wild = listen(self, "a/#", null);
    List<SubscriptionResponseMessage> wildAll =
        listen(self, "a/+", ReceiveMode.RECEIVE_ALL_MESSAGES);
    List<SubscriptionResponseMessage> others =
        listen(self, "a/b", ReceiveMode.RECEIVE_MESSAGES_FROM_OTHERS);
    publishBinary(self, "a/b", "x");
    await().atMost(SOON).until(() -> plain.size() == 1 && wildAll.size() == 1);
    publishBinary(client("other", PERMISSIVE), "a/b", "y");
    await().atMost(SOON).until(() -> wild.size() == 1 && others.size() == 1 && plain.size() == 2);
  }

  @Test
  void closingASubscriptionEndsIt() throws Exception {
    GreengrassCoreIPCClientV2 listener = client("listener", PERMISSIVE);
    var response =
        listener.subscribeToTopic(
            new SubscribeToTopicRequest().withTopic("t"),
            m -> {},
            java.util.Optional.empty(),
            java.util.Optional.empty());
    assertThat(core.local).hasSize(1);
    response.getHandler().closeStream();
    await().atMost(SOON).until(() -> core.local.isEmpty());
  }

  @Test
  void whatNoPolicyAllowsIsUnauthorizedAndPoliciesCountFromTheMomentTheyChange() throws Exception {
    GreengrassCoreIPCClientV2 bare =
        client(
            "bare",
            """
            {"accessControl": {"aws.greengrass.ipc.pubsub": {"p": {
              "operations": ["aws.greengrass#PublishToTopic"], "resources": ["allowed/*"]}}}}
            """);
    assertThatCode(() -> publishBinary(bare, "allowed/x/y", "")).doesNotThrowAnyException();
    assertThatThrownBy(() -> publishBinary(bare, "other", "x"))
        .isInstanceOf(UnauthorizedError.class);
    assertThatThrownBy(() -> listen(bare, "allowed/x", null)).isInstanceOf(UnauthorizedError.class);
    assertThatThrownBy(() -> bare.publishToIoTCore(toCloud("cloud/x", "m")))
        .isInstanceOf(UnauthorizedError.class);
    core.component("bare", PERMISSIVE);
    assertThatCode(() -> publishBinary(bare, "other", "x")).doesNotThrowAnyException();
  }

  @Test
  void wrongTopicsAreInvalidArguments() throws Exception {
    GreengrassCoreIPCClientV2 client = client("c", PERMISSIVE);
    for (String topic : List.of("a/+", "a/#", "a*", "")) {
      assertThatThrownBy(() -> publishBinary(client, topic, "x"))
          .as(topic)
          .isInstanceOf(InvalidArgumentsError.class);
    }
    assertThatThrownBy(() -> client.publishToTopic(new PublishToTopicRequest().withTopic("t")))
        .isInstanceOf(InvalidArgumentsError.class);
    assertThatThrownBy(() -> listen(client, "", null)).isInstanceOf(InvalidArgumentsError.class);
  }

  @Test
  void aMessageForTheCloudIsAnsweredWhenItIsSpooled() throws Exception {
    GreengrassCoreIPCClientV2 client = client("c", PERMISSIVE);
    client.publishToIoTCore(toCloud("cloud/hello", "m"));
    assertThat(core.published).hasSize(1);
    assertThat(core.published.getFirst().topic()).isEqualTo("cloud/hello");
    assertThat(core.published.getFirst().qos()).isEqualTo(1);
    assertThat(core.published.getFirst().payload()).asString(UTF_8).isEqualTo("m");

    assertThatThrownBy(() -> client.publishToIoTCore(toCloud("spool/full", "m")))
        .isInstanceOfSatisfying(
            ServiceError.class, e -> assertThat(e.getMessage()).contains("spool is full"));
    assertThatThrownBy(() -> client.publishToIoTCore(toCloud("cloud/1/2/3/4/5/6/7/8", "m")))
        .isInstanceOf(ServiceError.class);
    assertThatThrownBy(() -> client.publishToIoTCore(toCloud("cloud/x", "m").withQos("2")))
        .isInstanceOf(InvalidArgumentsError.class);
  }

  @Test
  void messagesOfTheCloudArriveUntilTheStreamIsClosed() throws Exception {
    GreengrassCoreIPCClientV2 client = client("c", PERMISSIVE);
    List<String> heard = new CopyOnWriteArrayList<>();
    var response =
        client.subscribeToIoTCore(
            new SubscribeToIoTCoreRequest().withTopicName("cloud/#").withQos(QOS.AT_LEAST_ONCE),
            event ->
                heard.add(
                    event.getMessage().getTopicName()
                        + "="
                        + new String(event.getMessage().getPayload(), UTF_8)),
            java.util.Optional.empty(),
            java.util.Optional.empty());
    core.cloud.getFirst().consumer().accept(new CloudMessage("cloud/a", "1".getBytes(UTF_8), 1));
    core.cloud.getFirst().consumer().accept(new CloudMessage("cloud/b", "2".getBytes(UTF_8), 1));
    await().atMost(SOON).until(() -> heard.equals(List.of("cloud/a=1", "cloud/b=2")));
    response.getHandler().closeStream();
    await().atMost(SOON).until(() -> core.cloud.isEmpty());
  }

  @Test
  void configurationIsReadWholeByContainerAndByLeaf() throws Exception {
    GreengrassCoreIPCClientV2 client = client("c", PERMISSIVE);
    client("other", "{\"secret\": \"not one\"}");
    assertThat(configuration(client, null)).containsEntry("message", "hi").containsKey("nested");
    assertThat(configuration(client, null, "message")).isEqualTo(Map.of("message", "hi"));
    assertThat(configuration(client, null, "nested", "level")).isEqualTo(Map.of("leaf", 5.0));
    assertThat(configuration(client, "other")).containsEntry("secret", "not one");
    assertThatThrownBy(() -> configuration(client, null, "absent"))
        .isInstanceOfSatisfying(
            ResourceNotFoundError.class,
            e -> assertThat(e.getMessage()).isEqualTo("Key not found"));
    assertThatThrownBy(() -> configuration(client, "nobody"))
        .isInstanceOf(ResourceNotFoundError.class);
  }

  @Test
  void aComponentChangesItsOwnConfigurationAndSubscribersHearOfIt() throws Exception {
    GreengrassCoreIPCClientV2 client = client("c", PERMISSIVE);
    GreengrassCoreIPCClientV2 watcher = client("w", PERMISSIVE);
    List<List<String>> heard = new CopyOnWriteArrayList<>();
    watcher.subscribeToConfigurationUpdate(
        new SubscribeToConfigurationUpdateRequest()
            .withComponentName("c")
            .withKeyPath(List.of("nested")),
        event -> heard.add(event.getConfigurationUpdateEvent().getKeyPath()),
        java.util.Optional.empty(),
        java.util.Optional.empty());
    client.updateConfiguration(update(Instant.now(), Map.of("leaf", 6.0), "nested", "level"));
    assertThat(configuration(client, null, "nested", "level", "leaf"))
        .isEqualTo(Map.of("leaf", 6.0));
    await().atMost(SOON).until(() -> heard.equals(List.of(List.of("nested", "level", "leaf"))));

    assertThatThrownBy(
            () -> client.updateConfiguration(update(Instant.EPOCH, Map.of("leaf", 7.0), "nested")))
        .isInstanceOf(FailedUpdateConditionCheckError.class);
    assertThatThrownBy(
            () ->
                client.updateConfiguration(update(Instant.now(), Map.of("x", 1), "accessControl")))
        .isInstanceOf(InvalidArgumentsError.class);
    assertThatThrownBy(
            () ->
                client.updateConfiguration(
                    update(Instant.now(), Map.of("accesscontrol", Map.of()))))
        .isInstanceOf(InvalidArgumentsError.class);
    assertThatThrownBy(
            () ->
                client.updateConfiguration(
                    new UpdateConfigurationRequest().withValueToMerge(Map.of("x", 1))))
        .isInstanceOf(InvalidArgumentsError.class);
  }

  @Test
  void statesDetailsRestartAndStop() throws Exception {
    GreengrassCoreIPCClientV2 client = client("c", PERMISSIVE);
    client("stubborn", "{}");
    client.updateState(new UpdateStateRequest().withState(ReportedLifecycleState.RUNNING));
    ComponentDetails details =
        client
            .getComponentDetails(new GetComponentDetailsRequest().withComponentName("c"))
            .getComponentDetails();
    assertThat(details.getVersion()).isEqualTo("1.0.0");
    assertThat(details.getStateAsString()).isEqualTo("RUNNING");
    assertThat(details.getConfiguration()).containsEntry("message", "hi");
    assertThat(client.listComponents(new ListComponentsRequest()).getComponents()).hasSize(2);
    assertThat(
            client
                .restartComponent(new RestartComponentRequest().withComponentName("c"))
                .getRestartStatusAsString())
        .isEqualTo("SUCCEEDED");
    var stopped = client.stopComponent(new StopComponentRequest().withComponentName("stubborn"));
    assertThat(stopped.getStopStatusAsString()).isEqualTo("FAILED");
    assertThat(stopped.getMessage()).isEqualTo("stubborn does not stop");
    assertThatThrownBy(
            () -> client.stopComponent(new StopComponentRequest().withComponentName("nobody")))
        .isInstanceOf(ResourceNotFoundError.class);
    assertThat(core.calls).containsExactly("c RUNNING", "restart c", "stop stubborn");
  }

  @Test
  void aComponentWithoutPolicyMayNotManageOthers() throws Exception {
    GreengrassCoreIPCClientV2 client = client("c", "{}");
    assertThatThrownBy(() -> client.listComponents(new ListComponentsRequest()))
        .isInstanceOf(UnauthorizedError.class);
    assertThatThrownBy(
            () -> client.pauseComponent(new PauseComponentRequest().withComponentName("c")))
        .isInstanceOf(UnauthorizedError.class);
    GreengrassCoreIPCClientV2 commandLine = client("greengrass-cli#user-0", "{}");
    assertThat(commandLine.listComponents(new ListComponentsRequest()).getComponents())
        .isNotEmpty();
  }

  @Test
  void aComponentPutsAnUpdateOffAndThenLetsItGo() throws Exception {
    GreengrassCoreIPCClientV2 client = client("c", PERMISSIVE);
    List<String> heard = new CopyOnWriteArrayList<>();
    client.subscribeToComponentUpdates(
        new SubscribeToComponentUpdatesRequest(),
        event -> answer(client, heard, event),
        java.util.Optional.empty(),
        java.util.Optional.empty());
    long start = System.nanoTime();
    core.consent.beforeUpdate("dep", false, SOON);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(190));
    core.consent.afterUpdate("dep");
    await()
        .atMost(SOON)
        .untilAsserted(() -> assertThat(heard).containsExactly("pre dep", "pre dep", "post dep"));
    assertThatThrownBy(() -> defer(client, "dep", 0)).isInstanceOf(ServiceError.class);
    assertThatThrownBy(() -> defer(client("d", "{}"), "dep", 0))
        .isInstanceOf(InvalidArgumentsError.class);
  }

  @Test
  void noAnswerIsConsent() throws Exception {
    GreengrassCoreIPCClientV2 client = client("c", PERMISSIVE);
    core.consent.beforeUpdate("dep", false, SOON);
    client.subscribeToComponentUpdates(
        new SubscribeToComponentUpdatesRequest(),
        event -> {},
        java.util.Optional.empty(),
        java.util.Optional.empty());
    core.consent.beforeUpdate("dep", false, Duration.ofMillis(100));
  }

  @Test
  void aComponentRejectsAConfigurationInItsOwnWords() throws Exception {
    GreengrassCoreIPCClientV2 client = client("c", PERMISSIVE);
    client.subscribeToValidateConfigurationUpdates(
        new SubscribeToValidateConfigurationUpdatesRequest(),
        event -> {
          var proposed = event.getValidateConfigurationUpdateEvent();
          boolean good = Double.valueOf(1).equals(proposed.getConfiguration().get("level"));
          client.sendConfigurationValidityReportAsync(
              report(
                  proposed.getDeploymentId(),
                  good
                      ? ConfigurationValidityStatus.ACCEPTED
                      : ConfigurationValidityStatus.REJECTED));
        },
        java.util.Optional.empty(),
        java.util.Optional.empty());
    var good = TestCore.JSON.createObjectNode().put("level", 1);
    var bad = TestCore.JSON.createObjectNode().put("level", 2);
    core.consent.validate("dep", Map.of("c", good, "nobody", bad), SOON);
    assertThatThrownBy(() -> core.consent.validate("dep", Map.of("c", bad), SOON))
        .isInstanceOfSatisfying(
            NucleusException.class,
            e -> assertThat(e.code()).isEqualTo("COMPONENT_CONFIGURATION_NOT_VALID"))
        .hasMessageContaining("level must be 1");
    assertThatThrownBy(
            () ->
                client.sendConfigurationValidityReport(
                    report("dep", ConfigurationValidityStatus.ACCEPTED)))
        .isInstanceOf(InvalidArgumentsError.class);
  }

  @Test
  void operationsOfAbsentComponentsNameTheComponent() throws Exception {
    GreengrassCoreIPCClientV2 client = client("c", PERMISSIVE);
    assertThatThrownBy(() -> client.getSecretValue(new GetSecretValueRequest().withSecretId("s")))
        .isInstanceOfSatisfying(
            ServiceError.class,
            e ->
                assertThat(e.getMessage())
                    .contains("is not supported by Greengrass")
                    .contains("aws.greengrass.SecretManager"));
  }

  @Test
  void onlyStreamManagerChecksTokens() throws Exception {
    GreengrassCoreIPCClientV2 streamManager = client("aws.greengrass.StreamManager", "{}");
    String token = core.component("c", "{}");
    assertThat(
            streamManager
                .validateAuthorizationToken(
                    new ValidateAuthorizationTokenRequest().withToken(token))
                .isIsValid())
        .isTrue();
    assertThatThrownBy(
            () ->
                streamManager.validateAuthorizationToken(
                    new ValidateAuthorizationTokenRequest().withToken("x")))
        .isInstanceOf(InvalidTokenError.class);
    GreengrassCoreIPCClientV2 other = client("c", "{}");
    assertThatThrownBy(
            () ->
                other.validateAuthorizationToken(
                    new ValidateAuthorizationTokenRequest().withToken(token)))
        .isInstanceOf(UnauthorizedError.class);
  }

  @Test
  void anUnknownTokenDoesNotConnect() {
    assertThatThrownBy(() -> connect("NOBODY")).hasMessageContaining("AccessDenied");
  }

  @Test
  void componentsGetARelativePathWhenTheRootIsTooDeep() throws IOException {
    assertThat(IpcServer.socketForComponents(root))
        .isEqualTo(root.resolve("ipc.socket").toString());
    Path deep = root.resolve("x".repeat(120));
    assertThat(IpcServer.socketForComponents(deep)).isEqualTo("../../ipc.socket");
    Files.createDirectories(deep);
    try (IpcServer far = IpcServer.start(new TestCore(deep).core(), RpcServer.Limits.defaults())) {
      assertThat(far.socket()).exists();
    }
  }

  private GreengrassCoreIPCClientV2 client(String name, String configuration) throws IOException {
    GreengrassCoreIPCClientV2 client = connect(core.component(name, configuration));
    clients.add(client);
    return client;
  }

  private GreengrassCoreIPCClientV2 connect(String token) throws IOException {
    return GreengrassCoreIPCClientV2.builder()
        .withSocketPath(server.socket().toString())
        .withAuthToken(token)
        .withoutExecutor()
        .build();
  }

  private static List<SubscriptionResponseMessage> listen(
      GreengrassCoreIPCClientV2 client, String topic, ReceiveMode mode)
      throws InterruptedException {
    List<SubscriptionResponseMessage> heard = new CopyOnWriteArrayList<>();
    SubscribeToTopicRequest request = new SubscribeToTopicRequest().withTopic(topic);
    if (mode != null) {
      request = request.withReceiveMode(mode);
    }
    client.subscribeToTopic(
        request, heard::add, java.util.Optional.empty(), java.util.Optional.empty());
    return heard;
  }

  private static void publishJson(
      GreengrassCoreIPCClientV2 client, String topic, Map<String, Object> message)
      throws InterruptedException {
    client.publishToTopic(
        new PublishToTopicRequest()
            .withTopic(topic)
            .withPublishMessage(
                new PublishMessage().withJsonMessage(new JsonMessage().withMessage(message))));
  }

  private static void publishBinary(GreengrassCoreIPCClientV2 client, String topic, String text)
      throws InterruptedException {
    client.publishToTopic(binary(topic, text));
  }

  private static PublishToTopicRequest binary(String topic, String text) {
    return new PublishToTopicRequest()
        .withTopic(topic)
        .withPublishMessage(
            new PublishMessage()
                .withBinaryMessage(new BinaryMessage().withMessage(text.getBytes(UTF_8))));
  }

  private static PublishToIoTCoreRequest toCloud(String topic, String text) {
    return new PublishToIoTCoreRequest()
        .withTopicName(topic)
        .withQos(QOS.AT_LEAST_ONCE)
        .withPayload(text.getBytes(UTF_8));
  }

  private static Map<String, Object> configuration(
      GreengrassCoreIPCClientV2 client, String component, String... path)
      throws InterruptedException {
    return client
        .getConfiguration(
            new GetConfigurationRequest().withComponentName(component).withKeyPath(List.of(path)))
        .getValue();
  }

  private static UpdateConfigurationRequest update(
      Instant timestamp, Map<String, Object> value, String... path) {
    return new UpdateConfigurationRequest()
        .withTimestamp(timestamp)
        .withKeyPath(List.of(path))
        .withValueToMerge(value);
  }

  private static void answer(
      GreengrassCoreIPCClientV2 client, List<String> heard, ComponentUpdatePolicyEvents event) {
    if (event.getPreUpdateEvent() != null) {
      heard.add("pre " + event.getPreUpdateEvent().getDeploymentId());
      client.deferComponentUpdateAsync(
          new DeferComponentUpdateRequest()
              .withDeploymentId(event.getPreUpdateEvent().getDeploymentId())
              .withRecheckAfterMs(heard.size() == 1 ? 200L : 0L));
    } else {
      heard.add("post " + event.getPostUpdateEvent().getDeploymentId());
    }
  }

  private static void defer(GreengrassCoreIPCClientV2 client, String deployment, long ms)
      throws InterruptedException {
    client.deferComponentUpdate(
        new DeferComponentUpdateRequest().withDeploymentId(deployment).withRecheckAfterMs(ms));
  }

  private static SendConfigurationValidityReportRequest report(
      String deployment, ConfigurationValidityStatus status) {
    return new SendConfigurationValidityReportRequest()
        .withConfigurationValidityReport(
            new ConfigurationValidityReport()
                .withDeploymentId(deployment)
                .withStatus(status)
                .withMessage("level must be 1"));
  }
}
