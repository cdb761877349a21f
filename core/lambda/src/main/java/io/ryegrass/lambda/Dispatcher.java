package io.ryegrass.lambda;

import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.PublishResult;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** Where work that a function posts goes: the bus, a service of the core, or another function. */
final class Dispatcher {
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

  Posted post(
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

  Optional<WorkResult> result(String callerArn, String invocationId) throws InterruptedException {
    return invocations.await(callerArn, invocationId, resultTimeout);
  }

  /**
   * Publishes by the subscription table. The source is who the token says, whatever the client
   * context claims. With AllOrError a target that did not take the message makes the publish an
   * error; targets before it may have got it, since the bus hands out one by one.
   */
  private Posted publish(String callerArn, byte[] payload, String clientContext) {
    String topic = ClientContext.custom(clientContext, "subject");
    if (topic.isEmpty() || topic.contains("#") || topic.contains("+")) {
      return new Posted.Refused(
          400,
          "The topic \"" + topic + "\" cannot be published to; give a topic without wildcards.");
    }
    PublishResult result =
        bus.publish(
            new Message(Participant.function(callerArn), Message.Space.ROUTED, topic, payload, 1));
    boolean allOrError =
        ClientContext.custom(clientContext, "queueFullPolicy").equals("AllOrError");
    if (allOrError && result.delivered() < result.targets()) {
      RuntimeException failure = result.failure();
      return new Posted.Refused(
          429,
          (result.targets() - result.delivered())
              + " of "
              + result.targets()
              + " targets of "
              + topic
              + " did not take the message"
              + (failure == null ? " (queue full)" : ": " + failure.getMessage()));
    }
    return new Posted.Accepted(UUID.randomUUID().toString());
  }

  private static Posted.Refused tooMany() {
    return new Posted.Refused(
        429, "Too many answers are waiting to be fetched on this core; try again later.");
  }

  private static boolean isService(String arn, String serviceArn) {
    return arn.equals(serviceArn) || arn.startsWith(serviceArn + ":");
  }
}
