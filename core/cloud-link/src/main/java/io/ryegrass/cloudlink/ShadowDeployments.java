package io.ryegrass.cloudlink;

import io.ryegrass.model.BuiltInComponents;
import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.DeploymentEngine;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.DeploymentStatus;
import io.ryegrass.nucleus.NucleusException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Deployments of this one thing: the named shadow {@code AWSManagedGreengrassV2Deployment}
 * (v2-deployments.md section 3). Asks for the shadow on each connect, follows its updates, and
 * reports into it with the version last seen; when that was too old it asks and tries again.
 */
final class ShadowDeployments implements ControlChannel.Part, DeploymentStatuses.Carrier {
  private static final int CONFLICTS = 3;
  private static final Logger LOG = LoggerFactory.getLogger(ShadowDeployments.class);

  private final LinkSettings settings;
  private final ControlChannel channel;
  private final Supplier<DeploymentEngine> engine;
  private final Supplier<DeploymentStatuses> statuses;
  private final Replies replies = new Replies();
  private final String prefix;
  private final ReentrantLock lock = new ReentrantLock();
  private long version = -1; // lock; -1: not known
  private boolean first = true; // lock
  private @Nullable String lastArn; // lock
  private boolean lastWasCancel; // lock

  ShadowDeployments(
      LinkSettings settings,
      ControlChannel channel,
      Supplier<DeploymentEngine> engine,
      Supplier<DeploymentStatuses> statuses) {
    this.settings = settings;
    this.channel = channel;
    this.engine = engine;
    this.statuses = statuses;
    this.prefix =
        "$aws/things/"
            + settings.identity().thingName()
            + "/shadow/name/AWSManagedGreengrassV2Deployment/";
  }

  @Override
  public List<String> filters() {
    return List.of(
        prefix + "update/accepted",
        prefix + "update/rejected",
        prefix + "get/accepted",
        prefix + "get/rejected");
  }

  @Override
  public void connected() {
    channel.ask(prefix + "get", Json.object());
  }

  @Override
  public void lost() {
    replies.lost();
  }

  @Override
  public boolean message(String topic, JsonNode message) {
    if (!topic.startsWith(prefix)) {
      return false;
    }
    switch (topic.substring(prefix.length())) {
      case "update/accepted" -> {
        replies.arrived(true, message);
        accepted(message);
      }
      case "get/accepted" -> {
        accepted(message);
        replies.arrived(true, message);
      }
      case "update/rejected" -> replies.arrived(false, message);
      case "get/rejected" -> {
        if (message.path("code").asInt(0) == 404) {
          lock.lock();
          try {
            version = -1;
            first = false;
          } finally {
            lock.unlock();
          }
        }
        replies.arrived(false, message);
      }
      default -> LOG.debug("Nothing is done on {}", topic);
    }
    return true;
  }

  private void accepted(JsonNode message) {
    long seen = message.path("version").asLong(-1);
    lock.lock();
    try {
      if (seen < version) {
        return;
      }
      version = seen;
    } finally {
      lock.unlock();
    }
    JsonNode desired = message.path("state").path("desired");
    JsonNode reported = message.path("state").path("reported");
    String config = desired.path("fleetConfig").asString("");
    String wish = desired.path("desiredStatus").asString("");
    if (config.isEmpty() || wish.isEmpty()) {
      return;
    }
    DeploymentDocument document;
    try {
      document = DeploymentDocument.parse(config);
    } catch (InvalidDocumentException e) {
      LOG.warn("The deployment in the shadow is ignored: {}", e.getMessage());
      return;
    }
    if (!document.configurationArn().isEmpty()) {
      decide(document, wish.equals("CANCELED"), reported);
    }
  }

  private void decide(DeploymentDocument document, boolean cancel, JsonNode reported) {
    String arn = document.configurationArn();
    boolean isFirst;
    boolean same;
    lock.lock();
    try {
      same = arn.equals(lastArn) && lastWasCancel == cancel;
      isFirst = first;
      first = false;
      lastArn = arn;
      lastWasCancel = cancel;
    } finally {
      lock.unlock();
    }
    if (same) {
      resendIfDifferent(arn, reported);
      return;
    }
    if (cancel) {
      engine.get().cancel(DeploymentRequest.SHADOW, arn);
      return;
    }
    boolean doneBefore =
        arn.equals(reported.path("fleetConfigurationArnForStatus").asString(""))
            && !reported.path("status").asString("").equals("IN_PROGRESS");
    boolean running =
        engine.get().recent().stream()
            .anyMatch(
                r ->
                    r.origin().equals(DeploymentRequest.SHADOW)
                        && r.id().equals(arn)
                        && JobDeployments.open(r));
    if (isFirst && (doneBefore || running)) {
      return;
    }
    try {
      engine.get().submit(new DeploymentRequest(DeploymentRequest.SHADOW, arn, document));
    } catch (NucleusException e) {
      LOG.warn(
          "Deployment {} was not taken; it is asked for again on the next connection: {}",
          arn,
          e.getMessage());
      lock.lock();
      try {
        lastArn = null;
      } finally {
        lock.unlock();
      }
    }
  }

  /** The shadow tells another status than the one that was last delivered: say it again. */
  private void resendIfDifferent(String arn, JsonNode reported) {
    if (!reported.isObject() || !reported.has("status")) {
      return;
    }
    statuses
        .get()
        .lastShadowDelivered()
        .filter(s -> s.configurationArn().equals(arn))
        .filter(
            s ->
                !s.status().equals(reported.path("status").asString(""))
                    || !arn.equals(reported.path("fleetConfigurationArnForStatus").asString(arn)))
        .ifPresent(s -> statuses.get().report(s));
  }

  @Override
  public boolean deliver(DeploymentStatus s) throws InterruptedException {
    for (int attempt = 0; attempt < CONFLICTS; attempt++) {
      Replies.Reply reply = update(s);
      if (reply.accepted()) {
        return true;
      }
      int code = reply.code();
      if (code == 409
          || code == 404
          || (code == 400 && reply.message().toString().contains("ersion"))) {
        learnVersion();
      } else if (code == 429 || code >= 500) {
        return false;
      } else {
        LOG.warn(
            "The cloud does not take status {} of {}: {} {}",
            s.status(),
            s.configurationArn(),
            code,
            reply.message().path("message").asString(""));
        return true;
      }
    }
    return false;
  }

  private Replies.Reply update(DeploymentStatus s) throws InterruptedException {
    ObjectNode request = Json.object();
    ObjectNode reported = request.putObject("state").putObject("reported");
    reported.put("fleetConfigurationArnForStatus", s.configurationArn());
    reported.put("status", s.status());
    reported.set("statusDetails", details(s));
    reported.put("ggcVersion", BuiltInComponents.NUCLEUS_VERSION);
    lock.lock();
    try {
      if (version > 0) {
        request.put("version", version);
      }
    } finally {
      lock.unlock();
    }
    try (Replies.Waiting waiting = replies.expect()) {
      request.put("clientToken", waiting.token());
      channel.publish(prefix + "update", request);
      return waiting.await(settings.operationTimeout());
    }
  }

  /** {@code statusDetails} as in shadow and fleet status. */
  static ObjectNode details(DeploymentStatus s) {
    ObjectNode details = Json.object();
    details.put("detailedStatus", s.detailedStatus());
    details.put("failureCause", Objects.requireNonNullElse(s.failureCause(), ""));
    ArrayNode stack = details.putArray("errorStack");
    s.errorStack().forEach(stack::add);
    ArrayNode types = details.putArray("errorTypes");
    s.errorTypes().forEach(types::add);
    return details;
  }

  private void learnVersion() throws InterruptedException {
    try (Replies.Waiting waiting = replies.expect()) {
      channel.publish(prefix + "get", Json.object().put("clientToken", waiting.token()));
      Replies.Reply reply = waiting.await(settings.operationTimeout());
      lock.lock();
      try {
        version = reply.accepted() ? reply.message().path("version").asLong(-1) : -1;
      } finally {
        lock.unlock();
      }
    }
  }
}
