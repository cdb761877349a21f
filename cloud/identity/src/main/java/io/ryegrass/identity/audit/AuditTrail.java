package io.ryegrass.identity.audit;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallRecorder;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes and answers the audit log; see the package. Safe for any number of threads.
 *
 * <p>A record that cannot ride in a transaction of its call waits in a queue; whoever comes first
 * writes all of them in one transaction, so that many calls share one flush of the disk. Order of
 * locks: the one of the queue before the store's writer.
 */
public final class AuditTrail implements CallRecorder, AutoCloseable {

  /** CloudTrail's own: 90 days of management events. */
  public static final Duration KEPT = Duration.ofDays(90);

  /** About 100 MB. */
  public static final int MAX_EVENTS = 100_000;

  private static final Logger LOG = LoggerFactory.getLogger(AuditTrail.class);
  private static final int MAX_WAITING = 1000;
  private static final int MOST_WAITING = 10_000;
  private static final Duration FLUSH = Duration.ofMillis(500);
  private static final Duration CLEAN = Duration.ofMinutes(10);

  private final CloudStore store;
  private final Clock clock;
  private final int maxEvents;
  private final EventIds ids;
  private final Function<RecordedCall, AuditEvent> describe;
  private final ConcurrentLinkedQueue<AuditRecord> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger waitingCount = new AtomicInteger();
  private final ReentrantLock flushing = new ReentrantLock();
  private final ScheduledExecutorService timer;

  /**
   * Opens the log and starts its timer.
   *
   * @param store migrated with {@link #migrations()}
   * @param describe tells who calls and what about; {@code IdentityService.auditEvents()}
   * @param maxEvents how many records are kept, {@link #MAX_EVENTS} by default
   */
  public AuditTrail(
      CloudStore store, Clock clock, Function<RecordedCall, AuditEvent> describe, int maxEvents) {
    this.store = store;
    this.clock = clock;
    this.describe = describe;
    this.maxEvents = maxEvents;
    this.ids = new EventIds();
    this.timer =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("audit").factory());
    timer.scheduleWithFixedDelay(
        () -> guarded(this::flush), FLUSH.toMillis(), FLUSH.toMillis(), TimeUnit.MILLISECONDS);
    timer.scheduleWithFixedDelay(
        () -> guarded(this::cleanNow), 5, CLEAN.toSeconds(), TimeUnit.SECONDS);
  }

  /** The table of the log. */
  public static List<Migration> migrations() {
    return List.of(
        new Migration(
            "audit",
            1,
            """
            CREATE TABLE audit_events (
              event_id TEXT NOT NULL PRIMARY KEY, -- a UUID of version 7: its order is that of time
              time BIGINT NOT NULL, event_name TEXT NOT NULL, event_source TEXT NOT NULL,
              user_name TEXT NOT NULL, access_key_id TEXT NOT NULL, resource_type TEXT,
              resource_name TEXT, record TEXT NOT NULL);
            """));
  }

  /** CloudTrail's operations that are served. */
  public ServiceOperations cloudTrail() {
    return new LookupEvents(store, this::flush).operations();
  }

  @Override
  public ObjectNode record(RecordedCall call, Supplier<ObjectNode> body) {
    return recorded(describe.apply(call), body);
  }

  /**
   * Performs something and records it, as {@link #record} does for calls of the engine.
   *
   * @param body throws {@link AwsException} for errors that have a name
   */
  public <T> T recorded(AuditEvent event, Supplier<T> body) {
    AuditRecord record = new AuditRecord(ids.next(clock.millis()), event);
    try {
      T answer =
          store.withFirstCommit(
              sql -> {
                record.insert(sql);
                store.afterCommit(record::markWritten);
              },
              body);
      if (!record.isWritten()) {
        append(record);
      }
      return answer;
    } catch (AwsException e) {
      record.failed(e.code(), String.valueOf(e.getMessage()));
      later(record);
      throw e;
    } catch (RuntimeException e) {
      record.failed("InternalFailure", e.toString());
      later(record);
      throw e;
    }
  }

  /**
   * Records what has been done already, or was refused; on disk within a second.
   *
   * @param errorCode empty when it succeeded
   */
  public void note(AuditEvent event, String errorCode, String errorMessage) {
    AuditRecord record = new AuditRecord(ids.next(clock.millis()), event);
    if (!errorCode.isEmpty()) {
      record.failed(errorCode, errorMessage);
    }
    later(record);
  }

  /**
   * On disk when this returns. What cannot be written fails its call, and does not go on waiting.
   */
  private void append(AuditRecord record) {
    waiting.add(record);
    waitingCount.incrementAndGet();
    flushing.lock();
    try {
      if (!record.isWritten()) {
        flush();
      }
    } finally {
      if (!record.isWritten() && waiting.remove(record)) {
        waitingCount.decrementAndGet();
      }
      flushing.unlock();
    }
  }

  /** On disk within {@link #FLUSH}; who finds the queue full writes it. */
  private void later(AuditRecord record) {
    if (waitingCount.get() > MOST_WAITING) {
      LOG.error("A record of a failed call is dropped: the store takes none: {}", record);
      return;
    }
    waiting.add(record);
    if (waitingCount.incrementAndGet() > MAX_WAITING) {
      guarded(this::flush);
    }
  }

  private void flush() {
    flushing.lock();
    try {
      List<AuditRecord> batch = new ArrayList<>();
      for (AuditRecord next = waiting.poll(); next != null; next = waiting.poll()) {
        batch.add(next);
      }
      if (batch.isEmpty()) {
        return;
      }
      waitingCount.addAndGet(-batch.size());
      boolean done = false;
      try {
        store.write(
            sql -> {
              batch.forEach(record -> record.insert(sql));
              return batch.size();
            });
        done = true;
        batch.forEach(AuditRecord::markWritten);
      } finally {
        if (!done) {
          waiting.addAll(batch);
          waitingCount.addAndGet(batch.size());
        }
      }
    } finally {
      flushing.unlock();
    }
  }

  /** Deletes what is too old or too much, which otherwise happens every ten minutes. */
  public void cleanNow() {
    Instant oldest = clock.instant().minus(KEPT);
    int deleted =
        store.write(
            sql ->
                sql.update(
                        "DELETE FROM audit_events WHERE event_id < ?",
                        EventIds.first(oldest.toEpochMilli()))
                    + sql.update(
                        "DELETE FROM audit_events WHERE event_id <= (SELECT event_id FROM"
                            + " audit_events ORDER BY event_id DESC LIMIT 1 OFFSET ?)",
                        maxEvents));
    if (deleted > 0) {
      LOG.debug("{} old records left the audit log", deleted);
    }
  }

  private static void guarded(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      LOG.error("The audit log could not be written: {}", e.toString());
    }
  }

  /** Writes what waits. */
  @Override
  public void close() {
    timer.shutdownNow();
    guarded(this::flush);
  }
}
