package io.ryegrass.mqtt;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * The way of a message from its publisher to the sessions: who gets it ({@link Route}), what the
 * journal has to know of it, then each session's {@link Outbox}.
 */
final class Router {
  private static final QuietLog QUIET = new QuietLog(LoggerFactory.getLogger(Router.class));

  private final Access access;
  private final Interceptor interceptor;
  private final RetainedMessages retained;
  private final SubscriptionTree tree;
  private final Journal journal;
  private final TopicRules rules;
  private final Engine.Parts parts;

  Router(Access access, Interceptor interceptor, RetainedMessages retained, Engine.Parts parts) {
    this.access = access;
    this.interceptor = interceptor;
    this.retained = retained;
    this.tree = parts.tree();
    this.journal = parts.journal();
    this.rules = parts.rules();
    this.parts = parts;
  }

  /**
   * The receivers of what this client publishes to the topic, if that can be said without asking
   * anybody who may block, and the client may publish there; else null. On an event loop.
   */
  @Nullable Route routeAtOnce(Client client, Topic topic, boolean retain, long now) {
    if (interceptor.wants(topic.name())) {
      return null;
    }
    if (access.isImmediate()) {
      if (!access.mayPublish(client, topic.name(), retain)) {
        return null;
      }
    } else if (!Boolean.TRUE.equals(
        client.decisions().publish(topic.name(), retain, access.epoch(), now))) {
      return null;
    }
    Route known = topic.route();
    if (known != null
        && known.version() == tree.version()
        && known.epoch() == access.epoch()
        && now - known.validUntilNanos() < 0) {
      return known;
    }
    Route found = route(topic.name(), access.isImmediate());
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
    long at = access.epoch();
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
        access.until(),
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
        ? Boolean.valueOf(access.mayReceive(client, topic))
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

  /**
   * @param wait until what is owed and retained is on the disk
   */
  void publishFromHost(
      String topic,
      byte[] payload,
      int qos,
      boolean retain,
      MessageProperties properties,
      boolean wait) {
    if (!rules.validTopic(topic)) {
      throw new MqttBrokerException(
          MqttBrokerException.INVALID_TOPIC,
          "Cannot publish to '"
              + topic
              + "': not a plain topic within the limits of this broker; shorten it or remove wildcards",
          null);
    }
    String fault = properties.fault();
    if (fault != null) {
      throw new MqttBrokerException(
          MqttBrokerException.INVALID_PROPERTIES,
          "Cannot publish to '" + topic + "': " + fault,
          null);
    }
    long expires =
        properties.expirySeconds() < 0 ? 0 : parts.now() + properties.expirySeconds() * 1_000;
    Message m =
        new Message(
            Topic.of(topic),
            payload,
            Math.min(qos, rules.limits().maxQos()),
            retain,
            properties.isEmpty() ? Message.NO_PROPERTIES : properties.forwarded(),
            expires,
            null,
            System.nanoTime());
    long position = deliver(m, route(m.topic()), null, 0).position();
    if (position > 0 && wait) {
      journal.sync();
    } else if (position > 0) {
      journal.whenDurable(position, failure -> noteFailure(topic, failure)); // begins the commit
    }
  }

  private static void noteFailure(String topic, @Nullable RuntimeException failure) {
    if (failure != null) {
      QUIET.info("A message of the host on " + topic + " is not on the disk: " + failure);
    }
  }

  private static Message fromHost(String topic, byte[] payload, int qos, boolean retain) {
    return new Message(
        Topic.of(topic), payload, qos, retain, Message.NO_PROPERTIES, 0, null, System.nanoTime());
  }

  boolean deliver(Session session, String topic, byte[] payload, int qos) {
    Route.Target target = session.targetFor(topic);
    if (target == null) {
      return false;
    }
    Client client = session.client();
    if (client != null && !access.mayReceive(client, topic)) {
      return false;
    }
    Message m = fromHost(topic, payload, Math.min(qos, rules.limits().maxQos()), false);
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
      journal.sync();
    }
    return taken;
  }

  /** After the SUBACK: the retained messages of a granted filter [MQTT-3.3.1-6]. */
  void sendRetained(Session session, Client client, String filter) {
    long now = parts.now();
    for (Message m : retained.matching(filter, now)) {
      Route.Target target = session.targetOf(filter);
      if (target == null) {
        return;
      }
      if (access.mayReceive(client, m.topic().name())) {
        journal.enter();
        try {
          hand(m, new Route.Target[] {target}, Route.NO_SHARES, true, 0, 0);
        } finally {
          journal.exit();
        }
      }
    }
  }
}
