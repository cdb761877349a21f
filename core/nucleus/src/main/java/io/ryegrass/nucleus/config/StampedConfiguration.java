package io.ryegrass.nucleus.config;

import io.ryegrass.nucleus.ConfigurationConflictException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The configuration of one component: a tree of values and, of the same shape, the time (ms) at
 * which each leaf was set. The times decide conflicts (v2-recipes-config.md section 6.1): a value
 * set later is not overwritten by a deployment made earlier, and defaults only fill gaps. Keys are
 * compared without regard to case; the first spelling stays. Not safe for use by several threads.
 *
 * <p>A time is stored as a number, or, where it is known who set the value, as the text {@code
 * "<time> <origin>"} ({@link ValueOrigin}), so that each value can be explained (LESSON-30).
 */
public final class StampedConfiguration {
  /** Time of values that come from a recipe's defaults: older than anything. */
  public static final long DEFAULT_TIME = 1;

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private final ObjectNode values;
  private final ObjectNode stamps;

  private StampedConfiguration(ObjectNode values, ObjectNode stamps) {
    this.values = values;
    this.stamps = stamps;
  }

  /** No values. */
  public static StampedConfiguration empty() {
    return new StampedConfiguration(NODES.objectNode(), NODES.objectNode());
  }

  /** Values and times as stored; a missing time counts as a default's. */
  public static StampedConfiguration of(ObjectNode values, ObjectNode stamps) {
    return new StampedConfiguration(values.deepCopy(), stamps.deepCopy());
  }

  /** The trees themselves and no copies: for a reader that does not keep them. */
  static StampedConfiguration view(ObjectNode values, ObjectNode stamps) {
    return new StampedConfiguration(values, stamps);
  }

  public StampedConfiguration copy() {
    return of(values, stamps);
  }

  /** The values (a copy). */
  public ObjectNode values() {
    return values.deepCopy();
  }

  /** The times (a copy). */
  public ObjectNode stamps() {
    return stamps.deepCopy();
  }

  /** One node (a copy); an empty path is the whole tree. */
  public Optional<JsonNode> find(List<String> path) {
    JsonNode node = values;
    for (String key : path) {
      String spelled = spelling(node, key);
      if (spelled == null) {
        return Optional.empty();
      }
      node = node.get(spelled);
    }
    return Optional.of(node.deepCopy());
  }

  /**
   * Removes nodes by JSON pointer; {@code ""} removes all and ends. Pointers into lists are
   * refused, missing paths ignored.
   *
   * @param refused told of each pointer that names a list element
   */
  public void reset(List<String> pointers, Consumer<String> refused) {
    for (String pointer : pointers) {
      if (pointer.isEmpty()) {
        values.removeAll();
        stamps.removeAll();
        return;
      }
      List<String> path = segments(pointer);
      if (path.isEmpty() || path.stream().anyMatch(StampedConfiguration::isNumber)) {
        refused.accept(pointer);
        continue;
      }
      remove(path);
    }
  }

  private void remove(List<String> path) {
    JsonNode value = values;
    JsonNode stamp = stamps;
    for (int i = 0; i < path.size(); i++) {
      String spelled = spelling(value, path.get(i));
      if (spelled == null) {
        return;
      }
      if (i == path.size() - 1) {
        ((ObjectNode) value).remove(spelled);
        if (stamp instanceof ObjectNode o) {
          o.remove(spelled);
        }
        return;
      }
      value = value.get(spelled);
      JsonNode below = stamp.get(spelled);
      stamp = below == null ? NODES.missingNode() : below;
    }
  }

  /** As {@link #addDefaults(ObjectNode, ValueOrigin)} of a recipe that is not named. */
  public void addDefaults(ObjectNode defaults) {
    addDefaults(defaults, ValueOrigin.UNKNOWN);
  }

  /** Adds what is missing; what is there stays, whatever its time. */
  public void addDefaults(ObjectNode defaults, ValueOrigin origin) {
    addMissing(values, stamps, defaults, origin.stamp(DEFAULT_TIME));
  }

  private static void addMissing(
      ObjectNode values, ObjectNode stamps, ObjectNode defaults, JsonNode stamp) {
    for (Map.Entry<String, JsonNode> e : defaults.properties()) {
      String spelled = spelling(values, e.getKey());
      if (spelled == null) {
        values.set(e.getKey(), e.getValue().deepCopy());
        stamps.set(e.getKey(), stampsFor(e.getValue(), stamp));
      } else if (values.get(spelled) instanceof ObjectNode inner
          && e.getValue() instanceof ObjectNode more) {
        addMissing(inner, below(stamps, spelled), more, stamp);
      }
    }
  }

  /** As {@link #merge(ObjectNode, long, ValueOrigin)} by somebody who is not named. */
  public void merge(ObjectNode update, long time) {
    merge(update, time, ValueOrigin.UNKNOWN);
  }

  /** Deep merge; lists and scalars replace; what was set after {@code time} stays. */
  public void merge(ObjectNode update, long time, ValueOrigin origin) {
    mergeInto(values, stamps, update, time, origin.stamp(time));
  }

  private static void mergeInto(
      ObjectNode values, ObjectNode stamps, ObjectNode update, long time, JsonNode stamp) {
    for (Map.Entry<String, JsonNode> e : update.properties()) {
      String spelled = spelling(values, e.getKey());
      String key = spelled == null ? e.getKey() : spelled;
      JsonNode old = spelled == null ? null : values.get(spelled);
      if (old instanceof ObjectNode inner && e.getValue() instanceof ObjectNode more) {
        mergeInto(inner, below(stamps, key), more, time, stamp);
      } else if (old == null || latest(stamps.get(key)) <= time) {
        values.set(key, e.getValue().deepCopy());
        stamps.set(key, stampsFor(e.getValue(), stamp));
      }
    }
  }

  /**
   * A change at run time, by the component itself: merges {@code value} at {@code path}, making the
   * objects on the way.
   *
   * @return whether any value is different now
   * @throws ConfigurationConflictException when the node there was set after {@code time}
   */
  public boolean set(List<String> path, JsonNode value, long time) {
    JsonNode stamp = stamps;
    for (String key : path) {
      String spelled = spelling(stamp, key);
      stamp = spelled == null ? NODES.missingNode() : stamp.get(spelled);
    }
    if (latest(stamp) > time && !(path.isEmpty() && stamps.isEmpty())) {
      throw new ConfigurationConflictException(
          "The value at /"
              + String.join("/", path)
              + " was set later than the time given with this change; read it again and decide.");
    }
    JsonNode wrapped = value;
    for (int i = path.size() - 1; i >= 0; i--) {
      ObjectNode outer = NODES.objectNode();
      outer.set(path.get(i), wrapped);
      wrapped = outer;
    }
    if (!(wrapped instanceof ObjectNode update)) {
      throw new IllegalArgumentException(
          "The whole configuration can only be merged with an object.");
    }
    ObjectNode before = values.deepCopy();
    mergeInto(values, stamps, update, time, ValueOrigin.COMPONENT.stamp(time));
    return !before.equals(values);
  }

  /** One value with where it comes from; lists and empty objects count as values. */
  public record Explained(List<String> path, JsonNode value, long time, ValueOrigin origin) {}

  /** All values at and below a path, in their order, each with where it comes from. */
  public List<Explained> explain(List<String> path) {
    JsonNode value = values;
    JsonNode stamp = stamps;
    List<String> spelledPath = new ArrayList<>();
    for (String key : path) {
      String spelled = spelling(value, key);
      if (spelled == null) {
        return List.of();
      }
      spelledPath.add(spelled);
      value = value.get(spelled);
      stamp = stampBelow(stamp, spelled);
    }
    List<Explained> found = new ArrayList<>();
    explain(spelledPath, value, stamp, found);
    return found;
  }

  private static JsonNode stampBelow(JsonNode stamp, String key) {
    if (!stamp.isObject()) {
      return stamp;
    }
    String spelled = spelling(stamp, key);
    return spelled == null ? NODES.missingNode() : stamp.get(spelled);
  }

  private static void explain(
      List<String> path, JsonNode value, JsonNode stamp, List<Explained> found) {
    if (value instanceof ObjectNode o && (!o.isEmpty() || path.isEmpty())) {
      for (Map.Entry<String, JsonNode> e : o.properties()) {
        path.add(e.getKey());
        explain(path, e.getValue(), stampBelow(stamp, e.getKey()), found);
        path.removeLast();
      }
      return;
    }
    found.add(
        new Explained(List.copyOf(path), value.deepCopy(), latest(stamp), ValueOrigin.read(stamp)));
  }

  /** Replaces text in all leaves; times stay. */
  public void rewrite(java.util.function.UnaryOperator<String> change) {
    rewrite(values, change);
  }

  private static void rewrite(ObjectNode node, java.util.function.UnaryOperator<String> change) {
    for (Map.Entry<String, JsonNode> e : node.properties()) {
      e.setValue(TextChange.apply(e.getValue(), change));
    }
  }

  /** Full paths of leaves and lists that differ between two trees. */
  public static List<List<String>> differences(JsonNode before, JsonNode after) {
    List<List<String>> found = new ArrayList<>();
    differences(new ArrayList<>(), before, after, found);
    return found;
  }

  private static void differences(
      List<String> path, @Nullable JsonNode a, @Nullable JsonNode b, List<List<String>> found) {
    if (a == null ? b == null : a.equals(b)) {
      return;
    }
    if ((a == null || a.isObject())
        && (b == null || b.isObject())
        && !(path.isEmpty() && a == null)) {
      int known = found.size();
      if (a != null) {
        for (Map.Entry<String, JsonNode> e : a.properties()) {
          path.add(e.getKey());
          differences(path, e.getValue(), b == null ? null : b.get(e.getKey()), found);
          path.removeLast();
        }
      }
      if (b != null) {
        for (Map.Entry<String, JsonNode> e : b.properties()) {
          if (a == null || a.get(e.getKey()) == null) {
            path.add(e.getKey());
            differences(path, null, e.getValue(), found);
            path.removeLast();
          }
        }
      }
      if (found.size() > known) {
        return;
      }
    }
    found.add(List.copyOf(path));
  }

  private static ObjectNode below(ObjectNode stamps, String key) {
    if (stamps.get(key) instanceof ObjectNode o) {
      return o;
    }
    ObjectNode made = NODES.objectNode();
    stamps.set(key, made);
    return made;
  }

  private static JsonNode stampsFor(JsonNode value, JsonNode stamp) {
    if (value instanceof ObjectNode o && !o.isEmpty()) {
      ObjectNode made = NODES.objectNode();
      for (Map.Entry<String, JsonNode> e : o.properties()) {
        made.set(e.getKey(), stampsFor(e.getValue(), stamp));
      }
      return made;
    }
    return stamp;
  }

  private static long latest(@Nullable JsonNode stamp) {
    if (stamp == null || stamp.isMissingNode()) {
      return 0;
    }
    if (!stamp.isContainer()) {
      return ValueOrigin.time(stamp);
    }
    long latest = 0;
    for (JsonNode inner : stamp) {
      latest = Math.max(latest, latest(inner));
    }
    return latest;
  }

  private static @Nullable String spelling(JsonNode node, String key) {
    if (!node.isObject()) {
      return null;
    }
    if (node.has(key)) {
      return key;
    }
    String lower = key.toLowerCase(Locale.ROOT);
    for (String name : node.propertyNames()) {
      if (name.toLowerCase(Locale.ROOT).equals(lower)) {
        return name;
      }
    }
    return null;
  }

  private static List<String> segments(String pointer) {
    if (!pointer.startsWith("/")) {
      return List.of();
    }
    List<String> path = new ArrayList<>();
    for (String part : pointer.substring(1).split("/", -1)) {
      path.add(part.replace("~1", "/").replace("~0", "~"));
    }
    return path;
  }

  private static boolean isNumber(String segment) {
    return !segment.isEmpty() && segment.chars().allMatch(c -> c >= '0' && c <= '9');
  }
}
