package io.ryegrass.registry.job;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.registry.DeviceMessage;
import io.ryegrass.registry.DeviceMessages;
import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.registry.Registry;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The devices' side of jobs: over MQTT topics, over HTTPS with a certificate, and signed ({@code
 * iot-jobs-data}; mqtt-cloud, section 4).
 *
 * <p>Over MQTT a document is an object, and part of what DescribeJobExecution answers unless the
 * device declines it; over HTTPS it is a string, and only there when asked for. So the developer
 * guide and the model have it.
 */
final class JobDevices {
  private static final Logger log = LoggerFactory.getLogger(JobDevices.class);
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int PENDING_AT_MOST = 100;

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

  /** How a document is put into an answer. */
  private enum Form {
    OBJECT,
    TEXT
  }

  // ---- MQTT

  DeviceTopicHandler topics() {
    return new DeviceTopicHandler() {
      @Override
      public boolean accepts(String topic) {
        return JobTopics.isJobTopic(topic);
      }

      @Override
      public void handle(DeviceMessage message) {
        answer(JobTopics.parse(message.topic()), message);
      }
    };
  }

  private void answer(Optional<JobTopics> topic, DeviceMessage message) {
    JsonNode request = JSON.createObjectNode();
    try {
      request = DeviceRequests.parse(message.payload());
      ObjectNode answer =
          perform(
              topic.orElseThrow(
                  () ->
                      new JobException(
                          "InvalidTopic", "no operation of jobs has topic " + message.topic())),
              request);
      copyToken(request, answer);
      publish(message.topic() + "/accepted", answer.put("timestamp", now()));
    } catch (JobException e) {
      reject(message, request, e);
    } catch (RuntimeException e) {
      log.error("{} failed", message.topic(), e);
      reject(message, request, new JobException("InternalError", "failed inside Ryegrass: " + e));
    }
  }

  private void reject(DeviceMessage message, JsonNode request, JobException e) {
    ObjectNode rejected = JSON.createObjectNode();
    rejected.put("code", e.code()).put("message", e.getMessage()).put("timestamp", now());
    if (e.executionState() != null) {
      rejected.set("executionState", e.executionState());
    }
    copyToken(request, rejected);
    publish(message.topic() + "/rejected", rejected);
  }

  private ObjectNode perform(JobTopics topic, JsonNode request) {
    String jobId = topic.jobId();
    if (jobId == null) {
      return topic.operation().equals("get")
          ? pending(topic.thing(), topic.namespace())
          : startNext(topic.thing(), topic.namespace(), request, Form.OBJECT);
    }
    return topic.operation().equals("get")
        ? describe(
            topic.thing(),
            jobId,
            topic.namespace(),
            DeviceRequests.number(request, "executionNumber"),
            request.path("includeJobDocument").asBoolean(true),
            Form.OBJECT)
        : update(topic.thing(), jobId, request, Form.OBJECT);
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

  // ---- the operations

  private ObjectNode pending(String thing, String namespace) {
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode inProgress = answer.putArray("inProgressJobs");
    ArrayNode queued = answer.putArray("queuedJobs");
    List<Execution> pending =
        jobs.store().read(sql -> ExecutionStore.pending(sql, thing, namespace, PENDING_AT_MOST));
    for (Execution execution : pending) {
      (execution.status() == ExecutionStatus.IN_PROGRESS ? inProgress : queued)
          .add(execution.summary());
    }
    return answer;
  }

  private ObjectNode startNext(String thing, String namespace, JsonNode request, Form form) {
    ObjectNode answer = JSON.createObjectNode();
    jobs.executions()
        .startNext(thing, namespace, DeviceRequests.start(request))
        .ifPresent(started -> answer.set("execution", full(started, true, form)));
    return answer;
  }

  private ObjectNode describe(
      String thing,
      String jobId,
      String namespace,
      @Nullable Long number,
      boolean withDocument,
      Form form) {
    ObjectNode answer = JSON.createObjectNode();
    if (jobId.equals("$next")) {
      jobs.executions()
          .next(thing, namespace)
          .ifPresent(e -> answer.set("execution", full(e, withDocument, form)));
      return answer;
    }
    Execution execution =
        jobs.store()
            .read(sql -> ExecutionStore.find(sql, jobId, thing, number))
            .orElseThrow(() -> ExecutionLife.missing(jobId, thing));
    if (!execution.status().isOpen()) {
      throw new JobException(
          "TerminalStateReached",
          "Execution of job " + jobId + " is over, its status is " + execution.status());
    }
    answer.set("execution", full(execution, withDocument, form));
    return answer;
  }

  private ObjectNode update(String thing, String jobId, JsonNode request, Form form) {
    Execution after = jobs.executions().update(thing, jobId, DeviceRequests.update(request));
    ObjectNode answer = JSON.createObjectNode();
    if (request.path("includeJobExecutionState").asBoolean(false)) {
      answer.set("executionState", after.state());
    }
    if (request.path("includeJobDocument").asBoolean(false)) {
      putDocument(answer, jobId, form);
    }
    return answer;
  }

  private ObjectNode full(Execution execution, boolean withDocument, Form form) {
    ObjectNode full = execution.full(clock.millis());
    if (withDocument) {
      putDocument(full, execution.jobId(), form);
    }
    return full;
  }

  private void putDocument(ObjectNode into, String jobId, Form form) {
    String text = jobs.document(jobId);
    if (form == Form.TEXT) {
      into.put("jobDocument", text);
    } else {
      into.set("jobDocument", JSON.readTree(text));
    }
  }

  // ---- HTTPS with a certificate

  List<DeviceRoute> routes() {
    return List.of(
        route(
            "GET",
            "/things/{thing}/jobs",
            "GetPendingJobExecutions",
            r -> pending(r.path("thing"), "")),
        route(
            "PUT",
            "/things/{thing}/jobs/$next",
            "StartNextPendingJobExecution",
            r -> startNext(r.path("thing"), "", DeviceRequests.parse(r.body()), Form.TEXT)),
        route(
            "GET",
            "/things/{thing}/jobs/{jobId}",
            "DescribeJobExecution",
            r ->
                describe(
                    r.path("thing"),
                    r.path("jobId"),
                    "",
                    DeviceRequests.number(query(r), "executionNumber"),
                    query(r).path("includeJobDocument").asString("").equals("true"),
                    Form.TEXT)),
        route(
            "POST",
            "/things/{thing}/jobs/{jobId}",
            "UpdateJobExecution",
            r ->
                update(
                    r.path("thing"), r.path("jobId"), DeviceRequests.parse(r.body()), Form.TEXT)));
  }

  private static JsonNode query(DeviceRequest request) {
    ObjectNode query = JSON.createObjectNode();
    request
        .query()
        .forEach((name, values) -> values.stream().findFirst().ifPresent(v -> query.put(name, v)));
    return query;
  }

  private DeviceRoute route(
      String method, String path, String action, Function<DeviceRequest, ObjectNode> operation) {
    return new DeviceRoute(
        method,
        path,
        "iotjobsdata:" + action,
        r -> registry.thingArn(r.path("thing")),
        r -> {
          try {
            return DeviceResponse.json(200, operation.apply(r));
          } catch (JobException e) {
            AwsException error = error(e);
            return DeviceResponse.error(
                error.status(), error.code(), String.valueOf(error.getMessage()));
          }
        });
  }

  // ---- signed

  ServiceOperations operations() {
    return ServiceOperations.of("iot-jobs-data")
        .json("GetPendingJobExecutions", (call, in) -> checked(() -> pending(thing(in), "")))
        .json(
            "StartNextPendingJobExecution",
            (call, in) -> checked(() -> startNext(thing(in), "", in, Form.TEXT)))
        .json(
            "DescribeJobExecution",
            (call, in) ->
                checked(
                    () ->
                        describe(
                            thing(in),
                            in.path("jobId").asString(),
                            "",
                            DeviceRequests.number(in, "executionNumber"),
                            in.path("includeJobDocument").asBoolean(false),
                            Form.TEXT)))
        .json(
            "UpdateJobExecution",
            (call, in) ->
                checked(() -> update(thing(in), in.path("jobId").asString(), in, Form.TEXT)))
        .build();
  }

  private static String thing(ObjectNode in) {
    return in.path("thingName").asString();
  }

  private static ObjectNode checked(Supplier<ObjectNode> operation) {
    try {
      return operation.get();
    } catch (JobException e) {
      throw error(e);
    }
  }

  /** The errors of the model; a version that does not match is in the guide only. */
  private static AwsException error(JobException e) {
    String message = String.valueOf(e.getMessage());
    ObjectNode members = JSON.createObjectNode();
    if (e.executionState() != null) {
      members.set("executionState", e.executionState());
    }
    return switch (e.code()) {
      case "ResourceNotFound" -> new AwsException("ResourceNotFoundException", 404, message);
      case "InvalidStateTransition" ->
          new AwsException("InvalidStateTransitionException", 409, message, members);
      case "VersionMismatch" -> new AwsException("VersionMismatch", 409, message, members);
      case "TerminalStateReached" -> new AwsException("TerminalStateException", 410, message);
      default -> new AwsException("InvalidRequestException", 400, message);
    };
  }

  private long now() {
    return clock.instant().getEpochSecond();
  }
}
