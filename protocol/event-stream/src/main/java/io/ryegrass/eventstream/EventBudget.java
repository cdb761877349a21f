package io.ryegrass.eventstream;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Bytes of events that wait for clients, over all connections: one slow client may hold its own
 * bound, many together no more than the server's. Below the share that each connection has in any
 * case, the server's bound does not count, so the slow ones cannot starve the others.
 */
final class EventBudget {
  private final long total;
  private final long perConnection;
  private final long share;
  private final AtomicLong used = new AtomicLong();
  private final LongAdder dropped = new LongAdder();

  EventBudget(long total, long perConnection, long share) {
    this.total = total;
    this.perConnection = perConnection;
    this.share = share;
  }

  /**
   * @param held what the connection's queue holds already; an empty queue has room for any event
   */
  boolean take(long held, SharedEvent event) {
    long own = held + event.json().length;
    boolean room = held == 0 || own <= perConnection && (own <= share || used.get() < total);
    if (!room) {
      dropped.increment();
    } else if (event.enters()) {
      used.addAndGet(event.json().length);
    }
    return room;
  }

  void give(SharedEvent event) {
    if (event.leaves()) {
      used.addAndGet(-event.json().length);
    }
  }

  /** Whether a queue that holds so much should be let empty a little before more is added. */
  boolean nearlyFull(long held) {
    return held > perConnection / 4 * 3 || held > share / 2 && used.get() > total / 4 * 3;
  }

  /** The way back from {@link #nearlyFull}: an eighth of the bound has been written. */
  boolean hasRoom(long held) {
    return held <= perConnection / 8 * 5 && (held <= share / 4 || used.get() <= total / 8 * 5);
  }

  boolean halfEmpty(long held) {
    return held <= perConnection / 2 && (held <= share / 4 || used.get() <= total / 2);
  }

  long used() {
    return used.get();
  }

  long dropped() {
    return dropped.sum();
  }
}
