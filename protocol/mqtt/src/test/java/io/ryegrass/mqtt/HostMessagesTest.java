package io.ryegrass.mqtt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the host program publishes and reads: properties, retained messages, soon and at once. */
class HostMessagesTest {
  private static final MessageProperties PROPERTIES =
      new MessageProperties(
          true,
          -1,
          "text/plain",
          "answers/1",
          new byte[] {1, 2},
          List.of(
              new MessageProperties.UserProperty("device", "alpha"),
              new MessageProperties.UserProperty("device", "β")));

  private static MqttBroker start(Path folder, Limits limits) {
    return MqttBroker.builder()
        .listener("t", new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), null)
        .authenticator(r -> new AuthenticationResult.Accepted(r.clientId()))
        .authoriser(Authoriser.permitAll())
        .limits(limits)
        .awsTopicRules(true)
        .dataFolder(folder)
        .start();
  }

  @Test
  void aRetainedMessageComesBackWithItsTimeAndPropertiesAfterARestart(@TempDir Path folder) {
    long before = System.currentTimeMillis();
    RetainedMessage kept;
    try (MqttBroker broker = start(folder, Limits.device())) {
      broker.publish("b/1", "hello".getBytes(UTF_8), 1, true, PROPERTIES);
      broker.publish("a/1", "x".getBytes(UTF_8), 0, true);
      broker.publish("c/1", "y".getBytes(UTF_8), 1, true);
      broker.publish("c/1", new byte[0], 1, true);
      kept = broker.retained("b/1").orElseThrow();
      assertThat(kept.keptAt()).isBetween(before, System.currentTimeMillis());
    }
    try (MqttBroker broker = start(folder, Limits.device())) {
      RetainedMessage again = broker.retained("b/1").orElseThrow();
      assertThat(again.keptAt()).isEqualTo(kept.keptAt());
      assertThat(again.payload()).isEqualTo("hello".getBytes(UTF_8));
      assertThat(again.qos()).isEqualTo(1);
      assertThat(again.properties().userProperties()).isEqualTo(PROPERTIES.userProperties());
      assertThat(again.properties().contentType()).isEqualTo("text/plain");
      assertThat(again.properties().responseTopic()).isEqualTo("answers/1");
      assertThat(again.properties().correlationData()).containsExactly(1, 2);
      assertThat(again.properties().payloadIsText()).isTrue();
      assertThat(broker.retained("c/1")).isEmpty();
      assertThat(broker.retainedAfter("", 10)).extracting(RetainedMessage::topic).contains("b/1");
      assertThat(broker.retainedAfter("b/1", 10)).isEmpty();
    }
  }

  @Test
  void whatMqttCannotCarryIsRefused(@TempDir Path folder) {
    try (MqttBroker broker = start(folder, Limits.device())) {
      MessageProperties wildcard = new MessageProperties(null, -1, null, "a/#", null, List.of());
      assertThatThrownBy(() -> broker.publish("t", new byte[1], 0, false, wildcard))
          .isInstanceOfSatisfying(
              MqttBrokerException.class,
              e -> assertThat(e.code()).isEqualTo(MqttBrokerException.INVALID_PROPERTIES));
      assertThatThrownBy(() -> broker.publishSoon("a/+", new byte[1], 0))
          .isInstanceOf(MqttBrokerException.class);
    }
  }

  @Test
  void aMessageThatWasSentSoonWaitsForASessionThatIsAwayAlsoOverARestart(@TempDir Path folder)
      throws Exception {
    try (MqttBroker broker = start(folder, Limits.device())) {
      MqttClient away = connect(broker, 60);
      away.subscribe("t", 1);
      away.disconnect();
      broker.publishSoon("t", "later".getBytes(UTF_8), 1);
    }
    try (MqttBroker broker = start(folder, Limits.device())) {
      List<String> got = new java.util.concurrent.CopyOnWriteArrayList<>();
      MqttClient back = client(broker);
      back.setCallback(new Collector(got));
      back.connect(options(60));
      await().atMost(Duration.ofSeconds(60)).until(() -> got.contains("later"));
      back.disconnect();
    }
  }

  /** AWS IoT Core: who asks for less than 30 s is watched as if it had asked for 30. */
  @Test
  void aKeepAliveBelowTheLeastIsRaised(@TempDir Path folder) throws Exception {
    Limits limits = Limits.device().with(b -> b.minKeepAlive(Duration.ofSeconds(600)));
    try (MqttBroker broker = start(folder, limits)) {
      RawClient brief = new RawClient(broker.port("t")).connect("brief", true, 1);
      assertThat(brief.read(RawClient.CONNACK)).isNotNull();
      // a second and a half of silence would end it
      await()
          .during(Duration.ofMillis(2_500))
          .atMost(Duration.ofSeconds(20))
          .until(() -> broker.isConnected("brief"));
    }
  }

  private record Collector(List<String> got)
      implements org.eclipse.paho.client.mqttv3.MqttCallback {
    @Override
    public void connectionLost(Throwable cause) {}

    @Override
    public void messageArrived(String topic, org.eclipse.paho.client.mqttv3.MqttMessage message) {
      got.add(new String(message.getPayload(), UTF_8));
    }

    @Override
    public void deliveryComplete(org.eclipse.paho.client.mqttv3.IMqttDeliveryToken token) {}
  }

  private static MqttClient client(MqttBroker broker) throws Exception {
    return new MqttClient("tcp://127.0.0.1:" + broker.port("t"), "away", new MemoryPersistence());
  }

  private static MqttClient connect(MqttBroker broker, int keepAlive) throws Exception {
    MqttClient client = client(broker);
    client.connect(options(keepAlive));
    return client;
  }

  private static MqttConnectOptions options(int keepAlive) {
    MqttConnectOptions options = new MqttConnectOptions();
    options.setCleanSession(false);
    options.setKeepAliveInterval(keepAlive);
    return options;
  }
}
