package io.ryegrass.mqtt;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The records of the journal and their bytes: a kind byte, then the fields; texts and payloads with
 * a length of four bytes. Sessions are named by a number of our own and never by the client's
 * identifier, so no identifier can collide with another key (a fault that brokers fell to). Kinds
 * are never reused.
 */
sealed interface JournalRecord {
  record SessionCreated(long incarnation, String clientId) implements JournalRecord {}

  record SessionRemoved(long incarnation) implements JournalRecord {}

  record Subscribed(long incarnation, String filter, int qos) implements JournalRecord {}

  record Unsubscribed(long incarnation, String filter) implements JournalRecord {}

  record MessageOwed(
      long sequence, String topic, byte[] payload, boolean retain, List<Long> incarnations)
      implements JournalRecord {}

  record Sent(long incarnation, long sequence, int packetId) implements JournalRecord {}

  record Settled(long incarnation, long sequence) implements JournalRecord {}

  record Retained(RetainedMessage message) implements JournalRecord {}

  record RetainedRemoved(String topic) implements JournalRecord {}

  /** Numbers below this one are used up, even if nothing that is left bears them. */
  record Numbers(long next) implements JournalRecord {}

  default byte[] encode() {
    return switch (this) {
      case SessionCreated r ->
          buffer(1, 12 + bytes(r.clientId)).putLong(r.incarnation).put(text(r.clientId)).array();
      case SessionRemoved r -> buffer(2, 8).putLong(r.incarnation).array();
      case Subscribed r ->
          buffer(3, 16 + bytes(r.filter))
              .putLong(r.incarnation)
              .putInt(r.qos)
              .put(text(r.filter))
              .array();
      case Unsubscribed r ->
          buffer(4, 12 + bytes(r.filter)).putLong(r.incarnation).put(text(r.filter)).array();
      case MessageOwed r -> {
        ByteBuffer b =
            buffer(
                5,
                8 + 4 + bytes(r.topic) + 4 + r.payload.length + 1 + 4 + 8 * r.incarnations.size());
        b.putLong(r.sequence).put(text(r.topic)).putInt(r.payload.length).put(r.payload);
        b.put((byte) (r.retain ? 1 : 0)).putInt(r.incarnations.size());
        r.incarnations.forEach(b::putLong);
        yield b.array();
      }
      case Sent r ->
          buffer(6, 20).putLong(r.incarnation).putLong(r.sequence).putInt(r.packetId).array();
      case Settled r -> buffer(7, 16).putLong(r.incarnation).putLong(r.sequence).array();
      case Retained r -> {
        RetainedMessage m = r.message;
        yield buffer(8, 4 + bytes(m.topic()) + 4 + 4 + m.payload().length)
            .put(text(m.topic()))
            .putInt(m.qos())
            .putInt(m.payload().length)
            .put(m.payload())
            .array();
      }
      case RetainedRemoved r -> buffer(9, 4 + bytes(r.topic)).put(text(r.topic)).array();
      case Numbers r -> buffer(10, 8).putLong(r.next).array();
    };
  }

  static JournalRecord decode(byte[] data) {
    ByteBuffer b = ByteBuffer.wrap(data);
    int kind = b.get();
    return switch (kind) {
      case 1 -> new SessionCreated(b.getLong(), readText(b));
      case 2 -> new SessionRemoved(b.getLong());
      case 3 -> {
        long incarnation = b.getLong();
        int qos = b.getInt();
        yield new Subscribed(incarnation, readText(b), qos);
      }
      case 4 -> new Unsubscribed(b.getLong(), readText(b));
      case 5 -> {
        long sequence = b.getLong();
        String topic = readText(b);
        byte[] payload = readBytes(b);
        boolean retain = b.get() != 0;
        int count = b.getInt();
        List<Long> incarnations = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
          incarnations.add(b.getLong());
        }
        yield new MessageOwed(sequence, topic, payload, retain, incarnations);
      }
      case 6 -> new Sent(b.getLong(), b.getLong(), b.getInt());
      case 7 -> new Settled(b.getLong(), b.getLong());
      case 8 -> {
        String topic = readText(b);
        int qos = b.getInt();
        yield new Retained(new RetainedMessage(topic, readBytes(b), qos));
      }
      case 9 -> new RetainedRemoved(readText(b));
      case 10 -> new Numbers(b.getLong());
      default ->
          throw new MqttBrokerException(
              MqttBrokerException.STORE_FAILED,
              "The MQTT journal holds a record of unknown kind "
                  + kind
                  + "; it was written by a newer version, use that one",
              null);
    };
  }

  private static ByteBuffer buffer(int kind, int bytes) {
    return ByteBuffer.allocate(1 + bytes).put((byte) kind);
  }

  private static int bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  private static byte[] text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(4 + utf8.length).putInt(utf8.length).put(utf8).array();
  }

  private static String readText(ByteBuffer b) {
    return new String(readBytes(b), StandardCharsets.UTF_8);
  }

  private static byte[] readBytes(ByteBuffer b) {
    byte[] bytes = new byte[b.getInt()];
    b.get(bytes);
    return bytes;
  }
}
