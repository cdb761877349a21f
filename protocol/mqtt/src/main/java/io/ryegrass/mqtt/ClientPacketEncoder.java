package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import java.util.List;

/** Packets of a client, each in its shortest form. {@code version} is 4 or 5. */
final class ClientPacketEncoder {
  private ClientPacketEncoder() {}

  static ByteBuf connect(ByteBufAllocator alloc, MqttClientOptions o) {
    boolean five = o.version() == 5;
    int properties =
        !five
            ? 0
            : (o.sessionExpirySeconds() == 0 ? 0 : 5) + (o.receiveMaximum() == 65_535 ? 0 : 3) + 5;
    int id = ByteBufUtil.utf8Bytes(o.clientId());
    int length = 10 + (five ? variableSize(properties) + properties : 0) + 2 + id;
    ByteBuf out = packet(alloc, 0x10, length);
    out.writeShort(4).writeInt(0x4D51_5454).writeByte(o.version()); // "MQTT"
    out.writeByte(o.cleanStart() ? 2 : 0).writeShort(o.keepAliveSeconds());
    if (five) {
      variable(out, properties);
      if (o.sessionExpirySeconds() != 0) {
        out.writeByte(17).writeInt((int) o.sessionExpirySeconds());
      }
      if (o.receiveMaximum() != 65_535) {
        out.writeByte(33).writeShort(o.receiveMaximum());
      }
      out.writeByte(39).writeInt(o.maximumPacketSize());
    }
    text(out, o.clientId());
    return out;
  }

  /**
   * Bytes of the whole packet; more than {@link Integer#MAX_VALUE} never happens to one in memory.
   */
  static long publishSize(int version, MqttMessage m) {
    long remaining = publishRemaining(version, m);
    return 1 + (remaining > 268_435_455 ? 5 : variableSize((int) remaining)) + remaining;
  }

  private static long publishRemaining(int version, MqttMessage m) {
    int properties = version == 5 ? m.properties().size() : 0;
    return 2L
        + ByteBufUtil.utf8Bytes(m.topic())
        + (m.qos() > 0 ? 2 : 0)
        + (version == 5 ? variableSize(properties) + properties : 0)
        + m.payload().length;
  }

  /** For a message whose size was found to be allowed. */
  static ByteBuf publish(ByteBufAllocator alloc, int version, MqttMessage m, int packetId) {
    ByteBuf out =
        packet(
            alloc, 0x30 | m.qos() << 1 | (m.retain() ? 1 : 0), (int) publishRemaining(version, m));
    text(out, m.topic());
    if (m.qos() > 0) {
      out.writeShort(packetId);
    }
    if (version == 5) {
      variable(out, m.properties().size());
      m.properties().write(out);
    }
    return out.writeBytes(m.payload());
  }

  static ByteBuf subscribe(
      ByteBufAllocator alloc, int version, int packetId, List<MqttClient.Filter> filters) {
    int length = version == 5 ? 3 : 2;
    for (MqttClient.Filter f : filters) {
      length += 3 + ByteBufUtil.utf8Bytes(f.filter());
    }
    ByteBuf out = packet(alloc, 0x82, length).writeShort(packetId);
    if (version == 5) {
      out.writeByte(0);
    }
    for (MqttClient.Filter f : filters) {
      text(out, f.filter());
      out.writeByte(f.qos());
    }
    return out;
  }

  static ByteBuf unsubscribe(
      ByteBufAllocator alloc, int version, int packetId, List<String> filters) {
    int length = version == 5 ? 3 : 2;
    for (String f : filters) {
      length += 2 + ByteBufUtil.utf8Bytes(f);
    }
    ByteBuf out = packet(alloc, 0xA2, length).writeShort(packetId);
    if (version == 5) {
      out.writeByte(0);
    }
    filters.forEach(f -> text(out, f));
    return out;
  }

  static ByteBuf pubAck(ByteBufAllocator alloc, int packetId) {
    return alloc.buffer(4, 4).writeInt(0x4002_0000 | packetId);
  }

  static ByteBuf pingRequest(ByteBufAllocator alloc) {
    return alloc.buffer(2, 2).writeShort(0xC000);
  }

  /** MQTT 3.1.1 has no reason code. */
  static ByteBuf disconnect(ByteBufAllocator alloc, int version, int reasonCode) {
    return version == 5 && reasonCode != ReasonCode.SUCCESS
        ? alloc.buffer(3, 3).writeMedium(0xE00100 | reasonCode)
        : alloc.buffer(2, 2).writeShort(0xE000);
  }

  static void text(ByteBuf out, String text) {
    int length = ByteBufUtil.utf8Bytes(text);
    out.writeShort(length);
    int unused = ByteBufUtil.reserveAndWriteUtf8(out, text, length);
  }

  private static ByteBuf packet(ByteBufAllocator alloc, int first, int length) {
    ByteBuf out = alloc.buffer(1 + variableSize(length) + length).writeByte(first);
    variable(out, length);
    return out;
  }

  private static void variable(ByteBuf out, int value) {
    int rest = value;
    while (rest > 0x7F) {
      out.writeByte(rest & 0x7F | 0x80);
      rest >>>= 7;
    }
    out.writeByte(rest);
  }

  static int variableSize(int value) {
    return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
  }
}
