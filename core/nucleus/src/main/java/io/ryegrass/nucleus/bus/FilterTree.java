package io.ryegrass.nucleus.bus;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * Topic filters as a tree of levels, so that finding the matches of a topic costs by its levels and
 * not by the number of filters. Safe for many readers and writers; a reader may or may not see a
 * change made meanwhile.
 *
 * <p>{@code hashMatchesParent}: whether {@code a/#} matches {@code a} (MQTT, V1 table: yes; V2
 * local pub/sub: no, v2-ipc.md section 7.3). A wildcard at the first level never matches a topic
 * that begins with {@code $} [MQTT-4.7.2-1].
 */
final class FilterTree<T> {
  private static final class Node<T> {
    final Map<String, Node<T>> children = new ConcurrentHashMap<>();
    final CopyOnWriteArrayList<T> values = new CopyOnWriteArrayList<>();
  }

  private final boolean hashMatchesParent;
  private final Node<T> top = new Node<>();

  FilterTree(boolean hashMatchesParent) {
    this.hashMatchesParent = hashMatchesParent;
  }

  void add(String filter, T value) {
    Node<T> node = top;
    for (String level : filter.split("/", -1)) {
      node = node.children.computeIfAbsent(level, l -> new Node<>());
    }
    node.values.add(value);
  }

  void remove(String filter, T value) {
    remove(top, filter.split("/", -1), 0, value);
  }

  private boolean remove(Node<T> node, String[] levels, int depth, T value) {
    if (depth == levels.length) {
      node.values.remove(value);
    } else {
      node.children.computeIfPresent(
          levels[depth], (l, child) -> remove(child, levels, depth + 1, value) ? null : child);
    }
    return node.values.isEmpty() && node.children.isEmpty();
  }

  void match(String topic, Consumer<T> found) {
    match(top, topic.split("/", -1), 0, topic.startsWith("$"), found);
  }

  private void match(Node<T> node, String[] levels, int depth, boolean dollar, Consumer<T> found) {
    boolean wildcards = depth > 0 || !dollar;
    if (depth == levels.length) {
      node.values.forEach(found);
      if (hashMatchesParent) {
        Node<T> hash = node.children.get("#");
        if (hash != null && wildcards) {
          hash.values.forEach(found);
        }
      }
      return;
    }
    Node<T> exact = node.children.get(levels[depth]);
    if (exact != null) {
      match(exact, levels, depth + 1, dollar, found);
    }
    if (wildcards) {
      Node<T> plus = node.children.get("+");
      if (plus != null) {
        match(plus, levels, depth + 1, dollar, found);
      }
      Node<T> hash = node.children.get("#");
      if (hash != null) {
        hash.values.forEach(found);
      }
    }
  }
}
