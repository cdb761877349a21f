package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class PublishRulesTest {
  private static final byte[] HI = {'h', 'i'};

  private static Packet.Publish publish(Object... properties) {
    return (Packet.Publish) Raw.after(5, Raw.packet(0x30, "t", Raw.properties(properties), HI));
  }

  private static int refused(Object... properties) {
    return Raw.refusal(5, Raw.packet(0x30, "t", Raw.properties(properties), HI));
  }

  @Test
  void flagsIdentifierTopicAndPayloadOfEachVersion() {
    for (int version = 3; version <= 5; version++) {
      Object none = version == 5 ? new byte[] {0} : new byte[0];
      var zero = (Packet.Publish) Raw.after(version, Raw.packet(0x31, "a/ä", none, HI));
      assertThat(zero.qos()).isZero();
      assertThat(zero.retain()).isTrue();
      assertThat(zero.duplicate()).isFalse();
      assertThat(zero.packetId()).isZero();
      assertThat(zero.topic()).isEqualTo(Topic.of("a/ä"));
      assertThat(zero.payload()).containsExactly('h', 'i');
      assertThat(zero.expirySeconds()).isEqualTo(-1);
      var two = (Packet.Publish) Raw.after(version, Raw.packet(0x3C, "t", 255, 254, none));
      assertThat(two.qos()).isEqualTo(2);
      assertThat(two.retain()).isFalse();
      assertThat(two.duplicate()).isTrue();
      assertThat(two.packetId()).isEqualTo(65_534);
      assertThat(two.payload()).isEmpty();
    }
  }

  @Test
  void qos3IsMalformed() {
    // [MQTT5-3.3.1-4]
    for (int version = 3; version <= 5; version++) {
      assertThat(Raw.refusal(version, Raw.packet(0x36, "t", 0, 1, 0))).isEqualTo(0x81);
      assertThat(Raw.refusal(version, new byte[] {0x3F})).isEqualTo(0x81);
    }
  }

  @Test
  void qos0HasNoDuplicates() {
    // [MQTT5-3.3.1-2]; MQTT 3.1 does not forbid it: the flag means nothing there
    assertThat(Raw.refusal(5, Raw.packet(0x38, "t", 0))).isEqualTo(0x81);
    assertThat(Raw.refusal(4, Raw.packet(0x39, "t"))).isEqualTo(0x81);
    assertThat(((Packet.Publish) Raw.after(3, Raw.packet(0x38, "t"))).duplicate()).isFalse();
  }

  @Test
  void packetIdentifier0IsRefused() {
    // [MQTT5-2.2.1-3]; MQTT 3.1.1: [MQTT-2.3.1-1]
    for (int version = 3; version <= 5; version++) {
      assertThat(Raw.refusal(version, Raw.packet(0x32, "t", 0, 0, 0))).isEqualTo(0x82);
      assertThat(Raw.refusal(version, Raw.packet(0x34, "t", 0, 0, 0))).isEqualTo(0x82);
    }
  }

  @Test
  void theTopicIsThereOrItsAliasIs() {
    // [MQTT5-4.7.3-1], section 3.3.2.1
    assertThat(Raw.refusal(3, Raw.packet(0x30, "", HI))).isEqualTo(0x82);
    assertThat(Raw.refusal(4, Raw.packet(0x30, "", HI))).isEqualTo(0x82);
    assertThat(Raw.refusal(5, Raw.packet(0x30, "", 0))).isEqualTo(0x82);
    var alias = (Packet.Publish) Raw.after(5, Raw.packet(0x30, "", Raw.properties(35, 1, 2), HI));
    assertThat(alias.topic()).isNull();
    assertThat(alias.topicAlias()).isEqualTo(258);
    assertThat(publish(35, 0, 1).topic()).isEqualTo(Topic.of("t"));
    // [MQTT5-3.3.2-8]
    assertThat(refused(35, 0, 0)).isEqualTo(0x94);
  }

  @Test
  void theTopicIsANameInUtf8() {
    // [MQTT5-3.3.2-1], [MQTT5-3.3.2-2], [MQTT5-4.7.3-2]
    for (int version = 3; version <= 5; version++) {
      assertThat(Raw.refusal(version, Raw.packet(0x30, "a/#", 0))).isEqualTo(0x90);
      assertThat(Raw.refusal(version, Raw.packet(0x30, "+", 0))).isEqualTo(0x90);
      assertThat(Raw.refusal(version, Raw.packet(0x30, "a\0b", 0))).isEqualTo(0x81);
      assertThat(Raw.refusal(version, Raw.packet(0x30, new byte[] {0, 1, (byte) 0xFF}, 0)))
          .isEqualTo(0x81);
    }
  }

  @Test
  void lengthsStayInThePacket() {
    for (int version = 3; version <= 5; version++) {
      assertThat(Raw.refusal(version, Raw.packet(0x30))).isEqualTo(0x81);
      assertThat(Raw.refusal(version, Raw.packet(0x30, 0))).isEqualTo(0x81);
      assertThat(Raw.refusal(version, Raw.packet(0x30, 0, 5, HI))).isEqualTo(0x81);
      assertThat(Raw.refusal(version, Raw.packet(0x32, "t", 1))).isEqualTo(0x81);
    }
    assertThat(Raw.refusal(5, Raw.packet(0x30, "t"))).isEqualTo(0x81);
    assertThat(Raw.refusal(5, Raw.packet(0x30, "t", 3, 35, 0))).isEqualTo(0x81);
    assertThat(Raw.refusal(5, Raw.packet(0x30, "t", 0x80, 0))).isEqualTo(0x81);
    // A property must end where the properties end, though the packet goes on.
    assertThat(Raw.refusal(5, Raw.packet(0x30, "t", 2, 35, 0, 1, HI))).isEqualTo(0x81);
  }

  @Test
  void whatGoesOnToReceiversIsKeptByteForByteInItsOrder() {
    // [MQTT5-3.3.2-4], -15, -16, -17, -18, -20
    byte[] text = Raw.bytes(1, 1);
    byte[] type = Raw.bytes(3, "application/json");
    byte[] response = Raw.bytes(8, "a/b");
    byte[] correlation = Raw.bytes(9, 0, 2, 0, 255);
    byte[] user = Raw.bytes(38, "k", "v");
    byte[] expiry = Raw.bytes(2, 0, 0, 1, 0);
    byte[] alias = Raw.bytes(35, 0, 9);
    byte[] all = Raw.bytes(user, text, type, response, correlation, user);
    assertThat(publish(all).properties()).isEqualTo(all);
    List<Object[]> orders =
        List.of(
            new Object[] {expiry, alias, all},
            new Object[] {all, alias, expiry},
            new Object[] {alias, all, expiry},
            new Object[] {user, expiry, text, type, response, alias, correlation, user},
            new Object[] {user, alias, expiry, text, type, response, correlation, user});
    for (Object[] order : orders) {
      Packet.Publish got = publish(order);
      assertThat(got.properties()).isEqualTo(all);
      assertThat(got.expirySeconds()).isEqualTo(256);
      assertThat(got.topicAlias()).isEqualTo(9);
      assertThat(got.payload()).isEqualTo(HI);
    }
    assertThat(publish(expiry, alias).properties()).isEmpty();
    assertThat(publish(2, 255, 255, 255, 255).expirySeconds()).isEqualTo(0xFFFF_FFFFL);
  }

  @Test
  void aClientSendsNoSubscriptionIdentifier() {
    // [MQTT5-3.3.4-6]
    assertThat(refused(11, 1)).isEqualTo(0x82);
  }

  @Test
  void propertiesKeepTheirRangesAndComeOnce() {
    // Sections 2.2.2.2, 3.3.2.3; [MQTT5-3.3.2-14], [MQTT5-3.3.2-13], [MQTT5-3.3.2-19]
    assertThat(refused(1, 2)).isEqualTo(0x82);
    assertThat(refused(8, "a/+")).isEqualTo(0x82);
    assertThat(refused(8, "#")).isEqualTo(0x82);
    assertThat(refused(8, "")).isEqualTo(0x82);
    assertThat(refused(8, "a\0")).isEqualTo(0x81);
    assertThat(refused(3, new byte[] {0, 1, (byte) 0x80})).isEqualTo(0x81);
    assertThat(refused(38, "k", "\0")).isEqualTo(0x81);
    assertThat(refused(38, "k")).isEqualTo(0x81);
    Object[][] once = {{1, 0}, {2, 0, 0, 0, 0}, {3, ""}, {8, "r"}, {9, ""}, {35, 0, 1}};
    for (Object[] property : once) {
      byte[] bytes = Raw.bytes(property);
      assertThat(refused(bytes, bytes)).isEqualTo(0x82);
    }
    for (int foreign = 0; foreign < 256; foreign++) {
      if (!List.of(1, 2, 3, 8, 9, 11, 35, 38).contains(foreign)) {
        assertThat(refused(foreign, 0, 1, 0, 1)).isEqualTo(0x81);
      }
    }
  }

  @Test
  void aPayloadThatIsNotTheTextItSaysItIsComesThroughForTheEngineToAnswer() {
    // Section 3.3.2.3.2: the receiver may answer 0x99 with PUBACK or PUBREC
    var got =
        (Packet.Publish)
            Raw.after(5, Raw.packet(0x30, "t", Raw.properties(1, 1), new byte[] {(byte) 0xE4}));
    assertThat(Utf8.isText(got.payload())).isFalse();
  }
}
