package io.ryegrass.demo;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import javax.net.ssl.SSLContext;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.MqttCallback;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

/** A stock MQTT client (Eclipse Paho) that remembers what it received. */
final class MqttDevice implements AutoCloseable {
  private final MqttClient client;
  private final List<Received> received;

  /** A message as it came. */
  record Received(String topic, String payload) {}

  private MqttDevice(MqttClient client, List<Received> received) {
    this.client = client;
    this.received = received;
  }

  /** Connects, with a session that outlives the connection when {@code clean} is false. */
  static MqttDevice connect(
      String host, int port, String clientId, SSLContext tls, boolean clean, List<Received> into)
      throws MqttException {
    MqttClient client =
        new MqttClient("ssl://" + host + ":" + port, clientId, new MemoryPersistence());
    client.setTimeToWait(30_000);
    client.setCallback(
        new MqttCallback() {
          @Override
          public void connectionLost(Throwable cause) {
            // Seen by the step through isConnected() or by what does not arrive.
          }

          @Override
          public void messageArrived(String topic, MqttMessage message) {
            synchronized (into) {
              into.add(
                  new Received(topic, new String(message.getPayload(), StandardCharsets.UTF_8)));
              into.notifyAll();
            }
          }

          @Override
          public void deliveryComplete(IMqttDeliveryToken token) {
            // Publishing blocks until the acknowledgement anyway.
          }
        });
    MqttConnectOptions options = new MqttConnectOptions();
    options.setSocketFactory(new PromptSockets(tls.getSocketFactory()));
    options.setCleanSession(clean);
    options.setConnectionTimeout(30);
    options.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
    try {
      client.connect(options);
    } catch (MqttException e) {
      client.close(true);
      throw e;
    }
    return new MqttDevice(client, into);
  }

  static MqttDevice connect(String host, int port, String clientId, SSLContext tls) {
    try {
      return connect(host, port, clientId, tls, true, new ArrayList<>());
    } catch (MqttException e) {
      throw new StepFailed(
          clientId + " cannot connect to " + host + ":" + port + ": " + reason(e), e);
    }
  }

  void subscribe(String filter) {
    try {
      client.subscribe(filter, 1);
    } catch (MqttException e) {
      throw new StepFailed("cannot subscribe to " + filter + ": " + reason(e), e);
    }
  }

  /** Returns when the broker has acknowledged. */
  void publish(String topic, String payload) {
    try {
      client.publish(topic, payload.getBytes(StandardCharsets.UTF_8), 1, false);
    } catch (MqttException e) {
      throw new StepFailed("cannot publish to " + topic + ": " + reason(e), e);
    }
  }

  /** QoS 0: nobody acknowledges. */
  void publishOnce(String topic, byte[] payload) {
    try {
      client.publish(topic, payload, 0, false);
    } catch (MqttException e) {
      throw new StepFailed("cannot publish to " + topic + ": " + reason(e), e);
    }
  }

  boolean isConnected() {
    return client.isConnected();
  }

  List<Received> received() {
    synchronized (received) {
      return List.copyOf(received);
    }
  }

  /** Waits, without looking again and again, until that many have come. */
  void awaitNumber(int number, Duration deadline) throws InterruptedException {
    long end = System.nanoTime() + deadline.toNanos();
    synchronized (received) {
      while (received.size() < number) {
        long rest = (end - System.nanoTime()) / 1_000_000;
        if (rest <= 0) {
          throw new StepFailed("the device waited " + deadline.toSeconds() + " s for a message");
        }
        received.wait(rest);
      }
    }
  }

  void forget() {
    synchronized (received) {
      received.clear();
    }
  }

  Received await(String what, Duration deadline, Predicate<Received> wanted) {
    return Await.until(
        what,
        deadline,
        () -> received().stream().filter(wanted).findFirst(),
        () -> received().isEmpty() ? "no message" : received().getLast());
  }

  Optional<Received> find(Predicate<Received> wanted) {
    return received().stream().filter(wanted).findFirst();
  }

  static String reason(MqttException e) {
    Throwable cause = e.getCause();
    return String.valueOf(cause == null ? e.getMessage() : cause.getMessage());
  }

  @Override
  public void close() {
    try {
      if (client.isConnected()) {
        client.disconnectForcibly(0, 1000);
      }
      client.close(true);
    } catch (MqttException e) {
      System.err.println("demo: closing " + client.getClientId() + ": " + reason(e));
    }
  }
}
