package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.handler.ssl.SslHandler;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The client against our broker, against Mosquitto, and against servers that do not behave. */
class MqttClientTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final MessageProperties ALL =
      new MessageProperties(
          true,
          600,
          "text/plain",
          "re/ply",
          new byte[] {1, 0, 2},
          List.of(
              new MessageProperties.UserProperty("k", "v"),
              new MessageProperties.UserProperty("k", "w")));
  private static EventLoopGroup loops;

  @TempDir Path folder;
  private final ExecutorService messages =
      Executors.newSingleThreadExecutor(Thread.ofVirtual().factory());
  private final List<AutoCloseable> toClose = new ArrayList<>();

  /** Acknowledges at once, unless told otherwise. */
  private static final class Taker implements MqttClient.Listener {
    final List<MqttMessage> taken = new CopyOnWriteArrayList<>();
    final List<Runnable> acks = new CopyOnWriteArrayList<>();
    final CompletableFuture<MqttClient.End> ended = new CompletableFuture<>();
    volatile boolean keepAcks;

    @Override
    public void message(MqttMessage message, Runnable acknowledge) {
      taken.add(message);
      if (keepAcks) {
        acks.add(acknowledge);
      } else {
        acknowledge.run();
      }
    }

    @Override
    public void ended(MqttClient.End end) {
      assertThat(ended.complete(end)).as("told once").isTrue();
    }
  }

  @BeforeAll
  static void openLoops() {
    loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  }

  @AfterAll
  static void closeLoops() {
    loops.shutdownGracefully(0, 2, TimeUnit.SECONDS);
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable c : toClose.reversed()) {
      c.close();
    }
    messages.shutdownNow();
  }

  private <T extends AutoCloseable> T own(T closeable) {
    toClose.add(closeable);
    return closeable;
  }

  private static MqttClientOptions options(int version, String id) {
    return new MqttClientOptions(
        version,
        id,
        false,
        version == 5 ? 3600 : 0,
        60,
        Duration.ofSeconds(10),
        Duration.ofSeconds(30),
        100,
        1 << 20);
  }

  private MqttClient connect(int port, MqttClientOptions options, MqttClient.Listener listener)
      throws Exception {
    return connect(port, options, listener, c -> {});
  }

  private MqttClient connect(
      int port, MqttClientOptions options, MqttClient.Listener listener, Consumer<Channel> layers)
      throws Exception {
    return own(
        MqttClient.connect(
            loops,
            new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
            layers,
            Duration.ofSeconds(10),
            options,
            messages,
            listener));
  }

  private int peer(String name) throws Exception {
    return name.equals("ryegrass") ? own(TestBroker.builder().start()).port("mqtt") : mosquitto("");
  }

  private int mosquitto(String more) throws Exception {
    Path program = Path.of("/usr/sbin/mosquitto");
    assumeThat(Files.isExecutable(program))
        .as("mosquitto is installed (apt-get install mosquitto)")
        .isTrue();
    for (int attempt = 0; ; attempt++) {
      int port;
      try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        port = free.getLocalPort();
      }
      Path config =
          Files.writeString(
              folder.resolve("mosquitto.conf"),
              "listener " + port + " 127.0.0.1\nallow_anonymous true\n" + more);
      Path log = folder.resolve("mosquitto-" + attempt + ".log");
      Process p =
          new ProcessBuilder(program.toString(), "-c", config.toString())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      own(p::destroy);
      await().atMost(LONG).until(() -> !p.isAlive() || Files.readString(log).contains(" running"));
      if (p.isAlive()) {
        return port;
      }
      // somebody else may have taken the port meanwhile
      assertThat(attempt).as(Files.readString(log)).isLessThan(5);
    }
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(60, TimeUnit.SECONDS);
  }

  private static MqttMessage message(String topic, int qos, String text) {
    return new MqttMessage(topic, TestBroker.bytes(text), qos, false, MessageProperties.NONE);
  }

  @ParameterizedTest
  @CsvSource({"ryegrass,5", "ryegrass,4", "mosquitto,5", "mosquitto,4"})
  void messagesGoBothWaysWithEverythingThatMqtt5LetsThemCarry(String peer, int version)
      throws Exception {
    Taker taker = new Taker();
    MqttClient client = connect(peer(peer), options(version, "both"), taker);
    assertThat(client.grants().sessionPresent()).isFalse();
    assertThat(
            get(client.subscribe(
                    List.of(new MqttClient.Filter("t/+", 1), new MqttClient.Filter("u", 0))))
                .codes())
        .containsExactly(1, 0);
    get(client.publish(new MqttMessage("t/1", TestBroker.bytes("one"), 1, false, ALL)));
    get(client.publish(message("u", 0, "two")));
    await().atMost(LONG).until(() -> taker.taken.size() == 2);
    MqttMessage one = taker.taken.get(0);
    assertThat(one.topic()).isEqualTo("t/1");
    assertThat(one.qos()).isEqualTo(1);
    assertThat(one.payload()).isEqualTo(TestBroker.bytes("one"));
    if (version == 5) {
      assertThat(one.properties())
          .usingRecursiveComparison()
          .ignoringFields("expirySeconds")
          .isEqualTo(ALL);
      assertThat(one.properties().expirySeconds()).isBetween(1L, 600L);
    } else {
      assertThat(one.properties().isEmpty()).isTrue();
    }
    get(client.unsubscribe(List.of("t/+")));
    get(client.publish(message("t/1", 1, "nobody")));
    get(client.publish(message("u", 1, "three")));
    await().atMost(LONG).until(() -> taker.taken.size() == 3);
    assertThat(taker.taken.get(2).topic()).isEqualTo("u");
  }

  @ParameterizedTest
  @CsvSource({"ryegrass,5", "ryegrass,4", "mosquitto,5", "mosquitto,4"})
  void aSessionOutlivesItsConnectionAndWhatWasNotAcknowledgedComesAgain(String peer, int version)
      throws Exception {
    int port = peer(peer);
    Taker first = new Taker();
    first.keepAcks = true;
    MqttClient before = connect(port, options(version, "session"), first);
    get(before.subscribe(List.of(new MqttClient.Filter("s", 1))));
    get(before.publish(message("s", 1, "unacknowledged")));
    await().atMost(LONG).until(() -> first.taken.size() == 1);
    before.close();
    assertThat(get(first.ended).byServer()).isFalse();
    MqttClient other = connect(port, options(version, "other"), new Taker());
    get(other.publish(message("s", 1, "meanwhile")));
    Taker second = new Taker();
    MqttClient after = connect(port, options(version, "session"), second);
    assertThat(after.grants().sessionPresent()).isTrue();
    await().atMost(LONG).until(() -> second.taken.size() == 2);
    assertThat(second.taken.stream().map(m -> new String(m.payload())))
        .containsExactly("unacknowledged", "meanwhile");
  }

  @ParameterizedTest
  @CsvSource({"ryegrass,5", "ryegrass,4", "mosquitto,5", "mosquitto,4"})
  void fiveHundredMessagesComeBackInTheirOrder(String peer, int version) throws Exception {
    Taker taker = new Taker();
    MqttClient client = connect(peer(peer), options(version, "echo"), taker);
    get(client.subscribe(List.of(new MqttClient.Filter("echo", 1))));
    List<String> sent = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      sent.add("" + i);
      var unused = client.publish(message("echo", 1, "" + i));
      if (i % 50 == 0) {
        int reached = i;
        await().atMost(LONG).until(() -> taker.taken.size() >= reached - 50);
      }
    }
    await().atMost(LONG).until(() -> taker.taken.size() == 500);
    assertThat(taker.taken.stream().map(m -> new String(m.payload())))
        .containsExactlyElementsOf(sent);
  }

  @Test
  void theServerSendsNoMoreThanWasAllowedUntilItIsAcknowledged() throws Exception {
    int port = peer("ryegrass");
    Taker slow = new Taker();
    slow.keepAcks = true;
    MqttClient client =
        connect(
            port,
            new MqttClientOptions(
                5, "slow", true, 0, 60, Duration.ofSeconds(9), Duration.ofSeconds(30), 3, 1 << 16),
            slow);
    get(client.subscribe(List.of(new MqttClient.Filter("r", 1))));
    for (int i = 0; i < 10; i++) {
      get(client.publish(message("r", 1, "" + i)));
    }
    await().atMost(LONG).until(() -> slow.acks.size() == 3);
    get(client.unsubscribe(List.of("none"))); // whatever was sent before has come
    assertThat(slow.taken).hasSize(3);
    slow.keepAcks = false;
    slow.acks.forEach(Runnable::run);
    await()
        .atMost(LONG)
        .untilAsserted(
            () ->
                assertThat(slow.taken.stream().map(m -> new String(m.payload())))
                    .containsExactly("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ryegrass", "mosquitto"})
  void theServersReceiveMaximumIsKeptHoweverManyMessagesComeAtOnce(String peer) throws Exception {
    int port = peer.equals("ryegrass") ? peer(peer) : mosquitto("max_inflight_messages 3\n");
    MqttClient client = connect(port, options(5, "eager"), new Taker());
    assertThat(client.grants().receiveMaximum()).isLessThanOrEqualTo(100);
    List<CompletableFuture<Integer>> all = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      all.add(client.publish(message("e", 1, "" + i)));
    }
    for (CompletableFuture<Integer> f : all) {
      assertThat(get(f)).isIn(0, 0x10);
    }
    for (int i = 0; i < 2 * ClientConnection.MOST_WAITING; i++) {
      all.add(client.publish(message("e", 1, "" + i)));
    }
    int busy = 0;
    for (CompletableFuture<Integer> f : all) {
      try {
        get(f);
      } catch (ExecutionException e) {
        assertThat(((MqttClientException) e.getCause()).kind())
            .isEqualTo(MqttClientException.Kind.BUSY);
        busy++;
      }
    }
    assertThat(busy).isLessThan(2 * ClientConnection.MOST_WAITING);
  }

  @Test
  void aMessageThatTheServerWouldNotTakeIsRefusedHereAndTheConnectionLives() throws Exception {
    MqttClient client =
        connect(mosquitto("max_packet_size 1000\n"), options(5, "large"), new Taker());
    assertThat(client.grants().maximumPacketSize()).isEqualTo(1000);
    assertThatThrownBy(() -> get(client.publish(message("t", 1, "x".repeat(1000)))))
        .hasRootCauseInstanceOf(MqttClientException.class)
        .hasMessageContaining("the server takes 1000");
    assertThatThrownBy(() -> get(client.publish(message("t/#", 1, "x"))))
        .hasMessageContaining("no topic name");
    get(client.publish(message("t", 1, "x")));
  }

  @Test
  void refusalsCarryTheServersReason() throws Exception {
    MqttBroker broker =
        own(
            TestBroker.builder()
                .authenticator(
                    r ->
                        r.clientId().equals("stranger")
                            ? new AuthenticationResult.Refused(
                                ReturnCode.NOT_AUTHORISED, "not known")
                            : new AuthenticationResult.Accepted(r.clientId()))
                .authoriser(
                    new Authoriser() {
                      @Override
                      public boolean mayPublish(ClientSession s, String topic, boolean retain) {
                        return true;
                      }

                      @Override
                      public boolean maySubscribe(ClientSession s, String filter) {
                        return !filter.equals("forbidden");
                      }

                      @Override
                      public boolean mayReceive(ClientSession s, String topic) {
                        return true;
                      }
                    })
                .start());
    int port = broker.port("mqtt");
    for (int version : new int[] {4, 5}) {
      assertThatThrownBy(() -> connect(port, options(version, "stranger"), new Taker()))
          .isInstanceOfSatisfying(
              MqttClientException.class,
              e -> {
                assertThat(e.kind()).isEqualTo(MqttClientException.Kind.CONNECT_REFUSED);
                assertThat(e.reasonCode()).isEqualTo(version == 5 ? 0x87 : 5);
                assertThat(e).hasMessageContaining("not authorised");
              });
      MqttClient client = connect(port, options(version, "friend" + version), new Taker());
      assertThat(
              get(client.subscribe(
                      List.of(
                          new MqttClient.Filter("forbidden", 1),
                          new MqttClient.Filter("allowed", 1))))
                  .codes())
          .containsExactly(version == 5 ? 0x87 : 0x80, 1);
    }
  }

  @Test
  void aConnectionThatAnotherTookOverSaysSo() throws Exception {
    int port = peer("ryegrass");
    Taker first = new Taker();
    MqttClient before = connect(port, options(5, "twin"), first);
    connect(port, options(5, "twin"), new Taker());
    MqttClient.End end = get(first.ended);
    assertThat(end.byServer()).isTrue();
    assertThat(end.reasonCode()).isEqualTo(0x8E);
    assertThat(end.reason()).contains("another connection uses the same client id");
    assertThatThrownBy(() -> get(before.publish(message("t", 1, ""))))
        .hasRootCauseInstanceOf(MqttClientException.class);
  }

  @Test
  void tlsWithBothCertificatesAndAlpnReachesAPortThatAsksForIt() throws Exception {
    Identity deviceCa = Identity.issue("device CA", null);
    Identity serverCa = Identity.issue("server CA", null);
    Identity device = Identity.issue("lamp", deviceCa);
    Identity server = Identity.issue("server", serverCa);
    MqttBroker broker =
        own(
            MqttBroker.builder()
                .listener(
                    ListenerSettings.tcp(
                            "tls", new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                        .withTls(server.server(deviceCa.certificate()))
                        .withAlpn("x-amzn-mqtt-ca"))
                .authenticator(r -> new AuthenticationResult.Accepted(r.clientId()))
                .authoriser(Authoriser.permitAll())
                .limits(Limits.device())
                .start());
    var context = device.client(serverCa.certificate());
    for (boolean alpn : new boolean[] {true, false}) {
      Consumer<Channel> tls =
          ch -> {
            SSLEngine engine = context.createSSLEngine("127.0.0.1", broker.port("tls"));
            engine.setUseClientMode(true);
            SSLParameters p = engine.getSSLParameters();
            p.setEndpointIdentificationAlgorithm("HTTPS");
            if (alpn) {
              p.setApplicationProtocols(new String[] {"x-amzn-mqtt-ca"});
            }
            engine.setSSLParameters(p);
            ch.pipeline().addLast(new SslHandler(engine));
          };
      if (alpn) {
        MqttClient client = connect(broker.port("tls"), options(5, "lamp"), new Taker(), tls);
        get(client.publish(message("t", 1, "x")));
      } else {
        assertThatThrownBy(() -> connect(broker.port("tls"), options(5, "lamp"), new Taker(), tls))
            .isInstanceOf(MqttClientException.class);
      }
    }
  }

  /** A server that says these bytes to whoever connects, reads on and answers nothing. */
  private int script(byte[]... says) throws Exception {
    ServerSocket server = own(new ServerSocket(0, 5, InetAddress.getLoopbackAddress()));
    Thread.ofVirtual()
        .start(
            () -> {
              try (Socket s = server.accept()) {
                for (byte[] b : says) {
                  s.getOutputStream().write(b);
                }
                InputStream in = s.getInputStream();
                while (in.read() >= 0) {
                  // until the client goes
                }
              } catch (java.io.IOException e) {
                assertThat(e).isNotNull(); // the test is over
              }
            });
    return server.getLocalPort();
  }

  private static final byte[] ACCEPTED = Raw.packet(0x20, 0, 0, Raw.properties());

  @Test
  void aServerThatFallsSilentIsFoundOutByPings() throws Exception {
    Taker taker = new Taker();
    connect(
        script(ACCEPTED),
        new MqttClientOptions(
            5, "c", true, 0, 1, Duration.ofMillis(500), Duration.ofSeconds(30), 10, 1 << 16),
        taker);
    MqttClient.End end = get(taker.ended);
    assertThat(end.reason()).contains("no answer to a ping in 500 ms");
    assertThat(end.byServer()).isFalse();
  }

  @Test
  void aQuietConnectionIsKeptAliveByPings() throws Exception {
    int port = mosquitto("");
    // the server closes after 1.5 s of silence, also when the whole machine stood still for that
    for (int attempt = 0; attempt < 5; attempt++) {
      Taker taker = new Taker();
      MqttClient client =
          connect(
              port,
              new MqttClientOptions(
                  5, "c", true, 0, 1, Duration.ofSeconds(20), Duration.ofSeconds(30), 10, 1 << 16),
              taker);
      try {
        taker.ended.get(4, TimeUnit.SECONDS);
      } catch (TimeoutException kept) {
        try {
          get(client.publish(message("t", 1, "x")));
          return;
        } catch (ExecutionException e) {
          assertThat(get(taker.ended)).as("%s", e).isNotNull(); // it was closed at that moment
        }
      }
    }
    throw new AssertionError("The server closed it each time.");
  }

  @Test
  void aServerThatBreaksTheProtocolIsLeftWithItsFaultNamed() throws Exception {
    record Case(String what, byte[] says) {}
    for (Case c :
        List.of(
            new Case("a message of QoS 2", Raw.packet(0x34, "t", 0, 1, Raw.properties())),
            new Case("acknowledged a message that was not sent", Raw.packet(0x40, 0, 9)),
            new Case("answered a request that was not made", Raw.packet(0x90, 0, 9, 0, 0)),
            new Case("topic alias", Raw.packet(0x30, "t", Raw.properties(35, 0, 1))),
            new Case(
                "more than 1 unacknowledged",
                Raw.bytes(
                    Raw.packet(0x32, "t", 0, 1, Raw.properties()),
                    Raw.packet(0x32, "t", 0, 2, Raw.properties()))))) {
      Taker taker = new Taker();
      taker.keepAcks = true;
      connect(
          script(ACCEPTED, c.says()),
          new MqttClientOptions(
              5, "c", true, 0, 60, Duration.ofSeconds(9), Duration.ofSeconds(30), 1, 1 << 16),
          taker);
      assertThat(get(taker.ended).reason()).contains(c.what());
    }
  }

  @Test
  void noAnswerToConnectEndsInTime() throws Exception {
    int port = script();
    assertThatThrownBy(
            () ->
                connect(
                    port,
                    new MqttClientOptions(
                        5,
                        "c",
                        true,
                        0,
                        60,
                        Duration.ofSeconds(9),
                        Duration.ofMillis(300),
                        1,
                        1000),
                    new Taker()))
        .isInstanceOfSatisfying(
            MqttClientException.class,
            e -> assertThat(e.kind()).isEqualTo(MqttClientException.Kind.TIMEOUT));
    try (Socket taken = new Socket()) { // and nobody listens there as long as it is
      taken.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      assertThatThrownBy(() -> connect(taken.getLocalPort(), options(5, "c"), new Taker()))
          .isInstanceOfSatisfying(
              MqttClientException.class,
              e -> assertThat(e.kind()).isEqualTo(MqttClientException.Kind.UNREACHABLE));
    }
  }

  @Test
  void aListenerThatDoesNotKeepUpMakesTheSocketWaitAndLosesNothing() throws Exception {
    int port = peer("mosquitto");
    CountDownLatch go = new CountDownLatch(1);
    Taker taker = new Taker();
    MqttClient slow =
        connect(
            port,
            options(5, "slow"),
            new MqttClient.Listener() {
              @Override
              public void message(MqttMessage m, Runnable acknowledge) {
                try {
                  go.await();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
                taker.message(m, acknowledge);
              }

              @Override
              public void ended(MqttClient.End end) {
                taker.ended(end);
              }
            });
    get(slow.subscribe(List.of(new MqttClient.Filter("flood", 0))));
    MqttClient sender = connect(port, options(5, "sender"), new Taker());
    for (int i = 0; i < 3000; i++) {
      get(sender.publish(message("flood", 0, "" + i)));
    }
    assertThat(taker.taken).isEmpty();
    go.countDown();
    await().atMost(LONG).until(() -> taker.taken.size() == 3000);
    assertThat(taker.ended).isNotDone();
  }
}
