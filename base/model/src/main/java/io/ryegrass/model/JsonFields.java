package io.ryegrass.model;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Look-up of JSON members without regard to case, as recipes and the configuration store ask for
 * (v2-recipes-config.md §1, §6.1): the exact spelling wins, otherwise the first that differs in
 * case only.
 */
public final class JsonFields {
  private JsonFields() {}

  /** The member of that name, or null when there is none; a JSON null is returned as such. */
  public static @Nullable JsonNode get(ObjectNode object, String name) {
    JsonNode exact = object.get(name);
    if (exact != null) {
      return exact;
    }
    String key = key(object, name);
    return key == null ? null : object.get(key);
  }

  /** The spelling under which the object holds that name, or null when it does not. */
  public static @Nullable String key(ObjectNode object, String name) {
    if (object.has(name)) {
      return name;
    }
    for (Map.Entry<String, JsonNode> entry : object.properties()) {
      if (entry.getKey().equalsIgnoreCase(name)) {
        return entry.getKey();
      }
    }
    return null;
  }

  /** The text of a member, or null when it is absent or a JSON null; numbers come as their text. */
  public static @Nullable String text(ObjectNode object, String name) {
    JsonNode node = get(object, name);
    return node == null || node.isNull() || node.isContainer() ? null : node.asString();
  }
}
