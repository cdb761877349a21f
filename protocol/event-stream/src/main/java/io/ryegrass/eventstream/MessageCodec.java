package io.ryegrass.eventstream;

import static io.ryegrass.eventstream.EventStreamException.Code.CHECKSUM;
import static io.ryegrass.eventstream.EventStreamException.Code.MALFORMED;
import static io.ryegrass.eventstream.EventStreamException.Code.TOO_LARGE;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32;

/**
 * Bytes of a frame from and to {@link EventStreamMessage}: {@code total length, headers length, CRC
 * of these, headers, payload, CRC of all before}; integers big-endian, CRC-32 of zlib (v2-ipc.md
 * §2).
 *
 * <p>The limits are those of the reference C library, so whatever an official client can send is
 * accepted: a message and its headers of 24 MiB, 1024 headers, 32 767 bytes for one value.
 */
public final class MessageCodec {
  /** The largest frame, with lengths and checksums. */
  public static final int MAX_MESSAGE_BYTES = 24 * 1024 * 1024;

  static final int PRELUDE_BYTES = 12;
  static final int MIN_MESSAGE_BYTES = PRELUDE_BYTES + 4;
  static final int MAX_HEADERS = 1024;
  static final int MAX_VALUE_BYTES = 32_767;

  private MessageCodec() {}

  /** The two lengths of a prelude whose checksum and limits are already verified. */
  record Prelude(int totalBytes, int headersBytes) {}

  /**
   * @throws EventStreamException TOO_LARGE when the message is beyond a limit
   */
  public static byte[] encode(EventStreamMessage message) {
    byte[] headers = encodeHeaders(message.headers());
    long total = (long) MIN_MESSAGE_BYTES + headers.length + message.payload().length;
    if (total > MAX_MESSAGE_BYTES) {
      throw new EventStreamException(
          TOO_LARGE,
          "message of " + total + " bytes is over the limit of " + MAX_MESSAGE_BYTES + " bytes");
    }
    ByteBuffer out = ByteBuffer.allocate((int) total);
    out.putInt((int) total).putInt(headers.length);
    out.putInt(crc(out.array(), 8));
    out.put(headers).put(message.payload());
    out.putInt(crc(out.array(), out.position()));
    return out.array();
  }

  /**
   * Reads one whole frame.
   *
   * @throws EventStreamException CHECKSUM, TOO_LARGE or MALFORMED
   */
  public static EventStreamMessage decode(byte[] frame) {
    if (frame.length < MIN_MESSAGE_BYTES) {
      throw new EventStreamException(MALFORMED, "frame of " + frame.length + " bytes is too short");
    }
    Prelude prelude = prelude(frame, MAX_MESSAGE_BYTES);
    if (prelude.totalBytes() != frame.length) {
      throw new EventStreamException(
          MALFORMED, "frame says " + prelude.totalBytes() + " bytes, but has " + frame.length);
    }
    return content(frame, prelude);
  }

  /** Headers and payload of a whole frame whose prelude is verified. */
  static EventStreamMessage content(byte[] frame, Prelude prelude) {
    ByteBuffer in = ByteBuffer.wrap(frame);
    if (in.getInt(frame.length - 4) != crc(frame, frame.length - 4)) {
      throw new EventStreamException(CHECKSUM, "message checksum does not fit");
    }
    in.position(PRELUDE_BYTES).limit(PRELUDE_BYTES + prelude.headersBytes());
    List<Header> headers = decodeHeaders(in);
    in.limit(frame.length - 4);
    byte[] payload = new byte[in.remaining()];
    in.get(payload);
    return new EventStreamMessage(headers, payload);
  }

  /** Checks the first twelve bytes before anything of the size they claim is allocated. */
  static Prelude prelude(byte[] bytes, int maxMessageBytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    int total = in.getInt();
    int headers = in.getInt();
    if (in.getInt() != crc(bytes, 8)) {
      throw new EventStreamException(CHECKSUM, "prelude checksum does not fit");
    }
    if (total < MIN_MESSAGE_BYTES || headers < 0 || headers > total - MIN_MESSAGE_BYTES) {
      throw new EventStreamException(
          MALFORMED, "impossible lengths: message " + total + ", headers " + headers);
    }
    if (total > maxMessageBytes) {
      throw new EventStreamException(
          TOO_LARGE,
          "message of " + total + " bytes is over the limit of " + maxMessageBytes + " bytes");
    }
    return new Prelude(total, headers);
  }

  private static int crc(byte[] bytes, int length) {
    CRC32 crc = new CRC32();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }

  private static byte[] encodeHeaders(List<Header> headers) {
    if (headers.size() > MAX_HEADERS) {
      throw new EventStreamException(
          TOO_LARGE, headers.size() + " headers; the limit is " + MAX_HEADERS);
    }
    List<byte[]> names = new ArrayList<>(headers.size());
    List<byte[]> values = new ArrayList<>(headers.size());
    int length = 0;
    for (Header header : headers) {
      byte[] name = header.name().getBytes(StandardCharsets.UTF_8);
      if (name.length == 0 || name.length > 255) {
        throw new EventStreamException(
            MALFORMED, "header name of " + name.length + " bytes; 1 to 255 are allowed");
      }
      byte[] value = encodeValue(header);
      names.add(name);
      values.add(value);
      length = Math.addExact(length, 2 + name.length + value.length);
    }
    ByteBuffer out = ByteBuffer.allocate(length);
    for (int i = 0; i < headers.size(); i++) {
      out.put((byte) names.get(i).length).put(names.get(i));
      out.put((byte) headers.get(i).value().type()).put(values.get(i));
    }
    return out.array();
  }

  private static byte[] encodeValue(Header header) {
    return switch (header.value()) {
      case HeaderValue.Bool _ -> new byte[0];
      case HeaderValue.Int8(byte v) -> new byte[] {v};
      case HeaderValue.Int16(short v) -> ByteBuffer.allocate(2).putShort(v).array();
      case HeaderValue.Int32(int v) -> ByteBuffer.allocate(4).putInt(v).array();
      case HeaderValue.Int64(long v) -> ByteBuffer.allocate(8).putLong(v).array();
      case HeaderValue.Bytes(byte[] v) -> lengthPrefixed(header.name(), v);
      case HeaderValue.Text(String v) ->
          lengthPrefixed(header.name(), v.getBytes(StandardCharsets.UTF_8));
      case HeaderValue.Timestamp(Instant v) ->
          ByteBuffer.allocate(8).putLong(v.toEpochMilli()).array();
      case HeaderValue.Uuid(UUID v) ->
          ByteBuffer.allocate(16)
              .putLong(v.getMostSignificantBits())
              .putLong(v.getLeastSignificantBits())
              .array();
    };
  }

  private static byte[] lengthPrefixed(String name, byte[] value) {
    if (value.length > MAX_VALUE_BYTES) {
      throw new EventStreamException(
          TOO_LARGE,
          "header " + name + " has " + value.length + " bytes; the limit is " + MAX_VALUE_BYTES);
    }
    return ByteBuffer.allocate(2 + value.length).putShort((short) value.length).put(value).array();
  }

  private static List<Header> decodeHeaders(ByteBuffer in) {
    List<Header> headers = new ArrayList<>();
    try {
      while (in.hasRemaining()) {
        if (headers.size() == MAX_HEADERS) {
          throw new EventStreamException(TOO_LARGE, "more than " + MAX_HEADERS + " headers");
        }
        int nameLength = in.get() & 0xff;
        if (nameLength == 0) {
          throw new EventStreamException(MALFORMED, "header without a name");
        }
        String name = text(in, nameLength);
        headers.add(new Header(name, decodeValue(name, in)));
      }
    } catch (BufferUnderflowException e) {
      throw new EventStreamException(MALFORMED, "headers end in the middle of a header", e);
    }
    return headers;
  }

  private static HeaderValue decodeValue(String name, ByteBuffer in) {
    int type = in.get();
    return switch (type) {
      case 0 -> new HeaderValue.Bool(true);
      case 1 -> new HeaderValue.Bool(false);
      case 2 -> new HeaderValue.Int8(in.get());
      case 3 -> new HeaderValue.Int16(in.getShort());
      case 4 -> new HeaderValue.Int32(in.getInt());
      case 5 -> new HeaderValue.Int64(in.getLong());
      case 6 -> new HeaderValue.Bytes(bytes(in, valueLength(name, in)));
      case 7 -> new HeaderValue.Text(text(in, valueLength(name, in)));
      case 8 -> new HeaderValue.Timestamp(Instant.ofEpochMilli(in.getLong()));
      case 9 -> new HeaderValue.Uuid(new UUID(in.getLong(), in.getLong()));
      default ->
          throw new EventStreamException(
              MALFORMED, "header " + name + " has the unknown type " + type);
    };
  }

  private static int valueLength(String name, ByteBuffer in) {
    int length = in.getShort() & 0xffff;
    if (length > MAX_VALUE_BYTES) {
      throw new EventStreamException(
          TOO_LARGE,
          "header " + name + " has " + length + " bytes; the limit is " + MAX_VALUE_BYTES);
    }
    return length;
  }

  private static byte[] bytes(ByteBuffer in, int length) {
    if (length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    byte[] bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }

  private static String text(ByteBuffer in, int length) {
    byte[] bytes = bytes(in, length);
    boolean ascii = true;
    for (byte b : bytes) {
      ascii &= b >= 0;
    }
    if (ascii) {
      return new String(bytes, StandardCharsets.ISO_8859_1);
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new EventStreamException(MALFORMED, "a header is not valid UTF-8", e);
    }
  }
}
