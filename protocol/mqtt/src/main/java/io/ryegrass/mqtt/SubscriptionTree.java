package io.ryegrass.mqtt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * All subscriptions by the levels of their filters. Finding the receivers of a topic takes time by
 * the depth of the topic and what matches, not by how many subscriptions there are. The depth is
 * bounded by {@link Limits#maxTopicSlashes}, and so is the recursion here.
 */
final class SubscriptionTree {
  /** A subscription of one session's incarnation. */
  record Entry(Session session, long incarnation, Subscription subscription) {}

  /** The members of {@code $share/<name>/<filter>}. */
  private static final class Group {
    private final AtomicInteger turn = new AtomicInteger();
    private final LinkedHashMap<Session, Entry> members = new LinkedHashMap<>();
  }

  /** A group as it was when it matched. */
  record GroupMatch(AtomicInteger turn, List<Entry> members) {}

  private static final class Node {
    private @Nullable Map<String, Node> children;
    private @Nullable Map<Session, Entry> entries;
    private @Nullable Map<String, Group> groups;

    private @Nullable Node child(String level) {
      return children == null ? null : children.get(level);
    }

    private boolean isEmpty() {
      return (children == null || children.isEmpty())
          && (entries == null || entries.isEmpty())
          && (groups == null || groups.isEmpty());
    }
  }

  private static final String SHARE = "$share/";

  private final boolean hashMatchesParent;
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private final Node root = new Node();
  private int size;
  private volatile long version = 1;

  SubscriptionTree(boolean hashMatchesParent) {
    this.hashMatchesParent = hashMatchesParent;
  }

  /** Changes with each change of the tree, after it. */
  long version() {
    return version;
  }

  /** The part that is matched against topics. */
  static String bareFilter(String filter) {
    return FilterSyntax.isShared(filter)
        ? filter.substring(filter.indexOf('/', SHARE.length()) + 1)
        : filter;
  }

  private static @Nullable String group(String filter) {
    return FilterSyntax.isShared(filter)
        ? filter.substring(SHARE.length(), filter.indexOf('/', SHARE.length()))
        : null;
  }

  void put(Subscription subscription, Session session, long incarnation) {
    String name = group(subscription.filter());
    Entry entry = new Entry(session, incarnation, subscription);
    lock.writeLock().lock();
    try {
      Node node = root;
      for (String level : levels(bareFilter(subscription.filter()))) {
        if (node.children == null) {
          node.children = new HashMap<>(4);
        }
        node = node.children.computeIfAbsent(level, unused -> new Node());
      }
      if (put(node, name, session, entry)) {
        size++;
      }
      version++;
    } finally {
      lock.writeLock().unlock();
    }
  }

  private static boolean put(Node node, @Nullable String group, Session session, Entry entry) {
    if (group == null) {
      if (node.entries == null) {
        node.entries = new LinkedHashMap<>(4);
      }
      return node.entries.put(session, entry) == null;
    }
    if (node.groups == null) {
      node.groups = new HashMap<>(2);
    }
    return node.groups.computeIfAbsent(group, unused -> new Group()).members.put(session, entry)
        == null;
  }

  void remove(String filter, Session session) {
    lock.writeLock().lock();
    try {
      remove(root, levels(bareFilter(filter)), 0, group(filter), session);
      version++;
    } finally {
      lock.writeLock().unlock();
    }
  }

  private void remove(
      Node node, String[] levels, int depth, @Nullable String group, Session session) {
    if (depth == levels.length) {
      if (group == null) {
        if (node.entries != null && node.entries.remove(session) != null) {
          size--;
        }
      } else if (node.groups != null) {
        Group members = node.groups.get(group);
        if (members != null && members.members.remove(session) != null) {
          size--;
          if (members.members.isEmpty()) {
            node.groups.remove(group);
          }
        }
      }
      return;
    }
    Node child = node.child(levels[depth]);
    if (child != null) {
      remove(child, levels, depth + 1, group, session);
      if (child.isEmpty() && node.children != null) {
        node.children.remove(levels[depth]);
      }
    }
  }

  /** Everything that matches the topic. */
  Found match(String topic) {
    Map<Session, List<Entry>> found = new LinkedHashMap<>();
    List<GroupMatch> groups = new ArrayList<>(0);
    String[] levels = levels(topic);
    long seen;
    lock.readLock().lock();
    try {
      seen = version;
      match(root, levels, 0, topic.startsWith("$"), found, groups);
    } finally {
      lock.readLock().unlock();
    }
    return new Found(seen, found, groups);
  }

  /**
   * @param version of the tree that was looked at
   */
  record Found(long version, Map<Session, List<Entry>> sessions, List<GroupMatch> groups) {}

  private void match(
      Node node,
      String[] levels,
      int depth,
      boolean reserved,
      Map<Session, List<Entry>> found,
      List<GroupMatch> groups) {
    boolean wildcards = depth > 0 || !reserved; // [MQTT-4.7.2-1]
    Node hash = wildcards ? node.child("#") : null;
    if (depth == levels.length) {
      collect(node, found, groups);
      if (hash != null && hashMatchesParent) {
        collect(hash, found, groups);
      }
      return;
    }
    if (hash != null) {
      collect(hash, found, groups);
    }
    Node same = node.child(levels[depth]);
    if (same != null) {
      match(same, levels, depth + 1, reserved, found, groups);
    }
    Node plus = wildcards ? node.child("+") : null;
    if (plus != null) {
      match(plus, levels, depth + 1, reserved, found, groups);
    }
  }

  private static void collect(Node node, Map<Session, List<Entry>> found, List<GroupMatch> groups) {
    if (node.entries != null) {
      node.entries.forEach(
          (session, entry) ->
              found.computeIfAbsent(session, unused -> new ArrayList<>(1)).add(entry));
    }
    if (node.groups != null) {
      node.groups
          .values()
          .forEach(g -> groups.add(new GroupMatch(g.turn, List.copyOf(g.members.values()))));
    }
  }

  /** What the matching subscriptions of one session ask for together. */
  static Route.Target target(Session session, List<Entry> entries) {
    boolean plain = entries.stream().noneMatch(e -> e.subscription().noLocal());
    Route.Target own = null;
    if (!plain) {
      List<Entry> others = entries.stream().filter(e -> !e.subscription().noLocal()).toList();
      own = others.isEmpty() ? null : target(session, others);
    }
    long incarnation = entries.getFirst().incarnation();
    int qos = 0;
    boolean retainAsPublished = false;
    int[] identifiers = Queued.NO_IDENTIFIERS;
    for (Entry e : entries) {
      Subscription s = e.subscription();
      qos = Math.max(qos, s.qos());
      retainAsPublished |= s.retainAsPublished();
      if (s.identifier() > 0) {
        identifiers = Arrays.copyOf(identifiers, identifiers.length + 1);
        identifiers[identifiers.length - 1] = s.identifier();
      }
    }
    return new Route.Target(session, incarnation, qos, retainAsPublished, identifiers, own, plain);
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
