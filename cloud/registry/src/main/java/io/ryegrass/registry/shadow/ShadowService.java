package io.ryegrass.registry.shadow;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.identity.CallResource;
import io.ryegrass.registry.DeviceMessage;
import io.ryegrass.registry.DeviceMessages;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.registry.Registry;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
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

/** The shadows of all things; thread-safe. */
public final class ShadowService {
  private static final Logger log = LoggerFactory.getLogger(ShadowService.class);
  private static final Pattern THING_NAME = Pattern.compile("[a-zA-Z0-9:_-]{1,128}");
  private static final Pattern SHADOW_NAME = Pattern.compile("[$a-zA-Z0-9:_-]{1,64}");
  private static final int PAGE = 100;
  private static final JsonMapper JSON = JsonMapper.shared();

  private final CloudStore store;
  private final ShadowMessages messages;
  private final Clock clock;
  private final ShadowApi api;
  private final UpdateQueue queue;
  private final List<ShadowListener> listeners = new CopyOnWriteArrayList<>();

  public ShadowService(CloudStore store, Registry registry, DeviceMessages messages, Clock clock) {
    this.store = store;
    this.messages = new ShadowMessages(messages);
    this.clock = clock;
    this.queue = new UpdateQueue(store);
    this.api = new ShadowApi(this, registry);
  }

  public static List<Migration> migrations() {
    return ShadowTable.migrations();
  }

  /**
   * The whole document: state with delta, metadata, version, timestamp.
   *
   * @throws ShadowException 404 when there is none
   */
  public JsonNode get(String thing, @Nullable String shadowName) {
    checkNames(thing, shadowName);
    Instant now = clock.instant();
    return store
        .read(sql -> ShadowTable.find(sql, thing, shadowName, now))
        .filter(ShadowTable.Stored::present)
        .map(s -> ShadowMessages.whole(s.document(), now.getEpochSecond()))
        .orElseThrow(() -> missing(thing, shadowName));
  }

  /**
   * Merges an update and sends delta, documents and accepted. Inside a transaction it joins that.
   *
   * @return what {@code update/accepted} carries
   * @throws ShadowException when the request is refused; nothing changed then
   */
  public JsonNode update(String thing, @Nullable String shadowName, byte[] document) {
    checkNames(thing, shadowName);
    return update(thing, shadowName, parse(document));
  }

  /** As {@link #update}, together with others' updates; not inside a transaction. */
  JsonNode updateTogether(String thing, @Nullable String shadowName, byte[] document) {
    checkNames(thing, shadowName);
    JsonNode request = parse(document);
    return queue.run(() -> update(thing, shadowName, request));
  }

  private JsonNode update(String thing, @Nullable String shadowName, JsonNode request) {
    ObjectNode state = ShadowDocument.check(request);
    Instant now = clock.instant();
    long seconds = now.getEpochSecond();
    return store.write(
        sql -> {
          Optional<ShadowTable.Stored> stored = ShadowTable.find(sql, thing, shadowName, now);
          ShadowDocument before =
              stored.map(ShadowTable.Stored::document).orElseGet(() -> ShadowDocument.empty(0));
          checkVersion(request, stored, before);
          ShadowDocument after = before.updated(state, seconds);
          ShadowTable.save(sql, thing, shadowName, after, true, now);
          ObjectNode body = ShadowMessages.acceptedBody(request, after, seconds);
          var accepted =
              new ShadowMessages.Accepted(thing, shadowName, request, before, after, body, seconds);
          store.afterCommit(() -> announce(accepted));
          return body;
        });
  }

  private static void checkVersion(
      JsonNode request, Optional<ShadowTable.Stored> stored, ShadowDocument before) {
    JsonNode wanted = request.get("version");
    if (wanted == null || wanted.isNull()) {
      return;
    }
    if (stored.filter(ShadowTable.Stored::present).isEmpty()) {
      if (wanted.asLong() != 1 && wanted.asLong() != before.version()) {
        throw new ShadowException(400, "Invalid version");
      }
    } else if (wanted.asLong() != before.version()) {
      throw new ShadowException(409, "Version conflict");
    }
  }

  private void announce(ShadowMessages.Accepted update) {
    messages.sendChange(update);
    // Listeners first: a device without its 'accepted' reports again, so none of them misses it.
    if (!listeners.isEmpty()) {
      JsonNode whole = ShadowMessages.whole(update.after(), update.seconds());
      listeners.forEach(l -> l.accepted(update.thing(), update.shadowName(), whole));
    }
    messages.sendAccepted(update);
  }

  /**
   * Deletes a shadow; its version stays for two days, so that the next one goes on counting.
   *
   * @return version and timestamp
   * @throws ShadowException 404 when there is none
   */
  public JsonNode delete(String thing, @Nullable String shadowName) {
    checkNames(thing, shadowName);
    return delete(thing, shadowName, JSON.createObjectNode());
  }

  private JsonNode delete(String thing, @Nullable String shadowName, JsonNode request) {
    Instant now = clock.instant();
    return store.write(
        sql -> {
          ShadowTable.forgetDeleted(sql, now);
          ShadowTable.Stored stored =
              ShadowTable.find(sql, thing, shadowName, now)
                  .filter(ShadowTable.Stored::present)
                  .orElseThrow(() -> missing(thing, shadowName));
          long version = stored.document().version();
          ShadowTable.save(sql, thing, shadowName, ShadowDocument.empty(version + 1), false, now);
          ObjectNode answer = JSON.createObjectNode();
          answer.put("version", version).put("timestamp", now.getEpochSecond());
          ShadowMessages.copyToken(request, answer);
          store.afterCommit(
              () ->
                  messages.send(
                      ShadowTopics.prefix(thing, shadowName) + "/delete/accepted", answer));
          return answer;
        });
  }

  /**
   * A page of the names of a thing's named shadows.
   *
   * @param after the last name of the page before, empty for the first page
   * @param size 1 to 100
   * @return one name more than the page has, if there are more
   */
  List<String> names(String thing, String after, int size) {
    checkNames(thing, null);
    return store.read(sql -> ShadowTable.names(sql, thing, after, Math.clamp(size, 1, PAGE) + 1));
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
      switch (topic.operation()) {
        case "get" -> {
          request = optional(payload);
          ObjectNode whole = (ObjectNode) get(topic.thing(), topic.shadowName());
          ShadowMessages.copyToken(request, whole);
          messages.send(operation + "/accepted", whole);
        }
        case "update" -> {
          JsonNode update = parse(payload);
          request = update;
          ShadowDocument.checkToken(update);
          queue.run(() -> update(topic.thing(), topic.shadowName(), update));
        }
        default -> {
          request = optional(payload);
          delete(topic.thing(), topic.shadowName(), request);
        }
      }
    } catch (ShadowException e) {
      messages.sendRejected(operation, e, request, now());
    }
  }

  private static JsonNode optional(byte[] payload) {
    if (payload.length == 0) {
      return JSON.createObjectNode();
    }
    JsonNode request = parse(payload);
    ShadowDocument.checkToken(request);
    return request;
  }

  /** The same operations over HTTPS, for devices. */
  public List<DeviceRoute> routes() {
    return api.routes();
  }

  /** The same operations with Signature V4, service {@code iotdata}. */
  public ServiceOperations iotData() {
    return api.operations();
  }

  /**
   * The resource of a call for a named shadow, which the request's members do not show: {@code
   * thing/THING/SHADOW}.
   */
  public Optional<CallResource> find(CallContext call, String iamAction, ObjectNode input) {
    return api.resource(iamAction, input);
  }

  public void onAccepted(ShadowListener listener) {
    listeners.add(listener);
  }

  /** Only UTF-8 is taken, though a JSON parser would guess at other encodings. */
  private static JsonNode parse(byte[] document) {
    try {
      String text =
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(document)).toString();
      JsonNode parsed = JSON.readTree(text);
      if (parsed.isMissingNode()) {
        throw new ShadowException(400, "Invalid JSON");
      }
      return parsed;
    } catch (CharacterCodingException e) {
      throw new ShadowException(
          415, "Unsupported documented encoding; supported encoding is UTF-8");
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

  /** AWS names the thing where the classic shadow is missing. */
  private static ShadowException missing(String thing, @Nullable String shadowName) {
    return new ShadowException(
        404, "No shadow exists with name: '" + (shadowName == null ? thing : shadowName) + "'");
  }

  long now() {
    return clock.instant().getEpochSecond();
  }
}
