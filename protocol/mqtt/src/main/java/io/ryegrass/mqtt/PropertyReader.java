package io.ryegrass.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * Reads the properties of one MQTT 5 packet (section 2.2.2) and holds their values until the next
 * packet. An identifier that does not belong to the packet is malformed (section 2.2.2.2), one that
 * comes twice is a protocol error, except user properties.
 */
final class PropertyReader {
  private static final int PAYLOAD_FORMAT = 1;
  private static final int MESSAGE_EXPIRY = 2;
  private static final int CONTENT_TYPE = 3;
  private static final int RESPONSE_TOPIC = 8;
  private static final int CORRELATION_DATA = 9;
  private static final int SUBSCRIPTION_IDENTIFIER = 11;
  private static final int SESSION_EXPIRY = 17;
  private static final int AUTHENTICATION_METHOD = 21;
  private static final int AUTHENTICATION_DATA = 22;
  private static final int REQUEST_PROBLEM_INFORMATION = 23;
  private static final int WILL_DELAY = 24;
  private static final int REQUEST_RESPONSE_INFORMATION = 25;
  private static final int SERVER_REFERENCE = 28;
  private static final int REASON_STRING = 31;
  private static final int RECEIVE_MAXIMUM = 33;
  private static final int TOPIC_ALIAS_MAXIMUM = 34;
  private static final int TOPIC_ALIAS = 35;
  private static final int USER_PROPERTY = 38;
  private static final int MAXIMUM_PACKET_SIZE = 39;

  /** Table 2-4 of the standard, the part that a client sends; a bit for each identifier. */
  static final long CONNECT =
      bits(
          SESSION_EXPIRY,
          RECEIVE_MAXIMUM,
          MAXIMUM_PACKET_SIZE,
          TOPIC_ALIAS_MAXIMUM,
          REQUEST_RESPONSE_INFORMATION,
          REQUEST_PROBLEM_INFORMATION,
          USER_PROPERTY,
          AUTHENTICATION_METHOD,
          AUTHENTICATION_DATA);

  private static final long MESSAGE =
      bits(
          PAYLOAD_FORMAT,
          MESSAGE_EXPIRY,
          CONTENT_TYPE,
          RESPONSE_TOPIC,
          CORRELATION_DATA,
          USER_PROPERTY);
  static final long WILL = MESSAGE | bits(WILL_DELAY);
  static final long PUBLISH = MESSAGE | bits(TOPIC_ALIAS);
  static final long ACK = bits(REASON_STRING, USER_PROPERTY);
  static final long SUBSCRIBE = bits(SUBSCRIPTION_IDENTIFIER, USER_PROPERTY);
  static final long UNSUBSCRIBE = bits(USER_PROPERTY);
  static final long DISCONNECT = bits(SESSION_EXPIRY, REASON_STRING, USER_PROPERTY);
  static final long AUTH =
      bits(AUTHENTICATION_METHOD, AUTHENTICATION_DATA, REASON_STRING, USER_PROPERTY);

  private final PacketCursor cursor;
  private long seen;

  long sessionExpirySeconds;
  int receiveMaximum;
  long maximumPacketSize;
  int topicAliasMaximum;
  boolean requestResponseInformation;
  boolean requestProblemInformation;
  @Nullable String authenticationMethod;
  int subscriptionIdentifier;
  int topicAlias;
  long messageExpirySeconds;
  long willDelaySeconds;
  boolean text;

  /** PUBLISH and will: what goes on to the receivers, as {@link Message#properties} wants it. */
  byte[] forwarded = Message.NO_PROPERTIES;

  PropertyReader(PacketCursor cursor) {
    this.cursor = cursor;
  }

  private static long bits(int... identifiers) {
    long bits = 0;
    for (int identifier : identifiers) {
      bits |= 1L << identifier;
    }
    return bits;
  }

  /** As if the packet had no property. */
  void clear() {
    seen = 0;
    sessionExpirySeconds = -1;
    receiveMaximum = 65_535;
    maximumPacketSize = 0;
    topicAliasMaximum = 0;
    requestResponseInformation = false;
    requestProblemInformation = true;
    authenticationMethod = null;
    subscriptionIdentifier = 0;
    topicAlias = 0;
    messageExpirySeconds = -1;
    willDelaySeconds = 0;
    text = false;
    forwarded = Message.NO_PROPERTIES;
  }

  /**
   * Reads the length and the properties.
   *
   * @param allowed one of the constants of this class
   */
  void read(long allowed) throws MalformedPacketException {
    clear();
    int length = cursor.variable();
    if (length == 0) {
      return;
    }
    int outer = cursor.narrow(length);
    int start = cursor.position();
    // At most two properties of a message do not go on: its expiry, and alias or delay.
    int removedAt = -1;
    int removedLength = 0;
    int removedToo = -1;
    int removedTooLength = 0;
    while (cursor.hasMore()) {
      int at = cursor.position();
      int identifier = cursor.u8();
      long bit = identifier < 64 ? 1L << identifier : 0;
      if ((allowed & bit) == 0) {
        throw foreign(identifier, allowed);
      }
      if ((seen & bit) != 0 && identifier != USER_PROPERTY) {
        throw PacketCursor.protocolError("property " + identifier + " comes twice");
      }
      seen |= bit;
      value(identifier);
      if ((MESSAGE & bit) == 0 || identifier == MESSAGE_EXPIRY) {
        if (removedAt < 0) {
          removedAt = at;
          removedLength = cursor.position() - at;
        } else {
          removedToo = at;
          removedTooLength = cursor.position() - at;
        }
      }
    }
    cursor.widen(outer);
    if (allowed == PUBLISH || allowed == WILL) {
      int kept = length - removedLength - removedTooLength;
      if (kept > 0) {
        forwarded = new byte[kept];
        int from = start;
        int to = 0;
        if (removedAt >= 0) {
          to = copied(from, removedAt, to);
          from = removedAt + removedLength;
        }
        if (removedToo >= 0) {
          to = copied(from, removedToo, to);
          from = removedToo + removedTooLength;
        }
        copied(from, start + length, to);
      }
    } else if ((seen & bits(AUTHENTICATION_DATA)) != 0 && authenticationMethod == null) {
      throw PacketCursor.protocolError("authentication data without a method");
    }
  }

  private int copied(int from, int until, int to) {
    cursor.copy(from, forwarded, to, until - from);
    return to + until - from;
  }

  private void value(int identifier) throws MalformedPacketException {
    switch (identifier) {
      case PAYLOAD_FORMAT -> text = bool("payload format indicator");
      case MESSAGE_EXPIRY -> messageExpirySeconds = cursor.u32();
      case WILL_DELAY -> willDelaySeconds = cursor.u32();
      case SESSION_EXPIRY -> sessionExpirySeconds = cursor.u32();
      case CONTENT_TYPE, REASON_STRING -> cursor.skipString();
      case USER_PROPERTY -> {
        cursor.skipString(); // [MQTT5-1.5.7-1]
        cursor.skipString();
      }
      case CORRELATION_DATA, AUTHENTICATION_DATA -> cursor.skipBinary();
      case RESPONSE_TOPIC -> {
        int at = cursor.position() + 2;
        cursor.skipString();
        if (at == cursor.position()) {
          throw PacketCursor.protocolError("an empty response topic"); // [MQTT5-4.7.3-1]
        }
        if (cursor.hasWildcard(at, cursor.position())) {
          throw PacketCursor.protocolError("a response topic with a wildcard"); // [MQTT5-3.3.2-14]
        }
      }
      case AUTHENTICATION_METHOD -> authenticationMethod = cursor.string();
      case REQUEST_PROBLEM_INFORMATION ->
          requestProblemInformation = bool("request problem information");
      case REQUEST_RESPONSE_INFORMATION ->
          requestResponseInformation = bool("request response information");
      case RECEIVE_MAXIMUM -> {
        receiveMaximum = cursor.u16();
        notZero(receiveMaximum, "receive maximum");
      }
      case TOPIC_ALIAS_MAXIMUM -> topicAliasMaximum = cursor.u16();
      case TOPIC_ALIAS -> {
        topicAlias = cursor.u16();
        if (topicAlias == 0) { // [MQTT5-3.3.2-8]
          throw new MalformedPacketException(ReasonCode.TOPIC_ALIAS_INVALID, "topic alias 0");
        }
      }
      case MAXIMUM_PACKET_SIZE -> {
        maximumPacketSize = cursor.u32();
        notZero(maximumPacketSize, "maximum packet size");
      }
      case SUBSCRIPTION_IDENTIFIER -> {
        subscriptionIdentifier = cursor.variable();
        notZero(subscriptionIdentifier, "subscription identifier");
      }
      default -> throw new AssertionError("property " + identifier);
    }
  }

  private boolean bool(String name) throws MalformedPacketException {
    int value = cursor.u8();
    if (value > 1) {
      throw PacketCursor.protocolError(name + " is neither 0 nor 1");
    }
    return value == 1;
  }

  private static void notZero(long value, String name) throws MalformedPacketException {
    if (value == 0) {
      throw PacketCursor.protocolError(name + " is 0");
    }
  }

  private static MalformedPacketException foreign(int identifier, long allowed) {
    boolean ofServer =
        (allowed == PUBLISH && identifier == SUBSCRIPTION_IDENTIFIER) // [MQTT5-3.3.4-6]
            || (allowed == DISCONNECT && identifier == SERVER_REFERENCE); // section 3.14.2.2.5
    return ofServer
        ? PacketCursor.protocolError("property " + identifier + " is the server's to send")
        : PacketCursor.malformed("property " + identifier + " does not belong to the packet");
  }
}
