package io.ryegrass.registry.job;

import static io.ryegrass.registry.job.JobAnswers.checked;
import static io.ryegrass.registry.job.JobAnswers.invalid;
import static io.ryegrass.registry.job.JobAnswers.missing;
import static io.ryegrass.registry.job.JobAnswers.object;
import static io.ryegrass.registry.job.JobAnswers.text;
import static io.ryegrass.registry.job.JobAnswers.textOrNull;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.registry.Registry;
import io.ryegrass.registry.job.JobStore.Job;
import io.ryegrass.registry.job.JobStore.Progress;
import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The operators' side of jobs: operations of service {@code iot} on whole jobs. */
final class JobApi {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int MAX_TARGETS = 100;

  /** Members of CreateJob that DescribeJob gives back as they were. */
  private static final List<String> DESCRIBED =
      List.of("documentSource", "jobTemplateArn", "documentParameters");

  private final JobService jobs;
  private final Registry registry;
  private final JobRequests requests;

  JobApi(JobService jobs, Registry registry) {
    this.jobs = jobs;
    this.registry = registry;
    this.requests = new JobRequests(jobs, registry);
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreateJob", this::create)
        .json("DescribeJob", this::describe)
        .json("GetJobDocument", this::document)
        .json("ListJobs", this::list)
        .json("UpdateJob", this::update)
        .json("CancelJob", this::cancel)
        .json("DeleteJob", this::delete)
        .json("AssociateTargetsWithJob", this::associate);
  }

  private ObjectNode create(CallContext call, ObjectNode in) {
    String id = id(in);
    if (!in.path("destinationPackageVersions").isEmpty()) {
      throw invalid("'destinationPackageVersions' is not supported; leave it out");
    }
    ObjectNode request = requests.withTemplate(in);
    JobRequests.Targets targets = requests.targets(request.path("targets"));
    String document = requests.document(call, request);
    ObjectNode described = object();
    for (String member : DESCRIBED) {
      if (request.has(member)) {
        described.set(member, request.get(member));
      }
    }
    checked(
        registry,
        id,
        () -> {
          JobSettings settings = JobSettings.of(request);
          requests.checkSchedule(settings.schedule());
          jobs.create(
              new JobSpec(
                  id,
                  targets.things(),
                  targets.groups(),
                  text(request, "targetSelection").equals("CONTINUOUS"),
                  object(),
                  textOrNull(request, "namespaceId"),
                  settings),
              new JobLife.Description(
                  document,
                  request.path("targets").toString(),
                  textOrNull(in, "description"),
                  described));
          return id;
        });
    return answer(id, textOrNull(in, "description"));
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    return jobs.store()
        .read(
            sql -> {
              Job job = job(sql, id(in));
              ObjectNode out = object();
              if (job.described().has("documentSource")) {
                out.set("documentSource", job.described().get("documentSource"));
              }
              out.set("job", described(job, JobStore.progress(sql, job.jobId())));
              return out;
            });
  }

  private ObjectNode described(Job job, Progress progress) {
    ObjectNode node = summary(job, progress);
    node.set("targets", JSON.readTree(job.targets()));
    put(node, "description", job.description());
    put(node, "reasonCode", job.reasonCode());
    put(node, "comment", job.comment());
    put(node, "namespaceId", job.head().namespace().isEmpty() ? null : job.head().namespace());
    if (job.head().status() == JobStatus.CANCELED) {
      node.put("forceCanceled", job.head().forced());
    }
    job.head().settings().toJson().properties().forEach(m -> node.set(m.getKey(), m.getValue()));
    for (Map.Entry<String, JsonNode> member : job.described().properties()) {
      if (!member.getKey().equals("documentSource")) {
        node.set(member.getKey(), member.getValue());
      }
    }
    ObjectNode details = node.putObject("jobProcessDetails");
    if (progress.waiting() > 0) {
      details.set("processingTargets", JSON.readTree(job.targets()));
    }
    details
        .put("numberOfCanceledThings", progress.canceled())
        .put("numberOfSucceededThings", progress.succeeded())
        .put("numberOfFailedThings", progress.failed())
        .put("numberOfRejectedThings", progress.rejected())
        .put("numberOfQueuedThings", progress.queued())
        .put("numberOfInProgressThings", progress.inProgress())
        .put("numberOfRemovedThings", progress.removed())
        .put("numberOfTimedOutThings", progress.timedOut());
    return node;
  }

  private static void put(ObjectNode node, String member, @Nullable String value) {
    if (value != null) {
      node.put(member, value);
    }
  }

  private ObjectNode summary(Job job, Progress progress) {
    ObjectNode node =
        object()
            .put("jobArn", arn(job.jobId()))
            .put("jobId", job.jobId())
            .put("targetSelection", job.head().continuous() ? "CONTINUOUS" : "SNAPSHOT")
            .put("status", job.head().status().name())
            .put("createdAt", job.created())
            .put("lastUpdatedAt", job.updated());
    if (job.completed() != null) {
      node.put("completedAt", job.completed());
    }
    boolean ending = !job.head().status().isActive() && progress.due() != null;
    return node.put("isConcurrent", progress.waiting() > 0 || ending);
  }

  private ObjectNode document(CallContext call, ObjectNode in) {
    return jobs.store().read(sql -> object().put("document", job(sql, id(in)).document()));
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    List<String> conditions = new ArrayList<>();
    List<@Nullable Object> args = new ArrayList<>();
    filter(in, "status", "status = ?", s -> s, conditions, args);
    filter(
        in,
        "targetSelection",
        "continuous = ?",
        s -> s.equals("CONTINUOUS") ? 1 : 0,
        conditions,
        args);
    filter(in, "namespaceId", "namespace = ?", s -> s, conditions, args);
    String inGroup = "job_id IN (SELECT job_id FROM job_groups WHERE group_name = ?)";
    filter(in, "thingGroupName", inGroup, s -> s, conditions, args);
    String inGroupId =
        "job_id IN (SELECT job_id FROM job_groups JOIN thing_groups ON group_name = name WHERE id"
            + " = ?)";
    filter(in, "thingGroupId", inGroupId, s -> s, conditions, args);
    List<String> position = JobAnswers.position(in, 2);
    if (position != null) {
      conditions.add("(created > ? OR (created = ? AND job_id > ?))");
      long created = JobAnswers.number(position.getFirst());
      args.addAll(List.of(created, created, position.getLast()));
    }
    int size = JobAnswers.size(in);
    args.add(size + 1);
    String where = conditions.isEmpty() ? "" : " WHERE " + String.join(" AND ", conditions);
    return jobs.store()
        .read(
            sql -> {
              List<Job> found =
                  sql.list(
                      "SELECT * FROM jobs" + where + " ORDER BY created, job_id LIMIT ?",
                      Job::of,
                      args.toArray());
              List<Job> page = found.subList(0, Math.min(size, found.size()));
              ObjectNode out = object();
              ArrayNode list = out.putArray("jobs");
              page.forEach(j -> list.add(summary(j, JobStore.progress(sql, j.jobId()))));
              if (found.size() > size) {
                out.put(
                    "nextToken",
                    JobAnswers.token(page.getLast().created(), page.getLast().jobId()));
              }
              return out;
            });
  }

  private static void filter(
      ObjectNode in,
      String member,
      String condition,
      Function<String, Object> value,
      List<String> conditions,
      List<@Nullable Object> args) {
    if (!text(in, member).isEmpty()) {
      conditions.add(condition);
      args.add(value.apply(text(in, member)));
    }
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    return checked(
        registry,
        id(in),
        () ->
            jobs.store()
                .write(
                    sql -> {
                      Job job = job(sql, id(in));
                      if (!job.head().status().isActive()) {
                        throw invalid(
                            "Job "
                                + job.jobId()
                                + " is "
                                + job.head().status()
                                + " and cannot be updated");
                      }
                      ObjectNode settings = job.head().settings().toJson();
                      settings.setAll(JobSettings.of(in).toJson());
                      sql.update(
                          "UPDATE jobs SET settings = ?, description = ?, updated = ? WHERE"
                              + " job_id = ?",
                          JobSettings.of(settings).toJson().toString(),
                          in.has("description") ? text(in, "description") : job.description(),
                          jobs.clock().instant().getEpochSecond(),
                          job.jobId());
                      jobs.life().step(sql, job.jobId());
                      return object();
                    }));
  }

  private ObjectNode cancel(CallContext call, ObjectNode in) {
    boolean force = in.path("force").asBoolean(false);
    return checked(
        registry,
        id(in),
        () ->
            jobs.store()
                .write(
                    sql -> {
                      Job job = job(sql, id(in));
                      boolean more =
                          force
                              && job.head().status() == JobStatus.CANCELED
                              && !job.head().forced();
                      if (!job.head().status().isActive() && !more) {
                        throw invalid(
                            "Job "
                                + job.jobId()
                                + " is "
                                + job.head().status()
                                + " and cannot be canceled");
                      }
                      jobs.life()
                          .cancel(
                              sql,
                              job.head(),
                              force,
                              textOrNull(in, "reasonCode"),
                              textOrNull(in, "comment"));
                      return answer(job.jobId(), job.description());
                    }));
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    return checked(
        registry,
        id(in),
        () ->
            jobs.store()
                .write(
                    sql -> {
                      Job job = job(sql, id(in));
                      JobStatus status = job.head().status();
                      boolean forcible = status.isActive() && in.path("force").asBoolean(false);
                      boolean over = status == JobStatus.COMPLETED || status == JobStatus.CANCELED;
                      if (!forcible && !over) {
                        throw new AwsException(
                            "InvalidStateTransitionException",
                            409,
                            "Job "
                                + job.jobId()
                                + " is "
                                + status
                                + (status.isActive()
                                    ? "; cancel it first, or delete it with force"
                                    : " already"));
                      }
                      jobs.life().delete(sql, job.head());
                      return object();
                    }));
  }

  private ObjectNode associate(CallContext call, ObjectNode in) {
    JobRequests.Targets targets = requests.targets(in.path("targets"));
    return checked(
        registry,
        id(in),
        () ->
            jobs.store()
                .write(
                    sql -> {
                      Job job = job(sql, id(in));
                      if (!job.head().continuous()
                          || job.head().status() != JobStatus.IN_PROGRESS) {
                        throw invalid(
                            "Targets can be associated with a job that is CONTINUOUS and"
                                + " IN_PROGRESS; job "
                                + job.jobId()
                                + " is "
                                + (job.head().continuous() ? "CONTINUOUS" : "SNAPSHOT")
                                + " and "
                                + job.head().status());
                      }
                      if (!targets.things().isEmpty()) {
                        throw invalid("Only thing groups can be associated with a job");
                      }
                      ArrayNode all = (ArrayNode) JSON.readTree(job.targets());
                      for (JsonNode target : in.path("targets")) {
                        if (all.valueStream().noneMatch(target::equals)) {
                          all.add(target);
                        }
                      }
                      if (all.size() > MAX_TARGETS) {
                        throw new AwsException(
                            "LimitExceededException",
                            410,
                            "A job has at most " + MAX_TARGETS + " targets");
                      }
                      sql.update(
                          "UPDATE jobs SET targets = ?, comment = ?, updated = ? WHERE job_id = ?",
                          all.toString(),
                          in.has("comment") ? text(in, "comment") : job.comment(),
                          jobs.clock().instant().getEpochSecond(),
                          job.jobId());
                      jobs.life().associate(sql, job.head(), targets.groups());
                      return answer(job.jobId(), job.description());
                    }));
  }

  static Job job(Sql sql, String jobId) {
    return JobStore.job(sql, jobId).orElseThrow(() -> missing("Job " + jobId + " cannot be found"));
  }

  private ObjectNode answer(String jobId, @Nullable String description) {
    ObjectNode out = object().put("jobArn", arn(jobId)).put("jobId", jobId);
    put(out, "description", description);
    return out;
  }

  private String arn(String jobId) {
    return registry.arn("job/" + jobId);
  }

  private static String id(ObjectNode in) {
    return text(in, "jobId");
  }
}
