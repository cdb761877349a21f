package io.ryegrass.model;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Merge and reset of component configuration (v2-recipes-config.md §6.1). Keys are compared without
 * regard to case and keep their first spelling. Time stamps are not looked at here: who applies a
 * deployment decides whether it is stale before it merges.
 */
public final class ConfigurationMerge {
  private ConfigurationMerge() {}

  /**
   * A new object: {@code base} with {@code update} laid over it. Objects merge deeply; lists,
   * scalars and null replace; an object replaces a leaf and the other way round. Neither argument
   * is changed.
   */
  public static ObjectNode merge(ObjectNode base, ObjectNode update) {
    ObjectNode result = base.deepCopy();
    mergeInto(result, update);
    return result;
  }

  private static void mergeInto(ObjectNode target, ObjectNode update) {
    for (Map.Entry<String, JsonNode> entry : update.properties()) {
      String key = JsonFields.key(target, entry.getKey());
      if (key == null) {
        key = entry.getKey();
      }
      if (target.get(key) instanceof ObjectNode inner
          && entry.getValue() instanceof ObjectNode from) {
        mergeInto(inner, from);
      } else {
        target.set(key, entry.getValue().deepCopy());
      }
    }
  }

  /** A new object: {@code current}, and of {@code defaults} only what is missing in it. */
  public static ObjectNode addMissing(ObjectNode current, ObjectNode defaults) {
    ObjectNode result = current.deepCopy();
    addMissingInto(result, defaults);
    return result;
  }

  private static void addMissingInto(ObjectNode target, ObjectNode defaults) {
    for (Map.Entry<String, JsonNode> entry : defaults.properties()) {
      String key = JsonFields.key(target, entry.getKey());
      if (key == null) {
        target.set(entry.getKey(), entry.getValue().deepCopy());
      } else if (target.get(key) instanceof ObjectNode inner
          && entry.getValue() instanceof ObjectNode from) {
        addMissingInto(inner, from);
      }
    }
  }

  /**
   * Removes what a JSON pointer names; the empty pointer removes everything. A missing path is
   * ignored.
   *
   * @return false when the pointer was skipped because it addresses an array element (a numeric
   *     segment), which the contract does not support
   */
  public static boolean reset(ObjectNode configuration, String pointer) {
    List<String> path = JsonPointers.parse(pointer);
    if (path.isEmpty()) {
      configuration.removeAll();
      return true;
    }
    if (path.stream().anyMatch(JsonPointers::isIndex)) {
      return false;
    }
    JsonNode parent = JsonPointers.get(configuration, path.subList(0, path.size() - 1));
    if (parent instanceof ObjectNode object) {
      String key = JsonFields.key(object, path.getLast());
      if (key != null) {
        object.remove(key);
      }
    }
    return true;
  }

  /**
   * The configuration of a component after a deployment: reset, then what the recipe's defaults
   * add, then merge.
   *
   * @param current what the component has now; null or empty for a new one
   * @param update the deployment's part; null for a component that came in as a dependency
   */
  public static ObjectNode apply(
      @Nullable ObjectNode current,
      ObjectNode defaults,
      DeploymentDocument.@Nullable ConfigurationUpdate update) {
    ObjectNode result =
        current == null ? JsonNodeFactory.instance.objectNode() : current.deepCopy();
    if (update != null) {
      for (String pointer : update.reset()) {
        reset(result, pointer);
        if (pointer.isEmpty()) {
          break;
        }
      }
    }
    addMissingInto(result, defaults);
    if (update != null && update.merge() != null) {
      mergeInto(result, update.merge());
    }
    return result;
  }
}
