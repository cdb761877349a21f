package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Packets as bytes, written down by hand, and what the decoder makes of them. */
final class Raw {
  static final int MAXIMUM = 1 << 20;

  private Raw() {}

  /** An Integer is a byte, a String is one with its length in front, a byte[] stands for itself. */
  static byte[] bytes(Object... parts) {
    var out = new ByteArrayOutputStream();
    for (Object part : parts) {
      switch (part) {
        case Integer octet -> out.write(octet);
        case String text -> {
          byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
          out.write(utf8.length >> 8);
          out.write(utf8.length);
          out.writeBytes(utf8);
        }
        case byte[] raw -> out.writeBytes(raw);
        default -> throw new IllegalArgumentException(part.toString());
      }
    }
    return out.toByteArray();
  }

  /** A whole packet: first byte, remaining length, parts. */
  static byte[] packet(int first, Object... parts) {
    byte[] body = bytes(parts);
    return bytes(first, variable(body.length), body);
  }

  /** The properties with their length in front. */
  static byte[] properties(Object... parts) {
    byte[] body = bytes(parts);
    return bytes(variable(body.length), body);
  }

  static byte[] variable(int value) {
    var out = new ByteArrayOutputStream();
    int rest = value;
    for (; rest >= 0x80; rest >>>= 7) {
      out.write(rest & 0x7F | 0x80);
    }
    out.write(rest);
    return out.toByteArray();
  }

  /** The smallest CONNECT that each version accepts. */
  static byte[] connect(int version) {
    return switch (version) {
      case 3 -> packet(0x10, "MQIsdp", 3, 2, 0, 60, "c");
      case 4 -> packet(0x10, "MQTT", 4, 2, 0, 60, "c");
      default -> packet(0x10, "MQTT", 5, 2, 0, 60, 0, "c");
    };
  }

  static EmbeddedChannel channel() {
    return new EmbeddedChannel(new PacketDecoder(MAXIMUM, MAXIMUM, new TopicCache()));
  }

  /** What comes out for these chunks, each its own read. */
  static List<Object> decode(byte[]... chunks) {
    EmbeddedChannel channel = channel();
    List<ByteBuf> given = new ArrayList<>();
    for (byte[] chunk : chunks) {
      ByteBuf in = Unpooled.directBuffer(Math.max(1, chunk.length)).writeBytes(chunk);
      given.add(in);
      channel.writeInbound(in);
    }
    List<Object> got = new ArrayList<>();
    for (Object o = channel.readInbound(); o != null; o = channel.readInbound()) {
      got.add(o);
    }
    channel.finishAndReleaseAll();
    for (ByteBuf in : given) {
      if (in.refCnt() != 0) {
        throw new AssertionError("a buffer was not released");
      }
    }
    return got;
  }

  /** The one packet that a client of this version sent after its CONNECT. */
  static Packet after(int version, byte[] packet) {
    List<Object> got = decode(connect(version), packet);
    if (got.size() != 2 || !(got.getLast() instanceof Packet decoded)) {
      throw new AssertionError("expected CONNECT and one packet, got " + describe(got));
    }
    return decoded;
  }

  /** The reason code with which the packet of a client of this version is refused. */
  static int refusal(int version, byte[] packet) {
    return fault(decode(connect(version), packet));
  }

  /** The reason code of the fault that came last. */
  static int fault(List<Object> got) {
    if (got.isEmpty() || !(got.getLast() instanceof MalformedPacketException fault)) {
      throw new AssertionError("expected a refusal, got " + describe(got));
    }
    return fault.reasonCode();
  }

  private static String describe(List<Object> got) {
    return got.toString();
  }
}
