package io.ryegrass.events;

import io.ryegrass.events.EventTables.Letter;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.StoreException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings one target its events, oldest first, on a thread of its own. A target that cannot take one
 * keeps the others waiting: they would meet the same fate, and stay in order this way.
 */
final class Delivery implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Delivery.class);
  private static final int BATCH = 100;

  /** Looks by itself this often, for what a crash or another node left. */
  private static final Duration IDLE = Duration.ofMinutes(1);

  private final CloudStore store;
  private final EventTarget target;
  private final EventSettings settings;
  private final Clock clock;
  private final Semaphore work = new Semaphore(0);
  private final CountDownLatch stopped = new CountDownLatch(1);
  private volatile boolean closing;
  private @Nullable Thread thread;
  private int failures; // delivery's thread

  Delivery(CloudStore store, EventTarget target, EventSettings settings, Clock clock) {
    this.store = store;
    this.target = target;
    this.settings = settings;
    this.clock = clock;
  }

  String name() {
    return target.name();
  }

  void start() {
    thread = Thread.ofVirtual().name("events-" + target.name()).start(this::run);
  }

  void wake() {
    if (work.availablePermits() == 0) {
      work.release();
    }
  }

  private void run() {
    try {
      while (!closing) {
        Duration pause;
        try {
          pause = round();
        } catch (StoreException e) {
          failures++;
          pause = pause();
          if (!closing) {
            LOG.warn("events for {} wait {} s: {}", target.name(), pause.toSeconds(), e.toString());
          }
        }
        if (failures == 0) {
          waitForWork(pause);
        } else {
          stopped.await(pause.toMillis(), TimeUnit.MILLISECONDS); // new events do not shorten it
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void waitForWork(Duration pause) throws InterruptedException {
    if (!pause.isZero() && work.tryAcquire(pause.toMillis(), TimeUnit.MILLISECONDS)) {
      work.drainPermits();
    }
  }

  /** Delivers a batch; tells how long to wait before the next. */
  private Duration round() throws InterruptedException {
    bound();
    List<Letter> letters = EventTables.oldest(store, target.name(), BATCH);
    if (letters.isEmpty()) {
      return IDLE;
    }
    int taken = 0;
    long last = 0;
    try {
      for (Letter letter : letters) {
        if (closing) {
          return Duration.ZERO;
        }
        if (clock.millis() - letter.created() > settings.maxAge().toMillis()) {
          die(letter, "not delivered within " + settings.maxAge().toHours() + " h");
          continue;
        }
        switch (target.deliver(letter.topic(), letter.body())) {
          case EventTarget.Outcome.Taken t -> {
            failures = 0;
            taken++;
            last = letter.seq();
          }
          case EventTarget.Outcome.Never never -> {
            failures = 0;
            die(letter, never.reason());
          }
          case EventTarget.Outcome.Later later -> {
            failures++;
            Duration pause = pause();
            LOG.warn(
                "event target {} {}; tried again in {} ms (try {})",
                target.name(),
                later.reason(),
                pause.toMillis(),
                failures);
            return pause;
          }
        }
      }
    } finally {
      remove(taken, last);
    }
    return Duration.ZERO;
  }

  private void remove(int taken, long last) {
    if (taken > 0) {
      store.write(
          sql -> {
            EventTables.delivered(sql, target.name(), last, taken);
            return 0;
          });
    }
  }

  private void die(Letter letter, String reason) {
    LOG.warn("an event for {} is dead: {}", target.name(), reason);
    store.write(
        sql -> {
          EventTables.died(sql, target.name(), letter, reason, clock.millis(), settings.maxDead());
          return 0;
        });
  }

  /** What is more than may wait dies, oldest first. */
  private void bound() {
    long waiting =
        store.read(
            sql ->
                sql.count(
                    "SELECT COUNT(*) AS n FROM events_outbox WHERE target = ?", target.name()));
    long tooMany = waiting - settings.maxWaiting();
    while (tooMany > 0 && !closing) {
      List<Letter> some = EventTables.oldest(store, target.name(), (int) Math.min(tooMany, BATCH));
      some.forEach(
          l -> die(l, "more than " + settings.maxWaiting() + " events waited for the target"));
      tooMany -= some.size();
      if (some.isEmpty()) {
        return;
      }
    }
  }

  /** Doubles with each failure; between half and the whole of that. */
  private Duration pause() {
    long whole =
        Math.min(
            settings.longestPause().toMillis(),
            settings.firstPause().toMillis() << Math.min(failures - 1, 20));
    return Duration.ofMillis(ThreadLocalRandom.current().nextLong(whole / 2, whole + 1));
  }

  /** Not by an interrupt, which could cut a connection to the database. */
  @Override
  public void close() {
    closing = true;
    stopped.countDown();
    work.release();
    Thread running = thread;
    if (running != null) {
      try {
        if (!running.join(Duration.ofSeconds(12))) {
          LOG.warn("the delivery to {} did not end in time", target.name());
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
