package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.mqtt.MqttDecoder;
import io.netty.handler.codec.mqtt.MqttPublishMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a client takes from a server, and what it does not. */
class ServerPacketDecoderTest {
  private static final byte[] GOOD5 = Raw.packet(0x20, 0, 0, Raw.properties());
  private static final byte[] GOOD4 = Raw.packet(0x20, 0, 0);

  private static List<Object> decode(int version, int piece, byte[]... packets) {
    EmbeddedChannel channel = new EmbeddedChannel(new ServerPacketDecoder(version, 1 << 16));
    byte[] all = Raw.bytes((Object[]) packets);
    for (int at = 0; at < all.length; at += piece) {
      channel.writeInbound(Unpooled.copiedBuffer(all, at, Math.min(piece, all.length - at)));
    }
    List<Object> out = new ArrayList<>();
    for (Object o = channel.readInbound(); o != null; o = channel.readInbound()) {
      out.add(o);
    }
    channel.finishAndReleaseAll();
    return out;
  }

  static Stream<Arguments> faults() {
    return Stream.of(
        Arguments.of("something before CONNACK", 5, Raw.packet(0xD0)),
        Arguments.of("a second CONNACK", 5, Raw.bytes(GOOD5, GOOD5)),
        Arguments.of(
            "session present in a refusal", 5, Raw.packet(0x20, 1, 0x87, Raw.properties())),
        Arguments.of("reserved flags of CONNACK", 4, Raw.packet(0x20, 2, 0)),
        Arguments.of("flags of the fixed header", 4, Raw.bytes(GOOD4, Raw.packet(0xD1))),
        Arguments.of("CONNECT from a server", 5, Raw.bytes(GOOD5, Raw.connect(5))),
        Arguments.of("PUBREC, nobody uses QoS 2", 5, Raw.bytes(GOOD5, Raw.packet(0x50, 0, 1))),
        Arguments.of("AUTH without a method", 5, Raw.bytes(GOOD5, Raw.packet(0xF0))),
        Arguments.of("DISCONNECT in MQTT 3.1.1", 4, Raw.bytes(GOOD4, Raw.packet(0xE0))),
        Arguments.of(
            "a message of QoS 2",
            5,
            Raw.bytes(GOOD5, Raw.packet(0x34, "t", 0, 1, Raw.properties()))),
        Arguments.of("DUP with QoS 0", 4, Raw.bytes(GOOD4, Raw.packet(0x38, "t"))),
        Arguments.of("a topic with a wildcard", 4, Raw.bytes(GOOD4, Raw.packet(0x30, "t/#"))),
        Arguments.of("an empty topic", 4, Raw.bytes(GOOD4, Raw.packet(0x30, ""))),
        Arguments.of("packet identifier 0", 4, Raw.bytes(GOOD4, Raw.packet(0x32, "t", 0, 0))),
        Arguments.of(
            "a packet shorter than its topic", 4, Raw.bytes(GOOD4, Raw.packet(0x30, 0, 9, 65))),
        Arguments.of(
            "a topic alias that was not allowed",
            5,
            Raw.bytes(GOOD5, Raw.packet(0x30, "t", Raw.properties(35, 0, 1)))),
        Arguments.of(
            "a property twice",
            5,
            Raw.bytes(GOOD5, Raw.packet(0x30, "t", Raw.properties(3, "a", 3, "b")))),
        Arguments.of(
            "a property of another packet",
            5,
            Raw.bytes(GOOD5, Raw.packet(0x30, "t", Raw.properties(33, 0, 1)))),
        Arguments.of(
            "a response topic with a wildcard",
            5,
            Raw.bytes(GOOD5, Raw.packet(0x30, "t", Raw.properties(8, "a/+")))),
        Arguments.of("receive maximum 0", 5, Raw.packet(0x20, 0, 0, Raw.properties(33, 0, 0))),
        Arguments.of("SUBACK with QoS 2", 4, Raw.bytes(GOOD4, Raw.packet(0x90, 0, 1, 2))),
        Arguments.of("SUBACK without codes", 4, Raw.bytes(GOOD4, Raw.packet(0x90, 0, 1))),
        Arguments.of("a tail behind PINGRESP", 4, Raw.bytes(GOOD4, Raw.packet(0xD0, 1))),
        Arguments.of(
            "a packet beyond what was allowed", 4, Raw.bytes(GOOD4, 0x30, Raw.variable(1 << 17))),
        Arguments.of(
            "a remaining length of five bytes",
            4,
            Raw.bytes(GOOD4, 0x30, 0x80, 0x80, 0x80, 0x80, 1)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("faults")
  void aFaultIsToldOnceAndNothingComesAfterIt(String what, int version, byte[] bytes) {
    List<Object> out = decode(version, 4096, bytes, version == 5 ? GOOD5 : GOOD4);
    assertThat(out.getLast()).as(what).isInstanceOf(MalformedPacketException.class);
    assertThat(out).filteredOn(o -> o instanceof MalformedPacketException).hasSize(1);
  }

  @Test
  void aPacketIsTheSameHoweverTheStreamIsCut() {
    byte[] publish =
        Raw.packet(
            0x33,
            "a/b",
            0,
            7,
            Raw.properties(
                1, 1, 2, 0, 0, 0, 9, 3, "ct", 8, "re", 9, 0, 1, 5, 11, 3, 11, 4, 38, "k", "v", 38,
                "k", "w"),
            new byte[300]);
    for (int piece : new int[] {1, 2, 7, 4096}) {
      List<Object> out =
          decode(
              5,
              piece,
              Raw.packet(0x20, 1, 0, Raw.properties(33, 0, 9, 36, 1, 18, "me", 19, 0, 60)),
              publish,
              Raw.packet(0x40, 0, 9, 0x10),
              Raw.packet(0xE0, 0x8E));
      assertThat(out).hasSize(4);
      var ack = (ServerPacket.ConnAck) out.get(0);
      assertThat(ack.receiveMaximum()).isEqualTo(9);
      assertThat(ack.maximumQos()).isEqualTo(1);
      assertThat(ack.assignedClientId()).isEqualTo("me");
      assertThat(ack.serverKeepAliveSeconds()).isEqualTo(60);
      var message = ((ServerPacket.Publish) out.get(1)).message();
      assertThat(message.payload()).hasSize(300);
      assertThat(message.retain()).isTrue();
      assertThat(message.properties().userProperties())
          .containsExactly(
              new MessageProperties.UserProperty("k", "v"),
              new MessageProperties.UserProperty("k", "w"));
      assertThat(message.properties().expirySeconds()).isEqualTo(9);
      assertThat(message.properties().correlationData()).containsExactly(5);
      assertThat(out.get(2)).isEqualTo(new ServerPacket.PubAck(9, 0x10, null));
      assertThat(out.get(3)).isEqualTo(new ServerPacket.Disconnect(0x8E, null));
    }
  }

  @Test
  void bytesThatNobodyChoseEndInAFaultAndNeverInAnythingElse() {
    Random random = new Random(20261121);
    for (int round = 0; round < 20_000; round++) {
      int version = random.nextBoolean() ? 5 : 4;
      byte[] body = new byte[random.nextInt(40)];
      random.nextBytes(body);
      int type = 2 + random.nextInt(13);
      byte[] packet = Raw.packet(type << 4 | random.nextInt(4), body);
      byte[] greeting = version == 5 ? GOOD5 : GOOD4;
      List<Object> whole = decode(version, 4096, greeting, packet);
      List<Object> cut = decode(version, 1 + random.nextInt(5), greeting, packet);
      assertThat(cut).hasSameSizeAs(whole);
      assertThat(whole)
          .allMatch(o -> o instanceof ServerPacket || o instanceof MalformedPacketException);
    }
  }

  @Test
  void whatTheEncoderWritesAnotherDecoderReads() {
    MessageProperties properties =
        new MessageProperties(
            true,
            4_000_000_000L,
            "text/plain",
            "re/ply",
            new byte[] {1, 2},
            List.of(new MessageProperties.UserProperty("ü", "\uD83D\uDE00")));
    io.ryegrass.mqtt.MqttMessage m =
        new io.ryegrass.mqtt.MqttMessage("a/ü", new byte[200], 1, true, properties);
    assertThat(properties.fault()).isNull();
    ByteBuf out = ClientPacketEncoder.publish(UnpooledByteBufAllocator.DEFAULT, 5, m, 77);
    assertThat((long) out.readableBytes()).isEqualTo(ClientPacketEncoder.publishSize(5, m));
    EmbeddedChannel netty = new EmbeddedChannel(new MqttDecoder(1 << 16, 65_535));
    MqttClientOptions options =
        new MqttClientOptions(
            5,
            "me",
            false,
            5,
            60,
            java.time.Duration.ofSeconds(1),
            java.time.Duration.ofSeconds(1),
            10,
            1 << 16);
    netty.writeInbound(ClientPacketEncoder.connect(UnpooledByteBufAllocator.DEFAULT, options));
    io.netty.handler.codec.mqtt.MqttConnectMessage connect = netty.readInbound();
    assertThat(connect.decoderResult().isSuccess()).isTrue();
    assertThat(connect.payload().clientIdentifier()).isEqualTo("me");
    assertThat(connect.variableHeader().isCleanSession()).isFalse();
    netty.writeInbound(out);
    MqttPublishMessage read = netty.readInbound();
    assertThat(read.decoderResult().isSuccess()).isTrue();
    assertThat(read.variableHeader().topicName()).isEqualTo("a/ü");
    assertThat(read.variableHeader().packetId()).isEqualTo(77);
    assertThat(read.variableHeader().properties().listAll()).hasSize(6);
    assertThat(read.content().readableBytes()).isEqualTo(200);
    read.release();
    netty.finishAndReleaseAll();
  }

  @Test
  void textThatMqttCannotCarryIsFoundBeforeItIsSent() {
    assertThat(MessageProperties.isNoText("a\0")).isTrue();
    assertThat(MessageProperties.isNoText("\uD83D")).isTrue();
    assertThat(MessageProperties.isNoText("\uDE00\uD83D")).isTrue();
    assertThat(MessageProperties.isNoText("\uD83D\uDE00")).isFalse();
    assertThat(MessageProperties.isNoText("x".repeat(65_536))).isTrue();
    assertThat(MessageProperties.isNoText("ü".repeat(32_768))).isTrue();
    assertThat(MessageProperties.isNoText("x".repeat(65_535))).isFalse();
  }
}
