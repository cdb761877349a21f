package io.ryegrass.registry.job;

import io.ryegrass.registry.Registry;
import io.ryegrass.registry.event.EventType;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Events of jobs and executions on {@code $aws/events/job/…} and {@code $aws/events/jobExecution/…}
 * (developer guide, "Jobs events"); sent after the commit, when they are switched on.
 */
final class JobEvents {
  private static final JsonMapper JSON = JsonMapper.shared();

  private final Registry registry;
  private final Clock clock;

  JobEvents(Registry registry, Clock clock) {
    this.registry = registry;
    this.clock = clock;
  }

  /**
   * @param operation last level of the topic
   * @param status as the event names it, which knows more states than the job
   */
  void job(Sql sql, String jobId, String operation, String status) {
    if (!registry.events().isEnabled(EventType.JOB)) {
      return;
    }
    JobStore.Job job = JobStore.job(sql, jobId).orElseThrow();
    ObjectNode event = event("JOB", operation, jobId);
    event
        .put("status", status)
        .put("targetSelection", job.head().continuous() ? "CONTINUOUS" : "SNAPSHOT");
    event.set("targets", JSON.readTree(job.targets()));
    if (job.description() != null) {
      event.put("description", job.description());
    }
    if (job.completed() != null && operation.equals("completed")) {
      event.put("completedAt", job.completed() * 1000);
    }
    event.put("createdAt", job.created() * 1000).put("lastUpdatedAt", job.updated() * 1000);
    if (job.comment() != null) {
      event.put("comment", job.comment());
    }
    if (operation.equals("completed")) {
      JobStore.Progress progress = JobStore.progress(sql, jobId);
      event
          .putObject("jobProcessDetails")
          .put("numberOfCanceledThings", progress.canceled())
          .put("numberOfRejectedThings", progress.rejected())
          .put("numberOfFailedThings", progress.failed())
          .put("numberOfRemovedThings", progress.removed())
          .put("numberOfSucceededThings", progress.succeeded())
          .put("numberOfTimedOutThings", progress.timedOut());
    }
    registry.events().publish(EventType.JOB, "$aws/events/job/" + jobId + "/" + operation, event);
  }

  /**
   * @param ended null: deleted
   */
  void execution(String jobId, String thing, @Nullable Execution ended) {
    if (!registry.events().isEnabled(EventType.JOB_EXECUTION)) {
      return;
    }
    String operation = ended == null ? "deleted" : ended.status().name().toLowerCase(Locale.ROOT);
    ObjectNode event = event("JOB_EXECUTION", operation, jobId);
    event
        .put("thingArn", registry.thingArn(thing))
        .put("status", operation.toUpperCase(Locale.ROOT));
    if (ended != null) {
      event.set("statusDetails", ended.details());
    }
    registry
        .events()
        .publish(
            EventType.JOB_EXECUTION, "$aws/events/jobExecution/" + jobId + "/" + operation, event);
  }

  private ObjectNode event(String type, String operation, String jobId) {
    return JSON.createObjectNode()
        .put("eventType", type)
        .put("eventId", UUID.randomUUID().toString())
        .put("timestamp", clock.instant().getEpochSecond())
        .put("operation", operation)
        .put("jobId", jobId);
  }
}
