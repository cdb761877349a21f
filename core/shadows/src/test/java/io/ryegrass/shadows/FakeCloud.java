package io.ryegrass.shadows;

import io.ryegrass.model.Json;
import io.ryegrass.model.shadow.ShadowAnswers;
import io.ryegrass.model.shadow.ShadowDocument;
import io.ryegrass.model.shadow.ShadowException;
import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessaging;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The shadows of a cloud by the cloud's own arithmetic, with the faces that a core sees of it, and
 * a line that can be cut: calls fail then, and messages are lost.
 */
final class FakeCloud implements ShadowCloud, CloudMessaging {
  private record Kept(ShadowDocument document, boolean present) {}

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Kept> shadows = new HashMap<>();
  private final Map<String, List<Consumer<CloudMessage>>> subscribers = new ConcurrentHashMap<>();
  final AtomicInteger calls = new AtomicInteger();
  final AtomicInteger updatesOfCore = new AtomicInteger();
  final Set<String> forbidden = ConcurrentHashMap.newKeySet();
  volatile boolean cut;

  /** Run once, before the next update that the core sends. */
  volatile @Nullable Runnable beforeUpdate;

  // ---- what somebody does in the cloud

  void update(String thing, String document) {
    change(path(thing), Json.read(document));
  }

  void delete(String thing) {
    remove(path(thing));
  }

  /** The state; missing when there is no such shadow. */
  JsonNode state(String thing) {
    return at(path(thing));
  }

  JsonNode at(String path) {
    lock.lock();
    try {
      Kept kept = shadows.get(path);
      return kept == null || !kept.present()
          ? Json.object().path("none")
          : kept.document().state().deepCopy();
    } finally {
      lock.unlock();
    }
  }

  long version(String thing) {
    lock.lock();
    try {
      Kept kept = shadows.get(path(thing));
      return kept == null ? 0 : kept.document().version();
    } finally {
      lock.unlock();
    }
  }

  Set<String> filters() {
    return subscribers.keySet();
  }

  private static String path(String thing) {
    return "/things/" + thing + "/shadow";
  }

  private ObjectNode change(String path, JsonNode request) {
    lock.lock();
    try {
      Kept before = shadows.getOrDefault(path, new Kept(ShadowDocument.empty(0), false));
      ObjectNode state = ShadowDocument.check(request);
      before.document().checkVersion(request, before.present());
      ShadowDocument after = before.document().updated(state, 1);
      shadows.put(path, new Kept(after, true));
      ObjectNode accepted = ShadowAnswers.accepted(request, after, 1);
      tell(path, "/update/accepted", accepted);
      return accepted;
    } finally {
      lock.unlock();
    }
  }

  private ObjectNode remove(String path) {
    lock.lock();
    try {
      Kept before = shadows.get(path);
      if (before == null || !before.present()) {
        throw new ShadowException(404, "no shadow");
      }
      long version = before.document().version();
      shadows.put(path, new Kept(ShadowDocument.empty(version + 1), false));
      ObjectNode deleted = ShadowAnswers.deleted(Json.object(), version, 1);
      tell(path, "/delete/accepted", deleted);
      return deleted;
    } finally {
      lock.unlock();
    }
  }

  private void tell(String path, String end, ObjectNode message) {
    URI uri = URI.create(path);
    String query = uri.getQuery();
    String topic =
        "$aws"
            + uri.getPath()
            + (query == null ? "" : "/name/" + query.substring("name=".length()))
            + end;
    if (!cut) {
      subscribers
          .getOrDefault(topic, List.of())
          .forEach(s -> s.accept(new CloudMessage(topic, Json.bytes(message), 1)));
    }
  }

  // ---- what a core sees

  @Override
  public JsonNode call(String method, String path, @Nullable JsonNode body) {
    if (cut) {
      throw new CloudUnavailableException("The line is cut.");
    }
    calls.incrementAndGet();
    if (forbidden.contains(path)) {
      throw new CloudRefusedException("ACCESS_DENIED", "403");
    }
    try {
      return switch (method) {
        case "GET" -> get(path);
        case "POST" -> {
          Runnable first = beforeUpdate;
          beforeUpdate = null;
          if (first != null) {
            first.run();
          }
          updatesOfCore.incrementAndGet();
          yield change(path, body == null ? Json.object() : body);
        }
        default -> remove(path);
      };
    } catch (ShadowException e) {
      throw new CloudRefusedException(
          switch (e.code()) {
            case 404 -> "RESOURCE_NOT_FOUND";
            case 409 -> "CONFLICTED_REQUEST";
            default -> "BAD_REQUEST";
          },
          String.valueOf(e.getMessage()));
    }
  }

  private JsonNode get(String path) {
    lock.lock();
    try {
      Kept kept = shadows.get(path);
      if (kept == null || !kept.present()) {
        throw new ShadowException(404, "no shadow");
      }
      return ShadowAnswers.whole(kept.document(), 1);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void publish(String topic, byte[] payload, int qos) {}

  @Override
  public AutoCloseable subscribe(String filter, int qos, Consumer<CloudMessage> c) {
    subscribers.computeIfAbsent(filter, f -> new CopyOnWriteArrayList<>()).add(c);
    return () ->
        subscribers.computeIfPresent(
            filter,
            (f, all) -> {
              all.remove(c);
              return all.isEmpty() ? null : all;
            });
  }

  @Override
  public boolean connected() {
    return !cut;
  }
}
