package io.ryegrass.registry.job;

import io.ryegrass.store.Row;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * One thing's share of a job.
 *
 * @param namespace empty for the usual topics
 * @param queuedAt seconds since 1970, as all times here but the deadlines
 * @param versionNumber grows with each change
 * @param executionNumber grows with each execution that this thing gets of this job
 * @param sequence order in which a thing's executions were made
 * @param jobDeadline milliseconds since 1970: when the job's timer ends
 * @param stepDeadline milliseconds since 1970: when the device's own timer ends
 * @param attempt how many retries came before
 */
record Execution(
    String jobId,
    String thing,
    String namespace,
    ExecutionStatus status,
    Map<String, String> statusDetails,
    long queuedAt,
    @Nullable Long startedAt,
    long lastUpdatedAt,
    long versionNumber,
    long executionNumber,
    long sequence,
    @Nullable Long jobDeadline,
    @Nullable Long stepDeadline,
    long attempt,
    long failedAttempts,
    long timedOutAttempts,
    boolean forceCanceled) {
  private static final JsonMapper JSON = JsonMapper.shared();

  /** Of executions that were followed by another one, too. */
  static final String PAST_COLUMNS =
      "job_id, thing, namespace, status, details, queued, started, updated, version, number,"
          + " sequence, attempt, failed_attempts, timed_out_attempts, forced";

  /** The columns that {@link #of} reads. */
  static final String COLUMNS = PAST_COLUMNS + ", job_deadline, step_deadline";

  static Execution of(Row row) {
    return read(row, row.numberOrNull("job_deadline"), row.numberOrNull("step_deadline"));
  }

  static Execution ofPast(Row row) {
    return read(row, null, null);
  }

  private static Execution read(Row row, @Nullable Long job, @Nullable Long step) {
    return new Execution(
        row.text("job_id"),
        row.text("thing"),
        row.text("namespace"),
        ExecutionStatus.valueOf(row.text("status")),
        details(row.text("details")),
        row.number("queued"),
        row.numberOrNull("started"),
        row.number("updated"),
        row.number("version"),
        row.number("number"),
        row.number("sequence"),
        job,
        step,
        row.number("attempt"),
        row.number("failed_attempts"),
        row.number("timed_out_attempts"),
        row.flag("forced"));
  }

  private static Map<String, String> details(String json) {
    if (json.equals("{}")) {
      return Map.of();
    }
    Map<String, String> details = new LinkedHashMap<>();
    JSON.readTree(json).properties().forEach(d -> details.put(d.getKey(), d.getValue().asString()));
    return details;
  }

  /** When it times out, milliseconds since 1970; the earlier of both timers. */
  @Nullable Long deadline() {
    if (jobDeadline == null || stepDeadline == null) {
      return jobDeadline == null ? stepDeadline : jobDeadline;
    }
    return Math.min(jobDeadline, stepDeadline);
  }

  /** A change of state by the service or the device. */
  Execution become(ExecutionStatus next, @Nullable Map<String, String> details, long now) {
    boolean starts = startedAt == null && next == ExecutionStatus.IN_PROGRESS;
    return new Execution(
        jobId,
        thing,
        namespace,
        next,
        details == null ? statusDetails : details,
        queuedAt,
        starts ? Long.valueOf(now) : startedAt,
        now,
        versionNumber + 1,
        executionNumber,
        sequence,
        next.isOpen() ? jobDeadline : null,
        next.isOpen() ? stepDeadline : null,
        attempt,
        failedAttempts,
        timedOutAttempts,
        forceCanceled);
  }

  Execution withDeadlines(@Nullable Long job, @Nullable Long step) {
    return new Execution(
        jobId,
        thing,
        namespace,
        status,
        statusDetails,
        queuedAt,
        startedAt,
        lastUpdatedAt,
        versionNumber,
        executionNumber,
        sequence,
        job,
        step,
        attempt,
        failedAttempts,
        timedOutAttempts,
        forceCanceled);
  }

  /** Marked as canceled while the device was at it. */
  Execution forced() {
    return new Execution(
        jobId,
        thing,
        namespace,
        status,
        statusDetails,
        queuedAt,
        startedAt,
        lastUpdatedAt,
        versionNumber,
        executionNumber,
        sequence,
        jobDeadline,
        stepDeadline,
        attempt,
        failedAttempts,
        timedOutAttempts,
        true);
  }

  /** The execution that follows this one, which ended as it did. */
  Execution retry(long nextSequence, long now) {
    return new Execution(
        jobId,
        thing,
        namespace,
        ExecutionStatus.QUEUED,
        Map.of(),
        now,
        null,
        now,
        1,
        executionNumber + 1,
        nextSequence,
        null,
        null,
        attempt + 1,
        failedAttempts + (status == ExecutionStatus.FAILED ? 1 : 0),
        timedOutAttempts + (status == ExecutionStatus.TIMED_OUT ? 1 : 0),
        false);
  }

  ObjectNode summary() {
    ObjectNode summary = JSON.createObjectNode();
    summary.put("jobId", jobId).put("queuedAt", queuedAt);
    if (startedAt != null) {
      summary.put("startedAt", startedAt);
    }
    return summary
        .put("lastUpdatedAt", lastUpdatedAt)
        .put("versionNumber", versionNumber)
        .put("executionNumber", executionNumber);
  }

  /**
   * The form that a device gets, without the document.
   *
   * @param nowMillis milliseconds since 1970
   */
  ObjectNode full(long nowMillis) {
    ObjectNode full = summary();
    full.put("thingName", thing).put("status", status.name());
    full.set("statusDetails", details());
    Long seconds = secondsBeforeTimedOut(nowMillis);
    if (seconds != null) {
      full.put("approximateSecondsBeforeTimedOut", seconds);
    }
    return full;
  }

  @Nullable Long secondsBeforeTimedOut(long nowMillis) {
    Long deadline = deadline();
    return deadline == null || status != ExecutionStatus.IN_PROGRESS
        ? null
        : Math.max(0, (deadline - nowMillis) / 1000);
  }

  ObjectNode state() {
    ObjectNode state = JSON.createObjectNode().put("status", status.name());
    state.set("statusDetails", details());
    return state.put("versionNumber", versionNumber);
  }

  ObjectNode details() {
    ObjectNode details = JSON.createObjectNode();
    statusDetails.forEach(details::put);
    return details;
  }
}
