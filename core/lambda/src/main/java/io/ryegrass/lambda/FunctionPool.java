package io.ryegrass.lambda;

import io.ryegrass.lambda.WorkerState.Event;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One function: the work that waits for it and the {@link Crew} of workers that does it.
 *
 * <p>A <em>pinned</em> (long-lived) function has one worker, started with the pool and started
 * again when it dies; work reaches it in the order it came. An <em>on-demand</em> function gets a
 * worker when work finds none free, up to {@code maxInstances} and to what the core allows ({@link
 * CoreLimits}), and loses it after {@code maxIdle} or when another function needs its place. Work
 * waits in one queue; what does not fit is refused to its sender and counted.
 *
 * <p>One lock guards all of it and is never held over I/O, a wait, or a callback: what is to be
 * told to others is told when it is free again, on the same thread. A start that fails costs the
 * oldest waiting work (its caller gets Unhandled), so a function that cannot load never spins.
 */
final class FunctionPool {
  private static final Logger LOG = LoggerFactory.getLogger(FunctionPool.class);

  private final PoolSurroundings surroundings;
  private final LambdaSettings settings;
  private final String arn;
  private final Alarm.Afterwards guard = new Alarm.Afterwards();
  private final Condition changed = guard.lock().newCondition();
  private final WorkQueue queue;
  private final Crew crew;
  private final Alarm restart;
  private final FailedStarts failedStarts;

  private FunctionConfiguration configuration;

  /** Takes work. */
  private boolean open;

  /** Gives the work it has to the workers it has, and no more. */
  private boolean draining;

  private long refused;
  private long lost;

  FunctionPool(
      FunctionConfiguration configuration, LambdaSettings settings, PoolSurroundings surroundings) {
    this.configuration = configuration;
    this.settings = settings;
    this.surroundings = surroundings;
    this.arn = configuration.arn();
    this.queue = new WorkQueue(surroundings.limits());
    this.failedStarts = new FailedStarts(settings.firstRestartPause());
    this.restart = newAlarm();
    this.crew = new Crew(this, settings, surroundings, guard);
  }

  String arn() {
    return arn;
  }

  Alarm newAlarm() {
    return new Alarm(surroundings.timer(), guard);
  }

  FunctionConfiguration configuration() {
    guard.lock().lock();
    try {
      return configuration;
    } finally {
      guard.unlock();
    }
  }

  /** Figures for health reports and tests. */
  record Figures(int queued, int workers, long refused, long lost) {}

  Figures figures() {
    guard.lock().lock();
    try {
      return new Figures(queue.size(), crew.size(), refused, lost);
    } finally {
      guard.unlock();
    }
  }

  /** One line of the V1 health report (v1-group-deployment.md section 9.3). */
  record WorkerFigures(String name, long pid, WorkerState state) {}

  List<WorkerFigures> workerFigures() {
    guard.lock().lock();
    try {
      return crew.figures();
    } finally {
      guard.unlock();
    }
  }

  /** Opens the pool; a pinned function's worker starts now. */
  void start() {
    surroundings.limits().add(this);
    guard.locked(
        () -> {
          open = true;
          draining = false;
          failedStarts.forget();
          restart.clear();
          dispatch();
        });
  }

  /** Takes work for the function; false when its queue is full or it is being stopped. */
  boolean offer(Work work) {
    guard.lock().lock();
    try {
      if (!open || !queue.reserve(configuration, work.payload().length)) {
        refused++;
        return false;
      }
      queue.fill(work);
      dispatch();
      return true;
    } finally {
      guard.unlock();
    }
  }

  /** Room for one piece of work in the queue. */
  final class Room {
    private final int bytes;

    private Room(int bytes) {
      this.bytes = bytes;
    }

    void fill(Work work) {
      guard.locked(
          () -> {
            if (open) {
              queue.fill(work);
              dispatch();
            } else {
              queue.release(configuration, bytes);
              giveUp(work, "Runtime.Stopped", stopped());
            }
          });
    }

    void release() {
      guard.locked(() -> queue.release(configuration, bytes));
    }
  }

  /** Holds room for a payload of that size; null when there is none. */
  @Nullable Room reserve(int bytes) {
    guard.lock().lock();
    try {
      if (!open || !queue.reserve(configuration, bytes)) {
        refused++;
        return null;
      }
      return new Room(bytes);
    } finally {
      guard.unlock();
    }
  }

  /**
   * A worker asks for work.
   *
   * @param limit how long the question may stay open, or null for as long as the worker lives
   */
  void ask(Worker worker, @Nullable Duration limit, Question question) {
    guard.locked(() -> crew.asked(worker, limit, question));
  }

  /** The worker's connection is gone, and with it this question. */
  void withdraw(Worker worker, Question question) {
    guard.locked(
        () -> {
          if (worker.question == question) {
            crew.happened(worker, Event.QUESTION_OVER);
          }
        });
  }

  /** A worker tells that it is initialised, or why it cannot be. */
  void initialised(Worker worker, @Nullable String failure) {
    guard.locked(
        () -> {
          if (failure == null) {
            crew.happened(worker, Event.INITIALISED);
          } else {
            worker.startFailure = failure;
            crew.happened(worker, Event.START_FAILED);
          }
        });
  }

  /** A worker answers. False when it owes no answer for this invocation (any more). */
  boolean answer(Worker worker, String invocationId, WorkResult result) {
    guard.lock().lock();
    try {
      Work work = worker.work;
      if (work == null || !work.id().equals(invocationId) || !crew.answered(worker)) {
        return false;
      }
      guard.later(() -> work.result().complete(result));
      if (result.error() != WorkResult.Failure.NONE && !work.waits()) {
        log("WARN", "Invocation " + work.id() + " ended with an error and nobody waits for it.");
      }
      return true;
    } finally {
      guard.unlock();
    }
  }

  /**
   * Ends all workers after their current work and starts anew with another configuration; the queue
   * stays.
   */
  void reconfigure(FunctionConfiguration next) {
    guard.locked(
        () -> {
          configuration = next;
          failedStarts.forget();
          crew.tellAllToEnd("its configuration changed");
          dispatch();
        });
  }

  /**
   * Stops everything: no more work is taken, work that waits is done as far as the workers get with
   * it in half of the time (at most the grace), what is begun is finished (LESSON-47), then SIGTERM
   * and at the deadline SIGKILL. Returns when no worker is left, at the latest a little after the
   * deadline.
   */
  void stop(Duration deadline) {
    long end = System.nanoTime() + deadline.toNanos();
    long half = Math.min(deadline.toNanos() / 2, settings.stopGrace().toNanos());
    guard.locked(
        () -> {
          open = false;
          draining = crew.canWork();
        });
    if (draining) {
      await(System.nanoTime() + half, queue::isEmpty);
    }
    guard.locked(
        () -> {
          draining = false;
          queue.takeAll(configuration).forEach(w -> giveUp(w, "Runtime.Stopped", stopped()));
          crew.tellAllToEnd("the function was stopped");
        });
    await(end - half, crew::isEmpty);
    guard.locked(crew::hurry);
    await(end, crew::isEmpty);
    guard.locked(crew::killAll);
    await(System.nanoTime() + settings.stopGrace().toNanos(), crew::isEmpty);
    surroundings.limits().remove(this);
    guard.locked(
        () -> {
          restart.end();
          crew.endAlarms();
          if (!crew.isEmpty()) {
            LOG.error("{} workers of {} do not end even by SIGKILL", crew.size(), arn);
          }
        });
  }

  private String stopped() {
    return "The function " + arn + " was stopped before it got to this.";
  }

  private void await(long end, BooleanSupplier done) {
    guard.lock().lock();
    try {
      while (!done.getAsBoolean()) {
        long rest = end - System.nanoTime();
        if (rest <= 0) {
          return;
        }
        boolean ignored = changed.await(rest, TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the caller is in a hurry: go on to the next step
    } finally {
      guard.unlock();
    }
  }

  // ---- for CoreLimits

  /** Since when the worker has nothing to do that has been so longest; 0 when none has. */
  long longestIdleNanos() {
    guard.lock().lock();
    try {
      Worker idle = configuration.pinned() ? null : crew.longestIdle();
      return idle == null ? 0 : idle.idleSinceNanos;
    } finally {
      guard.unlock();
    }
  }

  void endLongestIdle() {
    guard.locked(
        () -> {
          Worker idle = crew.longestIdle();
          if (idle != null) {
            crew.tellToEnd(idle, "another function needed its place");
          }
        });
  }

  void tryAgain() {
    guard.locked(this::dispatch);
  }

  // ---- all below: with the lock held

  /**
   * Hands waiting work to waiting workers, and starts workers where the function's kind asks for
   * them.
   */
  void dispatch() {
    if (!open && !draining) {
      return;
    }
    crew.give(queue, configuration);
    if (draining) {
      if (queue.isEmpty()) {
        changed.signalAll();
      }
      return;
    }
    if (restart.isSet()) {
      return;
    }
    if (configuration.pinned()) {
      if (crew.isEmpty()) {
        launch();
      }
      return;
    }
    int coming = queue.isEmpty() ? 0 : crew.coming();
    while (coming < queue.size() && crew.size() < configuration.maxInstances()) {
      if (!launch()) {
        return;
      }
      coming++;
    }
  }

  private boolean launch() {
    boolean permitted = surroundings.limits().permit(this, configuration);
    if (permitted) {
      crew.launch(configuration);
    }
    return permitted;
  }

  /** A worker can work, for the first time. */
  void ready() {
    if (!configuration.pinned()) {
      failedStarts.forget();
    }
    surroundings.run(surroundings::ready);
  }

  /** A pinned function's worker lives for a while already. */
  void provenHealthy() {
    failedStarts.forget();
  }

  /** A worker is gone, with its work answered for. */
  void gone(Worker worker, boolean wanted, String reason) {
    changed.signalAll();
    if (worker.permitted) {
      guard.later(surroundings.limits()::returned);
    }
    surroundings.run(() -> surroundings.gone(worker));
    if (!open || wanted) {
      dispatch();
      return;
    }
    log("ERROR", "Worker " + worker.name() + " of " + arn + ": " + reason);
    failedStarts.add();
    if (configuration.pinned()) {
      if (!worker.wasReady && failedStarts.concernsComponent()) {
        surroundings.run(() -> surroundings.failed(reason));
        return;
      }
    } else if (!worker.wasReady) {
      Work oldest = queue.take(configuration);
      if (oldest != null) {
        giveUp(oldest, "Runtime.InitError", reason);
      }
    }
    if (!restart.isSet()) {
      restart.set(failedStarts.pause(), this::dispatch);
    }
  }

  void giveUp(Work work, String errorType, String message) {
    lost++;
    if (!work.waits()) {
      log("WARN", "Invocation " + work.id() + " was lost: " + message);
    }
    guard.later(() -> work.result().complete(WorkResult.unhandled(errorType, message)));
  }

  void log(String level, String text) {
    guard.later(() -> surroundings.log(level, text));
  }
}
