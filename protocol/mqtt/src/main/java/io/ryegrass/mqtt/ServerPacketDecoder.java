package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Cuts what a server sends into packets and refuses what the standards do not allow it to send to a
 * client that asked for QoS 0 and 1, no topic aliases and no enhanced authentication. The first
 * fault is passed on as a {@link MalformedPacketException}; what comes later is thrown away.
 */
final class ServerPacketDecoder extends ByteToMessageDecoder {
  private static final int CONNACK = 2;
  private static final int SUBACK = 9;
  private static final int UNSUBACK = 11;
  private static final int PINGRESP = 13;
  private static final int DISCONNECT = 14;
  private static final ServerPacket PING_RESPONSE = new ServerPacket.PingResponse();

  private static final long MESSAGE = bits(1, 2, 3, 8, 9, 11, 38);
  private static final long ACK = bits(31, 38);
  private static final long GREETING =
      bits(17, 18, 19, 21, 22, 26, 28, 31, 33, 34, 36, 37, 38, 39, 40, 41, 42);
  private static final long FAREWELL = bits(28, 31, 38);
  private static final int USER_PROPERTY = 38;
  private static final int SUBSCRIPTION_IDENTIFIER = 11;

  private final boolean five;
  private final int maximumPacket;
  private final PacketCursor in = new PacketCursor();
  private boolean stopped;
  private boolean greeted;

  // values of the properties that were read last
  private @Nullable Boolean payloadIsText;
  private long expirySeconds;
  private @Nullable String contentType;
  private @Nullable String responseTopic;
  private byte @Nullable [] correlationData;
  private @Nullable List<MessageProperties.UserProperty> userProperties;
  private @Nullable String reason;
  private @Nullable String assignedClientId;
  private long sessionExpiry;
  private int receiveMaximum;
  private int maximumQos;
  private boolean retainAvailable;
  private long maximumPacketSize;
  private boolean wildcards;
  private boolean shared;
  private int serverKeepAlive;

  ServerPacketDecoder(int version, int maximumPacket) {
    this.five = version == 5;
    this.maximumPacket = maximumPacket;
  }

  private static long bits(int... identifiers) {
    long bits = 0;
    for (int identifier : identifiers) {
      bits |= 1L << identifier;
    }
    return bits;
  }

  @Override
  protected void decode(ChannelHandlerContext ctx, ByteBuf buffer, List<Object> out) {
    if (stopped) {
      buffer.skipBytes(buffer.readableBytes());
      return;
    }
    try {
      ServerPacket packet = next(buffer);
      if (packet != null) {
        out.add(packet);
      }
    } catch (MalformedPacketException fault) {
      stopped = true;
      out.add(fault);
      buffer.skipBytes(buffer.readableBytes());
    } finally {
      in.close();
    }
  }

  private @Nullable ServerPacket next(ByteBuf buffer) throws MalformedPacketException {
    int start = buffer.readerIndex();
    int available = buffer.readableBytes();
    int first = buffer.getUnsignedByte(start);
    checkFirst(first);
    int length = 0;
    for (int i = 1; i <= 4; i++) {
      if (i >= available) {
        return null;
      }
      int octet = buffer.getByte(start + i);
      length |= (octet & 0x7F) << 7 * (i - 1);
      if (octet >= 0) {
        int header = 1 + i;
        if (header + length > maximumPacket) { // [MQTT5-3.1.2-24]
          throw new MalformedPacketException(
              ReasonCode.PACKET_TOO_LARGE, "a packet of " + (header + length) + " bytes");
        }
        if (header + length > available) {
          return null;
        }
        in.open(buffer, start + header, start + header + length);
        ServerPacket packet = packet(first);
        in.expectEnd();
        buffer.skipBytes(header + length);
        return packet;
      }
    }
    throw PacketCursor.malformed("the remaining length has more than four bytes");
  }

  private void checkFirst(int first) throws MalformedPacketException {
    int type = first >>> 4;
    if ((type == CONNACK) == greeted) { // [MQTT5-3.2.0-1], [MQTT5-3.2.0-2]
      throw PacketCursor.protocolError(
          greeted ? "a second CONNACK" : "the first packet is no CONNACK");
    }
    switch (type) {
      case PacketParser.PUBLISH -> {
        int qos = first >> 1 & 3;
        if (qos > 1) {
          throw PacketCursor.protocolError("a message of QoS " + qos); // nobody asked for it
        }
        if (qos == 0 && (first & 0x08) != 0) { // [MQTT5-3.3.1-2]
          throw PacketCursor.malformed("a message of QoS 0 with DUP");
        }
      }
      case CONNACK, PacketParser.PUBACK, SUBACK, UNSUBACK, PINGRESP -> noFlags(first);
      case DISCONNECT -> {
        if (!five) {
          throw PacketCursor.protocolError("DISCONNECT of a server of MQTT 3.1.1");
        }
        noFlags(first);
      }
      default ->
          throw PacketCursor.protocolError(
              "a packet of type " + type + ", which is not for this client");
    }
  }

  private static void noFlags(int first) throws MalformedPacketException {
    if ((first & 0x0F) != 0) { // [MQTT5-2.1.3-1]
      throw PacketCursor.malformed("reserved flags of the fixed header are set");
    }
  }

  private ServerPacket packet(int first) throws MalformedPacketException {
    clear();
    return switch (first >>> 4) {
      case CONNACK -> connAck();
      case PacketParser.PUBLISH -> publish(first);
      case PacketParser.PUBACK -> {
        int id = packetId();
        int code = 0;
        if (five && in.hasMore()) {
          code = in.u8();
          if (in.hasMore()) {
            properties(ACK);
          }
        }
        yield new ServerPacket.PubAck(id, code, reason);
      }
      case SUBACK -> codes(true);
      case UNSUBACK -> codes(false);
      case PINGRESP -> PING_RESPONSE;
      case DISCONNECT -> {
        int code = in.hasMore() ? in.u8() : 0;
        if (in.hasMore()) {
          properties(FAREWELL);
        }
        yield new ServerPacket.Disconnect(code, reason);
      }
      default -> throw new AssertionError(first);
    };
  }

  private ServerPacket connAck() throws MalformedPacketException {
    greeted = true;
    int flags = in.u8();
    int code = in.u8();
    if (flags > 1 || (flags == 1 && code != 0)) { // [MQTT5-3.2.2-1], [MQTT5-3.2.2-6]
      throw PacketCursor.protocolError("flags " + flags + " in CONNACK");
    }
    if (five) {
      properties(GREETING);
    }
    return new ServerPacket.ConnAck(
        flags == 1,
        code,
        reason,
        sessionExpiry,
        receiveMaximum,
        maximumQos,
        retainAvailable,
        maximumPacketSize,
        assignedClientId,
        wildcards,
        shared,
        serverKeepAlive);
  }

  private ServerPacket publish(int first) throws MalformedPacketException {
    int qos = first >> 1 & 3;
    String topic = in.string();
    if (topic.isEmpty()) { // [MQTT5-4.7.3-1]; an alias cannot stand for it, none is allowed
      throw PacketCursor.protocolError("a message with an empty topic");
    }
    if (topic.indexOf('#') >= 0 || topic.indexOf('+') >= 0) { // [MQTT5-3.3.2-2]
      throw PacketCursor.malformed("a message on a topic with a wildcard");
    }
    int id = qos == 0 ? 0 : packetId();
    if (five) {
      properties(MESSAGE);
    }
    MessageProperties carried =
        payloadIsText == null
                && expirySeconds < 0
                && contentType == null
                && responseTopic == null
                && correlationData == null
                && userProperties == null
            ? MessageProperties.NONE
            : new MessageProperties(
                payloadIsText,
                expirySeconds,
                contentType,
                responseTopic,
                correlationData,
                userProperties == null ? List.of() : userProperties);
    return new ServerPacket.Publish(
        new MqttMessage(topic, in.rest(), qos, (first & 1) != 0, carried), id);
  }

  private ServerPacket codes(boolean subscribed) throws MalformedPacketException {
    int id = packetId();
    if (five) {
      properties(ACK);
    }
    if (!five && !subscribed) {
      return new ServerPacket.Codes(false, id, new int[0], null);
    }
    int[] codes = new int[in.remaining()];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = in.u8();
      if (subscribed && (codes[i] == 2 || (codes[i] > 2 && codes[i] < 0x80))) {
        throw PacketCursor.protocolError("code " + codes[i] + " in SUBACK");
      }
    }
    if (codes.length == 0) {
      throw PacketCursor.malformed("an acknowledgement without codes");
    }
    return new ServerPacket.Codes(subscribed, id, codes, reason);
  }

  private int packetId() throws MalformedPacketException {
    int id = in.u16();
    if (id == 0) { // [MQTT5-2.2.1-3], [MQTT5-2.2.1-4]
      throw PacketCursor.protocolError("packet identifier 0");
    }
    return id;
  }

  private void clear() {
    payloadIsText = null;
    expirySeconds = -1;
    contentType = null;
    responseTopic = null;
    correlationData = null;
    userProperties = null;
    reason = null;
    assignedClientId = null;
    sessionExpiry = -1;
    receiveMaximum = 65_535;
    maximumQos = 2;
    retainAvailable = true;
    maximumPacketSize = 0;
    wildcards = true;
    shared = true;
    serverKeepAlive = -1;
  }

  private void properties(long allowed) throws MalformedPacketException {
    int length = in.variable();
    int outer = in.narrow(length);
    long seen = 0;
    while (in.hasMore()) {
      int identifier = in.u8();
      long bit = identifier < 64 ? 1L << identifier : 0;
      if (identifier == 35 && allowed == MESSAGE) { // [MQTT5-3.1.2-26]
        throw new MalformedPacketException(
            ReasonCode.TOPIC_ALIAS_INVALID, "a topic alias, which was not allowed");
      }
      if ((allowed & bit) == 0) {
        throw PacketCursor.malformed("property " + identifier + " does not belong to the packet");
      }
      if ((seen & bit) != 0
          && identifier != USER_PROPERTY
          && !(identifier == SUBSCRIPTION_IDENTIFIER && allowed == MESSAGE)) {
        throw PacketCursor.protocolError("property " + identifier + " comes twice");
      }
      seen |= bit;
      value(identifier, allowed == MESSAGE);
    }
    in.widen(outer);
  }

  private void value(int identifier, boolean ofMessage) throws MalformedPacketException {
    switch (identifier) {
      case 1 -> payloadIsText = bool();
      case 2 -> expirySeconds = in.u32();
      case 3 -> contentType = in.string();
      case 8 -> responseTopic = responseTopic();
      case 9 -> correlationData = in.binary();
      case 11 -> {
        if (in.variable() == 0) {
          throw PacketCursor.protocolError("subscription identifier 0");
        }
      }
      case 17 -> sessionExpiry = in.u32();
      case 18 -> assignedClientId = in.string();
      case 19 -> serverKeepAlive = in.u16();
      case 21, 26, 28 -> in.skipString();
      case 22 -> in.skipBinary();
      case 31 -> reason = in.string();
      case 33 -> {
        receiveMaximum = in.u16();
        notZero(receiveMaximum);
      }
      case 34 -> {
        int unused = in.u16(); // this client sends no aliases
      }
      case 36 -> maximumQos = bool() ? 1 : 0;
      case 37 -> retainAvailable = bool();
      case 38 -> {
        if (ofMessage) {
          if (userProperties == null) {
            userProperties = new ArrayList<>(2);
          }
          userProperties.add(new MessageProperties.UserProperty(in.string(), in.string()));
        } else {
          in.skipString();
          in.skipString();
        }
      }
      case 39 -> {
        maximumPacketSize = in.u32();
        notZero(maximumPacketSize);
      }
      case 40 -> wildcards = bool();
      case 41 -> {
        boolean unused = bool(); // this client sends no subscription identifiers
      }
      case 42 -> shared = bool();
      default -> throw new AssertionError("property " + identifier);
    }
  }

  private String responseTopic() throws MalformedPacketException {
    String topic = in.string();
    if (topic.isEmpty() || topic.indexOf('#') >= 0 || topic.indexOf('+') >= 0) {
      throw PacketCursor.protocolError(
          "a response topic that is no topic name"); // [MQTT5-3.3.2-14]
    }
    return topic;
  }

  private boolean bool() throws MalformedPacketException {
    int value = in.u8();
    if (value > 1) {
      throw PacketCursor.protocolError("a property that is neither 0 nor 1");
    }
    return value == 1;
  }

  private static void notZero(long value) throws MalformedPacketException {
    if (value == 0) {
      throw PacketCursor.protocolError("a maximum of 0");
    }
  }
}
