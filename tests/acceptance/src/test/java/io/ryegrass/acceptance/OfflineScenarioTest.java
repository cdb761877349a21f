package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.BinaryMessage;
import software.amazon.awssdk.aws.greengrass.model.GreengrassCoreIPCError;
import software.amazon.awssdk.aws.greengrass.model.PublishMessage;
import software.amazon.awssdk.aws.greengrass.model.PublishToIoTCoreRequest;
import software.amazon.awssdk.aws.greengrass.model.PublishToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.QOS;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToTopicRequest;

/**
 * The way to the cloud's MQTT is a relay that is cut. Client devices and functions that go on
 * meanwhile are shown by the demo, which kills the cloud. The trigger of the status that follows is
 * not seen by other clients of the cloud, so not here.
 */
@DisplayName("S-11 Offline operation and spooler")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class OfflineScenarioTest {
  private static final String NAME = "com.example.Offline";
  private static final String KILOBYTE = "x".repeat(1000);

  private static TestCore core;
  private static Relay relay;
  private static CrashDevice cloudClient;
  private static final List<String> heard = new CopyOnWriteArrayList<>();

  @BeforeAll
  static void start(TestCloud cloud) throws Exception {
    relay = new Relay(cloud.mqttPort());
    core = TestCore.provisioned(cloud, "offline");
    configure("(?m)^(\\s+port: )" + cloud.mqttPort() + "$", "$1" + relay.port());
    core.start();
    TestCloud.write(
        cloud.folder.resolve("offline-recipes/" + NAME + "-1.0.0.yaml"),
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: 1.0.0
        ComponentConfiguration:
          DefaultConfiguration:
            accessControl:
              aws.greengrass.ipc.pubsub:
                'offline:pubsub:1': {operations: ['*'], resources: ['*']}
              aws.greengrass.ipc.mqttproxy:
                'offline:mqttproxy:1': {operations: ['*'], resources: ['*']}
        Manifests:
          - Lifecycle:
              Run: echo $SVCUID > svcuid; exec sleep 100000
        """
            .formatted(NAME));
    core.deployLocallyAndSucceed(
        "-r", cloud.folder.resolve("offline-recipes").toString(), "-m", NAME + "=1.0.0");
    TestCore watcher = TestCore.provisioned(cloud, "offline-watcher");
    cloudClient =
        CrashDevice.connect(
            watcher.root.resolve("certs"),
            watcher.thing,
            cloud.mqttPort(),
            true,
            OfflineScenarioTest::hear);
    cloudClient.subscribe("offline/#");
    // a connection that is not there yet is never lost
    TestCore.await("online").until(core::coreStatus, "HEALTHY"::equals);
  }

  @AfterAll
  static void stop() {
    core.close();
    cloudClient.close();
    relay.close();
  }

  /** Without the ballast. */
  private static void hear(String text) {
    heard.add(text.contains("|") ? text.substring(0, text.indexOf('|') + 1) : text);
  }

  private static void configure(String regex, String replacement) {
    var config = core.root.resolve("config/config.yaml");
    String before = TestCloud.read(config);
    String after = Pattern.compile(regex).matcher(before).replaceFirst(replacement);
    assertThat(after).isNotEqualTo(before);
    TestCloud.write(config, after);
  }

  private static void publish(GreengrassCoreIPCClientV2 component, String text, QOS qos)
      throws InterruptedException {
    component.publishToIoTCore(
        new PublishToIoTCoreRequest()
            .withTopicName("offline/messages")
            .withQos(qos)
            .withPayload(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** What is not kept may be dropped in silence or refused with a reason. */
  private static boolean publishUnlessRefused(
      GreengrassCoreIPCClientV2 component, String text, QOS qos) throws InterruptedException {
    try {
      publish(component, text, qos);
      return true;
    } catch (GreengrassCoreIPCError e) {
      return false;
    }
  }

  private static void awaitCut() {
    relay.cut();
    core.awaitLog("greengrass", " lost: ");
  }

  /** What the cloud client heard with this beginning, each once, in the order of the first time. */
  private static List<String> heard(String beginning) {
    return new ArrayList<>(
        new LinkedHashSet<>(
            heard.stream()
                .filter(t -> t.startsWith(beginning))
                .map(t -> t.substring(0, t.indexOf('|')))
                .toList()));
  }

  private static List<String> numbered(String beginning, int count) {
    return IntStream.range(0, count).mapToObj(i -> beginning + i).toList();
  }

  @Test
  @Order(1)
  @DisplayName(
      "local functions uninterrupted; on reconnect 200 QoS 1 messages arrive once each or more, in"
          + " order; QoS 0 dropped")
  void whatIsPublishedOfflineArrivesInOrder() throws Exception {
    awaitCut();
    try (var component = core.as(NAME)) {
      List<String> local = new CopyOnWriteArrayList<>();
      component.subscribeToTopic(
          new SubscribeToTopicRequest().withTopic("here"),
          event ->
              local.add(new String(event.getBinaryMessage().getMessage(), StandardCharsets.UTF_8)),
          Optional.empty(),
          Optional.empty());
      for (int i = 0; i < 200; i++) {
        publish(component, "one " + i + "|" + KILOBYTE, QOS.AT_LEAST_ONCE);
        if (i % 4 == 0) {
          publishUnlessRefused(component, "zero " + i + "|", QOS.AT_MOST_ONCE);
        }
        component.publishToTopic(
            new PublishToTopicRequest()
                .withTopic("here")
                .withPublishMessage(
                    new PublishMessage()
                        .withBinaryMessage(
                            new BinaryMessage()
                                .withMessage(("" + i).getBytes(StandardCharsets.UTF_8)))));
      }
      TestCore.await("200 local messages, without a cloud")
          .untilAsserted(() -> assertThat(local).isEqualTo(numbered("", 200)));
      assertThat(heard("one ")).isEmpty();

      relay.restore();

      TestCore.await("all 200")
          .untilAsserted(() -> assertThat(heard("one ")).isEqualTo(numbered("one ", 200)));
      publish(component, "zero online|", QOS.AT_MOST_ONCE);
      TestCore.await("QoS 0, online")
          .untilAsserted(() -> assertThat(heard("zero ")).containsExactly("zero online"));
    }
  }

  @Test
  @Order(2)
  @DisplayName("with disk spooler the same holds over a power cycle")
  void whatIsPublishedOfflineSurvivesTheCore() throws Exception {
    relay.cut();
    try (var component = core.as(NAME)) {
      for (int i = 0; i < 50; i++) {
        publish(component, "cycle " + i + "|" + KILOBYTE, QOS.AT_LEAST_ONCE);
      }
    }
    core.kill();
    core.start();
    assertThat(heard("cycle ")).isEmpty();

    relay.restore();

    TestCore.await("all 50")
        .untilAsserted(() -> assertThat(heard("cycle ")).isEqualTo(numbered("cycle ", 50)));
  }

  @Test
  @Order(3)
  @DisplayName(
      "QoS 0 delivered when keepQos0WhenOffline is true; beyond maxSizeInBytes the publish is"
          + " refused or oldest dropped")
  void theSpoolIsBoundedAndKeepsWhatItIsToldTo() throws Exception {
    core.close();
    configure(
        "(?m)^(\\s+)port: " + relay.port() + "$",
        "$0\n$1spooler:\n$1  keepQos0WhenOffline: true\n$1  maxSizeInBytes: 1048576");
    core.start();
    TestCore.await("online again").until(core::coreStatus, "HEALTHY"::equals);
    relay.cut();
    int refused = 0;
    try (var component = core.as(NAME)) {
      publish(component, "kept 0|", QOS.AT_MOST_ONCE);
      for (int i = 0; i < 1500; i++) {
        if (!publishUnlessRefused(component, "many " + i + "|" + KILOBYTE, QOS.AT_LEAST_ONCE)) {
          refused++;
        }
      }
      publish(component, "last 0|", QOS.AT_MOST_ONCE);
    }

    relay.restore();

    TestCore.await("QoS 0 of the time without a network").until(() -> !heard("last ").isEmpty());
    boolean dropped = refused == 0; // then the newest is there, else the oldest
    TestCore.await("what was kept")
        .untilAsserted(() -> assertThat(heard("many ")).contains(dropped ? "many 1499" : "many 0"));
    assertThat(heard("many ")).as("%s refused", refused).hasSizeLessThan(1400);
    if (dropped) {
      TestCore.await("the newest 400").until(() -> heard("many ").size() >= 400);
    }
  }
}
