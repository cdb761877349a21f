package io.ryegrass.components;

import io.ryegrass.registry.DeviceMessage;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.store.CloudStore;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Telemetry of cores (TEL-05 to TEL-08): kept for seven days, as AWS does, and at most {@value
 * #KEPT} messages of a core, and told as an event.
 */
final class Telemetry implements DeviceTopicHandler {
  private static final Logger LOG = LoggerFactory.getLogger(Telemetry.class);
  private static final Pattern TOPIC =
      Pattern.compile("\\$aws/things/([^/]+)/greengrass/health/json");
  private static final Duration LIFE = Duration.ofDays(7);
  private static final int KEPT = 200;

  private final CloudStore store;
  private final FleetEvents events;
  private final Clock clock;

  Telemetry(CloudStore store, FleetEvents events, Clock clock) {
    this.store = store;
    this.events = events;
    this.clock = clock;
  }

  /**
   * A message of a core.
   *
   * @param received ms
   */
  record Kept(long received, ObjectNode body) {}

  @Override
  public boolean accepts(String topic) {
    return TOPIC.matcher(topic).matches();
  }

  @Override
  public void handle(DeviceMessage message) {
    Matcher m = TOPIC.matcher(message.topic());
    ObjectNode body = Json.tryRead(message.payload());
    if (!m.matches()
        || body == null
        || !body.path("ADP").isArray()
        || !message.device().thingNames().contains(m.group(1))) {
      LOG.warn(
          "telemetry on {} from client {} is ignored: it is no JSON object with ADP of a thing that"
              + " the client's certificate is attached to",
          message.topic(),
          message.clientId());
      return;
    }
    String thing = m.group(1);
    String text = new String(message.payload(), StandardCharsets.UTF_8);
    long now = clock.millis();
    store.write(
        sql -> {
          long seq =
              sql.count(
                      "SELECT COALESCE(MAX(seq), 0) AS n FROM components_telemetry WHERE thing = ?",
                      thing)
                  + 1;
          sql.update(
              "INSERT INTO components_telemetry (thing, received, seq, body) VALUES (?, ?, ?, ?)",
              thing,
              now,
              seq,
              text);
          sql.update(
              "DELETE FROM components_telemetry WHERE thing = ? AND (received < ? OR seq <= ?)",
              thing,
              now - LIFE.toMillis(),
              seq - KEPT);
          events.telemetry(thing, body);
          return 0;
        });
  }

  /** What a core measured, newest first. */
  List<Kept> of(String thing, int atMost) {
    return store.read(
        sql ->
            sql.list(
                "SELECT received, body FROM components_telemetry WHERE thing = ? AND received >= ?"
                    + " ORDER BY received DESC, seq DESC LIMIT "
                    + Math.clamp(atMost, 1, KEPT),
                r -> new Kept(r.number("received"), Json.read(r.text("body"))),
                thing,
                clock.millis() - LIFE.toMillis()));
  }
}
