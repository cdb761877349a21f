package io.ryegrass.lambda;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The work that waits for one function, first in, first out (v1-lambda-runtime.md section 2.3).
 * Bounded by the function's own {@code maxQueueSize} and by what the core as a whole may hold; room
 * can be reserved before the work is there. All methods want the pool's lock.
 */
final class WorkQueue {
  private final ArrayDeque<Work> waiting = new ArrayDeque<>();
  private final CoreLimits limits;
  private int reserved;

  WorkQueue(CoreLimits limits) {
    this.limits = limits;
  }

  boolean isEmpty() {
    return waiting.isEmpty();
  }

  int size() {
    return waiting.size();
  }

  /** Holds room for a payload of that size; false when there is none. */
  boolean reserve(FunctionConfiguration f, int bytes) {
    if (waiting.size() + reserved >= f.maxQueueSize() || !limits.hold(f, bytes)) {
      return false;
    }
    reserved++;
    return true;
  }

  /** Gives reserved room back. */
  void release(FunctionConfiguration f, int bytes) {
    reserved--;
    limits.letGo(f, bytes);
  }

  /** Puts work into the room that was reserved for it. */
  void fill(Work work) {
    reserved--;
    waiting.addLast(work);
  }

  /** The oldest work, or null. */
  @Nullable Work take(FunctionConfiguration f) {
    Work work = waiting.pollFirst();
    if (work != null) {
      limits.letGo(f, work.payload().length);
    }
    return work;
  }

  /** Empties the queue. */
  List<Work> takeAll(FunctionConfiguration f) {
    List<Work> all = new ArrayList<>(waiting);
    waiting.clear();
    all.forEach(w -> limits.letGo(f, w.payload().length));
    return all;
  }
}
