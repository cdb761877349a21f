package io.ryegrass.registry.job;

import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The tables of executions; every method runs inside its caller's transaction. */
final class ExecutionStore {
  private static final String OPEN = "status IN ('QUEUED', 'IN_PROGRESS')";

  /** IN_PROGRESS before QUEUED, then in order of creation. */
  private static final String PENDING_ORDER =
      " ORDER BY CASE status WHEN 'IN_PROGRESS' THEN 0 ELSE 1 END, sequence, job_id LIMIT ?";

  private ExecutionStore() {}

  static Optional<Execution> find(Sql sql, String jobId, String thing) {
    return sql.one(
        "SELECT " + Execution.COLUMNS + " FROM job_executions WHERE job_id = ? AND thing = ?",
        Execution::of,
        jobId,
        thing);
  }

  /** An execution by its number, also one that was followed by another. */
  static Optional<Execution> find(Sql sql, String jobId, String thing, @Nullable Long number) {
    Optional<Execution> latest = find(sql, jobId, thing);
    if (number == null || latest.filter(e -> e.executionNumber() == number).isPresent()) {
      return latest;
    }
    return sql.one(
        "SELECT "
            + Execution.PAST_COLUMNS
            + " FROM job_past_executions WHERE job_id = ? AND thing = ? AND number = ?",
        Execution::ofPast,
        jobId,
        thing,
        number);
  }

  static List<Execution> pending(Sql sql, String thing, String namespace, int limit) {
    return sql.list(
        "SELECT "
            + Execution.COLUMNS
            + " FROM job_executions WHERE thing = ? AND namespace = ? AND "
            + OPEN
            + PENDING_ORDER,
        Execution::of,
        thing,
        namespace,
        limit);
  }

  /** A number after all that were given. */
  static long nextSequence(Sql sql) {
    return sql.count("SELECT COALESCE(MAX(sequence), 0) + 1 AS n FROM job_executions");
  }

  /**
   * Makes executions of the first things that wait.
   *
   * @return the things, in their order
   */
  static List<String> insertWaiting(
      Sql sql, JobStore.Head job, long count, long sequence, long now) {
    List<String> things =
        sql.list(
            "SELECT thing FROM job_waiting WHERE job_id = ? ORDER BY thing LIMIT ?",
            row -> row.text("thing"),
            job.jobId(),
            count);
    if (things.isEmpty()) {
      return things;
    }
    sql.update(
        "INSERT INTO job_executions (job_id, thing, status, details, queued, updated, version,"
            + " number, sequence, namespace) SELECT job_id, thing, 'QUEUED', '{}', CAST(? AS"
            + " BIGINT), CAST(? AS BIGINT), 1, 1, CAST(? AS BIGINT), CAST(? AS TEXT) FROM"
            + " job_waiting WHERE job_id = ? AND thing <= ?",
        now,
        now,
        sequence,
        job.namespace(),
        job.jobId(),
        things.getLast());
    sql.update(
        "DELETE FROM job_waiting WHERE job_id = ? AND thing <= ?", job.jobId(), things.getLast());
    return things;
  }

  static void insert(Sql sql, Execution execution) {
    sql.update(
        "INSERT INTO job_executions (job_id, thing, status, details, queued, updated, version,"
            + " number, sequence, namespace, attempt, failed_attempts, timed_out_attempts)"
            + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        execution.jobId(),
        execution.thing(),
        execution.status(),
        execution.details().toString(),
        execution.queuedAt(),
        execution.lastUpdatedAt(),
        execution.versionNumber(),
        execution.executionNumber(),
        execution.sequence(),
        execution.namespace(),
        execution.attempt(),
        execution.failedAttempts(),
        execution.timedOutAttempts());
  }

  static void update(Sql sql, Execution after) {
    sql.update(
        "UPDATE job_executions SET status = ?, details = ?, started = ?, updated = ?, version = ?,"
            + " job_deadline = ?, step_deadline = ?, deadline = ?, forced = ?"
            + " WHERE job_id = ? AND thing = ?",
        after.status(),
        after.details().toString(),
        after.startedAt(),
        after.lastUpdatedAt(),
        after.versionNumber(),
        after.jobDeadline(),
        after.stepDeadline(),
        after.deadline(),
        after.forceCanceled(),
        after.jobId(),
        after.thing());
  }

  /** Puts a finished execution behind, to make room for the thing's next one of this job. */
  static void retire(Sql sql, Execution execution) {
    sql.update(
        "INSERT INTO job_past_executions ("
            + Execution.PAST_COLUMNS
            + ") SELECT "
            + Execution.PAST_COLUMNS
            + " FROM job_executions WHERE job_id = ? AND thing = ?",
        execution.jobId(),
        execution.thing());
    delete(sql, execution);
  }

  static void delete(Sql sql, Execution execution) {
    sql.update(
        "DELETE FROM job_executions WHERE job_id = ? AND thing = ? AND number = ?",
        execution.jobId(),
        execution.thing(),
        execution.executionNumber());
  }

  static void deletePast(Sql sql, Execution execution) {
    sql.update(
        "DELETE FROM job_past_executions WHERE job_id = ? AND thing = ? AND number = ?",
        execution.jobId(),
        execution.thing(),
        execution.executionNumber());
  }

  /** Some open executions of a job. */
  static List<Execution> open(Sql sql, String jobId, boolean inProgressToo, int limit) {
    List<Execution> found = new ArrayList<>(ofStatus(sql, jobId, ExecutionStatus.QUEUED, limit));
    if (inProgressToo && found.size() < limit) {
      found.addAll(ofStatus(sql, jobId, ExecutionStatus.IN_PROGRESS, limit - found.size()));
    }
    return found;
  }

  private static List<Execution> ofStatus(
      Sql sql, String jobId, ExecutionStatus status, int limit) {
    return sql.list(
        "SELECT "
            + Execution.COLUMNS
            + " FROM job_executions WHERE job_id = ? AND status = ? ORDER BY thing LIMIT ?",
        Execution::of,
        jobId,
        status,
        limit);
  }

  static List<Execution> any(Sql sql, String jobId, int limit) {
    return sql.list(
        "SELECT "
            + Execution.COLUMNS
            + " FROM job_executions WHERE job_id = ? ORDER BY thing LIMIT ?",
        Execution::of,
        jobId,
        limit);
  }

  /** Executions whose time is over. */
  static List<Execution> timedOut(Sql sql, long nowMillis, int limit) {
    return sql.list(
        "SELECT "
            + Execution.COLUMNS
            + " FROM job_executions WHERE deadline <= ? ORDER BY deadline LIMIT ?",
        Execution::of,
        nowMillis,
        limit);
  }

  /** One page of a job's executions, by thing and number. */
  static List<Execution> page(
      Sql sql, String jobId, String status, String afterThing, long afterNumber, int limit) {
    String where =
        " WHERE job_id = ? AND (thing > ? OR (thing = ? AND number > ?))"
            + (status.isEmpty() ? "" : " AND status = ?");
    List<@Nullable Object> args = new ArrayList<>();
    for (int table = 0; table < 2; table++) {
      args.addAll(List.of(jobId, afterThing, afterThing, afterNumber));
      if (!status.isEmpty()) {
        args.add(status);
      }
    }
    args.add(limit);
    return sql.list(
        "SELECT "
            + Execution.PAST_COLUMNS
            + " FROM job_executions"
            + where
            + " UNION ALL SELECT "
            + Execution.PAST_COLUMNS
            + " FROM job_past_executions"
            + where
            + " ORDER BY thing, number LIMIT ?",
        Execution::ofPast,
        args.toArray());
  }

  /** One page of a thing's executions, newest first. */
  static List<Execution> pageOfThing(
      Sql sql,
      String thing,
      String status,
      String jobId,
      @Nullable String namespace,
      long offset,
      int limit) {
    String where =
        " WHERE thing = ?"
            + (status.isEmpty() ? "" : " AND status = ?")
            + (jobId.isEmpty() ? "" : " AND job_id = ?")
            + (namespace == null ? "" : " AND namespace = ?");
    List<@Nullable Object> args = new ArrayList<>();
    for (int table = 0; table < 2; table++) {
      args.add(thing);
      if (!status.isEmpty()) {
        args.add(status);
      }
      if (!jobId.isEmpty()) {
        args.add(jobId);
      }
      if (namespace != null) {
        args.add(namespace);
      }
    }
    args.add(limit);
    args.add(offset);
    return sql.list(
        "SELECT "
            + Execution.PAST_COLUMNS
            + " FROM job_executions"
            + where
            + " UNION ALL SELECT "
            + Execution.PAST_COLUMNS
            + " FROM job_past_executions"
            + where
            + " ORDER BY sequence DESC, job_id LIMIT ? OFFSET ?",
        Execution::ofPast,
        args.toArray());
  }
}
