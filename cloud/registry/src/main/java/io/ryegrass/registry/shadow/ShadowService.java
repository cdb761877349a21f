package io.ryegrass.registry.shadow;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.registry.DeviceMessage;
import io.ryegrass.registry.DeviceMessages;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.registry.Registry;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Keeps the shadows, checks versions, and sends the messages of each change. */
public final class ShadowService {
  private static final Logger log = LoggerFactory.getLogger(ShadowService.class);
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Pattern THING_NAME = Pattern.compile("[a-zA-Z0-9:_-]{1,128}");
  private static final Pattern SHADOW_NAME = Pattern.compile("[$a-zA-Z0-9:_-]{1,64}");

  private final CloudStore store;
  private final DeviceMessages messages;
  private final Clock clock;
  private final ShadowApi api;
  private final List<ShadowListener> listeners = new CopyOnWriteArrayList<>();

  public ShadowService(CloudStore store, Registry registry, DeviceMessages messages, Clock clock) {
    this.store = store;
    this.messages = messages;
    this.clock = clock;
    this.api = new ShadowApi(this, registry, messages);
  }

  public static List<Migration> migrations() {
    return List.of(
        new Migration(
            "shadow",
            1,
            """
            CREATE TABLE shadows (
              thing TEXT NOT NULL,
              name TEXT NOT NULL,
              state TEXT NOT NULL,
              metadata TEXT NOT NULL,
              version BIGINT NOT NULL,
              updated BIGINT NOT NULL,
              present INTEGER NOT NULL,
              PRIMARY KEY (thing, name))
            """));
  }

  /**
   * The whole document: state with delta, metadata, version, timestamp.
   *
   * @throws ShadowException 404 when there is none
   */
  public JsonNode get(String thing, @Nullable String shadowName) {
    checkNames(thing, shadowName);
    return store.read(
        sql ->
            find(sql, thing, shadowName)
                .filter(Stored::present)
                .map(s -> whole(s.document(), now()))
                .orElseThrow(() -> missing(shadowName)));
  }

  /**
   * Merges an update and sends delta, documents and accepted.
   *
   * @return what {@code update/accepted} carries
   * @throws ShadowException when the request is refused; nothing changed then
   */
  public JsonNode update(String thing, @Nullable String shadowName, byte[] document) {
    checkNames(thing, shadowName);
    return update(thing, shadowName, parse(document));
  }

  private JsonNode update(String thing, @Nullable String shadowName, JsonNode request) {
    ObjectNode state = ShadowDocument.check(request);
    long seconds = now();
    return store.write(
        sql -> {
          Optional<Stored> stored = find(sql, thing, shadowName);
          ShadowDocument before =
              stored.map(Stored::document).orElseGet(() -> ShadowDocument.empty(0));
          checkVersion(request, stored, before);
          ShadowDocument after = before.updated(state, seconds);
          save(sql, thing, shadowName, after, true);
          ObjectNode accepted = accepted(request, after, seconds);
          store.afterCommit(
              () -> announce(thing, shadowName, request, before, after, accepted, seconds));
          return accepted;
        });
  }

  private static void checkVersion(
      JsonNode request, Optional<Stored> stored, ShadowDocument before) {
    JsonNode wanted = request.get("version");
    if (wanted == null || wanted.isNull()) {
      return;
    }
    if (stored.filter(Stored::present).isEmpty()) {
      if (wanted.asLong() != 1 && wanted.asLong() != before.version()) {
        throw new ShadowException(400, "Invalid version");
      }
    } else if (wanted.asLong() != before.version()) {
      throw new ShadowException(409, "Version conflict");
    }
  }

  private static ObjectNode accepted(JsonNode request, ShadowDocument after, long seconds) {
    ObjectNode accepted = JSON.createObjectNode();
    JsonNode requested = request.path("state");
    accepted.set("state", requested.deepCopy());
    ObjectNode metadata = accepted.putObject("metadata");
    for (String section : ShadowDocument.SECTIONS) {
      if (requested.get(section) instanceof ObjectNode values) {
        metadata.set(section, ShadowDocument.timestamps(values, seconds));
      }
    }
    accepted.put("version", after.version()).put("timestamp", seconds);
    copyToken(request, accepted);
    return accepted;
  }

  private void announce(
      String thing,
      @Nullable String shadowName,
      JsonNode request,
      ShadowDocument before,
      ShadowDocument after,
      ObjectNode accepted,
      long seconds) {
    String prefix = ShadowTopics.prefix(thing, shadowName) + "/update";
    ShadowDocument.Delta delta = after.delta();
    if (!delta.isEmpty()) {
      ObjectNode message = JSON.createObjectNode();
      message.put("version", after.version()).put("timestamp", seconds);
      message.set("state", delta.state());
      message.set("metadata", delta.metadata());
      copyToken(request, message);
      publish(prefix + "/delta", message);
    }
    ObjectNode documents = JSON.createObjectNode();
    if (!before.isEmpty()) {
      documents.set("previous", part(before));
    }
    documents.set("current", part(after));
    documents.put("timestamp", seconds);
    copyToken(request, documents);
    publish(prefix + "/documents", documents);
    // Listeners first: a device without its 'accepted' reports again, so none of them misses it.
    JsonNode whole = whole(after, seconds);
    listeners.forEach(listener -> listener.accepted(thing, shadowName, whole));
    publish(prefix + "/accepted", accepted);
  }

  private static ObjectNode part(ShadowDocument document) {
    ObjectNode part = JSON.createObjectNode();
    part.set("state", document.state());
    part.set("metadata", document.metadata());
    return part.put("version", document.version());
  }

  /**
   * Deletes a shadow; its version stays, so that the next one goes on counting.
   *
   * @return version and timestamp
   * @throws ShadowException 404 when there is none
   */
  public JsonNode delete(String thing, @Nullable String shadowName) {
    checkNames(thing, shadowName);
    return delete(thing, shadowName, JSON.createObjectNode());
  }

  private JsonNode delete(String thing, @Nullable String shadowName, JsonNode request) {
    return store.write(
        sql -> {
          Stored stored =
              find(sql, thing, shadowName)
                  .filter(Stored::present)
                  .orElseThrow(() -> missing(shadowName));
          long version = stored.document().version();
          save(sql, thing, shadowName, ShadowDocument.empty(version + 1), false);
          ObjectNode answer = JSON.createObjectNode();
          answer.put("version", version).put("timestamp", now());
          copyToken(request, answer);
          store.afterCommit(
              () -> publish(ShadowTopics.prefix(thing, shadowName) + "/delete/accepted", answer));
          return answer;
        });
  }

  /** Names of the thing's named shadows, in order. */
  List<String> names(String thing) {
    return store.read(
        sql ->
            sql.list(
                "SELECT name FROM shadows WHERE thing = ? AND name <> '' AND present = 1"
                    + " ORDER BY name LIMIT 1000",
                row -> row.text("name"),
                thing));
  }

  /** Answers the shadow topics; what cannot be done is answered on {@code …/rejected}. */
  public DeviceTopicHandler topics() {
    return new DeviceTopicHandler() {
      @Override
      public boolean accepts(String topic) {
        return ShadowTopics.isShadowTopic(topic);
      }

      @Override
      public void handle(DeviceMessage message) {
        ShadowTopics.parse(message.topic())
            .ifPresentOrElse(
                topic -> answer(topic, message.payload()),
                () -> log.debug("nobody answers topic {}", message.topic()));
      }
    };
  }

  private void answer(ShadowTopics topic, byte[] payload) {
    String operation = topic.prefix() + "/" + topic.operation();
    JsonNode request = JSON.createObjectNode();
    try {
      checkNames(topic.thing(), topic.shadowName());
      if (payload.length > 0) {
        request = parse(payload);
        ShadowDocument.checkToken(request);
      } else if (topic.operation().equals("update")) {
        throw new ShadowException(400, "Invalid JSON");
      }
      switch (topic.operation()) {
        case "get" -> {
          ObjectNode whole = (ObjectNode) get(topic.thing(), topic.shadowName());
          copyToken(request, whole);
          publish(operation + "/accepted", whole);
        }
        case "update" -> update(topic.thing(), topic.shadowName(), request);
        default -> delete(topic.thing(), topic.shadowName(), request);
      }
    } catch (ShadowException e) {
      ObjectNode rejected = JSON.createObjectNode();
      rejected.put("code", e.code()).put("message", e.getMessage()).put("timestamp", now());
      copyToken(request, rejected);
      publish(operation + "/rejected", rejected);
    }
  }

  /** The same operations over HTTPS, for devices. */
  public List<DeviceRoute> routes() {
    return api.routes();
  }

  /** The same operations with Signature V4, service {@code iotdata}. */
  public ServiceOperations iotData() {
    return api.operations();
  }

  public void onAccepted(ShadowListener listener) {
    listeners.add(listener);
  }

  static ObjectNode whole(ShadowDocument document, long seconds) {
    ObjectNode whole = part(document).deepCopy();
    ShadowDocument.Delta delta = document.delta();
    if (!delta.isEmpty()) {
      ((ObjectNode) whole.path("state")).set("delta", delta.state());
    }
    return whole.put("timestamp", seconds);
  }

  private static JsonNode parse(byte[] document) {
    try {
      return JSON.readTree(document);
    } catch (JacksonException e) {
      throw new ShadowException(400, "Invalid JSON");
    }
  }

  private static void checkNames(String thing, @Nullable String shadowName) {
    if (!THING_NAME.matcher(thing).matches()) {
      throw new ShadowException(400, "Invalid thing name: " + thing);
    }
    if (shadowName != null && !SHADOW_NAME.matcher(shadowName).matches()) {
      throw new ShadowException(400, "Invalid shadow name: " + shadowName);
    }
  }

  private static void copyToken(JsonNode request, ObjectNode answer) {
    JsonNode token = request.get("clientToken");
    if (token != null && token.isString()) {
      answer.set("clientToken", token);
    }
  }

  private static ShadowException missing(@Nullable String shadowName) {
    return new ShadowException(
        404,
        "No shadow exists with name: '"
            + (shadowName == null ? "Unnamed Shadow" : shadowName)
            + "'");
  }

  private record Stored(ShadowDocument document, boolean present) {}

  private static Optional<Stored> find(Sql sql, String thing, @Nullable String shadowName) {
    return sql.one(
        "SELECT state, metadata, version, present FROM shadows WHERE thing = ? AND name = ?",
        row ->
            new Stored(
                new ShadowDocument(
                    (ObjectNode) JSON.readTree(row.text("state")),
                    (ObjectNode) JSON.readTree(row.text("metadata")),
                    row.number("version")),
                row.flag("present")),
        thing,
        shadowName == null ? "" : shadowName);
  }

  private void save(
      Sql sql,
      String thing,
      @Nullable String shadowName,
      ShadowDocument document,
      boolean present) {
    sql.update(
        "INSERT INTO shadows (thing, name, state, metadata, version, updated, present)"
            + " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (thing, name) DO UPDATE SET"
            + " state = excluded.state, metadata = excluded.metadata, version = excluded.version,"
            + " updated = excluded.updated, present = excluded.present",
        thing,
        shadowName == null ? "" : shadowName,
        document.state().toString(),
        document.metadata().toString(),
        document.version(),
        clock.instant(),
        present);
  }

  private void publish(String topic, JsonNode message) {
    messages.publish(topic, JSON.writeValueAsBytes(message), 1);
  }

  long now() {
    return clock.instant().getEpochSecond();
  }
}
