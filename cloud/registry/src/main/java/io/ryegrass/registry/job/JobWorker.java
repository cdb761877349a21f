package io.ryegrass.registry.job;

import java.time.Clock;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The thread that does what is due: woken when something is due sooner than it knew. */
final class JobWorker implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(JobWorker.class);

  /** Clocks are set and nodes share a database: it looks at least this often. */
  private static final long LONGEST_SLEEP_MILLIS = 60_000;

  private static final long AFTER_FAILURE_MILLIS = 5_000;
  private static final long STOP_SECONDS = 10;

  private final LongSupplier work;
  private final Clock clock;
  private final BlockingQueue<Boolean> signal = new ArrayBlockingQueue<>(1);
  private volatile long sleepsUntil = Long.MAX_VALUE;
  private volatile boolean closed;
  private volatile @Nullable Thread thread;

  /**
   * @param work does all that is due; returns when it is to be called again, in milliseconds since
   *     1970
   */
  JobWorker(LongSupplier work, Clock clock) {
    this.work = work;
    this.clock = clock;
  }

  void start() {
    thread = Thread.ofVirtual().name("jobs").start(this::run);
  }

  boolean isClosed() {
    return closed;
  }

  /** Something will be due. */
  void wakeAt(long due) {
    if (due < sleepsUntil) {
      signal.offer(true);
    }
  }

  private void run() {
    while (!closed) {
      long next;
      sleepsUntil = Long.MAX_VALUE;
      try {
        next = work.getAsLong();
      } catch (RuntimeException e) {
        log.error("The worker of jobs failed; it tries again", e);
        next = clock.millis() + AFTER_FAILURE_MILLIS;
      }
      long sleep = Math.min(LONGEST_SLEEP_MILLIS, next - clock.millis());
      sleepsUntil = next;
      try {
        if (sleep > 0) {
          signal.poll(sleep, TimeUnit.MILLISECONDS);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    signal.offer(true);
    Thread running = thread;
    try {
      if (running != null && !running.join(java.time.Duration.ofSeconds(STOP_SECONDS))) {
        log.warn("The worker of jobs did not stop within {} s", STOP_SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
