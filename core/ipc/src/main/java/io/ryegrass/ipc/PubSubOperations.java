package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcOperation.Order;
import io.ryegrass.eventstream.ServerStream;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.Subscription;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/** PublishToTopic and SubscribeToTopic (v2-ipc.md §7.3). */
final class PubSubOperations {
  private static final Logger log = LoggerFactory.getLogger(PubSubOperations.class);
  private static final String PUBLISH = "PublishToTopic";
  private static final String SUBSCRIBE = "SubscribeToTopic";
  private static final int LARGE_BYTES = 64 * 1024;

  private final IpcServer.Core core;
  private final Authorisation authorisation;
  private final ThreadLocal<Pace> paces = ThreadLocal.withInitial(Pace::new);
  private final TopicEvents events = new TopicEvents();

  PubSubOperations(IpcServer.Core core, Authorisation authorisation) {
    this.core = core;
    this.authorisation = authorisation;
  }

  void addTo(CoreService.Table table) {
    table.unary(PUBLISH, Order.IN_ORDER, this::publish);
    table.streaming(SUBSCRIBE, "SubscriptionResponseMessage", Order.IN_ORDER, this::subscribe);
  }

  private ObjectNode publish(String principal, ObjectNode request) {
    String topic = Requests.text(request, "topic");
    if (topic.indexOf('+') >= 0 || topic.indexOf('#') >= 0 || topic.indexOf('*') >= 0) {
      throw Errors.invalidArguments(
          "Publish topic must not contain +, # or *, but is \"" + topic + "\"");
    }
    ObjectNode published = Requests.object(request, "publishMessage");
    boolean isJson = isJson(published);
    byte[] payload =
        isJson
            ? Json.bytes(Requests.object((ObjectNode) published.path("jsonMessage"), "message"))
            : Requests.blob((ObjectNode) published.path("binaryMessage"), "message");
    authorisation.check(principal, Authorisation.PUB_SUB, Errors.NAMESPACE + PUBLISH, topic);
    Pace pace = paces.get();
    pace.begin();
    core.bus()
        .publish(
            new Message(
                Participant.component(principal),
                Message.Space.PUBSUB,
                topic,
                payload,
                0,
                isJson ? Message.Format.JSON : Message.Format.BINARY));
    pace.end();
    if (payload.length > LARGE_BYTES) {
      events.forget();
    }
    return Requests.empty();
  }

  private static boolean isJson(ObjectNode published) {
    boolean json = published.path("jsonMessage").isObject();
    if (json == published.path("binaryMessage").isObject()) {
      throw Errors.invalidArguments(
          "publishMessage must have either a jsonMessage or a binaryMessage");
    }
    return json;
  }

  private void subscribe(ServerStream stream, ObjectNode request) {
    String filter = Requests.text(request, "topic");
    boolean own = receivesOwn(Requests.optionalText(request, "receiveMode"), filter);
    authorisation.check(
        stream.principal(), Authorisation.PUB_SUB, Errors.NAMESPACE + SUBSCRIBE, filter);
    AtomicLong dropped = new AtomicLong();
    Subscription subscription =
        core.bus()
            .subscribeUnqueued(
                Participant.component(stream.principal()),
                filter,
                own,
                message -> deliver(stream, message, dropped));
    stream.onClose(subscription::close);
    stream.respond(Requests.empty().put("topicName", filter));
  }

  private static boolean receivesOwn(@Nullable String mode, String filter) {
    if (mode == null) {
      return filter.indexOf('+') < 0 && filter.indexOf('#') < 0;
    }
    return switch (mode) {
      case "RECEIVE_ALL_MESSAGES" -> true;
      case "RECEIVE_MESSAGES_FROM_OTHERS" -> false;
      default ->
          throw Errors.invalidArguments(
              "receiveMode must be RECEIVE_ALL_MESSAGES or RECEIVE_MESSAGES_FROM_OTHERS, but is \""
                  + mode
                  + "\"");
    };
  }

  /** Called on the publisher's thread by the bus; the client's queue of events takes it or not. */
  private boolean deliver(ServerStream stream, Message message, AtomicLong dropped) {
    boolean taken = stream.offerEvent(events.of(message));
    paces.get().delivered(stream);
    if (!taken) {
      long count = dropped.incrementAndGet();
      if (count == 1 || count % 10_000 == 0) {
        log.warn(
            "{} does not take messages on {} fast enough: {} dropped so far",
            stream.principal(),
            message.topic(),
            count);
      }
    }
    return taken;
  }
}
