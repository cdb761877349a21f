package io.ryegrass.mqtt;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a message, the same in the log and in the files of a checkpoint: a byte of flags,
 * the topic, what the flags announce, and the payload up to the end.
 */
final class MessageCodec {
  private static final int QOS = 0b11;
  private static final int RETAIN = 1 << 2;
  private static final int EXPIRES = 1 << 3;
  private static final int PUBLISHER = 1 << 4;
  private static final int PROPERTIES = 1 << 5;
  private static final int KEPT_AT = 1 << 6;

  private MessageCodec() {}

  /** All but the payload, which follows it. */
  static void head(ByteWriter out, Message m) {
    String publisher = m.publisher();
    out.u8(
        m.qos()
            | (m.retain() ? RETAIN : 0)
            | (m.expiresAt() != 0 ? EXPIRES : 0)
            | (publisher != null ? PUBLISHER : 0)
            | (m.properties().length > 0 ? PROPERTIES : 0)
            | (m.keptAt() != 0 ? KEPT_AT : 0));
    out.bytes(m.topic().utf8());
    if (m.expiresAt() != 0) {
      out.varint(m.expiresAt());
    }
    if (publisher != null) {
      out.text(publisher);
    }
    if (m.properties().length > 0) {
      out.bytes(m.properties());
    }
    if (m.keptAt() != 0) {
      out.varint(m.keptAt());
    }
  }

  static Message read(ByteReader in, Names names) {
    int flags = in.u8();
    Topic topic = names.topic(in.bytes());
    long expiresAt = (flags & EXPIRES) != 0 ? in.varint() : 0;
    String publisher = (flags & PUBLISHER) != 0 ? names.text(in.text()) : null;
    byte[] properties = (flags & PROPERTIES) != 0 ? in.bytes() : Message.NO_PROPERTIES;
    long keptAt = (flags & KEPT_AT) != 0 ? in.varint() : 0;
    byte[] payload = in.raw(in.remaining());
    return new Message(
        topic,
        payload,
        flags & QOS,
        (flags & RETAIN) != 0,
        properties,
        expiresAt,
        publisher,
        0,
        keptAt);
  }

  /** {@link Message#weight} without making the message. */
  static int weight(ByteReader in) {
    int flags = in.u8();
    int topic = in.intVarint();
    in.skip(topic);
    if ((flags & EXPIRES) != 0) {
      in.varint();
    }
    if ((flags & PUBLISHER) != 0) {
      in.skip(in.intVarint());
    }
    int properties = 0;
    if ((flags & PROPERTIES) != 0) {
      properties = in.intVarint();
      in.skip(properties);
    }
    if ((flags & KEPT_AT) != 0) {
      in.varint();
    }
    return in.remaining() + properties + topic;
  }

  /** Topics and client identifiers met while reading, each kept once. */
  static final class Names {
    private static final int MOST = 10_000;
    private final Map<String, Topic> topics = new HashMap<>();
    private final Map<String, String> texts = new HashMap<>();
    private @Nullable Topic last;

    private Topic topic(byte[] utf8) {
      Topic previous = last;
      if (previous != null && Arrays.equals(previous.utf8(), utf8)) {
        return previous;
      }
      String name = new String(utf8, StandardCharsets.UTF_8);
      if (topics.size() >= MOST) {
        topics.clear();
      }
      Topic topic = topics.computeIfAbsent(name, n -> new Topic(n, utf8));
      last = topic;
      return topic;
    }

    private String text(String text) {
      if (texts.size() >= MOST) {
        texts.clear();
      }
      String known = texts.putIfAbsent(text, text);
      return known == null ? text : known;
    }
  }
}
