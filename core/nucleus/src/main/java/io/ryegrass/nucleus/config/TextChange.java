package io.ryegrass.nucleus.config;

import java.util.Map;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Changes all text of a tree, deep in objects and lists; keys stay. */
final class TextChange {
  private TextChange() {}

  static JsonNode apply(JsonNode node, UnaryOperator<String> change) {
    if (node.isString()) {
      return JsonNodeFactory.instance.stringNode(change.apply(node.stringValue()));
    }
    if (node instanceof ObjectNode o) {
      ObjectNode made = JsonNodeFactory.instance.objectNode();
      for (Map.Entry<String, JsonNode> e : o.properties()) {
        made.set(e.getKey(), apply(e.getValue(), change));
      }
      return made;
    }
    if (node instanceof ArrayNode a) {
      ArrayNode made = JsonNodeFactory.instance.arrayNode();
      for (JsonNode item : a) {
        made.add(apply(item, change));
      }
      return made;
    }
    return node;
  }
}
