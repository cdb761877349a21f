package io.ryegrass.cloudlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.cloudlink.FakeHttpsCloud.Reply;
import io.ryegrass.nucleus.CloudUnavailableException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** PXY-03, PXY-05: the HTTPS half of the link through proxies on real sockets. */
class ProxiedHttpsTest {
  private static final Duration PATIENT = Duration.ofSeconds(30);

  @TempDir Path folder;
  private FakeHttpsCloud cloud;

  @BeforeEach
  void start() throws Exception {
    cloud = new FakeHttpsCloud(folder);
    cloud.answers = a -> Reply.json(200, "{\"thingGroups\":[{\"thingGroupName\":\"g\"}]}");
  }

  @AfterEach
  void stop() {
    cloud.close();
  }

  private TestProxy proxy(ProxySettings.Kind kind) throws Exception {
    return new TestProxy(kind, kind == ProxySettings.Kind.HTTPS ? cloud.context() : null);
  }

  private CloudHttps through(ProxySettings settings) {
    return CloudHttps.of(
        cloud.settings(Clock.systemUTC()), FakeHttpsCloud.settings(settings, PATIENT));
  }

  @ParameterizedTest
  @EnumSource
  void theDataPlaneIsReachedThroughAProxyWithItsPassword(ProxySettings.Kind kind) throws Exception {
    try (TestProxy proxy = proxy(kind);
        CloudHttps https = through(ProxySettings.parse(proxy.url(), "", "", ""))) {
      assertThat(https.catalog().thingGroups()).containsExactly("g");
      assertThat(https.catalog().thingGroups()).containsExactly("g");

      assertThat(proxy.asked).first().isEqualTo(cloud.url().substring("https://".length()));
      assertThat(cloud.asked.getFirst().peer()).isEqualTo("CN=core-1");
      assertThat(cloud.asked.getFirst().header("proxy-authorization")).isEmpty();
      assertThat(String.join("", proxy.heads)).doesNotContain("Relay ");
    }
  }

  @ParameterizedTest
  @EnumSource
  void aWrongPasswordIsToldAsWhatItIs(ProxySettings.Kind kind) throws Exception {
    try (TestProxy proxy = proxy(kind);
        CloudHttps https =
            through(ProxySettings.parse(proxy.url(TestProxy.USER, "wrong"), "", "", ""))) {
      assertThatThrownBy(() -> https.catalog().thingGroups())
          .isInstanceOf(CloudUnavailableException.class)
          .hasMessageContaining("The proxy ")
          .hasMessageContaining("user and password")
          .hasMessageNotContaining("wrong@");
      assertThat(cloud.asked).isEmpty();
    }
  }

  @Test
  void aProxyThatIsNotThereIsToldAsWhatItIs() throws Exception {
    try (Socket silent = new Socket()) { // bound, so that nobody else can listen there
      silent.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      String url = "http://localhost:" + silent.getLocalPort();
      try (CloudHttps https = through(ProxySettings.parse(url, "", "", ""))) {
        assertThatThrownBy(() -> https.catalog().thingGroups())
            .isInstanceOf(CloudUnavailableException.class)
            .hasMessageContaining("cannot be used (nothing answers there)");
        assertThat(cloud.asked).isEmpty();
      }
    }
  }

  @Test
  void aProxyOfKindHttpsWhoseCertificateIsNotOfTheRootCaFileIsNotTold() throws Exception {
    Path elsewhere = java.nio.file.Files.createDirectory(folder.resolve("elsewhere"));
    try (FakeHttpsCloud other = new FakeHttpsCloud(elsewhere);
        TestProxy proxy = new TestProxy(ProxySettings.Kind.HTTPS, other.context());
        CloudHttps https = through(ProxySettings.parse(proxy.url(), "", "", ""))) {
      assertThatThrownBy(() -> https.catalog().thingGroups()).hasMessageContaining("TLS failed");
      assertThat(String.join("", proxy.heads)).doesNotContain("Basic");
    }
  }

  @Test
  void exemptAddressesAreReachedDirectly() throws Exception {
    try (TestProxy proxy = proxy(ProxySettings.Kind.HTTP);
        CloudHttps https =
            through(ProxySettings.parse(proxy.url(), "", "", "example.com, localhost"))) {
      assertThat(https.catalog().thingGroups()).containsExactly("g");
      assertThat(proxy.asked).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aServerWithoutTlsIsReachedThroughTheProxyToo(ProxySettings.Kind kind) throws Exception {
    try (TestProxy proxy = proxy(kind);
        ServerSocket plain = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        DataPlaneClient client =
            new DataPlaneClient(
                cloud.settings(Clock.systemUTC()),
                FakeHttpsCloud.settings(ProxySettings.parse(proxy.url(), "", "", ""), PATIENT),
                () -> CoreTls.of(cloud.settings(Clock.systemUTC()).identity()))) {
      Thread.ofVirtual().start(() -> answerOnce(plain));

      DataPlaneClient.Answer answer =
          client.exchange(
              "it",
              DataPlaneClient.Trust.DOWNLOADS,
              HttpRequest.newBuilder(
                  URI.create("http://localhost:" + plain.getLocalPort() + "/a?b=c")));

      assertThat(answer.status()).isEqualTo(200);
      assertThat(new String(answer.body(), StandardCharsets.US_ASCII))
          .isEqualTo("GET /a?b=c HTTP/1.1");
      assertThat(proxy.asked).containsExactly("localhost:" + plain.getLocalPort());
    }
  }

  private static void answerOnce(ServerSocket server) {
    try (Socket s = server.accept()) {
      String head = ProxyTunnel.head(s.getInputStream(), 10_000);
      String first =
          head.contains("roxy") ? "a word of the proxy came" : head.lines().findFirst().orElse("");
      OutputStream out = s.getOutputStream();
      out.write(
          ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: "
                  + first.length()
                  + "\r\n\r\n"
                  + first)
              .getBytes(StandardCharsets.US_ASCII));
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void theRelayServesNobodyWithoutItsSecret() throws Exception {
    try (TestProxy proxy = proxy(ProxySettings.Kind.HTTP);
        ProxyRelay relay =
            ProxyRelay.start(
                new ProxyTunnel(
                    ProxySettings.parse(proxy.url(), "", "", "").forHost("h").orElseThrow(),
                    () -> cloud.context().getSocketFactory(),
                    PATIENT,
                    PATIENT));
        Socket stranger = new Socket(relay.address().getAddress(), relay.address().getPort())) {
      stranger
          .getOutputStream()
          .write(
              "CONNECT localhost:1 HTTP/1.1\r\nProxy-Authorization: Relay 00000000000000000000000000000000\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));

      assertThat(ProxyTunnel.head(stranger.getInputStream(), 1000)).startsWith("HTTP/1.1 407");
      assertThat(proxy.heads).isEmpty();
    }
  }

  @Test
  void anAnswerThatDoesNotComeIsGivenUpAfterTheSocketTimeout() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        DataPlaneClient client =
            new DataPlaneClient(
                cloud.settings(Clock.systemUTC()),
                FakeHttpsCloud.settings(ProxySettings.NONE, Duration.ofMillis(300)),
                () -> CoreTls.of(cloud.settings(Clock.systemUTC()).identity()))) {
      URI url = URI.create("http://localhost:" + silent.getLocalPort() + "/");
      assertThatThrownBy(
              () ->
                  client.exchange(
                      "it", DataPlaneClient.Trust.DOWNLOADS, HttpRequest.newBuilder(url)))
          .isInstanceOf(CloudUnavailableException.class)
          .hasMessageContaining("timed out");
    }
  }
}
