package io.ryegrass.mqtt;

import static io.ryegrass.mqtt.RawClient.body;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Malformed packets, and what brokers fell to ("Attacks that brokers fell to" in the lessons). */
class AttackTest {
  private static final Limits LIMITS =
      Limits.device()
          .with(
              b ->
                  b.queue(200, 1 << 20)
                      .connectTimeout(Duration.ofSeconds(60))
                      .stalledWriteTimeout(Duration.ofMillis(700)));

  private MqttBroker broker;

  @BeforeEach
  void start() {
    start(LIMITS);
  }

  private void start(Limits limits) {
    broker = TestBroker.builder().limits(limits).awsTopicRules(true).start();
  }

  @AfterEach
  void theBrokerStillServesOthers() throws IOException {
    try (RawClient client = new RawClient(broker.port("mqtt"))) {
      client.connected("witness", true);
      client.subscribe("w", 1).read(RawClient.SUBACK);
      client.publish("w", "alive", 0, 0);
      assertThat(client.read(RawClient.PUBLISH).payload()).isEqualTo("alive");
    }
    broker.close();
  }

  private RawClient connected(String id) throws IOException {
    RawClient client = new RawClient(broker.port("mqtt"));
    client.connected(id, true);
    return client;
  }

  private void closes(String what, int firstByte, byte[] packetBody) throws IOException {
    try (RawClient client = connected("victim")) {
      assertThat(isCutOff(client, firstByte, packetBody)).as(what).isTrue();
    }
  }

  /** The engine may close while the rest of the bytes is still being written. */
  private static boolean isCutOff(RawClient client, int firstByte, byte[] packetBody)
      throws IOException {
    try {
      client.packet(firstByte, packetBody).send(0xC0, 0, 0xC0, 0, 0xC0, 0, 0xC0, 0);
    } catch (SocketException e) {
      return true;
    }
    return client.isClosedByPeer();
  }

  @Test
  void malformedPacketsCloseTheirConnection() throws IOException {
    closes("second CONNECT", 0x10, body("MQTT", 4, 2, 0, 0, "victim"));
    closes("server's packet", 0x20, body(0, 0));
    closes("reserved type 0", 0x00, body());
    closes("reserved type 15", 0xF0, body());
    closes("SUBSCRIBE with wrong flags", 0x80, body(0, 1, "t", 1));
    closes("SUBSCRIBE without filters", 0x82, body(0, 1));
    closes("SUBSCRIBE with identifier 0", 0x82, body(0, 0, "t", 1));
    closes("SUBSCRIBE with QoS 3", 0x82, body(0, 1, "t", 3));
    closes("UNSUBSCRIBE without filters", 0xA2, body(0, 1));
    closes("PUBLISH with QoS 3", 0x36, body("t", 0, 1));
    closes("PUBLISH with QoS 2, not served", 0x34, body("t", 0, 1));
    closes("PUBLISH with identifier 0", 0x32, body("t", 0, 0, "x"));
    closes("PUBLISH to a wildcard", 0x30, body("a/+", "x"));
    closes("PUBLISH to nothing", 0x30, body("", "x"));
    closes("PUBLISH to U+0000", 0x30, body("a\0b", "x"));
    closes("PUBLISH with ill-formed UTF-8", 0x30, body(0, 2, 0xC3, 0x28, "x"));
    closes("PUBLISH with a topic longer than the packet", 0x30, body(0, 9, "x"));
    closes("PUBLISH 9 levels deep", 0x30, body("a/b/c/d/e/f/g/h/i", "x"));
    closes("too large a payload", 0x30, body("t", new byte[(128 << 10) + 1]));
    closes("much too large a payload", 0x30, body("t", new byte[1 << 20]));
    closes("PUBLISH without anything", 0x30, new byte[0]);
    closes("SUBSCRIBE whose filter is longer than the packet", 0x82, body(0, 1, 0, 6, "x"));
    closes("PUBACK without identifier", 0x40, new byte[0]);
    closes("PUBACK with more than an identifier", 0x40, body(0, 1, 0, 0, 0));
  }

  @Test
  void aLengthThatNeverEndsIsCut() throws IOException {
    try (RawClient client = connected("victim")) {
      client.send(0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF);
      assertThat(client.isClosedByPeer()).isTrue();
    }
  }

  @Test
  void packetsBeforeConnectAndOtherVersionsAreRefused() throws IOException {
    try (RawClient client = new RawClient(broker.port("mqtt"))) {
      client.publish("t", "x", 0, 0);
      assertThat(client.isClosedByPeer()).isTrue();
    }
    try (RawClient client = new RawClient(broker.port("mqtt"))) { // [MQTT-3.1.2-2]
      client.packet(0x10, body("MQTT", 2, 2, 0, 0, "c"));
      assertThat(client.read(RawClient.CONNACK).body()[1]).isEqualTo((byte) 1);
      assertThat(client.isClosedByPeer()).isTrue();
    }
    try (RawClient client = new RawClient(broker.port("mqtt"))) {
      client.packet(0x10, body("MQTT", 9, 2, 0, 0, "c"));
      assertThat(client.read(RawClient.CONNACK).body()[1]).isEqualTo((byte) 0x84);
      assertThat(client.isClosedByPeer()).isTrue();
    }
    try (RawClient client = new RawClient(broker.port("mqtt"))) {
      client.packet(0x10, body("MQTT", 4, 0, 0, 0, ""));
      assertThat(client.read(RawClient.CONNACK).body()[1]).isEqualTo((byte) 2);
    }
    try (RawClient client = new RawClient(broker.port("mqtt"))) {
      client.packet(0x10, body("MQTT", 4, 2, 0, 0, "x".repeat(129)));
      assertThat(client.read(RawClient.CONNACK).body()[1]).isEqualTo((byte) 2);
    }
    try (RawClient client = new RawClient(broker.port("mqtt"))) {
      client.packet(0x10, body("MQTT", 4, 2, 0, 0, ""));
      assertThat(client.read(RawClient.CONNACK).body()[1]).as("made-up id").isEqualTo((byte) 0);
    }
  }

  @Test
  void whoeverSendsNothingIsDisconnectedAfterTheConnectTime() throws IOException {
    // of its own, because an honest client may need longer than that on a busy machine
    Limits brief = LIMITS.with(b -> b.connectTimeout(Duration.ofMillis(500)));
    try (MqttBroker impatient = TestBroker.builder().limits(brief).start();
        RawClient client = new RawClient(impatient.port("mqtt"))) {
      assertThat(client.isClosedByPeer()).isTrue();
    }
  }

  @Test
  void filtersThatAreTooDeepOrSharedOrTooManyAreRefusedEachAlone() throws IOException {
    try (RawClient client = connected("c")) {
      for (String filter :
          new String[] {
            "a/b/c/d/e/f/g/h/i",
            "$share/g",
            "$share//",
            "$share//t",
            "$share/+/t",
            "$share/g/",
            "$share",
            "a#",
            "#/a",
            "a/+b"
          }) {
        boolean plain = filter.equals("$share");
        assertThat(client.subscribe(filter, 1).read(RawClient.SUBACK).body()[2] & 0xFF)
            .as(filter)
            .isEqualTo(plain ? 1 : 0x80);
      }
      for (int i = 0; i < 49; i++) {
        assertThat(client.subscribe("f/" + i, 2).read(RawClient.SUBACK).body()[2])
            .isEqualTo((byte) 1);
      }
      assertThat(client.subscribe("f/50", 1).read(RawClient.SUBACK).body()[2] & 0xFF)
          .isEqualTo(0x80);
    }
  }

  @Test
  void aSubscriberThatNeverAcknowledgesIsBoundedInMessagesAndInFlight() throws IOException {
    try (RawClient client = connected("greedy")) {
      client.subscribe("t", 1).read(RawClient.SUBACK);
      for (int i = 0; i < 1000; i++) {
        broker.publish("t", TestBroker.bytes("" + i), 1, false);
      }
      assertThat(broker.metrics().queuedMessages()).isEqualTo(200);
      assertThat(broker.metrics().droppedQueueFull()).isEqualTo(800);
      for (int i = 0; i < 100; i++) {
        assertThat(client.read(RawClient.PUBLISH).payload()).isEqualTo("" + i);
      }
      client.socket().setSoTimeout(200);
      assertThat(client.isClosedByPeer())
          .as("the window is closed, the connection is not")
          .isFalse();
    }
    await().untilAsserted(() -> assertThat(broker.metrics().queuedBytes()).isZero());
  }

  @Test
  void aSubscriberThatReadsNothingCostsBoundedMemoryAndIsDisconnected() throws IOException {
    broker.close(); // the queue has to be full before this one loses its patience
    start(LIMITS.with(b -> b.stalledWriteTimeout(Duration.ofSeconds(5))));
    Socket socket = new Socket();
    socket.setReceiveBufferSize(4 << 10);
    socket.connect(
        new java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), broker.port("mqtt")));
    try (RawClient client = new RawClient(socket)) {
      client.connected("sleeper", true);
      client.subscribe("big", 0).read(RawClient.SUBACK);
      byte[] payload = new byte[64 << 10];
      for (int i = 0; i < 400; i++) {
        broker.publish("big", payload, 0, false);
      }
      assertThat(broker.metrics().queuedBytes()).isLessThanOrEqualTo(1 << 20);
      assertThat(broker.metrics().droppedQueueFull()).isGreaterThan(100);
      await()
          .until(
              () -> {
                broker.publish("big", payload, 0, false);
                return broker.metrics().stalledWriters() == 1;
              });
      await().until(() -> !broker.isConnected("sleeper"));
    }
  }

  @Test
  void aClientThatPingsWithoutReadingIsNotReadFromAnyMore() throws Exception {
    try (RawClient client = connected("pinger")) {
      byte[] pings = new byte[64 << 10];
      for (int i = 0; i < pings.length; i += 2) {
        pings[i] = (byte) 0xC0;
      }
      Thread sender =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      for (int i = 0; i < 500; i++) {
                        client.socket().getOutputStream().write(pings);
                      }
                    } catch (IOException e) {
                      // what is wanted: the broker ends it
                    }
                  });
      await().until(() -> !broker.isConnected("pinger"));
      sender.join();
    }
  }

  @Test
  void randomBytesDoNoHarm() throws IOException {
    Random random = new Random(42);
    for (int i = 0; i < 300; i++) {
      try (RawClient client = i % 2 == 0 ? connected("fuzz") : new RawClient(broker.port("mqtt"))) {
        byte[] noise = new byte[1 + random.nextInt(200)];
        random.nextBytes(noise);
        client.socket().getOutputStream().write(noise);
      } catch (IOException | java.io.UncheckedIOException e) {
        // closed in our face: fine
      }
    }
    await().until(() -> broker.metrics().connections() == 0);
  }

  @Test
  void clientIdsWithWildcardsAndSeparatorsAreOrdinaryNames() throws IOException {
    for (String id : new String[] {"#", "+/+", "a/b", "../../x", "ключ"}) {
      try (RawClient client = connected(id)) {
        client.subscribe("own", 1).read(RawClient.SUBACK);
        assertThat(broker.deliver(id, "own", id.getBytes(StandardCharsets.UTF_8), 1)).isTrue();
        assertThat(client.read(RawClient.PUBLISH).payload()).isEqualTo(id);
      }
    }
  }
}
