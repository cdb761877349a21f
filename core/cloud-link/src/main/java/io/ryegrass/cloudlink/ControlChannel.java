package io.ryegrass.cloudlink;

import io.ryegrass.model.Json;
import io.ryegrass.mqtt.MqttMessage;
import io.ryegrass.nucleus.CloudUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The control connection: client id = thing name, a clean session each time, the same few filters.
 * What was missed while away is asked for, so nothing needs to wait in the cloud's session.
 */
final class ControlChannel implements MqttConnection.Listener, AutoCloseable {
  private static final Duration REFUSED_RETRY = Duration.ofMinutes(2);
  private static final Logger LOG = LoggerFactory.getLogger(ControlChannel.class);

  /** A service that speaks over this connection. */
  interface Part {
    List<String> filters();

    /** Connected and subscribed; must not wait for answers, which come on another thread. */
    void connected();

    default void lost() {}

    /**
     * @return whether the topic was for this part
     */
    boolean message(String topic, JsonNode message);
  }

  private final LinkSettings settings;
  private final MqttConnection connection;
  private final List<Part> parts = new ArrayList<>();
  private final Runnable reachable;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private boolean ready; // lock

  ControlChannel(LinkSettings settings, MqttNetwork network, Runnable reachable) {
    this.settings = settings;
    this.reachable = reachable;
    this.connection =
        new MqttConnection(settings, network, settings.identity().thingName(), true, this);
  }

  /** Before {@link #start}. */
  void add(Part part) {
    parts.add(part);
  }

  void start() {
    connection.start();
  }

  MqttConnection mqtt() {
    return connection;
  }

  /** Connected and subscribed. */
  boolean ready() {
    lock.lock();
    try {
      return ready;
    } finally {
      lock.unlock();
    }
  }

  /**
   * @return whether the channel was ready before the time was over
   */
  boolean awaitReady(Duration atMost) throws InterruptedException {
    long left = atMost.toNanos();
    lock.lock();
    try {
      while (!ready && left > 0) {
        left = changed.awaitNanos(left);
      }
      return ready;
    } finally {
      lock.unlock();
    }
  }

  /** Returns with the acknowledgement. */
  void publish(String topic, JsonNode message) throws InterruptedException {
    try {
      connection
          .publish(topic, Json.bytes(message), 1)
          .get(settings.operationTimeout().toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new CloudUnavailableException(
          "The connection was lost while publishing on " + topic + ".", e.getCause());
    } catch (TimeoutException e) {
      connection.reset("no acknowledgement in " + settings.operationTimeout().toSeconds() + " s");
      throw new CloudUnavailableException(
          "The cloud did not acknowledge a message on " + topic + ".", e);
    }
  }

  /**
   * Without waiting; when it does not arrive, the connection is lost and the next one asks again.
   */
  void ask(String topic, ObjectNode message) {
    var unused =
        connection
            .publish(topic, Json.bytes(message), 1)
            .exceptionally(
                e -> {
                  LOG.debug("{} is asked again on the next connection: {}", topic, e.getMessage());
                  return null;
                });
  }

  @Override
  public void connected(boolean sessionPresent) throws InterruptedException {
    reachable.run();
    List<MqttConnection.Filter> filters =
        parts.stream()
            .flatMap(p -> p.filters().stream())
            .map(f -> new MqttConnection.Filter(f, 1))
            .toList();
    List<String> refused = connection.subscribe(filters);
    lock.lock();
    try {
      ready = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    parts.forEach(Part::connected);
    if (!refused.isEmpty()) {
      LOG.warn(
          "The cloud refused the subscriptions {}; deployments cannot arrive there. Allow iot:Subscribe and"
              + " iot:Receive on them in the core's policy",
          refused);
      long generation = connection.generation();
      Thread.ofVirtual().name("control-refused").start(() -> retryRefused(refused, generation));
    }
  }

  private void retryRefused(List<String> refused, long generation) {
    List<String> left = refused;
    try {
      while (!left.isEmpty()) {
        Thread.sleep(REFUSED_RETRY.plusMillis(RandomGenerator.getDefault().nextLong(10_000)));
        if (!connection.connected() || connection.generation() != generation) {
          return;
        }
        left =
            connection.subscribe(left.stream().map(f -> new MqttConnection.Filter(f, 1)).toList());
        parts.forEach(Part::connected);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (CloudUnavailableException e) {
      LOG.debug("Refused subscriptions are tried on the next connection: {}", e.getMessage());
    }
  }

  @Override
  public void lost(boolean byServer) {
    lock.lock();
    try {
      ready = false;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    parts.forEach(Part::lost);
  }

  @Override
  public void message(MqttMessage message, Runnable acknowledge) {
    take(message.topic(), message.payload());
    acknowledge.run();
  }

  private void take(String topic, byte[] payload) {
    JsonNode message;
    try {
      message = payload.length == 0 ? Json.object() : Json.read(payload);
    } catch (JacksonException e) {
      LOG.warn("The cloud sent something on {} that is no JSON; it is ignored", topic);
      return;
    }
    for (Part part : parts) {
      if (part.message(topic, message)) {
        return;
      }
    }
  }

  @Override
  public void close() {
    connection.close();
  }
}
