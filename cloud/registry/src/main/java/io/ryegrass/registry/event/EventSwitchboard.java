package io.ryegrass.registry.event;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.registry.DeviceMessages;
import io.ryegrass.store.CloudStore;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Which events are sent, and the way they go (developer guide: "Registry events", "Jobs events",
 * {@code UpdateEventConfigurations}). Thread-safe.
 */
public final class EventSwitchboard {
  private static final JsonMapper JSON = JsonMapper.shared();

  private final CloudStore store;
  private final String accountId;
  private final Clock clock;
  private volatile DeviceMessages messages = (topic, payload, qos) -> {};

  public EventSwitchboard(CloudStore store, String accountId, Clock clock) {
    this.store = store;
    this.accountId = accountId;
    this.clock = clock;
  }

  /** Gives the way to the devices; before it, events go nowhere. */
  public void sendThrough(DeviceMessages way) {
    messages = way;
  }

  /** Whether somebody switched this kind of events on. */
  public boolean isEnabled(EventType type) {
    return store.read(
        sql ->
            sql.count(
                    "SELECT COUNT(*) AS n FROM event_configurations WHERE type = ? AND enabled = 1",
                    type)
                > 0);
  }

  /**
   * Sends an event after the commit of this thread's transaction, at once without one; when its
   * kind is switched off, nothing.
   *
   * @param topic such as {@code $aws/events/job/j1/completed}
   */
  public void publish(EventType type, String topic, ObjectNode payload) {
    if (isEnabled(type)) {
      send(topic, payload);
    }
  }

  /** Sends an event that cannot be switched off, such as that of a new certificate. */
  public void send(String topic, ObjectNode payload) {
    byte[] bytes = JSON.writeValueAsBytes(payload);
    store.afterCommit(() -> messages.publish(topic, bytes, 0));
  }

  /**
   * The members that all registry events have.
   *
   * @param eventType such as {@code THING_EVENT}
   * @param operation such as {@code CREATED}
   */
  public ObjectNode registryEvent(String eventType, String operation) {
    return JSON.createObjectNode()
        .put("eventType", eventType)
        .put("eventId", UUID.randomUUID().toString())
        .put("timestamp", clock.millis())
        .put("operation", operation)
        .put("accountId", accountId);
  }

  /** {@code DescribeEventConfigurations} and {@code UpdateEventConfigurations}. */
  public void serve(ServiceOperations.Builder iot) {
    iot.json("DescribeEventConfigurations", this::describe)
        .json("UpdateEventConfigurations", this::update);
  }

  private record Setting(String type, boolean enabled, Instant created, Instant updated) {}

  private ObjectNode describe(CallContext call, ObjectNode in) {
    Map<String, Setting> known = new HashMap<>();
    store
        .read(
            sql ->
                sql.list(
                    "SELECT * FROM event_configurations ORDER BY type LIMIT 100",
                    row ->
                        new Setting(
                            row.text("type"),
                            row.flag("enabled"),
                            row.instant("created"),
                            row.instant("updated"))))
        .forEach(s -> known.put(s.type(), s));
    ObjectNode out = JSON.createObjectNode();
    ObjectNode all = out.putObject("eventConfigurations");
    for (EventType type : EventType.values()) {
      Setting setting = known.get(type.name());
      all.putObject(type.name()).put("Enabled", setting != null && setting.enabled());
    }
    known.values().stream()
        .map(Setting::created)
        .min(Instant::compareTo)
        .ifPresent(at -> out.put("creationDate", at.getEpochSecond()));
    known.values().stream()
        .map(Setting::updated)
        .max(Instant::compareTo)
        .ifPresent(at -> out.put("lastModifiedDate", at.getEpochSecond()));
    return out;
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    JsonNode asked = in.path("eventConfigurations");
    for (String type : asked.propertyNames()) {
      if (Arrays.stream(EventType.values()).noneMatch(t -> t.name().equals(type))) {
        throw new AwsException(
            "InvalidRequestException",
            400,
            "'" + type + "' is no event type; use " + Arrays.toString(EventType.values()));
      }
    }
    store.write(
        sql -> {
          for (Map.Entry<String, JsonNode> one : asked.properties()) {
            sql.update(
                "INSERT INTO event_configurations (type, enabled, created, updated)"
                    + " VALUES (?, ?, ?, ?) ON CONFLICT (type) DO UPDATE SET"
                    + " enabled = excluded.enabled, updated = excluded.updated",
                one.getKey(),
                one.getValue().path("Enabled").asBoolean(false),
                clock.instant(),
                clock.instant());
          }
          return asked.size();
        });
    return JSON.createObjectNode();
  }
}
