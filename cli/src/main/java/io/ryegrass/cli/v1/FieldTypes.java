package io.ryegrass.cli.v1;

import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Members of V1's contents that are no texts; templates write {@code "true"} and {@code "512"}. */
final class FieldTypes {
  private static final Set<String> FLAGS =
      Set.of("Pinned", "SyncShadow", "AccessSysfs", "AutoAddGroupOwner");
  private static final Set<String> NUMBERS = Set.of("MemorySize", "Timeout", "Uid", "Gid", "Space");
  private static final Set<String> OF_ENVIRONMENT =
      Set.of("ResourceAccessPolicies", "AccessSysfs", "Execution");

  private FieldTypes() {}

  /** The same content with typed members; what a text is no number for stays that text. */
  static JsonNode typed(JsonNode node) {
    return switch (node) {
      case ObjectNode object -> {
        ObjectNode typed = object.objectNode();
        object
            .properties()
            .forEach(
                e ->
                    typed.set(
                        e.getKey(),
                        e.getKey().equals("Variables") || e.getKey().equals("Parameters")
                            ? texts(e.getValue())
                            : value(e.getKey(), e.getValue())));
        yield typed;
      }
      case ArrayNode array -> {
        ArrayNode typed = array.arrayNode();
        array.forEach(element -> typed.add(typed(element)));
        yield typed;
      }
      default -> node;
    };
  }

  private static JsonNode value(String name, JsonNode value) {
    if (!value.isString()) {
      return name.equals("FunctionConfiguration") && value instanceof ObjectNode object
          ? typed(environment(object))
          : typed(value);
    }
    String text = value.stringValue().strip();
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    if (FLAGS.contains(name)) {
      return nodes.booleanNode(text.equalsIgnoreCase("true"));
    }
    if (NUMBERS.contains(name) && text.matches("-?\\d{1,9}")) {
      return nodes.numberNode(Integer.parseInt(text));
    }
    return value;
  }

  private static JsonNode texts(JsonNode map) {
    if (!(map instanceof ObjectNode object)) {
      return map;
    }
    ObjectNode texts = object.objectNode();
    object
        .properties()
        .forEach(
            e ->
                texts.put(
                    e.getKey(),
                    e.getValue().isValueNode()
                        ? e.getValue().asString()
                        : e.getValue().toString()));
    return texts;
  }

  /** The guide's printed template has some members of Environment beside it. */
  private static ObjectNode environment(ObjectNode configuration) {
    ObjectNode moved = configuration.deepCopy();
    for (String name : OF_ENVIRONMENT) {
      JsonNode value = moved.remove(name);
      if (value != null) {
        moved.withObject("/Environment").set(name, value);
      }
    }
    return moved;
  }
}
