package io.ryegrass.ipc;

import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessageProperties;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What PublishToIoTCore and MQTTMessage say about a message of MQTT 5 (v2-ipc.md §5, §6). */
final class MqttMessageShape {
  private static final String PAYLOAD_FORMAT = "payloadFormat";
  private static final String EXPIRY = "messageExpiryIntervalSeconds";
  private static final String USER_PROPERTIES = "userProperties";
  private static final String CORRELATION = "correlationData";
  private static final String CONTENT_TYPE = "contentType";
  private static final String RESPONSE_TOPIC = "responseTopic";

  private MqttMessageShape() {}

  static CloudMessage read(ObjectNode request, String topic, byte[] payload, int qos) {
    String contentType = Requests.optionalText(request, CONTENT_TYPE);
    String responseTopic = Requests.optionalText(request, RESPONSE_TOPIC);
    byte[] correlation = isGiven(request, CORRELATION) ? Requests.blob(request, CORRELATION) : null;
    Boolean text = payloadFormat(request);
    long expiry = expiry(request);
    List<CloudMessageProperties.UserProperty> user = userProperties(request);
    boolean plain =
        text == null
            && expiry < 0
            && contentType == null
            && responseTopic == null
            && correlation == null
            && user.isEmpty();
    return new CloudMessage(
        topic,
        payload,
        qos,
        request.path("retain").asBoolean(false),
        plain
            ? CloudMessageProperties.NONE
            : new CloudMessageProperties(
                text, expiry, contentType, responseTopic, correlation, user));
  }

  static ObjectNode write(CloudMessage message) {
    ObjectNode event = Requests.empty();
    ObjectNode m =
        event
            .putObject("message")
            .put("topicName", message.topic())
            .put("payload", Base64.getEncoder().encodeToString(message.payload()));
    if (message.retain()) {
      m.put("retain", true);
    }
    CloudMessageProperties p = message.properties();
    if (p.payloadIsText() != null) {
      m.put(PAYLOAD_FORMAT, p.payloadIsText() ? "1" : "0");
    }
    if (p.expirySeconds() >= 0) {
      m.put(EXPIRY, p.expirySeconds());
    }
    if (p.contentType() != null) {
      m.put(CONTENT_TYPE, p.contentType());
    }
    if (p.responseTopic() != null) {
      m.put(RESPONSE_TOPIC, p.responseTopic());
    }
    if (p.correlationData() != null) {
      m.put(CORRELATION, Base64.getEncoder().encodeToString(p.correlationData()));
    }
    if (!p.userProperties().isEmpty()) {
      ArrayNode all = m.putArray(USER_PROPERTIES);
      p.userProperties().forEach(u -> all.addObject().put("key", u.key()).put("value", u.value()));
    }
    return event;
  }

  private static boolean isGiven(ObjectNode request, String member) {
    return !request.path(member).isMissingNode() && !request.path(member).isNull();
  }

  private static @Nullable Boolean payloadFormat(ObjectNode request) {
    if (!isGiven(request, PAYLOAD_FORMAT)) {
      return null;
    }
    return switch (request.path(PAYLOAD_FORMAT).asString("")) {
      case "0" -> false;
      case "1" -> true;
      default -> throw Errors.invalidArguments(PAYLOAD_FORMAT + " must be \"0\" or \"1\"");
    };
  }

  private static long expiry(ObjectNode request) {
    if (!isGiven(request, EXPIRY)) {
      return -1;
    }
    JsonNode value = request.path(EXPIRY);
    if (!value.isIntegralNumber() || value.asLong(-1) < 0 || value.asLong(-1) > 0xFFFF_FFFFL) {
      throw Errors.invalidArguments(EXPIRY + " must be a whole number from 0 to 4294967295");
    }
    return value.asLong(-1);
  }

  private static List<CloudMessageProperties.UserProperty> userProperties(ObjectNode request) {
    if (!isGiven(request, USER_PROPERTIES)) {
      return List.of();
    }
    if (!(request.path(USER_PROPERTIES) instanceof ArrayNode given)) {
      throw Errors.invalidArguments(USER_PROPERTIES + " must be a list");
    }
    List<CloudMessageProperties.UserProperty> all = new ArrayList<>(given.size());
    for (JsonNode u : given) {
      all.add(
          new CloudMessageProperties.UserProperty(
              u.path("key").asString(""), u.path("value").asString("")));
    }
    return List.copyOf(all);
  }
}
