package io.ryegrass.mqtt;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a client can send, checked as far as a packet can be checked by itself. */
sealed interface Packet {
  /**
   * @param version 3, 4 or 5 (the protocol level byte)
   * @param clientId may be empty
   * @param sessionExpirySeconds MQTT 5; -1 when absent
   * @param receiveMaximum 1 to 65535 (the default)
   * @param maximumPacketSize 0 when absent
   */
  record Connect(
      int version,
      String clientId,
      boolean cleanStart,
      int keepAliveSeconds,
      @Nullable WillMessage will,
      @Nullable String userName,
      byte @Nullable [] password,
      long sessionExpirySeconds,
      int receiveMaximum,
      long maximumPacketSize,
      int topicAliasMaximum,
      boolean requestResponseInformation,
      boolean requestProblemInformation,
      @Nullable String authenticationMethod)
      implements Packet {}

  /**
   * @param properties as in {@link Message}
   * @param expirySeconds -1 when absent
   */
  record WillMessage(
      Topic topic,
      byte[] payload,
      int qos,
      boolean retain,
      byte[] properties,
      long expirySeconds,
      long delaySeconds) {}

  /**
   * @param topic null when the packet has only a topic alias
   * @param topicAlias 0 when absent
   * @param packetId 0 for QoS 0
   * @param properties as in {@link Message}
   * @param expirySeconds -1 when absent
   * @param bytes size of the whole packet on the wire
   */
  record Publish(
      boolean duplicate,
      int qos,
      boolean retain,
      @Nullable Topic topic,
      int topicAlias,
      int packetId,
      byte[] payload,
      byte[] properties,
      long expirySeconds,
      int bytes)
      implements Packet {}

  /** PUBACK (type 4), PUBREC (5), PUBREL (6) or PUBCOMP (7); reason code 0 when absent. */
  record Ack(int type, int packetId, int reasonCode) implements Packet {}

  /** The subscription identifier, if there is one, stands in each subscription. */
  record Subscribe(int packetId, List<Subscription> subscriptions) implements Packet {}

  record Unsubscribe(int packetId, List<String> filters) implements Packet {}

  record PingRequest() implements Packet {}

  /** Session expiry -1 when absent. */
  record Disconnect(int reasonCode, long sessionExpirySeconds) implements Packet {}

  record Auth(int reasonCode, @Nullable String method) implements Packet {}
}
