package io.ryegrass.crashtests;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** The packets that the recording client needs, of MQTT 3.1.1 and 5, by hand. */
final class Wire {
  static final int CONNECT = 1;
  static final int CONNACK = 2;
  static final int PUBLISH = 3;
  static final int PUBACK = 4;
  static final int PUBREC = 5;
  static final int PUBREL = 6;
  static final int PUBCOMP = 7;
  static final int SUBSCRIBE = 8;
  static final int SUBACK = 9;
  static final int UNSUBSCRIBE = 10;
  static final int UNSUBACK = 11;
  static final int PINGREQ = 12;
  static final int PINGRESP = 13;
  static final int DISCONNECT = 14;

  private static final int RECEIVE_MAXIMUM = 0x21;
  private static final int SESSION_EXPIRY = 0x11;
  private static final int LARGEST_PACKET = 1 << 20;

  private Wire() {}

  /** One packet as it came. */
  record Packet(int type, int flags, byte[] body) {
    int u8(int at) {
      return at < body.length ? body[at] & 0xFF : 0;
    }

    int u16(int at) {
      return u8(at) << 8 | u8(at + 1);
    }
  }

  /** A received PUBLISH; packetId 0 at QoS 0. */
  record Publish(
      String topic, byte[] payload, int qos, boolean dup, boolean retain, int packetId) {}

  static Packet read(DataInputStream in) throws IOException {
    int first = in.readUnsignedByte();
    int length = 0;
    int shift = 0;
    int digit;
    do {
      digit = in.readUnsignedByte();
      length |= (digit & 0x7F) << shift;
      shift += 7;
    } while ((digit & 0x80) != 0 && shift < 28);
    if (length > LARGEST_PACKET) {
      throw new IOException("a packet of " + length + " bytes");
    }
    byte[] body = in.readNBytes(length);
    if (body.length < length) {
      throw new EOFException("the connection ended inside a packet");
    }
    return new Packet(first >> 4, first & 0x0F, body);
  }

  static Publish publish(Packet p, Version version) {
    int qos = p.flags() >> 1 & 3;
    int at = 2 + p.u16(0);
    String topic = new String(p.body(), 2, p.u16(0), StandardCharsets.UTF_8);
    int packetId = 0;
    if (qos > 0) {
      packetId = p.u16(at);
      at += 2;
    }
    if (version == Version.V5) {
      at = afterProperties(p, at);
    }
    byte[] payload = java.util.Arrays.copyOfRange(p.body(), at, p.body().length);
    return new Publish(topic, payload, qos, (p.flags() & 8) != 0, (p.flags() & 1) != 0, packetId);
  }

  /** The reason or return code at the end of SUBACK and CONNACK-like packets after properties. */
  static int afterProperties(Packet p, int at) {
    int length = 0;
    int shift = 0;
    int next = at;
    int digit;
    do {
      digit = p.u8(next++);
      length |= (digit & 0x7F) << shift;
      shift += 7;
    } while ((digit & 0x80) != 0 && shift < 28);
    return next + length;
  }

  /** The server's receive maximum in a CONNACK of MQTT 5; 65535 when it has none. */
  static int receiveMaximum(Packet connAck) {
    int end = afterProperties(connAck, 2);
    for (int at = 3; at < end; ) {
      int id = connAck.u8(at++);
      switch (id) {
        case RECEIVE_MAXIMUM -> {
          return connAck.u16(at);
        }
        case 0x22, 0x13 -> at += 2; // topic alias maximum, server keep alive
        case 0x11, 0x27 -> at += 4; // session expiry, maximum packet size
        case 0x24, 0x25, 0x28, 0x29, 0x2A -> at += 1; // maximum QoS and what is available
        case 0x26 -> {
          at += 2 + connAck.u16(at);
          at += 2 + connAck.u16(at);
        }
        default -> at += 2 + connAck.u16(at); // the others are strings
      }
    }
    return 0xFFFF;
  }

  static byte[] connect(Version version, String clientId, boolean clean, int receiveMaximum) {
    Body body = new Body();
    body.text("MQTT").u8(version.level).u8(clean ? 2 : 0).u16(600);
    if (version == Version.V5) {
      body.u8(clean ? 3 : 8).u8(RECEIVE_MAXIMUM).u16(receiveMaximum);
      if (!clean) {
        body.u8(SESSION_EXPIRY).u16(0).u16(3600);
      }
    }
    return body.text(clientId).packet(CONNECT, 0);
  }

  static byte[] publish(Version version, Message m, int packetId, boolean dup) {
    Body body = new Body().text(m.topic());
    if (m.qos() > 0) {
      body.u16(packetId);
    }
    if (version == Version.V5) {
      body.u8(0);
    }
    int flags = (dup ? 8 : 0) | m.qos() << 1 | (m.retain() ? 1 : 0);
    return body.bytes(m.payload()).packet(PUBLISH, flags);
  }

  /** PUBACK, PUBREC, PUBREL, PUBCOMP with success. */
  static byte[] ack(int type, int packetId) {
    return new Body().u16(packetId).packet(type, type == PUBREL ? 2 : 0);
  }

  static byte[] subscribe(Version version, int packetId, String filter, int qos) {
    Body body = new Body().u16(packetId);
    if (version == Version.V5) {
      body.u8(0);
    }
    return body.text(filter).u8(qos).packet(SUBSCRIBE, 2);
  }

  static byte[] unsubscribe(Version version, int packetId, String filter) {
    Body body = new Body().u16(packetId);
    if (version == Version.V5) {
      body.u8(0);
    }
    return body.text(filter).packet(UNSUBSCRIBE, 2);
  }

  static byte[] empty(int type) {
    return new Body().packet(type, 0);
  }

  private static final class Body {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Body u8(int value) {
      out.write(value);
      return this;
    }

    Body u16(int value) {
      return u8(value >> 8).u8(value & 0xFF);
    }

    Body text(String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      return u16(bytes.length).bytes(bytes);
    }

    Body bytes(byte[] bytes) {
      out.write(bytes, 0, bytes.length);
      return this;
    }

    byte[] packet(int type, int flags) {
      ByteArrayOutputStream packet = new ByteArrayOutputStream(out.size() + 5);
      packet.write(type << 4 | flags);
      int length = out.size();
      do {
        int digit = length & 0x7F;
        length >>= 7;
        packet.write(length > 0 ? digit | 0x80 : digit);
      } while (length > 0);
      packet.writeBytes(out.toByteArray());
      return packet.toByteArray();
    }
  }
}
