package io.ryegrass.registry.shadow;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.identity.CallResource;
import io.ryegrass.model.shadow.ShadowException;
import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.Registry;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
  private static final int PAGE = 100;
  private static final Set<String> ON_ONE_SHADOW =
      Set.of("iot:GetThingShadow", "iot:UpdateThingShadow", "iot:DeleteThingShadow");

  private final ShadowService shadows;
  private final Registry registry;

  ShadowApi(ShadowService shadows, Registry registry) {
    this.shadows = shadows;
    this.registry = registry;
  }

  List<DeviceRoute> routes() {
    return List.of(
        route(
            "GET", PATH, "iot:GetThingShadow", r -> shadows.get(r.path("thing"), query(r, "name"))),
        route(
            "POST",
            PATH,
            "iot:UpdateThingShadow",
            r -> shadows.updateTogether(r.path("thing"), query(r, "name"), r.body())),
        route(
            "DELETE",
            PATH,
            "iot:DeleteThingShadow",
            r -> shadows.delete(r.path("thing"), query(r, "name"))),
        route(
            "GET",
            "/api/things/shadow/ListNamedShadowsForThing/{thing}",
            "iot:ListNamedShadowsForThing",
            r -> list(r.path("thing"), query(r, "nextToken"), pageSize(query(r, "pageSize")))));
  }

  private DeviceRoute route(
      String method, String path, String action, Function<DeviceRequest, JsonNode> operation) {
    return new DeviceRoute(
        method,
        path,
        action,
        r -> arn(r.path("thing"), ON_ONE_SHADOW.contains(action) ? query(r, "name") : null),
        r -> {
          try {
            return DeviceResponse.json(200, operation.apply(r));
          } catch (ShadowException e) {
            return DeviceResponse.error(e.code(), errorName(e), String.valueOf(e.getMessage()));
          }
        });
  }

  private String arn(String thing, @Nullable String shadowName) {
    return registry.thingArn(thing) + (shadowName == null ? "" : "/" + shadowName);
  }

  Optional<CallResource> resource(String iamAction, ObjectNode in) {
    return ON_ONE_SHADOW.contains(iamAction)
        ? Optional.of(CallResource.named(arn(thing(in), text(in, "shadowName"))))
        : Optional.empty();
  }

  private static @Nullable String query(DeviceRequest request, String name) {
    List<String> values = request.query().getOrDefault(name, List.of());
    return values.isEmpty() || values.getFirst().isEmpty() ? null : values.getFirst();
  }

  private static int pageSize(@Nullable String asked) {
    int size = -1;
    try {
      size = asked == null ? PAGE : Integer.parseInt(asked);
    } catch (NumberFormatException e) {
      size = -1; // refused below, as what is out of bounds
    }
    if (size < 1 || size > PAGE) {
      throw new ShadowException(400, "pageSize must be between 1 and " + PAGE);
    }
    return size;
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
                        shadows.updateTogether(
                            thing(in), text(in, "shadowName"), bytes(in.path("payload")))))
        .json(
            "DeleteThingShadow",
            (c, in) -> payload(() -> shadows.delete(thing(in), text(in, "shadowName"))))
        .json(
            "ListNamedShadowsForThing",
            (c, in) ->
                answer(
                    () -> list(thing(in), text(in, "nextToken"), in.path("pageSize").asInt(PAGE))))
        .build();
  }

  private ObjectNode list(String thing, @Nullable String token, int size) {
    List<String> names = shadows.names(thing, token == null ? "" : after(token), size);
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode results = answer.putArray("results");
    names.stream().limit(size).forEach(results::add);
    if (names.size() > size) {
      answer.put("nextToken", token(names.get(size - 1)));
    }
    return answer.put("timestamp", shadows.now());
  }

  private static String token(String last) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(last.getBytes(StandardCharsets.UTF_8));
  }

  private static String after(String token) {
    try {
      return new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new ShadowException(400, "Invalid nextToken");
    }
  }

  private static ObjectNode payload(Supplier<JsonNode> operation) {
    byte[] document = JSON.writeValueAsBytes(answer(operation));
    return JSON.createObjectNode().put("payload", Base64.getEncoder().encodeToString(document));
  }

  private static <T extends JsonNode> T answer(Supplier<T> operation) {
    try {
      return operation.get();
    } catch (ShadowException e) {
      throw new AwsException(errorName(e), e.code(), String.valueOf(e.getMessage()));
    }
  }

  private static String errorName(ShadowException e) {
    return switch (e.code()) {
      case 404 -> "ResourceNotFoundException";
      case 409 -> "ConflictException";
      case 413 -> "RequestEntityTooLargeException";
      case 415 -> "UnsupportedDocumentEncodingException";
      case 429 -> "ThrottlingException";
      case 500 -> "InternalFailureException";
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
