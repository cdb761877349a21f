package io.ryegrass.ipc.bench;

import io.ryegrass.eventstream.EventStreamMessage;
import io.ryegrass.eventstream.Header;
import io.ryegrass.eventstream.MessageCodec;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32;

/** A connection that does next to nothing itself: frames made beforehand, answers only counted. */
final class RawClient implements AutoCloseable {
  private final SocketChannel channel;
  private final DataInputStream in;
  private int lastStream;

  private RawClient(SocketChannel channel) {
    this.channel = channel;
    this.in =
        new DataInputStream(new BufferedInputStream(Channels.newInputStream(channel), 1 << 16));
  }

  static RawClient connect(Path socket, String token) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(socket));
    RawClient client = new RawClient(channel);
    client.write(
        frame(
            List.of(Header.text(":version", "0.1.0")), 4, 0, "{\"authToken\":\"" + token + "\"}"));
    client.skipFrame();
    return client;
  }

  /** The next request of this connection, ready to be written. */
  byte[] request(String operation, String json) {
    return frame(
        List.of(
            Header.text("operation", "aws.greengrass#" + operation),
            Header.text(":content-type", "application/json"),
            Header.text("service-model-type", "aws.greengrass#" + operation + "Request")),
        0,
        ++lastStream,
        json);
  }

  /** A template whose stream id is set anew for each use. */
  final class Template {
    private final byte[] frame;
    private final int idAt;

    Template(String operation, String json) {
      int before = lastStream;
      lastStream = 0x0badcafe - 1;
      frame = request(operation, json);
      lastStream = before;
      int at = 0;
      while (ByteBuffer.wrap(frame).getInt(at) != 0x0badcafe) {
        at++;
      }
      idAt = at;
    }

    byte[] next() {
      byte[] copy = frame.clone();
      ByteBuffer buffer = ByteBuffer.wrap(copy);
      buffer.putInt(idAt, ++lastStream);
      CRC32 crc = new CRC32();
      crc.update(copy, 0, copy.length - 4);
      buffer.putInt(copy.length - 4, (int) crc.getValue());
      return copy;
    }
  }

  void write(byte[] frame) throws IOException {
    ByteBuffer out = ByteBuffer.wrap(frame);
    while (out.hasRemaining()) {
      channel.write(out);
    }
  }

  /** Waits for one frame; returns its length. */
  int skipFrame() throws IOException {
    int length = in.readInt();
    in.skipNBytes(length - 4);
    return length;
  }

  /** Waits for one frame; returns it without its length. */
  String readFrame() throws IOException {
    byte[] rest = new byte[in.readInt() - 4];
    in.readFully(rest);
    return new String(rest, StandardCharsets.ISO_8859_1);
  }

  private static byte[] frame(List<Header> headers, int type, int stream, String json) {
    List<Header> all = new java.util.ArrayList<>(headers);
    all.add(Header.int32(":message-type", type));
    all.add(Header.int32(":message-flags", 0));
    all.add(Header.int32(":stream-id", stream));
    return MessageCodec.encode(new EventStreamMessage(all, json.getBytes(StandardCharsets.UTF_8)));
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
