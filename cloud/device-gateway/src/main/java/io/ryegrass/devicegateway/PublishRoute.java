package io.ryegrass.devicegateway;

import io.ryegrass.mqtt.MqttBrokerException;
import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import tools.jackson.databind.json.JsonMapper;

/**
 * Publishing by HTTPS: {@code POST /topics/{topic}?qos=0|1&retain=true}, the body is the payload
 * (mqtt-cloud reference, section 1).
 */
final class PublishRoute {

  /** The way into the broker. */
  @FunctionalInterface
  interface Publisher {
    void publish(String topic, byte[] payload, int qos, boolean retain);
  }

  private static final int MAX_PAYLOAD_BYTES = 128 << 10;
  private static final JsonMapper JSON = JsonMapper.shared();

  private PublishRoute() {}

  static DeviceRoute of(CloudServices services, String arnPrefix, Publisher publisher) {
    return new DeviceRoute(
        "POST",
        "/topics/{topic+}",
        "iot:Publish",
        request -> arnPrefix + "topic/" + request.path("topic"),
        request -> publish(services, arnPrefix, publisher, request));
  }

  private static DeviceResponse publish(
      CloudServices services, String arnPrefix, Publisher publisher, DeviceRequest request) {
    String topic = request.path("topic");
    String qos = first(request.query(), "qos", "0");
    boolean retain = Boolean.parseBoolean(first(request.query(), "retain", "false"));
    if (!qos.equals("0") && !qos.equals("1")) {
      return invalid("qos must be 0 or 1, not '" + qos + "'.");
    }
    if (topic.startsWith("$")) {
      return invalid("Reserved topics cannot be published to by HTTPS: " + topic + ".");
    }
    if (request.body().length > MAX_PAYLOAD_BYTES) {
      return DeviceResponse.error(
          413,
          "RequestEntityTooLargeException",
          "The payload is larger than " + MAX_PAYLOAD_BYTES + " bytes.");
    }
    Map<String, String> variables = Map.of("iot:CertificateId", request.device().certificateId());
    if (retain
        && !services
            .registry()
            .isAllowed(
                request.device(), "iot:RetainPublish", arnPrefix + "topic/" + topic, variables)) {
      return DeviceResponse.error(
          403,
          "ForbiddenException",
          "The policies do not allow iot:RetainPublish on " + topic + ".");
    }
    try {
      publisher.publish(topic, request.body(), Integer.parseInt(qos), retain);
    } catch (MqttBrokerException e) {
      if (e.code().equals(MqttBrokerException.INVALID_TOPIC)) {
        return invalid(String.valueOf(e.getMessage()));
      }
      throw e;
    }
    return DeviceResponse.json(
        200,
        JSON.createObjectNode().put("message", "OK").put("traceId", UUID.randomUUID().toString()));
  }

  private static String first(Map<String, List<String>> query, String name, String otherwise) {
    return query.getOrDefault(name, List.of(otherwise)).getFirst();
  }

  private static DeviceResponse invalid(String message) {
    return DeviceResponse.error(400, "InvalidRequestException", message);
  }
}
