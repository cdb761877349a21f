package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcOperation.Order;
import io.ryegrass.eventstream.ServerStream;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.UpdateConsent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Components that want a say before a deployment changes things: they may put an update off, and
 * reject a configuration (v2-ipc.md §7.1, §7.2).
 *
 * <p>A question is a round: every subscriber is sent the event and has until the round's end to
 * answer; no answer is consent, as the guides say. The longest deferral of a round counts; after it
 * the question is asked anew. A rejected configuration ends its round with an exception that
 * carries the component's own words.
 */
final class UpdateNegotiation implements UpdateConsent {
  private static final Logger log = LoggerFactory.getLogger(UpdateNegotiation.class);

  /** Beyond this a deferral counts as this. */
  private static final long MAX_DEFERRAL_MS = Duration.ofDays(1).toMillis();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // under the lock; key is the stream's key, so that two subscriptions of one component are two
  private final Map<String, Subscriber> updates = new HashMap<>();
  private final Map<String, Subscriber> validations = new HashMap<>();
  private @Nullable Round round;

  private record Subscriber(String component, EventPump pump) {}

  /** Answers by component: milliseconds of deferral, or the words of a rejection ("" accepts). */
  private static final class Round {
    final String deploymentId;
    final boolean validation;
    final Map<String, Subscriber> asked = new HashMap<>();
    final Map<String, Object> answers = new HashMap<>();

    Round(String deploymentId, boolean validation) {
      this.deploymentId = deploymentId;
      this.validation = validation;
    }

    boolean waitsFor(String component) {
      return asked.values().stream().anyMatch(s -> s.component().equals(component))
          && !answers.containsKey(component);
    }

    boolean complete() {
      return asked.values().stream().allMatch(s -> answers.containsKey(s.component()));
    }
  }

  void addTo(CoreService.Table table) {
    table.streaming(
        "SubscribeToComponentUpdates",
        "ComponentUpdatePolicyEvents",
        Order.IN_ORDER,
        (stream, request) -> subscribe(stream, updates, "component updates"));
    table.streaming(
        "SubscribeToValidateConfigurationUpdates",
        "ValidateConfigurationUpdateEvents",
        Order.IN_ORDER,
        (stream, request) -> subscribe(stream, validations, "configurations to validate"));
    table.unary("DeferComponentUpdate", Order.IN_ORDER, this::defer);
    table.unary("SendConfigurationValidityReport", Order.IN_ORDER, this::report);
  }

  private void subscribe(ServerStream stream, Map<String, Subscriber> subscribers, String what) {
    EventPump pump = new EventPump(stream, what);
    locked(() -> subscribers.put(stream.key(), new Subscriber(stream.principal(), pump)));
    stream.onClose(
        () ->
            locked(
                () -> {
                  subscribers.remove(stream.key());
                  if (round != null) {
                    round.asked.remove(stream.key());
                  }
                }));
    stream.respond(Requests.empty());
  }

  private ObjectNode defer(String principal, ObjectNode request) {
    String deploymentId = Requests.text(request, "deploymentId");
    JsonNode recheck = request.path("recheckAfterMs");
    locked(
        () -> {
          if (updates.values().stream().noneMatch(s -> s.component().equals(principal))) {
            throw Errors.invalidArguments(
                "Component "
                    + principal
                    + " is not subscribed to component updates; call SubscribeToComponentUpdates first");
          }
          Round now = round;
          if (now == null
              || now.validation
              || !now.deploymentId.equals(deploymentId)
              || !now.waitsFor(principal)) {
            throw Errors.service(
                "Time limit to respond to the update of deployment "
                    + deploymentId
                    + " has passed, or it was answered already");
          }
          if (recheck.isNumber()) {
            now.answers.put(principal, Math.clamp(recheck.asLong(), 0L, MAX_DEFERRAL_MS));
          }
        });
    return Requests.empty();
  }

  private ObjectNode report(String principal, ObjectNode request) {
    ObjectNode report = Requests.object(request, "configurationValidityReport");
    String deploymentId = Requests.text(report, "deploymentId");
    String status = Requests.text(report, "status");
    if (!status.equals("ACCEPTED") && !status.equals("REJECTED")) {
      throw Errors.invalidArguments(
          "status must be ACCEPTED or REJECTED, but is \"" + status + "\"");
    }
    @Nullable String message = Requests.optionalText(report, "message");
    locked(
        () -> {
          Round now = round;
          if (now == null
              || !now.validation
              || !now.deploymentId.equals(deploymentId)
              || !now.waitsFor(principal)) {
            throw Errors.invalidArguments(
                "No validation of a configuration of " + principal + " is pending");
          }
          boolean rejected = status.equals("REJECTED");
          now.answers.put(
              principal, rejected ? (message == null ? "no reason given" : message) : "");
        });
    return Requests.empty();
  }

  @Override
  public void validate(String deploymentId, Map<String, ObjectNode> proposed, Duration timeout) {
    Round asked =
        ask(
            new Round(deploymentId, true),
            validations,
            proposed::containsKey,
            component -> {
              ObjectNode event = Requests.empty();
              ObjectNode content = event.putObject("validateConfigurationUpdateEvent");
              content.set("configuration", proposed.get(component));
              content.put("deploymentId", deploymentId);
              return event;
            },
            timeout);
    asked.answers.forEach(
        (component, words) -> {
          if (!words.equals("")) {
            throw new NucleusException(
                "COMPONENT_CONFIGURATION_NOT_VALID",
                "Component " + component + " rejects its new configuration: " + words);
          }
        });
  }

  @Override
  public void beforeUpdate(String deploymentId, boolean nucleusRestarts, Duration timeout) {
    while (true) {
      Round asked =
          ask(
              new Round(deploymentId, false),
              updates,
              component -> true,
              component -> {
                ObjectNode event = Requests.empty();
                event
                    .putObject("preUpdateEvent")
                    .put("deploymentId", deploymentId)
                    .put("isGgcRestarting", nucleusRestarts);
                return event;
              },
              timeout);
      long deferral = asked.answers.values().stream().mapToLong(ms -> (Long) ms).max().orElse(0);
      if (deferral == 0) {
        return;
      }
      log.info("deployment {} is put off for {} ms by a component", deploymentId, deferral);
      pause(deferral);
    }
  }

  @Override
  public void afterUpdate(String deploymentId) {
    ObjectNode event = Requests.empty();
    event.putObject("postUpdateEvent").put("deploymentId", deploymentId);
    locked(() -> updates.values().forEach(subscriber -> subscriber.pump().offer(event, 256)));
  }

  private Round ask(
      Round asked,
      Map<String, Subscriber> subscribers,
      Predicate<String> concerns,
      Function<String, ObjectNode> event,
      Duration timeout) {
    lock.lock();
    try {
      subscribers.forEach(
          (key, subscriber) -> {
            if (concerns.test(subscriber.component())) {
              asked.asked.put(key, subscriber);
            }
          });
      round = asked;
      for (Subscriber subscriber : List.copyOf(asked.asked.values())) {
        subscriber.pump().offer(event.apply(subscriber.component()), 4096);
      }
      long left = timeout.toNanos();
      while (!asked.complete() && left > 0) {
        left = changed.awaitNanos(left);
      }
      if (!asked.complete()) {
        List<String> silent = new ArrayList<>();
        asked.asked.values().stream()
            .map(Subscriber::component)
            .filter(asked::waitsFor)
            .forEach(silent::add);
        log.info("no answer of {} to deployment {}; it goes on", silent, asked.deploymentId);
      }
      return asked;
    } catch (InterruptedException e) {
      throw interrupted(e);
    } finally {
      round = null;
      lock.unlock();
    }
  }

  private static void pause(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private static NucleusException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new NucleusException(
        "DEPLOYMENT_INTERRUPTED", "The deployment was ended while components were asked", e);
  }

  private void locked(Runnable action) {
    lock.lock();
    try {
      action.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
