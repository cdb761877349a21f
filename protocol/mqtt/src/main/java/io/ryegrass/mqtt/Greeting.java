package io.ryegrass.mqtt;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * CONNECT and what is decided on it: limits, who it is, whether its will is allowed, its session;
 * then CONNACK. On a virtual thread.
 */
final class Greeting {
  private static final Logger LOG = LoggerFactory.getLogger(Greeting.class);

  private final Engine engine;
  private final Connection connection;
  private final ConnectionPackets packets;

  Greeting(Engine engine, Connection connection, ConnectionPackets packets) {
    this.engine = engine;
    this.connection = connection;
    this.packets = packets;
  }

  void connect(Packet.Connect packet) {
    int version = packet.version();
    packets.introduced(version, packet.receiveMaximum());
    connection.execute(
        () ->
            connection
                .output()
                .speak(
                    packet.version(),
                    packet.maximumPacketSize(),
                    Math.min(packet.topicAliasMaximum(), engine.limits().topicAliases()),
                    packet.requestProblemInformation()));
    String clientId = packet.clientId();
    boolean assigned = clientId.isEmpty();
    if (packet.authenticationMethod() != null) { // [MQTT5-4.12.0-1]
      packets.refuse(
          ReasonCode.BAD_AUTHENTICATION_METHOD,
          clientId,
          "no enhanced authentication is offered; connect without an authentication method");
      return;
    }
    if (assigned) {
      if (version < 5 && !packet.cleanStart()) {
        packets.refuse(
            ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
            "",
            "an empty client id needs a clean session"); // [MQTT-3.1.3-8]
        return;
      }
      clientId = "auto-" + UUID.randomUUID();
    }
    if (clientId.getBytes(StandardCharsets.UTF_8).length > engine.limits().maxClientIdBytes()
        || !engine.rules().validClientId(clientId)) {
      packets.refuse(
          ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
          clientId,
          "the client id is too long or not allowed");
      return;
    }
    if (!engine.mayConnectAgain(clientId)) {
      packets.refuse(
          ReasonCode.CONNECTION_RATE_EXCEEDED,
          clientId,
          "it connects more often than every "
              + engine.limits().connectInterval().toMillis()
              + " ms");
      return;
    }
    Will asked = packet.will() == null ? null : Will.of(packet.will());
    if (asked != null && !validWill(clientId, asked)) {
      return;
    }
    ConnectRequest request =
        new ConnectRequest(
            clientId,
            packet.userName(),
            packet.password(),
            connection.certificates(),
            connection.admission(),
            connection.peer(),
            packet.cleanStart(),
            asked,
            version);
    switch (engine.authenticate(request)) {
      case AuthenticationResult.Refused refused ->
          packets.refuse(refused.code().reasonCode(), clientId, refused.reason());
      case AuthenticationResult.Accepted accepted -> {
        Client client = engine.client(request, accepted.principal());
        if (asked != null && !engine.access().mayPublish(client, asked.topic(), asked.retain())) {
          packets.refuse(
              ReasonCode.NOT_AUTHORIZED,
              clientId,
              "its will on " + asked.topic() + " is not allowed");
        } else {
          establish(client, packet, asked, assigned);
        }
      }
    }
  }

  private boolean validWill(String clientId, Will asked) {
    Limits limits = engine.limits();
    if (asked.qos() > limits.maxQos()) { // [MQTT5-3.2.2-12]
      packets.refuse(ReasonCode.QOS_NOT_SUPPORTED, clientId, "its will has QoS " + asked.qos());
    } else if (!engine.rules().validTopic(asked.topic())) {
      packets.refuse(ReasonCode.TOPIC_NAME_INVALID, clientId, "its will's topic is not valid");
    } else if (asked.payload().length > limits.maxPayloadBytes()) {
      packets.refuse(ReasonCode.PACKET_TOO_LARGE, clientId, "its will is too large");
    } else {
      return true;
    }
    return false;
  }

  private void establish(
      Client client, Packet.Connect packet, @Nullable Will asked, boolean assigned) {
    Limits limits = engine.limits();
    long wanted = engine.wantedExpiry(packet);
    Engine.Taken taken = engine.connect(connection, client, packet.cleanStart(), wanted);
    if (taken == null) {
      packets.refuse(
          ReasonCode.QUOTA_EXCEEDED, client.id(), "the broker keeps as many sessions as it may");
      return;
    }
    if (connection.isEnding()) {
      LOG.debug("Client {} is gone before its CONNACK", client.id());
    }
    packets.accepted(taken.session(), client, asked);
    int asksFor = packet.keepAliveSeconds();
    long keepAlive = keepAlive(packet.version(), asksFor);
    if (keepAlive > 0) {
      connection.watchKeepAlive(Duration.ofSeconds(keepAlive));
    }
    ConnAckProperties properties =
        new ConnAckProperties(
            wanted == packet.sessionExpirySeconds() || packet.sessionExpirySeconds() < 0
                ? -1
                : wanted,
            limits.receiveMaximum(),
            limits.maxQos(),
            true,
            limits.maxPacketBytes(),
            assigned ? client.id() : null,
            limits.topicAliases(),
            null,
            true,
            limits.subscriptionIdentifiers(),
            true,
            keepAlive == asksFor ? -1 : (int) keepAlive,
            null);
    connection.execute(
        () ->
            taken
                .session()
                .open(
                    connection,
                    () -> {
                      connection.output().connAck(taken.present(), ReasonCode.SUCCESS, properties);
                      packets.greeted();
                      connection.touched();
                    }));
    engine.connected(client);
  }

  /** Seconds; 0 for none. */
  private long keepAlive(int version, int asked) {
    Limits limits = engine.limits();
    if (version >= 5) {
      long most = limits.maxKeepAlive().toSeconds();
      return asked == 0 || asked > most ? most : Math.max(asked, limits.minKeepAlive().toSeconds());
    }
    long most = limits.maxKeepAliveOfVersion3().toSeconds();
    if (most > 0 && (asked == 0 || asked > most)) {
      return most;
    }
    return asked == 0 ? 0 : Math.max(asked, limits.minKeepAlive().toSeconds());
  }
}
