package io.ryegrass.mqtt;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One thread that waits for the disk on behalf of all who wait. While an fsync runs, others append
 * and join the queue; the next one covers all of them.
 *
 * <p>{@link #whenDurable} calls back at once only when everybody who waited for less was called
 * back, so it never overtakes a callback of an earlier position.
 */
final class JournalCommitter {
  private static final Logger LOG = LoggerFactory.getLogger(JournalCommitter.class);

  private record Waiter(long position, Consumer<@Nullable RuntimeException> then) {}

  private final LongSupplier commit;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition wanted = lock.newCondition();
  private final ArrayDeque<Waiter> waiting = new ArrayDeque<>();
  private final Thread thread;
  private boolean idle;
  private boolean closing;
  private boolean ended;
  private volatile long durable;

  /** Everybody who waited for this or less was called back. */
  private volatile long told;

  private volatile long commits;
  private volatile long served;

  /**
   * @param commit brings to the disk what was appended and tells up to where; throws when it cannot
   * @param durable what is on the disk already
   */
  JournalCommitter(String name, LongSupplier commit, long durable) {
    this.commit = commit;
    this.durable = durable;
    this.told = durable;
    this.thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
    thread.start();
  }

  long durable() {
    return durable;
  }

  /** How many times the disk was waited for, and for how many. */
  long commits() {
    return commits;
  }

  long served() {
    return served;
  }

  void whenDurable(long position, Consumer<@Nullable RuntimeException> then) {
    if (position <= told) {
      then.accept(null);
      return;
    }
    lock.lock();
    try {
      if (!ended) {
        queue(new Waiter(position, then));
        if (idle) {
          wanted.signal();
        }
        return;
      }
    } finally {
      lock.unlock();
    }
    then.accept(
        position <= durable
            ? null
            : new MqttBrokerException(
                MqttBrokerException.STORE_FAILED,
                "The MQTT journal is closed; the broker is stopping",
                null));
  }

  private void queue(Waiter waiter) {
    ArrayDeque<Waiter> later = new ArrayDeque<>(0);
    while (!waiting.isEmpty() && waiting.getLast().position > waiter.position) {
      later.addFirst(waiting.removeLast());
    }
    waiting.addLast(waiter);
    waiting.addAll(later);
  }

  /** Waits for the disk, without a deadline; an interrupt is kept for later. */
  void await(long position) {
    if (position <= durable) {
      return;
    }
    if (Thread.currentThread() == thread) {
      long unused = commit.getAsLong(); // a callback that waits would wait for itself
      return;
    }
    CountDownLatch done = new CountDownLatch(1);
    AtomicReference<RuntimeException> failure = new AtomicReference<>();
    whenDurable(
        position,
        reason -> {
          failure.set(reason);
          done.countDown();
        });
    boolean interrupted = false;
    while (true) {
      try {
        done.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    RuntimeException reason = failure.get();
    if (reason != null) {
      throw reason;
    }
  }

  private void run() {
    long covered = durable;
    List<Waiter> batch = new ArrayList<>();
    while (true) {
      long first;
      lock.lock();
      try {
        while (waiting.isEmpty() && !closing) {
          idle = true;
          wanted.awaitUninterruptibly();
        }
        idle = false;
        Waiter head = waiting.peekFirst();
        if (head == null) {
          ended = true;
          return;
        }
        first = head.position;
      } finally {
        lock.unlock();
      }
      RuntimeException failure = null;
      if (first > covered) {
        try {
          covered = Math.max(covered, commit.getAsLong());
          commits++;
        } catch (RuntimeException e) {
          failure = e;
        }
      }
      take(batch, failure == null ? covered : Long.MAX_VALUE);
      durable = covered;
      for (Waiter waiter : batch) {
        call(waiter, failure);
      }
      served += batch.size();
      batch.clear();
      told = covered;
    }
  }

  private void take(List<Waiter> batch, long upTo) {
    lock.lock();
    try {
      Waiter head = waiting.peekFirst();
      while (head != null && head.position <= upTo) {
        batch.add(head);
        waiting.removeFirst();
        head = waiting.peekFirst();
      }
    } finally {
      lock.unlock();
    }
  }

  private static void call(Waiter waiter, @Nullable RuntimeException failure) {
    try {
      waiter.then.accept(failure);
    } catch (RuntimeException e) {
      LOG.error("Who waited for the MQTT journal failed when told", e);
    }
  }

  /** Serves who waits and ends; whoever comes later is told that it is closed. */
  void close() {
    lock.lock();
    try {
      closing = true;
      wanted.signal();
    } finally {
      lock.unlock();
    }
    boolean interrupted = false;
    while (Thread.currentThread() != thread) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
