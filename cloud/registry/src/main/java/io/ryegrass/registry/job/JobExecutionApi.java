package io.ryegrass.registry.job;

import static io.ryegrass.registry.job.JobAnswers.checked;
import static io.ryegrass.registry.job.JobAnswers.object;
import static io.ryegrass.registry.job.JobAnswers.text;
import static io.ryegrass.registry.job.JobAnswers.textOrNull;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.registry.Registry;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Operations of service {@code iot} on executions. */
final class JobExecutionApi {
  private final JobService jobs;
  private final Registry registry;

  JobExecutionApi(JobService jobs, Registry registry) {
    this.jobs = jobs;
    this.registry = registry;
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("DescribeJobExecution", this::describe)
        .json("ListJobExecutionsForJob", this::ofJob)
        .json("ListJobExecutionsForThing", this::ofThing)
        .json("CancelJobExecution", this::cancel)
        .json("DeleteJobExecution", this::delete);
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    String thing = thing(in);
    Execution execution =
        checked(
            registry,
            id(in),
            () ->
                jobs.store()
                    .read(
                        sql ->
                            ExecutionStore.find(
                                sql, id(in), thing, DeviceRequests.number(in, "executionNumber")))
                    .orElseThrow(() -> ExecutionLife.missing(id(in), thing)));
    ObjectNode out = object();
    ObjectNode node = out.putObject("execution");
    node.put("jobId", execution.jobId());
    status(execution, node);
    node.put("forceCanceled", execution.forceCanceled());
    node.putObject("statusDetails").set("detailsMap", execution.details());
    node.put("thingArn", registry.thingArn(thing));
    node.put("versionNumber", execution.versionNumber());
    Long seconds = execution.secondsBeforeTimedOut(jobs.clock().millis());
    if (seconds != null) {
      node.put("approximateSecondsBeforeTimedOut", seconds);
    }
    return out;
  }

  private static void status(Execution execution, ObjectNode node) {
    node.put("status", execution.status().name())
        .put("queuedAt", execution.queuedAt())
        .put("lastUpdatedAt", execution.lastUpdatedAt())
        .put("executionNumber", execution.executionNumber());
    if (execution.startedAt() != null) {
      node.put("startedAt", execution.startedAt());
    }
  }

  private static ObjectNode summary(Execution execution) {
    ObjectNode summary = object();
    status(execution, summary);
    return summary.put("retryAttempt", execution.attempt());
  }

  private ObjectNode ofJob(CallContext call, ObjectNode in) {
    List<String> after = JobAnswers.position(in, 2);
    String afterThing = after == null ? "" : after.getFirst();
    long afterNumber = after == null ? 0 : JobAnswers.number(after.getLast());
    int size = JobAnswers.size(in);
    List<Execution> found =
        jobs.store()
            .read(
                sql -> {
                  JobApi.job(sql, id(in));
                  return ExecutionStore.page(
                      sql, id(in), text(in, "status"), afterThing, afterNumber, size + 1);
                });
    ObjectNode out = object();
    ArrayNode list = out.putArray("executionSummaries");
    List<Execution> page = found.subList(0, Math.min(size, found.size()));
    page.forEach(
        e ->
            list.addObject()
                .put("thingArn", registry.thingArn(e.thing()))
                .set("jobExecutionSummary", summary(e)));
    if (found.size() > size) {
      out.put(
          "nextToken", JobAnswers.token(page.getLast().thing(), page.getLast().executionNumber()));
    }
    return out;
  }

  private ObjectNode ofThing(CallContext call, ObjectNode in) {
    String thing = thing(in);
    if (!registry.thingExists(thing)) {
      throw JobAnswers.missing("Thing " + thing + " not found");
    }
    List<String> position = JobAnswers.position(in, 1);
    long offset = position == null ? 0 : JobAnswers.number(position.getFirst());
    int size = JobAnswers.size(in);
    List<Execution> found =
        jobs.store()
            .read(
                sql ->
                    ExecutionStore.pageOfThing(
                        sql,
                        thing,
                        text(in, "status"),
                        id(in),
                        textOrNull(in, "namespaceId"),
                        offset,
                        size + 1));
    ObjectNode out = object();
    ArrayNode list = out.putArray("executionSummaries");
    found.stream()
        .limit(size)
        .forEach(
            e -> list.addObject().put("jobId", e.jobId()).set("jobExecutionSummary", summary(e)));
    if (found.size() > size) {
      out.put("nextToken", JobAnswers.token(offset + size));
    }
    return out;
  }

  private ObjectNode cancel(CallContext call, ObjectNode in) {
    return checked(
        registry,
        id(in),
        () -> {
          jobs.executions()
              .cancel(
                  id(in),
                  thing(in),
                  in.path("force").asBoolean(false),
                  DeviceRequests.number(in, "expectedVersion"),
                  DeviceRequests.details(in.get("statusDetails")));
          return object();
        });
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    return checked(
        registry,
        id(in),
        () -> {
          jobs.executions()
              .delete(
                  id(in),
                  thing(in),
                  in.path("executionNumber").asLong(),
                  in.path("force").asBoolean(false));
          return object();
        });
  }

  private static String id(ObjectNode in) {
    return text(in, "jobId");
  }

  private static String thing(ObjectNode in) {
    return text(in, "thingName");
  }
}
