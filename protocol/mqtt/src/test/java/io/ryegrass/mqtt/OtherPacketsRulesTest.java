package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OtherPacketsRulesTest {
  private static final byte[] BAD_TEXT = {0, 3, (byte) 0xED, (byte) 0xA0, (byte) 0x80};

  // PUBACK, PUBREC, PUBREL, PUBCOMP

  @Test
  void acknowledgementsOfMqtt3AreTwoBytes() {
    for (int version = 3; version <= 4; version++) {
      for (int first : new int[] {0x40, 0x50, 0x62, 0x70}) {
        assertThat(Raw.after(version, Raw.packet(first, 1, 2)))
            .isEqualTo(new Packet.Ack(first >> 4, 258, 0));
        assertThat(Raw.refusal(version, Raw.packet(first, 0, 1, 0))).isEqualTo(0x81);
        assertThat(Raw.refusal(version, Raw.packet(first, 0))).isEqualTo(0x81);
        assertThat(Raw.refusal(version, Raw.packet(first, 0, 0))).isEqualTo(0x82);
      }
    }
  }

  @Test
  void reasonCodeAndPropertiesOfAcknowledgementsMayBeMissing() {
    // Sections 3.4.2.1, 3.4.2.2.1, 3.5.2, 3.6.2, 3.7.2
    for (int first : new int[] {0x40, 0x50, 0x62, 0x70}) {
      int type = first >> 4;
      int code = type < 6 ? 0x87 : 0x92;
      assertThat(Raw.after(5, Raw.packet(first, 0, 1))).isEqualTo(new Packet.Ack(type, 1, 0));
      assertThat(Raw.after(5, Raw.packet(first, 0, 1, code)))
          .isEqualTo(new Packet.Ack(type, 1, code));
      assertThat(Raw.after(5, Raw.packet(first, 0, 1, code, 0)))
          .isEqualTo(new Packet.Ack(type, 1, code));
      byte[] properties = Raw.properties(38, "k", "v", 31, "why", 38, "k", "v");
      assertThat(Raw.after(5, Raw.packet(first, 0, 1, code, properties)))
          .isEqualTo(new Packet.Ack(type, 1, code));
      assertThat(Raw.refusal(5, Raw.packet(first, 0, 1, code, 0, 0))).isEqualTo(0x81);
      assertThat(Raw.refusal(5, Raw.packet(first, 0, 1, code, Raw.properties(31, "", 31, ""))))
          .isEqualTo(0x82);
      assertThat(Raw.refusal(5, Raw.packet(first, 0, 1, code, Raw.properties(31, BAD_TEXT))))
          .isEqualTo(0x81);
      assertThat(Raw.refusal(5, Raw.packet(first, 0, 1, code, Raw.properties(17, 0, 0, 0, 0))))
          .isEqualTo(0x81);
      assertThat(Raw.refusal(5, Raw.packet(first, 0, 0, code))).isEqualTo(0x82);
    }
  }

  @Test
  void reasonCodesAreThoseThatAClientMaySend() {
    // [MQTT5-3.4.2-1], [MQTT5-3.5.2-1], [MQTT5-3.6.2-1], [MQTT5-3.7.2-1]
    Set<Integer> publish = Set.of(0, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99);
    Set<Integer> release = Set.of(0, 0x92);
    for (int code = 0; code < 256; code++) {
      for (int first : new int[] {0x40, 0x50, 0x62, 0x70}) {
        byte[] packet = Raw.packet(first, 0, 1, code);
        if ((first < 0x60 ? publish : release).contains(code)) {
          assertThat(Raw.after(5, packet)).isEqualTo(new Packet.Ack(first >> 4, 1, code));
        } else {
          assertThat(Raw.refusal(5, packet)).isEqualTo(0x82);
        }
      }
    }
  }

  // SUBSCRIBE

  @Test
  void subscribeOfMqtt3HasFiltersAndQos() {
    for (int version = 3; version <= 4; version++) {
      assertThat(Raw.after(version, Raw.packet(0x82, 1, 2, "a/#", 1, "b", 0, "", 2)))
          .isEqualTo(
              new Packet.Subscribe(
                  258,
                  List.of(
                      new Subscription("a/#", 1, false, false, 0, 0),
                      new Subscription("b", 0, false, false, 0, 0),
                      new Subscription("", 2, false, false, 0, 0))));
    }
  }

  @Test
  void subscribeOfMqtt5HasOptionsAndAnIdentifier() {
    // Sections 3.8.2.1.2, 3.8.3.1
    byte[] properties = Raw.properties(38, "k", "v", 11, 0xFF, 0xFF, 0xFF, 0x7F);
    assertThat(
            Raw.after(5, Raw.packet(0x82, 0, 1, properties, "a", 0x2E, "$share/g/b", 0x19, "c", 0)))
        .isEqualTo(
            new Packet.Subscribe(
                1,
                List.of(
                    new Subscription("a", 2, true, true, 2, 268_435_455),
                    new Subscription("$share/g/b", 1, false, true, 1, 268_435_455),
                    new Subscription("c", 0, false, false, 0, 268_435_455))));
  }

  @Test
  void subscribeAndUnsubscribeHaveAFilter() {
    // [MQTT5-3.8.3-2], [MQTT5-3.10.3-2]; MQTT 3.1.1: [MQTT-3.8.3-3], [MQTT-3.10.3-2]
    for (int first : new int[] {0x82, 0xA2}) {
      assertThat(Raw.refusal(3, Raw.packet(first, 0, 1))).isEqualTo(0x82);
      assertThat(Raw.refusal(4, Raw.packet(first, 0, 1))).isEqualTo(0x82);
      assertThat(Raw.refusal(5, Raw.packet(first, 0, 1, 0))).isEqualTo(0x82);
      assertThat(Raw.refusal(5, Raw.packet(first, 0, 1))).isEqualTo(0x81);
    }
  }

  @Test
  void packetIdentifier0IsRefused() {
    // [MQTT5-2.2.1-3]; MQTT 3.1.1: [MQTT-2.3.1-1]
    for (int first : new int[] {0x82, 0xA2}) {
      assertThat(Raw.refusal(4, Raw.packet(first, 0, 0, "t", 0))).isEqualTo(0x82);
      assertThat(Raw.refusal(5, Raw.packet(first, 0, 0, 0, "t", 0))).isEqualTo(0x82);
    }
  }

  @Test
  void filtersAreUtf8AndWhole() {
    // [MQTT5-3.8.3-1], [MQTT5-3.10.3-1]
    assertThat(Raw.refusal(4, Raw.packet(0x82, 0, 1, BAD_TEXT, 0))).isEqualTo(0x81);
    assertThat(Raw.refusal(4, Raw.packet(0x82, 0, 1, "a\0", 0))).isEqualTo(0x81);
    assertThat(Raw.refusal(4, Raw.packet(0x82, 0, 1, "a"))).isEqualTo(0x81);
    assertThat(Raw.refusal(4, Raw.packet(0x82, 0, 1, "a", 0, 0, 9))).isEqualTo(0x81);
    assertThat(Raw.refusal(4, Raw.packet(0xA2, 0, 1, BAD_TEXT))).isEqualTo(0x81);
    assertThat(Raw.refusal(4, Raw.packet(0xA2, 0, 1, "a\0"))).isEqualTo(0x81);
    assertThat(Raw.refusal(4, Raw.packet(0xA2, 0, 1, "a", 0))).isEqualTo(0x81);
  }

  @Test
  void reservedBitsOfOptionsAreZero() {
    // [MQTT5-3.8.3-5]; MQTT 3.1.1: [MQTT-3.8.3-4]; MQTT 3.1: "not used"
    for (int bit : new int[] {0x40, 0x80, 0xC0}) {
      assertThat(Raw.refusal(5, Raw.packet(0x82, 0, 1, 0, "t", bit | 1))).isEqualTo(0x81);
    }
    for (int bit = 4; bit <= 0x80; bit *= 2) {
      assertThat(Raw.refusal(4, Raw.packet(0x82, 0, 1, "t", bit | 1))).isEqualTo(0x81);
      assertThat(Raw.after(3, Raw.packet(0x82, 0, 1, "t", bit | 1)))
          .isEqualTo(
              new Packet.Subscribe(1, List.of(new Subscription("t", 1, false, false, 0, 0))));
    }
  }

  @Test
  void qos3RetainHandling3AndNoLocalOnASharedSubscriptionAreProtocolErrors() {
    // Section 3.8.3.1, [MQTT5-3.8.3-4]
    assertThat(Raw.refusal(3, Raw.packet(0x82, 0, 1, "t", 3))).isEqualTo(0x82);
    assertThat(Raw.refusal(4, Raw.packet(0x82, 0, 1, "t", 3))).isEqualTo(0x82);
    assertThat(Raw.refusal(5, Raw.packet(0x82, 0, 1, 0, "t", 3))).isEqualTo(0x82);
    assertThat(Raw.refusal(5, Raw.packet(0x82, 0, 1, 0, "t", 0x30))).isEqualTo(0x82);
    assertThat(Raw.refusal(5, Raw.packet(0x82, 0, 1, 0, "$share/g/t", 4))).isEqualTo(0x82);
    // The fault of a later filter refuses the packet as well.
    assertThat(Raw.refusal(5, Raw.packet(0x82, 0, 1, 0, "t", 0, "t", 0x31))).isEqualTo(0x82);
  }

  @Test
  void theSubscriptionIdentifierIsNotZeroComesOnceAndIsShortest() {
    // Section 3.8.2.1.2, [MQTT5-1.5.5-1]
    assertThat(Raw.refusal(5, Raw.packet(0x82, 0, 1, Raw.properties(11, 0), "t", 0)))
        .isEqualTo(0x82);
    assertThat(Raw.refusal(5, Raw.packet(0x82, 0, 1, Raw.properties(11, 1, 11, 2), "t", 0)))
        .isEqualTo(0x82);
    assertThat(Raw.refusal(5, Raw.packet(0x82, 0, 1, Raw.properties(11, 0x81, 0), "t", 0)))
        .isEqualTo(0x81);
    assertThat(
            Raw.refusal(
                5, Raw.packet(0x82, 0, 1, Raw.properties(11, 0x80, 0x80, 0x80, 0x80, 1), "t", 0)))
        .isEqualTo(0x81);
    assertThat(Raw.refusal(5, Raw.packet(0x82, 0, 1, Raw.properties(31, "x"), "t", 0)))
        .isEqualTo(0x81);
  }

  // UNSUBSCRIBE

  @Test
  void unsubscribeHasFiltersAndInMqtt5UserProperties() {
    var expected = new Packet.Unsubscribe(258, List.of("a", "", "b/#"));
    assertThat(Raw.after(3, Raw.packet(0xA2, 1, 2, "a", "", "b/#"))).isEqualTo(expected);
    assertThat(Raw.after(4, Raw.packet(0xA2, 1, 2, "a", "", "b/#"))).isEqualTo(expected);
    byte[] properties = Raw.properties(38, "k", "v", 38, "k", "v");
    assertThat(Raw.after(5, Raw.packet(0xA2, 1, 2, properties, "a", "", "b/#")))
        .isEqualTo(expected);
    assertThat(Raw.refusal(5, Raw.packet(0xA2, 1, 2, Raw.properties(11, 1), "a"))).isEqualTo(0x81);
  }

  // PINGREQ, DISCONNECT

  @Test
  void pingHasNoBodyAndDisconnectOfMqtt3NeitherHas() {
    // Section 3.12; MQTT 3.1.1: section 3.14
    for (int version = 3; version <= 5; version++) {
      assertThat(Raw.after(version, Raw.packet(0xC0))).isInstanceOf(Packet.PingRequest.class);
      assertThat(Raw.refusal(version, Raw.packet(0xC0, 0))).isEqualTo(0x81);
      assertThat(Raw.after(version, Raw.packet(0xE0))).isEqualTo(new Packet.Disconnect(0, -1));
    }
    assertThat(Raw.refusal(3, Raw.packet(0xE0, 0))).isEqualTo(0x81);
    assertThat(Raw.refusal(4, Raw.packet(0xE0, 0))).isEqualTo(0x81);
  }

  @Test
  void disconnectOfMqtt5HasAReasonAndProperties() {
    // Sections 3.14.2.1, 3.14.2.2
    assertThat(Raw.after(5, Raw.packet(0xE0, 4))).isEqualTo(new Packet.Disconnect(4, -1));
    assertThat(Raw.after(5, Raw.packet(0xE0, 4, 0))).isEqualTo(new Packet.Disconnect(4, -1));
    byte[] properties = Raw.properties(31, "why", 17, 0, 0, 1, 0, 38, "k", "v");
    assertThat(Raw.after(5, Raw.packet(0xE0, 0, properties)))
        .isEqualTo(new Packet.Disconnect(0, 256));
    assertThat(Raw.refusal(5, Raw.packet(0xE0, 0, 0, 0))).isEqualTo(0x81);
    byte[] twice = Raw.properties(17, 0, 0, 0, 1, 17, 0, 0, 0, 1);
    assertThat(Raw.refusal(5, Raw.packet(0xE0, 0, twice))).isEqualTo(0x82);
    // Section 3.14.2.2.5: a server reference is the server's
    assertThat(Raw.refusal(5, Raw.packet(0xE0, 0, Raw.properties(28, "s")))).isEqualTo(0x82);
    assertThat(Raw.refusal(5, Raw.packet(0xE0, 0, Raw.properties(33, 0, 1)))).isEqualTo(0x81);
  }

  @Test
  void aClientDisconnectsForReasonsOfAClient() {
    // [MQTT5-3.14.2-1], table 3-10
    Set<Integer> allowed =
        Set.of(0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99);
    for (int code = 0; code < 256; code++) {
      if (allowed.contains(code)) {
        assertThat(Raw.after(5, Raw.packet(0xE0, code))).isEqualTo(new Packet.Disconnect(code, -1));
      } else {
        assertThat(Raw.refusal(5, Raw.packet(0xE0, code))).isEqualTo(0x82);
      }
    }
  }

  // AUTH

  @Test
  void authContinuesOrBeginsAgainAndNamesItsMethod() {
    // [MQTT5-3.15.2-1], section 3.15.2.2.2
    for (int code : new int[] {0x18, 0x19}) {
      byte[] properties = Raw.properties(21, "m", 22, "data", 31, "why", 38, "k", "v");
      assertThat(Raw.after(5, Raw.packet(0xF0, code, properties)))
          .isEqualTo(new Packet.Auth(code, "m"));
      assertThat(Raw.refusal(5, Raw.packet(0xF0, code))).isEqualTo(0x82);
      assertThat(Raw.refusal(5, Raw.packet(0xF0, code, Raw.properties(22, "d")))).isEqualTo(0x82);
      assertThat(Raw.refusal(5, Raw.packet(0xF0, code, Raw.properties(21, "m", 21, "m"))))
          .isEqualTo(0x82);
    }
    // Success is the server's to say.
    assertThat(Raw.refusal(5, Raw.packet(0xF0))).isEqualTo(0x82);
    assertThat(Raw.refusal(5, Raw.packet(0xF0, 0, Raw.properties(21, "m")))).isEqualTo(0x82);
    assertThat(Raw.refusal(5, Raw.packet(0xF0, 0x17, Raw.properties(21, "m")))).isEqualTo(0x82);
  }
}
