package io.ryegrass.devicegateway;

import io.ryegrass.mqtt.ClientSession;
import io.ryegrass.mqtt.DisconnectReason;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Life cycle events of MQTT connections on {@code $aws/events/…} (mqtt-cloud reference, section 8).
 * Version numbers grow per client id; they begin anew for a client that was away for {@link #AWAY},
 * or that is not among the last {@value #REMEMBERED}.
 */
final class Presence {

  /** Publishes an event. */
  @FunctionalInterface
  interface Sink {
    void publish(String topic, byte[] payload);
  }

  /**
   * @param left milliseconds since the epoch, 0 while it is connected
   */
  private record Connection(String session, long version, long left) {}

  private static final Duration AWAY = Duration.ofHours(1);

  private static final int REMEMBERED = 20_000;
  private static final JsonMapper JSON = JsonMapper.shared();

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Connection> connections =
      new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Connection> eldest) {
          return size() > REMEMBERED;
        }
      };
  private final Sink sink;
  private final Clock clock;

  Presence(Sink sink, Clock clock) {
    this.sink = sink;
    this.clock = clock;
  }

  void connected(ClientSession session, ConnectedDevice device) {
    Connection connection = next(session.clientId());
    ObjectNode event = event(session.clientId(), "connected", connection, device);
    event.put("ipAddress", device.address());
    event.put("versionNumber", connection.version());
    send("presence/connected/", session.clientId(), event);
  }

  void disconnected(ClientSession session, ConnectedDevice device, String reason) {
    Connection connection = left(session.clientId());
    ObjectNode event = event(session.clientId(), "disconnected", connection, device);
    boolean known = Arrays.stream(DisconnectReason.values()).anyMatch(r -> r.name().equals(reason));
    event.put(
        "clientInitiatedDisconnect",
        reason.equals(DisconnectReason.CLIENT_INITIATED_DISCONNECT.name()));
    event.put(
        "disconnectReason", known ? reason : DisconnectReason.SERVER_INITIATED_DISCONNECT.name());
    event.put("versionNumber", connection == null ? 0 : connection.version());
    send("presence/disconnected/", session.clientId(), event);
  }

  void subscribed(
      ClientSession session, ConnectedDevice device, List<String> filters, boolean given) {
    String type = given ? "subscribed" : "unsubscribed";
    ObjectNode event = event(session.clientId(), type, last(session.clientId()), device);
    filters.forEach(event.putArray("topics")::add);
    send("subscriptions/" + type + "/", session.clientId(), event);
  }

  private ObjectNode event(
      String clientId, String type, @Nullable Connection connection, ConnectedDevice device) {
    ObjectNode event = JSON.createObjectNode();
    event.put("clientId", clientId);
    event.put("timestamp", clock.millis());
    event.put("eventType", type);
    event.put("sessionIdentifier", connection == null ? "" : connection.session());
    event.put("principalIdentifier", device.identifier());
    return event;
  }

  private void send(String kind, String clientId, ObjectNode event) {
    if (clientId.indexOf('#') < 0 && clientId.indexOf('+') < 0) {
      sink.publish(
          "$aws/events/" + kind + clientId,
          JSON.writeValueAsString(event).getBytes(StandardCharsets.UTF_8));
    }
  }

  private Connection next(String clientId) {
    lock.lock();
    try {
      Connection before = connections.get(clientId);
      boolean anew =
          before == null
              || (before.left() > 0 && clock.millis() - before.left() >= AWAY.toMillis());
      Connection now =
          new Connection(
              UUID.randomUUID().toString(), before == null || anew ? 0 : before.version() + 1, 0);
      connections.put(clientId, now);
      return now;
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Connection left(String clientId) {
    lock.lock();
    try {
      return connections.computeIfPresent(
          clientId, (id, c) -> new Connection(c.session(), c.version(), clock.millis()));
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Connection last(String clientId) {
    lock.lock();
    try {
      return connections.get(clientId);
    } finally {
      lock.unlock();
    }
  }
}
