package io.ryegrass.nucleus.bus;

import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Receiver;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One target's queue, bounded in messages and bytes, and the virtual thread that empties it in
 * order.
 *
 * <p>The thread lives as long as there is something to hand over, and the queue is as large as what
 * waits in it: a group may have 2,500 devices and 200 functions, most of which have nothing to say
 * at any one time.
 */
final class Mailbox {
  private static final Logger LOG = LoggerFactory.getLogger(Mailbox.class);
  private static final long MAX_BYTES = 16L << 20;

  /** A queue that was longer is not kept when it is empty again. */
  private static final int KEPT_LENGTH = 64;

  private final String owner;
  private final Receiver receiver;
  private final int capacity;
  private final AtomicLong failures = new AtomicLong();

  // all below: under the monitor of this, which is never held while a message is received
  private ArrayDeque<Message> queue = new ArrayDeque<>(1);
  private int longest;

  /** Messages in the queue, and places that are held for some. */
  private int taken;

  private long bytes;
  private @Nullable Thread thread;
  private boolean closed;

  Mailbox(String owner, Receiver receiver, int capacity) {
    this.owner = owner;
    this.receiver = receiver;
    this.capacity = capacity;
  }

  /** False when full. */
  synchronized boolean offer(Message m) {
    if (!reserve(m)) {
      return false;
    }
    commit(m);
    return true;
  }

  /** Holds room for a message; false when there is none. */
  synchronized boolean reserve(Message m) {
    int size = m.payload().length;
    boolean tooMuch = bytes + size > MAX_BYTES && !queue.isEmpty();
    if (closed || tooMuch || taken >= capacity) {
      return false;
    }
    taken++;
    bytes += size;
    return true;
  }

  /** Puts a message into the room that was held for it. */
  synchronized void commit(Message m) {
    queue.add(m);
    longest = Math.max(longest, queue.size());
    if (thread == null && !closed) {
      thread = Thread.ofVirtual().name("bus-" + owner).start(this::run);
    }
  }

  /** Gives the room back. */
  synchronized void cancel(Message m) {
    taken--;
    bytes -= m.payload().length;
  }

  /** The next message; null when there is none, and then this thread's work is over. */
  private synchronized @Nullable Message next() {
    Message m = closed ? null : queue.poll();
    if (m != null) {
      cancel(m);
      return m;
    }
    thread = null;
    if (longest > KEPT_LENGTH) {
      queue = new ArrayDeque<>(1);
    }
    longest = 0;
    return null;
  }

  private void run() {
    for (Message m = next(); m != null; m = next()) {
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
  synchronized void close() {
    closed = true;
    if (thread != null) {
      thread.interrupt();
    }
  }
}
