package io.ryegrass.devicegateway;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.mqtt.MessageProperties;
import io.ryegrass.mqtt.MqttBroker;
import io.ryegrass.mqtt.MqttBrokerException;
import io.ryegrass.mqtt.RetainedMessage;
import io.ryegrass.registry.DeviceMessage;
import io.ryegrass.registry.DevicePrincipal;
import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Messages over HTTP: Publish, GetRetainedMessage and ListRetainedMessages, for devices by their
 * certificate and, signed, for applications. Source: the service model of {@code iotdata} and its
 * API reference; mqtt-cloud reference, sections 1, 2 and 3.4.
 */
final class MessagesApi {

  private static final int MAX_PAYLOAD_BYTES = 128 << 10;
  private static final int PAGE = 200;
  private static final String RETAIN = "iot:RetainPublish";
  private static final JsonMapper JSON = JsonMapper.shared();

  private final String arnPrefix;
  private final Supplier<MqttBroker> broker;
  private final Supplier<@Nullable CloudServices> services;

  /**
   * @param services null until there are any
   */
  MessagesApi(
      String arnPrefix, Supplier<MqttBroker> broker, Supplier<@Nullable CloudServices> services) {
    this.arnPrefix = arnPrefix;
    this.broker = broker;
    this.services = services;
  }

  ServiceOperations operations() {
    return ServiceOperations.of("iotdata")
        .json("Publish", this::publish)
        .json("GetRetainedMessage", (c, in) -> retained(in.path("topic").asString("")))
        .json(
            "ListRetainedMessages",
            (c, in) -> list(text(in, "nextToken"), in.path("maxResults").asInt(PAGE)))
        .build();
  }

  List<DeviceRoute> routes() {
    return List.of(
        route(
            "POST",
            "/topics/{topic+}",
            "iot:Publish",
            r -> arnPrefix + "topic/" + r.path("topic"),
            this::publish),
        route(
            "GET",
            "/retainedMessage/{topic+}",
            "iot:GetRetainedMessage",
            r -> arnPrefix + "topic/" + r.path("topic"),
            r -> retained(r.path("topic"))),
        route(
            "GET",
            "/retainedMessage",
            "iot:ListRetainedMessages",
            r -> "*",
            r -> list(first(r, "nextToken"), number(r, "maxResults", PAGE))));
  }

  private static DeviceRoute route(
      String method,
      String path,
      String action,
      Function<DeviceRequest, String> resource,
      Function<DeviceRequest, ObjectNode> operation) {
    return new DeviceRoute(
        method,
        path,
        action,
        resource,
        r -> {
          try {
            return DeviceResponse.json(200, operation.apply(r));
          } catch (AwsException e) {
            return DeviceResponse.error(e.status(), e.code(), String.valueOf(e.getMessage()));
          }
        });
  }

  // ---- Publish ----

  private ObjectNode publish(DeviceRequest r) {
    Map<String, String> variables = Map.of("iot:CertificateId", r.device().certificateId());
    CloudServices ready = ready();
    publish(
        r.path("topic"),
        r.body(),
        number(r, "qos", 0),
        Boolean.parseBoolean(first(r, "retain")),
        properties(
            decoded("x-amz-mqtt5-user-properties", r.headers().get("x-amz-mqtt5-user-properties")),
            r.headers().get("x-amz-mqtt5-payload-format-indicator"),
            first(r, "contentType"),
            first(r, "responseTopic"),
            r.headers().get("x-amz-mqtt5-correlation-data"),
            first(r, "messageExpiry")),
        topic ->
            ready.registry().isAllowed(r.device(), RETAIN, arnPrefix + "topic/" + topic, variables),
        r.device());
    return JSON.createObjectNode()
        .put("message", "OK")
        .put("traceId", UUID.randomUUID().toString());
  }

  private ObjectNode publish(CallContext call, ObjectNode in) {
    CloudServices ready = ready();
    publish(
        in.path("topic").asString(""),
        Base64.getDecoder().decode(in.path("payload").asString("")),
        in.path("qos").asInt(0),
        in.path("retain").asBoolean(false),
        properties(
            in.has("userProperties") ? in.path("userProperties").asString() : null,
            text(in, "payloadFormatIndicator"),
            text(in, "contentType"),
            text(in, "responseTopic"),
            text(in, "correlationData"),
            in.has("messageExpiry") ? in.path("messageExpiry").asString() : null),
        topic ->
            call.identity() instanceof CallerIdentity caller
                && ready.identity().isAllowed(caller, RETAIN, arnPrefix + "topic/" + topic),
        new DevicePrincipal("", null, Set.of()));
    return JSON.createObjectNode();
  }

  private void publish(
      String topic,
      byte[] payload,
      int qos,
      boolean retain,
      MessageProperties properties,
      Predicate<String> mayRetain,
      DevicePrincipal by) {
    if (qos != 0 && qos != 1) {
      throw invalid("qos must be 0 or 1, not '" + qos + "'.");
    }
    if (payload.length > MAX_PAYLOAD_BYTES) {
      throw new AwsException(
          "RequestEntityTooLargeException",
          413,
          "The payload is larger than " + MAX_PAYLOAD_BYTES + " bytes.");
    }
    if (ReservedTopics.isReserved(topic)) {
      toService(topic, payload, retain, by);
      return;
    }
    if (retain && !mayRetain.test(topic)) {
      throw new AwsException(
          "ForbiddenException",
          403,
          "The policies do not allow iot:RetainPublish on " + topic + ".");
    }
    try {
      broker.get().publish(topic, payload, qos, retain, properties);
    } catch (MqttBrokerException e) {
      if (e.code().equals(MqttBrokerException.STORE_FAILED)) {
        throw e;
      }
      throw invalid(String.valueOf(e.getMessage()));
    }
  }

  /** As by MQTT: the service that owns the topic gets it, and nobody else. */
  private void toService(String topic, byte[] payload, boolean retain, DevicePrincipal by) {
    if (retain || !ReservedTopics.isForClients(topic)) {
      throw invalid("The reserved topic " + topic + " cannot be published to.");
    }
    for (DeviceTopicHandler handler : ready().topics()) {
      if (handler.accepts(topic)) {
        handler.handle(new DeviceMessage("", by, topic, payload));
        return;
      }
    }
  }

  /**
   * @param userProperties JSON: an array of objects, or one object
   * @param correlationData base64
   */
  private static MessageProperties properties(
      @Nullable String userProperties,
      @Nullable String format,
      @Nullable String contentType,
      @Nullable String responseTopic,
      @Nullable String correlationData,
      @Nullable String expiry) {
    if (format != null && !format.equals("UTF8_DATA") && !format.equals("UNSPECIFIED_BYTES")) {
      throw invalid("payloadFormatIndicator must be UNSPECIFIED_BYTES or UTF8_DATA.");
    }
    byte[] correlation;
    long expires;
    try {
      correlation = correlationData == null ? null : Base64.getDecoder().decode(correlationData);
      expires = expiry == null ? -1 : Long.parseLong(expiry);
    } catch (NumberFormatException e) {
      throw invalid("messageExpiry must be a number of seconds.");
    } catch (IllegalArgumentException e) {
      throw invalid("correlationData is not base64.");
    }
    if (expiry != null && expires < 0) {
      throw invalid("messageExpiry must not be negative.");
    }
    return new MessageProperties(
        format == null ? null : format.equals("UTF8_DATA"),
        expires,
        contentType,
        responseTopic,
        correlation,
        userProperties == null ? List.of() : userProperties(userProperties));
  }

  private static List<MessageProperties.UserProperty> userProperties(String json) {
    List<MessageProperties.UserProperty> all = new ArrayList<>();
    try {
      JsonNode given = JSON.readTree(json);
      for (JsonNode one : given.isArray() ? given : JSON.createArrayNode().add(given)) {
        if (!one.isObject()) {
          throw invalid("userProperties must be an array of JSON objects.");
        }
        one.properties()
            .forEach(
                p ->
                    all.add(
                        new MessageProperties.UserProperty(
                            p.getKey(),
                            p.getValue().isContainer()
                                ? p.getValue().toString()
                                : p.getValue().asString())));
      }
    } catch (JacksonException e) {
      throw invalid("userProperties is not JSON.");
    }
    return all;
  }

  // ---- retained messages ----

  private ObjectNode retained(String topic) {
    RetainedMessage found =
        broker
            .get()
            .retained(topic)
            .orElseThrow(
                () ->
                    new AwsException(
                        "ResourceNotFoundException",
                        404,
                        "No retained message exists for topic: '" + topic + "'"));
    ObjectNode out = JSON.createObjectNode();
    out.put("topic", found.topic())
        .put("payload", Base64.getEncoder().encodeToString(found.payload()))
        .put("qos", found.qos())
        .put("lastModifiedTime", found.keptAt());
    if (!found.properties().userProperties().isEmpty()) {
      ArrayNode properties = JSON.createArrayNode();
      found
          .properties()
          .userProperties()
          .forEach(p -> properties.addObject().put(p.name(), p.value()));
      out.put(
          "userProperties",
          Base64.getEncoder()
              .encodeToString(properties.toString().getBytes(StandardCharsets.UTF_8)));
    }
    return out;
  }

  private ObjectNode list(@Nullable String token, int size) {
    if (size < 1 || size > PAGE) {
      throw invalid("maxResults must be between 1 and " + PAGE + ".");
    }
    String after = decoded("nextToken", token);
    List<RetainedMessage> found = broker.get().retainedAfter(after == null ? "" : after, size + 1);
    ObjectNode out = JSON.createObjectNode();
    ArrayNode topics = out.putArray("retainedTopics");
    found.stream()
        .limit(size)
        .forEach(
            m ->
                topics
                    .addObject()
                    .put("topic", m.topic())
                    .put("payloadSize", m.payload().length)
                    .put("qos", m.qos())
                    .put("lastModifiedTime", m.keptAt()));
    if (found.size() > size) {
      out.put(
          "nextToken",
          Base64.getEncoder()
              .encodeToString(found.get(size - 1).topic().getBytes(StandardCharsets.UTF_8)));
    }
    return out;
  }

  // ---- requests ----

  private CloudServices ready() {
    CloudServices ready = services.get();
    if (ready == null) {
      throw new AwsException("ServiceUnavailableException", 503, "The cloud is starting.");
    }
    return ready;
  }

  private static @Nullable String decoded(String what, @Nullable String base64) {
    try {
      return base64 == null
          ? null
          : new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw invalid(what + " is not base64.");
    }
  }

  private static @Nullable String text(ObjectNode in, String member) {
    JsonNode value = in.get(member);
    return value == null || value.isNull() ? null : value.asString();
  }

  private static @Nullable String first(DeviceRequest request, String name) {
    List<String> values = request.query().get(name);
    return values == null ? null : values.getFirst();
  }

  private static int number(DeviceRequest request, String name, int otherwise) {
    String given = first(request, name);
    try {
      return given == null ? otherwise : Integer.parseInt(given);
    } catch (NumberFormatException e) {
      throw invalid(name + " must be a number, not '" + given + "'.");
    }
  }

  private static AwsException invalid(String message) {
    return new AwsException("InvalidRequestException", 400, message);
  }
}
