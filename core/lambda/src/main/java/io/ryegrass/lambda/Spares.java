package io.ryegrass.lambda;

import io.ryegrass.lambda.WorkerStarter.FunctionHome;
import io.ryegrass.lambda.WorkerStarter.Prepared;
import io.ryegrass.nucleus.NucleusException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * At most one worker of a function whose surroundings are made ahead, so that the next start waits
 * for its interpreter only. The lock is never held while something is made.
 */
final class Spares {
  private static final Logger LOG = LoggerFactory.getLogger(Spares.class);

  private record Spare(Worker worker, Prepared prepared) {}

  private final Supplier<Worker> newWorker;
  private final Function<Worker, Optional<Prepared>> prepare;
  private final Consumer<Worker> gone;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Worker, Prepared> taken = new HashMap<>();
  private @Nullable Spare ready;
  private boolean making;
  private boolean closed;

  /**
   * @param newWorker issues a token
   * @param prepare blocks; empty when there is nothing to prepare or no room
   * @param gone ends the token of a worker that never worked
   */
  Spares(
      Supplier<Worker> newWorker,
      Function<Worker, Optional<Prepared>> prepare,
      Consumer<Worker> gone) {
    this.newWorker = newWorker;
    this.prepare = prepare;
    this.gone = gone;
  }

  /** Makes one when there is none; blocks. */
  void make() {
    lock.lock();
    try {
      if (closed || making || ready != null) {
        return;
      }
      making = true;
    } finally {
      lock.unlock();
    }
    Spare made = null;
    try {
      Worker worker = newWorker.get();
      Optional<Prepared> prepared = prepare.apply(worker);
      if (prepared.isPresent()) {
        made = new Spare(worker, prepared.get());
      } else {
        gone.accept(worker);
      }
    } catch (NucleusException e) {
      LOG.debug("No worker is made ahead: {}", e.getMessage());
    } finally {
      keep(made);
    }
  }

  private void keep(@Nullable Spare made) {
    boolean late;
    lock.lock();
    try {
      making = false;
      late = closed;
      if (!late) {
        ready = made;
      }
    } finally {
      lock.unlock();
    }
    if (late && made != null) {
      end(made);
    }
  }

  /** The worker that is ready, to be started by {@link #start}. */
  Optional<Worker> take() {
    lock.lock();
    try {
      Spare spare = ready;
      if (spare == null) {
        return Optional.empty();
      }
      ready = null;
      taken.put(spare.worker(), spare.prepared());
      return Optional.of(spare.worker());
    } finally {
      lock.unlock();
    }
  }

  /** Whether the worker is one of {@link #take}'s; then it starts, if what was made still fits. */
  Optional<WorkerProcess> start(Worker worker, FunctionHome home) {
    Prepared prepared;
    lock.lock();
    try {
      prepared = taken.remove(worker);
    } finally {
      lock.unlock();
    }
    return prepared == null ? Optional.empty() : prepared.start(home);
  }

  /** Whether one is ready or being made. */
  boolean any() {
    lock.lock();
    try {
      return ready != null || making;
    } finally {
      lock.unlock();
    }
  }

  /** Takes the one that is ready down. */
  void discard() {
    Spare spare;
    lock.lock();
    try {
      spare = ready;
      ready = null;
    } finally {
      lock.unlock();
    }
    if (spare != null) {
      end(spare);
    }
  }

  /** No more of them. */
  void close() {
    lock.lock();
    try {
      closed = true;
    } finally {
      lock.unlock();
    }
    discard();
  }

  private void end(Spare spare) {
    spare.prepared().discard();
    gone.accept(spare.worker());
  }
}
