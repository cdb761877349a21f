package io.ryegrass.components;

import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import io.ryegrass.store.StoreException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who is connected, from the MQTT connections themselves, so that a core that is gone is seen gone
 * within its keep-alive and not a day later (decision 032). Connections are told on threads that
 * must not wait; a thread of this class's own writes what has changed, the last state of each
 * thing, at most a second later. A beat twice a minute tells the next start how long this one
 * lived: what was connected then was last seen then.
 */
final class CorePresence implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CorePresence.class);
  private static final String BEAT = "presence-beat";

  /** So that a fleet that comes at once does not keep other writers from their turn. */
  private static final int AT_ONCE = 250;

  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final Duration BEATS = Duration.ofSeconds(30);

  private final CloudStore store;
  private final FleetEvents events;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();

  /** By thing: bounded by the number of things that connect within a second. */
  private Map<String, Change> changes = new LinkedHashMap<>();

  private final CountDownLatch stopped = new CountDownLatch(1);
  private @Nullable Thread thread;
  private long lastBeat; // writer's thread

  CorePresence(CloudStore store, FleetEvents events, Clock clock) {
    this.store = store;
    this.events = events;
    this.clock = clock;
  }

  private record Change(boolean connected, String reason, long at) {}

  /**
   * What is known of a thing's connection.
   *
   * @param changed when it was made or lost, ms
   */
  record Presence(boolean connected, long changed, String reason) {}

  /** Ends what the last process left open, and begins to write. */
  void start() {
    store.write(
        sql -> {
          long beat =
              sql.one(
                      "SELECT value FROM components_settings WHERE name = ?",
                      r -> Long.parseLong(r.text("value")),
                      BEAT)
                  .orElse(0L);
          sql.update(
              "UPDATE components_presence SET connected = 0, reason = 'CLOUD_STOPPED', changed = CASE"
                  + " WHEN changed < ? THEN ? ELSE changed END WHERE connected = 1",
              beat,
              beat);
          return 0;
        });
    thread = Thread.ofVirtual().name("core-presence").start(this::run);
  }

  /** A connection was made or ended; never waits. */
  void changed(
      String clientId, Set<String> things, boolean connected, String reason, long timestamp) {
    if (!things.contains(clientId)) {
      return; // a core connects by its thing's name; other clients of a certificate are not it
    }
    lock.lock();
    try {
      changes.remove(clientId);
      changes.put(clientId, new Change(connected, reason, timestamp));
    } finally {
      lock.unlock();
    }
  }

  Optional<Presence> of(String thing) {
    return store.read(
        sql ->
            sql.one(
                "SELECT connected, changed, reason FROM components_presence WHERE thing = ?",
                r -> new Presence(r.flag("connected"), r.number("changed"), r.text("reason")),
                thing));
  }

  private void run() {
    try {
      do {
        write();
      } while (!stopped.await(PAUSE.toMillis(), TimeUnit.MILLISECONDS));
      write();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void write() {
    Map<String, Change> some;
    lock.lock();
    try {
      some = changes;
      changes = new LinkedHashMap<>();
    } finally {
      lock.unlock();
    }
    boolean beat = clock.millis() - lastBeat >= BEATS.toMillis() || stopped.getCount() == 0;
    if (some.isEmpty() && !beat) {
      return;
    }
    Iterator<Map.Entry<String, Change>> rest = some.entrySet().iterator();
    List<Map.Entry<String, Change>> now = new ArrayList<>();
    try {
      do {
        now.clear();
        while (rest.hasNext() && now.size() < AT_ONCE) {
          now.add(rest.next());
        }
        boolean last = !rest.hasNext();
        store.write(
            sql -> {
              now.forEach(e -> write(sql, e.getKey(), e.getValue()));
              if (beat && last) {
                beat(sql);
              }
              return 0;
            });
      } while (rest.hasNext());
    } catch (StoreException e) {
      LOG.warn("who is connected could not be written, tried again: {}", e.getMessage());
      Map<String, Change> again = new LinkedHashMap<>();
      now.forEach(n -> again.put(n.getKey(), n.getValue()));
      rest.forEachRemaining(n -> again.put(n.getKey(), n.getValue()));
      keep(again);
    }
  }

  /** What came meanwhile is newer. */
  private void keep(Map<String, Change> some) {
    lock.lock();
    try {
      some.forEach(changes::putIfAbsent);
    } finally {
      lock.unlock();
    }
  }

  private void beat(Sql sql) {
    lastBeat = clock.millis();
    String now = Long.toString(lastBeat);
    if (sql.update("UPDATE components_settings SET value = ? WHERE name = ?", now, BEAT) == 0) {
      sql.update("INSERT INTO components_settings (name, value) VALUES (?, ?)", BEAT, now);
    }
  }

  private void write(Sql sql, String thing, Change change) {
    List<Boolean> before = new ArrayList<>();
    before.addAll(
        sql.list(
            "SELECT connected FROM components_presence WHERE thing = ?",
            r -> r.flag("connected"),
            thing));
    if (before.isEmpty()) {
      sql.update(
          "INSERT INTO components_presence (thing, connected, changed, reason) VALUES (?, ?, ?, ?)",
          thing,
          change.connected(),
          change.at(),
          change.reason());
    } else {
      sql.update(
          "UPDATE components_presence SET connected = ?, changed = ?, reason = ? WHERE thing = ?",
          change.connected(),
          change.at(),
          change.reason(),
          thing);
    }
    boolean was = !before.isEmpty() && before.getFirst();
    boolean core =
        sql.count("SELECT COUNT(*) AS n FROM components_cores WHERE thing = ?", thing) > 0;
    if (was != change.connected() && core) {
      events.connection(thing, change.connected(), change.reason(), change.at());
    }
  }

  @Override
  public void close() {
    stopped.countDown();
    Thread running = thread;
    if (running != null) {
      try {
        if (!running.join(Duration.ofSeconds(10))) {
          LOG.warn("who is connected was not written in time");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
