package io.ryegrass.registry.job;

import io.ryegrass.store.Migration;
import java.util.List;

/** The schema of jobs. */
final class JobTables {
  private JobTables() {}

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
            """),
        // What is read with every message of a device stands apart from the documents: job_progress
        // counts, job_executions names its namespace itself. job_waiting holds the things that a
        // rollout has not reached; job_progress.due says when the worker has to look at a job.
        new Migration(
            "job",
            2,
            """
            ALTER TABLE jobs ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
            ALTER TABLE jobs ADD COLUMN described TEXT NOT NULL DEFAULT '{}';
            ALTER TABLE jobs ADD COLUMN continuous BIGINT NOT NULL DEFAULT 0;
            ALTER TABLE jobs ADD COLUMN forced BIGINT NOT NULL DEFAULT 0;
            ALTER TABLE jobs ADD COLUMN reason_code TEXT;
            ALTER TABLE jobs ADD COLUMN comment TEXT;
            UPDATE jobs SET continuous = 1 WHERE thing_group IS NOT NULL;
            CREATE INDEX jobs_by_creation ON jobs (created, job_id);
            CREATE TABLE job_groups (
              group_name TEXT NOT NULL, job_id TEXT NOT NULL, PRIMARY KEY (group_name, job_id));
            CREATE INDEX job_groups_by_job ON job_groups (job_id);
            INSERT INTO job_groups (group_name, job_id)
              SELECT thing_group, job_id FROM jobs WHERE thing_group IS NOT NULL;
            ALTER TABLE job_executions ADD COLUMN namespace TEXT NOT NULL DEFAULT '';
            ALTER TABLE job_executions ADD COLUMN job_deadline BIGINT;
            ALTER TABLE job_executions ADD COLUMN step_deadline BIGINT;
            ALTER TABLE job_executions ADD COLUMN deadline BIGINT;
            ALTER TABLE job_executions ADD COLUMN attempt BIGINT NOT NULL DEFAULT 0;
            ALTER TABLE job_executions ADD COLUMN failed_attempts BIGINT NOT NULL DEFAULT 0;
            ALTER TABLE job_executions ADD COLUMN timed_out_attempts BIGINT NOT NULL DEFAULT 0;
            ALTER TABLE job_executions ADD COLUMN forced BIGINT NOT NULL DEFAULT 0;
            UPDATE job_executions SET namespace = COALESCE(
              (SELECT j.namespace FROM jobs j WHERE j.job_id = job_executions.job_id), '');
            CREATE INDEX job_executions_by_status ON job_executions (job_id, status, thing);
            CREATE INDEX job_executions_by_sequence ON job_executions (sequence);
            CREATE INDEX job_executions_by_deadline ON job_executions (deadline)
              WHERE deadline IS NOT NULL;
            CREATE TABLE job_past_executions (
              job_id TEXT NOT NULL, thing TEXT NOT NULL, status TEXT NOT NULL,
              details TEXT NOT NULL, queued BIGINT NOT NULL, started BIGINT,
              updated BIGINT NOT NULL, version BIGINT NOT NULL, number BIGINT NOT NULL,
              sequence BIGINT NOT NULL, namespace TEXT NOT NULL, attempt BIGINT NOT NULL,
              failed_attempts BIGINT NOT NULL, timed_out_attempts BIGINT NOT NULL,
              forced BIGINT NOT NULL, PRIMARY KEY (job_id, thing, number));
            CREATE INDEX job_past_executions_by_thing ON job_past_executions (thing);
            CREATE TABLE job_waiting (
              job_id TEXT NOT NULL, thing TEXT NOT NULL, PRIMARY KEY (job_id, thing));
            CREATE TABLE job_progress (
              job_id TEXT PRIMARY KEY,
              queued BIGINT NOT NULL DEFAULT 0,
              in_progress BIGINT NOT NULL DEFAULT 0,
              succeeded BIGINT NOT NULL DEFAULT 0,
              failed BIGINT NOT NULL DEFAULT 0,
              rejected BIGINT NOT NULL DEFAULT 0,
              timed_out BIGINT NOT NULL DEFAULT 0,
              canceled BIGINT NOT NULL DEFAULT 0,
              removed BIGINT NOT NULL DEFAULT 0,
              notified BIGINT NOT NULL DEFAULT 0,
              retried_failed BIGINT NOT NULL DEFAULT 0,
              retried_timed_out BIGINT NOT NULL DEFAULT 0,
              waiting BIGINT NOT NULL DEFAULT 0,
              minute_start BIGINT NOT NULL DEFAULT 0,
              minute_released BIGINT NOT NULL DEFAULT 0,
              due BIGINT);
            INSERT INTO job_progress (job_id, queued, in_progress, succeeded, failed, rejected,
                timed_out, canceled, removed, notified)
              SELECT j.job_id,
                COALESCE(SUM(CASE e.status WHEN 'QUEUED' THEN 1 ELSE 0 END), 0),
                COALESCE(SUM(CASE e.status WHEN 'IN_PROGRESS' THEN 1 ELSE 0 END), 0),
                COALESCE(SUM(CASE e.status WHEN 'SUCCEEDED' THEN 1 ELSE 0 END), 0),
                COALESCE(SUM(CASE e.status WHEN 'FAILED' THEN 1 ELSE 0 END), 0),
                COALESCE(SUM(CASE e.status WHEN 'REJECTED' THEN 1 ELSE 0 END), 0),
                COALESCE(SUM(CASE e.status WHEN 'TIMED_OUT' THEN 1 ELSE 0 END), 0),
                COALESCE(SUM(CASE e.status WHEN 'CANCELED' THEN 1 ELSE 0 END), 0),
                COALESCE(SUM(CASE e.status WHEN 'REMOVED' THEN 1 ELSE 0 END), 0),
                COUNT(e.thing)
              FROM jobs j LEFT JOIN job_executions e ON e.job_id = j.job_id GROUP BY j.job_id;
            CREATE INDEX job_progress_by_due ON job_progress (due) WHERE due IS NOT NULL;
            CREATE TABLE job_templates (
              id TEXT PRIMARY KEY, description TEXT NOT NULL, document TEXT NOT NULL,
              document_source TEXT, settings TEXT NOT NULL, described TEXT NOT NULL,
              created BIGINT NOT NULL)
            """));
  }
}
