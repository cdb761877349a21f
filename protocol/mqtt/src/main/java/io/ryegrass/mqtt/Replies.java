package io.ryegrass.mqtt;

import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The answers to one client's packets. One that promises something waits until the journal is that
 * far; those behind it wait with it, as they must keep their order [MQTT-4.6.0-2]. Nobody waits for
 * the disk meanwhile: however many messages a client sends at once, one sync serves them all.
 *
 * <p>Event loop only, but for {@link #ack}.
 */
final class Replies {
  /** So many answers may wait; then nothing more is read from the client until half are sent. */
  private static final int MOST_WAITING = 1_024;

  private record Waiting(long position, Runnable write) {}

  private final Connection connection;
  private final Journal journal;
  private final Consumer<RuntimeException> failed;
  private final AtomicBoolean writing = new AtomicBoolean();
  private @Nullable ArrayDeque<Waiting> waiting;
  private int unacknowledged;
  private boolean full;

  /**
   * @param failed told when the journal will never be as far as a promise needs
   */
  Replies(Connection connection, Journal journal, Consumer<RuntimeException> failed) {
    this.connection = connection;
    this.journal = journal;
    this.failed = failed;
  }

  /**
   * One more message of QoS 1 or 2 has come; gives how many are not yet acknowledged to the end.
   */
  int received() {
    return ++unacknowledged;
  }

  /** Acknowledges as soon as the journal is at the position; from any thread, in order. */
  void ack(int type, int packetId, int reasonCode, @Nullable String reason, long position) {
    if (!connection.inEventLoop()) {
      connection.executeLater(() -> ack(type, packetId, reasonCode, reason, position));
    } else if (isNext(position)) {
      write(type, packetId, reasonCode, reason);
    } else {
      await(position, () -> write(type, packetId, reasonCode, reason));
    }
  }

  /** Whether so many wait that nothing more should be read. */
  boolean isFull() {
    return full;
  }

  /** The same for other answers. */
  void answer(long position, Runnable write) {
    if (isNext(position)) {
      write.run();
    } else {
      await(position, write);
    }
  }

  private boolean isNext(long position) {
    return isDurable(position) && (waiting == null || waiting.isEmpty());
  }

  private boolean isDurable(long position) {
    return position == 0 || position <= journal.durablePosition();
  }

  private void await(long position, Runnable write) {
    ArrayDeque<Waiting> all = waiting;
    if (all == null) {
      all = new ArrayDeque<>();
      waiting = all;
    }
    all.add(new Waiting(position, write));
    if (all.size() >= MOST_WAITING && !full) {
      full = true;
      connection.updateReading();
    }
    if (position != 0) {
      // Also when it has become durable since it was looked at: then this calls back at once.
      journal.whenDurable(position, this::durable);
    }
  }

  /** On a thread of the journal. */
  private void durable(@Nullable RuntimeException failure) {
    if (failure == null) {
      if (writing.compareAndSet(false, true)) { // one task for all that one sync has served
        connection.execute(this::writeWaiting);
      }
    } else {
      failed.accept(failure);
    }
  }

  private void writeWaiting() {
    writing.set(false);
    ArrayDeque<Waiting> all = waiting;
    while (all != null && !all.isEmpty() && isDurable(all.element().position())) {
      all.remove().write().run();
    }
    if (full && all != null && all.size() <= MOST_WAITING / 2) {
      full = false;
      connection.updateReading();
    }
  }

  private void write(int type, int packetId, int reasonCode, @Nullable String reason) {
    boolean done = type != PacketParser.PUBREC || reasonCode >= 0x80;
    if (done && unacknowledged > 0) {
      unacknowledged--;
    }
    connection.output().ack(type, packetId, reasonCode, reason);
    connection.touched();
  }
}
