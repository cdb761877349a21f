package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConnectRulesTest {
  private static final byte[] BAD_TEXT = {0, 2, (byte) 0xC0, (byte) 0x80};

  private static Packet.Connect connect(Object... parts) {
    List<Object> got = Raw.decode(Raw.packet(0x10, parts));
    assertThat(got).hasSize(1);
    if (got.getFirst() instanceof MalformedPacketException fault) {
      throw new AssertionError(fault);
    }
    return (Packet.Connect) got.getFirst();
  }

  private static int refused(Object... parts) {
    return Raw.fault(Raw.decode(Raw.packet(0x10, parts)));
  }

  private static int version(Object... parts) {
    PacketDecoder decoder = new PacketDecoder(Raw.MAXIMUM, Raw.MAXIMUM, new TopicCache());
    EmbeddedChannel channel = new EmbeddedChannel(decoder);
    channel.writeInbound(Unpooled.wrappedBuffer(Raw.packet(0x10, parts)));
    return decoder.version();
  }

  /** A CONNECT of MQTT 5 with these properties. */
  private static Object[] with(Object... properties) {
    return new Object[] {"MQTT", 5, 2, 0, 0, Raw.properties(properties), "c"};
  }

  @Test
  void everythingThatMqtt311Has() {
    Packet.Connect connect =
        connect("MQTT", 4, 0xEC, 1, 2, "cliënt", "will/t", "bye", "user", Raw.bytes(0, 2, 0, 255));
    assertThat(connect.version()).isEqualTo(4);
    assertThat(connect.clientId()).isEqualTo("cliënt");
    assertThat(connect.cleanStart()).isFalse();
    assertThat(connect.keepAliveSeconds()).isEqualTo(258);
    assertThat(connect.userName()).isEqualTo("user");
    assertThat(connect.password()).containsExactly(0, 255);
    assertThat(connect.receiveMaximum()).isEqualTo(65_535);
    assertThat(connect.sessionExpirySeconds()).isEqualTo(-1);
    assertThat(connect.requestProblemInformation()).isTrue();
    Packet.WillMessage will = connect.will();
    assertThat(will.topic()).isEqualTo(Topic.of("will/t"));
    assertThat(will.payload()).containsExactly('b', 'y', 'e');
    assertThat(will.qos()).isEqualTo(1);
    assertThat(will.retain()).isTrue();
    assertThat(will.properties()).isEmpty();
    assertThat(will.expirySeconds()).isEqualTo(-1);
  }

  @Test
  void everythingThatMqtt5Has() {
    byte[] properties =
        Raw.properties(
            17, 255, 255, 255, 255, 33, 0, 9, 39, 0, 1, 0, 0, 34, 0, 7, 25, 1, 23, 0, 38, "k", "v",
            38, "k", "v", 21, "SCRAM", 22, "data");
    byte[] willProperties =
        Raw.properties(
            24, 0, 0, 0, 8, 1, 1, 2, 0, 0, 0, 9, 3, "text", 8, "r/t", 9, "id", 38, "", "");
    Packet.Connect connect =
        connect("MQTT", 5, 0xD6, 0, 0, properties, "", willProperties, "w", "ä", "u", "p");
    assertThat(connect.version()).isEqualTo(5);
    assertThat(connect.clientId()).isEmpty();
    assertThat(connect.cleanStart()).isTrue();
    assertThat(connect.sessionExpirySeconds()).isEqualTo(0xFFFF_FFFFL);
    assertThat(connect.receiveMaximum()).isEqualTo(9);
    assertThat(connect.maximumPacketSize()).isEqualTo(65_536);
    assertThat(connect.topicAliasMaximum()).isEqualTo(7);
    assertThat(connect.requestResponseInformation()).isTrue();
    assertThat(connect.requestProblemInformation()).isFalse();
    assertThat(connect.authenticationMethod()).isEqualTo("SCRAM");
    Packet.WillMessage will = connect.will();
    assertThat(will.qos()).isEqualTo(2);
    assertThat(will.delaySeconds()).isEqualTo(8);
    assertThat(will.expirySeconds()).isEqualTo(9);
    assertThat(will.properties())
        .isEqualTo(Raw.bytes(1, 1, 3, "text", 8, "r/t", 9, "id", 38, "", ""));
  }

  @Test
  void unsupportedLevelsAreToldInAFormThatTheClientUnderstands() {
    // [MQTT5-3.1.2-2]; MQTT 3.1.1: [MQTT-3.1.2-2]
    for (int level : new int[] {0, 1, 2, 3, 6, 7, 0x84, 0x85, 255}) {
      assertThat(refused("MQTT", level, 2, 0, 0, "c"))
          .isEqualTo(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION);
    }
    for (int level : new int[] {0, 4, 5, 0x83}) {
      assertThat(refused("MQIsdp", level, 2, 0, 0, "c"))
          .isEqualTo(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION);
    }
    assertThat(version("MQTT", 3, 2, 0, 0, "c")).isEqualTo(4);
    assertThat(version("MQTT", 6, 2, 0, 0, "c")).isEqualTo(5);
    assertThat(version("MQTT", 0x84, 2, 0, 0, "c")).isEqualTo(4);
    assertThat(version("MQTT", 0x85, 2, 0, 0, "c")).isEqualTo(5);
  }

  @Test
  void anotherProtocolNameIsRefusedWithoutAnAnswer() {
    // [MQTT5-3.1.2-1]
    for (String name : new String[] {"", "mqtt", "MQTTT", "MQT", "MQIsdq", "HTTP"}) {
      assertThat(refused(name, 4, 2, 0, 0, "c")).isEqualTo(0x84);
      assertThat(version(name, 4, 2, 0, 0, "c")).isZero();
    }
    assertThat(refused(BAD_TEXT, 4, 2, 0, 0, "c")).isEqualTo(0x81);
  }

  @Test
  void theReservedFlagIsZero() {
    // [MQTT5-3.1.2-3]; MQTT 3.1: "not used"
    assertThat(refused("MQTT", 4, 3, 0, 0, "c")).isEqualTo(0x81);
    assertThat(refused("MQTT", 5, 3, 0, 0, 0, "c")).isEqualTo(0x81);
    assertThat(connect("MQIsdp", 3, 3, 0, 0, "c").cleanStart()).isTrue();
    assertThat(version("MQTT", 5, 3, 0, 0, 0, "c")).isEqualTo(5);
  }

  @Test
  void theFlagsOfTheWillFitEachOther() {
    // [MQTT5-3.1.2-11], [MQTT5-3.1.2-12], [MQTT5-3.1.2-13]; 3.1.1: [MQTT-3.1.2-13], -14, -15
    for (int flags : new int[] {0x0A, 0x12, 0x1A, 0x22, 0x2A}) {
      assertThat(refused("MQTT", 4, flags, 0, 0, "c")).isEqualTo(0x81);
      assertThat(refused("MQTT", 5, flags, 0, 0, 0, "c")).isEqualTo(0x81);
      assertThat(connect("MQIsdp", 3, flags, 0, 0, "c").will()).isNull();
    }
    assertThat(refused("MQTT", 4, 0x1E, 0, 0, "c", "t", "p")).isEqualTo(0x81);
    assertThat(refused("MQTT", 5, 0x1E, 0, 0, 0, "c", 0, "t", "p")).isEqualTo(0x81);
    assertThat(refused("MQIsdp", 3, 0x1E, 0, 0, "c", "t", "p")).isEqualTo(0x81);
  }

  @Test
  void aPasswordWithoutAUserNameIsOfMqtt5Only() {
    // MQTT 3.1.1: [MQTT-3.1.2-22]; MQTT 5: section 3.1.2.9
    assertThat(refused("MQTT", 4, 0x42, 0, 0, "c", "p")).isEqualTo(0x81);
    assertThat(refused("MQIsdp", 3, 0x42, 0, 0, "c", "p")).isEqualTo(0x81);
    Packet.Connect connect = connect("MQTT", 5, 0x42, 0, 0, 0, "c", "p");
    assertThat(connect.password()).containsExactly('p');
    assertThat(connect.userName()).isNull();
  }

  @Test
  void thePayloadHasExactlyWhatTheFlagsSay() {
    // [MQTT5-3.1.2-9], [MQTT5-3.1.2-16] to -19, [MQTT5-3.1.3-1]
    assertThat(refused("MQTT", 4, 0x82, 0, 0, "c")).isEqualTo(0x81);
    assertThat(refused("MQTT", 4, 0xC2, 0, 0, "c", "u")).isEqualTo(0x81);
    assertThat(refused("MQTT", 4, 0x06, 0, 0, "c", "t")).isEqualTo(0x81);
    assertThat(refused("MQTT", 4, 0x02, 0, 0, "c", "u")).isEqualTo(0x81);
    assertThat(refused("MQTT", 4, 0x02, 0, 0, "c", 0)).isEqualTo(0x81);
    assertThat(refused("MQTT", 4, 0x02, 0, 0)).isEqualTo(0x81);
    assertThat(refused("MQTT", 4, 0x02, 0)).isEqualTo(0x81);
    assertThat(refused("MQTT", 5, 0x02, 0, 0, 0, "c", 0)).isEqualTo(0x81);
    assertThat(refused("MQTT", 5, 0x02, 0, 0, 0)).isEqualTo(0x81);
  }

  @Test
  void mqtt31LetsUserNameAndPasswordBeMissing() {
    // MQTT 3.1, section 3.1: the remaining length takes precedence over the flags
    assertThat(connect("MQIsdp", 3, 0xC2, 0, 0, "c").userName()).isNull();
    Packet.Connect connect = connect("MQIsdp", 3, 0xC2, 0, 0, "c", "u");
    assertThat(connect.userName()).isEqualTo("u");
    assertThat(connect.password()).isNull();
    assertThat(refused("MQIsdp", 3, 0xC2, 0, 0, "c", 0)).isEqualTo(0x81);
  }

  @Test
  void anEmptyClientIdentifierNeedsACleanSession() {
    // MQTT 3.1.1: [MQTT-3.1.3-7], [MQTT-3.1.3-8]; MQTT 5: [MQTT5-3.1.3-6]
    assertThat(refused("MQTT", 4, 0, 0, 0, "")).isEqualTo(0x85);
    assertThat(connect("MQTT", 4, 2, 0, 0, "").clientId()).isEmpty();
    assertThat(connect("MQTT", 5, 0, 0, 0, 0, "").clientId()).isEmpty();
    assertThat(refused("MQIsdp", 3, 2, 0, 0, "")).isEqualTo(0x85);
    assertThat(connect("MQIsdp", 3, 2, 0, 0, "x".repeat(100)).clientId()).hasSize(100);
  }

  @Test
  void allTextsAreUtf8() {
    // [MQTT5-3.1.3-4], [MQTT5-3.1.3-11], [MQTT5-3.1.3-12], [MQTT5-1.5.4-2]
    byte[] zero = {0, 1, 0};
    for (byte[] bad : new byte[][] {BAD_TEXT, zero}) {
      assertThat(refused("MQTT", 4, 2, 0, 0, bad)).isEqualTo(0x81);
      assertThat(refused("MQTT", 4, 0x82, 0, 0, "c", bad)).isEqualTo(0x81);
      assertThat(refused("MQTT", 4, 0x06, 0, 0, "c", bad, "p")).isEqualTo(0x81);
      assertThat(refused(with(21, bad))).isEqualTo(0x81);
      assertThat(refused(with(38, bad, "v"))).isEqualTo(0x81);
      assertThat(refused(with(38, "k", bad))).isEqualTo(0x81);
    }
  }

  @Test
  void theTopicOfAWillIsATopicName() {
    // MQTT 3.1.1: [MQTT-4.7.1-1], section 4.7.1, [MQTT5-4.7.3-1]
    assertThat(refused("MQTT", 4, 0x06, 0, 0, "c", "", "p")).isEqualTo(0x90);
    assertThat(refused("MQTT", 4, 0x06, 0, 0, "c", "a/#", "p")).isEqualTo(0x90);
    assertThat(refused("MQTT", 5, 0x06, 0, 0, 0, "c", 0, "a/+", "p")).isEqualTo(0x90);
  }

  @Test
  void aWillThatIsNotTheTextItSaysItIsIsRefused() {
    // Section 3.1.3.2.3, CONNACK 0x99
    byte[] latin1 = {0, 1, (byte) 0xE4};
    assertThat(refused("MQTT", 5, 6, 0, 0, 0, "c", Raw.properties(1, 1), "t", latin1))
        .isEqualTo(0x99);
    assertThat(connect("MQTT", 5, 6, 0, 0, 0, "c", Raw.properties(1, 0), "t", latin1).will())
        .isNotNull();
  }

  @Test
  void propertiesKeepTheirRanges() {
    // Sections 3.1.2.11.3, .4, .6, .7
    assertThat(refused(with(33, 0, 0))).isEqualTo(0x82);
    assertThat(refused(with(39, 0, 0, 0, 0))).isEqualTo(0x82);
    assertThat(refused(with(25, 2))).isEqualTo(0x82);
    assertThat(refused(with(23, 255))).isEqualTo(0x82);
    assertThat(connect(with(34, 0, 0)).topicAliasMaximum()).isZero();
    assertThat(connect(with(17, 0, 0, 0, 0)).sessionExpirySeconds()).isZero();
  }

  @Test
  void propertiesComeOnceAndBelongToThePacket() {
    // Section 2.2.2.2, 3.1.2.11
    Object[][] once = {
      {17, 0, 0, 0, 1}, {33, 0, 1}, {39, 0, 0, 1, 0}, {34, 0, 1}, {25, 1}, {23, 1}, {21, "m"}
    };
    for (Object[] property : once) {
      byte[] bytes = Raw.bytes(property);
      assertThat(connect(with(bytes))).isNotNull();
      assertThat(refused(with(bytes, bytes))).isEqualTo(0x82);
      for (int cut = 1; cut < bytes.length; cut++) {
        assertThat(refused(with(java.util.Arrays.copyOf(bytes, cut)))).isEqualTo(0x81);
      }
    }
    for (int foreign = 0; foreign < 256; foreign++) {
      if (!List.of(17, 33, 39, 34, 25, 23, 38, 21, 22).contains(foreign)) {
        assertThat(refused(with(foreign, 0, 1, 0, 1))).isEqualTo(0x81);
      }
    }
    for (int foreign : new int[] {11, 17, 21, 31, 35}) {
      byte[] properties = Raw.properties(foreign, 0, 1, 0, 1);
      assertThat(refused("MQTT", 5, 6, 0, 0, 0, "c", properties, "t", "p")).isEqualTo(0x81);
    }
    byte[] delays = Raw.properties(24, 0, 0, 0, 1, 24, 0, 0, 0, 1);
    assertThat(refused("MQTT", 5, 6, 0, 0, 0, "c", delays, "t", "p")).isEqualTo(0x82);
  }

  @Test
  void authenticationDataNeedsAMethod() {
    // Section 3.1.2.11.10
    assertThat(refused(with(22, "d"))).isEqualTo(0x82);
    assertThat(connect(with(22, "d", 21, "m")).authenticationMethod()).isEqualTo("m");
  }

  @Test
  void theLengthOfThePropertiesStaysInThePacketAndIsShortest() {
    // [MQTT5-1.5.5-1]
    assertThat(refused("MQTT", 5, 2, 0, 0, 9, "c")).isEqualTo(0x81);
    assertThat(refused("MQTT", 5, 2, 0, 0, 0x80, 0, "c")).isEqualTo(0x81);
    assertThat(refused("MQTT", 5, 2, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, "c")).isEqualTo(0x81);
    assertThat(refused("MQTT", 5, 2, 0, 0)).isEqualTo(0x81);
  }
}
