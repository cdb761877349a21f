package io.ryegrass.shadows;

import io.ryegrass.model.Json;
import io.ryegrass.model.shadow.ShadowDocument;
import io.ryegrass.shadows.ShadowSettings.Direction;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Two states that grew from one, made one again (SHM-13): what only one side changed is taken from
 * it, key by key and at any depth; of a key that both changed, {@code desired} is the cloud's and
 * {@code reported} the device's, or with one direction always the giving side's. Lists are single
 * values. Pure.
 */
final class ThreeWayMerge {
  private ThreeWayMerge() {}

  /**
   * @param base the last state that both sides knew, empty when there was none
   */
  static ObjectNode states(
      ObjectNode base, ObjectNode local, ObjectNode cloud, Direction direction) {
    ObjectNode merged = Json.object();
    for (String section : ShadowDocument.SECTIONS) {
      boolean cloudWins =
          switch (direction) {
            case BOTH -> section.equals("desired");
            case TO_CLOUD -> false;
            case TO_DEVICE -> true;
          };
      JsonNode value = merge(base.get(section), local.get(section), cloud.get(section), cloudWins);
      if (value != null && !value.isEmpty()) {
        merged.set(section, value);
      }
    }
    return merged;
  }

  private static @Nullable JsonNode merge(
      @Nullable JsonNode base,
      @Nullable JsonNode local,
      @Nullable JsonNode cloud,
      boolean cloudWins) {
    if (isSame(local, cloud) || isSame(base, cloud)) {
      return copy(local);
    }
    if (isSame(base, local)) {
      return copy(cloud);
    }
    if (local instanceof ObjectNode l && cloud instanceof ObjectNode c) {
      ObjectNode merged = Json.object();
      Set<String> keys = new LinkedHashSet<>(l.propertyNames());
      keys.addAll(c.propertyNames());
      for (String key : keys) {
        JsonNode known = base instanceof ObjectNode b ? b.get(key) : null;
        JsonNode value = merge(known, l.get(key), c.get(key), cloudWins);
        if (value != null) {
          merged.set(key, value);
        }
      }
      return merged;
    }
    return copy(cloudWins ? cloud : local);
  }

  private static @Nullable JsonNode copy(@Nullable JsonNode node) {
    return node == null ? null : node.deepCopy();
  }

  private static boolean isSame(@Nullable JsonNode a, @Nullable JsonNode b) {
    return a == null || b == null ? a == b : ShadowDocument.isSame(a, b);
  }

  /** The {@code state} of an update that turns one state into the other; empty when it need not. */
  static ObjectNode patch(ObjectNode from, ObjectNode to) {
    ObjectNode patch = Json.object();
    for (String section : ShadowDocument.SECTIONS) {
      JsonNode was = from.get(section);
      JsonNode shall = to.get(section);
      if (shall == null) {
        if (was != null) {
          patch.putNull(section);
        }
      } else if (!isSame(was, shall)) {
        patch.set(
            section,
            was instanceof ObjectNode a && shall instanceof ObjectNode b
                ? difference(a, b)
                : shall.deepCopy());
      }
    }
    return patch;
  }

  private static ObjectNode difference(ObjectNode from, ObjectNode to) {
    ObjectNode patch = Json.object();
    for (Map.Entry<String, JsonNode> member : to.properties()) {
      String key = member.getKey();
      JsonNode was = from.get(key);
      JsonNode shall = member.getValue();
      if (was instanceof ObjectNode a && shall instanceof ObjectNode b) {
        if (!isSame(a, b)) {
          patch.set(key, difference(a, b));
        }
      } else if (!isSame(was, shall)) {
        patch.set(key, shall.deepCopy());
      }
    }
    for (String key : from.propertyNames()) {
      if (!to.has(key)) {
        patch.putNull(key);
      }
    }
    return patch;
  }
}
