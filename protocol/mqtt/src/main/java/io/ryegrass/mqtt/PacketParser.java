package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns the bytes of one packet into a {@link Packet} and refuses what the standards do not allow a
 * client to send: MQTT 5.0 and 3.1.1 (OASIS), and MQTT 3.1, which is laxer: there, flags that are
 * "not used" mean nothing.
 *
 * <p>One for each connection; it learns the version from the CONNECT.
 */
final class PacketParser {
  private static final int CONNECT = 1;
  static final int PUBLISH = 3;
  static final int PUBACK = 4;
  static final int PUBREC = 5;
  static final int PUBREL = 6;
  static final int PUBCOMP = 7;
  private static final int SUBSCRIBE = 8;
  private static final int UNSUBSCRIBE = 10;
  private static final int PINGREQ = 12;
  private static final int DISCONNECT = 14;
  private static final int AUTH = 15;

  private static final Packet PING_REQUEST = new Packet.PingRequest();

  private final TopicCache topics;
  private final PacketCursor cursor = new PacketCursor();
  private final PropertyReader properties = new PropertyReader(cursor);
  private int version;
  private boolean connected;

  PacketParser(TopicCache topics) {
    this.topics = topics;
  }

  /**
   * 3, 4 or 5 as soon as a CONNECT said so; after an unsupported one, the version whose CONNACK it
   * understands best; 0 as long as nothing is known.
   */
  int version() {
    return version;
  }

  boolean connected() {
    return connected;
  }

  /** What the first byte alone shows, before anything else is read. */
  void checkFirst(int first) throws MalformedPacketException {
    int type = first >>> 4;
    int flags = first & 0x0F;
    if (!connected) {
      if (type != CONNECT) {
        throw PacketCursor.protocolError("the first packet is no CONNECT"); // [MQTT5-3.1.0-1]
      }
      return; // its flags count once the version is known
    }
    switch (type) {
      case CONNECT -> throw PacketCursor.protocolError("a second CONNECT"); // [MQTT5-3.1.0-2]
      case PUBLISH -> {
        int qos = flags >> 1 & 3;
        if (qos == 3) {
          throw PacketCursor.malformed("PUBLISH with QoS 3"); // [MQTT5-3.3.1-4]
        }
        if (qos == 0 && flags >= 8 && version > 3) {
          throw PacketCursor.malformed("PUBLISH with DUP and QoS 0"); // [MQTT5-3.3.1-2]
        }
      }
      case PUBACK, PUBREC, PUBCOMP, PINGREQ, DISCONNECT -> checkFlags(flags, 0);
      case PUBREL, SUBSCRIBE, UNSUBSCRIBE -> checkFlags(flags, 2);
      case AUTH -> {
        if (version < 5) {
          throw PacketCursor.malformed("packet type 15 in MQTT 3"); // MQTT 3.1.1: table 2.1
        }
        checkFlags(flags, 0);
      }
      case 0 -> throw PacketCursor.malformed("packet type 0");
      default -> throw PacketCursor.protocolError("packet type " + type + " is the server's");
    }
  }

  /** Reserved flags [MQTT5-2.1.3-1]; MQTT 3.1 calls them "not used", and DUP is legal there. */
  private void checkFlags(int flags, int expected) throws MalformedPacketException {
    if (flags != expected && version > 3) {
      throw PacketCursor.malformed("reserved flags of the fixed header are " + flags);
    }
  }

  /**
   * @param first the first byte, checked
   * @param start where the body begins
   * @param end where it ends; all of it is in the buffer
   * @param packetBytes size of the whole packet
   * @param shortest whether the remaining length had its shortest form: MQTT 3 does not ask for it
   */
  Packet parse(int first, ByteBuf in, int start, int end, int packetBytes, boolean shortest)
      throws MalformedPacketException {
    if (version == 5 && !shortest) {
      throw longLength();
    }
    cursor.open(in, start, end);
    try {
      Packet packet = body(first, packetBytes, shortest);
      cursor.expectEnd();
      return packet;
    } finally {
      cursor.close();
    }
  }

  private static MalformedPacketException longLength() {
    return PacketCursor.malformed("the remaining length is longer than needed"); // [MQTT5-1.5.5-1]
  }

  private Packet body(int first, int packetBytes, boolean shortest)
      throws MalformedPacketException {
    int type = first >>> 4;
    return switch (type) {
      case PUBLISH -> publish(first, packetBytes);
      case PUBACK, PUBREC, PUBREL, PUBCOMP -> ack(type);
      case PINGREQ -> PING_REQUEST;
      case CONNECT -> connect(first & 0x0F, shortest);
      case SUBSCRIBE -> subscribe();
      case UNSUBSCRIBE -> unsubscribe();
      case DISCONNECT -> disconnect();
      case AUTH -> auth();
      default -> throw new IllegalStateException("packet type " + type + " was not checked");
    };
  }

  private Packet publish(int first, int packetBytes) throws MalformedPacketException {
    int qos = first >> 1 & 3;
    int topicLength = cursor.u16();
    Topic topic = topicLength == 0 ? null : cursor.topic(topicLength, topics);
    int packetId = qos == 0 ? 0 : packetId();
    properties.clear();
    if (version == 5) {
      properties.read(PropertyReader.PUBLISH);
    }
    if (topic == null && properties.topicAlias == 0) {
      throw PacketCursor.protocolError("PUBLISH without a topic"); // [MQTT5-4.7.3-1], 3.3.2.1
    }
    return new Packet.Publish(
        first >> 3 == 7 && qos > 0,
        qos,
        (first & 1) != 0,
        topic,
        properties.topicAlias,
        packetId,
        cursor.rest(),
        properties.forwarded,
        properties.messageExpirySeconds,
        packetBytes);
  }

  /** [MQTT5-2.2.1-3]; MQTT 3.1.1: [MQTT-2.3.1-1]. */
  private int packetId() throws MalformedPacketException {
    int packetId = cursor.u16();
    if (packetId == 0) {
      throw PacketCursor.protocolError("packet identifier 0");
    }
    return packetId;
  }

  private Packet ack(int type) throws MalformedPacketException {
    int packetId = packetId();
    int reasonCode = ReasonCode.SUCCESS;
    if (version == 5 && cursor.hasMore()) {
      reasonCode = cursor.u8();
      boolean allowed =
          type == PUBACK || type == PUBREC
              ? isPublishReason(reasonCode) // [MQTT5-3.4.2-1], [MQTT5-3.5.2-1]
              : reasonCode == ReasonCode.SUCCESS // [MQTT5-3.6.2-1], [MQTT5-3.7.2-1]
                  || reasonCode == ReasonCode.PACKET_IDENTIFIER_NOT_FOUND;
      if (!allowed) {
        throw PacketCursor.protocolError("reason code " + reasonCode + " in packet type " + type);
      }
      if (cursor.hasMore()) {
        properties.read(PropertyReader.ACK);
      }
    }
    return new Packet.Ack(type, packetId, reasonCode);
  }

  /** Table 3-4 without 0x10 (no matching subscribers), which only a server sends. */
  private static boolean isPublishReason(int reasonCode) {
    return switch (reasonCode) {
      case ReasonCode.SUCCESS,
          ReasonCode.UNSPECIFIED_ERROR,
          ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,
          ReasonCode.NOT_AUTHORIZED,
          ReasonCode.TOPIC_NAME_INVALID,
          ReasonCode.PACKET_IDENTIFIER_IN_USE,
          ReasonCode.QUOTA_EXCEEDED,
          ReasonCode.PAYLOAD_FORMAT_INVALID ->
          true;
      default -> false;
    };
  }

  private Packet connect(int headerFlags, boolean shortest) throws MalformedPacketException {
    String protocol = cursor.string();
    boolean old = protocol.equals("MQIsdp");
    if (!old && !protocol.equals("MQTT")) { // [MQTT5-3.1.2-1]
      throw new MalformedPacketException(
          ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, "the protocol name is not MQTT");
    }
    int level = cursor.u8();
    if (old ? level != 3 : level != 4 && level != 5) { // [MQTT5-3.1.2-2]
      version = (level & 0x7F) >= 5 ? 5 : 4; // bridges set the highest bit
      throw new MalformedPacketException(
          ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, "protocol level " + level);
    }
    version = level;
    if (version == 5 && !shortest) {
      throw longLength();
    }
    checkFlags(headerFlags, 0);
    int flags = cursor.u8();
    checkConnectFlags(flags);
    boolean hasWill = (flags & 0x04) != 0;
    int keepAlive = cursor.u16();
    properties.clear();
    if (version == 5) {
      properties.read(PropertyReader.CONNECT);
    }
    long sessionExpiry = properties.sessionExpirySeconds;
    int receiveMaximum = properties.receiveMaximum;
    long maximumPacketSize = properties.maximumPacketSize;
    int topicAliasMaximum = properties.topicAliasMaximum;
    boolean requestResponse = properties.requestResponseInformation;
    boolean requestProblem = properties.requestProblemInformation;
    String authenticationMethod = properties.authenticationMethod;

    String clientId = cursor.string();
    boolean cleanStart = (flags & 0x02) != 0;
    if (clientId.isEmpty() && (version == 3 || (version == 4 && !cleanStart))) {
      // MQTT 3.1.1: [MQTT-3.1.3-8]; MQTT 3.1: 1 to 23 characters, of which the upper bound is
      // not held by anybody
      throw new MalformedPacketException(
          ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, "an empty client identifier");
    }
    Packet.WillMessage will = hasWill ? will(flags) : null;
    String userName = (flags & 0x80) != 0 && !endsEarly() ? cursor.string() : null;
    byte[] password = (flags & 0x40) != 0 && !endsEarly() ? cursor.binary() : null;
    cursor.expectEnd();
    connected = true;
    return new Packet.Connect(
        version,
        clientId,
        cleanStart,
        keepAlive,
        will,
        userName,
        password,
        sessionExpiry,
        receiveMaximum,
        maximumPacketSize,
        topicAliasMaximum,
        requestResponse,
        requestProblem,
        authenticationMethod);
  }

  /** MQTT 3.1, section 3.1: user name and password may be missing in spite of their flags. */
  private boolean endsEarly() {
    return version == 3 && !cursor.hasMore();
  }

  private void checkConnectFlags(int flags) throws MalformedPacketException {
    boolean userName = (flags & 0x80) != 0;
    boolean password = (flags & 0x40) != 0;
    boolean hasWill = (flags & 0x04) != 0;
    int willQos = flags >> 3 & 3;
    if (hasWill && willQos == 3) {
      throw PacketCursor.malformed("a will with QoS 3"); // [MQTT5-3.1.2-12]
    }
    if (version < 5 && password && !userName) { // MQTT 3.1.1: [MQTT-3.1.2-22]
      throw PacketCursor.malformed("a password without a user name");
    }
    if (version == 3) {
      return; // bit 0 is "not used", QoS and RETAIN without a will are "disregarded"
    }
    if ((flags & 0x01) != 0) {
      throw PacketCursor.malformed("the reserved flag of CONNECT is set"); // [MQTT5-3.1.2-3]
    }
    if (!hasWill && (flags & 0x38) != 0) { // [MQTT5-3.1.2-11], [MQTT5-3.1.2-13]
      throw PacketCursor.malformed("QoS or RETAIN of a will without a will");
    }
  }

  private Packet.WillMessage will(int flags) throws MalformedPacketException {
    properties.clear();
    if (version == 5) {
      properties.read(PropertyReader.WILL);
    }
    int topicLength = cursor.u16();
    if (topicLength == 0) { // [MQTT5-4.7.3-1]
      throw new MalformedPacketException(
          ReasonCode.TOPIC_NAME_INVALID, "a will with an empty topic");
    }
    Topic topic = cursor.topic(topicLength);
    byte[] payload = cursor.binary();
    if (properties.text && !Utf8.isText(payload)) {
      throw new MalformedPacketException(
          ReasonCode.PAYLOAD_FORMAT_INVALID, "the will's payload is not the text it says it is");
    }
    return new Packet.WillMessage(
        topic,
        payload,
        flags >> 3 & 3,
        (flags & 0x20) != 0,
        properties.forwarded,
        properties.messageExpirySeconds,
        properties.willDelaySeconds);
  }

  private Packet subscribe() throws MalformedPacketException {
    int packetId = packetId();
    properties.clear();
    if (version == 5) {
      properties.read(PropertyReader.SUBSCRIBE);
    }
    List<Subscription> subscriptions = new ArrayList<>(2);
    do { // [MQTT5-3.8.3-2]: at least one
      requireFilter("SUBSCRIBE");
      subscriptions.add(subscription(cursor.string(), cursor.u8()));
    } while (cursor.hasMore());
    return new Packet.Subscribe(packetId, subscriptions);
  }

  private Subscription subscription(String filter, int options) throws MalformedPacketException {
    int qos = options & 3;
    if (qos == 3) { // section 3.8.3.1; MQTT 3.1.1: [MQTT-3.8.3-4]
      throw PacketCursor.protocolError("SUBSCRIBE with QoS 3");
    }
    if (version < 5) {
      if (version == 4 && options > 2) { // MQTT 3.1.1: [MQTT-3.8.3-4]
        throw PacketCursor.malformed("reserved bits of the requested QoS are set");
      }
      return new Subscription(filter, qos, false, false, 0, 0);
    }
    if (options > 0x3F) { // [MQTT5-3.8.3-5]
      throw PacketCursor.malformed("reserved bits of the subscription options are set");
    }
    int retainHandling = options >> 4;
    if (retainHandling == 3) { // section 3.8.3.1
      throw PacketCursor.protocolError("retain handling 3");
    }
    boolean noLocal = (options & 0x04) != 0;
    if (noLocal && FilterSyntax.isShared(filter)) { // [MQTT5-3.8.3-4]
      throw PacketCursor.protocolError("a shared subscription with no local");
    }
    return new Subscription(
        filter,
        qos,
        noLocal,
        (options & 0x08) != 0,
        retainHandling,
        properties.subscriptionIdentifier);
  }

  private Packet unsubscribe() throws MalformedPacketException {
    int packetId = packetId();
    if (version == 5) {
      properties.read(PropertyReader.UNSUBSCRIBE);
    }
    List<String> filters = new ArrayList<>(2);
    do { // [MQTT5-3.10.3-2]: at least one
      requireFilter("UNSUBSCRIBE");
      filters.add(cursor.string());
    } while (cursor.hasMore());
    return new Packet.Unsubscribe(packetId, filters);
  }

  private void requireFilter(String packet) throws MalformedPacketException {
    if (!cursor.hasMore()) {
      throw PacketCursor.protocolError(packet + " without a topic filter");
    }
  }

  private Packet disconnect() throws MalformedPacketException {
    if (version < 5 || !cursor.hasMore()) {
      return new Packet.Disconnect(ReasonCode.SUCCESS, -1);
    }
    int reasonCode = cursor.u8();
    if (!isDisconnectReason(reasonCode)) { // [MQTT5-3.14.2-1]
      throw PacketCursor.protocolError("reason code " + reasonCode + " in DISCONNECT");
    }
    properties.clear();
    if (cursor.hasMore()) {
      properties.read(PropertyReader.DISCONNECT);
    }
    return new Packet.Disconnect(reasonCode, properties.sessionExpirySeconds);
  }

  /** Table 3-10, what a client may send. */
  private static boolean isDisconnectReason(int reasonCode) {
    return switch (reasonCode) {
      case ReasonCode.SUCCESS,
          ReasonCode.DISCONNECT_WITH_WILL,
          ReasonCode.UNSPECIFIED_ERROR,
          ReasonCode.MALFORMED_PACKET,
          ReasonCode.PROTOCOL_ERROR,
          ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,
          ReasonCode.TOPIC_NAME_INVALID,
          ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
          ReasonCode.TOPIC_ALIAS_INVALID,
          ReasonCode.PACKET_TOO_LARGE,
          ReasonCode.MESSAGE_RATE_TOO_HIGH,
          ReasonCode.QUOTA_EXCEEDED,
          ReasonCode.ADMINISTRATIVE_ACTION,
          ReasonCode.PAYLOAD_FORMAT_INVALID ->
          true;
      default -> false;
    };
  }

  /** Section 3.15: a client continues (0x18) or re-authenticates (0x19), and names the method. */
  private Packet auth() throws MalformedPacketException {
    int reasonCode = cursor.hasMore() ? cursor.u8() : ReasonCode.SUCCESS;
    if (reasonCode != 0x18 && reasonCode != 0x19) { // [MQTT5-3.15.2-1]
      throw PacketCursor.protocolError("reason code " + reasonCode + " in AUTH");
    }
    properties.clear();
    if (cursor.hasMore()) {
      properties.read(PropertyReader.AUTH);
    }
    @Nullable String method = properties.authenticationMethod;
    if (method == null) { // section 3.15.2.2.2
      throw PacketCursor.protocolError("AUTH without an authentication method");
    }
    return new Packet.Auth(reasonCode, method);
  }
}
