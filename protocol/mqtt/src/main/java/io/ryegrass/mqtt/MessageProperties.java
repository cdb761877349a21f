package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What MQTT 5 lets a message carry beside its payload (section 3.3.2.3). MQTT 3.1.1 carries none of
 * it.
 *
 * @param payloadIsText payload format indicator: 1 (UTF-8 text) or 0; null when not given
 * @param expirySeconds 0 to 4,294,967,295; -1 when the message does not expire
 * @param responseTopic without wildcards
 * @param userProperties never changed by whoever gives or gets them
 */
public record MessageProperties(
    @Nullable Boolean payloadIsText,
    long expirySeconds,
    @Nullable String contentType,
    @Nullable String responseTopic,
    byte @Nullable [] correlationData,
    List<UserProperty> userProperties) {
  /** A message with a payload and nothing else. */
  public static final MessageProperties NONE =
      new MessageProperties(null, -1, null, null, null, List.of());

  private static final int LONGEST = 65_535;

  /** A name and a value; names may come more than once, and their order is kept. */
  public record UserProperty(String name, String value) {}

  /** Whether the message has nothing but its payload. */
  public boolean isEmpty() {
    return payloadIsText == null
        && expirySeconds < 0
        && contentType == null
        && responseTopic == null
        && correlationData == null
        && userProperties.isEmpty();
  }

  /** Why a message with these properties cannot be sent; null when it can. */
  public @Nullable String fault() {
    if (expirySeconds > 0xFFFF_FFFFL) {
      return "its expiry is beyond 4,294,967,295 s";
    }
    if (isNoText(contentType)) {
      return "its content type is no text that MQTT can carry";
    }
    if (responseTopic != null
        && (isNoText(responseTopic)
            || responseTopic.isEmpty()
            || responseTopic.indexOf('#') >= 0
            || responseTopic.indexOf('+') >= 0)) { // [MQTT5-3.3.2-14]
      return "its response topic is no topic name";
    }
    if (correlationData != null && correlationData.length > LONGEST) {
      return "its correlation data is longer than 65,535 bytes";
    }
    for (UserProperty p : userProperties) {
      if (isNoText(p.name()) || isNoText(p.value())) {
        return "a user property is no text that MQTT can carry";
      }
    }
    return null;
  }

  /** [MQTT5-1.5.4-1, -2]: no lone surrogates, no U+0000, at most 65,535 bytes. */
  static boolean isNoText(@Nullable String text) {
    if (text == null) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        return true;
      }
      if (Character.isSurrogate(c)) {
        if (!Character.isHighSurrogate(c)
            || i + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(i + 1))) {
          return true;
        }
        i++;
      }
    }
    return text.length() * 3L > LONGEST && ByteBufUtil.utf8Bytes(text) > LONGEST;
  }

  /**
   * What {@link Message#properties} holds.
   *
   * @throws IllegalArgumentException when these are no properties of a message
   */
  static MessageProperties read(byte[] encoded) {
    if (encoded.length == 0) {
      return NONE;
    }
    ByteBuf in = Unpooled.wrappedBuffer(encoded);
    Boolean text = null;
    String contentType = null;
    String responseTopic = null;
    byte[] correlation = null;
    List<UserProperty> user = new ArrayList<>();
    while (in.isReadable()) {
      int identifier = in.readUnsignedByte();
      switch (identifier) {
        case 1 -> text = in.readByte() == 1;
        case 3 -> contentType = text(in);
        case 8 -> responseTopic = text(in);
        case 9 -> {
          correlation = new byte[in.readUnsignedShort()];
          in.readBytes(correlation);
        }
        case 38 -> user.add(new UserProperty(text(in), text(in)));
        default -> throw new IllegalArgumentException("property " + identifier);
      }
    }
    return new MessageProperties(
        text, -1, contentType, responseTopic, correlation, List.copyOf(user));
  }

  private static String text(ByteBuf in) {
    int length = in.readUnsignedShort();
    return in.readCharSequence(length, StandardCharsets.UTF_8).toString();
  }

  /** As {@link Message#properties} wants them: without the expiry. */
  byte[] forwarded() {
    MessageProperties lasting =
        new MessageProperties(
            payloadIsText, -1, contentType, responseTopic, correlationData, userProperties);
    byte[] bytes = new byte[lasting.size()];
    ByteBuf out = Unpooled.wrappedBuffer(bytes).clear();
    lasting.write(out);
    return bytes;
  }

  /** Bytes that {@link #write} appends. */
  int size() {
    int size = payloadIsText == null ? 0 : 2;
    size += expirySeconds < 0 ? 0 : 5;
    size += contentType == null ? 0 : 3 + ByteBufUtil.utf8Bytes(contentType);
    size += responseTopic == null ? 0 : 3 + ByteBufUtil.utf8Bytes(responseTopic);
    size += correlationData == null ? 0 : 3 + correlationData.length;
    for (UserProperty p : userProperties) {
      size += 5 + ByteBufUtil.utf8Bytes(p.name()) + ByteBufUtil.utf8Bytes(p.value());
    }
    return size;
  }

  void write(ByteBuf out) {
    if (payloadIsText != null) {
      out.writeByte(1).writeByte(payloadIsText ? 1 : 0);
    }
    if (expirySeconds >= 0) {
      out.writeByte(2).writeInt((int) expirySeconds);
    }
    if (contentType != null) {
      out.writeByte(3);
      ClientPacketEncoder.text(out, contentType);
    }
    if (responseTopic != null) {
      out.writeByte(8);
      ClientPacketEncoder.text(out, responseTopic);
    }
    if (correlationData != null) {
      out.writeByte(9).writeShort(correlationData.length).writeBytes(correlationData);
    }
    for (UserProperty p : userProperties) {
      out.writeByte(38);
      ClientPacketEncoder.text(out, p.name());
      ClientPacketEncoder.text(out, p.value());
    }
  }
}
