package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Mutual TLS: the chain is the listener's trust manager's business, the identity the
 * authenticator's. And what a flood of handshakes may not do.
 */
class TlsTest {
  private static final String ALPN = "x-amzn-mqtt-ca";

  private static Identity deviceCa;
  private static Identity serverCa;
  private static Identity device;
  private static Identity server;

  @BeforeAll
  static void issue() throws Exception {
    deviceCa = Identity.issue("device CA", null);
    serverCa = Identity.issue("server CA", null);
    device = Identity.issue("lamp", deviceCa);
    server = Identity.issue("server", serverCa);
  }

  private static ListenerSettings settings() throws Exception {
    SslContext context = server.server(deviceCa.certificate());
    return ListenerSettings.tcp("tls", loopback()).withTls(context);
  }

  private static InetSocketAddress loopback() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  private static MqttBroker.Builder broker(ListenerSettings settings) {
    return MqttBroker.builder()
        .listener(settings)
        .authenticator(r -> new AuthenticationResult.Accepted(r.clientId()))
        .authoriser(Authoriser.permitAll())
        .limits(Limits.device());
  }

  private static MqttClient connect(int port, String id, SSLContext tls) throws MqttException {
    MqttClient client = new MqttClient("ssl://127.0.0.1:" + port, id, new MemoryPersistence());
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

  private static SSLSocket socket(int port) throws Exception {
    return socket(port, device.client(serverCa.certificate()));
  }

  private static SSLSocket socket(int port, SSLContext context) throws Exception {
    SSLSocket socket =
        (SSLSocket) context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(20_000);
    return socket;
  }

  @Test
  void theAuthenticatorSeesTheProvenCertificateStrangersFailInTlsAndRenewedCertificatesAreServed()
      throws Exception {
    Identity renewedCa = Identity.issue("renewed CA", null);
    Identity stranger = Identity.issue("lamp", Identity.issue("other CA", null));
    Authenticator byCertificate =
        r ->
            r.certificates()
                    .getFirst()
                    .getSubjectX500Principal()
                    .getName()
                    .equals("CN=" + r.clientId())
                ? new AuthenticationResult.Accepted(r.certificates().getFirst())
                : new AuthenticationResult.Refused(
                    ReturnCode.NOT_AUTHORISED, "the client id is not the certificate's");
    try (MqttBroker broker = broker(settings()).authenticator(byCertificate).start()) {
      int port = broker.port("tls");
      MqttClient lamp = connect(port, "lamp", device.client(serverCa.certificate()));
      lamp.publish("t", new byte[200_000 / 2], 1, false);
      assertThat(broker.isConnected("lamp")).isTrue();
      assertThatThrownBy(() -> connect(port, "not-lamp", device.client(serverCa.certificate())))
          .isInstanceOfSatisfying(
              MqttException.class, e -> assertThat(e.getReasonCode()).isEqualTo(5));
      assertThatThrownBy(() -> connect(port, "lamp", stranger.client(serverCa.certificate())))
          .isInstanceOf(MqttException.class);
      assertThat(broker.isConnected("lamp")).as("a stranger takes nothing over").isTrue();
      await().until(() -> broker.listenerMetrics().failedHandshakes() == 1);

      broker.replaceTls("tls", Identity.issue("server", renewedCa).server(deviceCa.certificate()));
      lamp.publish("t", new byte[10], 1, false);
      lamp.disconnect();
      lamp.close();
      MqttClient again = connect(port, "lamp", device.client(renewedCa.certificate()));
      again.disconnect();
      again.close();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void bothVersionsAreSpoken(String version) throws Exception {
    try (MqttBroker broker = broker(settings()).start();
        SSLSocket socket = socket(broker.port("tls"))) {
      socket.setEnabledProtocols(new String[] {version});
      socket.startHandshake();
      assertThat(socket.getSession().getProtocol()).isEqualTo(version);
      assertThat(new RawClient(socket).connected("a", true)).isFalse();
    }
  }

  /** A client's own order is AES first, as of most of them; TLS-01 and TLS-02 stay. */
  @ParameterizedTest
  @CsvSource({
    "TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256, TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_256_GCM_SHA384, TLS_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,"
        + " TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
  })
  void chaChaIsTakenFromWhoeverHasItAndOthersGetAes(String offered, String taken) throws Exception {
    try (MqttBroker broker = broker(settings()).start();
        SSLSocket socket = socket(broker.port("tls"))) {
      socket.setEnabledCipherSuites(offered.split(" "));
      socket.startHandshake();
      assertThat(socket.getSession().getCipherSuite()).isEqualTo(taken);
      assertThat(new RawClient(socket).connected("a", true)).isFalse();
    }
  }

  /** mqtt-cloud reference, section 1: on port 443 MQTT is chosen by ALPN. */
  @Test
  void whereAlpnIsAskedForOnlyClientsThatOfferItGetIn() throws Exception {
    try (MqttBroker broker = broker(settings().withAlpn(ALPN)).start()) {
      int port = broker.port("tls");
      try (SSLSocket right = offering(port, "http/1.1", ALPN)) {
        right.startHandshake();
        assertThat(right.getApplicationProtocol()).isEqualTo(ALPN);
        assertThat(new RawClient(right).connected("right", true)).isFalse();
      }
      try (SSLSocket wrong = offering(port, "http/1.1")) {
        // RFC 7301, 3.2: the alert no_application_protocol
        assertThatThrownBy(wrong::startHandshake)
            .isInstanceOf(SSLHandshakeException.class)
            .hasMessageContaining("no_application_protocol");
      }
      try (SSLSocket none = socket(port)) {
        none.startHandshake();
        assertThat(new RawClient(none).connect("none", true, 0).isClosedByPeer()).isTrue();
      }
      assertThat(broker.isConnected("none")).isFalse();
      await().until(() -> broker.listenerMetrics().refusedAlpn() == 1);
    }
  }

  @Test
  void whereAlpnIsNotAskedForAnyOfferIsIgnored() throws Exception {
    try (MqttBroker broker = broker(settings()).start();
        SSLSocket offering = offering(broker.port("tls"), "something")) {
      offering.startHandshake();
      assertThat(offering.getApplicationProtocol()).isEmpty();
      assertThat(new RawClient(offering).connected("a", true)).isFalse();
    }
  }

  private static SSLSocket offering(int port, String... protocols) throws Exception {
    SSLSocket socket = socket(port);
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setApplicationProtocols(protocols);
    socket.setSSLParameters(parameters);
    return socket;
  }

  @Test
  void aSecondHandshakeOnTheSameConnectionEndsIt() throws Exception {
    try (MqttBroker broker = broker(settings()).start();
        SSLSocket socket = socket(broker.port("tls"))) {
      socket.setEnabledProtocols(new String[] {"TLSv1.2"});
      socket.startHandshake();
      RawClient client = new RawClient(socket);
      client.connected("a", true);
      assertThat(broker.isConnected("a")).isTrue();
      assertThatThrownBy(
              () -> {
                socket.getSession().invalidate();
                socket.startHandshake();
                client.send(0xC0, 0).read();
              })
          .isInstanceOfAny(
              SSLException.class, IOException.class, java.io.UncheckedIOException.class);
      await().until(() -> !broker.isConnected("a"));
    }
  }

  @Test
  void aChainOfMoreThanEightCertificatesIsRefused() throws Exception {
    Identity issuer = deviceCa;
    List<java.security.cert.X509Certificate> chain = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      issuer = Identity.issue("ca" + i, issuer, true);
      chain.addFirst(issuer.certificate());
    }
    Identity deep = Identity.issue("deep", issuer);
    chain.addFirst(deep.certificate());
    try (MqttBroker broker = broker(settings()).start();
        SSLSocket socket = socket(broker.port("tls"), deep.client(serverCa.certificate(), chain))) {
      assertThatThrownBy(
              () -> {
                socket.startHandshake();
                new RawClient(socket).connected("deep", true);
              })
          .isInstanceOfAny(
              SSLException.class, java.io.UncheckedIOException.class, IOException.class);
      await().until(() -> broker.listenerMetrics().failedHandshakes() == 1);
    }
  }

  @Test
  void handshakesThatStandStillGiveTheirPlaceToThoseWhoWaitAndTheLineIsBounded() throws Exception {
    ListenerBounds bounds =
        new ListenerBounds(1_000, 4, 8, Duration.ofMillis(300), Duration.ofSeconds(10));
    List<Socket> stalled = new ArrayList<>();
    try (MqttBroker broker = broker(settings()).bounds(bounds).start()) {
      int port = broker.port("tls");
      // The beginning of a ClientHello, and then nothing
      byte[] half = {0x16, 3, 1, 1, 0, 1, 0, 0, (byte) 0xFC, 3, 3};
      for (int i = 0; i < 50; i++) {
        Socket s = new Socket(InetAddress.getLoopbackAddress(), port);
        s.getOutputStream().write(half);
        stalled.add(s);
      }
      await().until(() -> broker.listenerMetrics().acceptedSockets() == 50);
      await().until(() -> broker.listenerMetrics().refusedHandshakes() >= 50 - 12);
      assertThat(broker.listenerMetrics().handshakes()).isLessThanOrEqualTo(4);
      assertThat(broker.listenerMetrics().waitingHandshakes()).isLessThanOrEqualTo(8);
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> broker.listenerMetrics().displacedHandshakes() > 0);
      // An honest client that tries again gets in long before the others' deadline.
      CompletableFuture<Boolean> honest =
          CompletableFuture.supplyAsync(
              () -> {
                while (true) {
                  try (SSLSocket s = socket(port)) {
                    return !new RawClient(s).connected("honest", true);
                  } catch (Exception refusedOnce) {
                    Thread.onSpinWait();
                  }
                }
              });
      assertThat(honest.get(60, TimeUnit.SECONDS)).isTrue();
    } finally {
      for (Socket s : stalled) {
        s.close();
      }
    }
  }

  @Test
  void aThousandClientsAtOnceAllGetThroughFewPlaces() throws Exception {
    ListenerBounds bounds =
        new ListenerBounds(1_000, 4, 1_000, Duration.ofSeconds(30), Duration.ofSeconds(100));
    SSLContext tls = device.client(serverCa.certificate());
    try (MqttBroker broker = broker(settings()).bounds(bounds).start();
        var threads = java.util.concurrent.Executors.newVirtualThreadPerTaskExecutor()) {
      int port = broker.port("tls");
      List<java.util.concurrent.Future<Boolean>> all = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        String id = "c" + i;
        all.add(
            threads.submit(
                () -> {
                  try (SSLSocket s = socket(port, tls)) {
                    return !new RawClient(s, 100_000).connected(id, true);
                  }
                }));
      }
      for (var one : all) {
        assertThat(one.get(100, TimeUnit.SECONDS)).isTrue();
      }
      assertThat(broker.listenerMetrics().refusedHandshakes()).isZero();
      assertThat(broker.listenerMetrics().displacedHandshakes()).isZero();
      await().until(() -> broker.listenerMetrics().openSockets() == 0);
      await().until(() -> broker.listenerMetrics().handshakes() == 0);
    }
  }

  @Test
  void whoeverDoesNotComeAsFarAsMqttInTimeIsClosed() throws Exception {
    ListenerBounds bounds =
        new ListenerBounds(100, 4, 8, Duration.ofSeconds(5), Duration.ofMillis(300));
    try (MqttBroker broker = broker(settings()).bounds(bounds).start();
        RawClient silent = new RawClient(broker.port("tls"))) {
      assertThat(silent.isClosedByPeer()).isTrue();
      await().until(() -> broker.listenerMetrics().lateSockets() == 1);
      await().until(() -> broker.listenerMetrics().openSockets() == 0);
    }
  }

  @Test
  void atTheBoundOfSocketsTheOldestSilentOneGivesWayAndConnectedClientsStay() throws Exception {
    ListenerBounds bounds =
        new ListenerBounds(10, 4, 8, Duration.ofSeconds(1), Duration.ofSeconds(60));
    ListenerSettings plain = ListenerSettings.tcp("tls", loopback());
    List<Socket> silent = new ArrayList<>();
    try (MqttBroker broker = broker(plain).bounds(bounds).start();
        RawClient early = new RawClient(broker.port("tls"))) {
      int port = broker.port("tls");
      early.connected("early", true);
      for (int i = 0; i < 30; i++) {
        silent.add(new Socket(InetAddress.getLoopbackAddress(), port));
      }
      // on a machine that stands still meanwhile, the first ones have become old enough to go
      await()
          .untilAsserted(
              () -> {
                ListenerMetrics m = broker.listenerMetrics();
                assertThat(m.acceptedSockets()).isEqualTo(31);
                assertThat(m.openSockets()).isEqualTo(10);
                assertThat(m.refusedSockets() + m.displacedSockets()).isEqualTo(21);
              });
      assertThat(broker.listenerMetrics().refusedSockets()).isPositive();
      await()
          .atMost(Duration.ofSeconds(60))
          .ignoreExceptions()
          .until(
              () -> {
                try (RawClient late = new RawClient(port)) {
                  return !late.connected("late", true);
                }
              });
      assertThat(broker.listenerMetrics().displacedSockets()).isPositive();
      assertThat(broker.isConnected("early")).isTrue();
      assertThat(early.send(0xC0, 0).read().type()).isEqualTo(13);
    } finally {
      for (Socket s : silent) {
        s.close();
      }
    }
  }
}
