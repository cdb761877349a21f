package io.ryegrass.registry.job;

import io.ryegrass.store.Migration;
import io.ryegrass.store.Sql;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The tables of jobs and executions; every method runs inside its caller's transaction. */
final class JobStore {
  private static final String FROM = " FROM job_executions e JOIN jobs j ON j.job_id = e.job_id ";
  private static final String PENDING = "e.status IN ('QUEUED', 'IN_PROGRESS')";

  private JobStore() {}

  static List<Migration> migrations() {
    return List.of(
        new Migration(
            "job",
            1,
            """
            CREATE TABLE jobs (
              job_id TEXT PRIMARY KEY,
              document TEXT NOT NULL,
              namespace TEXT,
              thing_group TEXT,
              targets TEXT NOT NULL,
              description TEXT,
              status TEXT NOT NULL,
              created BIGINT NOT NULL,
              updated BIGINT NOT NULL,
              completed BIGINT);
            CREATE INDEX jobs_by_group ON jobs (thing_group);
            CREATE TABLE job_executions (
              job_id TEXT NOT NULL,
              thing TEXT NOT NULL,
              status TEXT NOT NULL,
              details TEXT NOT NULL,
              queued BIGINT NOT NULL,
              started BIGINT,
              updated BIGINT NOT NULL,
              version BIGINT NOT NULL,
              number BIGINT NOT NULL,
              sequence BIGINT NOT NULL,
              PRIMARY KEY (job_id, thing));
            CREATE INDEX job_executions_by_thing ON job_executions (thing, status)
            """));
  }

  /**
   * @param targets ARNs as given by the caller, a JSON list
   * @param group null for a snapshot job
   */
  record Job(
      String jobId,
      String document,
      @Nullable String namespace,
      @Nullable String group,
      String targets,
      @Nullable String description,
      String status,
      long created,
      long updated,
      @Nullable Long completed) {}

  static Optional<Job> job(Sql sql, String jobId) {
    return jobs(sql, "WHERE job_id = ?", jobId).stream().findFirst();
  }

  static List<Job> jobs(Sql sql, String where, @Nullable Object... args) {
    return sql.list(
        "SELECT * FROM jobs " + where,
        row ->
            new Job(
                row.text("job_id"),
                row.text("document"),
                row.textOrNull("namespace"),
                row.textOrNull("thing_group"),
                row.text("targets"),
                row.textOrNull("description"),
                row.text("status"),
                row.number("created"),
                row.number("updated"),
                row.numberOrNull("completed")),
        args);
  }

  static void insert(Sql sql, Job job) {
    sql.update(
        "INSERT INTO jobs (job_id, document, namespace, thing_group, targets, description, status,"
            + " created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        job.jobId(),
        job.document(),
        job.namespace(),
        job.group(),
        job.targets(),
        job.description(),
        job.status(),
        job.created(),
        job.updated());
  }

  static void setStatus(Sql sql, String jobId, String status, long now) {
    sql.update(
        "UPDATE jobs SET status = ?, updated = ?, completed = ? WHERE job_id = ?",
        status,
        now,
        status.equals("IN_PROGRESS") ? null : now,
        jobId);
  }

  /** Of the next execution; it looks at all there are, so whoever makes many asks once. */
  static long nextSequence(Sql sql) {
    return sql.count("SELECT COALESCE(MAX(sequence), 0) + 1 AS n FROM job_executions");
  }

  /** False when the thing has an execution of this job already. */
  static boolean insertExecution(Sql sql, String jobId, String thing, long now, long sequence) {
    return sql.update(
            "INSERT INTO job_executions (job_id, thing, status, details, queued, updated, version,"
                + " number, sequence) VALUES (?, ?, 'QUEUED', '{}', ?, ?, 1, 1, ?)"
                + " ON CONFLICT (job_id, thing) DO NOTHING",
            jobId,
            thing,
            now,
            now,
            sequence)
        == 1;
  }

  static Optional<Execution> execution(Sql sql, String jobId, String thing) {
    return sql.one(
        "SELECT " + Execution.COLUMNS + FROM + "WHERE e.job_id = ? AND e.thing = ?",
        Execution::of,
        jobId,
        thing);
  }

  static List<Execution> executionsOf(Sql sql, String jobId) {
    return sql.list(
        "SELECT " + Execution.COLUMNS + FROM + "WHERE e.job_id = ? ORDER BY e.thing LIMIT 10000",
        Execution::of,
        jobId);
  }

  static List<Execution> executionsOn(Sql sql, String thing) {
    return sql.list(
        "SELECT "
            + Execution.COLUMNS
            + FROM
            + "WHERE e.thing = ? ORDER BY e.sequence DESC LIMIT 1000",
        Execution::of,
        thing);
  }

  /** IN_PROGRESS before QUEUED, then in order of creation. */
  static List<Execution> pending(Sql sql, String thing, @Nullable String namespace) {
    return sql.list(
        "SELECT "
            + Execution.COLUMNS
            + FROM
            + "WHERE e.thing = ? AND COALESCE(j.namespace, '') = ? AND "
            + PENDING
            + " ORDER BY CASE e.status WHEN 'IN_PROGRESS' THEN 0 ELSE 1 END, e.sequence LIMIT 100",
        Execution::of,
        thing,
        namespace == null ? "" : namespace);
  }

  static void update(
      Sql sql, Execution execution, ExecutionStatus status, String details, long now) {
    Long started = execution.startedAt();
    if (started == null && status == ExecutionStatus.IN_PROGRESS) {
      started = now;
    }
    sql.update(
        "UPDATE job_executions SET status = ?, details = ?, started = ?, updated = ?,"
            + " version = version + 1 WHERE job_id = ? AND thing = ?",
        status.name(),
        details,
        started,
        now,
        execution.jobId(),
        execution.thing());
  }

  static void delete(Sql sql, String jobId) {
    sql.update("DELETE FROM job_executions WHERE job_id = ?", jobId);
    sql.update("DELETE FROM jobs WHERE job_id = ?", jobId);
  }
}
