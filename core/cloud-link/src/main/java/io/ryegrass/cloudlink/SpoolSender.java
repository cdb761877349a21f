package io.ryegrass.cloudlink;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.SegmentedLog;
import io.ryegrass.mqtt.MqttClientException;
import io.ryegrass.nucleus.NucleusException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Empties the spool into one connection, in order, with a bounded number of messages
 * unacknowledged; messages of QoS 0 go when none of QoS 1 can.
 *
 * <p>The algorithm: a reader runs ahead of the cursor by at most the window. An acknowledgement
 * marks its message; the cursor moves over all marked messages at its front. A lost connection
 * throws the window away, and the next one begins again at the cursor: messages without
 * acknowledgement go out a second time, in order, as QoS 1 allows; none is passed over. The cursor
 * is made durable with the publishers' own fsyncs, or by one of ours when the spool runs dry or 200
 * ms have passed.
 *
 * <p>Poison (LESSON-07). In MQTT 5 the cloud says that it refuses a message; when trying again
 * cannot help (not authorised, invalid topic or payload, too large) it goes to {@code
 * spool/quarantine} and the others go on; any other refusal is tried again after a pause. In MQTT
 * 3.1.1 the cloud answers by closing the connection. When it does so five times in a row with the
 * same message at the front, sent alone, and nothing acknowledged between, that message is set
 * aside, too; and so is one that was sent {@code mqtt.maxPublishRetry} times in vain. An
 * acknowledgement that does not come within the operation time-out means that the connection is
 * dead, whatever TCP believes.
 *
 * <p>Damage in the spool costs what is damaged and nothing else: it is counted, told and passed
 * over.
 */
final class SpoolSender implements AutoCloseable {
  private static final int STRIKES = 5;
  private static final int OTHERS_AT_ONCE = 50;
  private static final Duration COMMIT_EVERY = Duration.ofMillis(200);
  private static final Duration PAUSE = Duration.ofSeconds(1);

  /** Not authorised, topic name invalid, packet too large, payload format invalid. */
  private static final Set<Integer> FOR_GOOD = Set.of(0x87, 0x90, 0x95, 0x99);

  private static final Logger LOG = LoggerFactory.getLogger(SpoolSender.class);

  private static final class InFlight {
    final long offset;
    final byte[] record;
    final String topic;
    final long sentNanos = System.nanoTime();
    boolean done;
    @Nullable String refusal;

    InFlight(long offset, byte[] record, String topic) {
      this.offset = offset;
      this.record = record;
      this.topic = topic;
    }
  }

  private final Spool spool;
  private final MqttConnection connection;
  private final LinkSettings settings;
  private final Quarantine quarantine;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition wake = lock.newCondition();

  private final Deque<InFlight> window = new ArrayDeque<>(); // lock
  private boolean closed; // lock
  private long current = -1; // generation whose acknowledgements count; lock
  private boolean again; // something is to be sent again after a pause; lock
  private long committed; // sender thread
  private long cursor; // lock
  private long committedNanos = System.nanoTime(); // sender thread
  private long suspect = -1; // lock
  private int strikes; // lock
  private long retried = -1; // lock
  private int retries; // lock
  private volatile long sent;
  private final Thread thread;

  SpoolSender(Spool spool, MqttConnection connection, LinkSettings settings) {
    this.spool = spool;
    this.connection = connection;
    this.settings = settings;
    this.quarantine = new Quarantine(settings.spoolFolder().resolve("quarantine"));
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
      if (front != null && !front.done) {
        retry(front.offset);
        if (byServer && front.offset == suspect) {
          strikes++;
        } else if (byServer) {
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

  private void retry(long offset) {
    retries = offset == retried ? retries + 1 : 1;
    retried = offset;
  }

  /** Messages handed to the connection, including repetitions. */
  long sent() {
    return sent;
  }

  long quarantined() {
    return quarantine.count();
  }

  private void run() {
    try {
      while (true) {
        try {
          long generation = awaitConnected();
          if (generation < 0) {
            return;
          }
          try (SegmentedLog.Reader reader = spool.reader()) {
            drain(generation, reader);
          }
        } catch (RuntimeException e) {
          if (isClosed()) {
            return; // the spool was closed under it
          }
          LOG.error("The spool of messages for the cloud cannot be used; it is tried again", e);
          pause(Duration.ofSeconds(30));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  private void pause(Duration about) throws InterruptedException {
    long left =
        about.toNanos() / 2 + RandomGenerator.getDefault().nextLong(about.toNanos() / 2 + 1);
    lock.lock();
    try {
      while (!closed && left > 0) {
        left = wake.awaitNanos(left);
      }
    } finally {
      lock.unlock();
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
      again = false;
      cursor = Math.max(cursor, spool.firstOffset());
      return current;
    } finally {
      lock.unlock();
    }
  }

  private void drain(long generation, SegmentedLog.Reader reader) throws InterruptedException {
    while (awaitWork(generation, reader)) {
      setRefusedAside(generation);
      commit(!reader.hasNext());
      if (takeAgain()) {
        pause(PAUSE);
        return; // and begin again at the cursor
      }
      if (reader.hasNext() && room()) {
        SegmentedLog.Entry entry = read(reader, generation);
        if (entry != null) {
          send(entry, generation);
        }
      } else if (spool.others() > 0) {
        sendOthers();
      }
    }
  }

  /**
   * @return false when this connection is over
   */
  private boolean awaitWork(long generation, SegmentedLog.Reader reader)
      throws InterruptedException {
    lock.lock();
    try {
      while (!closed
          && current == generation
          && !again
          && committed == cursor
          && window.stream().noneMatch(f -> f.refusal != null)
          && (window.size() >= limit() || !reader.hasNext())
          && spool.others() == 0) {
        if (window.isEmpty() && !reader.hasNext()) {
          var unused = wake.await(1, TimeUnit.SECONDS);
        } else if (!wake.await(100, TimeUnit.MILLISECONDS)) {
          checkOverdue();
        }
      }
      return !closed && current == generation && connection.connected();
    } finally {
      lock.unlock();
    }
  }

  /** One at a time while a message is suspected, so that the guilty one is known. */
  private int limit() {
    return suspect >= cursor && strikes > 0
        ? 1
        : Math.min(settings.maxInFlight(), connection.window());
  }

  private boolean room() {
    lock.lock();
    try {
      return window.size() < limit();
    } finally {
      lock.unlock();
    }
  }

  private boolean takeAgain() {
    lock.lock();
    try {
      boolean was = again;
      again = false;
      return was;
    } finally {
      lock.unlock();
    }
  }

  /** The next message; null when there was damage in its place. */
  private SegmentedLog.@Nullable Entry read(SegmentedLog.Reader reader, long generation) {
    try {
      return reader.next();
    } catch (DurableException e) {
      long next = spool.skip(reader, e);
      InFlight gone = new InFlight(next - 1, new byte[0], "");
      lock.lock();
      try {
        if (current == generation) {
          window.addLast(gone);
          done(gone);
        }
      } finally {
        lock.unlock();
      }
      return null;
    }
  }

  private void send(SegmentedLog.Entry entry, long generation) {
    SpoolMessage stored = null;
    String refusal = null;
    try {
      stored = SpoolMessage.decode(entry.data());
    } catch (NucleusException e) {
      refusal = String.valueOf(e.getMessage());
    }
    InFlight flight =
        new InFlight(entry.offset(), entry.data(), stored == null ? "?" : stored.message().topic());
    long now = settings.clock().millis();
    boolean expired = stored != null && stored.isExpired(now);
    lock.lock();
    try {
      if (current != generation) {
        return; // it is read again for the next connection
      }
      window.addLast(flight);
      if (flight.offset == suspect && strikes >= STRIKES) {
        refusal = "the cloud closed the connection " + STRIKES + " times over it";
      } else if (flight.offset == retried
          && settings.mqtt().maxPublishRetry() >= 0
          && retries > settings.mqtt().maxPublishRetry()) {
        refusal = "it was sent " + retries + " times in vain (mqtt.maxPublishRetry)";
      }
      flight.refusal = refusal;
      if (expired) {
        done(flight);
      }
    } finally {
      lock.unlock();
    }
    if (expired) {
      spool.countExpired();
    } else if (refusal == null && stored != null) {
      sent++;
      var unused =
          connection
              .publish(CloudMessages.of(stored.message(), stored.waitedSeconds(now)))
              .whenComplete((ok, failure) -> answered(flight, generation, failure));
    }
  }

  /** On the connection's event loop: nothing here touches the disk. */
  private void answered(InFlight flight, long generation, @Nullable Throwable failure) {
    lock.lock();
    try {
      if (generation != current) {
        return;
      }
      if (failure == null) {
        done(flight);
      } else if (reason(failure) instanceof MqttClientException e) {
        boolean refused = e.kind() == MqttClientException.Kind.PUBLISH_REFUSED;
        if (e.kind() == MqttClientException.Kind.NOT_SENDABLE
            || refused && FOR_GOOD.contains(e.reasonCode())) {
          flight.refusal = "the cloud does not take it (" + e.getMessage() + ")";
        } else if (refused || e.kind() == MqttClientException.Kind.BUSY) {
          LOG.info("The cloud refused a message on '{}' for now: {}", flight.topic, e.getMessage());
          retry(flight.offset);
          again = true;
        }
        // anything else means that the connection ended, which lost() tells
      }
      wake.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private static Throwable reason(Throwable failure) {
    return failure.getCause() != null && !(failure instanceof MqttClientException)
        ? failure.getCause()
        : failure;
  }

  /** Under the lock. */
  private void done(InFlight flight) {
    flight.done = true;
    flight.refusal = null;
    for (InFlight f : window) {
      f.done |= f.offset == flight.offset; // sent twice over one connection, answered once
    }
    while (!window.isEmpty() && window.getFirst().done) {
      cursor = Math.max(cursor, window.removeFirst().offset + 1);
    }
    if (suspect >= 0 && cursor > suspect) {
      suspect = -1;
      strikes = 0;
    }
    wake.signalAll();
  }

  private void setRefusedAside(long generation) {
    List<InFlight> refused = new ArrayList<>();
    lock.lock();
    try {
      for (InFlight f : window) {
        if (f.refusal != null) {
          refused.add(f);
        }
      }
    } finally {
      lock.unlock();
    }
    for (InFlight f : refused) {
      quarantine.add(f.record, f.topic, String.valueOf(f.refusal));
      lock.lock();
      try {
        if (current == generation) {
          done(f);
        }
      } finally {
        lock.unlock();
      }
    }
  }

  private record Other(SegmentedLog.Entry entry, String topic, CompletableFuture<Void> written) {}

  /** Messages of QoS 0, until a handful is written. */
  private void sendOthers() throws InterruptedException {
    List<Other> others = new ArrayList<>();
    long next = -1;
    for (SegmentedLog.Entry entry : spool.oldestOthers(OTHERS_AT_ONCE)) {
      next = entry.offset() + 1;
      try {
        SpoolMessage stored = SpoolMessage.decode(entry.data());
        long now = settings.clock().millis();
        if (stored.isExpired(now)) {
          spool.countExpired();
        } else {
          sent++;
          others.add(
              new Other(
                  entry,
                  stored.message().topic(),
                  connection.publish(
                      CloudMessages.of(stored.message(), stored.waitedSeconds(now)))));
        }
      } catch (NucleusException e) {
        quarantine.add(entry.data(), "?", String.valueOf(e.getMessage()));
      }
    }
    long deadline = System.nanoTime() + settings.operationTimeout().toNanos();
    List<Runnable> refused = new ArrayList<>();
    for (Other other : others) {
      try {
        other.written().get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
      } catch (ExecutionException e) {
        if (!(e.getCause() instanceof MqttClientException f)
            || f.kind() == MqttClientException.Kind.DISCONNECTED) {
          pause(Duration.ofMillis(100)); // lost() follows; the messages stay
          return;
        }
        String why = String.valueOf(f.getMessage());
        refused.add(() -> quarantine.add(other.entry().data(), other.topic(), why));
      } catch (TimeoutException e) {
        connection.reset("nothing could be written");
        return;
      }
    }
    refused.forEach(Runnable::run);
    if (next >= 0) {
      spool.othersDoneBefore(next);
    }
  }

  private void checkOverdue() {
    InFlight front = window.peekFirst();
    if (front != null
        && !front.done
        && System.nanoTime() - front.sentNanos > settings.operationTimeout().toNanos()) {
      connection.reset("no acknowledgement in " + settings.operationTimeout().toSeconds() + " s");
      retry(front.offset);
      window.clear();
      current = -1;
    }
  }

  private void commit(boolean dry) throws InterruptedException {
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
      } finally {
        lock.unlock();
      }
    }
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
}
