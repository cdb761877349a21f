package io.ryegrass.lambda;

import io.ryegrass.lambda.WorkerState.Action;
import io.ryegrass.lambda.WorkerState.Event;
import io.ryegrass.nucleus.NucleusException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The workers of one function and the work that waits for them.
 *
 * <p>A <em>pinned</em> (long-lived) function has one worker, started with the pool and started
 * again when it dies; work reaches it in the order it came. An <em>on-demand</em> function gets a
 * worker when work finds none free, up to {@code maxInstances}, and loses it after {@code maxIdle}.
 * Work waits in one queue of {@code maxQueueSize}; more is refused.
 *
 * <p>One lock guards all of it and is never held over I/O or a wait: starting, signalling and
 * reporting happen on other threads. A start that fails costs the oldest waiting work (its caller
 * gets Unhandled), so a function that cannot load never spins.
 */
final class FunctionPool {
  private static final Logger LOG = LoggerFactory.getLogger(FunctionPool.class);
  private static final Duration HEALTHY_AFTER = Duration.ofSeconds(60);

  private final PoolSurroundings surroundings;
  private final LambdaSettings settings;
  private final String arn;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition workersChanged = lock.newCondition();
  private final ArrayDeque<Work> queue = new ArrayDeque<>();

  /** Least recently used first. */
  private final LinkedHashSet<Worker> workers = new LinkedHashSet<>();

  private FunctionConfiguration configuration;
  private boolean open;
  private final FailedStarts failedStarts;
  private boolean restartPlanned;
  private long refused;
  private long lost;

  FunctionPool(
      FunctionConfiguration configuration, LambdaSettings settings, PoolSurroundings surroundings) {
    this.configuration = configuration;
    this.settings = settings;
    this.surroundings = surroundings;
    this.arn = configuration.arn();
    this.failedStarts = new FailedStarts(settings.firstRestartPause());
  }

  String arn() {
    return arn;
  }

  FunctionConfiguration configuration() {
    lock.lock();
    try {
      return configuration;
    } finally {
      lock.unlock();
    }
  }

  /** Figures for health reports and tests. */
  record Figures(int queued, int workers, long refused, long lost) {}

  Figures figures() {
    lock.lock();
    try {
      return new Figures(queue.size(), workers.size(), refused, lost);
    } finally {
      lock.unlock();
    }
  }

  /** One line of the V1 health report (v1-group-deployment.md section 9.3). */
  record WorkerFigures(String name, long pid, WorkerState state) {}

  List<WorkerFigures> workerFigures() {
    lock.lock();
    try {
      return workers.stream()
          .map(w -> new WorkerFigures(w.name(), w.process == null ? 0 : w.process.pid(), w.state))
          .toList();
    } finally {
      lock.unlock();
    }
  }

  /** Opens the pool; a pinned function's worker starts now. */
  void start() {
    lock.lock();
    try {
      open = true;
      failedStarts.forget();
      restartPlanned = false;
      dispatch();
    } finally {
      lock.unlock();
    }
  }

  /** Takes work for the function; false when its queue is full or it is being stopped. */
  boolean offer(Work work) {
    lock.lock();
    try {
      if (!open || queue.size() >= configuration.maxQueueSize()) {
        refused++;
        return false;
      }
      queue.addLast(work);
      dispatch();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * A worker asks for work.
   *
   * @param limit how long the question may stay open, or null for as long as the worker lives
   */
  Assignment ask(Worker worker, @Nullable Duration limit) throws InterruptedException {
    CompletableFuture<@Nullable Work> question = new CompletableFuture<>();
    lock.lock();
    try {
      boolean first = !worker.wasReady;
      switch (worker.on(Event.ASKED)) {
        case GIVE_SAME_WORK -> {
          Work same = worker.work;
          return same == null ? new Assignment.NothingYet() : new Assignment.Given(same);
        }
        case GIVE_WORK -> {
          if (first) {
            readyNow(worker);
          }
          if (worker.question != null) {
            worker.question.complete(null); // a newer question of the same worker takes its place
          }
          worker.question = question;
          dispatch();
        }
        default -> {
          return new Assignment.Over();
        }
      }
    } finally {
      lock.unlock();
    }
    try {
      Work work =
          limit == null ? question.get() : question.get(limit.toMillis(), TimeUnit.MILLISECONDS);
      if (work != null) {
        return new Assignment.Given(work);
      }
    } catch (TimeoutException e) {
      lock.lock();
      try {
        Work work = question.getNow(null);
        if (work != null) {
          return new Assignment.Given(work);
        }
        if (worker.question == question) {
          worker.question = null;
          worker.on(Event.POLL_OVER);
        }
      } finally {
        lock.unlock();
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
    lock.lock();
    try {
      return worker.state == WorkerState.ENDING || worker.state == WorkerState.DEAD
          ? new Assignment.Over()
          : new Assignment.NothingYet();
    } finally {
      lock.unlock();
    }
  }

  /** A worker tells that it is initialised, or why it cannot be. */
  void initialised(Worker worker, @Nullable String failure) {
    lock.lock();
    try {
      if (failure == null) {
        if (worker.on(Event.INITIALISED) == Action.REPORT_READY) {
          readyNow(worker);
        }
      } else {
        worker.startFailure = failure;
        if (worker.on(Event.START_FAILED) == Action.KILL) {
          kill(worker);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** A worker answers. False when it owes no answer for this invocation (any more). */
  boolean answer(Worker worker, String invocationId, WorkResult result) {
    lock.lock();
    try {
      Work work = worker.work;
      if (work == null || !work.id().equals(invocationId)) {
        return false;
      }
      if (worker.on(Event.ANSWERED) != Action.ANSWER_CALLER) {
        return false;
      }
      worker.work = null;
      worker.disarm();
      if (worker.state == WorkerState.ENDING) {
        arm(worker, settings.stopGrace(), () -> killIfAlive(worker));
      } else {
        becameIdle(worker);
      }
      work.result().complete(result);
      if (result.error() != WorkResult.Failure.NONE && !work.waits()) {
        surroundings.log(
            "WARN", "Invocation " + work.id() + " ended with an error and nobody waits for it.");
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Ends all workers after their current work and starts anew with another configuration; the queue
   * stays.
   */
  void reconfigure(FunctionConfiguration next) {
    lock.lock();
    try {
      configuration = next;
      failedStarts.forget();
      for (Worker worker : List.copyOf(workers)) {
        tellToEnd(worker, "its configuration changed");
      }
      dispatch();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Stops everything; returns when no worker is left, at the latest a little after the deadline.
   */
  void stop(Duration deadline) {
    long end = System.nanoTime() + deadline.toNanos();
    lock.lock();
    try {
      open = false;
      List<Work> waiting = new ArrayList<>(queue);
      queue.clear();
      waiting.forEach(
          w ->
              giveUp(
                  w,
                  "Runtime.Stopped",
                  "The function " + arn + " was stopped before it got to this."));
      for (Worker worker : List.copyOf(workers)) {
        tellToEnd(worker, "the function was stopped");
      }
      awaitNoWorkers(end);
      for (Worker worker : List.copyOf(workers)) {
        kill(worker);
      }
      awaitNoWorkers(System.nanoTime() + settings.stopGrace().toNanos());
      if (!workers.isEmpty()) {
        LOG.error("{} workers of {} do not end even by SIGKILL", workers.size(), arn);
      }
    } finally {
      lock.unlock();
    }
  }

  private void awaitNoWorkers(long end) {
    boolean interrupted = false;
    while (!workers.isEmpty() && !interrupted) {
      long rest = end - System.nanoTime();
      if (rest <= 0) {
        break;
      }
      try {
        long ignored = workersChanged.awaitNanos(rest);
      } catch (InterruptedException e) {
        interrupted = true; // the caller is in a hurry: go on to killing
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- all below: with the lock held

  /**
   * Hands waiting work to waiting workers, and starts workers where the function's kind asks for
   * them.
   */
  private void dispatch() {
    if (!open) {
      return;
    }
    for (Worker worker : List.copyOf(workers).reversed()) {
      if (queue.isEmpty()) {
        break;
      }
      if (worker.state == WorkerState.WAITING && worker.question != null) {
        give(worker, queue.removeFirst());
      }
    }
    if (restartPlanned) {
      return;
    }
    if (configuration.pinned()) {
      if (workers.isEmpty()) {
        launch();
      }
      return;
    }
    long coming =
        workers.stream()
            .filter(w -> w.state == WorkerState.STARTING || w.state == WorkerState.READY)
            .count();
    while (coming < queue.size() && workers.size() < configuration.maxInstances()) {
      launch();
      coming++;
    }
  }

  private void give(Worker worker, Work work) {
    CompletableFuture<@Nullable Work> question = worker.question;
    worker.question = null;
    if (question == null || worker.on(Event.GOT_WORK) != Action.START_CLOCK) {
      queue.addFirst(work);
      return;
    }
    worker.work = work;
    workers.remove(worker);
    workers.add(worker); // most recently used
    Duration timeout = configuration.timeout();
    arm(worker, timeout, () -> timedOut(worker, work, timeout));
    question.complete(work);
  }

  private void timedOut(Worker worker, Work work, Duration timeout) {
    if (worker.work != work) {
      return;
    }
    if (worker.on(Event.TIMED_OUT) == Action.FAIL_WORK_AND_KILL) {
      worker.killReason = "Task timed out after " + timeout.toSeconds() + " seconds";
      surroundings.log("ERROR", worker.killReason + "; worker " + worker.name() + " is killed.");
      worker.work = null;
      giveUp(work, "Runtime.Timeout", worker.killReason);
      kill(worker);
    }
  }

  private void launch() {
    Worker worker = surroundings.newWorker(this);
    workers.add(worker);
    boolean pinned = configuration.pinned();
    arm(
        worker,
        pinned ? settings.moduleLoopGrace() : settings.initialisationLimit(),
        () -> startOverdue(worker, pinned));
    surroundings.run(() -> startProcess(worker));
  }

  /** Without the lock. */
  private void startProcess(Worker worker) {
    WorkerProcess process;
    try {
      process = surroundings.start(worker);
    } catch (RuntimeException e) {
      locked(
          () -> {
            worker.startFailure =
                e instanceof NucleusException ? e.getMessage() : "The worker does not start: " + e;
            exited(worker, -1);
          });
      return;
    }
    locked(
        () -> {
          worker.process = process;
          if (worker.state == WorkerState.ENDING) {
            process.kill(); // told to end while it was being started
          }
        });
    process
        .ended()
        .whenComplete((code, error) -> locked(() -> exited(worker, code == null ? -1 : code)));
  }

  private void startOverdue(Worker worker, boolean pinned) {
    if (worker.state != WorkerState.STARTING) {
      return;
    }
    if (pinned) {
      if (!worker.wasReady) {
        surroundings.log(
            "INFO", "The module of " + arn + " still runs its own code; work waits until it ends.");
        readyNow(worker);
      }
    } else if (worker.on(Event.START_OVERDUE) == Action.KILL) {
      worker.startFailure =
          "The function was not initialised within "
              + settings.initialisationLimit().toSeconds()
              + " seconds.";
      kill(worker);
    }
  }

  private void readyNow(Worker worker) {
    worker.disarm();
    if (worker.wasReady) {
      return;
    }
    worker.wasReady = true;
    becameIdle(worker);
    if (!configuration.pinned()) {
      failedStarts.forget();
    } else {
      schedule(HEALTHY_AFTER, () -> provenHealthy(worker));
    }
    surroundings.run(surroundings::ready);
  }

  private void provenHealthy(Worker worker) {
    if (worker.state != WorkerState.DEAD) {
      failedStarts.forget();
    }
  }

  private void becameIdle(Worker worker) {
    long since = System.nanoTime();
    worker.idleSinceNanos = since;
    if (!configuration.pinned()) {
      schedule(configuration.maxIdle(), () -> idleTooLong(worker, since));
    }
  }

  private void idleTooLong(Worker worker, long since) {
    if (worker.idleSinceNanos == since && worker.work == null) {
      tellToEnd(worker, "it was idle");
    }
  }

  private void tellToEnd(Worker worker, String why) {
    if (worker.on(Event.TOLD_TO_END) != Action.TERMINATE) {
      return;
    }
    if (worker.killReason == null) {
      worker.killReason = why;
    }
    worker.endQuestion();
    WorkerProcess process = worker.process;
    if (process != null) {
      surroundings.run(process::terminate);
      // Work it still has keeps its own time limit; without any it gets the grace.
      if (worker.work == null) {
        arm(worker, settings.stopGrace(), () -> killIfAlive(worker));
      }
    }
  }

  private void killIfAlive(Worker worker) {
    if (worker.state != WorkerState.DEAD) {
      kill(worker);
    }
  }

  private void kill(Worker worker) {
    worker.endQuestion();
    WorkerProcess process = worker.process;
    if (process != null) {
      surroundings.run(process::kill);
    }
  }

  private void exited(Worker worker, int code) {
    boolean started = worker.wasReady;
    boolean wanted = worker.state == WorkerState.ENDING && worker.startFailure == null;
    worker.on(Event.EXITED);
    worker.disarm();
    worker.endQuestion();
    workers.remove(worker);
    workersChanged.signalAll();
    Work work = worker.work;
    worker.work = null;
    WorkerProcess process = worker.process;
    String known = process == null ? null : process.reason();
    String ending = known == null ? "" : " " + known;
    if (work != null) {
      String reason = worker.killReason;
      giveUp(
          work,
          "Runtime.ExitError",
          reason == null
              ? "The process of the function ended with exit code "
                  + code
                  + " before it answered."
                  + ending
              : "The process of the function was ended before it answered: " + reason + ".");
    }
    surroundings.run(() -> surroundings.gone(worker));
    if (!open || wanted) {
      dispatch();
      return;
    }
    String reason =
        worker.startFailure != null
            ? worker.startFailure
            : "The process ended with exit code "
                + code
                + (started ? "." : " before it was initialised.")
                + ending;
    surroundings.log("ERROR", "Worker " + worker.name() + " of " + arn + ": " + reason);
    failedStarts.add();
    if (configuration.pinned()) {
      if (!started && failedStarts.concernsComponent()) {
        surroundings.run(() -> surroundings.failed(reason));
        return;
      }
    } else if (!started && !queue.isEmpty()) {
      giveUp(queue.removeFirst(), "Runtime.InitError", reason);
    }
    planRestart();
  }

  private void planRestart() {
    if (!restartPlanned) {
      restartPlanned = true;
      schedule(
          failedStarts.pause(),
          () -> {
            restartPlanned = false;
            dispatch();
          });
    }
  }

  private void giveUp(Work work, String errorType, String message) {
    lost++;
    if (!work.waits()) {
      surroundings.log("WARN", "Invocation " + work.id() + " was lost: " + message);
    }
    work.result().complete(WorkResult.unhandled(errorType, message));
  }

  private void arm(Worker worker, Duration delay, Runnable task) {
    worker.disarm();
    worker.alarm = schedule(delay, task);
  }

  /** The task runs with the lock held. */
  private @Nullable ScheduledFuture<?> schedule(Duration delay, Runnable task) {
    if (surroundings.timer().isShutdown()) {
      return null; // the core is going down, and every pool is stopped before its timer
    }
    return surroundings
        .timer()
        .schedule(() -> locked(task), delay.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void locked(Runnable task) {
    lock.lock();
    try {
      task.run();
    } finally {
      lock.unlock();
    }
  }
}
