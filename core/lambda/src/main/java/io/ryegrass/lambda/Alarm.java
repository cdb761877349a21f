package io.ryegrass.lambda;

import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One time limit that is set and cleared for every call. The timer is asked only when nothing is
 * asked of it yet, or too late: a limit of three seconds that is set and cleared five thousand
 * times a second costs one task every three seconds. All methods want the pool's lock; the action
 * is run with it.
 */
final class Alarm {
  private final ScheduledExecutorService timer;
  private final Guard guard;
  private @Nullable Runnable action;
  private long due;
  private @Nullable ScheduledFuture<?> asked;
  private long askedFor;

  /** Runs something with the lock held, and what comes of it without. */
  @FunctionalInterface
  interface Guard {
    void locked(Runnable task);
  }

  Alarm(ScheduledExecutorService timer, Guard guard) {
    this.timer = timer;
    this.guard = guard;
  }

  /** Instead of whatever was set before. */
  void set(Duration delay, Runnable next) {
    action = next;
    due = System.nanoTime() + delay.toNanos();
    ask();
  }

  void clear() {
    action = null;
  }

  boolean isSet() {
    return action != null;
  }

  /** For good: nothing stays with the timer. */
  void end() {
    action = null;
    if (asked != null) {
      asked.cancel(false);
      asked = null;
    }
  }

  private void ask() {
    if (timer.isShutdown()) {
      return; // the core is going down, and every pool is stopped before its timer
    }
    if (asked != null) {
      if (askedFor - due <= 0) {
        return; // it comes in time and asks again
      }
      asked.cancel(false);
    }
    askedFor = due;
    asked =
        timer.schedule(
            () -> guard.locked(this::fire),
            Math.max(0, due - System.nanoTime()),
            TimeUnit.NANOSECONDS);
  }

  private void fire() {
    asked = null;
    Runnable now = action;
    if (now == null) {
      return;
    }
    if (due - System.nanoTime() > 0) {
      ask();
      return;
    }
    action = null;
    now.run();
  }

  /** A lock whose holder leaves tasks to be done when it is free again. */
  static final class Afterwards implements Guard {
    private final ReentrantLock lock = new ReentrantLock();
    private java.util.ArrayDeque<Runnable> tasks = new java.util.ArrayDeque<>();

    ReentrantLock lock() {
      return lock;
    }

    /** With the lock held: done by this thread as soon as it has let go. */
    void later(Runnable task) {
      tasks.addLast(task);
    }

    @Override
    public void locked(Runnable task) {
      lock.lock();
      try {
        task.run();
      } finally {
        unlock();
      }
    }

    /** Lets go, and does what was left. */
    void unlock() {
      java.util.ArrayDeque<Runnable> todo = tasks;
      if (todo.isEmpty() || lock.getHoldCount() > 1) {
        lock.unlock();
        return;
      }
      tasks = new java.util.ArrayDeque<>();
      lock.unlock();
      todo.forEach(Runnable::run);
    }
  }
}
