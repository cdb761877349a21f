package io.ryegrass.cloudlink;

import io.ryegrass.model.Json;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ComponentMetric;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.NucleusConfiguration;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * System health telemetry (v2-deployments.md section 12, TEL-01, TEL-05 … TEL-07): the device's
 * load, how many components are in which state, and what components of AWS's put themselves
 * (PutComponentMetric); sampled each minute, aggregated and published at the intervals of {@code
 * telemetry.*}, which count at once when they change (NUC-21).
 *
 * <p>What is measured is on disk each five minutes, at each aggregation and at an orderly end: a
 * restart loses nothing, a power cut at most those minutes. What waits for the cloud is bounded
 * ({@link TelemetryState#MOST_BYTES}), the oldest gives way.
 */
final class Telemetry implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Telemetry.class);
  private static final Duration TICK = Duration.ofMinutes(1);
  private static final int TICKS_BETWEEN_WRITES = 5;
  private static final Duration USUAL_AGGREGATE = Duration.ofSeconds(3_600);
  private static final Duration USUAL_PUBLISH = Duration.ofSeconds(86_400);
  private static final String SCHEMA = "2022-06-30";
  private static final int HEAD_BYTES = 64;

  /** Takes a message; returns when the cloud has it. */
  interface Publisher {
    void publish(String topic, ObjectNode message) throws InterruptedException;
  }

  /**
   * What is measured.
   *
   * @param components all of them, now
   * @param put numbers put since the last call
   */
  record Sources(
      Supplier<NucleusConfiguration> configuration,
      Supplier<List<ComponentStatus>> components,
      Supplier<List<ComponentMetric>> put,
      SystemProbe system) {}

  private final Sources sources;
  private final Publisher publisher;
  private final String topic;
  private final Clock clock;
  private final TelemetryState state;
  private final ReentrantLock lock = new ReentrantLock();
  private final Thread thread = Thread.ofVirtual().name("telemetry").unstarted(this::run);
  private int unwritten; // lock

  /**
   * @param folder {@code telemetry/} of the root
   */
  Telemetry(Path folder, String thing, Sources sources, Publisher publisher, Clock clock) {
    this.sources = sources;
    this.publisher = publisher;
    this.topic = "$aws/things/" + thing + "/greengrass/health/json";
    this.clock = clock;
    this.state = new TelemetryState(folder.resolve("telemetry.json"), clock.millis());
  }

  void start() {
    thread.start();
  }

  private void run() {
    try {
      while (true) {
        try {
          tick();
        } catch (RuntimeException e) {
          LOG.warn("Telemetry: {}", e.getMessage());
        }
        Thread.sleep(TICK);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closed
    }
  }

  /** One minute's work. */
  void tick() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      NucleusConfiguration n = sources.configuration().get();
      long now = clock.millis();
      if (!n.find("telemetry", "enabled").map(v -> v.asBoolean(true)).orElse(true)) {
        var unwanted = sources.put().get();
        LOG.trace("Telemetry is off; {} metrics are left out", unwanted.size());
        state.forget(now);
        return;
      }
      measure();
      boolean changed = false;
      if (now - state.windowSince
          >= interval(n, "periodicAggregateMetricsIntervalSeconds", USUAL_AGGREGATE)) {
        state.aggregate(now);
        changed = true;
      }
      if (changed || ++unwritten >= TICKS_BETWEEN_WRITES) {
        store();
      }
      if (now - state.publishedAt
          >= interval(n, "periodicPublishMetricsIntervalSeconds", USUAL_PUBLISH)) {
        publish(now);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Milliseconds; what is less than the usual interval does not count (TEL-01). */
  private static long interval(NucleusConfiguration n, String key, Duration usual) {
    long seconds =
        n.find("telemetry", key)
            .filter(v -> v.isNumber() || v.isString())
            .map((JsonNode v) -> v.asLong(usual.toSeconds()))
            .orElse(usual.toSeconds());
    return Math.max(seconds, usual.toSeconds()) * 1000;
  }

  private void measure() {
    sources
        .system()
        .sample()
        .ifPresent(
            s -> {
              average("SystemMetrics", "CpuUsage", "Percent", s.cpuPercent());
              average("SystemMetrics", "SystemMemUsage", "Megabytes", s.memoryMegabytes());
              average("SystemMetrics", "TotalNumberOfFDs", "Count", s.fileDescriptors());
            });
    Map<ComponentState, Integer> count = new EnumMap<>(ComponentState.class);
    sources.components().get().forEach(c -> count.merge(c.state(), 1, Integer::sum));
    for (String name :
        new String[] {
          "Installed",
          "Starting",
          "Running",
          "Stopping",
          "Errored",
          "Broken",
          "Finished",
          "New",
          "Stateless"
        }) {
      int n = 0;
      for (Map.Entry<ComponentState, Integer> e : count.entrySet()) {
        n += e.getKey().name().equals(name.toUpperCase(Locale.ROOT)) ? e.getValue() : 0;
      }
      average("GreengrassComponents", "NumberOfComponents" + name, "Count", n);
    }
    for (ComponentMetric m : sources.put().get()) {
      state.add(new TelemetryState.Key(m.component(), m.name(), unit(m.unit()), "Sum"), m.value());
    }
  }

  private void average(String namespace, String name, String unit, double value) {
    state.add(new TelemetryState.Key(namespace, name, unit, "Average"), value);
  }

  /** {@code BYTES_PER_SECOND} of the IPC is {@code BytesPerSecond} here. */
  private static String unit(String ipc) {
    StringBuilder out = new StringBuilder();
    for (String word : ipc.split("_")) {
      if (!word.isEmpty()) {
        out.append(word.charAt(0)).append(word.substring(1).toLowerCase(Locale.ROOT));
      }
    }
    return out.toString();
  }

  /** What the cloud has is not sent again, also when the next message fails. */
  private void publish(long now) throws InterruptedException {
    try {
      List<ObjectNode> points = state.next(FleetMessages.MAX_BYTES - HEAD_BYTES);
      while (!points.isEmpty()) {
        ObjectNode message = Json.object().put("Schema", SCHEMA);
        ArrayNode adp = message.putArray("ADP");
        points.forEach(adp::add);
        publisher.publish(topic, message);
        state.told(points.size());
        store();
        points = state.next(FleetMessages.MAX_BYTES - HEAD_BYTES);
      }
      state.publishedAt = now;
      store();
    } catch (CloudUnavailableException e) {
      LOG.debug("Telemetry waits for the connection: {}", e.getMessage());
    }
  }

  private void store() {
    unwritten = 0;
    try {
      state.store();
    } catch (RuntimeException e) {
      LOG.warn("Telemetry is not kept over a restart: {}", e.getMessage());
    }
  }

  /** Keeps what was measured until now. */
  @Override
  public void close() {
    thread.interrupt();
    lock.lock();
    try {
      for (ComponentMetric m : sources.put().get()) {
        state.add(
            new TelemetryState.Key(m.component(), m.name(), unit(m.unit()), "Sum"), m.value());
      }
      store();
    } finally {
      lock.unlock();
    }
  }
}
