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
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
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
  private static final Duration LONGEST_RESTART_PAUSE = Duration.ofSeconds(30);
  private static final Duration HEALTHY_AFTER = Duration.ofSeconds(60);

  /**
   * A pinned function whose restarts fail this often in a row is handed to the component's life
   * cycle.
   */
  private static final int FAILED_RESTARTS = 3;

  /** What the pool needs from its surroundings. */
  interface Surroundings {
    /** Starts a worker process; blocks. */
    WorkerProcess start(Worker worker);

    /** A new worker with its token. */
    Worker newWorker(FunctionPool pool);

    /** The worker is dead: its token ends. */
    void gone(Worker worker);

    /** A worker can work: a long-lived function runs. */
    void ready();

    /** A long-lived function does not start. */
    void failed(String reason);

    void log(String level, String text);

    void run(Runnable task);

    ScheduledExecutorService timer();
  }

  private final Surroundings surroundings;
  private final LambdaSettings settings;
  private final String arn;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition workersChanged = lock.newCondition();
  private final ArrayDeque<Work> queue = new ArrayDeque<>();

  /** Least recently used first. */
  private final LinkedHashSet<Worker> workers = new LinkedHashSet<>();

  private FunctionConfiguration configuration;
  private boolean open;
  private int failedStarts;
  private boolean restartPlanned;
  private long refused;
  private long lost;

  FunctionPool(
      FunctionConfiguration configuration, LambdaSettings settings, Surroundings surroundings) {
    this.configuration = configuration;
    this.settings = settings;
    this.surroundings = surroundings;
    this.arn = configuration.arn();
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
      failedStarts = 0;
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

  /** The answer to a worker's question for work. */
  sealed interface Assignment {
    record Given(Work work) implements Assignment {}

    /** Nothing now, ask again. */
    record NothingYet() implements Assignment {}

    /** This worker gets no more work. */
    record Over() implements Assignment {}
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
      switch (apply(worker, Event.ASKED)) {
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
          apply(worker, Event.POLL_OVER);
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
        if (apply(worker, Event.INITIALISED) == Action.REPORT_READY) {
          readyNow(worker);
        }
      } else {
        worker.startFailure = failure;
        if (apply(worker, Event.START_FAILED) == Action.KILL) {
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
      if (apply(worker, Event.ANSWERED) != Action.ANSWER_CALLER) {
        return false;
      }
      worker.work = null;
      disarm(worker);
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
      failedStarts = 0;
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

  private Action apply(Worker worker, Event event) {
    WorkerState.Step step = worker.state.on(event);
    worker.state = step.next();
    return step.action();
  }

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
    if (question == null || apply(worker, Event.GOT_WORK) != Action.START_CLOCK) {
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
    lock.lock();
    try {
      if (worker.work != work) {
        return;
      }
      if (apply(worker, Event.TIMED_OUT) == Action.FAIL_WORK_AND_KILL) {
        worker.killReason = "Task timed out after " + timeout.toSeconds() + " seconds";
        surroundings.log("ERROR", worker.killReason + "; worker " + worker.name() + " is killed.");
        worker.work = null;
        giveUp(work, "Runtime.Timeout", worker.killReason);
        kill(worker);
      }
    } finally {
      lock.unlock();
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
      lock.lock();
      try {
        worker.startFailure =
            e instanceof NucleusException ? e.getMessage() : "The worker does not start: " + e;
        exited(worker, -1);
      } finally {
        lock.unlock();
      }
      return;
    }
    lock.lock();
    try {
      worker.process = process;
      if (worker.state == WorkerState.ENDING) {
        process.kill(); // told to end while it was being started
      }
    } finally {
      lock.unlock();
    }
    process
        .ended()
        .whenComplete(
            (code, error) -> {
              lock.lock();
              try {
                exited(worker, code == null ? -1 : code);
              } finally {
                lock.unlock();
              }
            });
  }

  private void startOverdue(Worker worker, boolean pinned) {
    lock.lock();
    try {
      if (worker.state != WorkerState.STARTING) {
        return;
      }
      if (pinned) {
        if (!worker.wasReady) {
          surroundings.log(
              "INFO",
              "The module of " + arn + " still runs its own code; work waits until it ends.");
          readyNow(worker);
        }
      } else if (apply(worker, Event.START_OVERDUE) == Action.KILL) {
        worker.startFailure =
            "The function was not initialised within "
                + settings.initialisationLimit().toSeconds()
                + " seconds.";
        kill(worker);
      }
    } finally {
      lock.unlock();
    }
  }

  private void readyNow(Worker worker) {
    disarm(worker);
    if (worker.wasReady) {
      return;
    }
    worker.wasReady = true;
    becameIdle(worker);
    if (!configuration.pinned()) {
      failedStarts = 0;
    } else {
      schedule(HEALTHY_AFTER, () -> provenHealthy(worker));
    }
    surroundings.run(surroundings::ready);
  }

  private void provenHealthy(Worker worker) {
    lock.lock();
    try {
      if (worker.state != WorkerState.DEAD) {
        failedStarts = 0;
      }
    } finally {
      lock.unlock();
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
    lock.lock();
    try {
      if (worker.idleSinceNanos == since && worker.work == null) {
        tellToEnd(worker, "it was idle");
      }
    } finally {
      lock.unlock();
    }
  }

  private void tellToEnd(Worker worker, String why) {
    if (apply(worker, Event.TOLD_TO_END) != Action.TERMINATE) {
      return;
    }
    if (worker.killReason == null) {
      worker.killReason = why;
    }
    endQuestion(worker);
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
    lock.lock();
    try {
      if (worker.state != WorkerState.DEAD) {
        kill(worker);
      }
    } finally {
      lock.unlock();
    }
  }

  private void kill(Worker worker) {
    endQuestion(worker);
    WorkerProcess process = worker.process;
    if (process != null) {
      surroundings.run(process::kill);
    }
  }

  private void exited(Worker worker, int code) {
    boolean started = worker.wasReady;
    boolean wanted = worker.state == WorkerState.ENDING && worker.startFailure == null;
    apply(worker, Event.EXITED);
    disarm(worker);
    endQuestion(worker);
    workers.remove(worker);
    workersChanged.signalAll();
    Work work = worker.work;
    worker.work = null;
    if (work != null) {
      String reason = worker.killReason;
      giveUp(
          work,
          "Runtime.ExitError",
          reason == null
              ? "The process of the function ended with exit code " + code + " before it answered."
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
                + (started ? "." : " before it was initialised.");
    surroundings.log("ERROR", "Worker " + worker.name() + " of " + arn + ": " + reason);
    failedStarts++;
    if (configuration.pinned()) {
      if (!started && (failedStarts == 1 || failedStarts > FAILED_RESTARTS)) {
        surroundings.run(() -> surroundings.failed(reason));
        return;
      }
    } else if (!started && !queue.isEmpty()) {
      giveUp(queue.removeFirst(), "Runtime.InitError", reason);
    }
    planRestart();
  }

  /** Jittered and growing, so that a function that dies at once does not keep the machine busy. */
  private void planRestart() {
    if (restartPlanned) {
      return;
    }
    long pause = settings.firstRestartPause().toMillis() << Math.min(failedStarts - 1, 16);
    pause = Math.min(pause, LONGEST_RESTART_PAUSE.toMillis());
    pause = ThreadLocalRandom.current().nextLong(pause / 2, pause + 1);
    restartPlanned = true;
    schedule(
        Duration.ofMillis(pause),
        () -> {
          lock.lock();
          try {
            restartPlanned = false;
            dispatch();
          } finally {
            lock.unlock();
          }
        });
  }

  private void giveUp(Work work, String errorType, String message) {
    lost++;
    if (!work.waits()) {
      surroundings.log("WARN", "Invocation " + work.id() + " was lost: " + message);
    }
    work.result().complete(WorkResult.unhandled(errorType, message));
  }

  private static void endQuestion(Worker worker) {
    CompletableFuture<@Nullable Work> question = worker.question;
    worker.question = null;
    if (question != null) {
      question.complete(null);
    }
  }

  private void arm(Worker worker, Duration delay, Runnable task) {
    disarm(worker);
    worker.alarm = schedule(delay, task);
  }

  private static void disarm(Worker worker) {
    if (worker.alarm != null) {
      worker.alarm.cancel(false);
      worker.alarm = null;
    }
  }

  private @Nullable ScheduledFuture<?> schedule(Duration delay, Runnable task) {
    if (surroundings.timer().isShutdown()) {
      return null; // the core is going down, and every pool is stopped before its timer
    }
    return surroundings.timer().schedule(task, delay.toMillis(), TimeUnit.MILLISECONDS);
  }
}
