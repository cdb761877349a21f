package io.ryegrass.mqtt;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sessions, routing and retained messages: the broker without sockets. {@link Connection} calls it
 * for what clients send, {@link MqttBroker} for what the host sends.
 */
final class Engine implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

  /**
   * How long a second CONNECT waits until the host is through with the first connection's packets.
   */
  private static final Duration TAKEOVER_WAIT = Duration.ofSeconds(5);

  private final Authenticator authenticator;
  private final Authoriser authoriser;
  private final Interceptor interceptor;
  private final Limits limits;
  private final TopicRules rules;
  private final Clock clock;
  private final Journal journal;
  private final Counters counters = new Counters();
  private final SubscriptionTree tree;
  private final ConcurrentHashMap<String, Session> sessions = new ConcurrentHashMap<>();
  private final RetainedMessages retained;
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("mqtt-", 0).factory());
  private final AtomicBoolean compacting = new AtomicBoolean();
  private volatile boolean closing;

  private Engine(
      Authenticator authenticator,
      Authoriser authoriser,
      Interceptor interceptor,
      Limits limits,
      TopicRules rules,
      Clock clock,
      @Nullable Path dataFolder,
      long compactAfterBytes) {
    this.authenticator = authenticator;
    this.authoriser = authoriser;
    this.interceptor = interceptor;
    this.limits = limits;
    this.rules = rules;
    this.clock = clock;
    this.tree = new SubscriptionTree(!rules.aws());
    if (dataFolder == null) {
      this.journal = new Journal.Volatile();
      this.retained = new RetainedMessages(journal, rules, counters);
    } else {
      DurableJournal durable = new DurableJournal(dataFolder, counters, compactAfterBytes);
      this.journal = durable;
      this.retained = new RetainedMessages(journal, rules, counters);
      restore(durable.recovered());
    }
    threads.execute(this::expireSessions);
  }

  static Engine open(
      Authenticator authenticator,
      Authoriser authoriser,
      Interceptor interceptor,
      Limits limits,
      TopicRules rules,
      Clock clock,
      @Nullable Path dataFolder,
      long compactAfterBytes) {
    return new Engine(
        authenticator,
        authoriser,
        interceptor,
        limits,
        rules,
        clock,
        dataFolder,
        compactAfterBytes);
  }

  private void restore(Journal.State state) {
    Instant now = clock.instant();
    for (Journal.SessionState s : state.sessions()) {
      Session session = newSession(s.clientId());
      session.restore(s, now);
      sessions.put(s.clientId(), session);
    }
    retained.restore(state.retained());
  }

  private Session newSession(String clientId) {
    return new Session(clientId, tree, journal, counters, rules);
  }

  Limits limits() {
    return limits;
  }

  TopicRules rules() {
    return rules;
  }

  Counters counters() {
    return counters;
  }

  ExecutorService threads() {
    return threads;
  }

  // ---- connections ----

  /** A socket was accepted. False: there are as many as there may be. */
  boolean register(Connection connection) {
    if (closing || connections.size() >= limits.maxConnections()) {
      counters.refusedConnects.increment();
      return false;
    }
    connections.add(connection);
    return true;
  }

  void unregister(Connection connection) {
    connections.remove(connection);
  }

  AuthenticationResult authenticate(ConnectRequest request) {
    try {
      return authenticator.authenticate(request);
    } catch (RuntimeException e) {
      LOG.warn("Authentication of client {} from {} failed", request.clientId(), request.peer(), e);
      return new AuthenticationResult.Refused(
          ReturnCode.SERVER_UNAVAILABLE, "the authenticator failed: " + e);
    }
  }

  ClientSession clientSession(ConnectRequest request, Object principal) {
    return new ClientSession(request.clientId(), principal, request.peer(), clock.instant());
  }

  /**
   * Gives the client's session to the connection, after ending the one that has it [MQTT-3.1.4-2],
   * sends CONNACK and what waits.
   *
   * @return null when there are too many sessions
   */
  @Nullable Session connect(Connection connection, ClientSession client, boolean clean) {
    while (true) {
      Session session = sessions.get(client.clientId());
      if (session == null) {
        if (sessions.size() >= limits.maxSessions()) {
          return null;
        }
        session = sessions.computeIfAbsent(client.clientId(), this::newSession);
      }
      switch (session.attach(connection, client, clean)) {
        case Session.Attached.Gone unused -> sessions.remove(client.clientId(), session);
        case Session.Attached.Busy busy -> takeOver(session, busy.holder());
        case Session.Attached.Done done -> {
          if (done.stored()) {
            journal.sync();
          }
          if (done.present()) {
            dropWhatMayNotBeReceived(session, client);
          }
          session.open(connection, done.present());
          counters.connectsAccepted.increment();
          return session;
        }
      }
    }
  }

  private void takeOver(Session session, Connection holder) {
    counters.takeovers.increment();
    holder.terminate(DisconnectReason.DUPLICATE_CLIENTID.name());
    if (!holder.awaitEnd(TAKEOVER_WAIT)) {
      LOG.warn(
          "The replaced connection of client {} is still busy; its session is taken from it",
          session.clientId());
      session.detach(holder, clock.instant());
    }
  }

  private void dropWhatMayNotBeReceived(Session session, ClientSession client) {
    Set<String> refused = new LinkedHashSet<>();
    for (String topic : session.owedTopics()) {
      if (!mayReceive(client, topic)) {
        refused.add(topic);
      }
    }
    if (!refused.isEmpty()) {
      session.dropTopics(refused);
    }
  }

  void connected(ClientSession client) {
    interceptor.onConnect(client);
  }

  /** The end of a connection that had a session: will, registry, host. */
  void disconnected(
      Connection connection,
      Session session,
      ClientSession client,
      @Nullable Will will,
      String reason) {
    if (session.detach(connection, clock.instant())) {
      sessions.remove(session.clientId(), session);
    }
    if (will != null && !closing) {
      publishWill(client, will);
    }
    try {
      interceptor.onDisconnect(client, reason);
    } catch (RuntimeException e) {
      LOG.warn("The host failed to take the disconnect of client {}", client.clientId(), e);
    }
  }

  private void publishWill(ClientSession client, Will will) {
    try {
      Publication outcome =
          publish(client, will.topic(), will.payload(), will.qos(), will.retain());
      if (outcome == Publication.REFUSED) {
        LOG.info(
            "The will of client {} on {} is not allowed and was not sent",
            client.clientId(),
            will.topic());
      } else if (outcome == Publication.DONE_TO_SYNC) {
        journal.sync();
      }
    } catch (RuntimeException e) {
      LOG.warn("The will of client {} could not be sent", client.clientId(), e);
    }
  }

  boolean mayPublish(ClientSession client, String topic, boolean retain) {
    try {
      return authoriser.mayPublish(client, topic, retain);
    } catch (RuntimeException e) {
      LOG.warn("The authoriser failed for a publish of client {}; refused", client.clientId(), e);
      return false;
    }
  }

  private boolean mayReceive(ClientSession client, String topic) {
    try {
      return authoriser.mayReceive(client, topic);
    } catch (RuntimeException e) {
      LOG.warn("The authoriser failed for a delivery to client {}; refused", client.clientId(), e);
      return false;
    }
  }

  // ---- publishing ----

  enum Publication {
    DONE,
    /** PUBACK only after {@link Engine#sync()}. */
    DONE_TO_SYNC,
    REFUSED
  }

  /** What a client published. */
  Publication publish(ClientSession client, String topic, byte[] payload, int qos, boolean retain) {
    if (!mayPublish(client, topic, retain)) {
      return Publication.REFUSED;
    }
    return switch (interceptor.onPublish(client, topic, payload, qos, retain)) {
      case CONSUMED -> Publication.DONE;
      case REFUSED_DISCONNECT -> Publication.REFUSED;
      case ROUTE ->
          route(topic, payload, qos, retain) ? Publication.DONE_TO_SYNC : Publication.DONE;
    };
  }

  void publishFromHost(String topic, byte[] payload, int qos, boolean retain) {
    if (!rules.validTopic(topic)) {
      throw new MqttBrokerException(
          MqttBrokerException.INVALID_TOPIC,
          "Cannot publish to '"
              + topic
              + "': not a plain topic within the limits of this broker; shorten it or remove wildcards",
          null);
    }
    if (route(topic, payload, Math.min(qos, 1), retain)) {
      sync();
    }
  }

  boolean deliver(String clientId, String topic, byte[] payload, int qos) {
    Session session = sessions.get(clientId);
    SubscriptionTree.Grant grant = session == null ? null : session.grantFor(topic);
    if (session == null || grant == null) {
      return false;
    }
    ClientSession client = session.client();
    if (client != null && !mayReceive(client, topic)) {
      return false;
    }
    Map<Session, SubscriptionTree.Grant> target = new LinkedHashMap<>();
    target.put(session, grant);
    boolean[] taken = new boolean[1];
    journal.enter();
    boolean stored;
    try {
      stored = hand(topic, payload, Math.min(qos, 1), false, target, taken);
    } finally {
      journal.exit();
    }
    if (stored) {
      sync();
    }
    return taken[0];
  }

  /** True when something was written that a PUBACK must wait for. */
  private boolean route(String topic, byte[] payload, int qos, boolean retain) {
    Map<Session, SubscriptionTree.Grant> targets = tree.match(topic);
    targets
        .keySet()
        .removeIf(
            s -> {
              ClientSession client = s.client();
              return client != null && !mayReceive(client, topic);
            });
    boolean toSync = false;
    journal.enter();
    try {
      if (retain) {
        toSync = retained.keep(topic, payload, qos);
      }
      toSync |= hand(topic, payload, qos, false, targets, new boolean[1]);
    } finally {
      journal.exit();
    }
    return toSync;
  }

  /**
   * Writes what is owed to persistent sessions once for all of them, then queues it. Within the
   * journal's gate.
   */
  private boolean hand(
      String topic,
      byte[] payload,
      int qos,
      boolean retainFlag,
      Map<Session, SubscriptionTree.Grant> targets,
      boolean[] taken) {
    if (targets.isEmpty()) {
      return false;
    }
    List<Long> owedTo = new ArrayList<>();
    if (qos > 0) {
      targets.forEach(
          (session, grant) -> {
            if (grant.qos() > 0 && session.stores(grant.incarnation())) {
              owedTo.add(grant.incarnation());
            }
          });
    }
    long sequence = owedTo.isEmpty() ? 0 : journal.message(topic, payload, retainFlag, owedTo);
    targets.forEach(
        (session, grant) -> {
          int effective = Math.min(qos, grant.qos());
          boolean stored = effective > 0 && owedTo.contains(grant.incarnation());
          Queued message = new Queued(stored ? sequence : 0, topic, payload, effective, retainFlag);
          if (session.enqueue(grant.incarnation(), message)) {
            taken[0] = true;
          }
        });
    return !owedTo.isEmpty();
  }

  /**
   * Waits for the disk; then whatever was answered with DONE_TO_SYNC before may be acknowledged.
   */
  void sync() {
    journal.sync();
    if (journal.compactionDue() && compacting.compareAndSet(false, true)) {
      threads.execute(this::compact);
    }
  }

  private void compact() {
    try {
      journal.compact(this::capture);
    } catch (RuntimeException e) {
      LOG.warn(
          "The MQTT journal could not be compacted; it goes on growing until the next attempt", e);
    } finally {
      compacting.set(false);
    }
  }

  private Journal.State capture() {
    List<Journal.SessionState> images =
        sessions.values().stream().map(Session::image).filter(Objects::nonNull).toList();
    return new Journal.State(images, retained.all(), journal.nextNumber());
  }

  // ---- subscribing ----

  /** The granted QoS, or 0x80. */
  int subscribe(
      Connection connection, Session session, ClientSession client, String filter, int qos) {
    if (!rules.validFilter(filter) || !maySubscribe(client, filter)) {
      return 0x80;
    }
    SubscriptionTree.Grant grant = session.subscribe(connection, filter, Math.min(qos, 1));
    return grant == null ? 0x80 : grant.qos();
  }

  private boolean maySubscribe(ClientSession client, String filter) {
    try {
      return authoriser.maySubscribe(client, filter);
    } catch (RuntimeException e) {
      LOG.warn("The authoriser failed for a subscribe of client {}; refused", client.clientId(), e);
      return false;
    }
  }

  /** After the SUBACK: the retained messages of a granted filter [MQTT-3.3.1-6]. */
  void sendRetained(Session session, ClientSession client, String filter) {
    retained.matching(filter).forEach(m -> sendRetained(session, client, m));
  }

  private void sendRetained(Session session, ClientSession client, RetainedMessage message) {
    SubscriptionTree.Grant grant = session.grantFor(message.topic());
    if (grant == null || !mayReceive(client, message.topic())) {
      return;
    }
    journal.enter();
    try {
      hand(
          message.topic(),
          message.payload(),
          message.qos(),
          true,
          Map.of(session, grant),
          new boolean[1]);
    } finally {
      journal.exit();
    }
  }

  void subscribed(ClientSession client, List<String> filters) {
    interceptor.onSubscribe(client, filters);
  }

  void unsubscribed(ClientSession client, List<String> filters) {
    interceptor.onUnsubscribe(client, filters);
  }

  // ---- host ----

  void disconnect(String clientId, String reason) {
    Session session = sessions.get(clientId);
    Connection connection = session == null ? null : session.connection();
    if (connection != null) {
      connection.terminate(reason);
    }
  }

  boolean isConnected(String clientId) {
    Session session = sessions.get(clientId);
    return session != null && session.isConnected();
  }

  BrokerMetrics metrics() {
    return new BrokerMetrics(
        connections.size(),
        sessions.size(),
        tree.size(),
        retained.size(),
        counters.queuedMessages.get(),
        counters.queuedBytes.get(),
        counters.connectsAccepted.sum(),
        counters.publishesReceived.sum(),
        counters.publishesSent.sum(),
        counters.bytesReceived.sum(),
        counters.bytesSent.sum(),
        counters.droppedQueueFull.sum(),
        counters.droppedNotRetained.sum(),
        counters.refusedConnects.sum(),
        counters.refusedPublishes.sum(),
        counters.protocolErrors.sum(),
        counters.takeovers.sum(),
        counters.keepAliveTimeouts.sum(),
        counters.stalledWriters.sum(),
        counters.expiredSessions.sum(),
        counters.journalFailures.sum());
  }

  /** Runs until the broker closes. A session whose end fails does not keep the others alive. */
  private void expireSessions() {
    long pause = Math.clamp(limits.sessionExpiry().toMillis() / 4, 50, 60_000);
    try {
      while (!closing) {
        Thread.sleep(pause);
        Instant before = clock.instant().minus(limits.sessionExpiry());
        for (Session session : sessions.values()) {
          try {
            if (session.expire(before)) {
              sessions.remove(session.clientId(), session);
              counters.expiredSessions.increment();
            }
          } catch (RuntimeException e) {
            LOG.warn("The session of client {} could not be ended", session.clientId(), e);
          }
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the broker closes
    }
  }

  @Override
  public void close() {
    closing = true;
    List<Connection> left = List.copyOf(connections);
    left.forEach(c -> c.terminate(DisconnectReason.SERVER_INITIATED_DISCONNECT.name()));
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(3);
    for (Connection c : left) {
      c.awaitEnd(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
    }
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(3, TimeUnit.SECONDS)) {
        LOG.warn(
            "Host code of the MQTT broker is still busy; the broker closes without waiting for it");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    journal.close();
  }
}
