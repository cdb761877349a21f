package io.ryegrass.eventstream;

import static io.ryegrass.eventstream.EventStreamException.Code.CLOSED;
import static io.ryegrass.eventstream.EventStreamException.Code.TIMEOUT;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The only writer of a connection: a bounded queue of frames and one virtual thread that writes
 * them.
 *
 * <p>Whoever sends waits for room until the deadline; then the peer counts as dead, the connection
 * is closed and the sender gets TIMEOUT. So no thread waits for ever for a client that does not
 * read, and frames of one sender keep their order.
 */
final class FrameWriter {
  private final SocketChannel channel;
  private final int maxQueuedBytes;
  private final Duration deadline;
  private final Runnable onFailure;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // all three under the lock
  private final ArrayDeque<byte[]> queue = new ArrayDeque<>();
  private long queuedBytes;
  private State state = State.OPEN;

  private enum State {
    OPEN,
    /** No new frames; what is queued is written, then the thread ends. */
    DRAINING,
    CLOSED
  }

  /**
   * @param onFailure called when writing failed or the deadline passed; must close the connection
   *     and not wait
   */
  FrameWriter(SocketChannel channel, int maxQueuedBytes, Duration deadline, Runnable onFailure) {
    this.channel = channel;
    this.maxQueuedBytes = maxQueuedBytes;
    this.deadline = deadline;
    this.onFailure = onFailure;
  }

  void start(String name) {
    Thread.ofVirtual().name(name).start(this::run);
  }

  void send(byte[] frame) {
    lock.lock();
    try {
      long left = deadline.toNanos();
      // one frame always has room, however large it is
      while (state == State.OPEN
          && queuedBytes > 0
          && queuedBytes + frame.length > maxQueuedBytes) {
        if (left <= 0) {
          state = State.CLOSED;
          changed.signalAll();
          onFailure.run();
          throw new EventStreamException(
              TIMEOUT, "the peer did not read for " + deadline.toMillis() + " ms");
        }
        left = changed.awaitNanos(left);
      }
      if (state != State.OPEN) {
        throw new EventStreamException(CLOSED, "the connection is closed");
      }
      queue.add(frame);
      queuedBytes += frame.length;
      changed.signalAll();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new EventStreamException(CLOSED, "interrupted while sending", e);
    } finally {
      lock.unlock();
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
      while (state == State.DRAINING && left > 0) {
        left = changed.awaitNanos(left);
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
      queue.clear();
      queuedBytes = 0;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    try {
      byte[] frame;
      while ((frame = next()) != null) {
        ByteBuffer bytes = ByteBuffer.wrap(frame);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        written(frame.length);
      }
    } catch (IOException e) {
      // the reader sees the same end of the connection and says so
      onFailure.run();
    } finally {
      close();
    }
  }

  private byte @Nullable [] next() {
    lock.lock();
    try {
      while (queue.isEmpty()) {
        if (state != State.OPEN) {
          return null;
        }
        changed.await(1, TimeUnit.HOURS);
      }
      return state == State.CLOSED ? null : queue.peek();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    } finally {
      lock.unlock();
    }
  }

  private void written(int length) {
    lock.lock();
    try {
      if (queue.poll() != null) {
        queuedBytes -= length;
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }
}
