package io.ryegrass.mqtt;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes of a record or a list as they are put together; numbers take as few bytes as they need. */
final class ByteWriter {
  private byte[] bytes;
  private int size;

  ByteWriter(int capacity) {
    bytes = new byte[capacity];
  }

  byte[] array() {
    return bytes;
  }

  int size() {
    return size;
  }

  int capacity() {
    return bytes.length;
  }

  ByteWriter clear() {
    size = 0;
    return this;
  }

  byte[] toBytes() {
    return Arrays.copyOf(bytes, size);
  }

  private void room(int more) {
    if (bytes.length - size < more) {
      bytes = Arrays.copyOf(bytes, Math.max(size + more, bytes.length * 2));
    }
  }

  ByteWriter u8(int value) {
    room(1);
    bytes[size++] = (byte) value;
    return this;
  }

  /** Seven bits per byte, the lowest first; the top bit says that more follow. */
  ByteWriter varint(long value) {
    room(10);
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      bytes[size++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    bytes[size++] = (byte) rest;
    return this;
  }

  static long zigzag(long value) {
    return (value << 1) ^ (value >> 63);
  }

  ByteWriter fixed32(int value) {
    room(4);
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes[size++] = (byte) (value >>> shift);
    }
    return this;
  }

  ByteWriter fixed64(long value) {
    return fixed32((int) (value >>> 32)).fixed32((int) value);
  }

  ByteWriter text(String value) {
    return bytes(value.getBytes(StandardCharsets.UTF_8));
  }

  /** With their length in front. */
  ByteWriter bytes(byte[] value) {
    return varint(value.length).raw(value, 0, value.length);
  }

  ByteWriter raw(byte[] value, int from, int length) {
    room(length);
    System.arraycopy(value, from, bytes, size, length);
    size += length;
    return this;
  }
}
