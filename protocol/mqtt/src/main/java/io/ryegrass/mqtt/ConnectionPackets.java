package io.ryegrass.mqtt;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a client's packets mean, in their order.
 *
 * <p>{@link #receive} runs on the event loop and does at once what needs neither host code nor the
 * disk; the rest goes through the mailbox and comes back in {@link #handle} on a virtual thread.
 */
final class ConnectionPackets {
  private static final Logger LOG = LoggerFactory.getLogger(ConnectionPackets.class);

  /** CONNECT was accepted. */
  private record Established(Session session, Client client) {}

  private final Engine engine;
  private final Connection connection;
  private volatile boolean connectSeen;
  private volatile @Nullable Established established;
  private volatile @Nullable Will will;
  private volatile boolean disconnectReceived;
  private volatile boolean broken;
  private volatile int receiveMaximum = 0xFFFF;
  private volatile int version = 4;

  private final Replies replies;

  /** Event loop only: CONNACK is in the output, so that answers may follow it. */
  private @Nullable Established greeted;

  /** Event loop only. */
  private Topic @Nullable [] aliases;

  ConnectionPackets(Engine engine, Connection connection) {
    this.engine = engine;
    this.connection = connection;
    this.replies = new Replies(connection, engine.journal(), this::failed);
  }

  boolean connectSeen() {
    return connectSeen;
  }

  int receiveMaximum() {
    return receiveMaximum;
  }

  /** On the event loop: the disk is so far behind that nothing more should be read. */
  boolean waitsForDisk() {
    return replies.isFull();
  }

  boolean disconnectReceived() {
    return disconnectReceived;
  }

  String describe() {
    Established e = established;
    return e == null
        ? String.valueOf(connection.peer())
        : e.client.id() + " (" + connection.peer() + ")";
  }

  // ---- event loop ----

  /** CONNACK was put into the output; nothing is sent before it [MQTT-3.2.0-1]. */
  void greeted() {
    greeted = established;
  }

  void receive(Packet packet) {
    Established e = greeted;
    try {
      switch (packet) {
        case Packet.Publish p -> receive(e, p);
        case Packet.Ack a when a.type() != PacketParser.PUBREL && e != null ->
            e.session.acknowledged(connection, a);
        case Packet.PingRequest unused when e != null -> pingResp();
        case Packet.Subscribe s when e != null && mayTakeSubscriptions() -> subscribe(e, s);
        case Packet.Unsubscribe u when e != null && mayTakeSubscriptions() -> unsubscribe(e, u);
        case Packet.Ack a when e != null && connection.mailbox().isIdle() -> pubRel(e, a);
        default -> connection.mailbox().post(packet);
      }
    } catch (RuntimeException failure) {
      failed(failure);
    }
  }

  /** Whether subscriptions can be changed here and now, as nobody has to be asked who may block. */
  private boolean mayTakeSubscriptions() {
    return connection.mailbox().isIdle() && engine.isImmediate();
  }

  private void pingResp() {
    connection.output().pingResp();
    connection.touched();
  }

  private void receive(@Nullable Established e, Packet.Publish received) {
    Counters counters = engine.counters();
    counters.publishesReceived.increment();
    counters.bytesReceived.add(received.payload().length);
    Packet.Publish p = received.topicAlias() == 0 ? received : resolveAlias(received);
    if (p == null) {
      return;
    }
    if (p.qos() > 0 && version >= 5 && replies.received() > engine.limits().receiveMaximum()) {
      protocolError(
          ReasonCode.RECEIVE_MAXIMUM_EXCEEDED, "more unacknowledged messages than were announced");
      return;
    }
    Topic topic = p.topic();
    if (e != null && topic != null && connection.mailbox().isIdle()) {
      Route route =
          engine.router().routeAtOnce(e.client, topic, p.retain(), connection.loop().nanos());
      if (route != null && fits(p, topic)) {
        accept(e, p, topic, route);
        return;
      }
    }
    connection.mailbox().post(p);
  }

  /** Null: the connection ends. */
  private Packet.@Nullable Publish resolveAlias(Packet.Publish p) {
    int most = engine.limits().topicAliases();
    if (p.topicAlias() > most) { // [MQTT5-3.3.2-9]
      protocolError(ReasonCode.TOPIC_ALIAS_INVALID, "topic alias " + p.topicAlias());
      return null;
    }
    Topic[] known = aliases == null ? aliases = new Topic[most + 1] : aliases;
    Topic named = p.topic();
    if (named != null) {
      known[p.topicAlias()] = named;
      return p;
    }
    Topic meant = known[p.topicAlias()];
    if (meant == null) {
      protocolError(
          ReasonCode.TOPIC_ALIAS_INVALID,
          "topic alias " + p.topicAlias() + ", which was never set");
      return null;
    }
    return new Packet.Publish(
        p.duplicate(),
        p.qos(),
        p.retain(),
        meant,
        p.topicAlias(),
        p.packetId(),
        p.payload(),
        p.properties(),
        p.expirySeconds(),
        p.bytes());
  }

  /** The decoder met something that is no packet. */
  void malformed(MalformedPacketException e) {
    String what = String.valueOf(e.getMessage());
    if (connectSeen) {
      protocolError(e.reasonCode(), what);
      return;
    }
    connectSeen = true;
    engine.counters().protocolErrors.increment();
    LOG.info("{} breaks the protocol before it is connected: {}", describe(), what);
    int understood = connection.decodedVersion();
    boolean hasCode =
        e.reasonCode() == ReasonCode.UNSUPPORTED_PROTOCOL_VERSION
            || e.reasonCode() == ReasonCode.CLIENT_IDENTIFIER_NOT_VALID;
    if (understood >= 5 || (understood > 0 && hasCode)) {
      connection.output().speak(understood, 0, 0, true);
      refuse(e.reasonCode(), "", what);
    } else {
      connection.terminate(DisconnectReason.CLIENT_ERROR.name());
    }
  }

  /** The client breaks the protocol: the connection ends [MQTT-4.8.0-1] [MQTT5-4.13.1-1]. */
  void protocolError(int reasonCode, String what) {
    broken = true;
    engine.counters().protocolErrors.increment();
    LOG.info("MQTT client {} breaks the protocol and is disconnected: {}", describe(), what);
    disconnect(reasonCode, what, DisconnectReason.CLIENT_ERROR.name());
  }

  /** Ends the connection, telling a client of MQTT 5 why. From any thread. */
  void disconnect(int reasonCode, @Nullable String reason, String forHost) {
    broken = true;
    if (version >= 5 && connectSeen) {
      connection.terminateAfter(
          () -> {
            if (greeted != null) { // [MQTT5-3.14.0-1]
              connection.output().disconnect(reasonCode, reason);
            }
          },
          forHost);
    } else {
      connection.terminate(forHost);
    }
  }

  private void failed(RuntimeException e) {
    LOG.warn(
        "A packet of MQTT client {} could not be handled; it is disconnected and may send it again",
        describe(),
        e);
    disconnect(
        ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,
        "the broker failed to handle a packet",
        DisconnectReason.SERVER_ERROR.name());
  }

  void pump() {
    Established e = established;
    if (e != null) {
      try {
        e.session.pump(connection);
      } catch (RuntimeException failure) {
        failed(failure);
      }
    }
  }

  // ---- virtual thread ----

  /** Handles packets; nothing that host code or the store throws gets out. */
  void handle(List<Packet> batch) {
    try {
      for (Packet packet : batch) {
        if (broken) {
          return;
        }
        handle(packet);
      }
    } catch (RuntimeException e) {
      failed(e);
    }
  }

  private void handle(Packet packet) {
    Established e = established;
    if (packet instanceof Packet.Connect connect) {
      if (connectSeen) {
        protocolError(ReasonCode.PROTOCOL_ERROR, "a second CONNECT"); // [MQTT-3.1.0-2]
      } else {
        connectSeen = true;
        new Greeting(engine, connection, this).connect(connect);
      }
      return;
    }
    if (e == null) {
      broken = true;
      engine.counters().protocolErrors.increment();
      LOG.info("{} sends a packet before CONNECT", describe()); // [MQTT-3.1.0-1]
      connection.terminate(DisconnectReason.CLIENT_ERROR.name());
      return;
    }
    switch (packet) {
      case Packet.Publish p -> publish(e, p);
      case Packet.Subscribe s -> subscribe(e, s);
      case Packet.Unsubscribe u -> unsubscribe(e, u);
      case Packet.Ack a when a.type() == PacketParser.PUBREL ->
          connection.execute(() -> pubRel(e, a));
      case Packet.Ack a -> connection.execute(() -> e.session.acknowledged(connection, a));
      case Packet.PingRequest unused -> connection.execute(this::pingResp);
      case Packet.Disconnect d -> disconnected(e, d);
      case Packet.Auth unused ->
          protocolError(
              ReasonCode.PROTOCOL_ERROR, "AUTH, though no authentication method was agreed");
      case Packet.Connect unused -> throw new IllegalStateException("handled above");
    }
  }

  private void disconnected(Established e, Packet.Disconnect d) {
    if (d.sessionExpirySeconds() >= 0) {
      if (d.sessionExpirySeconds() > 0 && e.session.expirySeconds() == 0) { // [MQTT5-3.14.2.2.2]
        protocolError(
            ReasonCode.PROTOCOL_ERROR, "a session expiry in DISCONNECT where CONNECT had none");
        return;
      }
      e.session.expiryChanged(connection, engine.allowedExpiry(d.sessionExpirySeconds()));
    }
    if (d.reasonCode() != ReasonCode.DISCONNECT_WITH_WILL) {
      will = null; // [MQTT-3.1.2-10] [MQTT5-3.14.4-3]
    }
    disconnectReceived = true;
    broken = true;
    connection.terminate(DisconnectReason.CLIENT_INITIATED_DISCONNECT.name());
  }

  // ---- CONNECT ----

  /** CONNECT says so. */
  void introduced(int protocolVersion, int clientsReceiveMaximum) {
    version = protocolVersion;
    receiveMaximum = clientsReceiveMaximum;
  }

  void accepted(Session session, Client client, @Nullable Will asked) {
    will = asked;
    established = new Established(session, client);
  }

  /** CONNACK with this code, then the end. */
  void refuse(int reasonCode, String clientId, String reason) {
    broken = true;
    engine.counters().refusedConnects.increment();
    LOG.info(
        "MQTT client {} from {} is refused (0x{}): {}",
        clientId,
        connection.peer(),
        Integer.toHexString(reasonCode),
        reason);
    connection.terminateAfter(
        () -> connection.output().connAck(false, reasonCode, ConnAckProperties.refusal(reason)),
        DisconnectReason.FORBIDDEN_ACCESS.name());
  }

  // ---- PUBLISH ----

  /** Whether it may be taken as far as the limits say; otherwise {@link #publish} tells why not. */
  private boolean fits(Packet.Publish p, Topic topic) {
    return p.qos() <= engine.limits().maxQos()
        && p.payload().length <= engine.limits().maxPayloadBytes()
        && topic.isValid(engine.rules());
  }

  private void publish(Established e, Packet.Publish p) {
    Topic topic = p.topic();
    if (topic == null || !engine.rules().validTopic(topic.name())) {
      protocolError(
          ReasonCode.TOPIC_NAME_INVALID,
          "a PUBLISH to a topic that is not valid or beyond the limits");
      return;
    }
    if (p.qos() > engine.limits().maxQos()) {
      protocolError(ReasonCode.QOS_NOT_SUPPORTED, "a PUBLISH with QoS " + p.qos());
      return;
    }
    if (p.payload().length > engine.limits().maxPayloadBytes()) {
      protocolError(ReasonCode.PACKET_TOO_LARGE, "a payload of " + p.payload().length + " bytes");
      return;
    }
    if (p.qos() == 2 && e.session.hasReceived(p.packetId())) {
      replies.ack(PacketParser.PUBREC, p.packetId(), ReasonCode.SUCCESS, null, 0);
      return;
    }
    if (!engine.access().mayPublish(e.client, topic.name(), p.retain())) {
      refused(p, topic, "not allowed by policy");
      return;
    }
    switch (engine.ask(e.client, published(e, p, topic))) {
      case CONSUMED -> consumed(e, p);
      case REFUSED_DISCONNECT -> {
        engine.counters().refusedPublishes.increment();
        LOG.info("MQTT client {} may not publish to {} and is disconnected", describe(), topic);
        disconnect(
            ReasonCode.NOT_AUTHORIZED,
            "publishing to " + topic + " is not allowed",
            DisconnectReason.FORBIDDEN_ACCESS.name());
      }
      case ROUTE -> accept(e, p, topic, engine.router().route(topic));
    }
  }

  /** The host has it, durably if it must be; nobody else gets it. */
  private void consumed(Established e, Packet.Publish p) {
    if (p.qos() == 1) {
      replies.ack(PacketParser.PUBACK, p.packetId(), ReasonCode.SUCCESS, null, 0);
    } else if (p.qos() == 2) {
      long position = engine.router().receivedOnly(e.session, p.packetId());
      replies.ack(PacketParser.PUBREC, p.packetId(), ReasonCode.SUCCESS, null, position);
    }
  }

  /**
   * Version 3 has no way to refuse a PUBLISH but to end the connection, as AWS IoT Core does too.
   * MQTT 5 has: the connection, which many parts of a program may share, stays.
   */
  private void refused(Packet.Publish p, Topic topic, String why) {
    engine.counters().refusedPublishes.increment();
    if (version < 5) {
      LOG.info("MQTT client {} may not publish to {} and is disconnected", describe(), topic);
      disconnect(ReasonCode.NOT_AUTHORIZED, null, DisconnectReason.FORBIDDEN_ACCESS.name());
      return;
    }
    LOG.info("MQTT client {} may not publish to {}", describe(), topic);
    if (p.qos() > 0) {
      replies.ack(
          p.qos() == 1 ? PacketParser.PUBACK : PacketParser.PUBREC,
          p.packetId(),
          ReasonCode.NOT_AUTHORIZED,
          "publishing to " + topic + " is " + why,
          0);
    }
  }

  private Message published(Established e, Packet.Publish p, Topic topic) {
    return new Message(
        topic,
        p.payload(),
        p.qos(),
        p.retain(),
        p.properties(),
        p.expirySeconds() < 0 ? 0 : engine.now() + p.expirySeconds() * 1_000,
        e.client.id(),
        connection.loop().nanos());
  }

  /** To the subscribers. On the event loop or on the virtual thread. */
  private void accept(Established e, Packet.Publish p, Topic topic, Route route) {
    if (p.qos() == 2 && e.session.hasReceived(p.packetId())) { // [MQTT-4.3.3-2]
      replies.ack(PacketParser.PUBREC, p.packetId(), ReasonCode.SUCCESS, null, 0);
      return;
    }
    Router.Routed routed =
        engine
            .router()
            .deliver(published(e, p, topic), route, p.qos() == 2 ? e.session : null, p.packetId());
    engine.compactIfDue();
    if (p.qos() > 0) {
      replies.ack(
          p.qos() == 1 ? PacketParser.PUBACK : PacketParser.PUBREC,
          p.packetId(),
          routed.matched() || version < 5 ? ReasonCode.SUCCESS : ReasonCode.NO_MATCHING_SUBSCRIBERS,
          null,
          routed.position());
    }
  }

  private void pubRel(Established e, Packet.Ack ack) {
    boolean known = e.session.released(connection, ack.packetId());
    replies.ack(
        PacketParser.PUBCOMP,
        ack.packetId(),
        known || version < 5 ? ReasonCode.SUCCESS : ReasonCode.PACKET_IDENTIFIER_NOT_FOUND,
        null,
        known ? engine.journal().position() : 0);
  }

  // ---- SUBSCRIBE, UNSUBSCRIBE ----

  private void subscribe(Established e, Packet.Subscribe packet) {
    List<Subscription> wanted = packet.subscriptions();
    if (wanted.size() > engine.limits().maxFiltersPerSubscribe()) {
      protocolError(ReasonCode.QUOTA_EXCEEDED, "a SUBSCRIBE with " + wanted.size() + " filters");
      return;
    }
    if (!engine.limits().subscriptionIdentifiers()
        && wanted.stream().anyMatch(s -> s.identifier() > 0)) {
      protocolError(ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED, "a subscription identifier");
      return;
    }
    int[] codes = new int[wanted.size()];
    List<Subscription> retainedFor = new ArrayList<>();
    List<String> granted = new ArrayList<>();
    for (int i = 0; i < codes.length; i++) {
      Engine.SubscribeResult result =
          engine.subscribe(connection, e.session, e.client, wanted.get(i));
      codes[i] = result.code();
      if (result.code() < 0x80) {
        granted.add(wanted.get(i).filter());
        if (result.sendRetained()) {
          retainedFor.add(wanted.get(i));
        }
      }
    }
    long position = granted.isEmpty() ? 0 : engine.journal().position();
    Runnable retained =
        () ->
            retainedFor.forEach(s -> engine.router().sendRetained(e.session, e.client, s.filter()));
    if (connection.inEventLoop()) {
      replies.answer(
          position,
          () -> {
            subAck(packet.packetId(), codes);
            retained.run();
          });
      return;
    }
    connection.executeLater(() -> replies.answer(position, () -> subAck(packet.packetId(), codes)));
    engine.sync();
    retained.run();
    if (!granted.isEmpty()) {
      engine.subscribed(e.client, granted);
    }
  }

  private void subAck(int packetId, int[] codes) {
    connection.output().subAck(packetId, codes);
    connection.touched();
  }

  private void unsubscribe(Established e, Packet.Unsubscribe packet) {
    List<String> given = new ArrayList<>();
    int[] codes = new int[packet.filters().size()];
    for (int i = 0; i < codes.length; i++) {
      String filter = packet.filters().get(i);
      if (!engine.rules().validFilter(filter)) {
        codes[i] = ReasonCode.TOPIC_FILTER_INVALID;
      } else if (e.session.unsubscribe(connection, filter)) {
        given.add(filter);
      } else {
        codes[i] = ReasonCode.NO_SUBSCRIPTION_EXISTED;
      }
    }
    long position = given.isEmpty() ? 0 : engine.journal().position();
    Runnable unsubAck =
        () -> {
          connection.output().unsubAck(packet.packetId(), codes);
          connection.touched();
        };
    if (connection.inEventLoop()) {
      replies.answer(position, unsubAck);
      return;
    }
    connection.executeLater(() -> replies.answer(position, unsubAck));
    if (!given.isEmpty()) {
      engine.unsubscribed(e.client, given);
    }
  }

  // ---- end ----

  void end(String reason) {
    Established e = established;
    if (e != null) {
      engine.disconnected(connection, e.session, e.client, will, reason);
    }
  }
}
