package io.ryegrass.registry.shadow;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.identity.CallResource;
import io.ryegrass.model.shadow.ShadowAnswers;
import io.ryegrass.model.shadow.ShadowDocument;
import io.ryegrass.model.shadow.ShadowException;
import io.ryegrass.model.shadow.ShadowTopics;
import io.ryegrass.registry.DeviceMessage;
import io.ryegrass.registry.DeviceMessages;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.registry.Registry;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The shadows of all things; thread-safe. */
public final class ShadowService {
  private static final Logger log = LoggerFactory.getLogger(ShadowService.class);
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
    ShadowTopics.checkNames(thing, shadowName);
    Instant now = clock.instant();
    return store
        .read(sql -> ShadowTable.find(sql, thing, shadowName, now))
        .filter(ShadowTable.Stored::present)
        .map(s -> ShadowAnswers.whole(s.document(), now.getEpochSecond()))
        .orElseThrow(() -> ShadowException.missing(thing, shadowName));
  }

  /**
   * Merges an update and sends delta, documents and accepted. Inside a transaction it joins that.
   *
   * @return what {@code update/accepted} carries
   * @throws ShadowException when the request is refused; nothing changed then
   */
  public JsonNode update(String thing, @Nullable String shadowName, byte[] document) {
    ShadowTopics.checkNames(thing, shadowName);
    return update(thing, shadowName, ShadowDocument.parse(document));
  }

  /** As {@link #update}, together with others' updates; not inside a transaction. */
  JsonNode updateTogether(String thing, @Nullable String shadowName, byte[] document) {
    ShadowTopics.checkNames(thing, shadowName);
    JsonNode request = ShadowDocument.parse(document);
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
          before.checkVersion(request, stored.filter(ShadowTable.Stored::present).isPresent());
          ShadowDocument after = before.updated(state, seconds);
          ShadowTable.save(sql, thing, shadowName, after, true, now);
          ObjectNode body = ShadowAnswers.accepted(request, after, seconds);
          var accepted =
              new ShadowMessages.Accepted(thing, shadowName, request, before, after, body, seconds);
          store.afterCommit(() -> announce(accepted));
          return body;
        });
  }

  private void announce(ShadowMessages.Accepted update) {
    messages.sendChange(update);
    // Listeners first: a device without its 'accepted' reports again, so none of them misses it.
    if (!listeners.isEmpty()) {
      JsonNode whole = ShadowAnswers.whole(update.after(), update.seconds());
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
    ShadowTopics.checkNames(thing, shadowName);
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
                  .orElseThrow(() -> ShadowException.missing(thing, shadowName));
          long version = stored.document().version();
          ShadowTable.save(sql, thing, shadowName, ShadowDocument.empty(version + 1), false, now);
          ObjectNode answer = JSON.createObjectNode();
          answer.put("version", version).put("timestamp", now.getEpochSecond());
          ShadowAnswers.copyToken(request, answer);
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
    ShadowTopics.checkNames(thing, null);
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
      ShadowTopics.checkNames(topic.thing(), topic.shadowName());
      switch (topic.operation()) {
        case "get" -> {
          request = ShadowDocument.parseOptional(payload);
          ObjectNode whole = (ObjectNode) get(topic.thing(), topic.shadowName());
          ShadowAnswers.copyToken(request, whole);
          messages.send(operation + "/accepted", whole);
        }
        case "update" -> {
          JsonNode update = ShadowDocument.parse(payload);
          request = update;
          ShadowDocument.checkToken(update);
          queue.run(() -> update(topic.thing(), topic.shadowName(), update));
        }
        default -> {
          request = ShadowDocument.parseOptional(payload);
          delete(topic.thing(), topic.shadowName(), request);
        }
      }
    } catch (ShadowException e) {
      messages.sendRejected(operation, e, request, now());
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

  long now() {
    return clock.instant().getEpochSecond();
  }
}
