package io.ryegrass.registry.shadow;

import io.ryegrass.model.shadow.ShadowException;
import io.ryegrass.store.CloudStore;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Many changes in one transaction, so that they share one wait for the disk. Whoever brings a
 * change and finds nobody at work commits all that wait; the others come in turn and find theirs
 * done. Bounded: when {@value #WAITING} wait, or a wait lasts longer than {@value
 * #PATIENCE_SECONDS} s, the change is refused and was not made.
 */
final class UpdateQueue {
  private static final int WAITING = 4096;

  /**
   * One transaction holds the store's only writer, so others wait no longer than this many take.
   */
  private static final int AT_ONCE = 128;

  private static final int PATIENCE_SECONDS = 30;

  private final CloudStore store;
  private final BlockingQueue<Change> waiting = new ArrayBlockingQueue<>(WAITING);
  private final ReentrantLock atWork = new ReentrantLock();

  /** What one caller wants. All but {@code work} belong to whoever holds the lock. */
  private static final class Change {
    private final Supplier<JsonNode> work;
    private @Nullable JsonNode result;
    private @Nullable RuntimeException failure;

    Change(Supplier<JsonNode> work) {
      this.work = work;
    }

    boolean isDone() {
      return result != null || failure != null;
    }
  }

  UpdateQueue(CloudStore store) {
    this.store = store;
  }

  /**
   * Makes a change and returns when it is on disk. Not from within a transaction.
   *
   * @param work runs inside a transaction with others' work; what it refuses by a {@link
   *     ShadowException} it must refuse before it has written anything
   * @throws ShadowException as {@code work} did, or 429 when too many wait
   */
  JsonNode run(Supplier<JsonNode> work) {
    Change mine = new Change(work);
    try {
      if (!waiting.offer(mine, PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw tooMany();
      }
      if (!atWork.tryLock(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        if (waiting.remove(mine) || !atWork.tryLock(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
          throw tooMany();
        }
      }
    } catch (InterruptedException e) {
      waiting.remove(mine);
      Thread.currentThread().interrupt();
      throw new ShadowException(500, "Internal service failure");
    }
    try {
      while (!mine.isDone()) {
        List<Change> batch = new ArrayList<>(AT_ONCE);
        waiting.drainTo(batch, AT_ONCE);
        commit(batch);
      }
    } finally {
      atWork.unlock();
    }
    if (mine.failure != null) {
      throw mine.failure;
    }
    JsonNode result = mine.result;
    if (result == null) {
      throw new IllegalStateException("a change that is done has a result");
    }
    return result;
  }

  private void commit(List<Change> batch) {
    try {
      store.write(
          sql -> {
            batch.forEach(UpdateQueue::tryWork);
            return batch;
          });
    } catch (RuntimeException e) {
      if (batch.size() == 1) {
        batch.getFirst().result = null;
        batch.getFirst().failure = e;
      } else {
        // One of them spoilt the transaction of all; each gets its own.
        for (Change change : batch) {
          change.result = null;
          change.failure = null;
          commit(List.of(change));
        }
      }
    }
  }

  /** A refusal concerns this change alone; anything else undoes the transaction. */
  private static void tryWork(Change change) {
    try {
      change.result = change.work.get();
    } catch (ShadowException e) {
      change.failure = e;
    }
  }

  private static ShadowException tooMany() {
    return new ShadowException(429, "Too many requests; try again");
  }
}
