package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * The topic names that one event loop saw last, found by their bytes on the wire: a message on a
 * known topic costs a hash and a comparison, no decoding and no check, and all its receivers share
 * one {@link Topic}.
 *
 * <p>1,024 places, two for each hash, the older of the two gives way. Names longer than 256 bytes
 * are not kept, so one cache never holds more than about 1 MB, whatever clients send. Bytes that
 * collide on purpose only cost what an unknown topic costs. Not safe for several threads.
 */
final class TopicCache {
  static final int LONGEST_KEPT = 256;
  private static final int PLACES = 1024;
  private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

  private final @Nullable Topic[] topics = new @Nullable Topic[PLACES];
  private final int[] hashes = new int[PLACES];

  /**
   * The topic in these bytes, which the caller knows to be there.
   *
   * @throws MalformedPacketException when it is not UTF-8 [MQTT5-1.5.4-1, -2] or has a wildcard in
   *     it [MQTT5-3.3.2-2]
   */
  Topic get(ByteBuf in, int offset, int length) throws MalformedPacketException {
    if (length > LONGEST_KEPT) {
      return read(in, offset, length);
    }
    int hash = hash(in, offset, length);
    int place = hash >>> 22;
    Topic first = topics[place];
    if (first != null && hashes[place] == hash && same(first.utf8(), in, offset, length)) {
      return first;
    }
    int other = place ^ 1;
    Topic second = topics[other];
    if (second != null && hashes[other] == hash && same(second.utf8(), in, offset, length)) {
      return second;
    }
    Topic topic = read(in, offset, length);
    topics[other] = first;
    hashes[other] = hashes[place];
    topics[place] = topic;
    hashes[place] = hash;
    return topic;
  }

  /** A topic that is not likely to come again soon. */
  static Topic read(ByteBuf in, int offset, int length) throws MalformedPacketException {
    byte[] utf8 = new byte[length];
    in.getBytes(offset, utf8);
    String name = Utf8.decode(utf8);
    for (byte b : utf8) {
      if (b == '#' || b == '+') {
        throw new MalformedPacketException(
            ReasonCode.TOPIC_NAME_INVALID, "a topic name has a wildcard in it");
      }
    }
    return new Topic(name, utf8);
  }

  private static int hash(ByteBuf in, int offset, int length) {
    long hash = length * MULTIPLIER;
    int at = offset;
    int end = offset + length;
    for (; at + 8 <= end; at += 8) {
      hash = (hash ^ in.getLongLE(at)) * MULTIPLIER;
      hash ^= hash >>> 32;
    }
    if (at < end) {
      long rest = 0;
      if (length >= 8) {
        rest = in.getLongLE(end - 8);
      } else {
        for (; at < end; at++) {
          rest = rest << 8 | in.getUnsignedByte(at);
        }
      }
      hash = (hash ^ rest) * MULTIPLIER;
    }
    return (int) (hash >>> 32);
  }

  private static boolean same(byte[] utf8, ByteBuf in, int offset, int length) {
    if (utf8.length != length) {
      return false;
    }
    int at = 0;
    for (; at + 8 <= length; at += 8) {
      if ((long) Utf8.LONGS.get(utf8, at) != in.getLongLE(offset + at)) {
        return false;
      }
    }
    if (at < length && length >= 8) {
      int last = length - 8;
      return (long) Utf8.LONGS.get(utf8, last) == in.getLongLE(offset + last);
    }
    for (; at < length; at++) {
      if (utf8[at] != in.getByte(offset + at)) {
        return false;
      }
    }
    return true;
  }
}
