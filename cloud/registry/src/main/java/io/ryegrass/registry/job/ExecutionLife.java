package io.ryegrass.registry.job;

import io.ryegrass.registry.job.JobNotices.Change;
import io.ryegrass.registry.job.JobStore.Head;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The life of executions: what a device says of them, time-outs, retries, and what operators do.
 * Each change is one transaction, with the job's counters, its abort criteria, its completion and
 * the listeners' writes.
 */
final class ExecutionLife {
  private static final long MINUTE = 60_000;

  private final CloudStore store;
  private final JobLife jobs;
  private final JobNotices notices;
  private final Clock clock;

  ExecutionLife(CloudStore store, JobLife jobs, JobNotices notices, Clock clock) {
    this.store = store;
    this.jobs = jobs;
    this.notices = notices;
    this.clock = clock;
  }

  /**
   * What a device asks for with UpdateJobExecution or StartNextPendingJobExecution.
   *
   * @param details null: unchanged
   * @param stepMinutes -1 ends the device's timer; null leaves it
   */
  record Update(
      ExecutionStatus status,
      @Nullable Map<String, String> details,
      @Nullable Long expectedVersion,
      @Nullable Long executionNumber,
      @Nullable Long stepMinutes) {}

  /** A device's word on its execution; returns the execution as it is then. */
  Execution update(String thing, String jobId, Update update) {
    return store.write(
        sql -> {
          Execution before = find(sql, jobId, thing);
          if (update.executionNumber() != null
              && update.executionNumber() != before.executionNumber()) {
            throw missing(jobId, thing);
          }
          checkVersion(before, update.expectedVersion());
          if (!before.status().isOpen() && before.status() == update.status()) {
            // said again by a device that never saw the answer
            notices.tell(before);
            return before;
          }
          if (!before.status().mayBecome(update.status())) {
            throw invalidTransition(before, update.status());
          }
          return apply(sql, before, update);
        });
  }

  static void checkVersion(Execution execution, @Nullable Long expected) {
    if (expected != null && expected != execution.versionNumber()) {
      throw new JobException(
          "VersionMismatch",
          "Execution of job "
              + execution.jobId()
              + " has version "
              + execution.versionNumber()
              + ", not "
              + expected,
          execution.state());
    }
  }

  private static JobException invalidTransition(Execution before, ExecutionStatus next) {
    return new JobException(
        "InvalidStateTransition",
        "Execution of job "
            + before.jobId()
            + " is "
            + before.status()
            + " and cannot become "
            + next,
        before.state());
  }

  /** Starts the first pending execution, unless it runs already; empty when nothing is pending. */
  Optional<Execution> startNext(String thing, String namespace, Update update) {
    Optional<Execution> first = next(thing, namespace);
    if (first.filter(e -> e.status() == ExecutionStatus.QUEUED).isEmpty()) {
      return first;
    }
    return store.write(
        sql ->
            ExecutionStore.pending(sql, thing, namespace, 1).stream()
                .findFirst()
                .map(e -> e.status() == ExecutionStatus.IN_PROGRESS ? e : apply(sql, e, update)));
  }

  Optional<Execution> next(String thing, String namespace) {
    return store.read(sql -> ExecutionStore.pending(sql, thing, namespace, 1)).stream().findFirst();
  }

  private Execution apply(Sql sql, Execution before, Update update) {
    Head head = JobStore.head(sql, before.jobId()).orElseThrow();
    Execution after = before.become(update.status(), update.details(), seconds());
    if (after.status() == ExecutionStatus.IN_PROGRESS) {
      after = after.withDeadlines(jobDeadline(head, before), stepDeadline(before, update));
      Long deadline = after.deadline();
      if (deadline != null) {
        jobs.wakeAt(deadline);
      }
    }
    change(sql, head, before, after);
    return after;
  }

  private @Nullable Long jobDeadline(Head head, Execution before) {
    Long minutes = head.settings().timeoutMinutes();
    return before.status() == ExecutionStatus.QUEUED && minutes != null
        ? Long.valueOf(clock.millis() + minutes * MINUTE)
        : before.jobDeadline();
  }

  private @Nullable Long stepDeadline(Execution before, Update update) {
    if (update.stepMinutes() == null) {
      return before.stepDeadline();
    }
    return update.stepMinutes() < 0 ? null : clock.millis() + update.stepMinutes() * MINUTE;
  }

  /** Writes a change with all that follows from it. */
  private void change(Sql sql, Head head, Execution before, Execution after) {
    ExecutionStore.update(sql, after);
    if (before.status() == after.status()) {
      notices.changed(new Change(before, after));
      return;
    }
    JobStore.count(sql, head.jobId(), before.status(), after.status(), 1);
    List<Change> changes = new ArrayList<>();
    changes.add(new Change(before, after));
    if (mayRetry(head, after)) {
      ExecutionStore.retire(sql, after);
      Execution again = after.retry(ExecutionStore.nextSequence(sql), seconds());
      ExecutionStore.insert(sql, again);
      JobStore.count(sql, head.jobId(), after.status(), again.status(), 1);
      JobStore.countRetry(sql, head.jobId(), after.status());
      changes.add(new Change(null, again));
    }
    notices.changed(changes);
    switch (after.status()) {
      case FAILED, REJECTED, TIMED_OUT -> jobs.abortWhenBad(sql, head);
      default -> {}
    }
    if (!after.status().isOpen()) {
      JobStore.head(sql, head.jobId()).ifPresent(now -> jobs.completeWhenOver(sql, now));
    }
  }

  private static boolean mayRetry(Head head, Execution ended) {
    if (head.status() != JobStatus.IN_PROGRESS
        || (ended.status() != ExecutionStatus.FAILED
            && ended.status() != ExecutionStatus.TIMED_OUT)) {
      return false;
    }
    long ofItsKind =
        ended.status() == ExecutionStatus.FAILED
            ? ended.failedAttempts()
            : ended.timedOutAttempts();
    return head.settings().retry().stream()
        .anyMatch(
            rule ->
                rule.failureType().equals("ALL")
                    ? ended.attempt() < rule.numberOfRetries()
                    : rule.failureType().equals(ended.status().name())
                        && ofItsKind < rule.numberOfRetries());
  }

  /**
   * Ends some executions whose time is over.
   *
   * @return whether there were any
   */
  boolean timeOutSome() {
    long now = clock.millis();
    if (store.read(sql -> ExecutionStore.timedOut(sql, now, 1)).isEmpty()) {
      return false;
    }
    store.write(
        sql -> {
          for (Execution before : ExecutionStore.timedOut(sql, now, JobLife.BATCH)) {
            Head head = JobStore.head(sql, before.jobId()).orElseThrow();
            change(sql, head, before, before.become(ExecutionStatus.TIMED_OUT, null, seconds()));
          }
          return null;
        });
    return true;
  }

  // ---- operators

  void cancel(
      String jobId,
      String thing,
      boolean force,
      @Nullable Long expectedVersion,
      @Nullable Map<String, String> details) {
    operate(
        jobId,
        thing,
        (sql, before) -> {
          checkVersion(before, expectedVersion);
          boolean may =
              before.status() == ExecutionStatus.QUEUED
                  || (force && before.status() == ExecutionStatus.IN_PROGRESS);
          if (!may) {
            throw new JobException(
                "InvalidStateTransition",
                "Execution of job "
                    + jobId
                    + " on thing "
                    + thing
                    + " is "
                    + before.status()
                    + (before.status() == ExecutionStatus.IN_PROGRESS
                        ? "; use force to cancel it"
                        : " and cannot be canceled"));
          }
          Head head = JobStore.head(sql, jobId).orElseThrow();
          change(sql, head, before, JobLife.canceled(before, details, seconds()));
          return before;
        });
  }

  void delete(String jobId, String thing, long number, boolean force) {
    store.write(
        sql -> {
          Execution before =
              ExecutionStore.find(sql, jobId, thing, number)
                  .filter(e -> e.executionNumber() == number)
                  .orElseThrow(() -> missing(jobId, thing));
          if (before.status() == ExecutionStatus.IN_PROGRESS && !force) {
            throw new JobException(
                "InvalidStateTransition",
                "Execution of job "
                    + jobId
                    + " on thing "
                    + thing
                    + " is IN_PROGRESS; use force to delete it");
          }
          boolean latest =
              ExecutionStore.find(sql, jobId, thing)
                  .filter(e -> e.executionNumber() == number)
                  .isPresent();
          if (latest) {
            ExecutionStore.delete(sql, before);
            JobStore.count(sql, jobId, before.status(), null, 1);
          } else {
            ExecutionStore.deletePast(sql, before);
          }
          notices.changed(new Change(before, null));
          JobStore.head(sql, jobId).ifPresent(head -> jobs.completeWhenOver(sql, head));
          return null;
        });
  }

  private void operate(
      String jobId, String thing, BiFunction<Sql, Execution, Execution> operation) {
    store.write(sql -> operation.apply(sql, find(sql, jobId, thing)));
  }

  static Execution find(Sql sql, String jobId, String thing) {
    return ExecutionStore.find(sql, jobId, thing).orElseThrow(() -> missing(jobId, thing));
  }

  static JobException missing(String jobId, String thing) {
    return new JobException(
        "ResourceNotFound", "Thing " + thing + " has no execution of job " + jobId);
  }

  private long seconds() {
    return clock.instant().getEpochSecond();
  }
}
