package io.ryegrass.cloudlink;

import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.DeploymentEngine;
import io.ryegrass.nucleus.DeploymentRecord;
import io.ryegrass.nucleus.DeploymentReporter;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.DeploymentStatus;
import io.ryegrass.nucleus.NucleusException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Deployments of thing groups: IoT jobs in the namespace {@code aws-gg-deployment}
 * (v2-deployments.md section 2, mqtt-cloud.md section 4). On each connect, and when a notification
 * names a queued job, asks for {@code $next}. A job that the cloud no longer lists is cancelled
 * here.
 */
final class JobDeployments implements ControlChannel.Part, DeploymentStatuses.Carrier {
  private static final String NAMESPACE = "namespace-aws-gg-deployment";

  /**
   * A notification lists no more than this, so a job missing from a full one may still be pending.
   */
  private static final int NOTIFICATION_LIMIT = 10;

  private static final int DETAIL_LIMIT = 1024;
  private static final Set<String> TRANSIENT = Set.of("RequestThrottled", "InternalError");
  private static final Logger LOG = LoggerFactory.getLogger(JobDeployments.class);

  private final LinkSettings settings;
  private final ControlChannel channel;
  private final Supplier<DeploymentEngine> engine;
  private final Supplier<DeploymentReporter> reporter;
  private final Replies replies = new Replies();
  private final String jobs;
  private final String next;
  private final String notify;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable String submitted; // lock
  private @Nullable String answersOf; // delivery thread: job whose answers are subscribed
  private long answersGeneration; // delivery thread

  JobDeployments(
      LinkSettings settings,
      ControlChannel channel,
      Supplier<DeploymentEngine> engine,
      Supplier<DeploymentReporter> reporter) {
    this.settings = settings;
    this.channel = channel;
    this.engine = engine;
    this.reporter = reporter;
    this.jobs = "$aws/things/" + settings.identity().thingName() + "/jobs/";
    this.next = jobs + "$next/" + NAMESPACE + "/get";
    this.notify = jobs + "notify-" + NAMESPACE;
  }

  @Override
  public List<String> filters() {
    return List.of(notify, next + "/accepted", next + "/rejected");
  }

  @Override
  public void connected() {
    lock.lock();
    try {
      submitted = null;
    } finally {
      lock.unlock();
    }
    describe();
  }

  @Override
  public void lost() {
    replies.lost();
  }

  private void describe() {
    ObjectNode request = Json.object();
    request
        .put("jobId", "$next")
        .put("thingName", settings.identity().thingName())
        .put("includeJobDocument", true);
    channel.ask(next, request);
  }

  @Override
  public boolean message(String topic, JsonNode message) {
    if (!topic.startsWith(jobs)) {
      return false;
    }
    if (topic.equals(notify)) {
      notified(message.path("jobs"));
    } else if (topic.equals(next + "/accepted")) {
      described(message.path("execution"));
    } else if (topic.equals(next + "/rejected")) {
      LOG.warn(
          "The cloud refused to tell the next deployment job: {} {}",
          message.path("code").asString(""),
          message.path("message").asString(""));
    } else if (topic.endsWith("/update/accepted")) {
      replies.arrived(true, message);
    } else if (topic.endsWith("/update/rejected")) {
      replies.arrived(false, message);
    }
    return true;
  }

  private void notified(JsonNode byStatus) {
    Set<String> listed = new HashSet<>();
    for (Map.Entry<String, JsonNode> entry : byStatus.properties()) {
      entry.getValue().forEach(summary -> listed.add(summary.path("jobId").asString("")));
    }
    if (listed.size() < NOTIFICATION_LIMIT) {
      cancelAllBut(listed);
    }
    if (!byStatus.path("QUEUED").isEmpty()) {
      describe();
    }
  }

  private void described(JsonNode execution) {
    String jobId = execution.path("jobId").asString("");
    if (jobId.isEmpty()) {
      cancelAllBut(Set.of());
      return;
    }
    String key =
        jobId
            + "/"
            + execution.path("queuedAt").asString("")
            + "/"
            + execution.path("executionNumber").asString("");
    lock.lock();
    try {
      if (key.equals(submitted)) {
        return;
      }
    } finally {
      lock.unlock();
    }
    try {
      DeploymentDocument document =
          DeploymentDocument.parse(Json.text(execution.path("jobDocument")));
      engine.get().submit(new DeploymentRequest(DeploymentRequest.IOT_JOBS, jobId, document));
    } catch (InvalidDocumentException e) {
      LOG.warn("Deployment job {} holds no deployment: {}", jobId, e.getMessage());
      reporter.get().report(invalid(DeploymentRequest.IOT_JOBS, jobId, e));
    } catch (NucleusException e) {
      LOG.warn("Deployment job {} was not taken, it is asked for again: {}", jobId, e.getMessage());
      return;
    }
    lock.lock();
    try {
      submitted = key;
    } finally {
      lock.unlock();
    }
  }

  static DeploymentStatus invalid(String origin, String id, InvalidDocumentException e) {
    return new DeploymentStatus(
        origin,
        id,
        id,
        null,
        "FAILED",
        "FAILED_NO_STATE_CHANGE",
        String.valueOf(e.getMessage()),
        List.of("DEPLOYMENT_FAILURE", e.code()),
        List.of("REQUEST_ERROR"));
  }

  private void cancelAllBut(Set<String> listed) {
    for (DeploymentRecord r : engine.get().recent()) {
      if (r.origin().equals(DeploymentRequest.IOT_JOBS) && open(r) && !listed.contains(r.id())) {
        LOG.info("The cloud no longer asks for deployment job {}", r.id());
        engine.get().cancel(DeploymentRequest.IOT_JOBS, r.id());
      }
    }
  }

  /** Whether a deployment still waits or runs. */
  static boolean open(DeploymentRecord r) {
    return r.status().equals("QUEUED") || r.status().equals("IN_PROGRESS");
  }

  @Override
  public boolean deliver(DeploymentStatus s) throws InterruptedException {
    if (s.status().equals("CANCELED")) {
      return true; // the cloud cancelled it and does not take the status
    }
    String update = jobs + s.id() + "/" + NAMESPACE + "/update";
    List<String> answers = List.of(update + "/accepted", update + "/rejected");
    long generation = channel.mqtt().generation();
    if (!s.id().equals(answersOf) || answersGeneration != generation) {
      List<String> refused =
          channel
              .mqtt()
              .subscribe(answers.stream().map(f -> new MqttConnection.Filter(f, 1)).toList());
      if (!refused.isEmpty()) {
        LOG.warn(
            "The cloud refused the subscriptions {}; allow them in the core's policy", refused);
      }
      answersOf = s.id();
      answersGeneration = generation;
    }
    Replies.Reply reply;
    try (Replies.Waiting waiting = replies.expect()) {
      ObjectNode request = Json.object();
      request
          .put("jobId", s.id())
          .put("thingName", settings.identity().thingName())
          .put("status", s.status());
      request.put("clientToken", waiting.token());
      request.set("statusDetails", details(s));
      channel.publish(update, request);
      reply = waiting.await(settings.operationTimeout());
    }
    String code = reply.message().path("code").asString("");
    if (!reply.accepted() && TRANSIENT.contains(code)) {
      return false;
    }
    if (!reply.accepted()) {
      LOG.info(
          "The cloud does not take status {} of job {}: {} {}",
          s.status(),
          s.id(),
          code,
          reply.message().path("message").asString(""));
    }
    if (!s.status().equals("IN_PROGRESS")) {
      channel.mqtt().leave(answers);
      answersOf = null;
    }
    return true;
  }

  /** Strings only, none empty, each at most 1024 characters without control characters. */
  private static ObjectNode details(DeploymentStatus s) {
    ObjectNode details = Json.object();
    if (!s.status().equals("IN_PROGRESS")) {
      put(details, "detailed-deployment-status", s.detailedStatus());
      put(details, "deployment-failure-cause", Objects.requireNonNullElse(s.failureCause(), ""));
      if (!s.errorStack().isEmpty()) {
        put(details, "deployment-error-stack", array(s.errorStack()));
        put(details, "deployment-error-types", array(s.errorTypes()));
      }
    }
    return details;
  }

  private static void put(ObjectNode details, String key, String value) {
    String clean = value.replaceAll("\\p{Cntrl}", " ");
    if (!clean.isBlank()) {
      details.put(key, clean.length() > DETAIL_LIMIT ? clean.substring(0, DETAIL_LIMIT) : clean);
    }
  }

  private static String array(List<String> texts) {
    ArrayNode all = Json.array();
    texts.forEach(all::add);
    return Json.text(all);
  }
}
