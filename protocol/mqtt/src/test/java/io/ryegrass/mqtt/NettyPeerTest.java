package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.mqtt.MqttConnAckMessage;
import io.netty.handler.codec.mqtt.MqttConnectMessage;
import io.netty.handler.codec.mqtt.MqttConnectPayload;
import io.netty.handler.codec.mqtt.MqttConnectVariableHeader;
import io.netty.handler.codec.mqtt.MqttDecoder;
import io.netty.handler.codec.mqtt.MqttEncoder;
import io.netty.handler.codec.mqtt.MqttFixedHeader;
import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.handler.codec.mqtt.MqttMessageIdAndPropertiesVariableHeader;
import io.netty.handler.codec.mqtt.MqttMessageType;
import io.netty.handler.codec.mqtt.MqttProperties;
import io.netty.handler.codec.mqtt.MqttProperties.BinaryProperty;
import io.netty.handler.codec.mqtt.MqttProperties.IntegerProperty;
import io.netty.handler.codec.mqtt.MqttProperties.MqttProperty;
import io.netty.handler.codec.mqtt.MqttProperties.StringProperty;
import io.netty.handler.codec.mqtt.MqttProperties.UserProperty;
import io.netty.handler.codec.mqtt.MqttPubReplyMessageVariableHeader;
import io.netty.handler.codec.mqtt.MqttPublishMessage;
import io.netty.handler.codec.mqtt.MqttPublishVariableHeader;
import io.netty.handler.codec.mqtt.MqttQoS;
import io.netty.handler.codec.mqtt.MqttReasonCodeAndPropertiesVariableHeader;
import io.netty.handler.codec.mqtt.MqttSubAckMessage;
import io.netty.handler.codec.mqtt.MqttSubscribeMessage;
import io.netty.handler.codec.mqtt.MqttSubscribePayload;
import io.netty.handler.codec.mqtt.MqttSubscriptionOption;
import io.netty.handler.codec.mqtt.MqttTopicSubscription;
import io.netty.handler.codec.mqtt.MqttUnsubAckMessage;
import io.netty.handler.codec.mqtt.MqttUnsubscribeMessage;
import io.netty.handler.codec.mqtt.MqttUnsubscribePayload;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A client on Netty's codec, which others wrote, talks to ours: what it sends we read, what we send
 * it reads, for random packets of each version.
 */
class NettyPeerTest {
  private static final int ROUNDS = 300;
  private static final MqttConnectMessage[] HELLO = new MqttConnectMessage[6];

  static {
    for (int version = 3; version <= 5; version++) {
      HELLO[version] =
          new MqttConnectMessage(
              header(MqttMessageType.CONNECT, 0, false, false),
              new MqttConnectVariableHeader(
                  version == 3 ? "MQIsdp" : "MQTT",
                  version,
                  false,
                  false,
                  false,
                  0,
                  false,
                  true,
                  60,
                  MqttProperties.NO_PROPERTIES),
              new MqttConnectPayload("c", null, (byte[]) null, null, (byte[]) null));
    }
  }

  private final Random random = new Random(20_260_101);

  /** Client and server back to back. */
  private static final class Peers {
    final EmbeddedChannel client =
        new EmbeddedChannel(new MqttDecoder(Raw.MAXIMUM), MqttEncoder.INSTANCE);
    final EmbeddedChannel server = Raw.channel();

    Peers(int version) {
      assertThat(send(HELLO[version])).isInstanceOf(Packet.Connect.class);
    }

    Peers() {}

    Packet send(MqttMessage message) {
      client.writeOutbound(message);
      for (ByteBuf out = client.readOutbound(); out != null; out = client.readOutbound()) {
        server.writeInbound(out);
      }
      Object got = server.readInbound();
      if (got instanceof Packet packet && server.inboundMessages().isEmpty()) {
        return packet;
      }
      throw new AssertionError(message + " became " + got);
    }

    MqttMessage receive(ByteBuf out) {
      client.writeInbound(out);
      MqttMessage got = client.readInbound();
      assertThat(got.decoderResult().isSuccess()).as(got.toString()).isTrue();
      assertThat(client.inboundMessages()).isEmpty();
      return got;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 4, 5})
  void connectsOfThePeerAreRead(int version) {
    for (int round = 0; round < ROUNDS; round++) {
      boolean will = random.nextBoolean();
      boolean user = random.nextBoolean();
      boolean password = random.nextBoolean() && (user || version == 5);
      boolean clean = random.nextBoolean();
      int willQos = will ? random.nextInt(3) : 0;
      boolean willRetain = will && random.nextBoolean();
      int keepAlive = random.nextInt(65_536);
      MqttProperties properties = new MqttProperties();
      MqttProperties willProperties = new MqttProperties();
      if (version == 5) {
        maybe(properties, new IntegerProperty(17, random.nextInt(1 << 30)));
        maybe(properties, new IntegerProperty(33, 1 + random.nextInt(65_535)));
        maybe(properties, new IntegerProperty(39, 1 + random.nextInt(1 << 30)));
        maybe(properties, new IntegerProperty(34, random.nextInt(65_536)));
        maybe(properties, new IntegerProperty(25, random.nextInt(2)));
        maybe(properties, new IntegerProperty(23, random.nextInt(2)));
        maybe(properties, new StringProperty(21, text(20)));
        users(properties);
        if (will) {
          message(willProperties);
          maybe(willProperties, new IntegerProperty(24, random.nextInt(1 << 30)));
        }
      }
      // Netty holds clients of MQTT 3.1 to the 23 characters of that standard.
      String clientId = version == 3 || !clean ? "x" + text(11) : text(20);
      String willTopic = will ? topic() : null;
      byte[] willPayload = will ? bytes(50) : null;
      String userName = user ? text(20) : null;
      byte[] secret = password ? bytes(20) : null;
      var got =
          (Packet.Connect)
              new Peers()
                  .send(
                      new MqttConnectMessage(
                          header(MqttMessageType.CONNECT, 0, false, false),
                          new MqttConnectVariableHeader(
                              version == 3 ? "MQIsdp" : "MQTT",
                              version,
                              user,
                              password,
                              willRetain,
                              willQos,
                              will,
                              clean,
                              keepAlive,
                              properties),
                          new MqttConnectPayload(
                              clientId, willProperties, willTopic, willPayload, userName, secret)));
      assertThat(got.version()).isEqualTo(version);
      assertThat(got.clientId()).isEqualTo(clientId);
      assertThat(got.cleanStart()).isEqualTo(clean);
      assertThat(got.keepAliveSeconds()).isEqualTo(keepAlive);
      assertThat(got.userName()).isEqualTo(userName);
      assertThat(got.password()).isEqualTo(secret);
      assertThat(got.sessionExpirySeconds()).isEqualTo(number(properties, 17, -1));
      assertThat(got.receiveMaximum()).isEqualTo(number(properties, 33, 65_535));
      assertThat(got.maximumPacketSize()).isEqualTo(number(properties, 39, 0));
      assertThat(got.topicAliasMaximum()).isEqualTo(number(properties, 34, 0));
      assertThat(got.requestResponseInformation()).isEqualTo(number(properties, 25, 0) == 1);
      assertThat(got.requestProblemInformation()).isEqualTo(number(properties, 23, 1) == 1);
      MqttProperty<?> method = properties.getProperty(21);
      assertThat(got.authenticationMethod()).isEqualTo(method == null ? null : method.value());
      if (will) {
        assertThat(got.will().topic().name()).isEqualTo(willTopic);
        assertThat(got.will().payload()).isEqualTo(willPayload);
        assertThat(got.will().qos()).isEqualTo(willQos);
        assertThat(got.will().retain()).isEqualTo(willRetain);
        assertThat(got.will().delaySeconds()).isEqualTo(number(willProperties, 24, 0));
        assertThat(got.will().expirySeconds()).isEqualTo(number(willProperties, 2, -1));
      } else {
        assertThat(got.will()).isNull();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 4, 5})
  void publishesOfThePeerComeBackToItAsTheyWere(int version) {
    Peers peers = new Peers(version);
    for (int round = 0; round < ROUNDS; round++) {
      int qos = random.nextInt(3);
      boolean duplicate = qos > 0 && random.nextBoolean();
      boolean retain = random.nextBoolean();
      int packetId = qos == 0 ? 0 : 1 + random.nextInt(65_535);
      String topic = topic();
      byte[] payload = bytes(round % 100 == 0 ? 40_000 : 200);
      MqttProperties properties = new MqttProperties();
      int alias = version == 5 && random.nextBoolean() ? 1 + random.nextInt(65_535) : 0;
      if (version == 5) {
        message(properties);
        if (alias > 0) {
          properties.add(new IntegerProperty(35, alias));
        }
      }
      boolean named = alias == 0 || random.nextBoolean();
      MqttPublishMessage sent =
          new MqttPublishMessage(
              header(MqttMessageType.PUBLISH, qos, duplicate, retain),
              new MqttPublishVariableHeader(named ? topic : "", packetId, properties),
              Unpooled.wrappedBuffer(payload));
      String sentText = text(properties);
      var got = (Packet.Publish) peers.send(sent);
      assertThat(got.qos()).isEqualTo(qos);
      assertThat(got.duplicate()).isEqualTo(duplicate);
      assertThat(got.retain()).isEqualTo(retain);
      assertThat(got.packetId()).isEqualTo(packetId);
      assertThat(got.payload()).isEqualTo(payload);
      assertThat(got.topicAlias()).isEqualTo(alias);
      assertThat(got.expirySeconds()).isEqualTo(number(properties, 2, -1));
      assertThat(got.topic()).isEqualTo(named ? Topic.of(topic) : null);

      Message message =
          new Message(Topic.of(topic), payload, qos, retain, got.properties(), 0, null);
      Queued queued = new Queued(0, message, qos, retain, Queued.NO_IDENTIFIERS, 0);
      ByteBuf out = Unpooled.buffer(0);
      PacketEncoder.publish(
          out, version, queued, packetId, duplicate, alias, named, got.expirySeconds());
      assertThat(out.readableBytes()).isEqualTo(got.bytes());
      MqttPublishMessage back = (MqttPublishMessage) peers.receive(out);
      assertThat(back.fixedHeader().qosLevel().value()).isEqualTo(qos);
      assertThat(back.fixedHeader().isDup()).isEqualTo(duplicate);
      assertThat(back.fixedHeader().isRetain()).isEqualTo(retain);
      assertThat(back.variableHeader().topicName()).isEqualTo(named ? topic : "");
      assertThat(ByteBufUtil.getBytes(back.payload())).isEqualTo(payload);
      assertThat(text(back.variableHeader().properties())).isEqualTo(sentText);
      if (qos > 0) {
        assertThat(back.variableHeader().packetId()).isEqualTo(packetId);
      }
      back.release();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 4, 5})
  void acknowledgementsGoBothWays(int version) {
    Peers peers = new Peers(version);
    MqttMessageType[] types = {
      MqttMessageType.PUBACK,
      MqttMessageType.PUBREC,
      MqttMessageType.PUBREL,
      MqttMessageType.PUBCOMP
    };
    int[][] codes = {{0, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}, {0, 0x92}};
    for (int round = 0; round < ROUNDS; round++) {
      MqttMessageType type = types[random.nextInt(4)];
      int[] allowed = codes[type.value() < 6 ? 0 : 1];
      int code = version < 5 ? 0 : allowed[random.nextInt(allowed.length)];
      int packetId = 1 + random.nextInt(65_535);
      MqttProperties properties = new MqttProperties();
      String reason = null;
      if (version == 5) {
        if (random.nextBoolean()) {
          reason = text(200);
          properties.add(new StringProperty(31, reason));
        }
        users(properties);
      }
      MqttFixedHeader header = header(type, type == MqttMessageType.PUBREL ? 1 : 0, false, false);
      assertThat(
              peers.send(
                  new MqttMessage(
                      header,
                      new MqttPubReplyMessageVariableHeader(packetId, (byte) code, properties))))
          .isEqualTo(new Packet.Ack(type.value(), packetId, code));

      ByteBuf out = Unpooled.buffer(0);
      PacketEncoder.ack(out, version, type.value(), packetId, code, reason);
      MqttMessage got = peers.receive(out);
      assertThat(got.fixedHeader().messageType()).isEqualTo(type);
      var variable = (io.netty.handler.codec.mqtt.MqttMessageIdVariableHeader) got.variableHeader();
      assertThat(variable.messageId()).isEqualTo(packetId);
      if (version == 5) {
        var reply = (MqttPubReplyMessageVariableHeader) variable;
        assertThat(reply.reasonCode() & 0xFF).isEqualTo(code);
        MqttProperty<?> text = reply.properties().getProperty(31);
        assertThat(text == null ? null : text.value()).isEqualTo(reason);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 4, 5})
  void subscribesAndUnsubscribesOfThePeerAreReadAndAnswered(int version) {
    Peers peers = new Peers(version);
    for (int round = 0; round < ROUNDS; round++) {
      int packetId = 1 + random.nextInt(65_535);
      MqttProperties properties = new MqttProperties();
      MqttProperties users = new MqttProperties();
      int identifier = 0;
      if (version == 5) {
        users(users);
        users(properties);
        if (random.nextBoolean()) {
          identifier = 1 + random.nextInt(268_435_455);
          properties.add(new IntegerProperty(11, identifier));
        }
      }
      List<MqttTopicSubscription> sent = new ArrayList<>();
      List<Subscription> expected = new ArrayList<>();
      List<String> filters = new ArrayList<>();
      for (int i = random.nextInt(5); i >= 0; i--) {
        String filter = random.nextInt(4) == 0 ? "$share/g/#" : topic() + "/+/#";
        int qos = random.nextInt(3);
        boolean five = version == 5;
        boolean noLocal = five && !filter.startsWith("$share") && random.nextBoolean();
        boolean asPublished = five && random.nextBoolean();
        int handling = five ? random.nextInt(3) : 0;
        filters.add(filter);
        sent.add(
            new MqttTopicSubscription(
                filter,
                new MqttSubscriptionOption(
                    MqttQoS.valueOf(qos),
                    noLocal,
                    asPublished,
                    MqttSubscriptionOption.RetainedHandlingPolicy.valueOf(handling))));
        expected.add(new Subscription(filter, qos, noLocal, asPublished, handling, identifier));
      }
      assertThat(
              peers.send(
                  new MqttSubscribeMessage(
                      header(MqttMessageType.SUBSCRIBE, 1, false, false),
                      new MqttMessageIdAndPropertiesVariableHeader(packetId, properties),
                      new MqttSubscribePayload(sent))))
          .isEqualTo(new Packet.Subscribe(packetId, expected));
      assertThat(
              peers.send(
                  new MqttUnsubscribeMessage(
                      header(MqttMessageType.UNSUBSCRIBE, 1, false, false),
                      new MqttMessageIdAndPropertiesVariableHeader(packetId, users),
                      new MqttUnsubscribePayload(filters))))
          .isEqualTo(new Packet.Unsubscribe(packetId, filters));

      int[] possible = version == 5 ? new int[] {0, 1, 2, 0x80, 0x87, 0x8F} : new int[] {0, 1, 2};
      int[] codes = random.ints(filters.size(), 0, possible.length).map(i -> possible[i]).toArray();
      ByteBuf out = Unpooled.buffer(0);
      PacketEncoder.subAck(out, version, packetId, codes);
      MqttSubAckMessage subAck = (MqttSubAckMessage) peers.receive(out);
      assertThat(subAck.variableHeader().messageId()).isEqualTo(packetId);
      assertThat(subAck.payload().reasonCodes()).containsExactly(boxed(codes));

      int[] gone = random.ints(filters.size(), 0, 2).map(i -> i * 0x11).toArray();
      out = Unpooled.buffer(0);
      PacketEncoder.unsubAck(out, version, packetId, gone);
      MqttUnsubAckMessage unsubAck = (MqttUnsubAckMessage) peers.receive(out);
      assertThat(unsubAck.variableHeader().messageId()).isEqualTo(packetId);
      if (version == 5) {
        assertThat(unsubAck.payload().unsubscribeReasonCodes().stream().map(c -> c & 0xFF))
            .containsExactly(boxed(gone));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 4, 5})
  void pingsDisconnectsAndConnAcks(int version) {
    for (int round = 0; round < ROUNDS; round++) {
      Peers peers = new Peers(version);
      assertThat(peers.send(MqttMessage.PINGREQ)).isEqualTo(new Packet.PingRequest());
      ByteBuf out = Unpooled.buffer(0);
      PacketEncoder.pingResp(out);
      assertThat(peers.receive(out).fixedHeader().messageType())
          .isEqualTo(MqttMessageType.PINGRESP);

      out = Unpooled.buffer(0);
      ConnAckProperties properties = connAckProperties();
      boolean present = random.nextBoolean();
      assertThat(PacketEncoder.connAck(out, version, present, 0, properties)).isTrue();
      MqttConnAckMessage connAck = (MqttConnAckMessage) peers.receive(out);
      assertThat(connAck.variableHeader().isSessionPresent()).isEqualTo(present && version > 3);
      if (version < 5) {
        assertThat(peers.send(MqttMessage.DISCONNECT)).isEqualTo(new Packet.Disconnect(0, -1));
        continue;
      }
      sameProperties(connAck.variableHeader().properties(), properties);

      MqttProperties goodbye = new MqttProperties();
      maybe(goodbye, new IntegerProperty(17, random.nextInt(1 << 30)));
      maybe(goodbye, new StringProperty(31, text(30)));
      users(goodbye);
      int code = random.nextBoolean() ? 4 : 0;
      assertThat(
              peers.send(
                  new MqttMessage(
                      header(MqttMessageType.DISCONNECT, 0, false, false),
                      new MqttReasonCodeAndPropertiesVariableHeader((byte) code, goodbye))))
          .isEqualTo(new Packet.Disconnect(code, number(goodbye, 17, -1)));

      out = Unpooled.buffer(0);
      String reason = random.nextBoolean() ? text(30) : null;
      PacketEncoder.disconnect(out, 0x8E, reason);
      var variable =
          (MqttReasonCodeAndPropertiesVariableHeader) peers.receive(out).variableHeader();
      assertThat(variable.reasonCode() & 0xFF).isEqualTo(0x8E);
      MqttProperty<?> told = variable.properties().getProperty(31);
      assertThat(told == null ? null : told.value()).isEqualTo(reason);
    }
  }

  private ConnAckProperties connAckProperties() {
    return new ConnAckProperties(
        random.nextBoolean() ? -1 : random.nextInt(1 << 30),
        random.nextBoolean() ? 65_535 : 1 + random.nextInt(65_535),
        random.nextInt(3),
        random.nextBoolean(),
        random.nextBoolean() ? 0 : 1 + random.nextInt(1 << 30),
        random.nextBoolean() ? null : text(30),
        random.nextBoolean() ? 0 : random.nextInt(65_536),
        random.nextBoolean() ? null : text(30),
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextBoolean() ? -1 : random.nextInt(65_536),
        random.nextBoolean() ? null : text(30));
  }

  private static void sameProperties(MqttProperties got, ConnAckProperties sent) {
    assertThat(number(got, 17, -1)).isEqualTo(sent.sessionExpirySeconds());
    assertThat(number(got, 33, 65_535)).isEqualTo(sent.receiveMaximum());
    assertThat(number(got, 36, 2)).isEqualTo(sent.maximumQos());
    assertThat(number(got, 37, 1) == 1).isEqualTo(sent.retainAvailable());
    assertThat(number(got, 39, 0)).isEqualTo(sent.maximumPacketSize());
    assertThat(string(got, 18)).isEqualTo(sent.assignedClientId());
    assertThat(number(got, 34, 0)).isEqualTo(sent.topicAliasMaximum());
    assertThat(string(got, 31)).isEqualTo(sent.reasonString());
    assertThat(number(got, 40, 1) == 1).isEqualTo(sent.wildcardsAvailable());
    assertThat(number(got, 41, 1) == 1).isEqualTo(sent.subscriptionIdentifiersAvailable());
    assertThat(number(got, 42, 1) == 1).isEqualTo(sent.sharedSubscriptionsAvailable());
    assertThat(number(got, 19, -1)).isEqualTo(sent.serverKeepAliveSeconds());
    assertThat(string(got, 26)).isEqualTo(sent.responseInformation());
  }

  private static MqttFixedHeader header(
      MqttMessageType type, int qos, boolean duplicate, boolean retain) {
    return new MqttFixedHeader(type, duplicate, MqttQoS.valueOf(qos), retain, 0);
  }

  private static Integer[] boxed(int[] values) {
    return java.util.Arrays.stream(values).boxed().toArray(Integer[]::new);
  }

  private void maybe(MqttProperties properties, MqttProperty<?> property) {
    if (random.nextBoolean()) {
      properties.add(property);
    }
  }

  private void users(MqttProperties properties) {
    for (int i = random.nextInt(3); i > 0; i--) {
      properties.add(new UserProperty(text(10), text(10)));
    }
  }

  private void message(MqttProperties properties) {
    maybe(properties, new IntegerProperty(1, 0));
    maybe(properties, new IntegerProperty(2, random.nextInt(1 << 30)));
    maybe(properties, new StringProperty(3, text(20)));
    maybe(properties, new StringProperty(8, topic()));
    maybe(properties, new BinaryProperty(9, bytes(20)));
    users(properties);
  }

  private static long number(MqttProperties properties, int id, long absent) {
    MqttProperty<?> property = properties.getProperty(id);
    return property == null ? absent : ((Number) property.value()).longValue();
  }

  private static @Nullable String string(MqttProperties properties, int id) {
    MqttProperty<?> property = properties.getProperty(id);
    return property == null ? null : (String) property.value();
  }

  private static String text(MqttProperties properties) {
    StringBuilder text = new StringBuilder();
    properties.listAll().stream()
        .sorted(java.util.Comparator.comparingInt(MqttProperty::propertyId))
        .forEach(
            p ->
                text.append(p.propertyId())
                    .append('=')
                    .append(
                        p.value() instanceof byte[] raw ? HexFormat.of().formatHex(raw) : p.value())
                    .append(';'));
    properties.getProperties(38).forEach(p -> text.append(p.value()));
    return text.toString();
  }

  private byte[] bytes(int most) {
    byte[] bytes = new byte[random.nextInt(most)];
    random.nextBytes(bytes);
    return bytes;
  }

  /** Text of one to four bytes a character, without U+0000 and wildcards. */
  private String text(int most) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(most); i > 0; i--) {
      text.appendCodePoint(
          switch (random.nextInt(6)) {
            case 0 -> 0x80 + random.nextInt(0x700);
            case 1 -> 0x1000 + random.nextInt(0xC000);
            case 2 -> 0x10000 + random.nextInt(0x100000);
            default -> 'a' + random.nextInt(26);
          });
    }
    return text.toString();
  }

  private String topic() {
    return random.nextInt(3) == 0 ? "t/" + text(100) : "device/" + random.nextInt(50) + "/data";
  }
}
