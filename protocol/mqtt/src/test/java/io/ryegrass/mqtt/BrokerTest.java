package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.MqttCallback;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.junit.jupiter.api.Test;

/** The engine with Paho's client as peer. */
class BrokerTest {

  @Test
  void messagesReachMatchingSubscribersInTheOrderOfTheirSender() throws Exception {
    try (MqttBroker broker = TestBroker.builder().start()) {
      int port = broker.port("mqtt");
      try (MqttClient receiver = TestBroker.connected(port, "receiver", true);
          MqttClient sender = TestBroker.connected(port, "sender", true)) {
        List<String> exact = TestBroker.collect(receiver, "a/b/c");
        List<String> plus = TestBroker.collect(receiver, "x/+/z");
        for (int i = 0; i < 500; i++) {
          sender.publish("a/b/c", TestBroker.bytes("" + i), i % 20 == 0 ? 0 : 1, false);
        }
        sender.publish("x/y/z", TestBroker.bytes("plus"), 1, false);
        sender.publish("x/y/other", TestBroker.bytes("no"), 1, false);
        await().untilAsserted(() -> assertThat(exact).hasSize(500));
        assertThat(exact).isEqualTo(IntStream.range(0, 500).mapToObj(i -> "" + i).toList());
        await().untilAsserted(() -> assertThat(plus).containsExactly("plus"));
        receiver.disconnect();
        sender.disconnect();
      }
      await().untilAsserted(() -> assertThat(broker.metrics().sessions()).isZero());
      assertThat(broker.metrics().subscriptions()).isZero();
      assertThat(broker.metrics().queuedBytes()).isZero();
    }
  }

  @Test
  void aPersistentSessionGetsWhatCameWhileItWasAwayInOrder() throws Exception {
    try (MqttBroker broker = TestBroker.builder().start()) {
      int port = broker.port("mqtt");
      MqttClient first = TestBroker.connected(port, "device", false);
      TestBroker.collect(first, "queue/#");
      first.disconnect();
      first.close();
      await().until(() -> !broker.isConnected("device"));
      for (int i = 0; i < 300; i++) {
        broker.publish("queue/" + i, TestBroker.bytes("" + i), 1, false);
      }
      broker.publish("queue/lost", TestBroker.bytes("qos 0 is not kept"), 0, false);
      List<String> received = new CopyOnWriteArrayList<>();
      MqttClient again = TestBroker.paho(port, "device");
      again.setCallback(collecting(received));
      assertThat(again.connectWithResult(TestBroker.options(false)).getSessionPresent()).isTrue();
      await().untilAsserted(() -> assertThat(received).hasSize(300));
      assertThat(received).isEqualTo(IntStream.range(0, 300).mapToObj(i -> "" + i).toList());
      await().untilAsserted(() -> assertThat(broker.metrics().queuedMessages()).isZero());
      again.disconnect();
      again.close();
      MqttClient clean = TestBroker.paho(port, "device");
      assertThat(clean.connectWithResult(TestBroker.options(true)).getSessionPresent()).isFalse();
      broker.publish("queue/x", TestBroker.bytes("nobody"), 1, false);
      clean.disconnect();
      clean.close();
    }
  }

  static MqttCallback collecting(List<String> received) {
    return new MqttCallback() {
      @Override
      public void connectionLost(Throwable cause) {}

      @Override
      public void messageArrived(String topic, MqttMessage message) {
        received.add(new String(message.getPayload(), StandardCharsets.UTF_8));
      }

      @Override
      public void deliveryComplete(IMqttDeliveryToken token) {}
    };
  }

  @Test
  void unacknowledgedMessagesAreSentAgainWithDupTheirIdentifiersAndInOrder() throws Exception {
    try (MqttBroker broker = TestBroker.builder().start()) {
      int port = broker.port("mqtt");
      List<Integer> identifiers = new ArrayList<>();
      try (RawClient client = new RawClient(port)) {
        assertThat(client.connected("device", false)).isFalse();
        client.subscribe("t", 1).read(RawClient.SUBACK);
        for (int i = 0; i < 5; i++) {
          broker.publish("t", TestBroker.bytes("" + i), 1, false);
        }
        for (int i = 0; i < 5; i++) {
          RawClient.Packet p = client.read(RawClient.PUBLISH);
          assertThat(p.duplicate()).isFalse();
          identifiers.add(p.packetId());
        }
        client.puback(identifiers.get(1));
        await().untilAsserted(() -> assertThat(broker.metrics().queuedMessages()).isEqualTo(4));
      }
      await().until(() -> !broker.isConnected("device"));
      broker.publish("t", TestBroker.bytes("new"), 1, false);
      try (RawClient client = new RawClient(port)) {
        assertThat(client.connected("device", false)).isTrue();
        for (int i : new int[] {0, 2, 3, 4}) {
          RawClient.Packet p = client.read(RawClient.PUBLISH);
          assertThat(p.duplicate()).isTrue();
          assertThat(p.packetId()).isEqualTo(identifiers.get(i));
          assertThat(p.payload()).isEqualTo("" + i);
        }
        RawClient.Packet fresh = client.read(RawClient.PUBLISH);
        assertThat(fresh.duplicate()).isFalse();
        assertThat(fresh.payload()).isEqualTo("new");
      }
    }
  }

  @Test
  void aRetainedMessageGoesToNewSubscribersAndAnEmptyOneDeletesIt() throws Exception {
    try (MqttBroker broker = TestBroker.builder().start();
        MqttClient client = TestBroker.connected(broker.port("mqtt"), "c", true)) {
      client.publish("state/x", TestBroker.bytes("on"), 1, true);
      List<String> received = new CopyOnWriteArrayList<>();
      client.subscribe(
          "state/+",
          1,
          (t, m) ->
              received.add(new String(m.getPayload(), StandardCharsets.UTF_8) + m.isRetained()));
      await().untilAsserted(() -> assertThat(received).containsExactly("ontrue"));
      client.publish("state/x", TestBroker.bytes("off"), 1, true);
      await().untilAsserted(() -> assertThat(received).containsExactly("ontrue", "offfalse"));
      client.publish("state/x", new byte[0], 1, true);
      await().untilAsserted(() -> assertThat(received).hasSize(3));
      assertThat(broker.metrics().retainedMessages()).isZero();
      client.disconnect();
    }
  }

  @Test
  void awsRulesRetainOnlyForEqualFiltersAndHashExcludesTheParent() throws Exception {
    try (MqttBroker broker = TestBroker.builder().awsTopicRules(true).start();
        MqttClient client = TestBroker.connected(broker.port("mqtt"), "c", true);
        MqttClient second = TestBroker.connected(broker.port("mqtt"), "d", true)) {
      broker.publish("a/b", TestBroker.bytes("kept"), 1, true);
      broker.publish("$aws/x", TestBroker.bytes("not kept"), 1, true);
      assertThat(broker.metrics().retainedMessages()).isEqualTo(1);
      List<String> wild = TestBroker.collect(client, "a/#");
      List<String> exact = TestBroker.collect(second, "a/b");
      await().untilAsserted(() -> assertThat(exact).containsExactly("kept"));
      assertThat(wild).isEmpty();
      broker.publish("a", TestBroker.bytes("parent"), 1, false);
      broker.publish("a/c", TestBroker.bytes("child"), 1, false);
      await().untilAsserted(() -> assertThat(wild).containsExactly("child"));
      client.disconnect();
      second.disconnect();
      assertThatThrownBy(() -> TestBroker.connected(broker.port("mqtt"), "$x", true))
          .isInstanceOf(MqttException.class);
    }
  }

  @Test
  void aWillIsSentWhenTheConnectionBreaksAndNotAfterDisconnect() throws Exception {
    try (MqttBroker broker = TestBroker.builder().start();
        MqttClient watcher = TestBroker.connected(broker.port("mqtt"), "watcher", true)) {
      List<String> received = TestBroker.collect(watcher, "will/#");
      MqttConnectOptions options = TestBroker.options(true);
      options.setWill("will/orderly", TestBroker.bytes("orderly"), 1, false);
      MqttClient orderly = TestBroker.paho(broker.port("mqtt"), "orderly");
      orderly.connect(options);
      orderly.disconnect();
      orderly.close();
      options.setWill("will/broken", TestBroker.bytes("broken"), 1, false);
      MqttClient broken = TestBroker.paho(broker.port("mqtt"), "broken");
      broken.connect(options);
      broken.disconnectForcibly(0, 1, false);
      broken.close();
      await().untilAsserted(() -> assertThat(received).containsExactly("broken"));
      watcher.disconnect();
    }
  }

  @Test
  void aWillThatMayNotBePublishedRefusesTheConnection() throws Exception {
    try (MqttBroker broker = TestBroker.builder().authoriser(new OnlyUnder("mine/")).start()) {
      MqttConnectOptions options = TestBroker.options(true);
      options.setWill("theirs/x", TestBroker.bytes("x"), 1, false);
      try (MqttClient client = TestBroker.paho(broker.port("mqtt"), "c")) {
        assertThatThrownBy(() -> client.connect(options))
            .isInstanceOfSatisfying(
                MqttException.class, e -> assertThat(e.getReasonCode()).isEqualTo(5));
      }
    }
  }

  private record OnlyUnder(String prefix) implements Authoriser {
    @Override
    public boolean mayPublish(ClientSession session, String topic, boolean retain) {
      return topic.startsWith(prefix);
    }

    @Override
    public boolean maySubscribe(ClientSession session, String filter) {
      return filter.startsWith(prefix);
    }

    @Override
    public boolean mayReceive(ClientSession session, String topic) {
      return !topic.contains("secret");
    }
  }

  @Test
  void refusedSubscribesGet128RefusedPublishesCloseAndRefusedReceiversAreLeftOut()
      throws Exception {
    List<String> ends = new CopyOnWriteArrayList<>();
    Interceptor host =
        new Interceptor() {
          @Override
          public Disposition onPublish(
              ClientSession s, String topic, byte[] payload, int qos, boolean retain) {
            return Disposition.ROUTE;
          }

          @Override
          public void onDisconnect(ClientSession session, String reason) {
            ends.add(reason);
          }
        };
    try (MqttBroker broker =
            TestBroker.builder().authoriser(new OnlyUnder("mine/")).interceptor(host).start();
        RawClient client = new RawClient(broker.port("mqtt"))) {
      client.connected("c", true);
      assertThat(client.subscribe("theirs/#", 1).read(RawClient.SUBACK).body()[2] & 0xFF)
          .isEqualTo(0x80);
      assertThat(client.subscribe("mine/#", 1).read(RawClient.SUBACK).body()[2])
          .isEqualTo((byte) 1);
      client.publish("mine/secret", "s", 1, 1).read(RawClient.PUBACK);
      client.publish("mine/open", "o", 1, 2);
      RawClient.Packet a = client.read();
      RawClient.Packet b = client.read();
      assertThat(a.type() == RawClient.PUBLISH ? a.payload() : b.payload()).isEqualTo("o");
      client.publish("theirs/x", "x", 1, 3);
      assertThat(client.isClosedByPeer()).isTrue();
      await().untilAsserted(() -> assertThat(ends).containsExactly("FORBIDDEN_ACCESS"));
      await().untilAsserted(() -> assertThat(broker.metrics().refusedPublishes()).isEqualTo(1));
    }
  }

  @Test
  void aSecondConnectionWithTheSameClientIdTakesOverAndTheHostSeesTheEndFirst() throws Exception {
    List<String> events = new CopyOnWriteArrayList<>();
    Interceptor host =
        new Interceptor() {
          @Override
          public Disposition onPublish(
              ClientSession s, String topic, byte[] payload, int qos, boolean retain) {
            return Disposition.ROUTE;
          }

          @Override
          public void onConnect(ClientSession session) {
            events.add("connect");
          }

          @Override
          public void onDisconnect(ClientSession session, String reason) {
            events.add(reason);
          }
        };
    try (MqttBroker broker = TestBroker.builder().interceptor(host).start();
        RawClient first = new RawClient(broker.port("mqtt"));
        RawClient second = new RawClient(broker.port("mqtt"))) {
      first.connected("same", false);
      first.subscribe("t", 1).read(RawClient.SUBACK);
      assertThat(second.connected("same", false)).isTrue();
      assertThat(first.isClosedByPeer()).isTrue();
      broker.publish("t", TestBroker.bytes("to the second"), 1, false);
      assertThat(second.read(RawClient.PUBLISH).payload()).isEqualTo("to the second");
      await()
          .untilAsserted(
              () -> assertThat(events).containsExactly("connect", "DUPLICATE_CLIENTID", "connect"));
      assertThat(broker.metrics().takeovers()).isEqualTo(1);
    }
  }

  @Test
  void consumedMessagesAreAcknowledgedAndNotFannedOut() throws Exception {
    ConcurrentLinkedQueue<String> consumed = new ConcurrentLinkedQueue<>();
    Interceptor host =
        (session, topic, payload, qos, retain) -> {
          consumed.add(session.clientId() + " " + topic);
          return Interceptor.Disposition.CONSUMED;
        };
    try (MqttBroker broker = TestBroker.builder().interceptor(host).start();
        MqttClient client = TestBroker.connected(broker.port("mqtt"), "c", true)) {
      List<String> received = TestBroker.collect(client, "#");
      client.publish("t", TestBroker.bytes("x"), 1, true);
      assertThat(consumed).containsExactly("c t");
      assertThat(broker.deliver("c", "other", TestBroker.bytes("from the host"), 1)).isTrue();
      await().untilAsserted(() -> assertThat(received).containsExactly("from the host"));
      assertThat(broker.metrics().retainedMessages()).isZero();
      client.unsubscribe("#");
      assertThat(broker.deliver("c", "other", TestBroker.bytes("unsubscribed"), 1)).isFalse();
      assertThat(broker.deliver("nobody", "other", TestBroker.bytes("x"), 1)).isFalse();
      client.disconnect();
    }
  }

  @Test
  void hostCodeThatFailsRefusesAndNeverPermits() throws Exception {
    Authoriser failing =
        new Authoriser() {
          @Override
          public boolean mayPublish(ClientSession session, String topic, boolean retain) {
            if (topic.equals("fail/authoriser")) {
              throw new IllegalStateException("planned");
            }
            return true;
          }

          @Override
          public boolean maySubscribe(ClientSession session, String filter) {
            if (filter.startsWith("fail")) {
              throw new IllegalStateException("planned");
            }
            return true;
          }

          @Override
          public boolean mayReceive(ClientSession session, String topic) {
            if (topic.equals("fail/receive")) {
              throw new IllegalStateException("planned");
            }
            return true;
          }
        };
    Interceptor host =
        (session, topic, payload, qos, retain) -> {
          if (topic.equals("fail/host")) {
            throw new IllegalStateException("planned");
          }
          return Interceptor.Disposition.ROUTE;
        };
    try (MqttBroker broker =
            TestBroker.builder()
                .authenticator(
                    r -> {
                      if (r.clientId().equals("fail")) {
                        throw new IllegalStateException("planned");
                      }
                      return new AuthenticationResult.Accepted("");
                    })
                .authoriser(failing)
                .interceptor(host)
                .start();
        RawClient witness = new RawClient(broker.port("mqtt"))) {
      int port = broker.port("mqtt");
      witness.connected("witness", true);
      witness.subscribe("#", 0).read(RawClient.SUBACK);
      try (RawClient client = new RawClient(port)) {
        assertThat(client.connect("fail", true, 0).read(RawClient.CONNACK).body()[1])
            .isEqualTo((byte) 3);
      }
      for (String topic : new String[] {"fail/authoriser", "fail/host"}) {
        try (RawClient client = new RawClient(port)) {
          client.connected("c", true);
          assertThat(client.subscribe("fail/x", 1).read(RawClient.SUBACK).body()[2] & 0xFF)
              .isEqualTo(0x80);
          client.publish(topic, "x", 1, 9);
          assertThatThrownBy(client::read)
              .as("no PUBACK for %s", topic)
              .isInstanceOf(java.io.UncheckedIOException.class);
        }
      }
      broker.publish("fail/receive", TestBroker.bytes("x"), 0, false);
      broker.publish("fine", TestBroker.bytes("x"), 0, false);
      assertThat(witness.read(RawClient.PUBLISH).topic()).isEqualTo("fine");
    }
  }

  @Test
  void anAuthoriserThatFailsOnTheEventLoopRefusesAndTheLoopServesOn() throws Exception {
    Authoriser failing =
        new Authoriser() {
          @Override
          public boolean isImmediate() {
            return true;
          }

          @Override
          public boolean mayPublish(ClientSession session, String topic, boolean retain) {
            return answer(topic, "fail/publish");
          }

          @Override
          public boolean maySubscribe(ClientSession session, String filter) {
            return answer(filter, "fail/subscribe");
          }

          @Override
          public boolean mayReceive(ClientSession session, String topic) {
            return answer(topic, "fail/receive");
          }

          private boolean answer(String what, String failsFor) {
            if (what.equals(failsFor)) {
              throw new IllegalStateException("planned");
            }
            return true;
          }
        };
    try (MqttBroker broker = TestBroker.builder().eventLoops(1).authoriser(failing).start();
        RawClient witness = new RawClient(broker.port("mqtt"));
        RawClient refused = new RawClient(broker.port("mqtt"))) {
      witness.connected("witness", true);
      witness.subscribe("#", 0).read(RawClient.SUBACK);
      assertThat(witness.subscribe("fail/subscribe", 1).read(RawClient.SUBACK).body()[2] & 0xFF)
          .isEqualTo(0x80);
      refused.connected("refused", true);
      refused.publish("fail/receive", "x", 1, 1).read(RawClient.PUBACK);
      refused.publish("fail/publish", "x", 1, 2);
      assertThat(refused.isClosedByPeer()).isTrue();
      witness.publish("fine", "x", 0, 0);
      assertThat(witness.read(RawClient.PUBLISH).topic()).isEqualTo("fine");
    }
  }

  /** [MQTT-3.2.0-1]: also when more packets are on their way before CONNECT is answered. */
  @Test
  void nothingIsSentBeforeConnAck() throws Exception {
    try (MqttBroker broker = TestBroker.builder().start()) {
      for (int i = 0; i < 400; i++) {
        try (RawClient hasty = new RawClient(broker.port("mqtt"))) {
          hasty.connect("hasty-" + i, true, 0);
          for (int n = 1; n <= 8; n++) {
            hasty.send(0xC0, 0).publish("t", "x", 1, n);
          }
          assertThat(hasty.read().type()).isEqualTo(RawClient.CONNACK);
        }
      }
    }
  }

  @Test
  void hostCodeThatBlocksHoldsUpItsOwnClientOnly() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    Interceptor host =
        (session, topic, payload, qos, retain) -> {
          if (topic.equals("slow")) {
            try {
              release.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
          return Interceptor.Disposition.ROUTE;
        };
    try (MqttBroker broker = TestBroker.builder().eventLoops(1).interceptor(host).start();
        RawClient slow = new RawClient(broker.port("mqtt"));
        RawClient quick = new RawClient(broker.port("mqtt"))) {
      slow.connected("slow", true);
      quick.connected("quick", true);
      slow.publish("slow", "1", 1, 1).publish("after", "2", 1, 2);
      quick.subscribe("#", 1).read(RawClient.SUBACK);
      quick.publish("t", "3", 1, 7);
      List<Integer> types = List.of(quick.read().type(), quick.read().type());
      assertThat(types).containsExactlyInAnyOrder(RawClient.PUBLISH, RawClient.PUBACK);
      slow.send(0xC0, 0);
      assertThat(slow.read().type()).as("PINGRESP while host code blocks").isEqualTo(13);
      release.countDown();
      assertThat(slow.read(RawClient.PUBACK).packetId()).isEqualTo(1);
      assertThat(slow.read(RawClient.PUBACK).packetId()).isEqualTo(2);
      assertThat(quick.read(RawClient.PUBLISH).topic()).isEqualTo("slow");
      assertThat(quick.read(RawClient.PUBLISH).topic()).isEqualTo("after");
    }
  }

  @Test
  void silenceBeyondTheKeepAliveEndsTheConnectionAndPingsKeepIt() throws Exception {
    boolean proven = false;
    for (int attempt = 0; attempt < 10 && !proven; attempt++) {
      proven = pingsKeepWhatSilenceEnds();
    }
    assertThat(proven).as("one run without a pause of the machine").isTrue();
  }

  /** False when there was a pause between two pings that may have ended their connection, too. */
  private static boolean pingsKeepWhatSilenceEnds() throws Exception {
    try (MqttBroker broker = TestBroker.builder().start();
        RawClient silent = new RawClient(broker.port("mqtt"));
        RawClient pinging = new RawClient(broker.port("mqtt"))) {
      silent.connect("silent", true, 1).read(RawClient.CONNACK);
      AtomicLong last = new AtomicLong(System.nanoTime());
      AtomicLong longest = new AtomicLong();
      pinging.connect("pinging", true, 1).read(RawClient.CONNACK);
      try {
        await()
            .pollInterval(Duration.ofMillis(200))
            .until(
                () -> {
                  pinging.send(0xC0, 0).read();
                  long now = System.nanoTime();
                  longest.accumulateAndGet(now - last.getAndSet(now), Math::max);
                  return !broker.isConnected("silent");
                });
      } catch (Exception closed) { // also an IOException
        longest.accumulateAndGet(System.nanoTime() - last.get(), Math::max);
        assertThat(longest.get()).as("%s", closed).isGreaterThan(700_000_000L);
      }
      if (longest.get() > 700_000_000L) {
        return false; // with the time of an answer, this may be the 1.5 s of the keep-alive
      }
      assertThat(broker.isConnected("pinging")).isTrue();
      assertThat(broker.metrics().keepAliveTimeouts()).isEqualTo(1);
      return true;
    }
  }

  @Test
  void anAbandonedSessionExpires() throws Exception {
    Limits limits = Limits.device().with(b -> b.sessionExpiry(Duration.ofSeconds(1)));
    try (MqttBroker broker = TestBroker.builder().limits(limits).start()) {
      try (RawClient client = new RawClient(broker.port("mqtt"))) {
        client.connected("gone", false);
        client.subscribe("t", 1).read(RawClient.SUBACK);
      }
      await().until(() -> broker.metrics().expiredSessions() == 1);
      await().until(() -> broker.metrics().sessions() == 0);
      await().until(() -> broker.metrics().subscriptions() == 0);
    }
  }

  @Test
  void aTakenPortIsToldWithItsRemedy() {
    try (MqttBroker broker = TestBroker.builder().start()) {
      var second =
          MqttBroker.builder()
              .listener(
                  "mqtt", new java.net.InetSocketAddress("127.0.0.1", broker.port("mqtt")), null)
              .authenticator(r -> new AuthenticationResult.Accepted(""))
              .authoriser(Authoriser.permitAll());
      assertThatThrownBy(second::start)
          .isInstanceOf(MqttBrokerException.class)
          .hasMessageContaining("127.0.0.1:" + broker.port("mqtt"))
          .hasMessageContaining("choose another");
    }
  }
}
