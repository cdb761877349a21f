package io.ryegrass.registry.job;

import io.ryegrass.registry.DeviceMessage;
import io.ryegrass.registry.DeviceMessages;
import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.registry.Registry;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The devices' side of jobs, over MQTT topics and over HTTPS (mqtt-cloud, section 4). */
final class JobDevices {
  private static final Logger log = LoggerFactory.getLogger(JobDevices.class);
  private static final JsonMapper JSON = JsonMapper.shared();

  private final JobService jobs;
  private final Registry registry;
  private final DeviceMessages messages;
  private final Clock clock;

  JobDevices(JobService jobs, Registry registry, DeviceMessages messages, Clock clock) {
    this.jobs = jobs;
    this.registry = registry;
    this.messages = messages;
    this.clock = clock;
  }

  DeviceTopicHandler topics() {
    return new DeviceTopicHandler() {
      @Override
      public boolean accepts(String topic) {
        return JobTopics.isJobTopic(topic);
      }

      @Override
      public void handle(DeviceMessage message) {
        JobTopics.parse(message.topic())
            .ifPresentOrElse(
                topic -> answer(topic, message),
                () -> log.debug("nobody answers topic {}", message.topic()));
      }
    };
  }

  private void answer(JobTopics topic, DeviceMessage message) {
    JsonNode request = JSON.createObjectNode();
    try {
      request = parse(message.payload());
      ObjectNode answer = perform(topic, request);
      copyToken(request, answer);
      publish(message.topic() + "/accepted", answer);
    } catch (JobException e) {
      ObjectNode rejected = JSON.createObjectNode();
      rejected.put("code", e.code()).put("message", e.getMessage()).put("timestamp", now());
      if (e.executionState() != null) {
        rejected.set("executionState", e.executionState());
      }
      copyToken(request, rejected);
      publish(message.topic() + "/rejected", rejected);
    }
  }

  private ObjectNode perform(JobTopics topic, JsonNode request) {
    String jobId = topic.jobId();
    if (jobId == null) {
      return topic.operation().equals("get")
          ? pending(topic.thing(), topic.namespace())
          : startNext(topic.thing(), topic.namespace(), request);
    }
    return topic.operation().equals("get")
        ? describe(topic.thing(), jobId, topic.namespace(), request)
        : update(topic.thing(), jobId, request);
  }

  private ObjectNode pending(String thing, @Nullable String namespace) {
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode inProgress = answer.putArray("inProgressJobs");
    ArrayNode queued = answer.putArray("queuedJobs");
    for (Execution execution : jobs.pending(thing, namespace)) {
      (execution.status() == ExecutionStatus.IN_PROGRESS ? inProgress : queued)
          .add(execution.summary());
    }
    return answer.put("timestamp", now());
  }

  private ObjectNode startNext(String thing, @Nullable String namespace, JsonNode request) {
    ObjectNode answer = JSON.createObjectNode();
    Optional<Execution> next = jobs.describe(thing, "$next", namespace);
    if (next.isPresent()) {
      Execution started = next.get();
      if (started.status() == ExecutionStatus.QUEUED) {
        started =
            jobs.update(
                thing, started.jobId(), ExecutionStatus.IN_PROGRESS, details(request), null);
      }
      answer.set("execution", started.full(true));
    }
    return answer.put("timestamp", now());
  }

  private ObjectNode describe(
      String thing, String jobId, @Nullable String namespace, JsonNode request) {
    ObjectNode answer = JSON.createObjectNode();
    boolean withDocument = request.path("includeJobDocument").asBoolean(true);
    jobs.describe(thing, jobId, namespace)
        .ifPresent(e -> answer.set("execution", e.full(withDocument)));
    return answer.put("timestamp", now());
  }

  private ObjectNode update(String thing, String jobId, JsonNode request) {
    Execution after =
        jobs.update(thing, jobId, status(request), details(request), expectedVersion(request));
    ObjectNode answer = JSON.createObjectNode().put("timestamp", now());
    if (request.path("includeJobExecutionState").asBoolean(false)) {
      answer.set("executionState", after.state());
    }
    if (request.path("includeJobDocument").asBoolean(false)) {
      answer.set("jobDocument", JSON.readTree(after.document()));
    }
    return answer;
  }

  private static @Nullable Long expectedVersion(JsonNode request) {
    JsonNode version = request.get("expectedVersion");
    if (version == null || version.isNull()) {
      return null;
    }
    String text = version.isIntegralNumber() || version.isString() ? version.asString() : "";
    try {
      return Long.valueOf(text); // AWS writes the number as a text in some of its examples
    } catch (NumberFormatException e) {
      throw new JobException("InvalidRequest", "expectedVersion must be a whole number");
    }
  }

  private static ExecutionStatus status(JsonNode request) {
    return switch (request.path("status").asString("")) {
      case "IN_PROGRESS" -> ExecutionStatus.IN_PROGRESS;
      case "SUCCEEDED" -> ExecutionStatus.SUCCEEDED;
      case "FAILED" -> ExecutionStatus.FAILED;
      case "REJECTED" -> ExecutionStatus.REJECTED;
      default ->
          throw new JobException(
              "InvalidRequest", "status must be IN_PROGRESS, SUCCEEDED, FAILED or REJECTED");
    };
  }

  private static @Nullable ObjectNode details(JsonNode request) {
    JsonNode details = request.get("statusDetails");
    if (details == null || details.isNull()) {
      return null;
    }
    if (!(details instanceof ObjectNode object)) {
      throw new JobException("InvalidRequest", "statusDetails must be an object of strings");
    }
    for (JsonNode value : object) {
      if (!value.isString() || value.asString().getBytes(StandardCharsets.UTF_8).length > 1024) {
        throw new JobException(
            "InvalidRequest", "statusDetails must be strings of at most 1024 bytes");
      }
    }
    return object;
  }

  private static JsonNode parse(byte[] payload) {
    if (payload.length == 0) {
      return JSON.createObjectNode();
    }
    try {
      JsonNode request = JSON.readTree(payload);
      if (request.isObject()) {
        return request;
      }
    } catch (JacksonException e) {
      throw new JobException("InvalidJson", "the payload is not JSON: " + e.getOriginalMessage());
    }
    throw new JobException("InvalidJson", "the payload is not a JSON object");
  }

  List<DeviceRoute> routes() {
    return List.of(
        route(
            "GET",
            "/things/{thing}/jobs",
            "iot:GetPendingJobExecutions",
            r -> pending(r.path("thing"), null)),
        route(
            "PUT",
            "/things/{thing}/jobs/$next",
            "iot:StartNextPendingJobExecution",
            r -> startNext(r.path("thing"), null, parse(r.body()))),
        route(
            "GET",
            "/things/{thing}/jobs/{jobId}",
            "iot:DescribeJobExecution",
            r -> describe(r.path("thing"), r.path("jobId"), null, query(r))),
        route(
            "POST",
            "/things/{thing}/jobs/{jobId}",
            "iot:UpdateJobExecution",
            r -> update(r.path("thing"), r.path("jobId"), parse(r.body()))));
  }

  private static JsonNode query(DeviceRequest request) {
    ObjectNode query = JSON.createObjectNode();
    request
        .query()
        .getOrDefault("includeJobDocument", List.of())
        .forEach(v -> query.put("includeJobDocument", Boolean.parseBoolean(v)));
    return query;
  }

  private DeviceRoute route(
      String method, String path, String action, Function<DeviceRequest, ObjectNode> operation) {
    return new DeviceRoute(
        method,
        path,
        action,
        r -> registry.thingArn(r.path("thing")),
        r -> {
          try {
            return DeviceResponse.json(200, operation.apply(r));
          } catch (JobException e) {
            int status =
                switch (e.code()) {
                  case "ResourceNotFound" -> 404;
                  case "InvalidStateTransition", "VersionMismatch" -> 409;
                  case "TerminalStateReached" -> 410;
                  default -> 400;
                };
            return DeviceResponse.error(
                status, e.code() + "Exception", String.valueOf(e.getMessage()));
          }
        });
  }

  private static void copyToken(JsonNode request, ObjectNode answer) {
    JsonNode token = request.get("clientToken");
    if (token != null && token.isString()) {
      answer.set("clientToken", token);
    }
  }

  private void publish(String topic, JsonNode message) {
    messages.publish(topic, JSON.writeValueAsBytes(message), 1);
  }

  private long now() {
    return clock.instant().getEpochSecond();
  }
}
