package io.ryegrass.events;

import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.net.http.HttpClient;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Keeps events until their targets have them. Safe for many threads. */
public final class EventService implements EventSink, AutoCloseable {
  /** What all topics of events begin with; reserved, so that no device can publish there. */
  public static final String TOPIC_PREFIX = "$aws/events/greengrass/";

  private static final JsonMapper JSON = JsonMapper.shared();

  /** One target as the operator sees it. */
  public record TargetState(String target, long waiting, long delivered, long dead) {}

  /** An event that its target never got. */
  public record DeadLetter(
      String target, Instant created, Instant died, String reason, String body) {}

  private final CloudStore store;
  private final String region;
  private final String account;
  private final Clock clock;
  private final HttpClient http;
  private final List<Delivery> deliveries = new ArrayList<>();

  /**
   * @param store with {@link #migrations()} applied
   */
  public EventService(
      CloudStore store,
      EventTopic topics,
      EventSettings settings,
      String region,
      String accountId,
      Clock clock) {
    this.store = store;
    this.region = region;
    this.account = accountId;
    this.clock = clock;
    this.http = WebhookTarget.client();
    List<EventTarget> targets = new ArrayList<>();
    targets.add(new MqttTarget(topics));
    settings.webhooks().forEach(w -> targets.add(new WebhookTarget(w, http, clock)));
    for (EventTarget target : targets) {
      deliveries.add(new Delivery(store, target, settings, clock));
    }
    store.write(
        sql -> {
          targets.forEach(t -> EventTables.prepare(sql, t.name()));
          EventTables.forgetOthers(sql, targets.stream().map(EventTarget::name).toList());
          return 0;
        });
  }

  public static List<Migration> migrations() {
    return EventTables.MIGRATIONS;
  }

  /** Begins to deliver, what waited since the last stop first. */
  public void start() {
    deliveries.forEach(Delivery::start);
  }

  @Override
  public void emit(Event event) {
    long now = clock.millis();
    String body = envelope(event, now).toString();
    String topic = topic(event.detailType());
    store.write(
        sql -> {
          for (Delivery delivery : deliveries) {
            EventTables.put(sql, delivery.name(), now, topic, body);
            store.afterCommit(delivery::wake);
          }
          return 0;
        });
  }

  private ObjectNode envelope(Event event, long now) {
    ObjectNode envelope = JSON.createObjectNode();
    envelope.put("version", "0");
    envelope.put("id", UUID.randomUUID().toString());
    envelope.put("detail-type", event.detailType());
    envelope.put("source", event.source());
    envelope.put("account", account);
    envelope.put("time", Instant.ofEpochMilli(now).truncatedTo(ChronoUnit.SECONDS).toString());
    envelope.put("region", region);
    event.resources().forEach(envelope.putArray("resources")::add);
    envelope.set("detail", event.detail());
    return envelope;
  }

  /** The topic of a detail type: its words in small letters, joined by hyphens. */
  public static String topic(String detailType) {
    return TOPIC_PREFIX + detailType.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
  }

  /** How many events wait, were delivered and died, per target that there ever was. */
  public List<TargetState> targets() {
    return store.read(
        sql ->
            sql.list(
                "SELECT t.target, t.delivered, t.dead, (SELECT COUNT(*) FROM events_outbox o WHERE"
                    + " o.target = t.target) AS waiting FROM events_targets t ORDER BY t.target",
                row ->
                    new TargetState(
                        row.text("target"),
                        row.number("waiting"),
                        row.number("delivered"),
                        row.number("dead"))));
  }

  /** The newest dead letters of all targets. */
  public List<DeadLetter> deadLetters(int atMost) {
    return store.read(
        sql ->
            sql.list(
                "SELECT * FROM events_dead ORDER BY died DESC, seq DESC LIMIT "
                    + Math.clamp(atMost, 1, 1000),
                row ->
                    new DeadLetter(
                        row.text("target"),
                        row.instant("created"),
                        row.instant("died"),
                        row.text("reason"),
                        row.text("body"))));
  }

  /** Stops delivering; what waits is delivered after the next start. */
  @Override
  public void close() {
    http.shutdownNow();
    deliveries.forEach(Delivery::close);
  }
}
