package io.ryegrass.lambda;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What all functions of the core share. V1 functions (those of a group): workers of on-demand
 * functions at once, {@code runtime.maxConcurrentLimit} (25), and waiting work, {@code
 * runtime.maxWorkItemCount} (1024, CFG-13). All functions: the bytes of waiting payloads.
 *
 * <p>A function that may not start a worker has the one ended that was idle longest, whichever
 * function it is of (LAM-42: least recently used), and tries again when any is gone. Pools call
 * this with their own lock held; it never takes a pool's lock itself but on another thread.
 */
final class CoreLimits {
  private static final long MOST_BYTES = 16L << 20;

  private final Executor tasks;
  private final AtomicInteger items = new AtomicInteger();
  private final AtomicLong bytes = new AtomicLong();
  private final CopyOnWriteArraySet<FunctionPool> pools = new CopyOnWriteArraySet<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Set<FunctionPool> hungry = new LinkedHashSet<>();
  private int workers;
  private volatile int mostWorkers = 25;
  private volatile int mostItems = 1024;

  CoreLimits(Executor tasks) {
    this.tasks = tasks;
  }

  void configure(int maxConcurrent, int maxWorkItems) {
    mostWorkers = maxConcurrent;
    mostItems = maxWorkItems;
  }

  void add(FunctionPool pool) {
    pools.add(pool);
  }

  void remove(FunctionPool pool) {
    pools.remove(pool);
    lock.lock();
    try {
      hungry.remove(pool);
    } finally {
      lock.unlock();
    }
  }

  /** Work of V1 functions that waits. */
  int items() {
    return items.get();
  }

  private static boolean isV1(FunctionConfiguration f) {
    return !f.groupId().isEmpty();
  }

  boolean hold(FunctionConfiguration f, int size) {
    // An empty core takes even a payload that is larger than the bound.
    if (bytes.addAndGet(size) > MOST_BYTES && bytes.get() > size) {
      bytes.addAndGet(-size);
      return false;
    }
    if (isV1(f) && items.incrementAndGet() > mostItems) {
      items.decrementAndGet();
      bytes.addAndGet(-size);
      return false;
    }
    return true;
  }

  void letGo(FunctionConfiguration f, int size) {
    bytes.addAndGet(-size);
    if (isV1(f)) {
      items.decrementAndGet();
    }
  }

  /** Whether a worker may be started; else the function hears of it when one may. */
  boolean permit(FunctionPool pool, FunctionConfiguration f) {
    if (!isV1(f) || f.pinned()) {
      return true;
    }
    lock.lock();
    try {
      if (workers < mostWorkers) {
        workers++;
        hungry.remove(pool);
        return true;
      }
      if (hungry.add(pool)) {
        tasks.execute(this::endOneIdle);
      }
      return false;
    } finally {
      lock.unlock();
    }
  }

  /** A worker that had a permit is gone. */
  void returned() {
    List<FunctionPool> next;
    lock.lock();
    try {
      workers--;
      next = new ArrayList<>(hungry);
      hungry.clear();
    } finally {
      lock.unlock();
    }
    next.forEach(pool -> tasks.execute(pool::tryAgain));
  }

  /** Whether some function waits for a worker of another to go. */
  boolean someoneWaits() {
    lock.lock();
    try {
      return !hungry.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** Ends the worker that was idle longest, if any is idle. */
  void endOneIdle() {
    FunctionPool oldest = null;
    long since = Long.MAX_VALUE;
    for (FunctionPool pool : pools) {
      long idle = pool.longestIdleNanos();
      if (idle != 0 && (oldest == null || idle - since < 0)) {
        oldest = pool;
        since = idle;
      }
    }
    endIdleOf(oldest);
  }

  private static void endIdleOf(@Nullable FunctionPool pool) {
    if (pool != null) {
      pool.endLongestIdle();
    }
  }
}
