package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessageProperties;
import io.ryegrass.nucleus.NucleusException;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One message as it is stored. Format 1: {@code 1 qos(1) accepted(8) topicLength(2) topic payload};
 * written when a message has nothing but its payload, so an older core can read it. Format 2 has
 * between topic and payload the properties with their length (4) in front, and RETAIN in the second
 * byte.
 *
 * @param acceptedMillis when it was taken from its publisher
 */
record SpoolMessage(CloudMessage message, long acceptedMillis) {
  private static final byte PLAIN = 1;
  private static final byte WITH_PROPERTIES = 2;
  private static final int RETAIN = 0x10;

  /** Before this, a clock was not set (LESSON-25): 13 September 2020. */
  private static final long CLOCK_WAS_SET = 1_600_000_000_000L;

  byte[] encode() {
    byte[] topic = message.topic().getBytes(StandardCharsets.UTF_8);
    byte[] payload = message.payload();
    if (message.properties() == CloudMessageProperties.NONE && !message.retain()) {
      return ByteBuffer.allocate(12 + topic.length + payload.length)
          .put(PLAIN)
          .put((byte) message.qos())
          .putLong(acceptedMillis)
          .putShort((short) topic.length)
          .put(topic)
          .put(payload)
          .array();
    }
    byte[] properties = properties(message.properties());
    return ByteBuffer.allocate(16 + topic.length + properties.length + payload.length)
        .put(WITH_PROPERTIES)
        .put((byte) (message.qos() | (message.retain() ? RETAIN : 0)))
        .putLong(acceptedMillis)
        .putShort((short) topic.length)
        .put(topic)
        .putInt(properties.length)
        .put(properties)
        .put(payload)
        .array();
  }

  /**
   * @throws NucleusException when the record is of a format that this core does not know
   */
  static SpoolMessage decode(byte[] record) {
    try {
      ByteBuffer in = ByteBuffer.wrap(record);
      byte format = in.get();
      if (format != PLAIN && format != WITH_PROPERTIES) {
        throw unknown("of format " + format);
      }
      int flags = in.get();
      long accepted = in.getLong();
      String topic = text(in, in.getShort() & 0xffff);
      CloudMessageProperties properties =
          format == PLAIN ? CloudMessageProperties.NONE : properties(bytes(in, in.getInt()));
      return new SpoolMessage(
          new CloudMessage(
              topic, bytes(in, in.remaining()), flags & 3, (flags & RETAIN) != 0, properties),
          accepted);
    } catch (BufferUnderflowException | NegativeArraySizeException e) {
      throw unknown("that is too short");
    }
  }

  private static NucleusException unknown(String what) {
    return new NucleusException(
        "SPOOL_FORMAT", "The spool holds a message " + what + ", written by another core version");
  }

  /** How long it has waited; 0 when one of the two clocks was not set. */
  long waitedSeconds(long nowMillis) {
    return acceptedMillis < CLOCK_WAS_SET ? 0 : Math.max(0, (nowMillis - acceptedMillis) / 1000);
  }

  /** Whether nobody wants it any longer (MQTT 5, section 3.3.2.3.3). */
  boolean isExpired(long nowMillis) {
    long expiry = message.properties().expirySeconds();
    return expiry >= 0 && waitedSeconds(nowMillis) > expiry;
  }

  private static byte[] properties(CloudMessageProperties p) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(p.payloadIsText() == null ? -1 : p.payloadIsText() ? 1 : 0);
      out.writeLong(p.expirySeconds());
      write(out, utf8(p.contentType()));
      write(out, utf8(p.responseTopic()));
      write(out, p.correlationData());
      out.writeInt(p.userProperties().size());
      for (CloudMessageProperties.UserProperty u : p.userProperties()) {
        write(out, utf8(u.key()));
        write(out, utf8(u.value()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e); // in memory it does not happen
    }
    return bytes.toByteArray();
  }

  private static CloudMessageProperties properties(byte[] encoded) {
    ByteBuffer in = ByteBuffer.wrap(encoded);
    byte text = in.get();
    long expiry = in.getLong();
    byte[] contentType = read(in);
    byte[] responseTopic = read(in);
    byte[] correlation = read(in);
    int count = in.getInt();
    if (count < 0 || count > in.remaining()) {
      throw unknown("with " + count + " properties");
    }
    List<CloudMessageProperties.UserProperty> user = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      user.add(new CloudMessageProperties.UserProperty(present(read(in)), present(read(in))));
    }
    return new CloudMessageProperties(
        text < 0 ? null : text == 1,
        expiry,
        contentType == null ? null : present(contentType),
        responseTopic == null ? null : present(responseTopic),
        correlation,
        List.copyOf(user));
  }

  private static void write(DataOutputStream out, byte @Nullable [] value) throws IOException {
    out.writeInt(value == null ? -1 : value.length);
    if (value != null) {
      out.write(value);
    }
  }

  private static byte @Nullable [] read(ByteBuffer in) {
    int length = in.getInt();
    return length < 0 ? null : bytes(in, length);
  }

  private static byte[] bytes(ByteBuffer in, int length) {
    if (length > in.remaining()) {
      throw unknown("that is too short");
    }
    byte[] value = new byte[length];
    in.get(value);
    return value;
  }

  private static String text(ByteBuffer in, int length) {
    return new String(bytes(in, length), StandardCharsets.UTF_8);
  }

  private static String present(byte @Nullable [] utf8) {
    return utf8 == null ? "" : new String(utf8, StandardCharsets.UTF_8);
  }

  private static byte @Nullable [] utf8(@Nullable String text) {
    return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
  }
}
