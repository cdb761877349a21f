package io.ryegrass.lambda;

import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.PublishResult;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Where work that a function posts goes: the bus, a service of the core, or another function. */
final class Dispatcher {
  /** System functions have neither region nor account (v1-group-deployment.md section 9.2). */
  private static final String SYSTEM_FUNCTIONS = "arn:aws:lambda:::function:";

  /** What became of posted work. */
  sealed interface Posted {
    record Accepted(String invocationId) implements Posted {}

    /**
     * @param status HTTP status
     * @param message one sentence for the caller
     */
    record Refused(int status, String message) implements Posted {}
  }

  private final Functions functions;
  private final Invocations invocations;
  private final Map<String, WorkService> services = new ConcurrentHashMap<>();
  private final Bus bus;
  private volatile Duration resultTimeout = Duration.ofSeconds(60);

  Dispatcher(Functions functions, Invocations invocations, Bus bus) {
    this.functions = functions;
    this.invocations = invocations;
    this.bus = bus;
  }

  void serve(String unqualifiedArn, WorkService service) {
    services.put(unqualifiedArn, service);
  }

  void resultTimeout(Duration limit) {
    resultTimeout = limit;
  }

  /**
   * Whether {@link #post} to this target may wait for a disk or another service; work for a
   * function never does.
   */
  boolean mayBlock(String targetArn) {
    return targetArn.startsWith(SYSTEM_FUNCTIONS);
  }

  Posted post(
      String callerArn, String targetArn, byte[] payload, String clientContext, boolean waits) {
    if (targetArn.startsWith(SYSTEM_FUNCTIONS)) {
      Posted posted = postToService(callerArn, targetArn, payload, clientContext, waits);
      if (posted != null) {
        return posted;
      }
    }
    var pool = functions.find(targetArn);
    if (pool.isEmpty()) {
      return new Posted.Refused(
          404,
          "The function "
              + targetArn
              + " is not deployed on this core; add it to the group, or correct the ARN.");
    }
    Work work = waits ? Work.request(payload, clientContext) : Work.event(payload, clientContext);
    if (waits && !invocations.add(callerArn, work)) {
      return tooMany();
    }
    if (!pool.get().offer(work)) {
      invocations.remove(work);
      return new Posted.Refused(
          429, "The queue of " + pool.get().arn() + " is full; try again later.");
    }
    return new Posted.Accepted(work.id());
  }

  private @Nullable Posted postToService(
      String callerArn, String targetArn, byte[] payload, String clientContext, boolean waits) {
    if (isService(targetArn, FunctionEnvironment.ROUTER_ARN)) {
      return publish(callerArn, payload, clientContext);
    }
    for (Map.Entry<String, WorkService> service : services.entrySet()) {
      if (isService(targetArn, service.getKey())) {
        Work work =
            waits ? Work.request(payload, clientContext) : Work.event(payload, clientContext);
        if (waits && !invocations.add(callerArn, work)) {
          return tooMany();
        }
        String subject = ClientContext.custom(clientContext, "subject");
        work.result()
            .complete(WorkResult.success(service.getValue().call(callerArn, subject, payload)));
        return new Posted.Accepted(work.id());
      }
    }
    return null;
  }

  /**
   * Tells the caller its answer, now or later.
   *
   * @throws Refusal 404 when the caller has no such call
   */
  void result(String callerArn, String invocationId, Consumer<WorkResult> caller) {
    if (!invocations.await(callerArn, invocationId, resultTimeout, caller)) {
      throw new Refusal(
          404,
          "There is no invocation " + invocationId + " of yours whose answer is not fetched yet.");
    }
  }

  /**
   * Publishes by the subscription table. The source is who the token says, whatever the client
   * context claims. With AllOrError every target takes the message or none gets it and the publish
   * is an error (v1-lambda-runtime.md section 4.2).
   */
  private Posted publish(String callerArn, byte[] payload, String clientContext) {
    JsonNode custom = ClientContext.read(clientContext).path("custom");
    String topic = custom.path("subject").asString("");
    if (topic.isEmpty() || topic.contains("#") || topic.contains("+")) {
      return new Posted.Refused(
          400,
          "The topic \"" + topic + "\" cannot be published to; give a topic without wildcards.");
    }
    Message message =
        new Message(Participant.function(callerArn), Message.Space.ROUTED, topic, payload, 1);
    if (!custom.path("queueFullPolicy").asString("").equals("AllOrError")) {
      PublishResult unused = bus.publish(message);
      return new Posted.Accepted(Work.newId());
    }
    PublishResult result = bus.publishToAllOrNone(message);
    if (result.delivered() == result.targets()) {
      return new Posted.Accepted(Work.newId());
    }
    RuntimeException failure = result.failure();
    return new Posted.Refused(
        429,
        "Of "
            + result.targets()
            + " targets of "
            + topic
            + " not all take the message, so "
            + (result.delivered() == 0 ? "none" : result.delivered())
            + " got it"
            + (failure == null ? " (queue full)." : ": " + failure.getMessage()));
  }

  private static Posted.Refused tooMany() {
    return new Posted.Refused(
        429, "Too many answers are waiting to be fetched on this core; try again later.");
  }

  private static boolean isService(String arn, String serviceArn) {
    return arn.equals(serviceArn) || arn.startsWith(serviceArn + ":");
  }
}
