package io.ryegrass.mqtt;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.mqtt.MqttDecoder;
import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Bytes that nobody chose, on the decoder. A plain test run replays the corpus in {@code
 * src/test/resources/.../PacketDecoderFuzzTestInputs} ({@link FuzzCorpus} writes its seeds); with
 *
 * <pre>JAZZER_FUZZ=1 mvn test -Dtest=PacketDecoderFuzzTest -Djazzer.hooks=true</pre>
 *
 * Jazzer looks for new inputs for three minutes.
 *
 * <p>The first byte of an input says what comes before the rest: the lowest two bits are the
 * version of a good CONNECT (3: 1, 4: 2, 5: 3; 0: nothing), the others how the input is cut.
 */
class PacketDecoderFuzzTest {
  private static final int MAXIMUM = 1 << 16;

  @FuzzTest(maxDuration = "3m")
  void anyBytes(byte[] input) {
    if (input.length < 1) {
      return;
    }
    int mode = input[0] & 0xFF;
    int version = (mode & 3) == 0 ? 0 : (mode & 3) + 2;
    byte[] rest = Arrays.copyOfRange(input, 1, input.length);
    byte[] stream = version == 0 ? rest : Raw.bytes(Raw.connect(version), rest);

    List<Object> whole = decode(stream, stream.length + 1, 0);
    List<Object> cut = decode(stream, 1 + (mode >> 2) % 16, mode);
    require(
        PacketDecoderTest.texts(whole).equals(PacketDecoderTest.texts(cut)),
        "cut in pieces it is something else");

    long bytes = 0;
    int used = version == 0 ? usedVersion(whole) : version;
    for (Object packet : whole) {
      if (packet instanceof Packet.Publish publish) {
        bytes += publish.payload().length + publish.properties().length;
        again(used, publish);
      } else if (packet instanceof Packet.Ack ack) {
        ByteBuf out = Unpooled.buffer();
        PacketEncoder.ack(out, used, ack.type(), ack.packetId(), ack.reasonCode(), null);
        require(ack.equals(Raw.after(used, bytes(out))), "an acknowledgement changed");
      }
    }
    require(bytes <= stream.length, "more came out than went in");
    if (used > 3) {
      nettyTakes(stream, whole);
    }
  }

  /** Whatever we take from clients of 3.1.1 and 5, a decoder that others wrote can read. */
  private static void nettyTakes(byte[] stream, List<Object> ours) {
    EmbeddedChannel netty = new EmbeddedChannel(new MqttDecoder(MAXIMUM, 65_535));
    netty.writeInbound(Unpooled.wrappedBuffer(stream));
    for (Object packet : ours) {
      if (packet instanceof Packet) {
        MqttMessage theirs = netty.readInbound();
        require(theirs != null, "Netty has no packet for " + packet);
        require(
            theirs.decoderResult().isSuccess(),
            "Netty refuses " + PacketText.of(packet) + ": " + theirs.decoderResult().cause());
        require(
            theirs.fixedHeader().messageType().value() == type(packet), "another type of packet");
        ReferenceCountUtil.release(theirs);
      }
    }
    netty.finishAndReleaseAll();
  }

  private static int type(Object packet) {
    return switch ((Packet) packet) {
      case Packet.Connect c -> 1;
      case Packet.Publish p -> 3;
      case Packet.Ack ack -> ack.type();
      case Packet.Subscribe s -> 8;
      case Packet.Unsubscribe u -> 10;
      case Packet.PingRequest p -> 12;
      case Packet.Disconnect d -> 14;
      case Packet.Auth a -> 15;
    };
  }

  private static int usedVersion(List<Object> got) {
    return !got.isEmpty() && got.getFirst() instanceof Packet.Connect c ? c.version() : 0;
  }

  private static void again(int version, Packet.Publish publish) {
    Topic topic = publish.topic();
    Message message =
        new Message(
            topic == null ? Topic.of("") : topic,
            publish.payload(),
            publish.qos(),
            publish.retain(),
            publish.properties(),
            0,
            null);
    Queued queued =
        new Queued(0, message, publish.qos(), publish.retain(), Queued.NO_IDENTIFIERS, 0);
    ByteBuf out = Unpooled.buffer();
    boolean named = topic != null;
    PacketEncoder.publish(
        out,
        version,
        queued,
        publish.packetId(),
        publish.duplicate(),
        publish.topicAlias(),
        named,
        publish.expirySeconds());
    require(
        out.readableBytes()
            == PacketEncoder.publishSize(
                version,
                queued,
                publish.packetId(),
                publish.duplicate(),
                publish.topicAlias(),
                named,
                publish.expirySeconds()),
        "the size was foretold wrongly");
    Packet.Publish back = (Packet.Publish) Raw.after(version, bytes(out));
    require(back.bytes() <= publish.bytes(), "it became longer");
    require(
        PacketText.of(sized(back, 0)).equals(PacketText.of(sized(publish, 0))),
        "a PUBLISH changed");
  }

  /** A remaining length that was longer than needed does not come back. */
  private static Packet.Publish sized(Packet.Publish p, int bytes) {
    return new Packet.Publish(
        p.duplicate(),
        p.qos(),
        p.retain(),
        p.topic(),
        p.topicAlias(),
        p.packetId(),
        p.payload(),
        p.properties(),
        p.expirySeconds(),
        bytes);
  }

  private static byte[] bytes(ByteBuf out) {
    byte[] bytes = new byte[out.readableBytes()];
    out.readBytes(bytes);
    out.release();
    return bytes;
  }

  /** Pieces of 1 to {@code most} bytes; fails when memory stays or grows beyond the input. */
  private static List<Object> decode(byte[] stream, int most, int seed) {
    UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);
    EmbeddedChannel channel =
        new EmbeddedChannel(new PacketDecoder(MAXIMUM, MAXIMUM, new TopicCache()));
    channel.config().setAllocator(allocator);
    List<Object> got = new ArrayList<>();
    int faults = 0;
    int turn = seed;
    for (int at = 0; at < stream.length; ) {
      int size = Math.min(most <= 1 ? 1 : 1 + (turn++ * 7 & 0xFF) % most, stream.length - at);
      if (most > stream.length) {
        size = stream.length;
      }
      channel.writeInbound(Unpooled.copiedBuffer(stream, at, size));
      at += size;
      require(
          allocator.metric().usedHeapMemory() <= 64 + 4L * Math.min(at, MAXIMUM),
          "memory beyond what came");
      for (Object o = channel.readInbound(); o != null; o = channel.readInbound()) {
        require(o instanceof Packet || o instanceof MalformedPacketException, o.toString());
        require(faults == 0, "something came after a fault");
        faults += o instanceof MalformedPacketException ? 1 : 0;
        got.add(o);
      }
    }
    channel.finishAndReleaseAll();
    require(allocator.metric().usedHeapMemory() == 0, "a buffer was not released");
    return got;
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }
}
