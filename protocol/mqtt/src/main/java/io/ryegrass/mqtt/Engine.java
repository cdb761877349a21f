package io.ryegrass.mqtt;

import io.netty.util.concurrent.EventExecutor;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
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
  private final Authoriser authoriser;
  private final Interceptor interceptor;
  private final Parts parts;
  private final Limits limits;
  private final TopicRules rules;
  private final Journal journal;
  private final Counters counters;
  private final SubscriptionTree tree;
  private final ConcurrentHashMap<String, Session> sessions = new ConcurrentHashMap<>();
  private final RetainedMessages retained;
  private final ConnectRate connectRate;
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private final ConcurrentHashMap<EventExecutor, LoopState> loops = new ConcurrentHashMap<>();
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("mqtt-", 0).factory());
  private final Departures departures;
  private final AtomicBoolean compacting = new AtomicBoolean();
  private final AtomicLong epoch = new AtomicLong();
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
    this.authoriser = authoriser;
    this.interceptor = interceptor;
    this.rules = rules;
    this.limits = rules.limits();
    this.counters = counters;
    this.journal = journal;
    this.tree = new SubscriptionTree(!rules.aws());
    this.parts = new Parts(tree, journal, counters, rules, clock);
    this.retained = new RetainedMessages(journal, rules, counters);
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
    if (closing || connections.size() >= limits.maxConnections()) {
      counters.refusedConnections.increment();
      return false;
    }
    connections.add(connection);
    return true;
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
              epoch.incrementAndGet(); // another principal may receive other things
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
      if (!mayReceive(client, topic)) {
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
    Session.Left left = session.detach(connection, now());
    if (left == Session.Left.ENDED) {
      sessions.remove(session.clientId(), session);
    }
    if (will != null && !closing) {
      if (left == Session.Left.KEPT && willDelay > 0) {
        departures.willWaits(session, client, will, willDelay);
      } else {
        publishWill(client, will);
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
      if (!mayPublish(client, will.topic(), will.retain())) {
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
        deliver(message, route(message.topic()), null, 0);
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

  // ---- decisions ----

  /** Whether neither authoriser nor host may block. */
  boolean isImmediate() {
    return authoriser.isImmediate() && interceptor.isPassive();
  }

  /** Forgets what the authoriser has said. */
  void forgetDecisions() {
    epoch.incrementAndGet();
  }

  private long until() {
    return System.nanoTime() + limits.decisionLifetime().toNanos();
  }

  boolean mayPublish(Client client, String topic, boolean retain) {
    long at = epoch.get();
    Boolean known = client.decisions().publish(topic, retain, at, System.nanoTime());
    if (known != null) {
      return known;
    }
    try {
      boolean may = authoriser.mayPublish(client.session(), topic, retain);
      client.decisions().publishDecided(topic, retain, may, at, until());
      return may;
    } catch (RuntimeException e) {
      LOG.warn("The authoriser failed for a publish of client {}; refused", client.id(), e);
      return false;
    }
  }

  private boolean mayReceive(Client client, String topic) {
    long at = epoch.get();
    Boolean known = client.decisions().receive(topic, at, System.nanoTime());
    if (known != null) {
      return known;
    }
    try {
      boolean may = authoriser.mayReceive(client.session(), topic);
      client.decisions().receiveDecided(topic, may, at, until());
      return may;
    } catch (RuntimeException e) {
      LOG.warn("The authoriser failed for a delivery to client {}; refused", client.id(), e);
      return false;
    }
  }

  Interceptor.Disposition ask(Client client, Message m) {
    return interceptor.onPublish(
        client.session(), m.topic().name(), m.payload(), m.qos(), m.retain());
  }

  // ---- routing ----

  /**
   * The receivers of what this client publishes to the topic, if that can be said without asking
   * anybody who may block, and the client may publish there; else null. On an event loop.
   */
  @Nullable Route routeAtOnce(Client client, Topic topic, boolean retain, long now) {
    if (interceptor.wants(topic.name())) {
      return null;
    }
    if (authoriser.isImmediate()) {
      if (!mayPublish(client, topic.name(), retain)) {
        return null;
      }
    } else if (!Boolean.TRUE.equals(
        client.decisions().publish(topic.name(), retain, epoch.get(), now))) {
      return null;
    }
    Route known = topic.route();
    if (known != null
        && known.version() == tree.version()
        && known.epoch() == epoch.get()
        && now - known.validUntilNanos() < 0) {
      return known;
    }
    Route found = route(topic.name(), authoriser.isImmediate());
    if (found != null) {
      topic.route(found);
    }
    return found;
  }

  /** The receivers of a topic. May ask the authoriser, who may block. */
  Route route(Topic topic) {
    return Objects.requireNonNull(route(topic.name(), true));
  }

  /**
   * @param mayAsk whether the authoriser may be asked; if not, null when it would have to be
   */
  private @Nullable Route route(String topic, boolean mayAsk) {
    long at = epoch.get();
    SubscriptionTree.Found found = tree.match(topic);
    List<Route.Target> targets = new ArrayList<>(found.sessions().size());
    for (var e : found.sessions().entrySet()) {
      Boolean may = mayReceive(e.getKey(), topic, at, mayAsk);
      if (may == null) {
        return null;
      }
      if (may) {
        targets.add(SubscriptionTree.target(e.getKey(), e.getValue()));
      }
    }
    List<Route.Share> shares = new ArrayList<>(found.groups().size());
    for (SubscriptionTree.GroupMatch g : found.groups()) {
      List<Route.Target> members = new ArrayList<>(g.members().size());
      for (SubscriptionTree.Entry member : g.members()) {
        Boolean may = mayReceive(member.session(), topic, at, mayAsk);
        if (may == null) {
          return null;
        }
        if (may) {
          members.add(SubscriptionTree.target(member.session(), List.of(member)));
        }
      }
      if (!members.isEmpty()) {
        shares.add(new Route.Share(members.toArray(Route.NO_TARGETS), g.turn()));
      }
    }
    return new Route(
        found.version(),
        at,
        until(),
        targets.toArray(Route.NO_TARGETS),
        shares.toArray(Route.NO_SHARES));
  }

  /** Null: not known, and not to be asked. */
  private @Nullable Boolean mayReceive(Session session, String topic, long at, boolean mayAsk) {
    Client client = session.client();
    if (client == null) {
      return true; // it is asked when the client comes back
    }
    return mayAsk
        ? Boolean.valueOf(mayReceive(client, topic))
        : client.decisions().receive(topic, at, System.nanoTime());
  }

  /**
   * @param matched whether there was anybody to get it
   * @param position of the journal that an acknowledgement must wait for, 0 for none
   */
  record Routed(boolean matched, long position) {}

  /**
   * Gives a message to its receivers and keeps it if it is to be retained.
   *
   * @param exactlyOnce the publisher's session when the message is of QoS 2, whose packet
   *     identifier is taken from now on; else null
   */
  Routed deliver(Message m, Route route, @Nullable Session exactlyOnce, int packetId) {
    boolean stored = false;
    journal.enter();
    try {
      if (m.retain()) {
        stored = retained.keep(m);
      }
      long publisher = exactlyOnce == null ? 0 : exactlyOnce.storedIncarnation();
      stored |= hand(m, route.targets(), route.shares(), false, publisher, packetId);
      if (exactlyOnce != null) {
        exactlyOnce.received(packetId);
      }
    } finally {
      journal.exit();
    }
    compactIfDue();
    return new Routed(!route.isEmpty(), stored && m.qos() > 0 ? journal.position() : 0);
  }

  /** A QoS 2 message that the host has taken: only its identifier is kept. */
  long receivedOnly(Session publisher, int packetId) {
    journal.enter();
    try {
      long incarnation = publisher.storedIncarnation();
      if (incarnation != 0) {
        journal.message(
            new Message(Topic.of(""), new byte[0], 2, false, Message.NO_PROPERTIES, 0, null),
            List.of(),
            incarnation,
            packetId);
      }
      publisher.received(packetId);
      return incarnation == 0 ? 0 : journal.position();
    } finally {
      journal.exit();
    }
  }

  /**
   * Writes what is owed to persistent sessions once for all of them, then sends or queues it.
   * Within the journal's gate.
   *
   * @return whether something was written to the journal
   */
  private boolean hand(
      Message m,
      Route.Target[] targets,
      Route.Share[] shares,
      boolean retainedOne,
      long publisher,
      int packetId) {
    Route.Target[] all = shares.length == 0 ? targets : withPicked(targets, shares);
    List<Owed> owed = m.qos() > 0 && journal.stores() ? owed(m, all, retainedOne) : List.of();
    long sequence = 0;
    long notBefore = 0;
    if (!owed.isEmpty() || publisher != 0) {
      sequence = journal.message(m, owed, publisher, packetId);
      notBefore = m.qos() == 2 ? journal.position() : 0;
    }
    Queued last = null;
    for (Route.Target each : all) {
      Route.Target t = forPublisher(each, m);
      if (t == null) {
        continue;
      }
      int qos = Math.min(m.qos(), t.qos());
      boolean retain = retainedOne || (m.retain() && t.retainAsPublished());
      boolean stored = !owed.isEmpty() && qos > 0 && isOwed(owed, t.incarnation());
      long seq = stored ? sequence : 0;
      if (last == null
          || last.qos() != qos
          || last.retain() != retain
          || last.sequence() != seq
          || last.identifiers() != t.identifiers()) {
        last = new Queued(seq, m, qos, retain, t.identifiers(), notBefore);
      }
      t.session().offer(t.incarnation(), last);
    }
    return sequence != 0;
  }

  private static Route.Target[] withPicked(Route.Target[] targets, Route.Share[] shares) {
    Route.Target[] all = new Route.Target[targets.length + shares.length];
    System.arraycopy(targets, 0, all, 0, targets.length);
    for (int i = 0; i < shares.length; i++) {
      all[targets.length + i] = shares[i].pick();
    }
    return all;
  }

  private static Route.@Nullable Target forPublisher(Route.Target t, Message m) {
    return t.plain() || !t.session().clientId().equals(m.publisher()) ? t : t.own();
  }

  private static List<Owed> owed(Message m, Route.Target[] all, boolean retainedOne) {
    List<Owed> owed = new ArrayList<>();
    for (Route.Target each : all) {
      Route.Target t = forPublisher(each, m);
      if (t != null && t.qos() > 0 && t.session().stores(t.incarnation())) {
        owed.add(
            new Owed(
                t.incarnation(),
                Math.min(m.qos(), t.qos()),
                retainedOne || (m.retain() && t.retainAsPublished()),
                t.identifiers()));
      }
    }
    return owed;
  }

  private static boolean isOwed(List<Owed> owed, long incarnation) {
    for (Owed o : owed) {
      if (o.incarnation() == incarnation) {
        return true;
      }
    }
    return false;
  }

  // ---- the host's messages ----

  void publishFromHost(String topic, byte[] payload, int qos, boolean retain) {
    if (!rules.validTopic(topic)) {
      throw new MqttBrokerException(
          MqttBrokerException.INVALID_TOPIC,
          "Cannot publish to '"
              + topic
              + "': not a plain topic within the limits of this broker; shorten it or remove wildcards",
          null);
    }
    Message m = fromHost(topic, payload, Math.min(qos, limits.maxQos()), retain);
    if (deliver(m, route(m.topic()), null, 0).position() > 0) {
      sync();
    }
  }

  private static Message fromHost(String topic, byte[] payload, int qos, boolean retain) {
    return new Message(
        Topic.of(topic), payload, qos, retain, Message.NO_PROPERTIES, 0, null, System.nanoTime());
  }

  boolean deliver(String clientId, String topic, byte[] payload, int qos) {
    Session session = sessions.get(clientId);
    Route.Target target = session == null ? null : session.targetFor(topic);
    if (session == null || target == null) {
      return false;
    }
    Client client = session.client();
    if (client != null && !mayReceive(client, topic)) {
      return false;
    }
    Message m = fromHost(topic, payload, Math.min(qos, limits.maxQos()), false);
    int effective = Math.min(m.qos(), target.qos());
    boolean taken;
    boolean stored;
    journal.enter();
    try {
      stored = effective > 0 && session.stores(target.incarnation());
      List<Owed> owed =
          List.of(new Owed(target.incarnation(), effective, false, target.identifiers()));
      long sequence = stored ? journal.message(m, owed, 0, 0) : 0;
      taken =
          session.offer(
              target.incarnation(),
              new Queued(sequence, m, effective, false, target.identifiers(), 0));
    } finally {
      journal.exit();
    }
    if (stored) {
      sync();
    }
    return taken;
  }

  /** Waits for the disk. */
  void sync() {
    journal.sync();
    compactIfDue();
  }

  private void compactIfDue() {
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
    Integer refused = maySubscribe(client, wanted.filter());
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
              qos, wanted.retainHandling() < 2 && !SubscriptionTree.isShared(wanted.filter()));
      case REPLACED ->
          new SubscribeResult(
              qos, wanted.retainHandling() == 0 && !SubscriptionTree.isShared(wanted.filter()));
    };
  }

  /** Null when it may, else the reason code. */
  private @Nullable Integer maySubscribe(Client client, String filter) {
    try {
      return authoriser.maySubscribe(client.session(), filter)
          ? null
          : Integer.valueOf(ReasonCode.NOT_AUTHORIZED);
    } catch (RuntimeException e) {
      LOG.warn("The authoriser failed for a subscribe of client {}; refused", client.id(), e);
      return ReasonCode.UNSPECIFIED_ERROR;
    }
  }

  /** After the SUBACK: the retained messages of a granted filter [MQTT-3.3.1-6]. */
  void sendRetained(Session session, Client client, String filter) {
    long now = now();
    for (Message m : retained.matching(filter, now)) {
      Route.Target target = session.targetOf(filter);
      if (target == null) {
        return;
      }
      if (mayReceive(client, m.topic().name())) {
        journal.enter();
        try {
          hand(m, new Route.Target[] {target}, Route.NO_SHARES, true, 0, 0);
        } finally {
          journal.exit();
        }
      }
    }
  }

  void subscribed(Client client, List<String> filters) {
    interceptor.onSubscribe(client.session(), filters);
  }

  void unsubscribed(Client client, List<String> filters) {
    interceptor.onUnsubscribe(client.session(), filters);
  }

  // ---- host ----

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
