package io.ryegrass.mqtt;

import io.netty.channel.Channel;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets a bounded number of TLS handshakes run at once, in the order of their ClientHello. Thousands
 * of clients that come at once (power is back in the plant; somebody floods) wait in a line that
 * costs little; a line that is full refuses. A handshake that stands still loses its place to those
 * who wait: its peer is the one that does not answer, as the broker itself needs milliseconds.
 */
final class HandshakePlaces {
  private final ListenerBounds bounds;
  private final ListenerCounters counters;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Channel, Long> running = new LinkedHashMap<>();
  private final Map<Channel, Runnable> waiting = new LinkedHashMap<>();

  HandshakePlaces(ListenerBounds bounds, ListenerCounters counters) {
    this.bounds = bounds;
    this.counters = counters;
  }

  /**
   * Called on the channel's event loop.
   *
   * @param start is run there, now or when there is a place
   * @return false when the line is full; the caller closes the channel
   */
  boolean enter(Channel channel, Runnable start) {
    boolean now;
    lock.lock();
    try {
      now = running.size() < bounds.handshakes();
      if (now) {
        running.put(channel, System.nanoTime());
      } else if (waiting.size() < bounds.waitingHandshakes()) {
        waiting.put(channel, start);
      } else {
        counters.refusedHandshakes.increment();
        return false;
      }
    } finally {
      lock.unlock();
    }
    channel.closeFuture().addListener(f -> leave(channel));
    if (now) {
      start.run();
    } else {
      pressOn(channel);
    }
    return true;
  }

  /** The handshake is over, one way or the other; the next one begins. */
  void leave(Channel channel) {
    Map.Entry<Channel, Runnable> next = null;
    lock.lock();
    try {
      waiting.remove(channel);
      Iterator<Map.Entry<Channel, Runnable>> line = waiting.entrySet().iterator();
      if (running.remove(channel) != null && line.hasNext()) {
        next = line.next();
        line.remove();
        running.put(next.getKey(), System.nanoTime());
      }
    } finally {
      lock.unlock();
    }
    if (next != null) {
      next.getKey().eventLoop().execute(next.getValue());
    }
  }

  /** As long as the channel waits, it takes the place of one that stands still. */
  private void pressOn(Channel waiter) {
    if (displaceOne(waiter)) {
      waiter
          .eventLoop()
          .schedule(
              () -> pressOn(waiter), bounds.standstill().toMillis() / 2, TimeUnit.MILLISECONDS);
    }
  }

  private boolean displaceOne(Channel waiter) {
    Channel stalled = null;
    lock.lock();
    try {
      if (!waiting.containsKey(waiter)) {
        return false;
      }
      Iterator<Map.Entry<Channel, Long>> all = running.entrySet().iterator();
      if (all.hasNext()) {
        Map.Entry<Channel, Long> oldest = all.next();
        if (System.nanoTime() - oldest.getValue() >= bounds.standstill().toNanos()) {
          stalled = oldest.getKey();
          // Marked as young, so that the next call takes the next one while this one closes.
          all.remove();
          running.put(stalled, System.nanoTime());
        }
      }
    } finally {
      lock.unlock();
    }
    if (stalled != null) {
      counters.displacedHandshakes.increment();
      stalled.close();
    }
    return true;
  }

  int running() {
    lock.lock();
    try {
      return running.size();
    } finally {
      lock.unlock();
    }
  }

  int waiting() {
    lock.lock();
    try {
      return waiting.size();
    } finally {
      lock.unlock();
    }
  }
}
