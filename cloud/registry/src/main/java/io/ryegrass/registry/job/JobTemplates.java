package io.ryegrass.registry.job;

import static io.ryegrass.registry.job.JobAnswers.invalid;
import static io.ryegrass.registry.job.JobAnswers.missing;
import static io.ryegrass.registry.job.JobAnswers.object;
import static io.ryegrass.registry.job.JobAnswers.text;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.model.Arn;
import io.ryegrass.registry.Registry;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Templates of jobs: the account's own, and those that AWS gives. */
final class JobTemplates {
  private static final JsonMapper JSON = JsonMapper.shared();

  private final JobService jobs;
  private final Registry registry;
  private final JobRequests requests;

  JobTemplates(JobService jobs, Registry registry) {
    this.jobs = jobs;
    this.registry = registry;
    this.requests = new JobRequests(jobs, registry);
  }

  record Template(
      String id,
      String description,
      String document,
      @Nullable String documentSource,
      ObjectNode settings,
      long created) {
    static Template of(Row row) {
      return new Template(
          row.text("id"),
          row.text("description"),
          row.text("document"),
          row.textOrNull("document_source"),
          (ObjectNode) JSON.readTree(row.text("settings")),
          row.number("created"));
    }
  }

  static Optional<Template> find(Sql sql, String id) {
    return sql.one("SELECT * FROM job_templates WHERE id = ?", Template::of, id);
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreateJobTemplate", this::create)
        .json("DescribeJobTemplate", this::describe)
        .json("ListJobTemplates", this::list)
        .json("DeleteJobTemplate", this::delete)
        .json("ListManagedJobTemplates", (call, in) -> ManagedTemplates.list(registry, in))
        .json("DescribeManagedJobTemplate", (call, in) -> ManagedTemplates.describe(registry, in));
  }

  private ObjectNode create(CallContext call, ObjectNode in) {
    String id = text(in, "jobTemplateId");
    ObjectNode request = in.has("jobArn") ? withJob(in) : in;
    String document = requests.document(call, request);
    ObjectNode settings = JobAnswers.checked(registry, id, () -> JobSettings.of(request).toJson());
    if (!in.path("maintenanceWindows").isEmpty()) {
      throw invalid("'maintenanceWindows' is not supported; leave it out");
    }
    jobs.store()
        .write(
            sql -> {
              if (find(sql, id).isPresent()) {
                throw new AwsException(
                    "ConflictException",
                    409,
                    "Job template " + id + " already exists",
                    object().put("resourceId", id));
              }
              return sql.update(
                  "INSERT INTO job_templates (id, description, document, document_source,"
                      + " settings, described, created) VALUES (?, ?, ?, ?, ?, '{}', ?)",
                  id,
                  text(in, "description"),
                  document,
                  in.has("documentSource") ? text(in, "documentSource") : null,
                  settings.toString(),
                  jobs.clock().instant().getEpochSecond());
            });
    return object().put("jobTemplateArn", arn(id)).put("jobTemplateId", id);
  }

  /** Document and settings of a job, where the request has none of its own. */
  private ObjectNode withJob(ObjectNode in) {
    String arn = text(in, "jobArn");
    String resource = Arn.isArn(arn) ? Arn.parse(arn).resource() : "";
    String jobId = resource.substring(resource.indexOf('/') + 1);
    JobStore.Job job = jobs.store().read(sql -> JobApi.job(sql, jobId));
    ObjectNode request = in.deepCopy();
    if (!in.has("document") && !in.has("documentSource")) {
      request.put("document", job.document());
    }
    job.head()
        .settings()
        .toJson()
        .properties()
        .forEach(
            m -> {
              if (!in.has(m.getKey()) && !m.getKey().equals(JobSettings.SCHEDULE)) {
                request.set(m.getKey(), m.getValue());
              }
            });
    return request;
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    Template template = jobs.store().read(sql -> require(sql, text(in, "jobTemplateId")));
    ObjectNode out = summary(template);
    if (template.documentSource() != null) {
      out.put("documentSource", template.documentSource());
    }
    out.put("document", template.document());
    template.settings().properties().forEach(m -> out.set(m.getKey(), m.getValue()));
    return out;
  }

  private ObjectNode summary(Template template) {
    return object()
        .put("jobTemplateArn", arn(template.id()))
        .put("jobTemplateId", template.id())
        .put("description", template.description())
        .put("createdAt", template.created());
  }

  private static Template require(Sql sql, String id) {
    return find(sql, id).orElseThrow(() -> missing("Job template " + id + " not found"));
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    List<String> position = JobAnswers.position(in, 1);
    String after = position == null ? "" : position.getFirst();
    int size = JobAnswers.size(in);
    List<Template> found =
        jobs.store()
            .read(
                sql ->
                    sql.list(
                        "SELECT * FROM job_templates WHERE id > ? ORDER BY id LIMIT ?",
                        Template::of,
                        after,
                        size + 1));
    ObjectNode out = object();
    ArrayNode list = out.putArray("jobTemplates");
    found.stream().limit(size).forEach(t -> list.add(summary(t)));
    if (found.size() > size) {
      out.put("nextToken", JobAnswers.token(found.get(size - 1).id()));
    }
    return out;
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    String id = text(in, "jobTemplateId");
    jobs.store()
        .write(
            sql -> {
              require(sql, id);
              return sql.update("DELETE FROM job_templates WHERE id = ?", id);
            });
    return object();
  }

  private String arn(String id) {
    return registry.arn("jobtemplate/" + id);
  }
}
