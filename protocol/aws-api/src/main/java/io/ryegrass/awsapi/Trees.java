package io.ryegrass.awsapi;

import io.ryegrass.awsapi.Shape.Location;
import io.ryegrass.awsapi.Shape.Member;
import java.math.BigDecimal;
import java.util.Base64;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Between JSON on the wire and the trees that handlers see. The trees have the model's member
 * names, blobs as base64 text and timestamps as numbers; unknown members and nulls are left out; a
 * value of the wrong type is refused with {@code SerializationException}.
 */
final class Trees {

  /**
   * The largest documents of the API are V1 definitions of ten thousand subscriptions with about
   * ten tokens each. Without a bound a body of tiny values fills the heap: as a tree it is thirty
   * times as large.
   */
  private static final long MAX_TOKENS = 250_000;

  static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxTokenCount(MAX_TOKENS).build())
                  .build())
          .build();

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private Trees() {}

  static ObjectNode parseObject(byte[] body) {
    if (body.length == 0) {
      return NODES.objectNode();
    }
    JsonNode node;
    try {
      node = JSON.readTree(body);
    } catch (JacksonException e) {
      throw new AwsException(
          "SerializationException", 400, "The body is not JSON: " + e.getOriginalMessage());
    }
    if (node.isMissingNode() || node.isNull()) {
      return NODES.objectNode();
    }
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw wrongType("the body", "a JSON object");
  }

  /** Reads the body members of a structure into a tree. */
  static void readStructure(Shape shape, JsonNode wire, ObjectNode into, String path) {
    for (Member member : shape.members.values()) {
      JsonNode value = member.location() == Location.BODY ? wire.get(member.wireName()) : null;
      if (value != null && !value.isNull()) {
        into.set(member.name(), read(member, value, join(path, member.name())));
      }
    }
  }

  static JsonNode read(Member member, JsonNode wire, String path) {
    Shape shape = member.shape();
    return switch (shape.type) {
      case STRUCTURE -> {
        ObjectNode object = NODES.objectNode();
        readStructure(shape, require(wire, wire.isObject(), path, "an object"), object, path);
        yield object;
      }
      case LIST -> {
        ArrayNode array = NODES.arrayNode();
        for (JsonNode element : require(wire, wire.isArray(), path, "a list")) {
          if (!element.isNull()) {
            array.add(read(shape.elementMember(), element, path));
          } else if (shape.sparse) {
            array.addNull();
          }
        }
        yield array;
      }
      case MAP -> {
        ObjectNode object = NODES.objectNode();
        for (var e : require(wire, wire.isObject(), path, "an object").properties()) {
          if (!e.getValue().isNull()) {
            object.set(e.getKey(), read(shape.valueMember(), e.getValue(), join(path, e.getKey())));
          } else if (shape.sparse) {
            object.putNull(e.getKey());
          }
        }
        yield object;
      }
      case STRING -> require(wire, wire.isString(), path, "a string");
      case BLOB -> {
        require(wire, wire.isString(), path, "a base64 string");
        try {
          Base64.getDecoder().decode(wire.asString());
        } catch (IllegalArgumentException e) {
          throw wrongType(path, "a base64 string");
        }
        yield wire;
      }
      case BOOLEAN -> require(wire, wire.isBoolean(), path, "a boolean");
      case INTEGER -> integer(wire, path, Integer.MIN_VALUE, Integer.MAX_VALUE);
      case LONG -> integer(wire, path, Long.MIN_VALUE, Long.MAX_VALUE);
      case FLOAT, DOUBLE -> require(wire, isFinite(wire), path, "a number");
      case TIMESTAMP -> wire.isString() ? Timestamps.parse(wire.asString()) : timestamp(wire, path);
    };
  }

  private static JsonNode timestamp(JsonNode wire, String path) {
    require(wire, isFinite(wire), path, "a timestamp");
    Timestamps.instant(wire);
    return wire;
  }

  /** A literal like 1e400 is read as infinity. */
  private static boolean isFinite(JsonNode wire) {
    return wire.isNumber() && Double.isFinite(wire.doubleValue());
  }

  /** Whole numbers in any notation; those that do not fit their type are refused. */
  private static JsonNode integer(JsonNode wire, String path, long min, long max) {
    if (wire.isIntegralNumber() && wire.canConvertToLong()) {
      long value = wire.longValue();
      return require(wire, value >= min && value <= max, path, "an integer");
    }
    require(wire, isFinite(wire), path, "an integer");
    BigDecimal number = wire.decimalValue();
    boolean fits =
        number.compareTo(BigDecimal.valueOf(min)) >= 0
            && number.compareTo(BigDecimal.valueOf(max)) <= 0
            && number.stripTrailingZeros().scale() <= 0;
    require(wire, fits, path, "an integer");
    return NODES.numberNode(number.longValueExact());
  }

  private static JsonNode require(JsonNode wire, boolean good, String path, String wanted) {
    if (!good) {
      throw wrongType(path, wanted);
    }
    return wire;
  }

  private static AwsException wrongType(String path, String wanted) {
    return new AwsException("SerializationException", 400, "'" + path + "' must be " + wanted);
  }

  static String join(String path, String name) {
    return path.isEmpty() ? name : path + '.' + name;
  }

  /** Reads a scalar that travelled as text: in a label, a query parameter, a header, a form. */
  static JsonNode readText(Member member, String text) {
    try {
      return switch (member.shape().type) {
        case STRING -> NODES.stringNode(text);
        case BLOB -> NODES.stringNode(text);
        case BOOLEAN ->
            switch (text.toLowerCase(Locale.ROOT)) {
              case "true" -> NODES.booleanNode(true);
              case "false" -> NODES.booleanNode(false);
              default -> throw wrongType(member.name(), "a boolean");
            };
        case INTEGER -> NODES.numberNode(Integer.parseInt(text.strip()));
        case LONG -> NODES.numberNode(Long.parseLong(text.strip()));
        case FLOAT, DOUBLE -> finite(member, Double.parseDouble(text.strip()));
        case TIMESTAMP -> Timestamps.parse(text);
        default -> throw wrongType(member.name(), "a scalar");
      };
    } catch (NumberFormatException e) {
      throw wrongType(member.name(), "a number");
    }
  }

  private static JsonNode finite(Member member, double number) {
    if (!Double.isFinite(number)) {
      throw wrongType(member.name(), "a finite number");
    }
    return NODES.numberNode(number);
  }

  /** Writes a scalar as text. */
  static String writeText(Member member, JsonNode value, String defaultTimestamp) {
    return switch (member.shape().type) {
      case TIMESTAMP -> Timestamps.text(value, member.timestampFormatOr(defaultTimestamp));
      default -> value.isValueNode() ? value.asString() : value.toString();
    };
  }

  /** The body members of a structure as JSON for the wire. */
  static ObjectNode writeStructure(Shape shape, JsonNode tree) {
    ObjectNode object = NODES.objectNode();
    for (Member member : shape.members.values()) {
      JsonNode value = present(tree, member.name());
      if (value != null && IN_BODY.contains(member.location())) {
        object.set(member.wireName(), write(member, value));
      }
    }
    return object;
  }

  /** What places a member in a request means nothing in an answer. */
  private static final Set<Location> IN_BODY = Set.of(Location.BODY, Location.QUERY, Location.URI);

  static JsonNode write(Member member, JsonNode value) {
    Shape shape = member.shape();
    if (value.isNull()) {
      return value;
    }
    return switch (shape.type) {
      case STRUCTURE -> writeStructure(shape, value);
      case LIST -> {
        ArrayNode array = NODES.arrayNode();
        value.forEach(e -> array.add(write(shape.elementMember(), e)));
        yield array;
      }
      case MAP -> {
        ObjectNode object = NODES.objectNode();
        value
            .properties()
            .forEach(e -> object.set(e.getKey(), write(shape.valueMember(), e.getValue())));
        yield object;
      }
      case TIMESTAMP -> {
        JsonNode number = value.isString() ? Timestamps.parse(value.asString()) : value;
        String format = member.timestampFormatOr(Timestamps.UNIX);
        yield format.equals(Timestamps.UNIX)
            ? number
            : NODES.stringNode(Timestamps.text(number, format));
      }
      default -> value;
    };
  }

  static @Nullable JsonNode present(JsonNode tree, String name) {
    JsonNode value = tree.get(name);
    return value == null || value.isNull() ? null : value;
  }
}
