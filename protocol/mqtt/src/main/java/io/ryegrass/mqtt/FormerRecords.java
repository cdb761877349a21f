package io.ryegrass.mqtt;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the records of the format before this one (kinds 1 to 10, fields of fixed length), so that
 * folders of older versions are taken up; the first checkpoint writes them anew.
 */
final class FormerRecords {
  static final int LAST_KIND = 10;

  private FormerRecords() {}

  static void apply(byte[] record, JournalReplay replay) {
    ByteBuffer b = ByteBuffer.wrap(record);
    int kind = b.get();
    switch (kind) {
      case 1 -> {
        long incarnation = b.getLong();
        replay.sessionCreated(incarnation, new SessionMeta(text(b), SessionMeta.NEVER, 0));
      }
      case 2 -> replay.sessionRemoved(b.getLong());
      case 3 -> {
        long incarnation = b.getLong();
        int qos = b.getInt();
        replay.subscribed(incarnation, new Subscription(text(b), qos, false, false, 0, 0));
      }
      case 4 -> replay.unsubscribed(b.getLong(), text(b));
      case 5 -> message(b, replay);
      case 6 -> replay.sent(b.getLong(), b.getLong(), b.getInt());
      case 7 -> replay.settled(b.getLong(), b.getLong());
      case 8 -> {
        Topic topic = Topic.of(text(b));
        int qos = b.getInt();
        replay.retained(new Message(topic, bytes(b), qos, true, Message.NO_PROPERTIES, 0, null));
      }
      case 9 -> replay.retainedRemoved(text(b));
      case 10 -> replay.used(b.getLong() - 1);
      default -> throw new IllegalArgumentException("Not a former kind: " + kind);
    }
  }

  private static void message(ByteBuffer b, JournalReplay replay) {
    long sequence = b.getLong();
    Topic topic = Topic.of(text(b));
    byte[] payload = bytes(b);
    boolean retain = b.get() != 0;
    List<Owed> owed = new ArrayList<>();
    for (int n = b.getInt(); n > 0; n--) {
      owed.add(new Owed(b.getLong(), 1, retain, Queued.NO_IDENTIFIERS));
    }
    Message message = new Message(topic, payload, 1, retain, Message.NO_PROPERTIES, 0, null);
    ByteWriter body = new ByteWriter(payload.length + 64);
    MessageCodec.head(body, message);
    body.raw(payload, 0, payload.length);
    LoggedMessage logged = new LoggedMessage(body.toBytes(), 0);
    replay.used(sequence);
    for (Owed o : owed) {
      replay.owed(sequence, logged, o.incarnation(), o.qos(), o.retain(), o.identifiers());
    }
  }

  private static String text(ByteBuffer b) {
    return new String(bytes(b), StandardCharsets.UTF_8);
  }

  private static byte[] bytes(ByteBuffer b) {
    byte[] bytes = new byte[b.getInt()];
    b.get(bytes);
    return bytes;
  }
}
