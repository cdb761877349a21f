package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** MQTT in WebSocket: OASIS MQTT 3.1.1 and 5.0, section 6, and RFC 6455. */
class WebSocketTest {
  private static final byte[] PINGREQ = {(byte) 0xC0, 0};

  private static MqttBroker broker;
  private static int port;
  private static HttpClient http;

  @BeforeAll
  static void start() {
    broker = builder(settings()).start();
    port = broker.port("ws");
    http = HttpClient.newHttpClient();
  }

  @AfterAll
  static void stop() {
    http.shutdownNow();
    broker.close();
  }

  private static ListenerSettings settings() {
    return ListenerSettings.tcp("ws", new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
        .withWebSocket("/mqtt");
  }

  private static MqttBroker.Builder builder(ListenerSettings settings) {
    return MqttBroker.builder()
        .listener(settings)
        .authenticator(r -> new AuthenticationResult.Accepted(r.clientId()))
        .authoriser(Authoriser.permitAll());
  }

  /** Collects what comes: bytes of binary frames, and how the connection ended. */
  private static final class Received implements WebSocket.Listener {
    final LinkedBlockingQueue<byte[]> frames = new LinkedBlockingQueue<>();
    final CompletableFuture<Integer> closed = new CompletableFuture<>();
    final CompletableFuture<String> pong = new CompletableFuture<>();
    private final ByteArrayOutputStream partial = new ByteArrayOutputStream();

    @Override
    public CompletionStage<?> onBinary(WebSocket ws, ByteBuffer data, boolean last) {
      byte[] b = new byte[data.remaining()];
      data.get(b);
      partial.writeBytes(b);
      if (last) {
        frames.add(partial.toByteArray());
        partial.reset();
      }
      ws.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onPong(WebSocket ws, ByteBuffer message) {
      pong.complete(StandardCharsets.UTF_8.decode(message).toString());
      ws.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket ws, int status, String reason) {
      closed.complete(status);
      return null;
    }

    @Override
    public void onError(WebSocket ws, Throwable error) {
      closed.completeExceptionally(error);
    }

    byte[] next() throws InterruptedException {
      byte[] frame = frames.poll(60, TimeUnit.SECONDS);
      assertThat(frame).as("a binary frame").isNotNull();
      return frame;
    }
  }

  private static WebSocket open(Received received) throws Exception {
    return http.newWebSocketBuilder()
        .subprotocols("mqtt")
        .buildAsync(URI.create("ws://127.0.0.1:" + port + "/mqtt"), received)
        .get(60, TimeUnit.SECONDS);
  }

  private static void send(WebSocket ws, byte[] bytes, boolean last) throws Exception {
    ws.sendBinary(ByteBuffer.wrap(bytes), last).get(60, TimeUnit.SECONDS);
  }

  private static byte[] connect(String clientId) {
    return RawClient.encoded(0x10, RawClient.body("MQTT", 4, 2, 0, 0, clientId));
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] p : parts) {
      all.writeBytes(p);
    }
    return all.toByteArray();
  }

  @Test
  void pahoPublishesAndSubscribesOverIt() throws Exception {
    MqttClient client =
        new MqttClient("ws://127.0.0.1:" + port + "/mqtt", "paho", new MemoryPersistence());
    client.connect(TestBroker.options(true));
    List<String> received = TestBroker.collect(client, "ws/#");
    for (int i = 0; i < 50; i++) {
      client.publish("ws/t", TestBroker.bytes("m" + i), 1, false);
    }
    await().until(() -> received.size() == 50);
    assertThat(received.getFirst()).isEqualTo("m0");
    client.publish("ws/large", new byte[100_000], 1, false);
    await().until(() -> received.size() == 51);
    client.disconnect();
    client.close();
    await().until(() -> !broker.isConnected("paho"));
  }

  /** [MQTT-6.0.0-4]: the server names the sub-protocol. */
  @ParameterizedTest
  @CsvSource({"mqtt,mqtt", "mqttv3.1,mqttv3.1", "'foo, mqttv3.1, mqtt',mqtt"})
  void theSubProtocolIsChosenFromWhatIsOffered(String offered, String chosen) throws Exception {
    assertThat(answer(request("/mqtt", "Sec-WebSocket-Protocol: " + offered)))
        .startsWith("HTTP/1.1 101 ")
        .containsIgnoringCase("sec-websocket-protocol: " + chosen + "\r\n");
  }

  /** [MQTT-6.0.0-3]: the client must offer it. */
  @Test
  void withoutTheSubProtocolTheUpgradeIsRefusedWithTheReason() throws Exception {
    assertThat(answer(request("/mqtt")))
        .startsWith("HTTP/1.1 400 ")
        .contains("Sec-WebSocket-Protocol: mqtt");
    assertThat(answer(request("/mqtt", "Sec-WebSocket-Protocol: amqp, MQTT")))
        .startsWith("HTTP/1.1 400 ");
  }

  @Test
  void otherPathsMethodsVersionsAndPlainHttpAreRefusedWithTheReason() throws Exception {
    String mqtt = "Sec-WebSocket-Protocol: mqtt";
    assertThat(answer(request("/", mqtt))).startsWith("HTTP/1.1 404 ").contains("/mqtt");
    assertThat(answer(request("/mqtt?token=x", mqtt))).startsWith("HTTP/1.1 101 ");
    assertThat(answer(request("/mqtt", mqtt).replace("GET", "PUT"))).startsWith("HTTP/1.1 405 ");
    assertThat(answer(request("/mqtt", mqtt).replace("Version: 13", "Version: 8")))
        .startsWith("HTTP/1.1 426 ")
        .containsIgnoringCase("sec-websocket-version: 13");
    assertThat(answer("GET /mqtt HTTP/1.1\r\nHost: a\r\n\r\n")).startsWith("HTTP/1.1 426 ");
    assertThat(answer("\u0010\u0016\u0000\u0004MQTT\u0004\u0002\r\n\r\n")).startsWith("HTTP/1.1 4");
    assertThat(broker.listenerMetrics().refusedUpgrades()).isPositive();
  }

  /** RFC 6455, 10.2: a page of anywhere must not reach a broker in the plant. */
  @Test
  void pagesOfOtherHostsAreKeptOutUnlessTheyAreNamed() throws Exception {
    String mqtt = "Sec-WebSocket-Protocol: mqtt";
    assertThat(answer(request("/mqtt", mqtt, "Origin: http://127.0.0.1:8080")))
        .startsWith("HTTP/1.1 101 ");
    assertThat(answer(request("/mqtt", mqtt, "Origin: https://evil.example")))
        .startsWith("HTTP/1.1 403 ");
    assertThat(answer(request("/mqtt", mqtt, "Origin: null"))).startsWith("HTTP/1.1 403 ");
    ListenerSettings named = settings().withWebSocketOrigins(Set.of("https://panel.example"));
    try (MqttBroker other = builder(named).start()) {
      int at = other.port("ws");
      assertThat(answer(at, request("/mqtt", mqtt, "Origin: https://panel.example")))
          .startsWith("HTTP/1.1 101 ");
      assertThat(answer(at, request("/mqtt", mqtt, "Origin: https://evil.example")))
          .startsWith("HTTP/1.1 403 ");
    }
  }

  @Test
  void headersAreBoundedAndTheUpgradeHasADeadline() throws Exception {
    assertThat(answer(request("/mqtt", "X: " + "x".repeat(9_000)))).startsWith("HTTP/1.1 4");
    assertThat(answer("GET /" + "x".repeat(3_000) + " HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 4");
    ListenerBounds bounds =
        new ListenerBounds(100, 4, 8, Duration.ofSeconds(5), Duration.ofMillis(300));
    try (MqttBroker other = builder(settings()).bounds(bounds).start();
        RawClient slow = new RawClient(other.port("ws"))) {
      slow.send('G', 'E', 'T', ' ');
      assertThat(slow.isClosedByPeer()).isTrue();
      await().until(() -> other.listenerMetrics().lateSockets() == 1);
    }
  }

  /** [MQTT-6.0.0-2]: packets do not need to begin and end with frames. */
  @Test
  void packetsSpanFramesAndFramesHoldSeveralPackets() throws Exception {
    Received received = new Received();
    WebSocket ws = open(received);
    byte[] connect = connect("spanning");
    for (byte b : Arrays.copyOf(connect, connect.length - 1)) {
      send(ws, new byte[] {b}, true);
    }
    send(ws, new byte[] {connect[connect.length - 1]}, true);
    assertThat(received.next()).containsExactly(0x20, 2, 0, 0);
    send(ws, join(PINGREQ, PINGREQ, new byte[] {(byte) 0xC0}), true);
    send(ws, new byte[] {0}, true);
    ByteArrayOutputStream pongs = new ByteArrayOutputStream();
    while (pongs.size() < 6) {
      pongs.writeBytes(received.next());
    }
    assertThat(pongs.toByteArray()).containsExactly(0xD0, 0, 0xD0, 0, 0xD0, 0);
    ws.abort();
  }

  /** RFC 6455, 5.4, with a ping between the fragments. */
  @Test
  void fragmentedMessagesAndPingsBetweenTheirFragmentsAreTaken() throws Exception {
    Received received = new Received();
    WebSocket ws = open(received);
    byte[] all = join(connect("fragments"), PINGREQ);
    send(ws, Arrays.copyOfRange(all, 0, 5), false);
    ws.sendPing(ByteBuffer.wrap(TestBroker.bytes("hello"))).get(60, TimeUnit.SECONDS);
    send(ws, Arrays.copyOfRange(all, 5, 9), false);
    send(ws, Arrays.copyOfRange(all, 9, all.length), true);
    assertThat(received.pong.get(60, TimeUnit.SECONDS)).isEqualTo("hello");
    ByteArrayOutputStream answers = new ByteArrayOutputStream();
    while (answers.size() < 6) {
      answers.writeBytes(received.next());
    }
    assertThat(answers.toByteArray()).containsExactly(0x20, 2, 0, 0, 0xD0, 0);
    ws.abort();
  }

  /** [MQTT-6.0.0-1]. */
  @Test
  void aTextFrameEndsTheConnection() throws Exception {
    Received received = new Received();
    WebSocket ws = open(received);
    send(ws, connect("texting"), true);
    received.next();
    ws.sendText("hello", true).get(60, TimeUnit.SECONDS);
    assertThat(received.closed.get(60, TimeUnit.SECONDS)).isEqualTo(1003);
    await().until(() -> !broker.isConnected("texting"));
  }

  /** RFC 6455, 5.5.1: a close frame is answered with its status, then the socket is closed. */
  @Test
  void aCloseFrameIsAnsweredAndTheClientIsGone() throws Exception {
    Received received = new Received();
    WebSocket ws = open(received);
    send(ws, connect("closing"), true);
    received.next();
    ws.sendClose(WebSocket.NORMAL_CLOSURE, "bye").get(60, TimeUnit.SECONDS);
    assertThat(received.closed.get(60, TimeUnit.SECONDS)).isEqualTo(1000);
    await().until(() -> !broker.isConnected("closing"));
  }

  @Test
  void theBrokerSendsACloseFrameWhenItEndsTheConnection() throws Exception {
    Received received = new Received();
    WebSocket ws = open(received);
    send(ws, connect("ended"), true);
    received.next();
    broker.disconnect("ended", "test");
    assertThat(received.closed.get(60, TimeUnit.SECONDS)).isEqualTo(1000);
    ws.abort();
  }

  @Test
  void unmaskedReservedAndOversizeFramesEndTheConnectionWithTheirStatus() throws Exception {
    String upgrade = request("/mqtt", "Sec-WebSocket-Protocol: mqtt");
    // RFC 6455, 5.1: frames of clients are masked; 5.2: reserved bits and opcodes
    assertThat(closeStatusAfter(upgrade, 0x82, 2, 0xC0, 0)).isEqualTo(1002);
    assertThat(closeStatusAfter(upgrade, 0xC2, 0x82, 0, 0, 0, 0, 0xC0, 0)).isEqualTo(1002);
    assertThat(closeStatusAfter(upgrade, 0x83, 0x82, 0, 0, 0, 0, 0xC0, 0)).isEqualTo(1002);
    // a continuation of nothing
    assertThat(closeStatusAfter(upgrade, 0x80, 0x82, 0, 0, 0, 0, 0xC0, 0)).isEqualTo(1002);
    // 1 GB announced: 1009, message too big, before a byte of it
    assertThat(closeStatusAfter(upgrade, 0x82, 0xFF, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0))
        .isEqualTo(1009);
  }

  private static int closeStatusAfter(String upgrade, int... frame) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(upgrade.getBytes(StandardCharsets.ISO_8859_1));
      readHead(socket);
      new RawClient(socket).send(frame);
      byte[] close = socket.getInputStream().readNBytes(4);
      assertThat(close[0] & 0xFF).as("a close frame").isEqualTo(0x88);
      return (close[2] & 0xFF) << 8 | close[3] & 0xFF;
    }
  }

  /** What is written until a flush is one frame: retained messages come together. */
  @Test
  void manyMessagesTravelInFewBinaryFrames() throws Exception {
    for (int i = 0; i < 60; i++) {
      broker.publish("retained/" + i, new byte[100], 0, true);
    }
    Received received = new Received();
    WebSocket ws = open(received);
    send(ws, connect("few"), true);
    received.next();
    send(ws, RawClient.encoded(0x82, RawClient.body(0, 1, "retained/#", 0)), true);
    int bytes = 0;
    List<Integer> sizes = new CopyOnWriteArrayList<>();
    while (bytes < 60 * 112) {
      byte[] frame = received.next();
      sizes.add(frame.length);
      bytes += frame.length;
    }
    assertThat(sizes).hasSizeLessThan(30);
    ws.abort();
  }

  @Test
  void withTlsItIsTheSameAndCertificatesAreRenewedWithoutDroppingAnybody() throws Exception {
    Identity deviceCa = Identity.issue("device CA", null);
    Identity oldCa = Identity.issue("server CA", null);
    Identity newCa = Identity.issue("renewed CA", null);
    Identity device = Identity.issue("lamp", deviceCa);
    ListenerSettings secure =
        settings().withTls(Identity.issue("s", oldCa).server(deviceCa.certificate()));
    List<String> names = new CopyOnWriteArrayList<>();
    try (MqttBroker wss =
        builder(secure)
            .authenticator(
                r -> {
                  names.add(r.certificates().getFirst().getSubjectX500Principal().getName());
                  return new AuthenticationResult.Accepted(r.clientId());
                })
            .start()) {
      MqttClient first = secure(wss, "first", device.client(oldCa.certificate()));
      wss.replaceTls("ws", Identity.issue("s", newCa).server(deviceCa.certificate()));
      assertThatThrownBy(() -> secure(wss, "second", device.client(oldCa.certificate())))
          .isInstanceOf(MqttException.class);
      MqttClient second = secure(wss, "second", device.client(newCa.certificate()));
      List<String> received = TestBroker.collect(first, "a");
      second.publish("a", new byte[70_000], 1, false);
      await().until(() -> received.size() == 1);
      assertThat(names).containsExactly("CN=lamp", "CN=lamp");
      for (MqttClient c : List.of(first, second)) {
        c.disconnect();
        c.close();
      }
    }
  }

  private static MqttClient secure(MqttBroker wss, String id, SSLContext tls) throws MqttException {
    MqttClient client =
        new MqttClient("wss://127.0.0.1:" + wss.port("ws") + "/mqtt", id, new MemoryPersistence());
    MqttConnectOptions options = TestBroker.options(true);
    options.setSocketFactory(tls.getSocketFactory());
    try {
      client.connect(options);
      return client;
    } catch (MqttException e) {
      client.close();
      throw e;
    }
  }

  private static String request(String path, String... headers) {
    String text =
        "GET "
            + path
            + " HTTP/1.1\r\nHost: 127.0.0.1:9\r\nUpgrade: websocket\r\nConnection: keep-alive,"
            + " Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version:"
            + " 13\r\n";
    return text + String.join("", Arrays.stream(headers).map(h -> h + "\r\n").toList()) + "\r\n";
  }

  private static String answer(String request) throws IOException {
    return answer(port, request);
  }

  private static String answer(int at, String request) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), at)) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      String head = readHead(socket);
      if (head.contains(" 101 ")) {
        return head;
      }
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      try {
        socket.getInputStream().transferTo(body);
      } catch (SocketException reset) {
        // a request that was not read to its end: the answer has come, the rest of it is thrown
        // away
      }
      return head + body.toString(StandardCharsets.UTF_8);
    }
  }

  private static String readHead(Socket socket) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int b = socket.getInputStream().read();
      if (b < 0) {
        break;
      }
      head.append((char) b);
    }
    return head.toString();
  }
}
