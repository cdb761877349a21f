package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.Arrays;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Byte for byte. */
class PacketEncoderTest {
  private static byte[] written(Consumer<ByteBuf> writer) {
    ByteBuf out = Unpooled.buffer(1);
    writer.accept(out);
    return ByteBufUtil.getBytes(out);
  }

  private static Queued queued(int qos, boolean retain, byte[] properties, int... identifiers) {
    Message message = new Message(Topic.of("a/ä"), new byte[] {1, 2}, 2, true, properties, 0, null);
    return new Queued(0, message, qos, retain, identifiers, 0);
  }

  private static byte[] publish(
      int version, Queued queued, boolean dup, int alias, boolean name, long expiry) {
    byte[] got =
        written(
            out -> PacketEncoder.publish(out, version, queued, 0xFFFE, dup, alias, name, expiry));
    assertThat(PacketEncoder.publishSize(version, queued, 0xFFFE, dup, alias, name, expiry))
        .isEqualTo(got.length);
    return got;
  }

  @Test
  void publishOfMqtt3HasTopicIdentifierAndPayload() {
    byte[] two = {1, 2};
    byte[] properties = {1, 1};
    for (int version = 3; version <= 4; version++) {
      assertThat(publish(version, queued(0, false, properties, 5), true, 9, false, 7))
          .isEqualTo(Raw.packet(0x30, "a/ä", two));
      assertThat(publish(version, queued(1, true, properties, 5), false, 9, false, 7))
          .isEqualTo(Raw.packet(0x33, "a/ä", 0xFF, 0xFE, two));
      assertThat(publish(version, queued(2, false, properties), true, 0, true, -1))
          .isEqualTo(Raw.packet(0x3C, "a/ä", 0xFF, 0xFE, two));
    }
  }

  @Test
  void publishOfMqtt5HasExpiryAliasIdentifiersAndWhatThePublisherSent() {
    // [MQTT5-3.3.2-4], [MQTT5-3.3.2-6], [MQTT5-3.3.2-17], [MQTT5-3.3.4-3]
    byte[] two = {1, 2};
    byte[] forwarded = Raw.bytes(1, 1, 38, "k", "v");
    assertThat(publish(5, queued(0, false, new byte[0]), false, 0, true, -1))
        .isEqualTo(Raw.packet(0x30, "a/ä", 0, two));
    assertThat(publish(5, queued(1, true, forwarded, 1, 300), true, 9, false, 0xFFFF_FFFFL))
        .isEqualTo(
            Raw.packet(
                0x3B,
                "",
                0xFF,
                0xFE,
                Raw.properties(2, 255, 255, 255, 255, 35, 0, 9, 11, 1, 11, 0xAC, 0x02, forwarded),
                two));
  }

  @Test
  void lengthsAreInTheirShortestFormAtEveryStep() {
    // [MQTT5-1.5.5-1]
    for (int size :
        new int[] {124, 125, 126, 127, 128, 16_379, 16_380, 16_381, 2_097_148, 2_097_149}) {
      Message message = new Message(Topic.of("t"), new byte[size], 0, false, new byte[0], 0, null);
      Queued queued = new Queued(0, message, 0, false, Queued.NO_IDENTIFIERS, 0);
      assertThat(publish(4, queued, false, 0, true, -1))
          .isEqualTo(Raw.packet(0x30, "t", new byte[size]));
    }
  }

  @Test
  void acknowledgementsAreAsShortAsTheyCanBe() {
    // Section 3.4.2.1, [MQTT5-3.6.1-1]
    for (int version = 3; version <= 5; version++) {
      int v = version;
      assertThat(written(out -> PacketEncoder.ack(out, v, 4, 0xABCD, 0, null)))
          .isEqualTo(Raw.packet(0x40, 0xAB, 0xCD));
      assertThat(written(out -> PacketEncoder.ack(out, v, 6, 1, 0, null)))
          .isEqualTo(Raw.packet(0x62, 0, 1));
    }
    assertThat(written(out -> PacketEncoder.ack(out, 4, 5, 1, 0x87, "no")))
        .isEqualTo(Raw.packet(0x50, 0, 1));
    assertThat(written(out -> PacketEncoder.ack(out, 5, 5, 1, 0x87, null)))
        .isEqualTo(Raw.packet(0x50, 0, 1, 0x87));
    assertThat(written(out -> PacketEncoder.ack(out, 5, 7, 1, 0x92, "nö")))
        .isEqualTo(Raw.packet(0x70, 0, 1, 0x92, Raw.properties(31, "nö")));
  }

  @Test
  void aRefusedConnectHasTheReturnCodeOfItsVersionOrNone() {
    // MQTT 3.1.1: [MQTT-3.2.2-4], [MQTT-3.2.2-6]
    int[][] pairs = {
      {0, 0}, {0x84, 1}, {0x85, 2}, {0x88, 3}, {0x89, 3}, {0x97, 3}, {0x9F, 3}, {0x86, 4},
      {0x87, 5}, {0x8A, 5}, {0x8C, 5}
    };
    for (int[] pair : pairs) {
      int present = pair[0] == 0 ? 1 : 0;
      assertThat(written(out -> connAck(out, 4, pair[0])))
          .isEqualTo(Raw.packet(0x20, present, pair[1]));
      assertThat(written(out -> connAck(out, 3, pair[0]))).isEqualTo(Raw.packet(0x20, 0, pair[1]));
      assertThat(written(out -> connAck(out, 5, pair[0])))
          .isEqualTo(Raw.packet(0x20, present, pair[0], 0));
    }
    for (int reason : new int[] {0x81, 0x82, 0x90, 0x95, 0x99, 0x9A, 0x9B}) {
      ByteBuf out = Unpooled.buffer();
      assertThat(PacketEncoder.connAck(out, 4, false, reason, ConnAckProperties.NONE)).isFalse();
      assertThat(out.readableBytes()).isZero();
    }
  }

  private static void connAck(ByteBuf out, int version, int reasonCode) {
    assertThat(PacketEncoder.connAck(out, version, true, reasonCode, ConnAckProperties.NONE))
        .isTrue();
  }

  @Test
  void subAckTellsMqtt31NothingOfARefusal() {
    int[] codes = {0, 1, 2, 0x87, 0x8F};
    assertThat(written(out -> PacketEncoder.subAck(out, 5, 9, codes)))
        .isEqualTo(Raw.packet(0x90, 0, 9, 0, 0, 1, 2, 0x87, 0x8F));
    // MQTT 3.1.1: [MQTT-3.9.3-2]
    assertThat(written(out -> PacketEncoder.subAck(out, 4, 9, codes)))
        .isEqualTo(Raw.packet(0x90, 0, 9, 0, 1, 2, 0x80, 0x80));
    // MQTT 3.1, section 3.9
    assertThat(written(out -> PacketEncoder.subAck(out, 3, 9, codes)))
        .isEqualTo(Raw.packet(0x90, 0, 9, 0, 1, 2, 0, 0));
  }

  @Test
  void theSmallPackets() {
    assertThat(written(PacketEncoder::pingResp)).isEqualTo(Raw.packet(0xD0));
    assertThat(written(out -> PacketEncoder.unsubAck(out, 4, 9, new int[] {0x11})))
        .isEqualTo(Raw.packet(0xB0, 0, 9));
    assertThat(written(out -> PacketEncoder.unsubAck(out, 5, 9, new int[] {0, 0x11})))
        .isEqualTo(Raw.packet(0xB0, 0, 9, 0, 0, 0x11));
    assertThat(written(out -> PacketEncoder.disconnect(out, 0, null))).isEqualTo(Raw.packet(0xE0));
    assertThat(written(out -> PacketEncoder.disconnect(out, 0x8E, null)))
        .isEqualTo(Raw.packet(0xE0, 0x8E));
    assertThat(written(out -> PacketEncoder.disconnect(out, 0x8E, "elsewhere")))
        .isEqualTo(Raw.packet(0xE0, 0x8E, Raw.properties(31, "elsewhere")));
    int[] many = new int[300];
    Arrays.fill(many, 1);
    assertThat(written(out -> PacketEncoder.subAck(out, 5, 9, many))).hasSize(3 + 303);
  }

  @Test
  void aTextTooLongForItsLengthIsNotWrittenInPart() {
    ByteBuf out = Unpooled.buffer();
    assertThatThrownBy(() -> PacketEncoder.disconnect(out, 0x80, "x".repeat(70_000)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(out.readableBytes()).isZero();
  }
}
