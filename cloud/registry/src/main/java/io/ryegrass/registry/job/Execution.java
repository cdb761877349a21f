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
 * @param queuedAt seconds since 1970, as all times here
 * @param versionNumber grows with each change
 */
record Execution(
    String jobId,
    String thing,
    @Nullable String namespace,
    ExecutionStatus status,
    Map<String, String> statusDetails,
    long queuedAt,
    @Nullable Long startedAt,
    long lastUpdatedAt,
    long versionNumber,
    long executionNumber,
    String document) {
  private static final JsonMapper JSON = JsonMapper.shared();

  /** The columns that {@link #of} reads; executions joined with their jobs. */
  static final String COLUMNS =
      "e.job_id, e.thing, j.namespace, e.status, e.details, e.queued, e.started, e.updated,"
          + " e.version, e.number, j.document";

  static Execution of(Row row) {
    Map<String, String> details = new LinkedHashMap<>();
    JSON.readTree(row.text("details"))
        .properties()
        .forEach(d -> details.put(d.getKey(), d.getValue().asString()));
    return new Execution(
        row.text("job_id"),
        row.text("thing"),
        row.textOrNull("namespace"),
        ExecutionStatus.valueOf(row.text("status")),
        details,
        row.number("queued"),
        row.numberOrNull("started"),
        row.number("updated"),
        row.number("version"),
        row.number("number"),
        row.text("document"));
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

  /** The form that a device gets. */
  ObjectNode full(boolean withDocument) {
    ObjectNode full = summary();
    full.put("thingName", thing).put("status", status.name());
    full.set("statusDetails", details());
    if (withDocument) {
      full.set("jobDocument", JSON.readTree(document));
    }
    return full;
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
