package io.ryegrass.mqtt;

import static io.netty.handler.codec.mqtt.MqttMessageType.PUBACK;
import static io.netty.handler.codec.mqtt.MqttMessageType.PUBCOMP;
import static io.netty.handler.codec.mqtt.MqttMessageType.PUBREC;
import static io.netty.handler.codec.mqtt.MqttMessageType.PUBREL;
import static io.ryegrass.mqtt.TestPeer.packetId;
import static io.ryegrass.mqtt.TestPeer.payload;
import static io.ryegrass.mqtt.TestPeer.properties;
import static io.ryegrass.mqtt.TestPeer.reasonCode;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.handler.codec.mqtt.MqttConnAckMessage;
import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.handler.codec.mqtt.MqttMessageBuilders;
import io.netty.handler.codec.mqtt.MqttProperties;
import io.netty.handler.codec.mqtt.MqttPublishMessage;
import io.netty.handler.codec.mqtt.MqttQoS;
import io.netty.handler.codec.mqtt.MqttSubscriptionOption;
import io.netty.handler.codec.mqtt.MqttSubscriptionOption.RetainedHandlingPolicy;
import io.netty.handler.codec.mqtt.MqttVersion;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the broker does over the wire, by the clauses of MQTT 5.0 and 3.1.1. */
class ProtocolTest {
  private static final int SESSION_EXPIRY = 17;
  private static final int ASSIGNED_CLIENT_ID = 18;
  private static final int SERVER_KEEP_ALIVE = 19;
  private static final int AUTHENTICATION_METHOD = 21;
  private static final int WILL_DELAY = 24;
  private static final int RECEIVE_MAXIMUM = 33;
  private static final int TOPIC_ALIAS_MAXIMUM = 34;
  private static final int TOPIC_ALIAS = 35;
  private static final int USER_PROPERTY = 38;
  private static final int MAXIMUM_PACKET_SIZE = 39;
  private static final int MESSAGE_EXPIRY = 2;
  private static final int CONTENT_TYPE = 3;
  private static final int RESPONSE_TOPIC = 8;
  private static final int CORRELATION_DATA = 9;
  private static final int SUBSCRIPTION_ID = 11;

  private MqttBroker broker;

  @BeforeEach
  void start() {
    broker = TestBroker.builder().limits(Limits.standard()).start();
  }

  @AfterEach
  void stop() {
    broker.close();
  }

  private TestPeer peer(String id) throws Exception {
    return TestPeer.v5(broker, id);
  }

  private TestPeer keeping(String id, boolean clean, int expiry) throws Exception {
    return TestPeer.v5(
        broker, id, c -> c.cleanSession(clean).properties(properties(SESSION_EXPIRY, expiry)));
  }

  private static Integer number(MqttProperties of, int id) {
    return (Integer) of.getProperty(id).value();
  }

  /** Section 4.3.3: the whole of both handshakes, also with a PUBLISH and PUBREL sent twice. */
  @Test
  void aQos2MessageIsDeliveredOnceHoweverOftenItIsSent() throws Exception {
    try (TestPeer sender = peer("sender");
        TestPeer receiver = peer("receiver")) {
      assertThat(receiver.subscribe("t", 2)).containsExactly(2);
      sender.publish("t", "once", 2, 9);
      assertThat(packetId(sender.read(PUBREC))).isEqualTo(9);
      sender.publish("t", "once", 2, 9);
      assertThat(packetId(sender.read(PUBREC))).isEqualTo(9);
      sender.ack(PUBREL, 9);
      assertThat(packetId(sender.read(PUBCOMP))).isEqualTo(9);
      sender.ack(PUBREL, 9);
      assertThat(reasonCode(sender.read(PUBCOMP))).as("not found").isEqualTo(0x92);
      sender.publish("t", "again", 2, 9);
      sender.read(PUBREC);

      MqttPublishMessage first = receiver.readPublish();
      assertThat(payload(first)).isEqualTo("once");
      assertThat(first.fixedHeader().qosLevel()).isEqualTo(MqttQoS.EXACTLY_ONCE);
      receiver.ack(PUBREC, first.variableHeader().packetId());
      // PUBREL answers at once, the next message goes by way of the session: either may be first
      MqttMessage one = receiver.read();
      MqttMessage other = receiver.read();
      boolean released = one.fixedHeader().messageType() == PUBREL;
      assertThat(payload((MqttPublishMessage) (released ? other : one)))
          .as("the id is free after PUBREL")
          .isEqualTo("again");
      assertThat((released ? one : other).fixedHeader().messageType()).isEqualTo(PUBREL);
      assertThat(packetId(released ? one : other)).isEqualTo(first.variableHeader().packetId());
      receiver.ack(PUBCOMP, first.variableHeader().packetId());
      assertThat(receiver.isQuiet()).isTrue();
    }
  }

  /** [MQTT-4.4.0-1] [MQTT-4.3.3-1]: after a reconnect each message goes on where it stood. */
  @Test
  void aBrokenQos2DeliveryGoesOnWhereItStood() throws Exception {
    int sent;
    int released;
    try (TestPeer receiver = keeping("receiver", true, 100);
        TestPeer sender = peer("sender")) {
      receiver.subscribe("t", 2);
      sender.publish("t", "sent", 2, 1).publish("t", "released", 2, 2);
      sent = receiver.readPublish().variableHeader().packetId();
      released = receiver.readPublish().variableHeader().packetId();
      receiver.ack(PUBREC, released);
      receiver.read(PUBREL);
    }
    try (TestPeer receiver = keeping("receiver", false, 100)) {
      MqttPublishMessage again = receiver.readPublish();
      assertThat(again.fixedHeader().isDup()).isTrue();
      assertThat(again.variableHeader().packetId()).isEqualTo(sent);
      assertThat(payload(again)).isEqualTo("sent");
      assertThat(packetId(receiver.read(PUBREL))).isEqualTo(released);
      receiver.ack(PUBCOMP, released).ack(PUBREC, sent);
      assertThat(packetId(receiver.read(PUBREL))).isEqualTo(sent);
      receiver.ack(PUBCOMP, sent);
      assertThat(receiver.isQuiet()).isTrue();
    }
  }

  /** [MQTT5-4.3.3-4]: a PUBREC with an error ends the handshake. */
  @Test
  void aRefusedQos2MessageIsOverAtItsPubrec() throws Exception {
    try (TestPeer receiver =
            TestPeer.v5(broker, "receiver", c -> c.properties(properties(RECEIVE_MAXIMUM, 1)));
        TestPeer sender = peer("sender")) {
      receiver.subscribe("t", 2);
      sender.publish("t", "1", 2, 1).publish("t", "2", 1, 2);
      receiver.ack(PUBREC, receiver.readPublish().variableHeader().packetId(), 0x97);
      assertThat(payload(receiver.readPublish()))
          .as("no PUBREL; the window is free")
          .isEqualTo("2");
    }
  }

  /** [MQTT5-3.3.4-9]: no more than the client's receive maximum is in flight. */
  @Test
  void theClientsReceiveMaximumIsKeptAlsoAfterAReconnect() throws Exception {
    try (TestPeer sender = peer("sender")) {
      try (TestPeer receiver = keeping("receiver", true, 100)) {
        receiver.subscribe("t", 1);
        for (int i = 1; i <= 5; i++) {
          sender.publish("t", "" + i, 1, i);
          receiver.readPublish();
        }
      }
      try (TestPeer receiver =
          TestPeer.v5(
              broker,
              "receiver",
              c ->
                  c.cleanSession(false)
                      .properties(properties(SESSION_EXPIRY, 100, RECEIVE_MAXIMUM, 2)))) {
        MqttPublishMessage one = receiver.readPublish();
        MqttPublishMessage two = receiver.readPublish();
        assertThat(List.of(payload(one), payload(two))).containsExactly("1", "2");
        assertThat(receiver.isQuiet()).isTrue();
        receiver.ack(PUBACK, one.variableHeader().packetId());
        assertThat(payload(receiver.readPublish())).isEqualTo("3");
        assertThat(receiver.isQuiet()).isTrue();
      }
    }
  }

  /** [MQTT5-3.3.4-8]: the server's receive maximum. */
  @Test
  void whoeverExceedsTheAnnouncedReceiveMaximumIsDisconnected() throws Exception {
    try (TestPeer sender = new TestPeer(broker, MqttVersion.MQTT_5)) {
      MqttConnAckMessage ack = sender.connect("sender", c -> {});
      int most = number(ack.variableHeader().properties(), RECEIVE_MAXIMUM);
      assertThat(most).isEqualTo(Limits.standard().receiveMaximum());
      for (int i = 1; i <= most; i++) {
        sender.publish("t", "x", 2, i);
        sender.read(PUBREC);
      }
      sender.publish("t", "x", 2, most + 1);
      assertThat(sender.readEnd()).isEqualTo(0x93);
    }
  }

  /** Section 3.2.2.3. */
  @Test
  void connackAnnouncesTheLimits() throws Exception {
    try (TestPeer peer = new TestPeer(broker, MqttVersion.MQTT_5)) {
      MqttProperties p =
          peer.connect(
                  "",
                  c ->
                      c.keepAlive(3600)
                          .properties(
                              properties(SESSION_EXPIRY, (int) Duration.ofDays(30).toSeconds())))
              .variableHeader()
              .properties();
      assertThat((String) p.getProperty(ASSIGNED_CLIENT_ID).value()).isNotEmpty();
      assertThat(number(p, SERVER_KEEP_ALIVE)).isEqualTo(60);
      assertThat(number(p, MAXIMUM_PACKET_SIZE)).isEqualTo(Limits.standard().maxPacketBytes());
      assertThat(number(p, TOPIC_ALIAS_MAXIMUM)).isEqualTo(32);
      assertThat(number(p, SESSION_EXPIRY)).isEqualTo((int) Duration.ofDays(7).toSeconds());
    }
  }

  /** [MQTT5-4.12.0-1] and section 3.15: nobody offers enhanced authentication here. */
  @Test
  void enhancedAuthenticationIsRefusedProperly() throws Exception {
    try (TestPeer peer = new TestPeer(broker, MqttVersion.MQTT_5)) {
      MqttConnAckMessage ack =
          peer.connect("c", c -> c.properties(properties(AUTHENTICATION_METHOD, "GS2-KRB5")));
      assertThat(ack.variableHeader().connectReturnCode().byteValue()).isEqualTo((byte) 0x8C);
      assertThat(peer.read()).isNull();
    }
    try (TestPeer peer = peer("c")) {
      peer.send(MqttMessageBuilders.auth().reasonCode((byte) 0x19).build());
      assertThat(peer.readEnd()).isEqualTo(0x82);
    }
  }

  /** [MQTT-3.1.4-2], section 4.13 of MQTT 5. */
  @Test
  void aTakenOverConnectionIsToldSo() throws Exception {
    try (TestPeer first = peer("same");
        TestPeer second = peer("same")) {
      assertThat(first.readEnd()).isEqualTo(0x8E);
      assertThat(second.isQuiet()).isTrue();
    }
  }

  /** Section 3.1.2.11.2 and 3.14.2.2.2. */
  @Test
  void sessionsLastAsLongAsTheirExpirySays() throws Exception {
    keeping("c", true, 0).disconnect();
    assertThat(present("c", 0)).as("0 ends with the connection").isFalse();
    keeping("c", true, 100).disconnect();
    assertThat(present("c", 1)).isTrue();
    await().until(() -> broker.metrics().sessions() == 0);
    await().until(() -> broker.metrics().expiredSessions() == 1);

    try (TestPeer peer = keeping("c", true, 100)) {
      peer.send(
          MqttMessageBuilders.disconnect()
              .reasonCode((byte) 0)
              .properties(properties(SESSION_EXPIRY, 0))
              .build());
      assertThat(peer.read()).isNull();
    }
    await().until(() -> broker.metrics().sessions() == 0);
    try (TestPeer peer = peer("c")) { // [MQTT5-3.14.2-2]
      peer.send(
          MqttMessageBuilders.disconnect()
              .reasonCode((byte) 0)
              .properties(properties(SESSION_EXPIRY, 5))
              .build());
      assertThat(peer.readEnd()).isEqualTo(0x82);
    }
  }

  private boolean present(String id, int expiry) throws Exception {
    try (TestPeer peer = new TestPeer(broker, MqttVersion.MQTT_5)) {
      boolean present =
          peer.connect(
                  id, c -> c.cleanSession(false).properties(properties(SESSION_EXPIRY, expiry)))
              .variableHeader()
              .isSessionPresent();
      peer.disconnect();
      return present;
    }
  }

  /** [MQTT5-3.1.2-8] [MQTT5-3.1.3-9] [MQTT5-3.14.4-3]. */
  @Test
  void willsAreSentAfterTheirDelayUnlessTheClientIsBackOrSaidGoodbye() throws Exception {
    try (TestPeer watcher = peer("watcher")) {
      watcher.subscribe("will", 1);
      withWill("a", 0, 0).close();
      assertThat(payload(watcher.readPublish())).isEqualTo("a");
      withWill("b", 60, 0).close();
      assertThat(payload(watcher.readPublish())).as("its session ends at once").isEqualTo("b");
      withWill("c", 1, 100).close();
      assertThat(payload(watcher.readPublish())).as("after a second").isEqualTo("c");
      long begin = System.nanoTime();
      withWill("d", 1, 100).close();
      keeping("d", false, 100).close();
      boolean backInTime = System.nanoTime() - begin < 1_000_000_000L;
      withWill("e", 60, 100).close();
      await().until(() -> !broker.isConnected("e"));
      try (TestPeer again = keeping("e", true, 100)) {
        String next = payload(watcher.readPublish());
        if (!backInTime && next.equals("d")) { // the machine stood still for longer than its delay
          next = payload(watcher.readPublish());
        }
        assertThat(next).as("its session is over").isEqualTo("e");
        again.disconnect();
      }
      withWill("f", 0, 0).disconnect();
      try (TestPeer g = withWill("g", 0, 0)) {
        g.send(MqttMessageBuilders.disconnect().reasonCode((byte) 4).build());
        assertThat(payload(watcher.readPublish())).as("DISCONNECT with will").isEqualTo("g");
      }
      assertThat(watcher.hearsNothingFor(1_300)).as("neither d nor f").isTrue();
    }
  }

  private TestPeer withWill(String id, int delay, int expiry) throws Exception {
    return TestPeer.v5(
        broker,
        id,
        c ->
            c.willFlag(true)
                .willTopic("will")
                .willQoS(MqttQoS.AT_LEAST_ONCE)
                .willMessage(TestBroker.bytes(id))
                .willProperties(properties(WILL_DELAY, delay))
                .properties(properties(SESSION_EXPIRY, expiry)));
  }

  /** [MQTT5-3.8.3-3], section 3.8.3.1. */
  @Test
  void subscriptionOptionsAreKept() throws Exception {
    try (TestPeer a = peer("a");
        TestPeer b = peer("b")) {
      a.publish("t", "kept", 1, 1, true, new MqttProperties());
      a.read(PUBACK);
      a.subscribe(
          "t",
          new MqttSubscriptionOption(
              MqttQoS.AT_LEAST_ONCE, true, false, RetainedHandlingPolicy.DONT_SEND_AT_SUBSCRIBE),
          null);
      MqttSubscriptionOption ifNew =
          new MqttSubscriptionOption(
              MqttQoS.AT_LEAST_ONCE,
              false,
              true,
              RetainedHandlingPolicy.SEND_AT_SUBSCRIBE_IF_NOT_YET_EXISTS);
      b.subscribe("t", ifNew, null);
      assertThat(payload(b.readPublish())).isEqualTo("kept");
      b.subscribe("t", ifNew, null);
      assertThat(b.isQuiet()).as("not new any more").isTrue();

      a.publish("t", "new", 1, 2, true, new MqttProperties());
      a.read(PUBACK);
      assertThat(a.isQuiet()).as("neither retained nor its own").isTrue();
      MqttPublishMessage live = b.readPublish();
      assertThat(live.fixedHeader().isRetain()).as("retain as published").isTrue();
      b.publish("t", "from b", 0, 0);
      assertThat(payload(a.readPublish())).isEqualTo("from b");
    }
  }

  /** [MQTT5-3.3.4-3] [MQTT5-3.3.4-4] [MQTT-3.3.5-1]. */
  @Test
  void overlappingSubscriptionsBringOneCopyWithAllIdentifiersAndTheHighestQos() throws Exception {
    try (TestPeer peer = peer("c")) {
      peer.subscribe("a/+", MqttSubscriptionOption.onlyFromQos(MqttQoS.AT_MOST_ONCE), 7);
      peer.subscribe("a/#", MqttSubscriptionOption.onlyFromQos(MqttQoS.AT_LEAST_ONCE), 300_000);
      broker.publish("a/b", TestBroker.bytes("x"), 2, false);
      MqttPublishMessage got = peer.readPublish();
      assertThat(got.fixedHeader().qosLevel()).isEqualTo(MqttQoS.AT_LEAST_ONCE);
      List<Object> ids = new ArrayList<>();
      got.variableHeader()
          .properties()
          .getProperties(SUBSCRIPTION_ID)
          .forEach(p -> ids.add(p.value()));
      assertThat(ids).containsExactlyInAnyOrder(7, 300_000);
      assertThat(peer.isQuiet()).isTrue();
    }
  }

  /** Section 4.8.2. */
  @Test
  void oneMemberOfASharedSubscriptionGetsEachMessage() throws Exception {
    try (TestPeer one = peer("one");
        TestPeer two = peer("two");
        TestPeer plain = peer("plain");
        TestPeer sender = peer("sender")) {
      one.publish("job/0", "retained", 1, 1, true, new MqttProperties());
      one.read(PUBACK);
      one.subscribe("$share/g/job/+", 0);
      two.subscribe("$share/g/job/+", 0);
      plain.subscribe("job/1", 0);
      assertThat(one.isQuiet()).as("retained messages are not for shares").isTrue();
      for (int i = 0; i < 10; i++) {
        sender.publish("job/1", "" + i, 0, 0);
      }
      for (int i = 0; i < 10; i++) {
        assertThat(payload(plain.readPublish())).isEqualTo("" + i);
      }
      List<String> all = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        all.add(payload(one.readPublish()));
        all.add(payload(two.readPublish()));
      }
      assertThat(all).hasSize(10).doesNotHaveDuplicates();
      two.disconnect();
      await().until(() -> !broker.isConnected("two"));
      sender.publish("job/2", "to the one that is left", 0, 0);
      assertThat(payload(one.readPublish())).isEqualTo("to the one that is left");
      assertThat(one.unsubscribe("$share/g/job/+")).containsExactly((short) 0);
      assertThat(one.unsubscribe("$share/g/job/+")).containsExactly((short) 0x11);
      sender.publish("job/2", "to nobody", 1, 5);
      assertThat(reasonCode(sender.read(PUBACK))).as("no matching subscribers").isEqualTo(0x10);
    }
  }

  /** [MQTT5-3.3.2-7] … -12, both ways. */
  @Test
  void topicAliasesWorkBothWaysAndEndWithTheConnection() throws Exception {
    try (TestPeer receiver =
            TestPeer.v5(broker, "receiver", c -> c.properties(properties(TOPIC_ALIAS_MAXIMUM, 1)));
        TestPeer sender = peer("sender")) {
      receiver.subscribe("#", 0);
      sender.publish("long/topic", "1", 0, 0, false, properties(TOPIC_ALIAS, 3));
      sender.publish("", "2", 0, 0, false, properties(TOPIC_ALIAS, 3));
      sender.publish("other", "3", 0, 0, false, properties(TOPIC_ALIAS, 3));
      sender.publish("", "4", 0, 0, false, properties(TOPIC_ALIAS, 3));
      List<String> names = new ArrayList<>();
      for (int i = 1; i <= 4; i++) {
        MqttPublishMessage got = receiver.readPublish();
        assertThat(payload(got)).isEqualTo("" + i);
        names.add(got.variableHeader().topicName());
        if (i == 1) {
          assertThat(number(got.variableHeader().properties(), TOPIC_ALIAS)).isEqualTo(1);
        }
      }
      assertThat(names)
          .as("one alias, used the second time")
          .containsExactly("long/topic", "", "other", "other");
      sender.publish("t", "5", 0, 0, false, properties(TOPIC_ALIAS, 33));
      assertThat(sender.readEnd()).isEqualTo(0x94);
    }
    try (TestPeer sender = peer("sender")) {
      sender.publish("", "5", 0, 0, false, properties(TOPIC_ALIAS, 3));
      assertThat(sender.readEnd()).isEqualTo(0x94);
    }
  }

  /** [MQTT5-3.1.2-24] [MQTT5-3.1.2-25]: dropped as if it had been sent. */
  @Test
  void messagesBeyondTheClientsMaximumPacketSizeAreLeftOutAndHoldNothingUp() throws Exception {
    try (TestPeer receiver =
            TestPeer.v5(
                broker, "receiver", c -> c.properties(properties(MAXIMUM_PACKET_SIZE, 60)));
        TestPeer sender = peer("sender")) {
      receiver.subscribe("t", 1);
      for (int i = 0; i < 150; i++) {
        sender.publish("t", "x".repeat(100), 1, 1 + i);
        sender.read(PUBACK);
      }
      sender.publish("t", "fits", 1, 500);
      assertThat(payload(receiver.readPublish())).isEqualTo("fits");
      assertThat(broker.metrics().droppedTooLarge()).isEqualTo(150);
    }
  }

  /** [MQTT5-3.3.2-5] [MQTT5-3.3.2-6]. */
  @Test
  void messagesExpireAndTellWhatTimeIsLeft() throws Exception {
    keeping("receiver", true, 100).disconnect();
    try (TestPeer first = keeping("receiver", false, 100)) {
      first.subscribe("t", 1);
      first.disconnect();
    }
    try (TestPeer sender = peer("sender")) {
      sender.publish("t", "gone", 1, 1, true, properties(MESSAGE_EXPIRY, 1));
      sender.read(PUBACK);
      sender.publish("t", "there", 1, 2, false, properties(MESSAGE_EXPIRY, 100));
      sender.read(PUBACK);
      assertThat(sender.hearsNothingFor(1_100)).isTrue();
      try (TestPeer receiver = keeping("receiver", false, 100)) {
        MqttPublishMessage got = receiver.readPublish();
        assertThat(payload(got)).isEqualTo("there");
        assertThat(number(got.variableHeader().properties(), MESSAGE_EXPIRY)).isBetween(30, 99);
      }
      sender.subscribe("t", 1);
      assertThat(sender.isQuiet()).as("the retained one is over, too").isTrue();
    }
  }

  /** [MQTT5-3.3.2-15] … -20: what the receiver is meant to see comes unchanged and in order. */
  @Test
  void propertiesReachTheReceiverUnchangedAndOlderClientsWithoutThem() throws Exception {
    try (TestPeer receiver = peer("receiver");
        TestPeer old = new TestPeer(broker, MqttVersion.MQTT_3_1_1);
        TestPeer sender = peer("sender")) {
      receiver.subscribe("t", 0);
      old.connect("old", c -> {});
      old.subscribe("t", 0);
      sender.publish(
          "t",
          "{}",
          0,
          0,
          false,
          properties(
              CONTENT_TYPE,
              "application/json",
              RESPONSE_TOPIC,
              "answers/1",
              CORRELATION_DATA,
              new byte[] {1, 2, 3},
              USER_PROPERTY,
              List.of("a", "1"),
              USER_PROPERTY,
              List.of("b", "2"),
              USER_PROPERTY,
              List.of("a", "3")));
      MqttProperties p = receiver.readPublish().variableHeader().properties();
      assertThat(p.getProperty(CONTENT_TYPE).value()).isEqualTo("application/json");
      assertThat(p.getProperty(RESPONSE_TOPIC).value()).isEqualTo("answers/1");
      assertThat((byte[]) p.getProperty(CORRELATION_DATA).value()).containsExactly(1, 2, 3);
      List<MqttProperties.StringPair> user =
          ((MqttProperties.UserProperties) p.getProperty(USER_PROPERTY)).value();
      assertThat(user.stream().map(u -> u.key + u.value)).containsExactly("a1", "b2", "a3");
      MqttPublishMessage plain = old.readPublish();
      assertThat(payload(plain)).isEqualTo("{}");
    }
  }

  /** Sections 3.9.3, 3.4.2.1, 3.11.3: each refusal has its own code. */
  @Test
  void refusalsSayWhy() throws Exception {
    Authoriser some =
        new Authoriser() {
          @Override
          public boolean mayPublish(ClientSession s, String topic, boolean retain) {
            return !topic.startsWith("secret");
          }

          @Override
          public boolean maySubscribe(ClientSession s, String filter) {
            return !filter.startsWith("secret");
          }

          @Override
          public boolean mayReceive(ClientSession s, String topic) {
            return true;
          }
        };
    try (MqttBroker strict =
            TestBroker.builder()
                .limits(Limits.awsIotCore().with(b -> b.rates(0, 0, Duration.ZERO)))
                .authoriser(some)
                .start();
        TestPeer peer = TestPeer.v5(strict, "c")) {
      assertThat(peer.subscribe("secret/#", 1)).containsExactly(0x87);
      assertThat(peer.subscribe("a/#/b", 1)).containsExactly(0x8F);
      assertThat(peer.subscribe("$share/g/", 1)).containsExactly(0x8F);
      peer.publish("secret/x", "x", 1, 1);
      assertThat(reasonCode(peer.read(PUBACK))).isEqualTo(0x87);
      for (int i = 0; i < 50; i++) {
        assertThat(peer.subscribe("f/" + i, 2)).as("AWS has QoS 1 at most").containsExactly(1);
      }
      assertThat(peer.subscribe("f/50", 1)).containsExactly(0x97);
      peer.publish("t", "x", 2, 2);
      assertThat(peer.readEnd()).as("QoS not supported").isEqualTo(0x9B);
      try (TestPeer other = TestPeer.v5(strict, "d")) {
        other.send(
            MqttMessageBuilders.subscribe()
                .messageId(1)
                .addSubscription("t", MqttSubscriptionOption.onlyFromQos(MqttQoS.AT_MOST_ONCE))
                .properties(properties(SUBSCRIPTION_ID, 1))
                .build());
        assertThat(other.readEnd()).isEqualTo(0xA1);
      }
      try (TestPeer other = TestPeer.v5(strict, "e")) {
        other.publish("a/b/c/d/e/f/g/h/i", "x", 0, 0);
        assertThat(other.readEnd()).as("topic name invalid").isEqualTo(0x90);
      }
      try (TestPeer other = TestPeer.v5(strict, "f")) {
        other.publish("t", "x".repeat((128 << 10) + 1), 0, 0);
        assertThat(other.readEnd()).as("packet too large").isEqualTo(0x95);
      }
    }
  }

  /** [MQTT-4.7.2-1]. */
  @Test
  void wildcardsAtTheBeginningDoNotMatchReservedTopics() throws Exception {
    try (TestPeer peer = peer("c")) {
      peer.subscribe("#", 0);
      peer.subscribe("+/x", 0);
      peer.publish("$SYS/x", "hidden", 0, 0);
      assertThat(peer.isQuiet()).isTrue();
      peer.subscribe("$SYS/#", 0);
      peer.publish("$SYS/x", "seen", 0, 0);
      assertThat(payload(peer.readPublish())).isEqualTo("seen");
    }
  }

  /** MQTT 3.1: other name, other level, the same service. */
  @Test
  void clientsOfMqtt31AreServed() throws Exception {
    try (TestPeer old = new TestPeer(broker, MqttVersion.MQTT_3_1)) {
      assertThat(old.connect("old", c -> {}).variableHeader().isSessionPresent()).isFalse();
      assertThat(old.subscribe("t", 2)).containsExactly(2);
      old.publish("t", "x", 1, 4);
      List<MqttMessage> both = List.of(old.read(), old.read());
      assertThat(both.stream().map(m -> m.fixedHeader().messageType().name()))
          .containsExactlyInAnyOrder("PUBACK", "PUBLISH");
    }
  }

  /** Section 3.1.2.10 and the limits of AWS: one CONNECT per second and client id. */
  @Test
  void aClientThatConnectsAgainTooSoonIsRefusedAndNotPunishedFurther() throws Exception {
    Limits limits = Limits.standard().with(b -> b.rates(0, 0, Duration.ofMillis(500)));
    try (MqttBroker slow = TestBroker.builder().limits(limits).start()) {
      String id = "";
      int code = 0;
      boolean tooSoon = false;
      // who takes longer than that, because the machine stood still, does not come too soon
      for (int attempt = 0; attempt < 5 && !tooSoon; attempt++) {
        id = "c" + attempt;
        long begin = System.nanoTime();
        TestPeer.v5(slow, id).disconnect();
        try (TestPeer again = new TestPeer(slow, MqttVersion.MQTT_5)) {
          code = again.connect(id, c -> {}).variableHeader().connectReturnCode().byteValue();
        }
        tooSoon = System.nanoTime() - begin < 500_000_000L;
      }
      assertThat(code).isEqualTo((byte) 0x9F);
      String refused = id;
      await().ignoreExceptions().untilAsserted(() -> TestPeer.v5(slow, refused).disconnect());
    }
  }

  /** AWS's publish rate per connection: whoever sends faster is slowed down and loses nothing. */
  @Test
  void aClientBeyondItsRateIsReadFromMoreSlowly() throws Exception {
    Limits limits = Limits.standard().with(b -> b.rates(100, 0, Duration.ZERO));
    try (MqttBroker slow = TestBroker.builder().limits(limits).start();
        TestPeer receiver = TestPeer.v5(slow, "receiver");
        TestPeer sender = TestPeer.v5(slow, "sender")) {
      receiver.subscribe("t", 0);
      long begin = System.nanoTime();
      // when the machine stands still between two of them, they are not too many a second
      for (int round = 0; round < 5 && slow.metrics().throttled() == 0; round++) {
        for (int i = 0; i < 150; i++) {
          sender.publish("t", "" + i, 0, 0);
        }
        sender.publish("t", "last", 0, 0);
        for (int i = 0; i < 150; i++) {
          assertThat(payload(receiver.readPublish())).isEqualTo("" + i);
        }
        assertThat(payload(receiver.readPublish())).isEqualTo("last");
      }
      sender.publish("t", "after", 0, 0);
      assertThat(payload(receiver.readPublish())).isEqualTo("after");
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(Duration.ofMillis(400));
      assertThat(slow.metrics().throttled()).isPositive();
    }
  }

  /** The histogram has every delivery. */
  @Test
  void metricsTellHowLongMessagesTake() throws Exception {
    try (TestPeer peer = peer("c")) {
      peer.subscribe("t", 0);
      for (int i = 0; i < 20; i++) {
        peer.publish("t", "x", 0, 0);
        peer.readPublish();
      }
      await()
          .untilAsserted(
              () -> {
                long sum = 0;
                for (long count : broker.metrics().latency().counts()) {
                  sum += count;
                }
                assertThat(sum).isEqualTo(20);
              });
      assertThat(broker.metrics().latency().quantile(0.5))
          .isPositive()
          .isLessThan(Duration.ofSeconds(10));
    }
  }
}
