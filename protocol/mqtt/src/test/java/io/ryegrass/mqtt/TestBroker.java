package io.ryegrass.mqtt;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

/** Brokers and Paho clients for tests. */
final class TestBroker {
  static {
    // Tests share the machine with others: what comes late has still come.
    Awaitility.setDefaultTimeout(Duration.ofSeconds(60));
  }

  private TestBroker() {}

  static MqttBroker.Builder builder() {
    return MqttBroker.builder()
        .listener("mqtt", new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), null)
        .authenticator(r -> new AuthenticationResult.Accepted(r.clientId()))
        .authoriser(Authoriser.permitAll())
        .limits(Limits.awsIotCore().with(b -> b.rates(0, 0, Duration.ZERO)));
  }

  static MqttBroker durable(Path folder) {
    return builder().dataFolder(folder).start();
  }

  static MqttClient paho(int port, String clientId) throws MqttException {
    MqttClient client =
        new MqttClient("tcp://127.0.0.1:" + port, clientId, new MemoryPersistence());
    client.setTimeToWait(60_000);
    return client;
  }

  static MqttConnectOptions options(boolean clean) {
    MqttConnectOptions options = new MqttConnectOptions();
    options.setCleanSession(clean);
    options.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
    options.setMaxInflight(2_000);
    options.setAutomaticReconnect(false);
    return options;
  }

  static MqttClient connected(int port, String clientId, boolean clean) throws MqttException {
    MqttClient client = paho(port, clientId);
    client.connect(options(clean));
    return client;
  }

  /** Subscribes at QoS 1 and collects the payloads in the order of their arrival. */
  static List<String> collect(MqttClient client, String filter) throws MqttException {
    List<String> received = new CopyOnWriteArrayList<>();
    client.subscribe(
        filter, 1, (topic, m) -> received.add(new String(m.getPayload(), StandardCharsets.UTF_8)));
    return received;
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
