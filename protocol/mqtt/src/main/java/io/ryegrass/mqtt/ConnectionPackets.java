package io.ryegrass.mqtt;

import io.netty.handler.codec.mqtt.MqttConnectMessage;
import io.netty.handler.codec.mqtt.MqttConnectPayload;
import io.netty.handler.codec.mqtt.MqttConnectVariableHeader;
import io.netty.handler.codec.mqtt.MqttFixedHeader;
import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.handler.codec.mqtt.MqttMessageIdVariableHeader;
import io.netty.handler.codec.mqtt.MqttMessageType;
import io.netty.handler.codec.mqtt.MqttPubAckMessage;
import io.netty.handler.codec.mqtt.MqttQoS;
import io.netty.handler.codec.mqtt.MqttSubAckMessage;
import io.netty.handler.codec.mqtt.MqttSubAckPayload;
import io.netty.handler.codec.mqtt.MqttSubscribeMessage;
import io.netty.handler.codec.mqtt.MqttTopicSubscription;
import io.netty.handler.codec.mqtt.MqttUnsubAckMessage;
import io.netty.handler.codec.mqtt.MqttUnsubscribeMessage;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a client's packets mean, in their order. Runs on one virtual thread at a time.
 *
 * <p>PUBACKs of a batch are kept back until one sync has put all of the batch on the disk: a client
 * that sends many at once waits for one fsync, not for many.
 */
final class ConnectionPackets {
  private static final Logger LOG = LoggerFactory.getLogger(ConnectionPackets.class);

  /** CONNECT was accepted. */
  private record Established(Session session, ClientSession client) {}

  private final Engine engine;
  private final Connection connection;
  private final List<MqttMessage> replies = new ArrayList<>();
  private boolean toSync;
  private volatile boolean connectSeen;
  private volatile @Nullable Established established;
  private @Nullable Will will;
  private boolean broken;
  private boolean disconnectReceived;

  ConnectionPackets(Engine engine, Connection connection) {
    this.engine = engine;
    this.connection = connection;
  }

  boolean connectSeen() {
    return connectSeen;
  }

  boolean connected() {
    return established != null;
  }

  String describe() {
    Established e = established;
    return e == null
        ? String.valueOf(connection.peer())
        : e.client.clientId() + " (" + connection.peer() + ")";
  }

  /** Handles packets; nothing that host code or the store throws gets out. */
  void handle(List<Object> batch) {
    try {
      for (Object packet : batch) {
        if (broken) {
          break;
        }
        handle(packet);
      }
      commit();
    } catch (RuntimeException e) {
      LOG.warn(
          "A packet of MQTT client {} could not be handled; it is disconnected and may send it again",
          describe(),
          e);
      replies.clear();
      abort(DisconnectReason.SERVER_ERROR);
    }
  }

  private void handle(Object packet) {
    Established e = established;
    if (packet instanceof MqttConnectMessage connect) {
      if (connectSeen) {
        abortProtocol("a second CONNECT"); // [MQTT-3.1.0-2]
      } else {
        connectSeen = true;
        connect(connect);
      }
    } else if (e == null) {
      abortProtocol("a packet before CONNECT"); // [MQTT-3.1.0-1]
    } else if (packet instanceof Connection.InboundPublish publish) {
      publish(e, publish);
    } else if (packet instanceof MqttSubscribeMessage subscribe) {
      subscribe(e, subscribe);
    } else if (packet instanceof MqttUnsubscribeMessage unsubscribe) {
      unsubscribe(e, unsubscribe);
    } else if (packet instanceof MqttMessage other) {
      handleOther(e, other);
    }
  }

  private void handleOther(Established e, MqttMessage packet) {
    MqttMessageType type = packet.fixedHeader().messageType();
    if (type == MqttMessageType.PUBACK
        && packet.variableHeader() instanceof MqttMessageIdVariableHeader id) {
      e.session.acknowledge(connection, id.messageId());
    } else if (type == MqttMessageType.PINGREQ) {
      replies.add(MqttMessage.PINGRESP);
    } else if (type == MqttMessageType.DISCONNECT) {
      will = null; // [MQTT-3.1.2-10]
      disconnectReceived = true;
      commit();
      abort(DisconnectReason.CLIENT_INITIATED_DISCONNECT);
    } else {
      abortProtocol("an unexpected " + type);
    }
  }

  // ---- CONNECT ----

  private void connect(MqttConnectMessage packet) {
    MqttConnectVariableHeader header = packet.variableHeader();
    MqttConnectPayload payload = packet.payload();
    String clientId = payload.clientIdentifier();
    if (!Connection.isServed(packet)) {
      refuse(
          ReturnCode.UNACCEPTABLE_PROTOCOL_VERSION,
          String.valueOf(clientId),
          "only MQTT 3.1.1 is served");
      return;
    }
    if (clientId == null || clientId.isEmpty()) {
      if (!header.isCleanSession()) {
        refuse(
            ReturnCode.IDENTIFIER_REJECTED,
            "",
            "an empty client id needs a clean session"); // [MQTT-3.1.3-8]
        return;
      }
      clientId = "auto-" + UUID.randomUUID();
    }
    if (clientId.getBytes(StandardCharsets.UTF_8).length > engine.limits().maxClientIdBytes()
        || !engine.rules().validClientId(clientId)) {
      refuse(ReturnCode.IDENTIFIER_REJECTED, clientId, "the client id is too long or not allowed");
      return;
    }
    Will asked = will(header, payload);
    if (asked != null && !validWill(asked)) {
      abortProtocol("a will that cannot be published");
      return;
    }
    ConnectRequest request =
        new ConnectRequest(
            clientId,
            header.hasUserName() ? payload.userName() : null,
            header.hasPassword() ? payload.passwordInBytes() : null,
            connection.certificates(),
            connection.peer(),
            header.isCleanSession(),
            asked);
    switch (engine.authenticate(request)) {
      case AuthenticationResult.Refused refused ->
          refuse(refused.code(), clientId, refused.reason());
      case AuthenticationResult.Accepted accepted -> {
        ClientSession client = engine.clientSession(request, accepted.principal());
        if (asked != null && !engine.mayPublish(client, asked.topic(), asked.retain())) {
          refuse(
              ReturnCode.NOT_AUTHORISED,
              clientId,
              "its will on " + asked.topic() + " is not allowed");
        } else {
          establish(client, header, asked);
        }
      }
    }
  }

  private void establish(
      ClientSession client, MqttConnectVariableHeader header, @Nullable Will asked) {
    Session session = engine.connect(connection, client, header.isCleanSession());
    if (session == null) {
      refuse(
          ReturnCode.SERVER_UNAVAILABLE,
          client.clientId(),
          "the broker keeps as many sessions as it may");
      return;
    }
    will = asked;
    established = new Established(session, client);
    Duration most = engine.limits().maxKeepAlive();
    Duration wanted = Duration.ofSeconds(header.keepAliveTimeSeconds());
    connection.watchKeepAlive(wanted.isZero() || wanted.compareTo(most) > 0 ? most : wanted);
    engine.connected(client);
  }

  private static @Nullable Will will(MqttConnectVariableHeader header, MqttConnectPayload payload) {
    if (!header.isWillFlag()) {
      return null;
    }
    byte[] message = payload.willMessageInBytes();
    return new Will(
        String.valueOf(payload.willTopic()),
        message == null ? new byte[0] : message,
        header.willQos(),
        header.isWillRetain());
  }

  private boolean validWill(Will asked) {
    return asked.qos() <= 1
        && asked.payload().length <= engine.limits().maxPayloadBytes()
        && engine.rules().validTopic(asked.topic());
  }

  private void refuse(ReturnCode code, String clientId, String reason) {
    LOG.info(
        "MQTT client {} from {} is refused ({}): {}", clientId, connection.peer(), code, reason);
    connection.writeRefusal(code);
    abort(DisconnectReason.FORBIDDEN_ACCESS);
  }

  // ---- PUBLISH, SUBSCRIBE, UNSUBSCRIBE ----

  private void publish(Established e, Connection.InboundPublish packet) {
    if (packet.qos() > 1) {
      abortProtocol("a PUBLISH with QoS 2, which is not served");
      return;
    }
    if (!engine.rules().validTopic(packet.topic())) {
      abortProtocol("a PUBLISH to a topic that is not valid or beyond the limits");
      return;
    }
    switch (engine.publish(
        e.client, packet.topic(), packet.payload(), packet.qos(), packet.retain())) {
      case REFUSED -> {
        engine.counters().refusedPublishes.increment();
        LOG.info(
            "MQTT client {} may not publish to {} and is disconnected", describe(), packet.topic());
        commit();
        abort(DisconnectReason.FORBIDDEN_ACCESS);
        return;
      }
      case DONE_TO_SYNC -> toSync |= packet.qos() > 0;
      case DONE -> {}
    }
    if (packet.qos() == 1) {
      replies.add(
          new MqttPubAckMessage(
              header(MqttMessageType.PUBACK), MqttMessageIdVariableHeader.from(packet.packetId())));
    }
  }

  private void subscribe(Established e, MqttSubscribeMessage packet) {
    List<MqttTopicSubscription> wanted = packet.payload().topicSubscriptions();
    if (wanted.isEmpty() || wanted.size() > engine.limits().maxFiltersPerSubscribe()) {
      abortProtocol("a SUBSCRIBE with " + wanted.size() + " filters");
      return;
    }
    List<Integer> codes = new ArrayList<>();
    List<String> granted = new ArrayList<>();
    for (MqttTopicSubscription s : wanted) {
      int code =
          engine.subscribe(
              connection, e.session, e.client, s.topicFilter(), s.qualityOfService().value());
      codes.add(code);
      if (code != 0x80) {
        granted.add(s.topicFilter());
      }
    }
    toSync |= !granted.isEmpty();
    replies.add(
        new MqttSubAckMessage(
            header(MqttMessageType.SUBACK),
            MqttMessageIdVariableHeader.from(packet.variableHeader().messageId()),
            new MqttSubAckPayload(codes)));
    commit();
    granted.forEach(filter -> engine.sendRetained(e.session, e.client, filter));
    if (!granted.isEmpty()) {
      engine.subscribed(e.client, granted);
    }
  }

  private void unsubscribe(Established e, MqttUnsubscribeMessage packet) {
    List<String> given = new ArrayList<>();
    List<String> filters = packet.payload().topics();
    if (filters.isEmpty()) {
      abortProtocol("an UNSUBSCRIBE without filters"); // [MQTT-3.10.3-2]
      return;
    }
    for (String filter : filters) {
      if (e.session.unsubscribe(connection, filter)) {
        given.add(filter);
      }
    }
    toSync |= !given.isEmpty();
    replies.add(
        new MqttUnsubAckMessage(
            header(MqttMessageType.UNSUBACK),
            MqttMessageIdVariableHeader.from(packet.variableHeader().messageId())));
    commit();
    if (!given.isEmpty()) {
      engine.unsubscribed(e.client, given);
    }
  }

  private static MqttFixedHeader header(MqttMessageType type) {
    return new MqttFixedHeader(type, false, MqttQoS.AT_MOST_ONCE, false, 0);
  }

  /** Makes what was done durable, then says so to the client, in order [MQTT-4.6.0-2]. */
  private void commit() {
    if (toSync) {
      toSync = false;
      engine.sync();
    }
    if (!replies.isEmpty()) {
      replies.forEach(connection::write);
      replies.clear();
      connection.flush();
    }
  }

  private void abort(DisconnectReason reason) {
    broken = true;
    connection.terminate(reason.name());
  }

  private void abortProtocol(String what) {
    commit();
    broken = true;
    connection.protocolError(what);
  }

  // ---- end ----

  /** The channel takes bytes again. */
  void resume() {
    Established e = established;
    if (e != null) {
      e.session.resume(connection);
    }
  }

  boolean disconnectReceived() {
    return disconnectReceived;
  }

  void end(String reason) {
    Established e = established;
    if (e != null) {
      engine.disconnected(connection, e.session, e.client, will, reason);
    }
  }
}
