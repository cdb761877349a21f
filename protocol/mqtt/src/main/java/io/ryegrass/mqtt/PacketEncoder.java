package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import org.jspecify.annotations.Nullable;

/**
 * Appends packets of the server to a buffer, each in its shortest form. {@code version} is 3, 4 or
 * 5 everywhere. Nothing is allocated but by the buffer when it has to grow.
 */
final class PacketEncoder {
  private static final int LONGEST_TEXT = 65_535;

  private PacketEncoder() {}

  /**
   * CONNACK. What MQTT 3 has no return code for gets no CONNACK at all: the connection is just
   * closed (MQTT 3.1.1: [MQTT-3.2.2-6]).
   *
   * @param sessionPresent counts only when the reason code is 0 [MQTT5-3.2.2-6]
   * @return false when nothing was written
   */
  static boolean connAck(
      ByteBuf out,
      int version,
      boolean sessionPresent,
      int reasonCode,
      ConnAckProperties properties) {
    boolean present = sessionPresent && reasonCode == ReasonCode.SUCCESS;
    if (version == 5) {
      int length = connAckPropertiesSize(properties);
      out.writeByte(0x20);
      writeVariable(out, 2 + variableSize(length) + length);
      out.writeByte(present ? 1 : 0);
      out.writeByte(reasonCode);
      writeConnAckProperties(out, properties, length);
      return true;
    }
    int returnCode = returnCode(reasonCode);
    if (returnCode < 0) {
      return false;
    }
    // In MQTT 3.1 the byte of the session present flag is "reserved, not used".
    out.writeInt(0x2002_0000 | (present && version == 4 ? 0x100 : 0) | returnCode);
    return true;
  }

  /** The return code of MQTT 3 (3.1.1: table 3.1) for a reason code of MQTT 5; -1 for none. */
  static int returnCode(int reasonCode) {
    return switch (reasonCode) {
      case ReasonCode.SUCCESS -> 0;
      case ReasonCode.UNSUPPORTED_PROTOCOL_VERSION -> 1;
      case ReasonCode.CLIENT_IDENTIFIER_NOT_VALID -> 2;
      case ReasonCode.UNSPECIFIED_ERROR,
          ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,
          ReasonCode.SERVER_UNAVAILABLE,
          ReasonCode.SERVER_BUSY,
          ReasonCode.SERVER_SHUTTING_DOWN,
          ReasonCode.QUOTA_EXCEEDED,
          ReasonCode.CONNECTION_RATE_EXCEEDED ->
          3;
      case ReasonCode.BAD_USER_NAME_OR_PASSWORD -> 4;
      case ReasonCode.NOT_AUTHORIZED, ReasonCode.BANNED, ReasonCode.BAD_AUTHENTICATION_METHOD -> 5;
      default -> -1;
    };
  }

  private static int connAckPropertiesSize(ConnAckProperties properties) {
    int length = 0;
    length += properties.sessionExpirySeconds() >= 0 ? 5 : 0;
    length += properties.receiveMaximum() != 65_535 ? 3 : 0;
    length += properties.maximumQos() < 2 ? 2 : 0;
    length += properties.retainAvailable() ? 0 : 2;
    length += properties.maximumPacketSize() != 0 ? 5 : 0;
    length += textSize(properties.assignedClientId());
    length += properties.topicAliasMaximum() != 0 ? 3 : 0;
    length += textSize(properties.reasonString());
    length += properties.wildcardsAvailable() ? 0 : 2;
    length += properties.subscriptionIdentifiersAvailable() ? 0 : 2;
    length += properties.sharedSubscriptionsAvailable() ? 0 : 2;
    length += properties.serverKeepAliveSeconds() >= 0 ? 3 : 0;
    length += textSize(properties.responseInformation());
    return length;
  }

  private static void writeConnAckProperties(
      ByteBuf out, ConnAckProperties properties, int length) {
    writeVariable(out, length);
    if (properties.sessionExpirySeconds() >= 0) {
      out.writeByte(17).writeInt((int) properties.sessionExpirySeconds());
    }
    if (properties.receiveMaximum() != 65_535) {
      out.writeByte(33).writeShort(properties.receiveMaximum());
    }
    if (properties.maximumQos() < 2) {
      out.writeByte(36).writeByte(properties.maximumQos());
    }
    if (!properties.retainAvailable()) {
      out.writeByte(37).writeByte(0);
    }
    if (properties.maximumPacketSize() != 0) {
      out.writeByte(39).writeInt((int) properties.maximumPacketSize());
    }
    writeText(out, 18, properties.assignedClientId());
    if (properties.topicAliasMaximum() != 0) {
      out.writeByte(34).writeShort(properties.topicAliasMaximum());
    }
    writeText(out, 31, properties.reasonString());
    if (!properties.wildcardsAvailable()) {
      out.writeByte(40).writeByte(0);
    }
    if (!properties.subscriptionIdentifiersAvailable()) {
      out.writeByte(41).writeByte(0);
    }
    if (!properties.sharedSubscriptionsAvailable()) {
      out.writeByte(42).writeByte(0);
    }
    if (properties.serverKeepAliveSeconds() >= 0) {
      out.writeByte(19).writeShort(properties.serverKeepAliveSeconds());
    }
    writeText(out, 26, properties.responseInformation());
  }

  /**
   * PUBLISH.
   *
   * @param packetId not written for QoS 0
   * @param duplicate not written for QoS 0 [MQTT5-3.3.1-2]
   * @param topicAlias 0 for none
   * @param sendTopicName false when the receiver knows the alias already; MQTT 3 always gets it
   * @param expirySecondsLeft -1 for none [MQTT5-3.3.2-6]
   */
  static void publish(
      ByteBuf out,
      int version,
      Queued queued,
      int packetId,
      boolean duplicate,
      int topicAlias,
      boolean sendTopicName,
      long expirySecondsLeft) {
    Message message = queued.message();
    int qos = queued.qos();
    byte[] topic =
        sendTopicName || version < 5 ? message.topic().utf8() : Message.NO_PROPERTIES; // empty
    byte[] payload = message.payload();
    int properties = version < 5 ? 0 : propertiesSize(queued, topicAlias, expirySecondsLeft);
    int remaining = remaining(version, topic.length, qos, properties, payload.length);

    // One check of the capacity, then the header without moving the index for each of its bytes.
    out.ensureWritable(1 + variableSize(remaining) + remaining);
    int at = out.writerIndex();
    out.setByte(
        at++, 0x30 | (duplicate && qos > 0 ? 0x08 : 0) | qos << 1 | (queued.retain() ? 0x01 : 0));
    at = setVariable(out, at, remaining);
    out.setShort(at, topic.length);
    at += 2;
    out.setBytes(at, topic);
    at += topic.length;
    if (qos > 0) {
      out.setShort(at, packetId);
      at += 2;
    }
    if (version == 5) {
      at = setVariable(out, at, properties);
      if (properties > 0) {
        at = setProperties(out, at, queued, topicAlias, expirySecondsLeft);
      }
    }
    out.setBytes(at, payload);
    out.writerIndex(at + payload.length);
  }

  /** How many bytes {@link #publish} appends for the same arguments. */
  static int publishSize(
      int version,
      Queued queued,
      int packetId,
      boolean duplicate,
      int topicAlias,
      boolean sendTopicName,
      long expirySecondsLeft) {
    Message message = queued.message();
    int topic = sendTopicName || version < 5 ? message.topic().utf8().length : 0;
    int properties = version < 5 ? 0 : propertiesSize(queued, topicAlias, expirySecondsLeft);
    int remaining = remaining(version, topic, queued.qos(), properties, message.payload().length);
    return 1 + variableSize(remaining) + remaining;
  }

  private static int remaining(int version, int topic, int qos, int properties, int payload) {
    return 2
        + topic
        + (qos > 0 ? 2 : 0)
        + (version < 5 ? 0 : variableSize(properties) + properties)
        + payload;
  }

  private static int propertiesSize(Queued queued, int topicAlias, long expirySecondsLeft) {
    int length = queued.message().properties().length;
    for (int identifier : queued.identifiers()) {
      length += 1 + variableSize(identifier);
    }
    return length + (topicAlias == 0 ? 0 : 3) + (expirySecondsLeft < 0 ? 0 : 5);
  }

  private static int setProperties(
      ByteBuf out, int start, Queued queued, int topicAlias, long expirySecondsLeft) {
    int at = start;
    if (expirySecondsLeft >= 0) {
      out.setByte(at, 2);
      out.setInt(at + 1, (int) expirySecondsLeft);
      at += 5;
    }
    if (topicAlias != 0) {
      out.setByte(at, 35);
      out.setShort(at + 1, topicAlias);
      at += 3;
    }
    for (int identifier : queued.identifiers()) {
      out.setByte(at, 11);
      at = setVariable(out, at + 1, identifier);
    }
    byte[] forwarded = queued.message().properties();
    out.setBytes(at, forwarded);
    return at + forwarded.length;
  }

  /**
   * PUBACK, PUBREC, PUBREL or PUBCOMP.
   *
   * @param type 4 to 7
   * @param reasonCode MQTT 3 has none
   * @param reasonString only if the client may get it: request problem information, size
   */
  static void ack(
      ByteBuf out,
      int version,
      int type,
      int packetId,
      int reasonCode,
      @Nullable String reasonString) {
    int first = type << 4 | (type == PacketParser.PUBREL ? 2 : 0); // [MQTT5-3.6.1-1]
    if (version < 5 || (reasonCode == ReasonCode.SUCCESS && reasonString == null)) {
      out.writeInt(first << 24 | 2 << 16 | packetId);
    } else {
      int text = textSize(reasonString);
      out.writeByte(first);
      writeVariable(out, reasonString == null ? 3 : 3 + variableSize(text) + text);
      out.writeShort(packetId);
      out.writeByte(reasonCode);
      if (reasonString != null) {
        writeVariable(out, text);
        writeText(out, 31, reasonString);
      }
    }
  }

  /**
   * SUBACK. In MQTT 3.1.1 every refusal is 0x80. MQTT 3.1 has no refusal: the server "must make a
   * positive acknowledgement" and the client is not told (section 3.9), so it gets QoS 0, the least
   * that can be granted.
   *
   * @param codes granted QoS or reason codes of MQTT 5, in the order of the filters
   */
  static void subAck(ByteBuf out, int version, int packetId, int[] codes) {
    out.writeByte(0x90);
    writeVariable(out, codes.length + (version < 5 ? 2 : 3));
    out.writeShort(packetId);
    if (version == 5) {
      out.writeByte(0);
    }
    for (int code : codes) {
      int refused = version == 5 ? code : version == 4 ? 0x80 : 0;
      out.writeByte(code < 0x80 ? code : refused);
    }
  }

  /** UNSUBACK; MQTT 3 gets no codes. */
  static void unsubAck(ByteBuf out, int version, int packetId, int[] codes) {
    if (version < 5) {
      out.writeInt(0xB002_0000 | packetId);
      return;
    }
    out.writeByte(0xB0);
    writeVariable(out, codes.length + 3);
    out.writeShort(packetId);
    out.writeByte(0);
    for (int code : codes) {
      out.writeByte(code);
    }
  }

  static void pingResp(ByteBuf out) {
    out.writeShort(0xD000);
  }

  /** DISCONNECT of MQTT 5; a server of MQTT 3 just closes. */
  static void disconnect(ByteBuf out, int reasonCode, @Nullable String reasonString) {
    if (reasonString != null) {
      int text = textSize(reasonString);
      out.writeByte(0xE0);
      writeVariable(out, 1 + variableSize(text) + text);
      out.writeByte(reasonCode);
      writeVariable(out, text);
      writeText(out, 31, reasonString);
    } else if (reasonCode != ReasonCode.SUCCESS) {
      out.writeMedium(0xE00100 | reasonCode);
    } else {
      out.writeShort(0xE000);
    }
  }

  /** Asked before the first byte is written, so that nothing is written in part. */
  private static int textSize(@Nullable String text) {
    if (text == null) {
      return 0;
    }
    int length = ByteBufUtil.utf8Bytes(text);
    if (length > LONGEST_TEXT) {
      throw new IllegalArgumentException("a text for the client has " + length + " bytes");
    }
    return 3 + length;
  }

  private static void writeText(ByteBuf out, int identifier, @Nullable String text) {
    if (text != null) {
      out.writeByte(identifier).writeShort(ByteBufUtil.utf8Bytes(text));
      ByteBufUtil.writeUtf8(out, text);
    }
  }

  private static int variableSize(int value) {
    return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
  }

  private static void writeVariable(ByteBuf out, int value) {
    out.ensureWritable(variableSize(value));
    out.writerIndex(setVariable(out, out.writerIndex(), value));
  }

  /** Returns the index behind it. */
  private static int setVariable(ByteBuf out, int start, int value) {
    if (value < 0x80) {
      out.setByte(start, value);
      return start + 1;
    }
    int at = start;
    int rest = value;
    for (; rest >= 0x80; rest >>>= 7) {
      out.setByte(at++, rest & 0x7F | 0x80);
    }
    out.setByte(at, rest);
    return at + 1;
  }
}
