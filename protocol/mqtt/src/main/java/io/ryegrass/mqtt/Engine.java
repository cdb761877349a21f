package io.ryegrass.mqtt;

import io.netty.util.concurrent.EventExecutor;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sessions, routing and retained messages: the broker without sockets. {@link ConnectionPackets}
 * calls it for what clients send, {@link MqttBroker} for what the host sends.
 */
final class Engine implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

  /**
   * How long a second CONNECT waits until the host is through with the first connection's packets.
   */
  private static final Duration TAKEOVER_WAIT = Duration.ofSeconds(5);

  /** What sessions and their parts share. */
  record Parts(
      SubscriptionTree tree, Journal journal, Counters counters, TopicRules rules, Clock clock) {
    long now() {
      return clock.millis();
    }
  }

  private final Authenticator authenticator;
  private final Access access;
  private final Interceptor interceptor;
  private final Parts parts;
  private final Limits limits;
  private final TopicRules rules;
  private final Journal journal;
  private final Counters counters;
  private final SubscriptionTree tree;
  private final ConcurrentHashMap<String, Session> sessions = new ConcurrentHashMap<>();
  private final RetainedMessages retained;
  private final Router router;
  private final ConnectRate connectRate;
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private final ConcurrentHashMap<EventExecutor, LoopState> loops = new ConcurrentHashMap<>();
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("mqtt-", 0).factory());
  private final Departures departures;
  private final AtomicInteger openSockets = new AtomicInteger();
  private final AtomicBoolean compacting = new AtomicBoolean();
  private volatile boolean closing;

  Engine(
      Authenticator authenticator,
      Authoriser authoriser,
      Interceptor interceptor,
      TopicRules rules,
      Clock clock,
      Counters counters,
      Journal journal,
      Journal.State recovered) {
    this.authenticator = authenticator;
    this.access = new Access(authoriser, rules.limits());
    this.interceptor = interceptor;
    this.rules = rules;
    this.limits = rules.limits();
    this.counters = counters;
    this.journal = journal;
    this.tree = new SubscriptionTree(!rules.aws());
    this.parts = new Parts(tree, journal, counters, rules, clock);
    this.retained = new RetainedMessages(journal, rules, counters, clock);
    this.router = new Router(access, interceptor, retained, parts);
    this.connectRate = new ConnectRate(limits.connectInterval(), limits.maxSessions());
    this.departures = new Departures(this, clock);
    long now = clock.millis();
    for (Journal.SessionState s : recovered.sessions()) {
      Session session = newSession(s.meta().clientId());
      session.restore(s, now);
      sessions.put(s.meta().clientId(), session);
      departures.sessionWaits(session);
    }
    retained.restore(recovered.retained());
  }

  private Session newSession(String clientId) {
    return new Session(clientId, parts);
  }

  Access access() {
    return access;
  }

  Router router() {
    return router;
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

  Journal journal() {
    return journal;
  }

  ExecutorService threads() {
    return threads;
  }

  long now() {
    return parts.now();
  }

  LoopState loop(EventExecutor eventLoop) {
    return loops.computeIfAbsent(eventLoop, unused -> new LoopState());
  }

  // ---- connections ----

  /** A socket was accepted. False: there are as many as there may be. */
  boolean register(Connection connection) {
    if (closing || openSockets.get() >= limits.maxConnections()) {
      counters.refusedConnections.increment();
      return false;
    }
    openSockets.incrementAndGet();
    connections.add(connection);
    return true;
  }

  /** A registered connection's socket is closed; what it sent may still be handled. */
  void socketClosed() {
    openSockets.decrementAndGet();
  }

  void unregister(Connection connection) {
    connections.remove(connection);
  }

  boolean mayConnectAgain(String clientId) {
    return connectRate.allows(clientId, System.nanoTime());
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

  Client client(ConnectRequest request, Object principal) {
    return new Client(
        new ClientSession(request.clientId(), principal, request.peer(), parts.clock().instant()),
        new Decisions());
  }

  /** Seconds for which the session is kept after the connection, within the limits. */
  long wantedExpiry(Packet.Connect packet) {
    if (packet.version() >= 5) {
      return packet.sessionExpirySeconds() <= 0 ? 0 : allowedExpiry(packet.sessionExpirySeconds());
    }
    return packet.cleanStart() ? 0 : allowedExpiry(SessionMeta.NEVER);
  }

  long allowedExpiry(long wanted) {
    return Math.min(wanted, Math.min(SessionMeta.NEVER, limits.sessionExpiry().toSeconds()));
  }

  /**
   * @param present stored state was taken up
   */
  record Taken(Session session, boolean present) {}

  /**
   * Gives the client's session to the connection, after ending the one that has it [MQTT-3.1.4-2].
   * What it changes is on the disk when this returns.
   *
   * @return null when there are too many sessions
   */
  @Nullable Taken connect(Connection connection, Client client, boolean clean, long expirySeconds) {
    while (true) {
      Session session = sessions.get(client.id());
      if (session == null) {
        if (sessions.size() >= limits.maxSessions()) {
          return null;
        }
        session = sessions.computeIfAbsent(client.id(), this::newSession);
      }
      switch (session.attach(connection, client, clean, expirySeconds, now())) {
        case Session.Attached.Gone unused -> sessions.remove(client.id(), session);
        case Session.Attached.Busy busy -> takeOver(session, busy.holder());
        case Session.Attached.Done done -> {
          departures.returned(session, done.present());
          if (done.present()) {
            session.load();
            if (session.hasSubscriptions()) {
              access.forgetDecisions(); // another principal may receive other things
            }
            dropWhatMayNotBeReceived(session, client);
          }
          journal.sync();
          counters.connectsAccepted.increment();
          return new Taken(session, done.present());
        }
      }
    }
  }

  private void takeOver(Session session, Connection holder) {
    counters.takeovers.increment();
    holder
        .packets()
        .disconnect(
            ReasonCode.SESSION_TAKEN_OVER,
            "another connection has the same client id",
            DisconnectReason.DUPLICATE_CLIENTID.name());
    if (!holder.awaitEnd(TAKEOVER_WAIT)) {
      LOG.warn(
          "The replaced connection of client {} is still busy; its session is taken from it",
          session.clientId());
      if (session.detach(holder, now()) == Session.Left.ENDED) {
        sessions.remove(session.clientId(), session);
      }
    }
  }

  private void dropWhatMayNotBeReceived(Session session, Client client) {
    Set<String> refused = new LinkedHashSet<>();
    for (String topic : session.owedTopics()) {
      if (!access.mayReceive(client, topic)) {
        refused.add(topic);
      }
    }
    if (!refused.isEmpty()) {
      session.dropTopics(refused);
    }
  }

  void connected(Client client) {
    interceptor.onConnect(client.session());
  }

  /** The end of a connection that had a session: will, registry, host. */
  void disconnected(
      Connection connection, Session session, Client client, @Nullable Will will, String reason) {
    long willDelay = will == null ? 0 : Math.min(will.delaySeconds(), session.expirySeconds());
    boolean waits = will != null && !closing && willDelay > 0;
    if (will != null && waits) {
      departures.willWaits(session, client, will, willDelay);
    }
    Session.Left left = session.detach(connection, now());
    if (left == Session.Left.ENDED) {
      sessions.remove(session.clientId(), session);
    }
    if (will != null && !closing) {
      if (!waits) {
        publishWill(client, will);
      } else if (left != Session.Left.KEPT) {
        departures.sendWaitingWill(session);
      }
    }
    if (left == Session.Left.KEPT) {
      departures.sessionWaits(session);
    }
    try {
      interceptor.onDisconnect(client.session(), reason);
    } catch (RuntimeException e) {
      LOG.warn("The host failed to take the disconnect of client {}", client.id(), e);
    }
  }

  /** On a virtual thread: asks host code. */
  void publishWill(Client client, Will will) {
    try {
      if (!access.mayPublish(client, will.topic(), will.retain())) {
        LOG.info(
            "The will of client {} on {} is not allowed and was not sent",
            client.id(),
            will.topic());
        return;
      }
      Message message =
          new Message(
              Topic.of(will.topic()),
              will.payload(),
              will.qos(),
              will.retain(),
              will.properties(),
              will.expirySeconds() < 0 ? 0 : now() + will.expirySeconds() * 1_000,
              client.id(),
              System.nanoTime());
      if (ask(client, message) == Interceptor.Disposition.ROUTE) {
        router.deliver(message, router.route(message.topic()), null, 0);
        sync();
      }
    } catch (RuntimeException e) {
      LOG.warn("The will of client {} could not be sent", client.id(), e);
    }
  }

  /** A session whose time may be over. */
  void expire(Session session) {
    if (session.expire(now())) {
      sessions.remove(session.clientId(), session);
      counters.expiredSessions.increment();
      sync();
    }
  }

  /** Waits for the disk. */
  void sync() {
    journal.sync();
    compactIfDue();
  }

  /** Lets the journal be rewritten, aside, when it has grown enough. */
  void compactIfDue() {
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

  private Journal.Captured capture() {
    List<Journal.CapturedSession> images =
        sessions.values().stream().map(Session::image).filter(Objects::nonNull).toList();
    return new Journal.Captured(images, retained.all(), journal.nextNumber());
  }

  // ---- subscribing ----

  /**
   * @param code for the SUBACK
   * @param sendRetained whether retained messages follow
   */
  record SubscribeResult(int code, boolean sendRetained) {}

  SubscribeResult subscribe(
      Connection connection, Session session, Client client, Subscription wanted) {
    if (!rules.validFilter(wanted.filter())) {
      return new SubscribeResult(ReasonCode.TOPIC_FILTER_INVALID, false);
    }
    if (wanted.filter().equals(rules.refusedFilter())) {
      return new SubscribeResult(ReasonCode.UNSPECIFIED_ERROR, false);
    }
    Integer refused = access.maySubscribe(client, wanted.filter());
    if (refused != null) {
      return new SubscribeResult(refused, false);
    }
    int qos = Math.min(wanted.qos(), limits.maxQos());
    Subscription granted =
        new Subscription(
            wanted.filter(),
            qos,
            wanted.noLocal(),
            wanted.retainAsPublished(),
            wanted.retainHandling(),
            wanted.identifier());
    return switch (session.subscribe(connection, granted)) {
      case TOO_MANY -> new SubscribeResult(ReasonCode.QUOTA_EXCEEDED, false);
      case NEW ->
          new SubscribeResult(
              qos, wanted.retainHandling() < 2 && !FilterSyntax.isShared(wanted.filter()));
      case REPLACED ->
          new SubscribeResult(
              qos, wanted.retainHandling() == 0 && !FilterSyntax.isShared(wanted.filter()));
    };
  }

  Interceptor.Disposition ask(Client client, Message m) {
    return interceptor.onPublish(
        client.session(), m.topic().name(), m.payload(), m.qos(), m.retain());
  }

  void subscribed(Client client, List<String> filters) {
    interceptor.onSubscribe(client.session(), filters);
  }

  void unsubscribed(Client client, List<String> filters) {
    interceptor.onUnsubscribe(client.session(), filters);
  }

  // ---- host ----

  /** Whether neither authoriser nor host may block. */
  boolean isImmediate() {
    return access.isImmediate() && interceptor.isPassive();
  }

  RetainedMessages retained() {
    return retained;
  }

  void publishFromHost(
      String topic,
      byte[] payload,
      int qos,
      boolean retain,
      MessageProperties properties,
      boolean wait) {
    router.publishFromHost(topic, payload, qos, retain, properties, wait);
    compactIfDue();
  }

  boolean deliver(String clientId, String topic, byte[] payload, int qos) {
    Session session = sessions.get(clientId);
    boolean taken = session != null && router.deliver(session, topic, payload, qos);
    compactIfDue();
    return taken;
  }

  void disconnect(String clientId, String reason) {
    Session session = sessions.get(clientId);
    Connection connection = session == null ? null : session.connection();
    if (connection != null) {
      connection.packets().disconnect(ReasonCode.ADMINISTRATIVE_ACTION, reason, reason);
    }
  }

  boolean isConnected(String clientId) {
    Session session = sessions.get(clientId);
    return session != null && session.isConnected();
  }

  BrokerMetrics metrics() {
    long[] latencies = new long[Latencies.BUCKETS];
    loops.values().forEach(l -> l.latencies().addTo(latencies));
    return counters.metrics(
        connections.size(),
        sessions.size(),
        tree.size(),
        retained.size(),
        retained.bytes(),
        latencies);
  }

  @Override
  public void close() {
    closing = true;
    List<Connection> left = List.copyOf(connections);
    left.forEach(
        c ->
            c.packets()
                .disconnect(
                    ReasonCode.SERVER_SHUTTING_DOWN,
                    null,
                    DisconnectReason.SERVER_INITIATED_DISCONNECT.name()));
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(3);
    for (Connection c : left) {
      c.awaitEnd(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
    }
    departures.close();
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
