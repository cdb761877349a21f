package io.ryegrass.cloudlink;

import io.ryegrass.mqtt.MqttMessage;
import io.ryegrass.nucleus.CloudUnavailableException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A claim's connection over {@link MqttConnection}: one request at a time for each topic. */
public final class ClaimConnection implements ClaimCloud, MqttConnection.Listener {
  private static final JsonMapper JSON = JsonMapper.shared();

  private final Settings settings;
  private final MqttNetwork network;
  private final MqttConnection connection;
  private final CountDownLatch up = new CountDownLatch(1);
  private final Set<String> subscribed = ConcurrentHashMap.newKeySet();
  private final Map<String, CompletableFuture<ObjectNode>> waiting = new ConcurrentHashMap<>();

  private ClaimConnection(Settings s) {
    this.settings = s;
    LinkSettings link =
        new LinkSettings(
            s.root(),
            s.claim(),
            s.region(),
            s.host(),
            s.port(),
            s.host(),
            443,
            s.host(),
            null,
            null,
            null,
            s.patience(),
            1,
            1 << 20,
            false,
            Duration.ofDays(1),
            Duration.ZERO,
            mqtt(s),
            Clock.systemUTC());
    network = new MqttNetwork(link, CoreTls.of(s.claim()));
    connection = new MqttConnection(link, network, s.clientId(), true, this);
  }

  /** PRV-11: a proxy of its own, and ALPN on port 443. */
  private static MqttSettings mqtt(Settings s) {
    MqttSettings d = MqttSettings.DEFAULT;
    return new MqttSettings(
        d.version(),
        d.keepAlive(),
        d.pingTimeout(),
        d.socketTimeout(),
        d.maxMessageBytes(),
        d.maxPublishRetry(),
        0,
        d.receiveMaximum(),
        d.firstDelay(),
        d.lastDelay(),
        d.stable(),
        s.port() == 443,
        ProxySettings.parse(s.proxyUrl(), s.proxyUser(), s.proxyPassword(), ""));
  }

  /** Connects, and waits until it is connected. */
  public static ClaimConnection open(Settings settings) throws InterruptedException {
    ClaimConnection made = new ClaimConnection(settings);
    boolean done = false;
    try {
      made.connection.start();
      if (!made.up.await(settings.patience().toMillis(), TimeUnit.MILLISECONDS)) {
        throw new CloudUnavailableException(
            "No connection to "
                + settings.host()
                + ":"
                + settings.port()
                + " with the claim certificate "
                + settings.claim().certificate()
                + " as client "
                + settings.clientId()
                + "; check that the certificate is ACTIVE and its policy allows iot:Connect.");
      }
      done = true;
      return made;
    } finally {
      if (!done) {
        made.close();
      }
    }
  }

  @Override
  public ObjectNode ask(String topic, ObjectNode request) throws InterruptedException {
    String accepted = topic + "/accepted";
    String rejected = topic + "/rejected";
    if (!subscribed.contains(topic)) {
      List<String> refused =
          connection.subscribe(
              List.of(
                  new MqttConnection.Filter(accepted, 1), new MqttConnection.Filter(rejected, 1)));
      if (!refused.isEmpty()) {
        throw new Rejected(
            "NOT_AUTHORIZED",
            "The policy of the claim certificate does not allow iot:Subscribe to " + refused + ".");
      }
      subscribed.add(topic);
    }
    CompletableFuture<ObjectNode> answer = new CompletableFuture<>();
    waiting.put(topic, answer);
    try {
      connection
          .publish(topic, JSON.writeValueAsBytes(request), 1)
          .whenComplete(
              (done, e) -> {
                if (e != null) {
                  answer.completeExceptionally(e);
                }
              });
      return answer.get(settings.patience().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new CloudUnavailableException("The cloud did not answer on " + topic + ".", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Rejected r) {
        throw r;
      }
      throw new CloudUnavailableException(
          "The request on "
              + topic
              + " was not taken ("
              + e.getCause()
              + "); the policy of the claim certificate may not allow iot:Publish to it.",
          e);
    } finally {
      waiting.remove(topic);
    }
  }

  @Override
  public void connected(boolean sessionPresent) {
    subscribed.clear();
    up.countDown();
  }

  @Override
  public void lost(boolean byServer) {
    waiting
        .values()
        .forEach(
            w ->
                w.completeExceptionally(
                    new CloudUnavailableException("The connection was lost before the answer.")));
  }

  @Override
  public void message(MqttMessage message, Runnable acknowledge) {
    acknowledge.run();
    String topic = message.topic();
    int slash = topic.lastIndexOf('/');
    CompletableFuture<ObjectNode> answer = waiting.get(topic.substring(0, Math.max(0, slash)));
    if (answer == null) {
      return;
    }
    try {
      if (!(JSON.readTree(message.payload()) instanceof ObjectNode body)) {
        throw new CloudUnavailableException("The answer on " + topic + " is no JSON object.");
      }
      if (topic.endsWith("/accepted")) {
        answer.complete(body);
      } else {
        answer.completeExceptionally(
            new Rejected(
                body.path("errorCode").asString("UNKNOWN"),
                body.path("errorMessage").asString("no reason given")));
      }
    } catch (JacksonException | CloudUnavailableException e) {
      answer.completeExceptionally(e);
    }
  }

  @Override
  public void close() {
    connection.close();
    network.close();
  }
}
