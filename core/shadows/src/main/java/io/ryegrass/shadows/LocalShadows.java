package io.ryegrass.shadows;

import io.ryegrass.durable.DurableException;
import io.ryegrass.model.Json;
import io.ryegrass.model.shadow.ShadowAnswers;
import io.ryegrass.model.shadow.ShadowDocument;
import io.ryegrass.model.shadow.ShadowException;
import io.ryegrass.model.shadow.ShadowTopics;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The operations on the core's shadows, whoever asks. Each shadow is changed by one thread at a
 * time, which also announces the change before the next one is made: subscribers see versions in
 * order. An update is on the disk before anybody hears that it was accepted.
 */
final class LocalShadows {
  private static final Logger LOG = LoggerFactory.getLogger(LocalShadows.class);
  private static final int LOCKS = 32;

  /** Where announcements go; must not block. */
  interface Announcer {
    void announce(String topic, byte[] payload);
  }

  private final ShadowStore store;
  private final Announcer announcer;
  private final RequestRates rates;
  private final Clock clock;
  private final ReentrantLock[] locks = new ReentrantLock[LOCKS];
  private volatile int maxBytes;
  private volatile Consumer<ShadowKey> changed = key -> {};

  LocalShadows(
      ShadowStore store, Announcer announcer, RequestRates rates, int maxBytes, Clock clock) {
    this.store = store;
    this.announcer = announcer;
    this.rates = rates;
    this.maxBytes = maxBytes;
    this.clock = clock;
    for (int i = 0; i < LOCKS; i++) {
      locks[i] = new ReentrantLock();
    }
  }

  void maxBytes(int bytes) {
    maxBytes = bytes;
  }

  /** Told after each change that somebody on this core made; must not block. */
  void onChange(Consumer<ShadowKey> listener) {
    changed = listener;
  }

  private interface Work<T> {
    T run(Instant now);
  }

  private <T> T alone(ShadowKey key, Work<T> work) {
    ReentrantLock lock = locks[Math.floorMod(key.hashCode(), LOCKS)];
    lock.lock();
    try {
      return work.run(clock.instant());
    } catch (DurableException e) {
      LOG.error("{} cannot be read or changed: {}", key, e.getMessage());
      throw new ShadowException(500, "Internal service failure");
    } finally {
      lock.unlock();
    }
  }

  /**
   * Serves one request, and announces its outcome on the shadow's topics.
   *
   * @param operation {@code get}, {@code update} or {@code delete}
   * @return the payload of {@code accepted}
   * @throws ShadowException when it is refused; that was announced, too
   */
  ObjectNode serve(ShadowKey key, String operation, byte[] payload) {
    JsonNode request = Json.object();
    try {
      if (!rates.pass(key.thing())) {
        throw new ShadowException(429, "Too Many Requests");
      }
      if (operation.equals("update")) {
        request = ShadowDocument.parse(payload);
        return update(key, request);
      }
      request = ShadowDocument.parseOptional(payload);
      return operation.equals("get") ? get(key, request) : delete(key, request);
    } catch (ShadowException e) {
      reject(key.prefix() + "/" + operation, e, request);
      throw e;
    }
  }

  /** What {@code …/rejected} carries. */
  ObjectNode rejection(ShadowException refusal, JsonNode request) {
    return ShadowAnswers.rejected(refusal, request, clock.instant().getEpochSecond());
  }

  /**
   * @param topic of the request
   */
  void reject(String topic, ShadowException refusal, JsonNode request) {
    announce(topic + "/rejected", rejection(refusal, request));
  }

  private ObjectNode get(ShadowKey key, JsonNode request) {
    return alone(
        key,
        now -> {
          ShadowStore.Stored stored = store.find(key, now);
          if (!stored.present()) {
            throw ShadowException.missing(key.thing(), key.nameOrNull());
          }
          ObjectNode whole = ShadowAnswers.whole(stored.document(), now.getEpochSecond());
          ShadowAnswers.copyToken(request, whole);
          announce(key.prefix() + "/get/accepted", whole);
          return whole;
        });
  }

  private ObjectNode update(ShadowKey key, JsonNode request) {
    ObjectNode state = ShadowDocument.check(request);
    ObjectNode accepted =
        alone(
            key,
            now -> {
              ShadowStore.Stored before = store.find(key, now);
              before.document().checkVersion(request, before.present());
              return change(key, before.document(), state, request, now);
            });
    changed.accept(key);
    return accepted;
  }

  /** Saves and announces; returns what {@code update/accepted} carries. */
  private ObjectNode change(
      ShadowKey key,
      ShadowDocument before,
      @Nullable ObjectNode state,
      JsonNode request,
      Instant now) {
    long seconds = now.getEpochSecond();
    ShadowDocument after = before.updated(state, seconds, maxBytes);
    store.save(key, after, true, now);
    String prefix = key.prefix() + "/update/";
    ShadowDocument.Delta delta = after.delta();
    if (!delta.isEmpty()) {
      announce(prefix + "delta", ShadowAnswers.delta(request, delta, after.version(), seconds));
    }
    announce(prefix + "documents", ShadowAnswers.documents(request, before, after, seconds));
    ObjectNode accepted = ShadowAnswers.accepted(request, after, seconds);
    announce(prefix + "accepted", accepted);
    return accepted;
  }

  private ObjectNode delete(ShadowKey key, JsonNode request) {
    ObjectNode answer =
        alone(
            key,
            now -> {
              ShadowStore.Stored stored = store.find(key, now);
              if (!stored.present()) {
                throw ShadowException.missing(key.thing(), key.nameOrNull());
              }
              return remove(key, stored.version(), request, now);
            });
    changed.accept(key);
    return answer;
  }

  private ObjectNode remove(ShadowKey key, long version, JsonNode request, Instant now) {
    store.save(key, ShadowDocument.empty(version + 1), false, now);
    ObjectNode answer = ShadowAnswers.deleted(request, version, now.getEpochSecond());
    announce(key.prefix() + "/delete/accepted", answer);
    return answer;
  }

  /**
   * Names of a thing's named shadows after this one, in order.
   *
   * @throws ShadowException 429, or 400 for what cannot be a thing
   */
  List<String> names(String thing, String after, int most) {
    ShadowTopics.checkNames(thing, null);
    if (!rates.pass(thing)) {
      throw new ShadowException(429, "Too Many Requests");
    }
    return store.names(thing, after, most, clock.instant());
  }

  // ---- for the synchronization, which no rate limits and nobody is told of as a change

  ShadowStore.Stored look(ShadowKey key) {
    return alone(key, now -> store.find(key, now));
  }

  /**
   * Merges what came from the cloud, if the shadow still has this version.
   *
   * @return the shadow afterwards; empty when somebody else was quicker
   * @throws ShadowException 413 when it would grow too large for this core
   */
  Optional<ShadowStore.Stored> apply(ShadowKey key, long version, ObjectNode patch) {
    ObjectNode request = Json.object();
    request.set("state", patch);
    return alone(
        key,
        now -> {
          ShadowStore.Stored before = store.find(key, now);
          if (before.version() != version) {
            return Optional.empty();
          }
          change(key, before.document(), patch, request, now);
          return Optional.of(store.find(key, now));
        });
  }

  /** Deletes what the cloud no longer has, if the shadow still has this version. */
  Optional<ShadowStore.Stored> remove(ShadowKey key, long version) {
    return alone(
        key,
        now -> {
          ShadowStore.Stored before = store.find(key, now);
          if (before.version() != version || !before.present()) {
            return Optional.empty();
          }
          remove(key, version, Json.object(), now);
          return Optional.of(store.find(key, now));
        });
  }

  private void announce(String topic, ObjectNode message) {
    announcer.announce(topic, Json.bytes(message));
  }
}
