package io.ryegrass.model;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The choice of a manifest's life cycle (v2-recipes-config.md §3): its own when it has one,
 * otherwise the global one with the branches of its Selections taken. Walking top-down, an object
 * that has a key among all the recipe's selections (or {@code all}) is replaced by the value of the
 * first of this manifest's selections it has, else of {@code all}, else it vanishes.
 */
final class LifecycleSelection {
  private static final String ALL = "all";

  private LifecycleSelection() {}

  static ObjectNode select(Recipe recipe, Recipe.Manifest manifest) {
    if (!manifest.lifecycle().isEmpty()) {
      return manifest.lifecycle().deepCopy();
    }
    Set<String> known = new HashSet<>();
    known.add(ALL);
    recipe.manifests().forEach(m -> known.addAll(m.selections()));
    JsonNode filtered = filter(recipe.lifecycle(), known, manifest.selections());
    return filtered instanceof ObjectNode object ? object : JsonNodeFactory.instance.objectNode();
  }

  private static @Nullable JsonNode filter(
      JsonNode node, Set<String> known, List<String> selections) {
    if (!(node instanceof ObjectNode object)) {
      return node.deepCopy();
    }
    if (object.propertyNames().stream().anyMatch(known::contains)) {
      for (String selection : selections) {
        JsonNode taken = object.get(selection);
        if (taken != null) {
          return filter(taken, known, selections);
        }
      }
      JsonNode all = object.get(ALL);
      return all == null ? null : filter(all, known, selections);
    }
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    for (Map.Entry<String, JsonNode> entry : object.properties()) {
      JsonNode kept = filter(entry.getValue(), known, selections);
      if (kept != null) {
        result.set(entry.getKey(), kept);
      }
    }
    return result;
  }
}
