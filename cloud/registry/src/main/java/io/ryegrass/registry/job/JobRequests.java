package io.ryegrass.registry.job;

import static io.ryegrass.registry.job.JobAnswers.invalid;
import static io.ryegrass.registry.job.JobAnswers.missing;
import static io.ryegrass.registry.job.JobAnswers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.model.Arn;
import io.ryegrass.registry.Registry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What CreateJob and its like name: targets, documents, templates. */
final class JobRequests {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int MAX_DOCUMENT = 32_768;
  private static final Duration LEAST_AHEAD = Duration.ofMinutes(30);
  private static final Duration START_AT_MOST_AHEAD = Duration.ofDays(366);
  private static final Duration END_AT_MOST_AHEAD = Duration.ofDays(2 * 366);

  private final JobService jobs;
  private final Registry registry;

  JobRequests(JobService jobs, Registry registry) {
    this.jobs = jobs;
    this.registry = registry;
  }

  /** Names of things and groups. */
  record Targets(List<String> things, List<String> groups) {}

  Targets targets(JsonNode arns) {
    List<String> things = new ArrayList<>();
    List<String> groups = new ArrayList<>();
    for (JsonNode target : arns) {
      String resource = Arn.isArn(target.asString()) ? Arn.parse(target.asString()).resource() : "";
      String name = resource.substring(resource.indexOf('/') + 1);
      if (resource.startsWith("thing/")) {
        if (!registry.thingExists(name)) {
          throw missing("Thing " + name + " not found");
        }
        things.add(name);
      } else if (resource.startsWith("thinggroup/")) {
        if (!registry.thingGroupExists(name)) {
          throw missing("Thing group " + name + " not found");
        }
        groups.add(name);
      } else {
        throw invalid(
            "target '" + target.asString() + "' is not the ARN of a thing or a thing group");
      }
    }
    return new Targets(things.stream().distinct().toList(), groups.stream().distinct().toList());
  }

  /** The request, filled up with what its template says. */
  ObjectNode withTemplate(ObjectNode in) {
    String arn = text(in, "jobTemplateArn");
    boolean managed = ManagedTemplates.isManaged(arn);
    if (in.has("documentParameters") && !managed) {
      throw invalid(
          "documentParameters can only be used when creating jobs from AWS managed templates");
    }
    if (arn.isEmpty()) {
      return in;
    }
    ObjectNode request = in.deepCopy();
    if (managed) {
      request.put("document", ManagedTemplates.document(arn, in.path("documentParameters")));
      return request;
    }
    JobTemplates.Template template =
        Optional.of(arn)
            .filter(Arn::isArn)
            .map(a -> Arn.parse(a).resource())
            .filter(r -> r.startsWith("jobtemplate/"))
            .flatMap(
                r ->
                    jobs.store()
                        .read(sql -> JobTemplates.find(sql, r.substring("jobtemplate/".length()))))
            .orElseThrow(() -> missing("Job template " + arn + " not found"));
    if (!request.has("document") && !request.has("documentSource")) {
      request.put("document", template.document());
    }
    template
        .settings()
        .properties()
        .forEach(
            m -> {
              if (!request.has(m.getKey())) {
                request.set(m.getKey(), m.getValue());
              }
            });
    return request;
  }

  /** The document's text, inline or from S3; a JSON object. */
  String document(CallContext call, ObjectNode in) {
    boolean inline = in.has("document");
    if (inline == in.has("documentSource")) {
      throw invalid("give either 'document' or 'documentSource'");
    }
    String document = inline ? text(in, "document") : fetch(call, text(in, "documentSource"));
    if (document.length() > MAX_DOCUMENT) {
      throw invalid("the job document has more than " + MAX_DOCUMENT + " characters");
    }
    try {
      if (!JSON.readTree(document).isObject()) {
        throw invalid("the job document must be a JSON object");
      }
    } catch (JacksonException e) {
      throw invalid("the job document is not JSON: " + e.getOriginalMessage());
    }
    if (JobDocuments.hasPlaceholders(document)
        && in.path("presignedUrlConfig").path("roleArn").asString("").isEmpty()) {
      throw invalid(
          "the job document has placeholders of presigned URLs; give presignedUrlConfig with a"
              + " roleArn");
    }
    return document;
  }

  private String fetch(CallContext call, String source) {
    return JobDocuments.place(source)
        .flatMap(place -> jobs.documents().fetch(call.identity(), place))
        .orElseThrow(
            () ->
                invalid(
                    "the job document at "
                        + source
                        + " cannot be read: it must be an object in S3 that the caller may get"));
  }

  /** As the API reference bounds {@code SchedulingConfig}. */
  void checkSchedule(JobSettings.Schedule schedule) {
    Instant now = jobs.clock().instant();
    Instant start = schedule.start();
    Instant end = schedule.end();
    if (start != null
        && (start.isBefore(now.plus(LEAST_AHEAD))
            || start.isAfter(now.plus(START_AT_MOST_AHEAD)))) {
      throw invalid("startTime must be between 30 minutes and one year from now");
    }
    Instant from = start == null ? now : start;
    if (end != null
        && (end.isBefore(from.plus(LEAST_AHEAD)) || end.isAfter(now.plus(END_AT_MOST_AHEAD)))) {
      throw invalid(
          "endTime must be at least 30 minutes after the start and at most two years from now");
    }
  }
}
