package io.ryegrass.nucleus.bus;

import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Receiver;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One target's queue, bounded in messages and bytes, and the virtual thread that empties it in
 * order.
 */
final class Mailbox {
  private static final Logger LOG = LoggerFactory.getLogger(Mailbox.class);
  private static final long MAX_BYTES = 16L << 20;

  private final String owner;
  private final Receiver receiver;
  private final ArrayBlockingQueue<Message> queue;
  private final Semaphore room;
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicLong failures = new AtomicLong();
  private final Thread thread;
  private volatile boolean closed;

  Mailbox(String owner, Receiver receiver, int capacity) {
    this.owner = owner;
    this.receiver = receiver;
    this.queue = new ArrayBlockingQueue<>(capacity);
    this.room = new Semaphore(capacity);
    this.thread = Thread.ofVirtual().name("bus-" + owner).start(this::run);
  }

  /** False when full. */
  boolean offer(Message m) {
    if (!reserve(m)) {
      return false;
    }
    commit(m);
    return true;
  }

  /** Holds room for a message; false when there is none. */
  boolean reserve(Message m) {
    int size = m.payload().length;
    boolean fits = bytes.addAndGet(size) <= MAX_BYTES || queue.isEmpty();
    if (closed || !fits || !room.tryAcquire()) {
      bytes.addAndGet(-size);
      return false;
    }
    return true;
  }

  /** Puts a message into the room that was held for it. */
  void commit(Message m) {
    queue.add(m); // as many permits as places
  }

  /** Gives the room back. */
  void cancel(Message m) {
    bytes.addAndGet(-m.payload().length);
    room.release();
  }

  private void run() {
    while (!closed) {
      Message m;
      try {
        m = queue.take();
        room.release();
      } catch (InterruptedException e) {
        continue;
      }
      bytes.addAndGet(-m.payload().length);
      try {
        receiver.receive(m);
      } catch (RuntimeException e) {
        long count = failures.incrementAndGet();
        if (Long.bitCount(count) == 1) {
          LOG.warn(
              "{} failed to take a message on {} ({} failures so far)", owner, m.topic(), count, e);
        }
      }
    }
  }

  /** No message is received after the one in work. */
  void close() {
    closed = true;
    thread.interrupt();
  }
}
