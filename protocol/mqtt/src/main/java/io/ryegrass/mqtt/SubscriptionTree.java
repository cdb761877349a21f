package io.ryegrass.mqtt;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * All subscriptions, by filter level, so that finding a topic's subscribers costs its depth and not
 * the number of subscriptions. The depth is bounded by {@link Limits#maxTopicSlashes}, checked
 * before anything comes here, so the recursion is bounded too.
 */
final class SubscriptionTree {
  /**
   * @param incarnation of the session when it subscribed; a message found for an older incarnation
   *     is not delivered
   */
  record Grant(long incarnation, int qos) {}

  private static final class Node {
    private final Map<String, Node> children = new HashMap<>(4);
    private final Map<Session, Grant> grants = new HashMap<>(2);

    boolean isEmpty() {
      return children.isEmpty() && grants.isEmpty();
    }
  }

  private final boolean hashMatchesParent;
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private final Node root = new Node();
  private int size;

  SubscriptionTree(boolean hashMatchesParent) {
    this.hashMatchesParent = hashMatchesParent;
  }

  void put(String filter, Session session, Grant grant) {
    lock.writeLock().lock();
    try {
      Node node = root;
      for (String level : levels(filter)) {
        node = node.children.computeIfAbsent(level, unused -> new Node());
      }
      if (node.grants.put(session, grant) == null) {
        size++;
      }
    } finally {
      lock.writeLock().unlock();
    }
  }

  void remove(String filter, Session session) {
    lock.writeLock().lock();
    try {
      remove(root, levels(filter), 0, session);
    } finally {
      lock.writeLock().unlock();
    }
  }

  private void remove(Node node, String[] levels, int depth, Session session) {
    if (depth == levels.length) {
      if (node.grants.remove(session) != null) {
        size--;
      }
      return;
    }
    Node child = node.children.get(levels[depth]);
    if (child != null) {
      remove(child, levels, depth + 1, session);
      if (child.isEmpty()) {
        node.children.remove(levels[depth]);
      }
    }
  }

  /** Each session once, with its highest granted QoS [MQTT-3.3.5-1]. */
  Map<Session, Grant> match(String topic) {
    Map<Session, Grant> found = new LinkedHashMap<>();
    String[] levels = levels(topic);
    lock.readLock().lock();
    try {
      match(root, levels, 0, topic.startsWith("$"), found);
    } finally {
      lock.readLock().unlock();
    }
    return found;
  }

  private void match(
      Node node, String[] levels, int depth, boolean reserved, Map<Session, Grant> found) {
    boolean wildcards = depth > 0 || !reserved; // [MQTT-4.7.2-1]
    Node hash = wildcards ? node.children.get("#") : null;
    if (depth == levels.length) {
      collect(node, found);
      if (hash != null && hashMatchesParent) {
        collect(hash, found);
      }
      return;
    }
    if (hash != null) {
      collect(hash, found);
    }
    descend(node.children.get(levels[depth]), levels, depth, reserved, found);
    if (wildcards) {
      descend(node.children.get("+"), levels, depth, reserved, found);
    }
  }

  private void descend(
      @Nullable Node child,
      String[] levels,
      int depth,
      boolean reserved,
      Map<Session, Grant> found) {
    if (child != null) {
      match(child, levels, depth + 1, reserved, found);
    }
  }

  private static void collect(Node node, Map<Session, Grant> found) {
    node.grants.forEach(
        (session, grant) -> found.merge(session, grant, (a, b) -> a.qos() >= b.qos() ? a : b));
  }

  int size() {
    lock.readLock().lock();
    try {
      return size;
    } finally {
      lock.readLock().unlock();
    }
  }

  private static String[] levels(String text) {
    return text.split("/", -1);
  }
}
