package io.ryegrass.registry.job;

import io.ryegrass.registry.Registry;
import io.ryegrass.registry.job.JobNotices.Change;
import io.ryegrass.registry.job.JobStore.Head;
import io.ryegrass.registry.job.JobStore.Job;
import io.ryegrass.registry.job.JobStore.Progress;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The life of jobs: rollout, cancellation and deletion in steps of at most {@value #BATCH} things,
 * a transaction each, whose state is all in the store. The first step is made in the transaction of
 * the request, so that small jobs are whole when it is answered; the worker makes the others.
 */
final class JobLife {
  static final int BATCH = 100;
  private static final int MAX_DELETING = 10;

  private final CloudStore store;
  private final Registry registry;
  private final JobNotices notices;
  private final JobEvents events;
  private final Clock clock;
  private final LongConsumer wake;

  /**
   * @param wake told when something will be due, milliseconds since 1970
   */
  JobLife(
      CloudStore store,
      Registry registry,
      JobNotices notices,
      JobEvents events,
      Clock clock,
      LongConsumer wake) {
    this.store = store;
    this.registry = registry;
    this.notices = notices;
    this.events = events;
    this.clock = clock;
    this.wake = wake;
  }

  /** What a caller says of a job beside its specification. */
  record Description(
      String documentText,
      String targets,
      @Nullable String text,
      tools.jackson.databind.node.ObjectNode described) {}

  void create(Sql sql, JobSpec spec, Description description) {
    if (JobStore.head(sql, spec.jobId()).isPresent()) {
      throw new JobException("ResourceAlreadyExists", "Job " + spec.jobId() + " already exists");
    }
    long now = seconds();
    Instant start = spec.settings().schedule().start();
    boolean later = start != null && start.toEpochMilli() > clock.millis();
    Head head =
        new Head(
            spec.jobId(),
            spec.namespace() == null ? "" : spec.namespace(),
            later ? JobStatus.SCHEDULED : JobStatus.IN_PROGRESS,
            spec.continuous(),
            false,
            spec.settings());
    JobStore.insert(
        sql,
        new Job(
            head,
            description.documentText(),
            description.targets(),
            description.text(),
            description.described(),
            null,
            null,
            now,
            now,
            null),
        spec.targetGroups());
    spec.targetThings().forEach(thing -> JobStore.awaitThing(sql, spec.jobId(), thing));
    if (later && start != null) {
      due(sql, spec.jobId(), start.toEpochMilli());
    } else {
      begin(sql, head, spec.targetGroups());
    }
  }

  private void begin(Sql sql, Head head, List<String> groups) {
    groups.forEach(group -> JobStore.awaitGroup(sql, head.jobId(), group));
    JobStore.countWaiting(sql, head.jobId());
    step(sql, head);
  }

  /** More groups for a continuous job. */
  void associate(Sql sql, Head head, List<String> groups) {
    groups.forEach(group -> JobStore.follow(sql, head.jobId(), group));
    if (head.status() == JobStatus.IN_PROGRESS) {
      begin(sql, head, groups);
    }
  }

  // ---- steps

  /** Does what is due for a job; nothing when it is gone. */
  void step(Sql sql, String jobId) {
    JobStore.head(sql, jobId).ifPresent(head -> step(sql, head));
  }

  private void step(Sql sql, Head head) {
    switch (head.status()) {
      case SCHEDULED -> start(sql, head);
      case IN_PROGRESS -> rollOut(sql, head);
      case CANCELED -> cancelSome(sql, head);
      case DELETION_IN_PROGRESS -> deleteSome(sql, head);
      case COMPLETED -> due(sql, head.jobId(), null);
    }
  }

  private void start(Sql sql, Head head) {
    Instant start = head.settings().schedule().start();
    if (start != null && start.toEpochMilli() > clock.millis()) {
      due(sql, head.jobId(), start.toEpochMilli());
      return;
    }
    JobStore.setStatus(sql, head.jobId(), JobStatus.IN_PROGRESS, seconds());
    Head started = JobStore.head(sql, head.jobId()).orElseThrow();
    List<String> groups =
        sql.list(
            "SELECT group_name FROM job_groups WHERE job_id = ? ORDER BY group_name",
            row -> row.text("group_name"),
            head.jobId());
    begin(sql, started, groups);
  }

  private void rollOut(Sql sql, Head head) {
    JobSettings.Schedule schedule = head.settings().schedule();
    long now = clock.millis();
    if (schedule.end() != null && schedule.end().toEpochMilli() <= now) {
      end(sql, head, schedule.endBehavior());
      return;
    }
    Progress progress = JobStore.progress(sql, head.jobId());
    long due = schedule.end() == null ? Long.MAX_VALUE : schedule.end().toEpochMilli();
    if (progress.waiting() > 0) {
      long rate = head.settings().rollout().perMinute(progress.notified(), progress.succeeded());
      Pace.Step step = progress.pace().next(now, rate, progress.waiting(), BATCH);
      if (step.count() > 0) {
        notify(sql, head, step);
      }
      if (step.count() < progress.waiting()) {
        due = Math.min(due, step.due());
      }
    }
    due(sql, head.jobId(), due == Long.MAX_VALUE ? null : due);
    completeWhenOver(sql, head);
  }

  private void notify(Sql sql, Head head, Pace.Step step) {
    long now = seconds();
    long sequence = ExecutionStore.nextSequence(sql);
    List<String> things = ExecutionStore.insertWaiting(sql, head, step.count(), sequence, now);
    JobStore.rolledOut(sql, head.jobId(), things.size(), step.after());
    notices.changed(
        things.stream()
            .map(thing -> new Change(null, fresh(head, thing, 1, sequence, now)))
            .toList());
  }

  private static Execution fresh(Head head, String thing, long number, long sequence, long now) {
    return new Execution(
        head.jobId(),
        thing,
        head.namespace(),
        ExecutionStatus.QUEUED,
        Map.of(),
        now,
        null,
        now,
        1,
        number,
        sequence,
        null,
        null,
        0,
        0,
        0,
        false);
  }

  /** What happens at {@code endTime}. */
  private void end(Sql sql, Head head, String behavior) {
    if (behavior.equals("STOP_ROLLOUT")) {
      JobStore.awaitNobody(sql, head.jobId());
      due(sql, head.jobId(), null);
      completeWhenOver(sql, head);
      return;
    }
    cancel(
        sql,
        head,
        behavior.equals("FORCE_CANCEL"),
        "END_TIME_REACHED",
        "The endTime of the job's schedule was reached");
  }

  /** A job that takes nobody any more is COMPLETED when all its executions are over. */
  void completeWhenOver(Sql sql, Head head) {
    if (head.follows(clock.millis()) || head.status() != JobStatus.IN_PROGRESS) {
      return;
    }
    if (JobStore.progress(sql, head.jobId()).isOver()) {
      JobStore.setStatus(sql, head.jobId(), JobStatus.COMPLETED, seconds());
      due(sql, head.jobId(), null);
      events.job(sql, head.jobId(), "completed", "COMPLETED");
    }
  }

  /** Cancels a job of which too much failed. */
  void abortWhenBad(Sql sql, Head head) {
    List<JobSettings.AbortRule> rules = head.settings().abort();
    if (rules.isEmpty() || head.status() != JobStatus.IN_PROGRESS) {
      return;
    }
    Progress progress = JobStore.progress(sql, head.jobId());
    for (JobSettings.AbortRule rule : rules) {
      double percentage = 100.0 * progress.failures(rule.failureType()) / progress.executions();
      if (progress.notified() >= rule.minNumberOfExecutedThings()
          && percentage >= rule.thresholdPercentage()) {
        cancel(
            sql,
            head,
            false,
            "ABORT_CRITERIA_MET",
            String.format(
                java.util.Locale.ROOT,
                "%.2f %% of %d executions are %s, the abort criteria allow less than %s %%",
                percentage,
                progress.executions(),
                rule.failureType().equals("ALL") ? "failed" : rule.failureType(),
                rule.thresholdPercentage()));
        return;
      }
    }
  }

  /** Cancels a job; executions in progress as well when {@code forced}. */
  void cancel(
      Sql sql, Head head, boolean forced, @Nullable String reasonCode, @Nullable String comment) {
    JobStore.awaitNobody(sql, head.jobId());
    JobStore.cancel(sql, head.jobId(), forced, reasonCode, comment, seconds());
    notices.jobCanceled(head.jobId());
    events.job(sql, head.jobId(), "cancellation_in_progress", "CANCELLATION_IN_PROGRESS");
    step(sql, head.jobId());
  }

  private void cancelSome(Sql sql, Head head) {
    List<Execution> some = ExecutionStore.open(sql, head.jobId(), head.forced(), BATCH);
    List<Change> changes = new ArrayList<>();
    for (Execution before : some) {
      Execution after = canceled(before, null, seconds());
      ExecutionStore.update(sql, after);
      JobStore.count(sql, head.jobId(), before.status(), after.status(), 1);
      changes.add(new Change(before, after));
    }
    notices.changed(changes);
    if (some.size() < BATCH) {
      due(sql, head.jobId(), null);
      events.job(sql, head.jobId(), "canceled", "CANCELED");
    } else {
      due(sql, head.jobId(), 0L); // before the rollouts of others
    }
  }

  static Execution canceled(Execution before, @Nullable Map<String, String> details, long now) {
    Execution after = before.become(ExecutionStatus.CANCELED, details, now);
    return before.status() == ExecutionStatus.IN_PROGRESS ? after.forced() : after;
  }

  /** Deletes a job; asks nothing about its state. */
  void delete(Sql sql, Head head) {
    if (JobStore.countOf(sql, JobStatus.DELETION_IN_PROGRESS) >= MAX_DELETING) {
      throw new JobException(
          "LimitExceeded",
          "Only " + MAX_DELETING + " jobs can have a status of DELETION_IN_PROGRESS at a time");
    }
    JobStore.awaitNobody(sql, head.jobId());
    JobStore.setStatus(sql, head.jobId(), JobStatus.DELETION_IN_PROGRESS, seconds());
    events.job(sql, head.jobId(), "deletion_in_progress", "DELETION_IN_PROGRESS");
    step(sql, head.jobId());
  }

  private void deleteSome(Sql sql, Head head) {
    List<Execution> some = ExecutionStore.any(sql, head.jobId(), BATCH);
    some.forEach(execution -> ExecutionStore.delete(sql, execution));
    notices.changed(some.stream().map(e -> new Change(e, null)).toList());
    if (some.size() == BATCH) {
      due(sql, head.jobId(), 0L);
      return;
    }
    events.job(sql, head.jobId(), "deleted", "DELETED");
    JobStore.delete(sql, head.jobId());
  }

  // ---- things that come and go

  /** Inside the transaction that changes the group. */
  void membershipChanged(Sql sql, String thing, String group, boolean joined) {
    for (Job job : JobStore.following(sql, group)) {
      if (!job.head().follows(clock.millis())) {
        continue;
      }
      boolean targetAnyway =
          JobStore.memberships(sql, job.jobId(), thing, group) > 0
              || job.targets().contains('"' + registry.thingArn(thing) + '"');
      if (targetAnyway) {
        continue;
      }
      if (joined) {
        joined(sql, job.head(), thing);
      } else {
        left(sql, job.head(), thing);
      }
    }
  }

  /** Late joiners get their execution at once, whatever the rollout's rate. */
  private void joined(Sql sql, Head head, String thing) {
    Optional<Execution> known = ExecutionStore.find(sql, head.jobId(), thing);
    if (JobStore.isWaiting(sql, head.jobId(), thing)
        || known.filter(e -> e.status().isOpen()).isPresent()) {
      return;
    }
    long number = 1;
    if (known.isPresent()) {
      number = known.get().executionNumber() + 1;
      ExecutionStore.retire(sql, known.get());
      JobStore.count(sql, head.jobId(), known.get().status(), null, 1);
    }
    Execution fresh = fresh(head, thing, number, ExecutionStore.nextSequence(sql), seconds());
    ExecutionStore.insert(sql, fresh);
    JobStore.countNotified(sql, head.jobId(), 1);
    notices.changed(new Change(null, fresh));
  }

  private void left(Sql sql, Head head, String thing) {
    if (JobStore.awaitNoMore(sql, head.jobId(), thing)) {
      return;
    }
    Optional<Execution> known =
        ExecutionStore.find(sql, head.jobId(), thing).filter(e -> e.status().isOpen());
    if (known.isPresent()) {
      Execution after = known.get().become(ExecutionStatus.REMOVED, null, seconds());
      ExecutionStore.update(sql, after);
      JobStore.count(sql, head.jobId(), known.get().status(), after.status(), 1);
      notices.changed(new Change(known.get(), after));
    }
  }

  // ---- time

  private void due(Sql sql, String jobId, @Nullable Long due) {
    JobStore.setDue(sql, jobId, due);
    if (due != null) {
      wakeAt(due);
    }
  }

  void wakeAt(long due) {
    store.afterCommit(() -> wake.accept(due));
  }

  private long seconds() {
    return clock.instant().getEpochSecond();
  }
}
