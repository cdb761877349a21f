package io.ryegrass.registry.job;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.model.Arn;
import io.ryegrass.registry.Registry;
import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The operators' side of jobs: operations of service {@code iot}. */
final class JobApi {
  private static final JsonMapper JSON = JsonMapper.shared();

  /** Members that would promise what is not done here; refused rather than ignored. */
  private static final Set<String> REFUSED =
      Set.of(
          "jobExecutionsRolloutConfig",
          "abortConfig",
          "timeoutConfig",
          "jobExecutionsRetryConfig",
          "schedulingConfig",
          "presignedUrlConfig",
          "jobTemplateArn");

  private final JobService jobs;
  private final Registry registry;

  JobApi(JobService jobs, Registry registry) {
    this.jobs = jobs;
    this.registry = registry;
  }

  ServiceOperations operations() {
    return ServiceOperations.of("iot")
        .json("CreateJob", this::create)
        .json("DescribeJob", this::describe)
        .json("GetJobDocument", this::document)
        .json("ListJobs", this::list)
        .json("CancelJob", this::cancel)
        .json("DeleteJob", this::delete)
        .json("DescribeJobExecution", this::describeExecution)
        .json("ListJobExecutionsForJob", this::executionsOfJob)
        .json("ListJobExecutionsForThing", this::executionsOfThing)
        .build();
  }

  private ObjectNode create(CallContext call, ObjectNode in) {
    for (String member : REFUSED) {
      if (in.has(member)) {
        throw invalid("'" + member + "' is not supported; leave it out");
      }
    }
    boolean continuous = in.path("targetSelection").asString("SNAPSHOT").equals("CONTINUOUS");
    List<String> things = new ArrayList<>();
    String group = null;
    for (JsonNode target : in.path("targets")) {
      Arn arn = Arn.parse(target.asString());
      if (arn.resource().startsWith("thing/")) {
        String thing = arn.resource().substring(6);
        if (!registry.thingExists(thing)) {
          throw new AwsException("ResourceNotFoundException", 404, "Thing " + thing + " not found");
        }
        things.add(thing);
      } else if (arn.resource().startsWith("thinggroup/")) {
        String name = arn.resource().substring(11);
        if (!registry.thingGroupExists(name)) {
          throw new AwsException(
              "ResourceNotFoundException", 404, "Thing group " + name + " not found");
        }
        if (continuous && group != null) {
          throw invalid("a continuous job can follow one thing group; make one job for each");
        }
        if (continuous) {
          group = name;
        } else {
          things.addAll(registry.membersOf(name));
        }
      } else {
        throw invalid("target " + target.asString() + " is neither a thing nor a thing group");
      }
    }
    try {
      JsonNode document = JSON.readTree(in.path("document").asString(""));
      if (!(document instanceof ObjectNode object)) {
        throw invalid("'document' must be a JSON object");
      }
      jobs.create(
          new JobSpec(
              id(in),
              things,
              group,
              object,
              in.has("namespaceId") ? in.path("namespaceId").asString() : null),
          in.has("description") ? in.path("description").asString() : null,
          (ArrayNode) in.path("targets"));
    } catch (JacksonException e) {
      throw invalid("'document' is not JSON: " + e.getOriginalMessage());
    } catch (JobException e) {
      throw new AwsException("ResourceAlreadyExistsException", 409, String.valueOf(e.getMessage()));
    }
    return answer(in);
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    return jobs.store()
        .read(
            sql -> {
              JobStore.Job job = job(sql, id(in));
              ObjectNode out = JSON.createObjectNode();
              ObjectNode node = out.putObject("job");
              summary(job, node);
              node.set("targets", JSON.readTree(job.targets()));
              if (job.description() != null) {
                node.put("description", job.description());
              }
              if (job.namespace() != null) {
                node.put("namespaceId", job.namespace());
              }
              ObjectNode counts = node.putObject("jobProcessDetails");
              for (Execution execution : JobStore.executionsOf(sql, job.jobId())) {
                String member = counter(execution.status());
                counts.put(member, counts.path(member).asInt(0) + 1);
              }
              return out;
            });
  }

  private static String counter(ExecutionStatus status) {
    return switch (status) {
      case QUEUED -> "numberOfQueuedThings";
      case IN_PROGRESS -> "numberOfInProgressThings";
      case SUCCEEDED -> "numberOfSucceededThings";
      case FAILED -> "numberOfFailedThings";
      case REJECTED -> "numberOfRejectedThings";
      case TIMED_OUT -> "numberOfTimedOutThings";
      case CANCELED -> "numberOfCanceledThings";
      case REMOVED -> "numberOfRemovedThings";
    };
  }

  private void summary(JobStore.Job job, ObjectNode node) {
    node.put("jobArn", arn(job.jobId()))
        .put("jobId", job.jobId())
        .put("targetSelection", job.group() == null ? "SNAPSHOT" : "CONTINUOUS")
        .put("status", job.status())
        .put("createdAt", job.created())
        .put("lastUpdatedAt", job.updated());
    if (job.completed() != null) {
      node.put("completedAt", job.completed());
    }
  }

  private ObjectNode document(CallContext call, ObjectNode in) {
    return jobs.store()
        .read(sql -> JSON.createObjectNode().put("document", job(sql, id(in)).document()));
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    ObjectNode out = JSON.createObjectNode();
    ArrayNode list = out.putArray("jobs");
    String status = in.path("status").asString("");
    jobs
        .store()
        .read(sql -> JobStore.jobs(sql, "ORDER BY created DESC, job_id LIMIT 1000"))
        .stream()
        .filter(j -> status.isEmpty() || j.status().equals(status))
        .forEach(j -> summary(j, list.addObject()));
    return out;
  }

  private ObjectNode cancel(CallContext call, ObjectNode in) {
    jobs.store().read(sql -> job(sql, id(in)));
    jobs.cancel(id(in), in.path("force").asBoolean(false));
    return answer(in);
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    boolean force = in.path("force").asBoolean(false);
    jobs.store()
        .write(
            sql -> {
              JobStore.Job job = job(sql, id(in));
              if (job.status().equals("IN_PROGRESS") && !force) {
                throw new AwsException(
                    "InvalidStateTransitionException",
                    409,
                    "Job " + job.jobId() + " is IN_PROGRESS; cancel it first or use force");
              }
              jobs.cancel(job.jobId());
              JobStore.delete(sql, job.jobId());
              return null;
            });
    return JSON.createObjectNode();
  }

  private ObjectNode describeExecution(CallContext call, ObjectNode in) {
    String thing = in.path("thingName").asString();
    return jobs.store()
        .read(
            sql -> {
              Execution execution =
                  JobStore.execution(sql, id(in), thing)
                      .orElseThrow(
                          () ->
                              new AwsException(
                                  "ResourceNotFoundException",
                                  404,
                                  "Thing " + thing + " has no execution of job " + id(in)));
              ObjectNode out = JSON.createObjectNode();
              ObjectNode node = out.putObject("execution");
              node.put("jobId", execution.jobId()).put("thingArn", registry.thingArn(thing));
              executionSummary(execution, node);
              node.putObject("statusDetails").set("detailsMap", execution.details());
              node.put("versionNumber", execution.versionNumber());
              return out;
            });
  }

  private static void executionSummary(Execution execution, ObjectNode node) {
    node.put("status", execution.status().name())
        .put("queuedAt", execution.queuedAt())
        .put("lastUpdatedAt", execution.lastUpdatedAt())
        .put("executionNumber", execution.executionNumber());
    if (execution.startedAt() != null) {
      node.put("startedAt", execution.startedAt());
    }
  }

  private ObjectNode executionsOfJob(CallContext call, ObjectNode in) {
    return jobs.store()
        .read(
            sql -> {
              job(sql, id(in));
              ObjectNode out = JSON.createObjectNode();
              ArrayNode list = out.putArray("executionSummaries");
              for (Execution execution : JobStore.executionsOf(sql, id(in))) {
                ObjectNode node = list.addObject();
                node.put("thingArn", registry.thingArn(execution.thing()));
                executionSummary(execution, node.putObject("jobExecutionSummary"));
              }
              return out;
            });
  }

  private ObjectNode executionsOfThing(CallContext call, ObjectNode in) {
    ObjectNode out = JSON.createObjectNode();
    ArrayNode list = out.putArray("executionSummaries");
    String status = in.path("status").asString("");
    jobs.store().read(sql -> JobStore.executionsOn(sql, in.path("thingName").asString())).stream()
        .filter(e -> status.isEmpty() || e.status().name().equals(status))
        .forEach(
            e -> {
              ObjectNode node = list.addObject().put("jobId", e.jobId());
              executionSummary(e, node.putObject("jobExecutionSummary"));
            });
    return out;
  }

  private static JobStore.Job job(Sql sql, String jobId) {
    return JobStore.job(sql, jobId)
        .orElseThrow(
            () ->
                new AwsException("ResourceNotFoundException", 404, "Job " + jobId + " not found"));
  }

  private ObjectNode answer(ObjectNode in) {
    ObjectNode out = JSON.createObjectNode();
    out.put("jobArn", arn(id(in))).put("jobId", id(in));
    if (in.has("description")) {
      out.set("description", in.get("description"));
    }
    return out;
  }

  private String arn(String jobId) {
    return registry.arn("job/" + jobId);
  }

  private static String id(ObjectNode in) {
    return in.path("jobId").asString();
  }

  private static AwsException invalid(String message) {
    return new AwsException("InvalidRequestException", 400, message);
  }
}
