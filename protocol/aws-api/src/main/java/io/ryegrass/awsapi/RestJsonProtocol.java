package io.ryegrass.awsapi;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ryegrass.awsapi.ServiceModel.Operation;
import io.ryegrass.awsapi.Shape.Location;
import io.ryegrass.awsapi.Shape.Member;
import io.ryegrass.awsapi.Shape.Type;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** AWS restJson1: members in the path, the query, headers, and a JSON body or a bare payload. */
final class RestJsonProtocol implements Protocol {

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  @Override
  public ObjectNode read(
      Operation operation,
      ApiRequest request,
      Map<String, String> labels,
      Map<String, List<String>> query) {
    ObjectNode tree = NODES.objectNode();
    Shape input = operation.input();
    if (input == null) {
      return tree;
    }
    for (Member member : input.members.values()) {
      JsonNode value =
          switch (member.location()) {
            case URI -> text(member, labels.get(member.wireName()));
            case QUERY -> fromQuery(member, query);
            case HEADER -> fromHeader(member, request);
            case HEADERS -> fromHeaders(member, request);
            case BODY, STATUS -> null;
          };
      if (value != null) {
        tree.set(member.name(), value);
      }
    }
    if (input.payload == null) {
      if (input.members.values().stream().anyMatch(m -> m.location() == Location.BODY)) {
        Trees.readStructure(input, Trees.parseObject(request.body()), tree, "");
      }
    } else if (request.body().length > 0) {
      Member payload = member(input, input.payload);
      JsonNode value =
          switch (payload.shape().type) {
            case BLOB -> NODES.stringNode(Base64.getEncoder().encodeToString(request.body()));
            case STRING -> NODES.stringNode(new String(request.body(), UTF_8));
            default -> Trees.read(payload, Trees.parseObject(request.body()), payload.name());
          };
      if (!value.isObject() || !value.isEmpty()) { // an empty document is how clients send none
        tree.set(payload.name(), value);
      }
    }
    return tree;
  }

  private static @Nullable JsonNode text(Member member, @Nullable String text) {
    return text == null ? null : Trees.readText(member, text);
  }

  private static @Nullable JsonNode fromQuery(Member member, Map<String, List<String>> query) {
    if (member.shape().type == Type.MAP) {
      ObjectNode rest = NODES.objectNode();
      boolean lists = member.shape().valueMember().shape().type == Type.LIST;
      query.forEach(
          (name, values) -> {
            if (lists) {
              ArrayNode array = rest.putArray(name);
              values.forEach(array::add);
            } else {
              rest.put(name, values.getFirst());
            }
          });
      return rest;
    }
    List<String> values = query.get(member.wireName());
    if (values == null) {
      return null;
    }
    if (member.shape().type == Type.LIST) {
      ArrayNode array = NODES.arrayNode();
      values.forEach(v -> array.add(Trees.readText(member.shape().elementMember(), v)));
      return array;
    }
    // "?marker=" is how some clients say "no marker"
    return values.getFirst().isEmpty() && member.shape().type != Type.STRING
        ? null
        : Trees.readText(member, values.getFirst());
  }

  private static @Nullable JsonNode fromHeader(Member member, ApiRequest request) {
    String text = request.header(member.wireName().toLowerCase(Locale.ROOT)).orElse(null);
    if (text == null) {
      return null;
    }
    if (member.jsonValue()) {
      try {
        return NODES.stringNode(new String(Base64.getDecoder().decode(text.strip()), UTF_8));
      } catch (IllegalArgumentException e) {
        throw new AwsException(
            "SerializationException", 400, "header " + member.wireName() + " is not base64");
      }
    }
    if (member.shape().type == Type.LIST) {
      ArrayNode array = NODES.arrayNode();
      HeaderLists.split(text, member.shape().elementMember().shape().type == Type.TIMESTAMP)
          .forEach(part -> array.add(Trees.readText(member.shape().elementMember(), part)));
      return array;
    }
    return Trees.readText(member, text);
  }

  private static JsonNode fromHeaders(Member member, ApiRequest request) {
    String prefix = member.wireName().toLowerCase(Locale.ROOT);
    ObjectNode found = NODES.objectNode();
    request
        .headers()
        .forEach(
            (name, values) -> {
              if (name.startsWith(prefix)) {
                found.put(name.substring(prefix.length()), values.getFirst());
              }
            });
    return found;
  }

  @Override
  public ApiResponse write(
      ServiceModel model, Operation operation, ObjectNode output, String requestId) {
    Map<String, String> headers = Protocol.headers("application/json", requestId);
    Shape shape = operation.output();
    int status = operation.responseCode();
    if (shape == null) {
      headers.remove("Content-Type");
      return new ApiResponse(status, headers, new byte[0]);
    }
    for (Member member : shape.members.values()) {
      JsonNode value = Trees.present(output, member.name());
      if (value == null) {
        continue;
      }
      switch (member.location()) {
        case HEADER -> headers.put(member.wireName(), headerText(member, value));
        case HEADERS ->
            value
                .properties()
                .forEach(e -> headers.put(member.wireName() + e.getKey(), e.getValue().asString()));
        case STATUS -> status = value.intValue();
        default -> {}
      }
    }
    return new ApiResponse(status, headers, body(shape, output, headers));
  }

  private static String headerText(Member member, JsonNode value) {
    if (member.jsonValue()) {
      return Base64.getEncoder().encodeToString(value.asString().getBytes(UTF_8));
    }
    if (value instanceof ArrayNode array) {
      List<String> parts = new ArrayList<>();
      Member element = member.shape().elementMember();
      array.forEach(e -> parts.add(Trees.writeText(element, e, Timestamps.RFC)));
      return HeaderLists.join(parts, element.shape().type == Type.STRING);
    }
    return Trees.writeText(member, value, Timestamps.RFC);
  }

  private static byte[] body(Shape shape, ObjectNode output, Map<String, String> headers) {
    if (shape.payload == null) {
      return Trees.JSON.writeValueAsBytes(Trees.writeStructure(shape, output));
    }
    Member payload = member(shape, shape.payload);
    JsonNode value = Trees.present(output, payload.name());
    if (value == null) {
      return new byte[0];
    }
    return switch (payload.shape().type) {
      case BLOB -> {
        headers.putIfAbsent("Content-Type", "application/octet-stream");
        yield Base64.getDecoder().decode(value.asString());
      }
      case STRING -> value.asString().getBytes(UTF_8);
      default -> Trees.JSON.writeValueAsBytes(Trees.write(payload, value));
    };
  }

  private static Member member(Shape shape, String name) {
    Member member = shape.members.get(name);
    if (member == null) {
      throw new IllegalStateException("the model's shape " + shape.name + " lacks " + name);
    }
    return member;
  }

  @Override
  public ApiResponse error(@Nullable ServiceModel model, Failure failure, String requestId) {
    Map<String, String> headers = Protocol.headers("application/json", requestId);
    headers.put("x-amzn-ErrorType", failure.code());
    Shape shape = model == null ? null : model.error(failure.code());
    if (shape != null) {
      for (Member member : shape.members.values()) {
        JsonNode value = Trees.present(failure.members(), member.name());
        if (value != null && member.location() == Location.HEADER) {
          headers.put(member.wireName(), headerText(member, value));
        }
      }
    }
    return new ApiResponse(
        failure.status(), headers, Trees.JSON.writeValueAsBytes(errorBody(model, failure)));
  }

  /** Members by the model's error shape when there is one, and the message under its name there. */
  static ObjectNode errorBody(@Nullable ServiceModel model, Failure failure) {
    Shape shape = model == null ? null : model.error(failure.code());
    ObjectNode body =
        shape == null
            ? failure.members().deepCopy()
            : Trees.writeStructure(shape, failure.members());
    Member message = shape == null ? null : shape.messageMember();
    if (!failure.message().isEmpty()) {
      body.put(message == null ? "message" : message.wireName(), failure.message());
    }
    return body;
  }
}
