package io.ryegrass.mqtt;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The subscriptions of one session by their filters, here and in the tree of all. Called under the
 * session's lock.
 */
final class Subscriptions {
  private final Session session;
  private final SubscriptionTree tree;
  private final TopicRules rules;
  private final Map<String, Subscription> byFilter = new LinkedHashMap<>(4);

  Subscriptions(Session session, Engine.Parts parts) {
    this.session = session;
    this.tree = parts.tree();
    this.rules = parts.rules();
  }

  boolean isEmpty() {
    return byFilter.isEmpty();
  }

  boolean contains(String filter) {
    return byFilter.containsKey(filter);
  }

  /** Whether a new one would be one too many. */
  boolean isFull() {
    return byFilter.size() >= rules.limits().maxSubscriptionsPerSession();
  }

  void put(Subscription s, long incarnation) {
    byFilter.put(s.filter(), s);
    tree.put(s, session, incarnation);
  }

  void remove(String filter) {
    byFilter.remove(filter);
    tree.remove(filter, session);
  }

  void clear() {
    byFilter.keySet().forEach(filter -> tree.remove(filter, session));
    byFilter.clear();
  }

  void restore(Collection<Subscription> all, long incarnation) {
    all.forEach(s -> put(s, incarnation));
  }

  Map<String, Subscription> copy() {
    return new LinkedHashMap<>(byFilter);
  }

  /** What those that match ask for together, or null. */
  Route.@Nullable Target targetFor(String topic, long incarnation) {
    List<SubscriptionTree.Entry> entries = new ArrayList<>();
    for (Subscription s : byFilter.values()) {
      if (rules.matches(SubscriptionTree.bareFilter(s.filter()), topic)) {
        entries.add(new SubscriptionTree.Entry(session, incarnation, s));
      }
    }
    return entries.isEmpty() ? null : SubscriptionTree.target(session, entries);
  }

  /** What exactly this one asks for, or null. */
  Route.@Nullable Target targetOf(String filter, long incarnation) {
    Subscription s = byFilter.get(filter);
    return s == null
        ? null
        : SubscriptionTree.target(
            session, List.of(new SubscriptionTree.Entry(session, incarnation, s)));
  }
}
