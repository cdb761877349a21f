package io.ryegrass.cloudlink;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What was measured and not yet told, on disk: the aggregation under way, and the aggregated data
 * points that wait for their publication. For one thread.
 */
final class TelemetryState {
  /** Some days of ordinary data points; older ones give way. */
  static final int MOST_BYTES = 512 << 10;

  private static final Logger LOG = LoggerFactory.getLogger(TelemetryState.class);

  /**
   * @param aggregation {@code Average} or {@code Sum}, which is also the key of the value
   */
  record Key(String namespace, String name, String unit, String aggregation) {}

  private record Total(double sum, long count) {}

  private final Path file;
  private final Map<Key, Total> window = new LinkedHashMap<>();
  private final List<ObjectNode> waiting = new ArrayList<>();
  private long waitingBytes;
  private long dropped;
  long windowSince;
  long publishedAt;

  TelemetryState(Path file, long now) {
    this.file = file;
    this.windowSince = now;
    this.publishedAt = now;
    load();
    // a clock that was set back must not keep anything waiting for years
    windowSince = Math.min(windowSince, now);
    publishedAt = Math.min(publishedAt, now);
  }

  void add(Key key, double value) {
    window.merge(
        key, new Total(value, 1), (a, b) -> new Total(a.sum() + b.sum(), a.count() + b.count()));
  }

  /** Ends an aggregation: one data point for each namespace (section 12). */
  void aggregate(long now) {
    Map<String, ObjectNode> points = new LinkedHashMap<>();
    window.forEach(
        (key, total) -> {
          ObjectNode point =
              points.computeIfAbsent(
                  key.namespace(),
                  ns -> {
                    ObjectNode p = Json.object().put("TS", now).put("NS", ns);
                    p.putArray("M");
                    return p;
                  });
          double value =
              key.aggregation().equals("Average") ? total.sum() / total.count() : total.sum();
          ObjectNode metric = ((ArrayNode) point.get("M")).addObject().put("N", key.name());
          if (value == Math.rint(value) && Math.abs(value) < 1e15) {
            metric.put(key.aggregation(), (long) value);
          } else {
            metric.put(key.aggregation(), Math.round(value * 1000) / 1000.0);
          }
          metric.put("U", key.unit());
        });
    points.values().forEach(this::append);
    window.clear();
    windowSince = now;
  }

  private void append(ObjectNode point) {
    waiting.add(point);
    waitingBytes += size(point);
    while (waitingBytes > MOST_BYTES) {
      waitingBytes -= size(waiting.removeFirst());
      if (Long.bitCount(++dropped) == 1) {
        LOG.warn("Telemetry waits for the cloud too long; {} data points are left out", dropped);
      }
    }
  }

  private static int size(ObjectNode point) {
    return Json.bytes(point).length + 1;
  }

  /** The next message's data points, the oldest first; empty when nothing waits. */
  List<ObjectNode> next(int room) {
    List<ObjectNode> taken = new ArrayList<>();
    int used = 0;
    for (ObjectNode point : waiting) {
      used += size(point);
      if (used > room && !taken.isEmpty()) {
        break;
      }
      taken.add(point);
    }
    return taken;
  }

  /** The first data points have been told. */
  void told(int count) {
    for (int i = 0; i < count; i++) {
      waitingBytes -= size(waiting.removeFirst());
    }
  }

  /** Nobody wants to know any more. */
  void forget(long now) {
    window.clear();
    waiting.clear();
    waitingBytes = 0;
    windowSince = now;
    publishedAt = now;
  }

  void store() {
    ObjectNode top = Json.object();
    top.put("windowSince", windowSince).put("publishedAt", publishedAt);
    ArrayNode w = top.putArray("window");
    window.forEach(
        (k, t) ->
            w.addObject()
                .put("NS", k.namespace())
                .put("N", k.name())
                .put("U", k.unit())
                .put("A", k.aggregation())
                .put("sum", t.sum())
                .put("count", t.count()));
    ArrayNode points = top.putArray("waiting");
    waiting.forEach(points::add);
    DurableFiles.writeAtomically(file, Json.bytes(top));
  }

  private void load() {
    byte @Nullable [] content = DurableFiles.read(file).orElse(null);
    if (content == null) {
      return;
    }
    try {
      JsonNode top = Json.read(content);
      windowSince = top.path("windowSince").asLong(windowSince);
      publishedAt = top.path("publishedAt").asLong(publishedAt);
      for (JsonNode k : top.path("window")) {
        window.put(
            new Key(text(k, "NS"), text(k, "N"), text(k, "U"), text(k, "A")),
            new Total(k.path("sum").asDouble(0), Math.max(1, k.path("count").asLong(1))));
      }
      for (JsonNode point : top.path("waiting")) {
        if (point instanceof ObjectNode o) {
          append(o);
        }
      }
    } catch (JacksonException e) {
      LOG.warn("{} cannot be read ({}); telemetry begins anew", file, e.getOriginalMessage());
    }
  }

  private static String text(JsonNode node, String key) {
    return node.path(key).asString("");
  }
}
