package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Utf8Test {
  /** Surrogates, over-long forms, beyond U+10FFFF, cut off, lone continuation, never used. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "eda080",
        "edbfbf",
        "c080",
        "c1bf",
        "e08080",
        "e09fbf",
        "f08fbfbf",
        "f0808080",
        "f4908080",
        "f5808080",
        "ff",
        "fe",
        "80",
        "bf",
        "c3",
        "e282",
        "f09f98",
        "c328",
        "e28228",
        "f09f9828"
      })
  void illFormedBytesAreRefusedWhereverTheyStand(String hex) {
    // [MQTT5-1.5.4-1]; MQTT 3.1.1: [MQTT-1.5.3-1]
    byte[] bad = HexFormat.of().parseHex(hex);
    for (int before = 0; before < 20; before++) {
      byte[] bytes = Raw.bytes("x".repeat(before).getBytes(StandardCharsets.UTF_8), bad);
      refused(bytes);
      refused(Raw.bytes(bytes, "yyyyyyyyyyyy".getBytes(StandardCharsets.UTF_8)));
      assertThat(Utf8.isText(bytes)).isFalse();
    }
  }

  @Test
  void zeroIsRefusedInStringsButIsACharacterOfPayloads() {
    // [MQTT5-1.5.4-2]; MQTT 3.1.1: [MQTT-1.5.3-2]; payloads: RFC 3629
    for (int at = 0; at < 20; at++) {
      byte[] bytes = "x".repeat(20).getBytes(StandardCharsets.UTF_8);
      bytes[at] = 0;
      refused(bytes);
      refused(Raw.bytes("ä".getBytes(StandardCharsets.UTF_8), bytes));
      assertThat(Utf8.isText(bytes)).isTrue();
    }
  }

  @Test
  void aByteOrderMarkStaysACharacter() throws Exception {
    // [MQTT5-1.5.4-3]
    assertThat(Utf8.decode(HexFormat.of().parseHex("efbbbf61"))).isEqualTo("\uFEFFa");
  }

  @Test
  void theJdksStrictDecoderSaysTheSame() throws Exception {
    Random random = new Random(7);
    for (int round = 0; round < 50_000; round++) {
      byte[] bytes = new byte[random.nextInt(12)];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] =
            (byte)
                switch (random.nextInt(4)) {
                  case 0 -> 0x80 + random.nextInt(0x40);
                  case 1 -> 0xC0 + random.nextInt(0x40);
                  default -> 1 + random.nextInt(0x7F);
                };
      }
      String expected;
      try {
        expected = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      } catch (CharacterCodingException e) {
        refused(bytes);
        continue;
      }
      assertThat(Utf8.decode(bytes)).isEqualTo(expected);
      assertThat(Utf8.isText(bytes)).isTrue();
      Utf8.check(Unpooled.wrappedBuffer(bytes), 0, bytes.length);
    }
  }

  private static void refused(byte[] bytes) {
    ByteBuf in = Unpooled.wrappedBuffer(bytes);
    assertThatThrownBy(() -> Utf8.decode(bytes)).isInstanceOf(MalformedPacketException.class);
    assertThatThrownBy(() -> Utf8.check(in, 0, bytes.length))
        .isInstanceOfSatisfying(
            MalformedPacketException.class,
            e -> assertThat(e.reasonCode()).isEqualTo(ReasonCode.MALFORMED_PACKET));
  }
}
