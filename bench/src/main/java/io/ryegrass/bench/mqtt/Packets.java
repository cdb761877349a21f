package io.ryegrass.bench.mqtt;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** The few MQTT 3.1.1 packets that a load generator writes (OASIS MQTT 3.1.1, chapter 3). */
final class Packets {
  static final int CONNACK = 2;
  static final int PUBLISH = 3;
  static final int PUBACK = 4;
  static final int SUBACK = 9;

  /** Longest interval that AWS IoT Core takes, so that no ping disturbs a measurement. */
  private static final int KEEP_ALIVE_SECONDS = 1200;

  private Packets() {}

  static byte[] connect(String clientId) {
    byte[] id = clientId.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer body = ByteBuffer.allocate(12 + id.length);
    body.putShort((short) 4).put("MQTT".getBytes(StandardCharsets.US_ASCII));
    body.put((byte) 4).put((byte) 2).putShort((short) KEEP_ALIVE_SECONDS);
    body.putShort((short) id.length).put(id);
    return packet(0x10, body.array());
  }

  static byte[] subscribe(String filter, int qos) {
    byte[] name = filter.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer body = ByteBuffer.allocate(5 + name.length);
    body.putShort((short) 1).putShort((short) name.length).put(name).put((byte) qos);
    return packet(0x82, body.array());
  }

  static byte[] disconnect() {
    return new byte[] {(byte) 0xE0, 0};
  }

  /** A whole PUBLISH whose packet id is 0 and whose payload is zeros; the sender fills both in. */
  static byte[] publish(String topic, int qos, int payload) {
    byte[] name = topic.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer body = ByteBuffer.allocate(2 + name.length + (qos > 0 ? 2 : 0) + payload);
    body.putShort((short) name.length).put(name);
    return packet(0x30 | qos << 1, body.array());
  }

  private static byte[] packet(int first, byte[] body) {
    byte[] header = new byte[5];
    int size = 0;
    header[size++] = (byte) first;
    int rest = body.length;
    do {
      int digit = rest & 0x7F;
      rest >>>= 7;
      header[size++] = (byte) (rest > 0 ? digit | 0x80 : digit);
    } while (rest > 0);
    return ByteBuffer.allocate(size + body.length).put(header, 0, size).put(body).array();
  }
}
