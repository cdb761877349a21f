package io.ryegrass.ipc;

import io.ryegrass.eventstream.EventStreamException;
import io.ryegrass.eventstream.ServerStream;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Events on their way to one stream, so that whoever makes them never waits for the client: a
 * bounded queue and a virtual thread that empties it. A full queue drops the new event and counts
 * it.
 */
final class EventPump {
  private static final Logger log = LoggerFactory.getLogger(EventPump.class);
  private static final int MAX_EVENTS = 1024;
  private static final long MAX_BYTES = 4L << 20;

  private record Event(JsonNode node, long bytes) {}

  private final ServerStream stream;
  private final String what;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Event> queue = new ArrayDeque<>();
  private long bytes;
  private long dropped;
  private boolean closed;

  /** Starts with the stream and ends with it. */
  EventPump(ServerStream stream, String what) {
    this.stream = stream;
    this.what = what;
    stream.onClose(this::close);
    Thread.ofVirtual().name("ipc-events-" + stream.key()).start(this::run);
  }

  /**
   * @param size roughly what the event weighs
   */
  void offer(JsonNode event, long size) {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      if (queue.size() >= MAX_EVENTS || !queue.isEmpty() && bytes + size > MAX_BYTES) {
        dropped++;
        if (dropped == 1 || dropped % 10_000 == 0) {
          log.warn(
              "{} does not take its {} fast enough: {} dropped so far",
              stream.principal(),
              what,
              dropped);
        }
        return;
      }
      queue.add(new Event(event, size));
      bytes += size;
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  private void close() {
    lock.lock();
    try {
      closed = true;
      queue.clear();
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    try {
      JsonNode event;
      while ((event = next()) != null) {
        stream.sendEvent(event);
      }
    } catch (EventStreamException e) {
      log.debug("{} of {} end: {}", what, stream.principal(), e.getMessage());
      stream.close();
    }
  }

  private @Nullable JsonNode next() {
    lock.lock();
    try {
      while (queue.isEmpty() && !closed) {
        changed.await(1, TimeUnit.HOURS);
      }
      Event event = queue.poll();
      if (event == null) {
        return null;
      }
      bytes -= event.bytes();
      return event.node();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    } finally {
      lock.unlock();
    }
  }
}
