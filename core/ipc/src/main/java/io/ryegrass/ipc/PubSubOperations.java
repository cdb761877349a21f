package io.ryegrass.ipc;

import io.ryegrass.eventstream.EventStreamException;
import io.ryegrass.eventstream.RpcOperation.Order;
import io.ryegrass.eventstream.ServerStream;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.Subscription;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** PublishToTopic and SubscribeToTopic (v2-ipc.md §7.3). */
final class PubSubOperations {
  private static final Logger log = LoggerFactory.getLogger(PubSubOperations.class);
  private static final JsonMapper MAPPER = JsonMapper.builder().build();
  private static final String PUBLISH = "PublishToTopic";
  private static final String SUBSCRIBE = "SubscribeToTopic";

  private final IpcServer.Core core;
  private final Authorisation authorisation;
  private final JsonPayloads json = new JsonPayloads();

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
    byte[] payload = payload(Requests.object(request, "publishMessage"));
    authorisation.check(principal, Authorisation.PUB_SUB, Errors.NAMESPACE + PUBLISH, topic);
    core.bus()
        .publish(
            new Message(Participant.component(principal), Message.Space.PUBSUB, topic, payload, 0));
    return Requests.empty();
  }

  private byte[] payload(ObjectNode message) {
    JsonNode jsonMessage = message.path("jsonMessage");
    JsonNode binaryMessage = message.path("binaryMessage");
    if (jsonMessage.isObject() == binaryMessage.isObject()) {
      throw Errors.invalidArguments(
          "publishMessage must have either a jsonMessage or a binaryMessage");
    }
    if (binaryMessage instanceof ObjectNode binary) {
      return Requests.blob(binary, "message");
    }
    ObjectNode document = Requests.object((ObjectNode) jsonMessage, "message");
    byte[] payload = MAPPER.writeValueAsString(document).getBytes(StandardCharsets.UTF_8);
    json.mark(payload);
    return payload;
  }

  private void subscribe(ServerStream stream, ObjectNode request) {
    String filter = Requests.text(request, "topic");
    boolean own = receivesOwn(Requests.optionalText(request, "receiveMode"), filter);
    authorisation.check(
        stream.principal(), Authorisation.PUB_SUB, Errors.NAMESPACE + SUBSCRIBE, filter);
    Subscription subscription =
        core.bus()
            .subscribe(
                Participant.component(stream.principal()),
                filter,
                own,
                message -> deliver(stream, message));
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

  /** Called on the subscription's own thread by the bus. */
  private void deliver(ServerStream stream, Message message) {
    ObjectNode event = Requests.empty();
    if (json.isJson(message.payload())) {
      ObjectNode content = event.putObject("jsonMessage");
      content.set("message", MAPPER.readTree(message.payload()));
      content.putObject("context").put("topic", message.topic());
    } else {
      ObjectNode content = event.putObject("binaryMessage");
      content.put("message", Base64.getEncoder().encodeToString(message.payload()));
      content.putObject("context").put("topic", message.topic());
    }
    try {
      stream.sendEvent(event);
    } catch (EventStreamException e) {
      log.debug("{} left: {}", stream.principal(), e.getMessage());
      stream.close();
    }
  }
}
