package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * UTF-8 as MQTT wants it: well-formed, without surrogates, over-long forms and U+0000
 * [MQTT5-1.5.4-1, -2] (MQTT 3.1.1: [MQTT-1.5.3-1, -2]). A byte order mark is a character like any
 * other [MQTT5-1.5.4-3]. Control characters and non-characters, which the standard only advises
 * against, pass.
 */
final class Utf8 {
  static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long HIGH_BITS = 0x8080808080808080L;
  private static final long ONES = 0x0101010101010101L;

  private Utf8() {}

  /** The string in these bytes of the buffer, which the caller knows to be there. */
  static String read(ByteBuf in, int offset, int length) throws MalformedPacketException {
    if (length == 0) {
      return "";
    }
    byte[] bytes = new byte[length];
    in.getBytes(offset, bytes);
    return decode(bytes);
  }

  /** That these bytes of the buffer, which the caller knows to be there, are a string. */
  static void check(ByteBuf in, int offset, int length) throws MalformedPacketException {
    int at = offset;
    int end = offset + length;
    for (; at + 8 <= end; at += 8) {
      long word = in.getLongLE(at);
      if (((word | (word - ONES)) & HIGH_BITS) != 0) {
        break;
      }
    }
    while (at < end && in.getByte(at) > 0) {
      at++;
    }
    if (at < end) {
      read(in, at, end - at);
    }
  }

  /** The string of these bytes. */
  static String decode(byte[] bytes) throws MalformedPacketException {
    int plain = asciiPrefix(bytes, true);
    if (plain == bytes.length) {
      return new String(bytes, StandardCharsets.ISO_8859_1);
    }
    if (!isWellFormed(bytes, plain, true)) {
      throw new MalformedPacketException(
          ReasonCode.MALFORMED_PACKET, "a string is not valid UTF-8 or has U+0000 in it");
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /**
   * Whether a payload is text as its payload format indicator says: UTF-8 by RFC 3629, where U+0000
   * is a character [MQTT 5, section 3.3.2.3.2].
   */
  static boolean isText(byte[] payload) {
    int plain = asciiPrefix(payload, false);
    return plain == payload.length || isWellFormed(payload, plain, false);
  }

  /** How many bytes in front are ASCII (and not zero). */
  private static int asciiPrefix(byte[] bytes, boolean zeroStops) {
    int at = 0;
    for (; at + 8 <= bytes.length; at += 8) {
      long word = (long) LONGS.get(bytes, at);
      // The usual test for a zero byte; exact when no high bit is set.
      long stops = zeroStops ? word | (word - ONES) : word;
      if ((stops & HIGH_BITS) != 0) {
        break;
      }
    }
    while (at < bytes.length && (zeroStops ? bytes[at] > 0 : bytes[at] >= 0)) {
      at++;
    }
    return at;
  }

  /** Table 3-7 of the Unicode standard, byte by byte. */
  private static boolean isWellFormed(byte[] bytes, int from, boolean noZero) {
    int at = from;
    int end = bytes.length;
    while (at < end) {
      int lead = bytes[at++];
      if (lead >= 0) {
        if (lead == 0 && noZero) {
          return false;
        }
        continue;
      }
      lead &= 0xFF;
      int more = lead < 0xC2 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : lead < 0xF5 ? 3 : 0;
      if (more == 0 || end - at < more) {
        return false;
      }
      int second = bytes[at] & 0xFF;
      int lowest =
          switch (lead) {
            case 0xE0 -> 0xA0; // over-long otherwise
            case 0xF0 -> 0x90; // over-long otherwise
            default -> 0x80;
          };
      int highest =
          switch (lead) {
            case 0xED -> 0x9F; // surrogates beyond
            case 0xF4 -> 0x8F; // beyond U+10FFFF
            default -> 0xBF;
          };
      if (second < lowest || second > highest) {
        return false;
      }
      for (int i = 1; i < more; i++) {
        if ((bytes[at + i] & 0xC0) != 0x80) {
          return false;
        }
      }
      at += more;
    }
    return true;
  }
}
