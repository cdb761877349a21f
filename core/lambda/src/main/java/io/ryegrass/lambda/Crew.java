package io.ryegrass.lambda;

import io.ryegrass.lambda.WorkerState.Action;
import io.ryegrass.lambda.WorkerState.Event;
import io.ryegrass.nucleus.NucleusException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The workers of one function: does what {@link WorkerState} says is to be done about each event.
 * All methods want the pool's lock.
 */
final class Crew {
  private static final Duration SIGNAL_FIRST = Duration.ofSeconds(1);

  private static final Duration HEALTHY_AFTER = Duration.ofSeconds(60);

  /**
   * An on-demand worker that has answered asks again within this time, or is ended: work may wait
   * for it.
   */
  private static final Duration LONGEST_SILENCE = Duration.ofSeconds(10);

  private final FunctionPool pool;
  private final LambdaSettings settings;
  private final PoolSurroundings surroundings;
  private final Alarm.Afterwards guard;

  /** Least recently used first. */
  private final List<Worker> workers = new ArrayList<>();

  private final Alarm idle;
  private final Alarm healthy;

  Crew(
      FunctionPool pool,
      LambdaSettings settings,
      PoolSurroundings surroundings,
      Alarm.Afterwards guard) {
    this.pool = pool;
    this.settings = settings;
    this.surroundings = surroundings;
    this.guard = guard;
    this.idle = pool.newAlarm();
    this.healthy = pool.newAlarm();
  }

  int size() {
    return workers.size();
  }

  boolean isEmpty() {
    return workers.isEmpty();
  }

  List<FunctionPool.WorkerFigures> figures() {
    return workers.stream()
        .map(
            w ->
                new FunctionPool.WorkerFigures(
                    w.name(), w.process == null ? 0 : w.process.pid(), w.state))
        .toList();
  }

  /** Whether any of them can take work, now or after what it has. */
  boolean canWork() {
    return workers.stream()
        .anyMatch(
            w ->
                w.state == WorkerState.READY
                    || w.state == WorkerState.WAITING
                    || w.state == WorkerState.WORKING);
  }

  /** How many will ask for work soon. */
  int coming() {
    int coming = 0;
    for (Worker w : workers) {
      if (w.state == WorkerState.STARTING || w.state == WorkerState.READY) {
        coming++;
      }
    }
    return coming;
  }

  @Nullable Worker longestIdle() {
    Worker longest = null;
    for (Worker w : workers) {
      if (w.isIdle() && (longest == null || w.idleSinceNanos - longest.idleSinceNanos < 0)) {
        longest = w;
      }
    }
    return longest;
  }

  /** Hands work to those that wait, the most recently used first: the others may become idle. */
  void give(WorkQueue queue, FunctionConfiguration f) {
    for (int i = workers.size() - 1; i >= 0 && !queue.isEmpty(); i--) {
      Worker worker = workers.get(i);
      if (worker.state != WorkerState.WAITING) {
        continue;
      }
      Work work = queue.take(f);
      Question question = worker.question;
      if (work == null || question == null || worker.on(Event.GOT_WORK) != Action.START_CLOCK) {
        throw new IllegalStateException("a worker waits without a question");
      }
      worker.question = null;
      worker.work = work;
      if (i < workers.size() - 1) {
        workers.remove(i);
        workers.add(worker);
      }
      worker.alarm.set(f.timeout(), () -> timedOut(worker, f.timeout()));
      guard.later(() -> question.answer(new Assignment.Given(work)));
    }
  }

  private void timedOut(Worker worker, Duration timeout) {
    worker.killReason = "Task timed out after " + timeout.toSeconds() + " seconds";
    happened(worker, Event.TIMED_OUT);
  }

  void asked(Worker worker, @Nullable Duration limit, Question question) {
    Work same = worker.work;
    switch (worker.on(Event.ASKED)) {
      case GIVE_SAME_WORK -> {
        if (same != null) {
          guard.later(() -> question.answer(new Assignment.Given(same)));
        }
      }
      case OPEN_QUESTION -> {
        endQuestion(worker); // a newer question of the same worker takes its place
        worker.question = question;
        worker.alarm.clear();
        if (limit != null) {
          worker.alarm.set(limit, () -> happened(worker, Event.QUESTION_OVER));
        }
        readyNow(worker);
        pool.dispatch();
      }
      default -> guard.later(() -> question.answer(new Assignment.Over()));
    }
  }

  /** Whether the worker may answer the work it has; it has none then. */
  boolean answered(Worker worker) {
    Action action = worker.on(Event.ANSWERED);
    if (action != Action.ANSWER_CALLER && action != Action.ANSWER_AND_TERMINATE) {
      return false;
    }
    worker.work = null;
    worker.alarm.clear();
    if (action == Action.ANSWER_AND_TERMINATE) {
      terminate(worker);
    } else {
      becameIdle(worker);
      awaitQuestion(worker);
    }
    return true;
  }

  void tellAllToEnd(String why) {
    for (Worker worker : List.copyOf(workers)) {
      tellToEnd(worker, why);
    }
  }

  void tellToEnd(Worker worker, String why) {
    if (worker.killReason == null) {
      worker.killReason = why;
    }
    happened(worker, Event.TOLD_TO_END);
  }

  /** SIGTERM also for those that still work. */
  void hurry() {
    for (Worker worker : List.copyOf(workers)) {
      happened(worker, Event.HURRIED);
    }
  }

  void killAll() {
    List.copyOf(workers).forEach(this::kill);
  }

  void endAlarms() {
    idle.end();
    healthy.end();
  }

  /** Something happened to a worker: what the table says is done. */
  void happened(Worker worker, Event event) {
    switch (worker.on(event)) {
      case REPORT_READY -> {
        readyNow(worker);
        awaitQuestion(worker);
      }
      case END_QUESTION -> {
        endQuestion(worker);
        awaitQuestion(worker);
      }
      case FAIL_WORK_AND_KILL -> {
        pool.log("ERROR", worker.killReason + "; worker " + worker.name() + " is killed.");
        failWork(worker, "Runtime.Timeout", String.valueOf(worker.killReason));
        kill(worker);
      }
      case KILL_SILENT -> {
        worker.killReason = "it did not ask for work any more";
        pool.log(
            "ERROR", "Worker " + worker.name() + " neither asks for work nor ends; it is killed.");
        kill(worker);
      }
      case TERMINATE -> terminate(worker);
      case KILL -> kill(worker);
      case NOTHING, LET_FINISH, REFUSE -> {}
      case OPEN_QUESTION, GIVE_SAME_WORK, START_CLOCK, ANSWER_CALLER, ANSWER_AND_TERMINATE, BURY ->
          throw new IllegalStateException(event + " is not told this way");
    }
  }

  private void failWork(Worker worker, String type, String message) {
    Work work = worker.work;
    worker.work = null;
    if (work != null) {
      pool.giveUp(work, type, message);
    }
  }

  private static String endingOf(Worker worker) {
    WorkerProcess process = worker.process;
    String known = process == null ? null : process.reason();
    return known == null ? "" : " " + known;
  }

  // ---- starting

  void launch(FunctionConfiguration f) {
    Worker worker = surroundings.newWorker(pool);
    worker.permitted = !f.pinned() && !f.groupId().isEmpty();
    workers.add(worker);
    worker.alarm.set(
        f.pinned() ? settings.moduleLoopGrace() : settings.initialisationLimit(),
        () -> startOverdue(worker, f.pinned()));
    surroundings.run(() -> startProcess(worker));
  }

  /** Without the lock. */
  private void startProcess(Worker worker) {
    WorkerProcess process;
    try {
      process = surroundings.start(worker);
    } catch (RuntimeException e) {
      guard.locked(
          () -> {
            worker.startFailure =
                e instanceof NucleusException ? e.getMessage() : "The worker does not start: " + e;
            exited(worker, -1);
          });
      return;
    }
    guard.locked(
        () -> {
          worker.process = process;
          if (worker.state == WorkerState.ENDING) {
            kill(worker); // told to end while it was being started
          }
        });
    process
        .ended()
        .whenComplete(
            (code, error) -> guard.locked(() -> exited(worker, code == null ? -1 : code)));
  }

  private void startOverdue(Worker worker, boolean pinned) {
    if (worker.state != WorkerState.STARTING) {
      return;
    }
    if (!pinned) {
      worker.startFailure =
          "The function was not initialised within "
              + settings.initialisationLimit().toSeconds()
              + " seconds.";
      happened(worker, Event.START_OVERDUE);
    } else if (!worker.wasReady) {
      pool.log(
          "INFO",
          "The module of " + pool.arn() + " still runs its own code; work waits until it ends.");
      readyNow(worker);
    }
  }

  private void readyNow(Worker worker) {
    if (worker.wasReady) {
      return;
    }
    if (worker.state != WorkerState.WAITING) {
      worker.alarm.clear();
    }
    worker.wasReady = true;
    becameIdle(worker);
    if (pool.configuration().pinned()) {
      healthy.set(HEALTHY_AFTER, pool::provenHealthy);
    }
    pool.ready();
  }

  /** V1's status interval: a worker that says nothing for so long is not healthy. */
  private void awaitQuestion(Worker worker) {
    FunctionConfiguration f = pool.configuration();
    worker.alarm.set(
        f.pinned() ? f.statusTimeout() : LONGEST_SILENCE, () -> happened(worker, Event.SILENT));
  }

  // ---- idling

  private void becameIdle(Worker worker) {
    worker.idleSinceNanos = System.nanoTime();
    FunctionConfiguration f = pool.configuration();
    if (f.pinned()) {
      return;
    }
    if (!idle.isSet()) {
      idle.set(f.maxIdle(), this::endIdle);
    }
    if (worker.permitted && surroundings.limits().someoneWaits()) {
      surroundings.run(surroundings.limits()::endOneIdle);
    }
  }

  private void endIdle() {
    long most = pool.configuration().maxIdle().toNanos();
    long now = System.nanoTime();
    long next = Long.MAX_VALUE;
    for (Worker worker : List.copyOf(workers)) {
      if (worker.isIdle()) {
        long rest = most - (now - worker.idleSinceNanos);
        if (rest <= 0) {
          tellToEnd(worker, "it was idle");
        } else {
          next = Math.min(next, rest);
        }
      }
    }
    if (next < Long.MAX_VALUE) {
      idle.set(Duration.ofNanos(next), this::endIdle);
    }
  }

  // ---- ending

  private void endQuestion(Worker worker) {
    Question open = worker.question;
    worker.question = null;
    if (open != null) {
      boolean over = worker.state == WorkerState.ENDING || worker.state == WorkerState.DEAD;
      guard.later(() -> open.answer(over ? new Assignment.Over() : new Assignment.NothingYet()));
    }
  }

  /**
   * SIGTERM first: a worker that hears of no more work before it hears the signal would end without
   * cleaning up. One that does not care for signals hears of it a little later.
   */
  private void terminate(Worker worker) {
    WorkerProcess process = worker.process;
    if (process == null) {
      endQuestion(worker);
    } else if (!worker.terminated) {
      worker.terminated = true;
      surroundings.run(process::terminate);
    }
    // Work it still has keeps its own time limit; without any it gets the grace.
    if (worker.work == null) {
      worker.alarm.set(
          SIGNAL_FIRST,
          () -> {
            endQuestion(worker);
            worker.alarm.set(settings.stopGrace(), () -> kill(worker));
          });
    }
  }

  private void kill(Worker worker) {
    endQuestion(worker);
    worker.alarm.clear();
    WorkerProcess process = worker.process;
    if (process != null && worker.state != WorkerState.DEAD) {
      surroundings.run(process::kill);
    }
  }

  private void exited(Worker worker, int code) {
    boolean wanted =
        (worker.state == WorkerState.ENDING || worker.state == WorkerState.FINISHING)
            && worker.startFailure == null;
    if (worker.on(Event.EXITED) != Action.BURY) {
      return;
    }
    worker.alarm.end();
    endQuestion(worker);
    workers.remove(worker);
    if (workers.isEmpty()) {
      idle.clear();
      healthy.clear();
    }
    String ending = endingOf(worker);
    failWork(
        worker,
        "Runtime.ExitError",
        worker.killReason == null
            ? "The process of the function ended with exit code "
                + code
                + " before it answered."
                + ending
            : "The process of the function was ended before it answered: "
                + worker.killReason
                + ".");
    String failure = worker.startFailure;
    pool.gone(
        worker,
        wanted,
        failure != null
            ? failure
            : "The process ended with exit code "
                + code
                + (worker.wasReady ? "." : " before it was initialised.")
                + ending);
  }
}
