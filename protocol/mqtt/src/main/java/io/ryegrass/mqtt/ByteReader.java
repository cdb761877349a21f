package io.ryegrass.mqtt;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;

/** Reads what {@link ByteWriter} wrote. */
final class ByteReader {
  private final byte[] bytes;
  private final int end;
  private int position;

  ByteReader(byte[] bytes) {
    this(bytes, 0, bytes.length);
  }

  ByteReader(byte[] bytes, int from, int end) {
    Objects.checkFromToIndex(from, end, bytes.length);
    this.bytes = bytes;
    this.position = from;
    this.end = end;
  }

  boolean hasMore() {
    return position < end;
  }

  int position() {
    return position;
  }

  int remaining() {
    return end - position;
  }

  int u8() {
    need(1);
    return bytes[position++] & 0xFF;
  }

  long varint() {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      need(1);
      byte b = bytes[position++];
      value |= (b & 0x7FL) << shift;
      if (b >= 0) {
        return value;
      }
    }
  }

  int intVarint() {
    return Math.toIntExact(varint());
  }

  static long unzigzag(long value) {
    return (value >>> 1) ^ -(value & 1);
  }

  int fixed32() {
    need(4);
    int value = 0;
    for (int i = 0; i < 4; i++) {
      value = value << 8 | bytes[position++] & 0xFF;
    }
    return value;
  }

  long fixed64() {
    return (long) fixed32() << 32 | fixed32() & 0xFFFF_FFFFL;
  }

  String text() {
    int length = intVarint();
    need(length);
    String text = new String(bytes, position, length, StandardCharsets.UTF_8);
    position += length;
    return text;
  }

  byte[] bytes() {
    return raw(intVarint());
  }

  byte[] raw(int length) {
    need(length);
    byte[] result = Arrays.copyOfRange(bytes, position, position + length);
    position += length;
    return result;
  }

  void skip(int length) {
    need(length);
    position += length;
  }

  private void need(int length) {
    if (length < 0 || end - position < length) {
      throw new IndexOutOfBoundsException(
          "The record ends at " + end + ", " + length + " bytes are wanted at " + position);
    }
  }
}
