package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.BinaryMessage;
import software.amazon.awssdk.aws.greengrass.model.GreengrassCoreIPCError;
import software.amazon.awssdk.aws.greengrass.model.JsonMessage;
import software.amazon.awssdk.aws.greengrass.model.PublishMessage;
import software.amazon.awssdk.aws.greengrass.model.PublishToIoTCoreRequest;
import software.amazon.awssdk.aws.greengrass.model.PublishToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.QOS;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToIoTCoreRequest;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.SubscriptionResponseMessage;
import software.amazon.awssdk.aws.greengrass.model.UnauthorizedError;

/** Four components, played with AWS's IPC client, and a client of the cloud. */
@DisplayName("S-02 Local and cloud messages with authorization")
@ExtendWith(TestCloud.Shared.class)
class MessagesScenarioTest {
  private static final String EXACT = "my/topic/1";
  private static final String WILD = "my/topic/+";
  private static final List<String> TWENTY =
      IntStream.range(0, 20).mapToObj(i -> (i % 2 == 0 ? "json " : "binary ") + i).toList();

  private static TestCloud cloud;
  private static TestCore core;

  @BeforeAll
  static void deploy(TestCloud shared) {
    cloud = shared;
    core = TestCore.started(cloud, "messages");
    recipe("com.example.Publisher", access("*", "*"));
    recipe("com.example.A", access(EXACT, "none"));
    recipe("com.example.B", access(WILD, "none"));
    recipe("com.example.C", "");
    core.deployLocallyAndSucceed(
        "--recipeDir",
        cloud.folder.resolve("messages-recipes").toString(),
        "-m",
        "com.example.Publisher=1.0.0",
        "-m",
        "com.example.A=1.0.0",
        "-m",
        "com.example.B=1.0.0",
        "-m",
        "com.example.C=1.0.0");
  }

  private static String access(String local, String ofCloud) {
    return """
    ComponentConfiguration:
      DefaultConfiguration:
        accessControl:
          aws.greengrass.ipc.pubsub:
            'COMPONENT:pubsub:1':
              operations: ['aws.greengrass#PublishToTopic', 'aws.greengrass#SubscribeToTopic']
              resources: ['%s']
          aws.greengrass.ipc.mqttproxy:
            'COMPONENT:mqttproxy:1':
              operations: ['aws.greengrass#PublishToIoTCore', 'aws.greengrass#SubscribeToIoTCore']
              resources: ['%s']
    """
        .formatted(local, ofCloud);
  }

  private static void recipe(String name, String configuration) {
    TestCloud.write(
        cloud.folder.resolve("messages-recipes/" + name + "-1.0.0.yaml"),
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: 1.0.0
        %sManifests:
          - Lifecycle:
              Run: echo $SVCUID > svcuid; exec sleep 100000
        """
            .formatted(name, configuration.replace("COMPONENT", name)));
  }

  @AfterAll
  static void stop() {
    core.close();
  }

  // ---- playing a component

  /** What came on a subscription, as {@code "topic: text"}. */
  private static List<String> subscribe(GreengrassCoreIPCClientV2 component, String filter)
      throws InterruptedException {
    List<String> heard = new CopyOnWriteArrayList<>();
    component.subscribeToTopic(
        new SubscribeToTopicRequest().withTopic(filter),
        event -> heard.add(text(event)),
        Optional.empty(),
        Optional.empty());
    return heard;
  }

  private static String text(SubscriptionResponseMessage event) {
    return event.getJsonMessage() != null
        ? event.getJsonMessage().getContext().getTopic()
            + ": json "
            + ((Number) event.getJsonMessage().getMessage().get("number")).intValue()
        : event.getBinaryMessage().getContext().getTopic()
            + ": "
            + new String(event.getBinaryMessage().getMessage(), StandardCharsets.UTF_8);
  }

  private static void publishTwenty(GreengrassCoreIPCClientV2 publisher)
      throws InterruptedException {
    for (int i = 0; i < 20; i++) {
      PublishMessage message =
          i % 2 == 0
              ? new PublishMessage()
                  .withJsonMessage(new JsonMessage().withMessage(Map.of("number", i)))
              : new PublishMessage()
                  .withBinaryMessage(
                      new BinaryMessage()
                          .withMessage(("binary " + i).getBytes(StandardCharsets.UTF_8)));
      publisher.publishToTopic(
          new PublishToTopicRequest().withTopic(EXACT).withPublishMessage(message));
    }
  }

  private static void publishToCloud(
      GreengrassCoreIPCClientV2 publisher, String topic, String payload)
      throws InterruptedException {
    publisher.publishToIoTCore(
        new PublishToIoTCoreRequest()
            .withTopicName(topic)
            .withQos(QOS.AT_LEAST_ONCE)
            .withPayload(payload.getBytes(StandardCharsets.UTF_8)));
  }

  // ---- the sentences

  @Test
  @DisplayName("A and B receive 20 messages in order, context.topic = my/topic/1")
  void twoSubscribersReceiveAllInOrder() throws Exception {
    try (var publisher = core.as("com.example.Publisher");
        var a = core.as("com.example.A");
        var b = core.as("com.example.B")) {
      List<String> heardByA = subscribe(a, EXACT);
      List<String> heardByB = subscribe(b, WILD);

      publishTwenty(publisher);

      List<String> wanted = TWENTY.stream().map(t -> EXACT + ": " + t).toList();
      TestCore.await("20 messages for A")
          .untilAsserted(() -> assertThat(heardByA).isEqualTo(wanted));
      TestCore.await("20 messages for B")
          .untilAsserted(() -> assertThat(heardByB).isEqualTo(wanted));
    }
  }

  @Test
  @DisplayName(
      "a publisher that also subscribes with the wildcard does not get its own messages (default"
          + " RECEIVE_MESSAGES_FROM_OTHERS) but does with the exact topic")
  void ownMessagesComeBackOnlyOnTheExactTopic() throws Exception {
    try (var publisher = core.as("com.example.Publisher");
        var a = core.as("com.example.A")) {
      List<String> withWildcard = subscribe(publisher, WILD);
      List<String> exact = subscribe(publisher, EXACT);

      publishTwenty(publisher);
      TestCore.await("its own 20").untilAsserted(() -> assertThat(exact).hasSize(20));
      // Somebody else's message comes through the same subscription: what it did not get before is
      // not late, but not for it.
      a.publishToTopic(
          new PublishToTopicRequest()
              .withTopic(EXACT)
              .withPublishMessage(
                  new PublishMessage()
                      .withBinaryMessage(
                          new BinaryMessage()
                              .withMessage("from A".getBytes(StandardCharsets.UTF_8)))));
      TestCore.await("A's message")
          .untilAsserted(() -> assertThat(withWildcard).containsExactly(EXACT + ": from A"));
    }
  }

  @Test
  @DisplayName("C gets UnauthorizedError")
  void withoutAccessControlNothingIsAllowed() throws Exception {
    try (var c = core.as("com.example.C")) {
      assertThatThrownBy(() -> publishTwenty(c)).isInstanceOf(UnauthorizedError.class);
      assertThatThrownBy(() -> subscribe(c, EXACT)).isInstanceOf(UnauthorizedError.class);
      assertThatThrownBy(() -> publishToCloud(c, "test/out", "x"))
          .isInstanceOf(UnauthorizedError.class);
    }
  }

  @Test
  @DisplayName("test/out reaches the cloud client once; test/in reaches the subscriber")
  void messagesGoToTheCloudAndComeFromIt() throws Exception {
    TestCore stranger = TestCore.provisioned(cloud, "messages-client");
    List<String> heardByCloud = new CopyOnWriteArrayList<>();
    List<String> heardByComponent = new CopyOnWriteArrayList<>();
    try (var client = connect(stranger, heardByCloud);
        var publisher = core.as("com.example.Publisher")) {
      client.subscribe("test/out");
      publisher.subscribeToIoTCore(
          new SubscribeToIoTCoreRequest().withTopicName("test/in").withQos(QOS.AT_LEAST_ONCE),
          event ->
              heardByComponent.add(
                  event.getMessage().getTopicName()
                      + ": "
                      + new String(event.getMessage().getPayload(), StandardCharsets.UTF_8)),
          Optional.empty(),
          Optional.empty());

      core.awaitSubscribed("test/in");
      publishToCloud(publisher, "test/out", "out");
      publishToCloud(publisher, "test/out", "last");
      client.publish("test/in", "in");

      TestCore.await("both, once each")
          .untilAsserted(() -> assertThat(heardByCloud).containsExactly("out", "last"));
      TestCore.await("the cloud's message")
          .untilAsserted(() -> assertThat(heardByComponent).containsExactly("test/in: in"));
    }
  }

  private static CrashDevice connect(TestCore thing, List<String> heard) throws MqttException {
    return CrashDevice.connect(
        thing.root.resolve("certs"), thing.thing, cloud.mqttPort(), true, heard::add);
  }

  @Test
  @DisplayName("bad topics rejected: 8 slashes, 257 characters")
  void topicsBeyondTheLimitsAreRejected() throws Exception {
    try (var publisher = core.as("com.example.Publisher")) {
      for (String topic : List.of("1/2/3/4/5/6/7/8/9", "x".repeat(257))) {
        assertThatThrownBy(() -> publishToCloud(publisher, topic, "x"))
            .as(topic)
            .isInstanceOf(GreengrassCoreIPCError.class);
      }
      List<String> allowed = new ArrayList<>(List.of("1/2/3/4/5/6/7/8", "x".repeat(256)));
      for (String topic : allowed) {
        publishToCloud(publisher, topic, "x");
      }
    }
  }
}
