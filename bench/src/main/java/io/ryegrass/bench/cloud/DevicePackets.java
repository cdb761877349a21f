package io.ryegrass.bench.cloud;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * The MQTT 3.1.1 packets that a device writes, and what it reads of a PUBLISH (OASIS, chapter 3).
 */
final class DevicePackets {
  static final int CONNACK = 2;
  static final int PUBLISH = 3;
  static final int PUBACK = 4;
  static final int SUBACK = 9;
  static final int UNSUBACK = 11;

  private DevicePackets() {}

  /** A clean session. */
  static byte[] connect(String clientId, int keepAliveSeconds) {
    byte[] id = clientId.getBytes(UTF_8);
    ByteBuffer body = ByteBuffer.allocate(12 + id.length);
    body.putShort((short) 4).put("MQTT".getBytes(UTF_8));
    body.put((byte) 4).put((byte) 2).putShort((short) keepAliveSeconds);
    body.putShort((short) id.length).put(id);
    return packet(0x10, body);
  }

  /** All with QoS 1. */
  static byte[] subscribe(int packetId, List<String> filters) {
    ByteBuffer body = ByteBuffer.allocate(2 + filters.stream().mapToInt(f -> f.length() + 3).sum());
    body.putShort((short) packetId);
    filters.forEach(f -> text(body, f).put((byte) 1));
    return packet(0x82, body);
  }

  static byte[] unsubscribe(int packetId, List<String> filters) {
    ByteBuffer body = ByteBuffer.allocate(2 + filters.stream().mapToInt(f -> f.length() + 2).sum());
    body.putShort((short) packetId);
    filters.forEach(f -> text(body, f));
    return packet(0xA2, body);
  }

  /** With QoS 1. */
  static byte[] publish(int packetId, String topic, byte[] payload) {
    ByteBuffer body = ByteBuffer.allocate(4 + topic.length() + payload.length);
    text(body, topic).putShort((short) packetId).put(payload);
    return packet(0x32, body);
  }

  static byte[] acknowledge(int packetId) {
    return new byte[] {0x40, 2, (byte) (packetId >> 8), (byte) packetId};
  }

  static byte[] ping() {
    return new byte[] {(byte) 0xC0, 0};
  }

  static byte[] disconnect() {
    return new byte[] {(byte) 0xE0, 0};
  }

  private static ByteBuffer text(ByteBuffer to, String ascii) {
    return to.putShort((short) ascii.length()).put(ascii.getBytes(UTF_8));
  }

  private static byte[] packet(int first, ByteBuffer body) {
    byte[] header = new byte[5];
    int size = 0;
    header[size++] = (byte) first;
    int rest = body.position();
    do {
      int digit = rest & 0x7F;
      rest >>>= 7;
      header[size++] = (byte) (rest > 0 ? digit | 0x80 : digit);
    } while (rest > 0);
    return ByteBuffer.allocate(size + body.position())
        .put(header, 0, size)
        .put(body.flip())
        .array();
  }

  /**
   * A PUBLISH that arrived.
   *
   * @param packetId 0 with QoS 0
   */
  record Message(String topic, int packetId, byte[] payload) {
    static Message of(int first, ByteBuffer bytes, int body, int length) {
      int topicLength = bytes.getShort(body) & 0xFFFF;
      byte[] topic = new byte[topicLength];
      bytes.get(body + 2, topic);
      int at = body + 2 + topicLength;
      int packetId = 0;
      if ((first & 0x06) != 0) {
        packetId = bytes.getShort(at) & 0xFFFF;
        at += 2;
      }
      byte[] payload = new byte[body + length - at];
      bytes.get(at, payload);
      return new Message(new String(topic, UTF_8), packetId, payload);
    }
  }
}
