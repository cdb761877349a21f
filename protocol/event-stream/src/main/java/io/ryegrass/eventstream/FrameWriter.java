package io.ryegrass.eventstream;

import static io.ryegrass.eventstream.EventStreamException.Code.CLOSED;
import static io.ryegrass.eventstream.EventStreamException.Code.TIMEOUT;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The only writer of a connection: a bounded queue of frames and one virtual thread that writes
 * them, as many at once as fit into a buffer.
 *
 * <p>There are two ways in, with one order between them. {@link #send} is for what must arrive:
 * whoever sends waits for room until the deadline; then the peer counts as dead, the connection is
 * closed and the sender gets TIMEOUT. So no thread waits for ever for a client that does not read.
 * {@link #offer} is for events that come from others: it never waits, and says no when the client
 * has too much to read already. Each has its own bound, so a flood of events does not keep an
 * answer from being sent.
 */
final class FrameWriter {
  private static final int MAX_EVENTS = 16_384;
  private static final int BATCH = 128;
  private static final long SECOND_CHANCE_NANOS = 5_000_000_000L;

  private final SocketChannel channel;
  private final int maxQueuedBytes;
  private final Duration deadline;
  private final Runnable onFailure;
  private final EventBudget budget;
  private final WriteBuffers buffers;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // all under the lock
  private final ArrayDeque<Frame> queue = new ArrayDeque<>();
  private long sentBytes;
  private long eventBytes;
  private int events;
  private boolean idle;
  private int waiting;
  private boolean tooSlow;
  private long tooSlowSince;

  /** Whether publishers should wait a moment; read without the lock. */
  private volatile boolean pressed;

  private State state = State.OPEN;

  private enum State {
    OPEN,
    /** No new frames; what is queued is written, then the thread ends. */
    DRAINING,
    CLOSED
  }

  /** What waits to be written. */
  private sealed interface Frame {
    int size();

    byte[] encode();
  }

  private record Answer(byte[] encode) implements Frame {
    @Override
    public int size() {
      return encode.length;
    }
  }

  /** Encoded when it is written, because its body is shared by all who receive it. */
  private record Event(FrameTemplate template, int streamId, SharedEvent event) implements Frame {
    @Override
    public int size() {
      return template.size(event.json());
    }

    @Override
    public byte[] encode() {
      return template.encode(streamId, event.json());
    }
  }

  /**
   * @param onFailure called when writing failed or the deadline passed; must close the connection
   *     and not wait
   */
  FrameWriter(
      SocketChannel channel,
      int maxQueuedBytes,
      Duration deadline,
      Runnable onFailure,
      EventBudget budget,
      WriteBuffers buffers) {
    this.channel = channel;
    this.maxQueuedBytes = maxQueuedBytes;
    this.deadline = deadline;
    this.onFailure = onFailure;
    this.budget = budget;
    this.buffers = buffers;
  }

  void start(String name) {
    Thread.ofVirtual().name(name).start(this::run);
  }

  void send(byte[] frame) {
    lock.lock();
    try {
      long left = deadline.toNanos();
      // one frame always has room, however large it is
      while (state == State.OPEN && sentBytes > 0 && sentBytes + frame.length > maxQueuedBytes) {
        if (left <= 0) {
          state = State.CLOSED;
          changed.signalAll();
          onFailure.run();
          throw new EventStreamException(
              TIMEOUT, "the peer did not read for " + deadline.toMillis() + " ms");
        }
        waiting++;
        try {
          left = changed.awaitNanos(left);
        } finally {
          waiting--;
        }
      }
      if (state != State.OPEN) {
        throw new EventStreamException(CLOSED, "the connection is closed");
      }
      sentBytes += frame.length;
      add(new Answer(frame));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new EventStreamException(CLOSED, "interrupted while sending", e);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Queues an event without waiting.
   *
   * @return false when the queue is full or the connection closed; the event is dropped then
   */
  boolean offer(FrameTemplate template, int streamId, SharedEvent event) {
    lock.lock();
    try {
      if (state != State.OPEN || events >= MAX_EVENTS || !budget.take(eventBytes, event)) {
        return false;
      }
      events++;
      eventBytes += event.json().length;
      if (!pressed && (events > MAX_EVENTS / 4 * 3 || budget.nearlyFull(eventBytes))) {
        pressed = true;
      }
      add(new Event(template, streamId, event));
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** How the queue of events stands: see {@link ServerStream.Backlog}. */
  ServerStream.Backlog backlog() {
    if (!pressed) {
      return ServerStream.Backlog.SMALL;
    }
    lock.lock();
    try {
      if (tooSlow && System.nanoTime() - tooSlowSince > SECOND_CHANCE_NANOS) {
        tooSlow = false;
      }
      return tooSlow || state != State.OPEN
          ? ServerStream.Backlog.HOPELESS
          : ServerStream.Backlog.LARGE;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until some of the events are written. Who does not get there in time counts as slow, and
   * is not waited for again until half of his queue is empty or some seconds have passed.
   */
  void awaitRoom(Duration atMost) {
    lock.lock();
    try {
      long left = atMost.toNanos();
      waiting++;
      try {
        while (pressed && !tooSlow && state == State.OPEN && left > 0) {
          left = changed.awaitNanos(left);
        }
      } finally {
        waiting--;
      }
      if (pressed && left <= 0 && !tooSlow) {
        tooSlow = true;
        tooSlowSince = System.nanoTime();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  /** Under the lock. */
  private void add(Frame frame) {
    queue.add(frame);
    if (idle) {
      idle = false;
      changed.signalAll();
    }
  }

  /**
   * Takes no more frames and waits, at most for the deadline, until the queued ones are written.
   */
  void drain() {
    lock.lock();
    try {
      if (state == State.OPEN) {
        state = State.DRAINING;
        changed.signalAll();
      }
      long left = deadline.toNanos();
      waiting++;
      try {
        while (state == State.DRAINING && left > 0) {
          left = changed.awaitNanos(left);
        }
      } finally {
        waiting--;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  void close() {
    lock.lock();
    try {
      state = State.CLOSED;
      for (Frame frame : queue) {
        if (frame instanceof Event e) {
          budget.give(e.event());
        }
      }
      queue.clear();
      sentBytes = 0;
      eventBytes = 0;
      events = 0;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    List<Frame> batch = new ArrayList<>();
    try {
      while (next(batch)) {
        ByteBuffer buffer = buffers.take();
        try {
          for (Frame frame : batch) {
            gather(buffer, frame);
          }
          flush(buffer);
        } finally {
          buffers.give(buffer);
        }
        written(batch);
      }
    } catch (IOException e) {
      // the reader sees the same end of the connection and says so
      onFailure.run();
    } finally {
      written(batch);
      close();
    }
  }

  private void gather(ByteBuffer buffer, Frame frame) throws IOException {
    byte[] bytes = frame.encode();
    int done = 0;
    while (done < bytes.length) {
      if (!buffer.hasRemaining()) {
        flush(buffer);
      }
      int part = Math.min(buffer.remaining(), bytes.length - done);
      buffer.put(bytes, done, part);
      done += part;
    }
  }

  private void flush(ByteBuffer buffer) throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }

  /** Waits for frames and moves the first of them into the batch; false at the end. */
  private boolean next(List<Frame> batch) {
    lock.lock();
    try {
      while (queue.isEmpty()) {
        if (state != State.OPEN) {
          return false;
        }
        idle = true;
        changed.await(1, TimeUnit.HOURS);
      }
      if (state == State.CLOSED) {
        return false;
      }
      long bytes = 0;
      Frame frame;
      while (batch.size() < BATCH
          && (frame = queue.peek()) != null
          && (bytes == 0 || bytes + frame.size() <= WriteBuffers.BYTES)) {
        bytes += frame.size();
        batch.add(queue.remove());
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }

  private void written(List<Frame> batch) {
    lock.lock();
    try {
      for (Frame frame : batch) {
        switch (frame) {
          case Event e -> {
            events--;
            eventBytes -= e.event().json().length;
            budget.give(e.event());
          }
          case Answer a -> sentBytes -= a.size();
        }
      }
      batch.clear();
      if (pressed && events <= MAX_EVENTS / 8 * 5 && budget.hasRoom(eventBytes)) {
        pressed = false;
      }
      if (tooSlow && events <= MAX_EVENTS / 2 && budget.halfEmpty(eventBytes)) {
        tooSlow = false;
      }
      if (waiting > 0) {
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }
}
