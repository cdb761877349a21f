package io.ryegrass.registry.shadow;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.registry.DeviceMessages;
import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.Registry;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The doors of the shadow service over HTTP: for devices and, signed, for applications. */
final class ShadowApi {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String PATH = "/things/{thing}/shadow";

  private final ShadowService shadows;
  private final Registry registry;
  private final DeviceMessages messages;

  ShadowApi(ShadowService shadows, Registry registry, DeviceMessages messages) {
    this.shadows = shadows;
    this.registry = registry;
    this.messages = messages;
  }

  List<DeviceRoute> routes() {
    return List.of(
        route("GET", "iot:GetThingShadow", r -> shadows.get(r.path("thing"), name(r))),
        route(
            "POST",
            "iot:UpdateThingShadow",
            r -> shadows.update(r.path("thing"), name(r), r.body())),
        route("DELETE", "iot:DeleteThingShadow", r -> shadows.delete(r.path("thing"), name(r))),
        new DeviceRoute(
            "GET",
            "/api/things/shadow/ListNamedShadowsForThing/{thing}",
            "iot:ListNamedShadowsForThing",
            r -> registry.thingArn(r.path("thing")),
            r -> DeviceResponse.json(200, list(r.path("thing")))));
  }

  private DeviceRoute route(
      String method, String action, Function<DeviceRequest, JsonNode> operation) {
    return new DeviceRoute(
        method,
        PATH,
        action,
        r -> registry.thingArn(r.path("thing")) + (name(r) == null ? "" : "/" + name(r)),
        r -> {
          try {
            return DeviceResponse.json(200, operation.apply(r));
          } catch (ShadowException e) {
            return DeviceResponse.error(e.code(), errorName(e), String.valueOf(e.getMessage()));
          }
        });
  }

  private static @Nullable String name(DeviceRequest request) {
    List<String> values = request.query().getOrDefault("name", List.of());
    return values.isEmpty() || values.getFirst().isEmpty() ? null : values.getFirst();
  }

  ServiceOperations operations() {
    return ServiceOperations.of("iotdata")
        .json(
            "GetThingShadow",
            (c, in) -> payload(() -> shadows.get(thing(in), text(in, "shadowName"))))
        .json(
            "UpdateThingShadow",
            (c, in) ->
                payload(
                    () ->
                        shadows.update(
                            thing(in), text(in, "shadowName"), bytes(in.path("payload")))))
        .json(
            "DeleteThingShadow",
            (c, in) -> payload(() -> shadows.delete(thing(in), text(in, "shadowName"))))
        .json("ListNamedShadowsForThing", (c, in) -> list(thing(in)))
        .json("Publish", this::publish)
        .build();
  }

  private ObjectNode publish(CallContext call, ObjectNode in) {
    String topic = in.path("topic").asString();
    if (topic.isEmpty() || topic.contains("#") || topic.contains("+") || topic.startsWith("$")) {
      throw new AwsException(
          "InvalidRequestException", 400, "Topic '" + topic + "' cannot be published to");
    }
    if (in.path("retain").asBoolean(false)) {
      throw new AwsException(
          "InvalidRequestException",
          400,
          "Retained messages can be published over MQTT only; leave 'retain' out");
    }
    messages.publish(topic, bytes(in.path("payload")), in.path("qos").asInt(0));
    return JSON.createObjectNode();
  }

  private ObjectNode list(String thing) {
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode results = answer.putArray("results");
    shadows.names(thing).forEach(results::add);
    return answer.put("timestamp", shadows.now());
  }

  private static ObjectNode payload(Supplier<JsonNode> operation) {
    try {
      byte[] document = JSON.writeValueAsBytes(operation.get());
      return JSON.createObjectNode().put("payload", Base64.getEncoder().encodeToString(document));
    } catch (ShadowException e) {
      throw new AwsException(errorName(e), e.code(), String.valueOf(e.getMessage()));
    }
  }

  private static String errorName(ShadowException e) {
    return switch (e.code()) {
      case 404 -> "ResourceNotFoundException";
      case 409 -> "ConflictException";
      case 413 -> "RequestEntityTooLargeException";
      default -> "InvalidRequestException";
    };
  }

  private static String thing(ObjectNode in) {
    return in.path("thingName").asString();
  }

  private static @Nullable String text(ObjectNode in, String member) {
    JsonNode value = in.get(member);
    return value == null || value.asString().isEmpty() ? null : value.asString();
  }

  private static byte[] bytes(JsonNode base64) {
    return Base64.getDecoder().decode(base64.asString(""));
  }
}
