package io.ryegrass.mqtt;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Lets many threads in together, or one alone. Threads that go in and out all the time do not meet:
 * each counts on a cache line of its own, and only looks whether the gate is closed. Whoever wants
 * to be alone closes it and waits until the counts are zero, which takes as long as the longest
 * change under way.
 *
 * <p>The order "count, then look" here and "close, then read the counts" there, all volatile, makes
 * sure that one of the two sees the other. A thread that is inside may enter again.
 */
final class JournalGate {
  private static final int STRIPES = 64;
  private static final int LINE = 16; // longs: 128 bytes, since processors fetch lines in pairs

  private static final class Visit {
    private final int slot;
    private int depth;

    private Visit(int slot) {
      this.slot = slot;
    }
  }

  private final AtomicLongArray inside = new AtomicLongArray((STRIPES + 1) * LINE);
  private final AtomicInteger turn = new AtomicInteger();
  private final ThreadLocal<Visit> visits =
      ThreadLocal.withInitial(
          () -> new Visit((1 + Math.floorMod(turn.getAndIncrement(), STRIPES)) * LINE));
  private final ReentrantLock alone = new ReentrantLock();
  private volatile boolean closed;

  void enter() {
    Visit visit = visits.get();
    if (visit.depth > 0) {
      visit.depth++;
      return;
    }
    while (true) {
      inside.getAndIncrement(visit.slot);
      if (!closed) {
        visit.depth = 1;
        return;
      }
      inside.getAndDecrement(visit.slot);
      alone.lock(); // until whoever is alone has finished
      alone.unlock();
    }
  }

  void exit() {
    Visit visit = visits.get();
    if (visit.depth == 0) {
      throw new IllegalStateException("This thread did not enter");
    }
    if (--visit.depth == 0) {
      inside.getAndDecrement(visit.slot);
    }
  }

  /** Runs it while nobody is inside. */
  <T> T alone(Supplier<T> action) {
    if (visits.get().depth > 0) {
      throw new IllegalStateException("This thread is inside and would wait for itself");
    }
    alone.lock();
    try {
      closed = true;
      for (int slot = LINE; slot < inside.length(); slot += LINE) {
        for (int spins = 0; inside.get(slot) != 0; spins++) {
          if (spins < 200) {
            Thread.onSpinWait();
          } else {
            LockSupport.parkNanos(20_000);
          }
        }
      }
      return action.get();
    } finally {
      closed = false;
      alone.unlock();
    }
  }
}
