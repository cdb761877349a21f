package io.ryegrass.bench.nucleus;

import io.ryegrass.bench.report.BenchFailed;
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
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;
import java.util.zip.CRC32;

/**
 * A connection that does next to nothing itself: frames made beforehand, answers only counted.
 * Where it is faster than AWS's client, that client is the limit and not the core.
 */
final class RawClient implements LoadClient {
  private static final int MARK = 0x0badcafe;

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
    try {
      channel.connect(UnixDomainSocketAddress.of(socket));
      RawClient client = new RawClient(channel);
      client.write(
          frame(
              List.of(Header.text(":version", "0.1.0")),
              4,
              0,
              "{\"authToken\":\"" + token + "\"}"));
      client.skipFrame();
      return client;
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /** Says that it wants to hear, and reads nothing any more. */
  void subscribeAndStandStill(String topic) throws IOException {
    write(subscription(topic));
    skipFrame();
  }

  @Override
  public void subscribe(String topic, LongAdder heard) throws IOException {
    subscribeAndStandStill(topic);
    whileOpen(
        () -> {
          skipFrame();
          heard.increment();
        });
  }

  private byte[] subscription(String topic) {
    return request(
        "SubscribeToTopic",
        "{\"topic\":\"" + topic + "\",\"receiveMode\":\"RECEIVE_ALL_MESSAGES\"}");
  }

  private static String message(String topic, byte[] payload) {
    return "{\"topic\":\""
        + topic
        + "\",\"publishMessage\":{\"binaryMessage\":{\"message\":\""
        + Base64.getEncoder().encodeToString(payload)
        + "\"}}}";
  }

  @Override
  public long publish(String topic, byte[] payload, long untilNanos) throws Exception {
    return pump(new Template("PublishToTopic", message(topic, payload)), untilNanos);
  }

  @Override
  public void publishOnce(String topic, byte[] payload) throws IOException {
    write(request("PublishToTopic", message(topic, payload)));
    skipFrame();
  }

  /** So many to the cloud, with a larger window, since each answer waits for the disk. */
  void publishToCloud(String topic, byte[] payload, long messages) throws Exception {
    String json =
        "{\"topicName\":\""
            + topic
            + "\",\"qos\":\"1\",\"payload\":\""
            + Base64.getEncoder().encodeToString(payload)
            + "\"}";
    write(request("PublishToIoTCore", json));
    expect("PublishToIoTCoreResponse");
    pump(new Template("PublishToIoTCore", json), Long.MAX_VALUE, 60, messages - 1);
  }

  @Override
  public long call(Call call, long untilNanos) throws Exception {
    String operation = call == Call.GET_CONFIGURATION ? "GetConfiguration" : "UpdateConfiguration";
    String json =
        call == Call.GET_CONFIGURATION
            ? "{\"keyPath\":[\"inner\"]}"
            : "{\"keyPath\":[\"inner\"],\"timestamp\":4000000000,\"valueToMerge\":{\"depth\":2}}";
    write(request(operation, json));
    expect(operation + "Response");
    return 1 + pump(new Template(operation, json), untilNanos);
  }

  private void expect(String response) throws IOException {
    byte[] rest = new byte[in.readInt() - 4];
    in.readFully(rest);
    String text = new String(rest, StandardCharsets.ISO_8859_1);
    if (!text.contains(response)) {
      throw new BenchFailed("expected " + response + " and got " + text);
    }
  }

  private long pump(Template template, long untilNanos) throws Exception {
    return pump(template, untilNanos, WINDOW, Long.MAX_VALUE);
  }

  private long pump(Template template, long untilNanos, int window, long most) throws Exception {
    Semaphore room = new Semaphore(window);
    whileOpen(
        () -> {
          skipFrame();
          room.release();
        });
    long sent = 0;
    while (sent < most && (untilNanos == Long.MAX_VALUE || System.nanoTime() < untilNanos)) {
      room.acquire();
      write(template.next());
      sent++;
    }
    room.acquire(window);
    return sent;
  }

  private interface Reading {
    void run() throws IOException;
  }

  /** Reads on a thread of its own until the connection is closed. */
  private static void whileOpen(Reading reading) {
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                while (true) {
                  reading.run();
                }
              } catch (IOException e) {
                Thread.currentThread().interrupt(); // closed: this load is over
              }
            });
  }

  /** The next request of this connection, ready to be written. */
  private byte[] request(String operation, String json) {
    return request(operation, json, ++lastStream);
  }

  private static byte[] request(String operation, String json, int stream) {
    return frame(
        List.of(
            Header.text("operation", "aws.greengrass#" + operation),
            Header.text(":content-type", "application/json"),
            Header.text("service-model-type", "aws.greengrass#" + operation + "Request")),
        0,
        stream,
        json);
  }

  /** A request whose stream id is set anew for each use. */
  private final class Template {
    private final byte[] frame;
    private final int idAt;

    Template(String operation, String json) {
      frame = request(operation, json, MARK);
      int at = 0;
      while (ByteBuffer.wrap(frame).getInt(at) != MARK) {
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

  private void write(byte[] frame) throws IOException {
    ByteBuffer out = ByteBuffer.wrap(frame);
    while (out.hasRemaining()) {
      channel.write(out);
    }
  }

  private void skipFrame() throws IOException {
    int length = in.readInt();
    in.skipNBytes(length - 4);
  }

  private static byte[] frame(List<Header> headers, int type, int stream, String json) {
    List<Header> all = new ArrayList<>(headers);
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
