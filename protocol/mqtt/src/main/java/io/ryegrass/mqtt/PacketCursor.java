package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/**
 * Reads the data types of MQTT (section 1.5) from the body of one packet and refuses whatever would
 * reach beyond its end.
 */
final class PacketCursor {
  private static final byte[] EMPTY = new byte[0];

  private ByteBuf in = Unpooled.EMPTY_BUFFER;
  private int at;
  private int end;

  void open(ByteBuf buffer, int start, int stop) {
    in = buffer;
    at = start;
    end = stop;
  }

  /** The buffer is not the cursor's: it keeps no hold on it. */
  void close() {
    in = Unpooled.EMPTY_BUFFER;
    at = 0;
    end = 0;
  }

  boolean hasMore() {
    return at < end;
  }

  int position() {
    return at;
  }

  int remaining() {
    return end - at;
  }

  /** Narrows to the next bytes; the result is for {@link #widen}. */
  int narrow(int length) throws MalformedPacketException {
    need(length);
    int outer = end;
    end = at + length;
    return outer;
  }

  void widen(int outer) {
    end = outer;
  }

  void expectEnd() throws MalformedPacketException {
    if (at != end) {
      throw malformed("the packet is longer than its content");
    }
  }

  int u8() throws MalformedPacketException {
    need(1);
    return in.getUnsignedByte(at++);
  }

  int u16() throws MalformedPacketException {
    need(2);
    int value = in.getUnsignedShort(at);
    at += 2;
    return value;
  }

  long u32() throws MalformedPacketException {
    need(4);
    long value = in.getUnsignedInt(at);
    at += 4;
    return value;
  }

  /** A variable byte integer in its shortest form [MQTT5-1.5.5-1]. */
  int variable() throws MalformedPacketException {
    int value = 0;
    for (int shift = 0; shift < 28; shift += 7) {
      int octet = u8();
      value |= (octet & 0x7F) << shift;
      if (octet < 0x80) {
        if (octet == 0 && shift > 0) {
          throw malformed("a variable byte integer is longer than needed");
        }
        return value;
      }
    }
    throw malformed("a variable byte integer has more than four bytes");
  }

  String string() throws MalformedPacketException {
    int length = length();
    String value = Utf8.read(in, at, length);
    at += length;
    return value;
  }

  /** A string that nobody wants to see, but it must be one. */
  void skipString() throws MalformedPacketException {
    int length = length();
    Utf8.check(in, at, length);
    at += length;
  }

  /** A topic name out of the cache. */
  Topic topic(int length, TopicCache topics) throws MalformedPacketException {
    need(length);
    Topic topic = topics.get(in, at, length);
    at += length;
    return topic;
  }

  /** A topic name of its own: for a client that nobody has authenticated yet. */
  Topic topic(int length) throws MalformedPacketException {
    need(length);
    Topic topic = TopicCache.read(in, at, length);
    at += length;
    return topic;
  }

  byte[] binary() throws MalformedPacketException {
    return bytes(length());
  }

  void skipBinary() throws MalformedPacketException {
    int length = length();
    at += length;
  }

  byte[] rest() throws MalformedPacketException {
    return bytes(end - at);
  }

  /** Copies bytes that were read before. */
  void copy(int from, byte[] to, int index, int length) {
    in.getBytes(from, to, index, length);
  }

  /** Whether these bytes, which were read before, have a wildcard of topics among them. */
  boolean hasWildcard(int from, int to) {
    for (int i = from; i < to; i++) {
      byte b = in.getByte(i);
      if (b == '#' || b == '+') {
        return true;
      }
    }
    return false;
  }

  private byte[] bytes(int length) throws MalformedPacketException {
    need(length);
    if (length == 0) {
      return EMPTY;
    }
    byte[] value = new byte[length];
    in.getBytes(at, value);
    at += length;
    return value;
  }

  /** The length in front of strings and binary data, which is there then. */
  private int length() throws MalformedPacketException {
    int length = u16();
    need(length);
    return length;
  }

  private void need(int length) throws MalformedPacketException {
    if (end - at < length) {
      throw malformed("the packet is shorter than its content");
    }
  }

  static MalformedPacketException malformed(String what) {
    return new MalformedPacketException(ReasonCode.MALFORMED_PACKET, what);
  }

  static MalformedPacketException protocolError(String what) {
    return new MalformedPacketException(ReasonCode.PROTOCOL_ERROR, what);
  }
}
