package io.ryegrass.mqtt;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the broker knows of one client identifier: subscriptions, messages that are owed, the
 * connection if there is one.
 *
 * <p>Everything is guarded by one lock that is held for memory operations and buffered journal
 * writes only, and whatever goes out to the client is written to the channel under it. So there is
 * one order of events, and it is the order on the wire. Each method enters the journal's gate
 * before it takes the lock.
 *
 * <p>An <em>incarnation</em> is the life of the session's state: a clean CONNECT begins a new one,
 * and what was found for the old one on the way is not delivered into the new.
 */
final class Session {
  /** What {@link #attach} found. */
  sealed interface Attached {
    /**
     * Done; {@code present}: stored state was taken up; {@code stored}: the journal was written and
     * wants a sync.
     */
    record Done(boolean present, boolean stored) implements Attached {}

    /** Another connection has it and must end first. */
    record Busy(Connection holder) implements Attached {}

    /** The object was removed from the registry meanwhile; look it up again. */
    record Gone() implements Attached {}
  }

  private final String clientId;
  private final SubscriptionTree tree;
  private final Journal journal;
  private final Counters counters;
  private final Limits limits;
  private final TopicRules rules;
  private final ReentrantLock lock = new ReentrantLock();

  private final Map<String, Integer> subscriptions = new LinkedHashMap<>();
  private final ArrayDeque<Queued> queue = new ArrayDeque<>();
  private final LinkedHashMap<Integer, Queued> inFlight = new LinkedHashMap<>();
  private long incarnation;
  private boolean persistent;
  private boolean removed;
  private boolean open;
  private long owedBytes;
  private int lastPacketId;
  private @Nullable Connection connection;
  private @Nullable Instant disconnectedAt;
  private volatile @Nullable ClientSession client;

  Session(
      String clientId,
      SubscriptionTree tree,
      Journal journal,
      Counters counters,
      TopicRules rules) {
    this.clientId = clientId;
    this.tree = tree;
    this.journal = journal;
    this.counters = counters;
    this.rules = rules;
    this.limits = rules.limits();
  }

  /** Takes up what the journal gave back; before anybody else sees the session. */
  void restore(Journal.SessionState state, Instant now) {
    incarnation = state.incarnation();
    persistent = true;
    disconnectedAt = now;
    state
        .subscriptions()
        .forEach(
            (filter, qos) -> {
              subscriptions.put(filter, qos);
              tree.put(filter, this, new SubscriptionTree.Grant(incarnation, qos));
            });
    inFlight.putAll(state.inFlight());
    queue.addAll(state.queue());
    inFlight.values().forEach(this::owe);
    queue.forEach(this::owe);
  }

  String clientId() {
    return clientId;
  }

  /** The client as it was last connected since the program started, or null. */
  @Nullable ClientSession client() {
    return client;
  }

  // ---- connection ----

  Attached attach(Connection newcomer, ClientSession who, boolean clean) {
    journal.enter();
    lock.lock();
    try {
      if (removed) {
        return new Attached.Gone();
      }
      Connection holder = connection;
      if (holder != null) {
        return new Attached.Busy(holder);
      }
      boolean present = persistent && !clean;
      boolean stored = false;
      if (!present) {
        stored = persistent || !clean;
        forgetState();
        incarnation = journal.nextNumber();
        persistent = !clean;
        if (persistent) {
          journal.sessionCreated(incarnation, clientId);
        }
      }
      connection = newcomer;
      client = who;
      open = false;
      disconnectedAt = null;
      return new Attached.Done(present, stored);
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  /**
   * Topics of the messages that wait, so that the host can be asked whether the client may still
   * have them.
   */
  Set<String> owedTopics() {
    lock.lock();
    try {
      Set<String> topics = new LinkedHashSet<>();
      inFlight.values().forEach(m -> topics.add(m.topic()));
      queue.forEach(m -> topics.add(m.topic()));
      return topics;
    } finally {
      lock.unlock();
    }
  }

  /** Drops what waits for these topics. */
  void dropTopics(Set<String> topics) {
    journal.enter();
    lock.lock();
    try {
      for (Iterator<Queued> all = inFlight.values().iterator(); all.hasNext(); ) {
        Queued m = all.next();
        if (topics.contains(m.topic())) {
          all.remove();
          settle(m);
        }
      }
      for (Iterator<Queued> all = queue.iterator(); all.hasNext(); ) {
        Queued m = all.next();
        if (topics.contains(m.topic())) {
          all.remove();
          settle(m);
        }
      }
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  /**
   * Sends CONNACK, then what was in flight with DUP and its old identifiers in the old order
   * [MQTT-4.4.0-1] [MQTT-4.6.0-1], then what waits.
   */
  void open(Connection by, boolean present) {
    journal.enter();
    lock.lock();
    try {
      if (connection != by) {
        return;
      }
      by.writeConnAck(present);
      inFlight.forEach((packetId, m) -> by.writePublish(m, packetId, true));
      open = true;
      pump(by);
      by.flush();
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  /**
   * The connection has ended.
   *
   * @return true when the session ends with it and is to be removed from the registry
   */
  boolean detach(Connection by, Instant now) {
    journal.enter();
    lock.lock();
    try {
      if (connection != by) {
        return false;
      }
      connection = null;
      open = false;
      disconnectedAt = now;
      if (persistent) {
        for (Iterator<Queued> all = queue.iterator(); all.hasNext(); ) {
          Queued m = all.next();
          if (m.qos() == 0) {
            all.remove();
            settle(m);
          }
        }
        return false;
      }
      forgetState();
      removed = true;
      return true;
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  /** Ends a persistent session that nobody came back to. True when it was removed now. */
  boolean expire(Instant disconnectedBefore) {
    journal.enter();
    lock.lock();
    try {
      Instant since = disconnectedAt;
      if (removed || connection != null || since == null || !since.isBefore(disconnectedBefore)) {
        return false;
      }
      forgetState();
      removed = true;
      return true;
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  private void forgetState() {
    if (persistent) {
      journal.sessionRemoved(incarnation);
    }
    subscriptions.keySet().forEach(filter -> tree.remove(filter, this));
    subscriptions.clear();
    inFlight.values().forEach(this::unowe);
    queue.forEach(this::unowe);
    inFlight.clear();
    queue.clear();
    persistent = false;
  }

  @Nullable Connection connection() {
    lock.lock();
    try {
      return connection;
    } finally {
      lock.unlock();
    }
  }

  boolean isConnected() {
    lock.lock();
    try {
      return connection != null && open;
    } finally {
      lock.unlock();
    }
  }

  // ---- subscriptions ----

  /** Grants a filter; null when the session has as many as it may. */
  SubscriptionTree.@Nullable Grant subscribe(Connection by, String filter, int qos) {
    journal.enter();
    lock.lock();
    try {
      if (connection != by
          || (!subscriptions.containsKey(filter)
              && subscriptions.size() >= limits.maxSubscriptionsPerSession())) {
        return null;
      }
      if (persistent) {
        journal.subscribed(incarnation, filter, qos);
      }
      SubscriptionTree.Grant grant = new SubscriptionTree.Grant(incarnation, qos);
      subscriptions.put(filter, qos);
      tree.put(filter, this, grant);
      return grant;
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  boolean unsubscribe(Connection by, String filter) {
    journal.enter();
    lock.lock();
    try {
      if (connection != by || !subscriptions.containsKey(filter)) {
        return false;
      }
      if (persistent) {
        journal.unsubscribed(incarnation, filter);
      }
      subscriptions.remove(filter);
      tree.remove(filter, this);
      return true;
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  /** The highest grant among the subscriptions that match, or null. */
  SubscriptionTree.@Nullable Grant grantFor(String topic) {
    lock.lock();
    try {
      int qos = -1;
      for (Map.Entry<String, Integer> s : subscriptions.entrySet()) {
        if (s.getValue() > qos && rules.matches(s.getKey(), topic)) {
          qos = s.getValue();
        }
      }
      return qos < 0 ? null : new SubscriptionTree.Grant(incarnation, qos);
    } finally {
      lock.unlock();
    }
  }

  /** Whether QoS 1 messages for this incarnation have to be written to the journal. */
  boolean stores(long forIncarnation) {
    lock.lock();
    try {
      return persistent && !removed && incarnation == forIncarnation;
    } finally {
      lock.unlock();
    }
  }

  // ---- messages ----

  /**
   * Queues a message and sends what the window allows.
   *
   * @return false when it was not taken: another incarnation, offline and not to be kept, or a full
   *     queue
   */
  boolean enqueue(long forIncarnation, Queued message) {
    journal.enter();
    lock.lock();
    try {
      Connection to = connection;
      if (removed
          || incarnation != forIncarnation
          || (to == null && (message.qos() == 0 || !persistent))) {
        return false;
      }
      if (queue.size() + inFlight.size() >= limits.maxQueuedMessages()
          || owedBytes + message.payload().length > limits.maxQueuedBytes()
          || counters.queuedBytes.get() + message.payload().length > limits.maxQueuedBytesInAll()) {
        counters.droppedQueueFull.increment();
        if (message.sequence() > 0) {
          journal.settled(incarnation, message.sequence());
        }
        return false;
      }
      queue.add(message);
      owe(message);
      if (to != null && open && pump(to)) {
        to.flush();
      }
      return true;
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  /**
   * PUBACK. An unknown identifier is passed over: it may belong to a message that was settled
   * otherwise.
   */
  void acknowledge(Connection by, int packetId) {
    journal.enter();
    lock.lock();
    try {
      if (connection != by) {
        return;
      }
      Queued m = inFlight.remove(packetId);
      if (m != null) {
        settle(m);
        if (open && pump(by)) {
          by.flush();
        }
      }
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  /** The channel takes bytes again. */
  void resume(Connection by) {
    journal.enter();
    lock.lock();
    try {
      if (connection == by && open && pump(by)) {
        by.flush();
      }
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  private boolean pump(Connection to) {
    boolean wrote = false;
    while (to.isWritable()) {
      Queued next = queue.peek();
      if (next == null || (next.qos() > 0 && inFlight.size() >= limits.maxInFlight())) {
        break;
      }
      queue.remove();
      if (next.qos() == 0) {
        unowe(next);
        to.writePublish(next, 0, false);
      } else {
        int packetId = freePacketId();
        inFlight.put(packetId, next);
        if (next.sequence() > 0) {
          journal.sent(incarnation, next.sequence(), packetId);
        }
        to.writePublish(next, packetId, false);
      }
      wrote = true;
    }
    return wrote;
  }

  private int freePacketId() {
    do {
      lastPacketId = lastPacketId % 0xFFFF + 1;
    } while (inFlight.containsKey(lastPacketId));
    return lastPacketId;
  }

  private void owe(Queued m) {
    owedBytes += m.payload().length;
    counters.queuedMessages.incrementAndGet();
    counters.queuedBytes.addAndGet(m.payload().length);
  }

  private void unowe(Queued m) {
    owedBytes -= m.payload().length;
    counters.queuedMessages.decrementAndGet();
    counters.queuedBytes.addAndGet(-m.payload().length);
  }

  private void settle(Queued m) {
    unowe(m);
    if (m.sequence() > 0) {
      journal.settled(incarnation, m.sequence());
    }
  }

  /** For a snapshot, while nobody changes anything; null for a session that is not stored. */
  Journal.@Nullable SessionState image() {
    lock.lock();
    try {
      if (removed || !persistent) {
        return null;
      }
      List<Queued> stored = new ArrayList<>(queue);
      stored.removeIf(m -> m.sequence() == 0);
      return new Journal.SessionState(
          incarnation,
          clientId,
          new LinkedHashMap<>(subscriptions),
          new LinkedHashMap<>(inFlight),
          stored);
    } finally {
      lock.unlock();
    }
  }
}
