package io.ryegrass.mqtt;

import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the broker knows of one client identifier: subscriptions, messages that are owed ({@link
 * Outbox}), QoS 2 identifiers that are taken, the connection if there is one.
 *
 * <p>Everything is guarded by one lock that is held for memory operations and buffered journal
 * writes only. Whatever goes out to the client is put into the connection's output buffer under it,
 * on the connection's event loop, so there is one order of events, and it is the order on the wire.
 * Each method enters the journal's gate before it takes the lock, unless it says that its caller
 * has.
 *
 * <p>An <em>incarnation</em> is the life of the session's state: a clean CONNECT begins a new one,
 * and what was found for the old one on the way is not delivered into the new.
 */
final class Session {
  /** What {@link #attach} found. */
  sealed interface Attached {
    /** Done; {@code present}: stored state was taken up. */
    record Done(boolean present) implements Attached {}

    /** Another connection has it and must end first. */
    record Busy(Connection holder) implements Attached {}

    /** The object was removed from the registry meanwhile; look it up again. */
    record Gone() implements Attached {}
  }

  /** What became of a session when its connection ended. */
  enum Left {
    /** Another connection has it. */
    NOT_MINE,
    /** It ended and is to be removed from the registry. */
    ENDED,
    /** It waits for its client. */
    KEPT
  }

  private final String clientId;
  private final Journal journal;
  private final ReentrantLock lock = new ReentrantLock();
  private final Outbox outbox;

  private final Subscriptions subscriptions;

  /** Packet identifiers of QoS 2 messages of this client whose PUBREL has not come. */
  private @Nullable Set<Integer> received;

  private long incarnation;
  private boolean persistent;
  private boolean removed;
  private long expirySeconds;
  private long disconnectedAt;
  private @Nullable Connection connection;
  private volatile boolean open;
  private volatile @Nullable Client client;

  Session(String clientId, Engine.Parts parts) {
    this.clientId = clientId;
    this.journal = parts.journal();
    this.outbox = new Outbox(parts);
    this.subscriptions = new Subscriptions(this, parts);
  }

  /** Takes up what the journal gave back; before anybody else sees the session. */
  void restore(Journal.SessionState state, long now) {
    incarnation = state.incarnation();
    persistent = true;
    expirySeconds = state.meta().expirySeconds();
    // Whoever was connected when the program died is away since the program is back.
    disconnectedAt = state.meta().disconnectedAt() == 0 ? now : state.meta().disconnectedAt();
    subscriptions.restore(state.subscriptions(), incarnation);
    outbox.restore(incarnation, state.stored());
  }

  String clientId() {
    return clientId;
  }

  /** The client as it was last connected since the program started, or null. */
  @Nullable Client client() {
    return client;
  }

  // ---- connection ----

  /**
   * @param wantedExpiry seconds the session is to be kept after its connection; 0 not at all
   */
  Attached attach(Connection newcomer, Client who, boolean clean, long wantedExpiry, long now) {
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
      boolean present = persistent && !clean && !isOver(now);
      boolean persist = wantedExpiry > 0;
      if (present && !persist) {
        // The state goes on, in memory only until the connection ends [MQTT5-3.1.2-23]
        expirySeconds = 0;
        journal.sessionChanged(incarnation, new SessionMeta(clientId, 0, 0));
      } else if (present) {
        expirySeconds = wantedExpiry;
        journal.sessionChanged(incarnation, new SessionMeta(clientId, expirySeconds, 0));
      } else {
        forgetState();
        incarnation = journal.nextNumber();
        persistent = persist;
        expirySeconds = wantedExpiry;
        outbox.begin(incarnation, persistent);
        if (persistent) {
          journal.sessionCreated(incarnation, new SessionMeta(clientId, expirySeconds, 0));
        }
      }
      connection = newcomer;
      client = who;
      open = false;
      disconnectedAt = 0;
      return new Attached.Done(present);
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  /** Reads what the disk has for this session, if nobody did yet. May block. */
  void load() {
    Journal.Stored stored;
    lock.lock();
    try {
      stored = outbox.notLoaded();
    } finally {
      lock.unlock();
    }
    if (stored == null) {
      return;
    }
    Journal.Owing owing = stored.load();
    lock.lock();
    try {
      outbox.loaded(owing);
      if (!owing.received().isEmpty()) {
        received = new HashSet<>(owing.received());
      }
    } finally {
      lock.unlock();
    }
  }

  /** Topics of what waits, so that the host can be asked whether the client may still have them. */
  Set<String> owedTopics() {
    lock.lock();
    try {
      return outbox.topics();
    } finally {
      lock.unlock();
    }
  }

  /** Drops what waits for these topics. */
  void dropTopics(Set<String> topics) {
    journal.enter();
    lock.lock();
    try {
      outbox.dropTopics(topics);
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  /**
   * Sends CONNACK, then what was in flight with its old identifiers in the old order [MQTT-4.4.0-1]
   * [MQTT-4.6.0-1], then what waits. On the connection's event loop.
   */
  void open(Connection by, Runnable connAck) {
    journal.enter();
    lock.lock();
    try {
      if (connection != by) {
        return;
      }
      connAck.run();
      outbox.open(by, by.receiveMaximum());
      open = true;
      outbox.pump(by);
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  /** MQTT 5: DISCONNECT may change the expiry [MQTT5-3.14.2-2]. */
  void expiryChanged(Connection by, long seconds) {
    journal.enter();
    lock.lock();
    try {
      if (connection == by) {
        expirySeconds = seconds;
      }
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  long expirySeconds() {
    lock.lock();
    try {
      return expirySeconds;
    } finally {
      lock.unlock();
    }
  }

  /** The connection has ended. */
  Left detach(Connection by, long now) {
    journal.enter();
    lock.lock();
    try {
      if (connection != by) {
        return Left.NOT_MINE;
      }
      connection = null;
      open = false;
      disconnectedAt = now;
      if (persistent && expirySeconds > 0) {
        journal.sessionChanged(
            incarnation, new SessionMeta(clientId, expirySeconds, disconnectedAt));
        outbox.close();
        return Left.KEPT;
      }
      forgetState();
      removed = true;
      return Left.ENDED;
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  /** Ends a session that nobody came back to in time. True when it was removed now. */
  boolean expire(long now) {
    journal.enter();
    lock.lock();
    try {
      if (removed || connection != null || !isOver(now)) {
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

  /** When it ends, in milliseconds since the epoch, if nobody comes; Long.MAX_VALUE for never. */
  long endsAt() {
    lock.lock();
    try {
      return connection != null || expirySeconds >= SessionMeta.NEVER
          ? Long.MAX_VALUE
          : disconnectedAt + expirySeconds * 1_000;
    } finally {
      lock.unlock();
    }
  }

  private boolean isOver(long now) {
    return disconnectedAt != 0
        && expirySeconds < SessionMeta.NEVER
        && disconnectedAt + expirySeconds * 1_000 <= now;
  }

  private void forgetState() {
    if (persistent) {
      journal.sessionRemoved(incarnation);
    }
    subscriptions.clear();
    outbox.forget();
    received = null;
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
    return open;
  }

  /** Whether it is worth giving it one more message of a shared subscription. */
  boolean keepsUp() {
    return outbox.keepsUp();
  }

  // ---- subscriptions ----

  enum Granted {
    NEW,
    REPLACED,
    TOO_MANY
  }

  /** An existing one of the same filter is replaced [MQTT-3.8.4-3]. */
  Granted subscribe(Connection by, Subscription s) {
    journal.enter();
    lock.lock();
    try {
      boolean known = subscriptions.contains(s.filter());
      if (connection != by || (!known && subscriptions.isFull())) {
        return Granted.TOO_MANY;
      }
      if (persistent) {
        journal.subscribed(incarnation, s);
      }
      subscriptions.put(s, incarnation);
      return known ? Granted.REPLACED : Granted.NEW;
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  boolean unsubscribe(Connection by, String filter) {
    journal.enter();
    lock.lock();
    try {
      if (connection != by || !subscriptions.contains(filter)) {
        return false;
      }
      if (persistent) {
        journal.unsubscribed(incarnation, filter);
      }
      subscriptions.remove(filter);
      return true;
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  boolean hasSubscriptions() {
    lock.lock();
    try {
      return !subscriptions.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** What the subscriptions of this session that match ask for together, or null. */
  Route.@Nullable Target targetFor(String topic) {
    lock.lock();
    try {
      return subscriptions.targetFor(topic, incarnation);
    } finally {
      lock.unlock();
    }
  }

  /** The subscription of exactly this filter, for the retained messages that it brings. */
  Route.@Nullable Target targetOf(String filter) {
    lock.lock();
    try {
      return subscriptions.targetOf(filter, incarnation);
    } finally {
      lock.unlock();
    }
  }

  /** Whether QoS 1 and 2 messages for this incarnation have to be written to the journal. */
  boolean stores(long forIncarnation) {
    lock.lock();
    try {
      return persistent && !removed && incarnation == forIncarnation;
    } finally {
      lock.unlock();
    }
  }

  /** The incarnation if it is stored, else 0: under which a publisher's QoS 2 state is kept. */
  long storedIncarnation() {
    lock.lock();
    try {
      return persistent && !removed ? incarnation : 0;
    } finally {
      lock.unlock();
    }
  }

  // ---- messages to the client ----

  /**
   * Sends or queues a message. The caller is within the journal's gate.
   *
   * @return false when it was not taken: another incarnation, offline and not to be kept, or a full
   *     queue
   */
  boolean offer(long forIncarnation, Queued message) {
    lock.lock();
    try {
      Connection to = connection;
      if (removed
          || incarnation != forIncarnation
          || (to == null && (message.qos() == 0 || !persistent))) {
        return false;
      }
      return outbox.offer(open ? to : null, message);
    } finally {
      lock.unlock();
    }
  }

  /**
   * PUBACK, PUBREC or PUBCOMP. On the connection's event loop. An unknown identifier is passed
   * over: it may belong to a message that was settled otherwise.
   */
  void acknowledged(Connection by, Packet.Ack ack) {
    journal.enter();
    lock.lock();
    try {
      if (connection == by && open) {
        outbox.acknowledged(by, ack);
      }
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  /** Sends what may be sent now. On the connection's event loop. */
  void pump(Connection by) {
    journal.enter();
    lock.lock();
    try {
      if (connection == by && open) {
        outbox.pump(by);
      }
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  // ---- QoS 2 messages from the client ----

  /** Whether a QoS 2 message with this identifier was taken before and its PUBREL has not come. */
  boolean hasReceived(int packetId) {
    lock.lock();
    try {
      return received != null && received.contains(packetId);
    } finally {
      lock.unlock();
    }
  }

  /** The identifier is taken now. The journal's record is the message's, written by the caller. */
  void received(int packetId) {
    lock.lock();
    try {
      if (received == null) {
        received = new HashSet<>(4);
      }
      received.add(packetId);
    } finally {
      lock.unlock();
    }
  }

  /** PUBREL: the identifier is free again. False: it was not taken. */
  boolean released(Connection by, int packetId) {
    journal.enter();
    lock.lock();
    try {
      if (connection != by || received == null || !received.remove(packetId)) {
        return false;
      }
      if (persistent) {
        journal.receivedDone(incarnation, packetId);
      }
      return true;
    } finally {
      lock.unlock();
      journal.exit();
    }
  }

  // ---- snapshot ----

  /** For a snapshot, while nobody changes anything; null for a session that is not stored. */
  Journal.@Nullable CapturedSession image() {
    lock.lock();
    try {
      if (removed || !persistent) {
        return null;
      }
      Collection<Integer> ids = received == null ? Set.of() : received;
      return new Journal.CapturedSession(
          incarnation,
          new SessionMeta(clientId, expirySeconds, disconnectedAt),
          subscriptions.copy(),
          outbox.owing(new LinkedHashSet<>(ids)),
          outbox.notLoaded() != null);
    } finally {
      lock.unlock();
    }
  }
}
