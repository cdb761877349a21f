package io.ryegrass.cloudlink;

import io.ryegrass.durable.SegmentedLog;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Empties the spool into one connection, in order, with a bounded number of messages
 * unacknowledged.
 *
 * <p>The algorithm: a reader runs ahead of the cursor by at most the window. An acknowledgement
 * marks its message; the cursor moves over all marked messages at its front. A lost connection
 * throws the window away, and the next one begins again at the cursor: messages without
 * acknowledgement go out a second time, in order, as QoS 1 allows; none is passed over. The cursor
 * is made durable with the publishers' own fsyncs, or by one of ours when the spool runs dry or 200
 * ms have passed.
 *
 * <p>Poison (LESSON-07): the cloud answers a forbidden publish by closing the connection. When it
 * does so five times in a row with the same message at the front, sent alone, and nothing
 * acknowledged between, that message goes to {@code spool/quarantine} and the others go on. An
 * acknowledgement that does not come within the operation time-out means that the connection is
 * dead, whatever TCP believes.
 */
final class SpoolSender implements AutoCloseable {
  private static final int STRIKES = 5;
  private static final Duration COMMIT_EVERY = Duration.ofMillis(200);
  private static final long QUARANTINE_BYTES = 4L << 20;
  private static final Logger LOG = LoggerFactory.getLogger(SpoolSender.class);

  private static final class InFlight {
    final long offset;
    final long sentNanos = System.nanoTime();
    boolean done;

    InFlight(long offset) {
      this.offset = offset;
    }
  }

  private final Spool spool;
  private final MqttConnection connection;
  private final LinkSettings settings;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition wake = lock.newCondition();

  private final Deque<InFlight> window = new ArrayDeque<>(); // lock
  private boolean closed; // lock
  private long current = -1; // generation whose acknowledgements count; lock
  private long committed; // sender thread
  private long cursor; // lock
  private long committedNanos = System.nanoTime(); // sender thread
  private long suspect = -1; // lock
  private int strikes; // lock
  private volatile long sent;
  private volatile long quarantined;
  private final Thread thread;

  SpoolSender(Spool spool, MqttConnection connection, LinkSettings settings) {
    this.spool = spool;
    this.connection = connection;
    this.settings = settings;
    this.cursor = spool.firstOffset();
    this.committed = cursor;
    this.thread = Thread.ofVirtual().name("spool-sender").unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** Something was appended, or the connection changed. */
  void wake() {
    lock.lock();
    try {
      wake.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** The connection ended; called by its supervisor. */
  void lost(boolean byServer) {
    lock.lock();
    try {
      InFlight front = window.peekFirst();
      if (byServer && front != null) {
        if (front.offset == suspect) {
          strikes++;
        } else {
          suspect = front.offset;
          strikes = 1;
        }
      }
      window.clear();
      current = -1;
      wake.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Messages handed to the connection, including repetitions. */
  long sent() {
    return sent;
  }

  long quarantined() {
    return quarantined;
  }

  private void run() {
    try {
      while (true) {
        long generation = awaitConnected();
        if (generation < 0) {
          return;
        }
        try (SegmentedLog.Reader reader = spool.reader()) {
          drain(generation, reader);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.error("The spool cannot be read any more; restart the core to recover what is stored", e);
    }
  }

  private long awaitConnected() throws InterruptedException {
    lock.lock();
    try {
      while (!closed && !(connection.connected() && spool.size() > 0)) {
        // the time-out only guards against a missed signal
        var unused = wake.await(1, TimeUnit.SECONDS);
      }
      if (closed) {
        return -1;
      }
      current = connection.generation();
      window.clear();
      cursor = Math.max(cursor, spool.firstOffset());
      return current;
    } finally {
      lock.unlock();
    }
  }

  private void drain(long generation, SegmentedLog.Reader reader) throws InterruptedException {
    while (true) {
      lock.lock();
      try {
        while (!closed
            && current == generation
            && (window.size() >= limit() || !reader.hasNext())
            && committed == cursor) {
          if (window.isEmpty() && !reader.hasNext()) {
            var unused = wake.await(1, TimeUnit.SECONDS);
          } else if (!wake.await(100, TimeUnit.MILLISECONDS)) {
            checkOverdue();
          }
        }
        if (closed || current != generation || !connection.connected()) {
          return;
        }
      } finally {
        lock.unlock();
      }
      commit(!reader.hasNext());
      SegmentedLog.Entry entry = null;
      lock.lock();
      try {
        if (current == generation && window.size() < limit() && reader.hasNext()) {
          entry = reader.next();
          window.addLast(new InFlight(entry.offset()));
        }
      } finally {
        lock.unlock();
      }
      if (entry != null) {
        send(entry, generation);
      }
    }
  }

  /** One at a time while a message is suspected, so that the guilty one is known. */
  private int limit() {
    return suspect >= cursor && strikes > 0 ? 1 : settings.maxInFlight();
  }

  private void send(SegmentedLog.Entry entry, long generation) {
    Spool.Message message = Spool.Message.decode(entry.data());
    lock.lock();
    try {
      if (entry.offset() == suspect && strikes >= STRIKES) {
        quarantine(message, entry.data());
        acknowledged(entry.offset(), generation);
        return;
      }
    } finally {
      lock.unlock();
    }
    sent++;
    var unused =
        connection
            .publish(message.topic(), message.payload(), message.qos())
            .whenComplete(
                (ok, failure) -> {
                  if (failure == null) {
                    acknowledged(entry.offset(), generation);
                  }
                  // a failure means that the connection ended, which lost() tells
                });
  }

  private void acknowledged(long offset, long generation) {
    lock.lock();
    try {
      if (generation != current) {
        return;
      }
      for (InFlight f : window) {
        if (f.offset == offset) {
          f.done = true;
          break;
        }
      }
      while (!window.isEmpty() && window.getFirst().done) {
        cursor = Math.max(cursor, window.removeFirst().offset + 1);
      }
      if (suspect >= 0 && cursor > suspect) {
        suspect = -1;
        strikes = 0;
      }
      wake.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void checkOverdue() {
    InFlight front = window.peekFirst();
    if (front != null
        && !front.done
        && System.nanoTime() - front.sentNanos > settings.operationTimeout().toNanos()) {
      connection.reset("no acknowledgement in " + settings.operationTimeout().toSeconds() + " s");
      window.clear();
      current = -1;
    }
  }

  private void commit(boolean dry) {
    long to;
    lock.lock();
    try {
      to = cursor;
    } finally {
      lock.unlock();
    }
    if (to == committed) {
      return;
    }
    if (dry || System.nanoTime() - committedNanos > COMMIT_EVERY.toNanos()) {
      spool.doneBefore(to);
      spool.sync();
      committed = to;
      committedNanos = System.nanoTime();
    } else {
      // keeps drain() waiting for acknowledgements instead of spinning
      lock.lock();
      try {
        if (window.size() >= limit()) {
          var unused = wake.awaitNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        lock.unlock();
      }
    }
  }

  private void quarantine(Spool.Message message, byte[] record) {
    try (SegmentedLog log =
        SegmentedLog.open(
            settings.spoolFolder().resolve("quarantine"),
            new SegmentedLog.Options(1 << 20, QUARANTINE_BYTES))) {
      log.append(record);
      log.sync();
    } catch (RuntimeException e) {
      LOG.warn("A refused message could not be kept in quarantine: {}", e.toString());
    }
    quarantined++;
    LOG.warn(
        "The cloud closed the connection {} times over a message on topic '{}'; it is set aside in"
            + " spool/quarantine. Allow iot:Publish on the topic in the core's policy",
        STRIKES,
        message.topic());
  }

  /** Stops sending; what is not acknowledged stays in the spool. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      wake.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      thread.join(Duration.ofSeconds(2));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (cursor > committed) {
      spool.doneBefore(cursor);
    }
  }

  /** For tests and metrics: offset of the oldest message without acknowledgement. */
  @Nullable Long frontInFlight() {
    lock.lock();
    try {
      InFlight f = window.peekFirst();
      return f == null ? null : f.offset;
    } finally {
      lock.unlock();
    }
  }
}
