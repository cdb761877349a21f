package io.ryegrass.awsapi;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ryegrass.awsapi.ServiceModel.Operation;
import io.ryegrass.awsapi.Shape.Member;
import io.ryegrass.awsapi.Shape.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** AWS awsQuery: form parameters such as {@code Tags.member.1.Key=a} in, XML out. */
final class QueryProtocol implements Protocol {

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final int LONGEST_LIST = 10_000;

  /** Parameters of the query and of the form. */
  static Map<String, List<String>> parameters(ApiRequest request) {
    // sorted, so that whether anything begins with a name is found without looking at all of them
    Map<String, List<String>> parameters = new TreeMap<>(Router.query(request.rawQuery()));
    if (request.method().equals("POST")) {
      parameters.putAll(Router.query(new String(request.body(), UTF_8)));
    }
    return parameters;
  }

  @Override
  public ObjectNode read(
      Operation operation,
      ApiRequest request,
      Map<String, String> labels,
      Map<String, List<String>> query) {
    ObjectNode tree = NODES.objectNode();
    if (operation.input() != null) {
      structure(operation.input(), "", query, tree);
    }
    return tree;
  }

  private static void structure(
      Shape shape, String prefix, Map<String, List<String>> parameters, ObjectNode into) {
    for (Member member : shape.members.values()) {
      JsonNode value = value(member, prefix + member.wireName(), parameters);
      if (value != null) {
        into.set(member.name(), value);
      }
    }
  }

  private static @Nullable JsonNode value(
      Member member, String name, Map<String, List<String>> parameters) {
    Shape shape = member.shape();
    if (shape.type != Type.STRUCTURE && shape.type != Type.LIST && shape.type != Type.MAP) {
      List<String> values = parameters.get(name);
      return values == null ? null : Trees.readText(member, values.getFirst());
    }
    if (!hasBelow(parameters, name + ".")) {
      if (!parameters.containsKey(name)) {
        return null;
      }
      return switch (shape.type) {
        case LIST -> NODES.arrayNode();
        case MAP -> NODES.objectNode();
        default -> null;
      };
    }
    return switch (shape.type) {
      case LIST -> list(shape, name, parameters);
      case MAP -> map(shape, name, parameters);
      default -> {
        ObjectNode object = NODES.objectNode();
        structure(shape, name + ".", parameters, object);
        yield object;
      }
    };
  }

  private static boolean hasBelow(Map<String, List<String>> parameters, String prefix) {
    if (parameters instanceof NavigableMap<String, List<String>> sorted) {
      String next = sorted.ceilingKey(prefix);
      return next != null && next.startsWith(prefix);
    }
    return parameters.keySet().stream().anyMatch(p -> p.startsWith(prefix));
  }

  private static ArrayNode list(Shape shape, String name, Map<String, List<String>> parameters) {
    ArrayNode array = NODES.arrayNode();
    Member element = shape.elementMember();
    String prefix = shape.flattened ? name + "." : name + "." + element.wireName() + ".";
    for (int i = 1; i <= LONGEST_LIST; i++) {
      JsonNode value = value(element, prefix + i, parameters);
      if (value == null) {
        break;
      }
      array.add(value);
    }
    return array;
  }

  private static ObjectNode map(Shape shape, String name, Map<String, List<String>> parameters) {
    ObjectNode object = NODES.objectNode();
    String prefix = shape.flattened ? name + "." : name + ".entry.";
    for (int i = 1; i <= LONGEST_LIST; i++) {
      List<String> key = parameters.get(prefix + i + "." + shape.keyName);
      JsonNode value =
          value(shape.valueMember(), prefix + i + "." + shape.valueMember().wireName(), parameters);
      if (key == null || value == null) {
        break;
      }
      object.set(key.getFirst(), value);
    }
    return object;
  }

  @Override
  public ApiResponse write(
      ServiceModel model, Operation operation, ObjectNode output, String requestId) {
    StringBuilder xml = new StringBuilder(512);
    xml.append('<').append(operation.name()).append("Response xmlns=\"");
    xml.append(model.xmlNamespace()).append("\">");
    if (operation.output() != null && operation.resultWrapper() != null) {
      xml.append('<').append(operation.resultWrapper()).append('>');
      members(operation.output(), output, xml);
      xml.append("</").append(operation.resultWrapper()).append('>');
    }
    xml.append("<ResponseMetadata>");
    element("RequestId", requestId, xml);
    xml.append("</ResponseMetadata></").append(operation.name()).append("Response>");
    return answer(200, xml, requestId);
  }

  private static void members(Shape shape, JsonNode tree, StringBuilder xml) {
    for (Member member : shape.members.values()) {
      JsonNode value = Trees.present(tree, member.name());
      if (value != null) {
        write(member, member.wireName(), value, xml);
      }
    }
  }

  private static void write(Member member, String tag, JsonNode value, StringBuilder xml) {
    Shape shape = member.shape();
    switch (shape.type) {
      case STRUCTURE -> {
        xml.append('<').append(tag).append('>');
        members(shape, value, xml);
        xml.append("</").append(tag).append('>');
      }
      case LIST -> {
        List<JsonNode> elements = new ArrayList<>();
        value.forEach(elements::add);
        if (shape.flattened) {
          elements.forEach(e -> write(shape.elementMember(), tag, e, xml));
        } else {
          xml.append('<').append(tag).append('>');
          elements.forEach(
              e -> write(shape.elementMember(), shape.elementMember().wireName(), e, xml));
          xml.append("</").append(tag).append('>');
        }
      }
      case MAP -> {
        xml.append(shape.flattened ? "" : "<" + tag + ">");
        String entry = shape.flattened ? tag : "entry";
        value
            .properties()
            .forEach(
                e -> {
                  xml.append('<').append(entry).append('>');
                  element(shape.keyName, e.getKey(), xml);
                  write(shape.valueMember(), shape.valueMember().wireName(), e.getValue(), xml);
                  xml.append("</").append(entry).append('>');
                });
        xml.append(shape.flattened ? "" : "</" + tag + ">");
      }
      default -> element(tag, Trees.writeText(member, value, Timestamps.ISO), xml);
    }
  }

  @Override
  public ApiResponse error(@Nullable ServiceModel model, Failure failure, String requestId) {
    StringBuilder xml = new StringBuilder(256);
    xml.append("<ErrorResponse");
    if (model != null) {
      xml.append(" xmlns=\"").append(model.xmlNamespace()).append('"');
    }
    xml.append("><Error>");
    element("Type", failure.status() >= 500 ? "Receiver" : "Sender", xml);
    Shape shape = model == null ? null : model.error(failure.code());
    element(
        "Code", shape != null && shape.errorCode != null ? shape.errorCode : failure.code(), xml);
    if (!failure.message().isEmpty()) {
      element("Message", failure.message(), xml);
    }
    if (shape != null) {
      for (Member member : shape.members.values()) {
        JsonNode value = Trees.present(failure.members(), member.name());
        if (value != null && member != shape.messageMember()) {
          write(member, member.wireName(), value, xml);
        }
      }
    }
    xml.append("</Error>");
    element("RequestId", requestId, xml);
    xml.append("</ErrorResponse>");
    return answer(failure.status(), xml, requestId);
  }

  private static ApiResponse answer(int status, StringBuilder xml, String requestId) {
    return new ApiResponse(
        status, Protocol.headers("text/xml", requestId), xml.toString().getBytes(UTF_8));
  }

  private static void element(String tag, String text, StringBuilder xml) {
    xml.append('<').append(tag).append('>');
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '<' -> xml.append("&lt;");
                case '>' -> xml.append("&gt;");
                case '&' -> xml.append("&amp;");
                case '"' -> xml.append("&quot;");
                case '\r' -> xml.append("&#xD;");
                default -> {
                  boolean xmlChar = c == '\t' || c == '\n' || c >= 0x20;
                  xml.appendCodePoint(xmlChar && c != 0xFFFE && c != 0xFFFF ? c : 0xFFFD);
                }
              }
            });
    xml.append("</").append(tag).append('>');
  }
}
