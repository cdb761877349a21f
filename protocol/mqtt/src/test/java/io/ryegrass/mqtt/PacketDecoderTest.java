package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledHeapByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How the stream is cut into packets; what is in them has tests of its own. */
class PacketDecoderTest {
  private static final byte[] PING = {(byte) 0xC0, 0};

  @Test
  void manyPacketsOfOneReadComeOutInTheirOrder() {
    byte[] publish = Raw.packet(0x30, "a/b", new byte[] {1, 2, 3});
    byte[] ack = Raw.packet(0x40, 0, 7);
    List<Object> got = Raw.decode(Raw.bytes(Raw.connect(4), publish, PING, ack, publish));
    assertThat(got)
        .extracting(Object::getClass)
        .containsExactly(
            Packet.Connect.class,
            Packet.Publish.class,
            Packet.PingRequest.class,
            Packet.Ack.class,
            Packet.Publish.class);
    Packet.Publish first = (Packet.Publish) got.get(1);
    assertThat(first.topic()).isSameAs(((Packet.Publish) got.get(4)).topic());
    assertThat(first.payload()).containsExactly(1, 2, 3);
    assertThat(first.bytes()).isEqualTo(publish.length);
  }

  @Test
  void anyCutOfTheStreamGivesTheSamePackets() {
    byte[] publish = Raw.packet(0x32, "topic/of/some/length", 0, 9, new byte[300]);
    byte[] stream = Raw.bytes(Raw.connect(5), Raw.packet(0x34, "t", 0, 1, 0), PING, publish, PING);
    List<String> whole = texts(Raw.decode(stream));
    assertThat(whole).hasSize(5);
    for (int step : new int[] {1, 2, 3, 7, 50}) {
      List<byte[]> chunks = new ArrayList<>();
      for (int at = 0; at < stream.length; at += step) {
        chunks.add(Arrays.copyOfRange(stream, at, Math.min(at + step, stream.length)));
      }
      assertThat(texts(Raw.decode(chunks.toArray(byte[][]::new)))).isEqualTo(whole);
    }
    for (int cut = 1; cut < stream.length; cut++) {
      assertThat(
              texts(
                  Raw.decode(
                      Arrays.copyOf(stream, cut), Arrays.copyOfRange(stream, cut, stream.length))))
          .isEqualTo(whole);
    }
  }

  /** Arrays by their content. */
  static List<String> texts(List<Object> packets) {
    return packets.stream().map(PacketText::of).toList();
  }

  @Test
  void afterAFaultEverythingIsThrownAway() {
    // [MQTT5-4.13.1-1]
    List<Object> got =
        Raw.decode(Raw.bytes(Raw.connect(4), new byte[] {0, 0}, PING, Raw.connect(4)), PING, PING);
    assertThat(got).hasSize(2);
    assertThat(Raw.fault(got)).isEqualTo(ReasonCode.MALFORMED_PACKET);
  }

  @Test
  void whoeverHandlesAPacketCanStopTheRest() {
    List<Object> got = new ArrayList<>();
    PacketDecoder decoder = new PacketDecoder(Raw.MAXIMUM, Raw.MAXIMUM, new TopicCache());
    EmbeddedChannel channel =
        new EmbeddedChannel(
            decoder,
            new ChannelInboundHandlerAdapter() {
              @Override
              public void channelRead(ChannelHandlerContext ctx, Object message) {
                got.add(message);
                if (message instanceof Packet.Disconnect) {
                  decoder.stop();
                }
              }
            });
    ByteBuf in =
        Unpooled.wrappedBuffer(Raw.connect(4), Raw.packet(0xE0), PING, Raw.packet(0x30, "t"));
    channel.writeInbound(in);
    channel.writeInbound(Unpooled.wrappedBuffer(PING));
    assertThat(got)
        .extracting(Object::getClass)
        .containsExactly(Packet.Connect.class, Packet.Disconnect.class);
    assertThat(in.refCnt()).isZero();
  }

  @Test
  void thePacketIsRefusedByItsAnnouncedSizeBeforeItsBodyComes() {
    EmbeddedChannel channel = new EmbeddedChannel(new PacketDecoder(1000, 100, new TopicCache()));
    channel.writeInbound(Unpooled.wrappedBuffer(Raw.connect(5)));
    channel.writeInbound(Unpooled.wrappedBuffer(Raw.packet(0x30, "t", 0, new byte[993])));
    assertThat((Packet) channel.readInbound()).isInstanceOf(Packet.Connect.class);
    assertThat(((Packet.Publish) channel.readInbound()).bytes()).isEqualTo(1000);
    channel.writeInbound(Unpooled.wrappedBuffer(Raw.bytes(0x30, Raw.variable(998))));
    MalformedPacketException fault = channel.readInbound();
    assertThat(fault.reasonCode()).isEqualTo(ReasonCode.PACKET_TOO_LARGE);
  }

  @Test
  void beforeTheConnectALowerBoundHolds() {
    EmbeddedChannel channel = new EmbeddedChannel(new PacketDecoder(1000, 100, new TopicCache()));
    channel.writeInbound(Unpooled.wrappedBuffer(Raw.bytes(0x10, Raw.variable(99))));
    MalformedPacketException fault = channel.readInbound();
    assertThat(fault.reasonCode()).isEqualTo(ReasonCode.PACKET_TOO_LARGE);
  }

  @Test
  void aHeldPacketTakesMemoryForWhatCameNotForWhatWasAnnounced() {
    List<ByteBuf> buffers = new ArrayList<>();
    var allocator =
        new AbstractByteBufAllocator(false) {
          @Override
          protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
            ByteBuf buffer = new UnpooledHeapByteBuf(this, initialCapacity, maxCapacity);
            buffers.add(buffer);
            return buffer;
          }

          @Override
          protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
            return newHeapBuffer(initialCapacity, maxCapacity);
          }

          @Override
          public boolean isDirectBufferPooled() {
            return false;
          }
        };
    EmbeddedChannel channel = Raw.channel();
    channel.config().setAllocator(allocator);
    channel.writeInbound(Unpooled.wrappedBuffer(Raw.connect(4)));
    channel.writeInbound(Unpooled.wrappedBuffer(Raw.bytes(0x30, Raw.variable(900_000))));
    assertThat(buffers).hasSize(1);
    for (int i = 0; i < 100; i++) {
      channel.writeInbound(Unpooled.wrappedBuffer(new byte[] {0}));
    }
    assertThat(buffers.getFirst().capacity()).isLessThanOrEqualTo(256);
    channel.close();
    assertThat(buffers.getFirst().refCnt()).isZero();
  }

  @Test
  void aRemainingLengthOfFiveBytesIsRefusedAtItsFourth() {
    // Section 2.1.4; MQTT 3.1.1: section 2.2.3
    for (int version = 3; version <= 5; version++) {
      assertThat(Raw.refusal(version, Raw.bytes(0x30, 0x80, 0x80, 0x80, 0x80)))
          .isEqualTo(ReasonCode.MALFORMED_PACKET);
    }
  }

  @Test
  void aRemainingLengthLongerThanNeededIsRefusedInMqtt5Only() {
    // [MQTT5-1.5.5-1]; MQTT 3 says nothing of the kind
    byte[] ping = Raw.bytes(0xC0, 0x80, 0x00);
    assertThat(Raw.refusal(5, ping)).isEqualTo(ReasonCode.MALFORMED_PACKET);
    assertThat(Raw.after(4, ping)).isInstanceOf(Packet.PingRequest.class);
    assertThat(Raw.after(3, Raw.bytes(0xC0, 0x80, 0x80, 0x80, 0x00)))
        .isInstanceOf(Packet.PingRequest.class);
    byte[] connect = Raw.connect(5);
    byte[] longer =
        Raw.bytes(0x10, connect[1] | 0x80, 0, Arrays.copyOfRange(connect, 2, connect.length));
    assertThat(Raw.fault(Raw.decode(longer))).isEqualTo(ReasonCode.MALFORMED_PACKET);
  }

  @Test
  void theFirstPacketIsAConnectAndTheFirstByteShowsIt() {
    // [MQTT5-3.1.0-1]
    for (int first : new int[] {0x00, 0x20, 0x30, 0x40, 0x82, 0xC0, 0xE0, 0xF0, 'G', 0x16}) {
      if (first >> 4 != 1) {
        assertThat(Raw.fault(Raw.decode(new byte[] {(byte) first})))
            .isEqualTo(ReasonCode.PROTOCOL_ERROR);
      }
    }
  }

  @Test
  void aSecondConnectIsAProtocolError() {
    // [MQTT5-3.1.0-2]
    for (int version = 3; version <= 5; version++) {
      assertThat(Raw.refusal(version, Raw.connect(version))).isEqualTo(ReasonCode.PROTOCOL_ERROR);
    }
  }

  @Test
  void packetsOfTheServerAndReservedTypesAreRefused() {
    // Table 2-1
    for (int version = 3; version <= 5; version++) {
      for (int type : new int[] {2, 9, 11, 13}) {
        assertThat(Raw.refusal(version, Raw.packet(type << 4, 0, 1)))
            .isEqualTo(ReasonCode.PROTOCOL_ERROR);
      }
      assertThat(Raw.refusal(version, Raw.packet(0))).isEqualTo(ReasonCode.MALFORMED_PACKET);
    }
    assertThat(Raw.refusal(3, Raw.packet(0xF0))).isEqualTo(ReasonCode.MALFORMED_PACKET);
    assertThat(Raw.refusal(4, Raw.packet(0xF0))).isEqualTo(ReasonCode.MALFORMED_PACKET);
  }

  @Test
  void reservedFlagsHaveTheirValueExceptInMqtt31() {
    // [MQTT5-2.1.3-1], [MQTT5-3.6.1-1], [MQTT5-3.8.1-1], [MQTT5-3.10.1-1], [MQTT5-3.14.1-1],
    // [MQTT5-3.15.1-1]; MQTT 3.1.1: [MQTT-2.2.2-2]
    int[] types = {4, 5, 6, 7, 8, 10, 12, 14, 15};
    for (int type : types) {
      int right = type == 6 || type == 8 || type == 10 ? 2 : 0;
      for (int flags = 0; flags < 16; flags++) {
        if (flags != right) {
          assertThat(Raw.refusal(5, new byte[] {(byte) (type << 4 | flags)}))
              .isEqualTo(ReasonCode.MALFORMED_PACKET);
          assertThat(Raw.refusal(4, new byte[] {(byte) (type << 4 | flags)}))
              .isEqualTo(ReasonCode.MALFORMED_PACKET);
        }
      }
    }
    assertThat(Raw.fault(Raw.decode(Raw.bytes(0x11, Raw.variable(13), "MQTT", 4, 2, 0, 60, "c"))))
        .isEqualTo(ReasonCode.MALFORMED_PACKET);
    // A client of MQTT 3.1 repeats SUBSCRIBE and PUBREL with DUP.
    assertThat(Raw.after(3, Raw.packet(0x8A, 0, 1, "t", 1))).isInstanceOf(Packet.Subscribe.class);
    assertThat(Raw.after(3, Raw.packet(0x6A, 0, 1))).isEqualTo(new Packet.Ack(6, 1, 0));
  }

  @Test
  void whatIsNoBufferGoesOn() {
    EmbeddedChannel channel = Raw.channel();
    channel.writeInbound("x");
    assertThat((String) channel.readInbound()).isEqualTo("x");
  }
}
