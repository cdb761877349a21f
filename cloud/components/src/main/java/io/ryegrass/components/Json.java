package io.ryegrass.components;

import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Small readings and writings of request and response trees. */
final class Json {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private Json() {}

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** Reads what this module wrote itself. */
  static ObjectNode read(String text) {
    return (ObjectNode) MAPPER.readTree(text);
  }

  /** Reads what a caller wrote; null when it is not a JSON object. */
  static @Nullable ObjectNode tryRead(byte[] text) {
    try {
      return MAPPER.readTree(text) instanceof ObjectNode object ? object : null;
    } catch (JacksonException e) {
      return null; // the callers answer with an error of their own that names the field
    }
  }

  static @Nullable ObjectNode tryRead(String text) {
    return tryRead(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  static String text(JsonNode node, String field) {
    JsonNode value = node.get(field);
    return value == null || value.isNull() || value.isContainer() ? "" : value.asString();
  }

  static double seconds(Instant time) {
    return time.toEpochMilli() / 1000.0;
  }

  static void putUnlessEmpty(ObjectNode node, String field, @Nullable String value) {
    if (value != null && !value.isEmpty()) {
      node.put(field, value);
    }
  }

  static Map<String, String> texts(@Nullable JsonNode node) {
    Map<String, String> result = new TreeMap<>();
    if (node instanceof ObjectNode object) {
      object.properties().forEach(e -> result.put(e.getKey(), e.getValue().asString()));
    }
    return result;
  }

  static void putTags(ObjectNode node, Map<String, String> tags) {
    if (!tags.isEmpty()) {
      ObjectNode target = node.putObject("tags");
      tags.forEach(target::put);
    }
  }
}
