package io.ryegrass.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * What a server can send to a client of QoS 0 and 1, checked as far as a packet shows by itself.
 */
sealed interface ServerPacket {
  /**
   * @param code reason code of MQTT 5, return code of MQTT 3.1.1
   */
  record ConnAck(
      boolean sessionPresent,
      int code,
      @Nullable String reason,
      long sessionExpirySeconds,
      int receiveMaximum,
      int maximumQos,
      boolean retainAvailable,
      long maximumPacketSize,
      @Nullable String assignedClientId,
      boolean wildcardsAvailable,
      boolean sharedAvailable,
      int serverKeepAliveSeconds)
      implements ServerPacket {}

  /**
   * @param packetId 0 for QoS 0
   */
  record Publish(MqttMessage message, int packetId) implements ServerPacket {}

  record PubAck(int packetId, int code, @Nullable String reason) implements ServerPacket {}

  /** SUBACK, or UNSUBACK (which has no codes in MQTT 3.1.1). */
  record Codes(boolean subscribed, int packetId, int[] codes, @Nullable String reason)
      implements ServerPacket {}

  record PingResponse() implements ServerPacket {}

  record Disconnect(int code, @Nullable String reason) implements ServerPacket {}
}
