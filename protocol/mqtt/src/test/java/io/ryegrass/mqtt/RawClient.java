package io.ryegrass.mqtt;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;

/** Bytes on a socket, for what a well-behaved client library never sends. */
final class RawClient implements AutoCloseable {
  record Packet(int firstByte, byte[] body) {
    int type() {
      return firstByte >> 4;
    }

    boolean duplicate() {
      return (firstByte & 8) != 0;
    }

    int packetId() {
      int at = 0;
      if (type() == 3) {
        at = 2 + topic().getBytes(StandardCharsets.UTF_8).length;
      }
      return (body[at] & 0xFF) << 8 | body[at + 1] & 0xFF;
    }

    String topic() {
      int length = (body[0] & 0xFF) << 8 | body[1] & 0xFF;
      return new String(body, 2, length, StandardCharsets.UTF_8);
    }

    String payload() {
      int from =
          2 + topic().getBytes(StandardCharsets.UTF_8).length + ((firstByte & 6) != 0 ? 2 : 0);
      return new String(body, from, body.length - from, StandardCharsets.UTF_8);
    }
  }

  static final int CONNACK = 2;
  static final int PUBLISH = 3;
  static final int PUBACK = 4;
  static final int SUBACK = 9;

  private final Socket socket;
  private final DataInputStream in;
  private final DataOutputStream out;

  RawClient(int port) throws IOException {
    this(new Socket(InetAddress.getLoopbackAddress(), port));
  }

  RawClient(Socket socket) throws IOException {
    this(socket, 20_000);
  }

  RawClient(Socket socket, int timeoutMillis) throws IOException {
    this.socket = socket;
    socket.setSoTimeout(timeoutMillis);
    in = new DataInputStream(socket.getInputStream());
    out = new DataOutputStream(socket.getOutputStream());
  }

  RawClient send(int... bytes) throws IOException {
    byte[] b = new byte[bytes.length];
    for (int i = 0; i < b.length; i++) {
      b[i] = (byte) bytes[i];
    }
    out.write(b);
    out.flush();
    return this;
  }

  RawClient packet(int firstByte, byte[] body) throws IOException {
    out.write(encoded(firstByte, body));
    out.flush();
    return this;
  }

  static byte[] encoded(int firstByte, byte[] body) {
    ByteArrayOutputStream b = new ByteArrayOutputStream();
    b.write(firstByte);
    int length = body.length;
    do {
      b.write(length % 128 | (length > 127 ? 128 : 0));
      length /= 128;
    } while (length > 0);
    b.writeBytes(body);
    return b.toByteArray();
  }

  static byte[] body(Object... parts) {
    ByteArrayOutputStream b = new ByteArrayOutputStream();
    for (Object part : parts) {
      switch (part) {
        case String text -> {
          byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
          b.write(utf8.length >> 8);
          b.write(utf8.length);
          b.writeBytes(utf8);
        }
        case Integer value -> b.write(value);
        case byte[] bytes -> b.writeBytes(bytes);
        default -> throw new IllegalArgumentException();
      }
    }
    return b.toByteArray();
  }

  RawClient connect(String clientId, boolean clean, int keepAlive) throws IOException {
    return packet(0x10, body("MQTT", 4, clean ? 2 : 0, keepAlive >> 8, keepAlive & 0xFF, clientId));
  }

  /** Connects and gives the session-present flag. */
  boolean connected(String clientId, boolean clean) throws IOException {
    connect(clientId, clean, 0);
    Packet ack = read();
    if (ack.type() != CONNACK || ack.body()[1] != 0) {
      throw new IOException("refused: " + ack.body()[1]);
    }
    return ack.body()[0] == 1;
  }

  RawClient publish(String topic, String payload, int qos, int packetId) throws IOException {
    byte[] data = payload.getBytes(StandardCharsets.UTF_8);
    return packet(
        0x30 | qos << 1,
        qos == 0 ? body(topic, data) : body(topic, packetId >> 8, packetId & 0xFF, data));
  }

  RawClient subscribe(String filter, int qos) throws IOException {
    return packet(0x82, body(0, 1, filter, qos));
  }

  RawClient puback(int packetId) throws IOException {
    return packet(0x40, body(packetId >> 8, packetId & 0xFF));
  }

  Packet read() {
    try {
      int first = in.readUnsignedByte();
      int length = 0;
      int shift = 0;
      int b;
      do {
        b = in.readUnsignedByte();
        length |= (b & 127) << shift;
        shift += 7;
      } while ((b & 128) != 0);
      return new Packet(first, in.readNBytes(length));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Packet read(int type) {
    Packet p = read();
    if (p.type() != type) {
      throw new IllegalStateException("expected packet type " + type + ", got " + p.type());
    }
    return p;
  }

  /**
   * True when the broker closes the connection within the socket's time-out; what it sends before
   * is passed over.
   */
  boolean isClosedByPeer() throws IOException {
    try {
      while (in.read() >= 0) {
        // to the end
      }
      return true;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (SocketException | EOFException e) {
      return true;
    }
  }

  Socket socket() {
    return socket;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
