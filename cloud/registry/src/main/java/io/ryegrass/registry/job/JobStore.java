package io.ryegrass.registry.job;

import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The tables of jobs and of their progress; every method runs in its caller's transaction. */
final class JobStore {
  private static final JsonMapper JSON = JsonMapper.shared();

  private static final String HEAD = "job_id, namespace, status, continuous, forced, settings";

  /** The groups that a group stands for: itself and all below it. */
  private static final String BELOW =
      "WITH RECURSIVE g (name) AS (SELECT %s UNION SELECT t.name FROM thing_groups t JOIN g ON"
          + " t.parent = g.name) ";

  private JobStore() {}

  /**
   * What decides about a job's executions.
   *
   * @param namespace empty for the usual topics
   * @param continuous whether it follows its groups
   * @param forced canceled with executions in progress
   */
  record Head(
      String jobId,
      String namespace,
      JobStatus status,
      boolean continuous,
      boolean forced,
      JobSettings settings) {
    static Head of(Row row) {
      String namespace = row.textOrNull("namespace");
      return new Head(
          row.text("job_id"),
          namespace == null ? "" : namespace,
          JobStatus.valueOf(row.text("status")),
          row.flag("continuous"),
          row.flag("forced"),
          JobSettings.known(JSON.readTree(row.text("settings"))));
    }

    /** Whether things that join its groups get it; until the end of its schedule. */
    boolean follows(long nowMillis) {
      if (!continuous) {
        return false;
      }
      Instant end = settings.schedule().end();
      return end == null || nowMillis < end.toEpochMilli();
    }
  }

  /**
   * The whole job, for those who describe it.
   *
   * @param targets ARNs as given by the caller, a JSON list
   * @param described members of CreateJob that DescribeJob gives back as they were
   */
  record Job(
      Head head,
      String document,
      String targets,
      @Nullable String description,
      ObjectNode described,
      @Nullable String reasonCode,
      @Nullable String comment,
      long created,
      long updated,
      @Nullable Long completed) {
    static Job of(Row row) {
      return new Job(
          Head.of(row),
          row.text("document"),
          row.text("targets"),
          row.textOrNull("description"),
          (ObjectNode) JSON.readTree(row.text("described")),
          row.textOrNull("reason_code"),
          row.textOrNull("comment"),
          row.number("created"),
          row.number("updated"),
          row.numberOrNull("completed"));
    }

    String jobId() {
      return head.jobId();
    }
  }

  /**
   * How far a job is.
   *
   * @param notified executions made, without retries
   * @param waiting things that the rollout has not reached
   * @param due when the worker has to look, milliseconds since 1970; null: nothing to do
   */
  record Progress(
      long queued,
      long inProgress,
      long succeeded,
      long failed,
      long rejected,
      long timedOut,
      long canceled,
      long removed,
      long notified,
      long retriedFailed,
      long retriedTimedOut,
      long waiting,
      Pace pace,
      @Nullable Long due) {
    static Progress of(Row row) {
      return new Progress(
          row.number("queued"),
          row.number("in_progress"),
          row.number("succeeded"),
          row.number("failed"),
          row.number("rejected"),
          row.number("timed_out"),
          row.number("canceled"),
          row.number("removed"),
          row.number("notified"),
          row.number("retried_failed"),
          row.number("retried_timed_out"),
          row.number("waiting"),
          new Pace(row.number("minute_start"), row.number("minute_released")),
          row.numberOrNull("due"));
    }

    boolean isOver() {
      return waiting == 0 && queued == 0 && inProgress == 0;
    }

    /** Executions that failed in a way, those that were retried too. */
    long failures(String type) {
      return switch (type) {
        case "FAILED" -> failed + retriedFailed;
        case "TIMED_OUT" -> timedOut + retriedTimedOut;
        case "REJECTED" -> rejected;
        default -> failed + retriedFailed + timedOut + retriedTimedOut + rejected;
      };
    }

    long executions() {
      return notified + retriedFailed + retriedTimedOut;
    }
  }

  static Optional<Head> head(Sql sql, String jobId) {
    return sql.one("SELECT " + HEAD + " FROM jobs WHERE job_id = ?", Head::of, jobId);
  }

  static Optional<Job> job(Sql sql, String jobId) {
    return sql.one("SELECT * FROM jobs WHERE job_id = ?", Job::of, jobId);
  }

  static Progress progress(Sql sql, String jobId) {
    return sql.one("SELECT * FROM job_progress WHERE job_id = ?", Progress::of, jobId)
        .orElseThrow();
  }

  static void insert(Sql sql, Job job, List<String> groups) {
    sql.update(
        "INSERT INTO jobs (job_id, document, namespace, targets, description, status, continuous,"
            + " settings, described, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        job.jobId(),
        job.document(),
        job.head().namespace().isEmpty() ? null : job.head().namespace(),
        job.targets(),
        job.description(),
        job.head().status(),
        job.head().continuous(),
        job.head().settings().toJson().toString(),
        job.described().toString(),
        job.created(),
        job.updated());
    sql.update("INSERT INTO job_progress (job_id) VALUES (?)", job.jobId());
    groups.forEach(group -> follow(sql, job.jobId(), group));
  }

  static void follow(Sql sql, String jobId, String group) {
    sql.update(
        "INSERT INTO job_groups (group_name, job_id) VALUES (?, ?)"
            + " ON CONFLICT (group_name, job_id) DO NOTHING",
        group,
        jobId);
  }

  static void setStatus(Sql sql, String jobId, JobStatus status, long now) {
    sql.update(
        "UPDATE jobs SET status = ?, updated = ?, completed = ? WHERE job_id = ?",
        status,
        now,
        status == JobStatus.COMPLETED || status == JobStatus.CANCELED ? now : null,
        jobId);
  }

  static void cancel(
      Sql sql,
      String jobId,
      boolean forced,
      @Nullable String reasonCode,
      @Nullable String comment,
      long now) {
    sql.update(
        "UPDATE jobs SET status = 'CANCELED', forced = ?, reason_code = ?, comment = ?,"
            + " updated = ?, completed = ? WHERE job_id = ?",
        forced,
        reasonCode,
        comment,
        now,
        now,
        jobId);
  }

  // ---- who is to get the job

  static void awaitThing(Sql sql, String jobId, String thing) {
    sql.update(
        "INSERT INTO job_waiting (job_id, thing) VALUES (?, ?)"
            + " ON CONFLICT (job_id, thing) DO NOTHING",
        jobId,
        thing);
  }

  /** Lets the things of a group, and of the groups below it, wait that have no execution yet. */
  static void awaitGroup(Sql sql, String jobId, String group) {
    sql.update(
        "INSERT INTO job_waiting (job_id, thing) "
            + BELOW.formatted("name FROM thing_groups WHERE name = ?")
            + "SELECT DISTINCT CAST(? AS TEXT), m.thing FROM thing_group_members m JOIN g ON"
            + " m.group_name = g.name WHERE NOT EXISTS (SELECT 1 FROM job_executions e WHERE"
            + " e.job_id = ? AND e.thing = m.thing) ON CONFLICT (job_id, thing) DO NOTHING",
        group,
        jobId,
        jobId);
  }

  static long countWaiting(Sql sql, String jobId) {
    long waiting = sql.count("SELECT COUNT(*) AS n FROM job_waiting WHERE job_id = ?", jobId);
    sql.update("UPDATE job_progress SET waiting = ? WHERE job_id = ?", waiting, jobId);
    return waiting;
  }

  /** False when it did not wait. */
  static boolean awaitNoMore(Sql sql, String jobId, String thing) {
    boolean waited =
        sql.update("DELETE FROM job_waiting WHERE job_id = ? AND thing = ?", jobId, thing) == 1;
    if (waited) {
      sql.update("UPDATE job_progress SET waiting = waiting - 1 WHERE job_id = ?", jobId);
    }
    return waited;
  }

  static boolean isWaiting(Sql sql, String jobId, String thing) {
    return sql.count(
            "SELECT COUNT(*) AS n FROM job_waiting WHERE job_id = ? AND thing = ?", jobId, thing)
        > 0;
  }

  static void awaitNobody(Sql sql, String jobId) {
    sql.update("DELETE FROM job_waiting WHERE job_id = ?", jobId);
    sql.update("UPDATE job_progress SET waiting = 0 WHERE job_id = ?", jobId);
  }

  /** Continuous jobs under way that follow a group or one of its parents, oldest first. */
  static List<Job> following(Sql sql, String group) {
    return sql.list(
        "WITH RECURSIVE up (name) AS (SELECT name FROM thing_groups WHERE name = ? UNION SELECT t.parent FROM"
            + " thing_groups t JOIN up ON t.name = up.name WHERE t.parent IS NOT NULL)"
            + " SELECT * FROM jobs WHERE continuous = 1 AND status = 'IN_PROGRESS' AND job_id IN"
            + " (SELECT jg.job_id FROM job_groups jg JOIN up ON jg.group_name = up.name)"
            + " ORDER BY created, job_id",
        Job::of,
        group);
  }

  /** In how many groups of a job a thing is, not counting one of them. */
  static long memberships(Sql sql, String jobId, String thing, String butGroup) {
    return sql.count(
        BELOW.formatted("group_name FROM job_groups WHERE job_id = ?")
            + "SELECT COUNT(*) AS n FROM thing_group_members m WHERE m.thing = ? AND"
            + " m.group_name <> ? AND m.group_name IN (SELECT name FROM g)",
        jobId,
        thing,
        butGroup);
  }

  // ---- progress

  private static String column(ExecutionStatus status) {
    return status.name().toLowerCase(Locale.ROOT);
  }

  /** Counts executions from one state to another. */
  static void count(
      Sql sql,
      String jobId,
      @Nullable ExecutionStatus before,
      @Nullable ExecutionStatus after,
      long n) {
    if (before == after || n == 0) {
      return;
    }
    List<String> changes = new ArrayList<>();
    List<@Nullable Object> args = new ArrayList<>();
    if (before != null) {
      changes.add(column(before) + " = " + column(before) + " - ?");
      args.add(n);
    }
    if (after != null) {
      changes.add(column(after) + " = " + column(after) + " + ?");
      args.add(n);
    }
    args.add(jobId);
    sql.update(
        "UPDATE job_progress SET " + String.join(", ", changes) + " WHERE job_id = ?",
        args.toArray());
  }

  static void countNotified(Sql sql, String jobId, long n) {
    sql.update(
        "UPDATE job_progress SET queued = queued + ?, notified = notified + ? WHERE job_id = ?",
        n,
        n,
        jobId);
  }

  static void countRetry(Sql sql, String jobId, ExecutionStatus failure) {
    String column = "retried_" + column(failure);
    sql.update(
        "UPDATE job_progress SET " + column + " = " + column + " + 1 WHERE job_id = ?", jobId);
  }

  static void rolledOut(Sql sql, String jobId, long count, Pace pace) {
    sql.update(
        "UPDATE job_progress SET queued = queued + ?, notified = notified + ?, waiting = waiting -"
            + " ?, minute_start = ?, minute_released = ? WHERE job_id = ?",
        count,
        count,
        count,
        pace.minuteStart(),
        pace.released(),
        jobId);
  }

  static void setDue(Sql sql, String jobId, @Nullable Long due) {
    sql.update("UPDATE job_progress SET due = ? WHERE job_id = ?", due, jobId);
  }

  static List<String> due(Sql sql, long nowMillis, int limit) {
    return sql.list(
        "SELECT job_id FROM job_progress WHERE due <= ? ORDER BY due, job_id LIMIT ?",
        row -> row.text("job_id"),
        nowMillis,
        limit);
  }

  /** When something has to be done next, milliseconds since 1970. */
  static long nextDue(Sql sql) {
    long jobs =
        sql.count(
            "SELECT COALESCE(MIN(due), 9223372036854775807) AS n FROM job_progress"
                + " WHERE due IS NOT NULL");
    long executions =
        sql.count(
            "SELECT COALESCE(MIN(deadline), 9223372036854775807) AS n FROM job_executions"
                + " WHERE deadline IS NOT NULL");
    return Math.min(jobs, executions);
  }

  static long countOf(Sql sql, JobStatus status) {
    return sql.count("SELECT COUNT(*) AS n FROM jobs WHERE status = ?", status);
  }

  static void delete(Sql sql, String jobId) {
    for (String table :
        List.of("job_past_executions", "job_waiting", "job_groups", "job_progress", "jobs")) {
      sql.update("DELETE FROM " + table + " WHERE job_id = ?", jobId);
    }
  }
}
