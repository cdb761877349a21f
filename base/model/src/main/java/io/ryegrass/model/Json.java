package io.ryegrass.model;

import java.io.StringWriter;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.core.io.SerializedString;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.ByteArrayBuilder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.MissingNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLFactory;

/**
 * JSON and YAML as trees, by Jackson's parsers and nodes and without its object mapper: a program
 * that knows trees alone need not load the 800 classes with which a mapper makes objects (4 MB and
 * some tens of milliseconds of each start; docs/decisions/020-trees-without-a-mapper.md).
 *
 * <p>Reads as {@code JsonMapper.readTree} does: nothing at all is a {@link MissingNode}, of two
 * members with one name the later counts unless told otherwise, and what follows the value is an
 * error. {@code JsonNode.toString()} makes a mapper; {@link #text} does not.
 */
public final class Json {
  private static final JsonFactory JSON = new JsonFactory();
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private Json() {}

  /**
   * @throws JacksonException when it is not JSON; it knows line and column
   */
  public static JsonNode read(byte[] text) {
    try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), text)) {
      return whole(parser);
    }
  }

  /**
   * @throws JacksonException when it is not JSON; it knows line and column
   */
  public static JsonNode read(String text) {
    try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), text)) {
      return whole(parser);
    }
  }

  /**
   * As {@link #read(byte[])}; two members with one name are an error.
   *
   * @throws JacksonException when it is not JSON; it knows line and column
   */
  public static JsonNode readStrictly(byte[] text) {
    return whole(Strict.JSON, text);
  }

  /**
   * @throws JacksonException when it is not YAML; it knows line and column
   */
  public static JsonNode readYaml(byte[] text) {
    return whole(Yaml.FACTORY, text);
  }

  /**
   * As {@link #readYaml}; two members with one name are an error.
   *
   * @throws JacksonException when it is not YAML; it knows line and column
   */
  public static JsonNode readYamlStrictly(byte[] text) {
    return whole(Yaml.STRICT, text);
  }

  public static ObjectNode object() {
    return NODES.objectNode();
  }

  public static ArrayNode array() {
    return NODES.arrayNode();
  }

  /** Compact JSON in UTF-8. */
  public static byte[] bytes(JsonNode node) {
    try (ByteArrayBuilder out = new ByteArrayBuilder()) {
      try (JsonGenerator generator = JSON.createGenerator(ObjectWriteContext.empty(), out)) {
        write(generator, node);
      }
      return out.toByteArray();
    }
  }

  /** Compact JSON. */
  public static String text(JsonNode node) {
    StringWriter out = new StringWriter();
    try (JsonGenerator generator = JSON.createGenerator(ObjectWriteContext.empty(), out)) {
      write(generator, node);
    }
    return out.toString();
  }

  /** A text as JSON in UTF-8, with its quotation marks. */
  public static byte[] quoted(String text) {
    byte[] inside = new SerializedString(text).asQuotedUTF8();
    byte[] quoted = new byte[inside.length + 2];
    quoted[0] = '"';
    System.arraycopy(inside, 0, quoted, 1, inside.length);
    quoted[quoted.length - 1] = '"';
    return quoted;
  }

  /** Loaded by those who need it. */
  private static final class Strict {
    static final JsonFactory JSON =
        JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
  }

  /** Loaded by those who need it. */
  private static final class Yaml {
    static final YAMLFactory FACTORY = new YAMLFactory();
    static final YAMLFactory STRICT =
        YAMLFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
  }

  private static JsonNode whole(TokenStreamFactory factory, byte[] text) {
    try (JsonParser parser = factory.createParser(ObjectReadContext.empty(), text)) {
      return whole(parser);
    }
  }

  private static JsonNode whole(JsonParser parser) {
    if (parser.nextToken() == null) {
      return MissingNode.getInstance();
    }
    JsonNode node = value(parser);
    JsonToken more = parser.nextToken();
    if (more != null) {
      throw new StreamReadException(parser, "Trailing token (" + more + ") after the value");
    }
    return node;
  }

  /** The value whose first token is current. Depth is bounded by the parser. */
  private static JsonNode value(JsonParser parser) {
    JsonToken token = parser.currentToken();
    return switch (token) {
      case START_OBJECT -> object(parser);
      case START_ARRAY -> array(parser);
      case VALUE_STRING -> NODES.stringNode(parser.getString());
      case VALUE_NUMBER_INT -> integer(parser);
      case VALUE_NUMBER_FLOAT -> NODES.numberNode(parser.getDoubleValue());
      case VALUE_TRUE -> NODES.booleanNode(true);
      case VALUE_FALSE -> NODES.booleanNode(false);
      case VALUE_NULL -> NODES.nullNode();
      case VALUE_EMBEDDED_OBJECT -> embedded(parser.getEmbeddedObject());
      default -> throw new StreamReadException(parser, "Unexpected token (" + token + ")");
    };
  }

  private static ObjectNode object(JsonParser parser) {
    ObjectNode node = NODES.objectNode();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      parser.nextToken();
      node.set(name, value(parser));
    }
    return node;
  }

  private static ArrayNode array(JsonParser parser) {
    ArrayNode node = NODES.arrayNode();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      node.add(value(parser));
    }
    return node;
  }

  private static JsonNode integer(JsonParser parser) {
    return switch (parser.getNumberType()) {
      case INT -> NODES.numberNode(parser.getIntValue());
      case LONG -> NODES.numberNode(parser.getLongValue());
      default -> NODES.numberNode(parser.getBigIntegerValue());
    };
  }

  /** YAML's {@code !!binary}. */
  private static JsonNode embedded(@Nullable Object value) {
    return value instanceof byte[] bytes ? NODES.binaryNode(bytes) : NODES.nullNode();
  }

  private static void write(JsonGenerator out, JsonNode node) {
    switch (node.getNodeType()) {
      case OBJECT -> {
        out.writeStartObject();
        for (Map.Entry<String, JsonNode> member : node.properties()) {
          out.writeName(member.getKey());
          write(out, member.getValue());
        }
        out.writeEndObject();
      }
      case ARRAY -> {
        out.writeStartArray();
        for (JsonNode element : node) {
          write(out, element);
        }
        out.writeEndArray();
      }
      case STRING -> out.writeString(node.stringValue());
      case BOOLEAN -> out.writeBoolean(node.booleanValue());
      case NUMBER -> number(out, node);
      case BINARY -> out.writeBinary(node.binaryValue());
      case NULL, MISSING -> out.writeNull();
      case POJO ->
          throw new IllegalArgumentException("a Java object is no JSON: " + node.getClass());
    }
  }

  private static void number(JsonGenerator out, JsonNode node) {
    switch (node.numberType()) {
      case INT -> out.writeNumber(node.intValue());
      case LONG -> out.writeNumber(node.longValue());
      case FLOAT -> out.writeNumber(node.floatValue());
      case DOUBLE -> out.writeNumber(node.doubleValue());
      case BIG_INTEGER -> out.writeNumber(node.bigIntegerValue());
      case BIG_DECIMAL -> out.writeNumber(node.decimalValue());
    }
  }
}
