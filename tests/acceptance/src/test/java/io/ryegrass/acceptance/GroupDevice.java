package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.eclipse.paho.client.mqttv3.IMqttMessageListener;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.iot.discovery.model.ConnectivityInfo;
import software.amazon.awssdk.iot.discovery.model.DiscoverResponse;
import software.amazon.awssdk.iot.discovery.model.GGGroup;
import tools.jackson.databind.JsonNode;

/**
 * A device of a V1 group: a thing with a certificate, which asks the cloud once where its core is
 * and what CA it has (discovery), keeps that, and talks to the core by Eclipse Paho from then on.
 */
final class GroupDevice implements AutoCloseable {
  final String thing;
  final String certificateArn;
  private final String certificate;
  private final PrivateKey key;
  private @Nullable SSLContext tls;
  private String broker = "";
  private List<String> authorities = List.of();
  private @Nullable MqttClient client;

  private GroupDevice(String thing, String certificateArn, String certificate, PrivateKey key) {
    this.thing = thing;
    this.certificateArn = certificateArn;
    this.certificate = certificate;
    this.key = key;
  }

  /** A thing with a certificate that may discover, as the console's "1-Click" makes it. */
  static GroupDevice create(TestCloud cloud, String thing) {
    cloud.iot.createThing(b -> b.thingName(thing));
    var keys = cloud.iot.createKeysAndCertificate(b -> b.setAsActive(true));
    String policy = thing + "-policy";
    cloud.iot.createPolicy(
        b ->
            b.policyName(policy)
                .policyDocument(
                    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"iot:*\",\"greengrass:*\"],\"Resource\":\"*\"}]}"));
    cloud.iot.attachPolicy(b -> b.policyName(policy).target(keys.certificateArn()));
    cloud.iot.attachThingPrincipal(b -> b.thingName(thing).principal(keys.certificateArn()));
    try {
      String pem = keys.keyPair().privateKey().replaceAll("-----[A-Z ]+-----|\\s", "");
      PrivateKey key =
          KeyFactory.getInstance("RSA")
              .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
      return new GroupDevice(thing, keys.certificateArn(), keys.certificatePem(), key);
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  /** As a member of a device definition. */
  String member(boolean sync) {
    return "{\"Id\":\"%1$s\",\"ThingArn\":\"%2$s\",\"CertificateArn\":\"%3$s\",\"SyncShadow\":%4$s}"
        .formatted(thing, TestCloud.thingArn(thing), certificateArn, sync);
  }

  /** Asks the cloud where the core is, until it says so; keeps address and CAs. */
  void discover(TestCloud cloud) {
    // AWS's own parser: devices that AWS's clients built read it so
    DiscoverResponse found =
        TestCore.await("discovery by " + thing)
            .ignoreExceptions()
            .until(
                () -> read(ask(cloud, true)),
                d -> !d.getGGGroups().getFirst().getCores().getFirst().getConnectivity().isEmpty());
    GGGroup group = found.getGGGroups().getFirst();
    ConnectivityInfo address = group.getCores().getFirst().getConnectivity().getFirst();
    broker = "ssl://" + address.getHostAddress() + ":" + address.getPortNumber();
    authorities = group.getCAs();
    tls = context(authorities);
  }

  /** Takes what another device of the group was told. */
  void discoverAs(GroupDevice other) {
    broker = other.broker;
    tls = context(other.authorities);
  }

  static DiscoverResponse read(HttpResponse<String> answer) {
    return new Gson().fromJson(answer.body(), DiscoverResponse.class);
  }

  /**
   * One discovery request (DIS-02).
   *
   * @param identified whether it shows its certificate
   */
  HttpResponse<String> ask(TestCloud cloud, boolean identified)
      throws IOException, InterruptedException {
    JsonNode endpoints = cloud.endpoints();
    List<String> rootCa = List.of(TestCloud.read(Path.of(endpoints.path("rootCa").asString())));
    int port = endpoints.path("httpsPort").asInt();
    try (HttpClient http =
        HttpClient.newBuilder().sslContext(context(rootCa, identified)).build()) {
      return http.send(
          HttpRequest.newBuilder(
                  URI.create("https://localhost:" + port + "/greengrass/discover/thing/" + thing))
              .timeout(Duration.ofSeconds(20))
              .build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }

  /** The certificate that the core shows, which is one of the group's authority. */
  X509Certificate coresCertificate() throws IOException {
    assertThat(tls).isNotNull();
    URI core = URI.create(broker);
    try (SSLSocket socket =
        (SSLSocket) tls.getSocketFactory().createSocket(core.getHost(), core.getPort())) {
      socket.setSoTimeout(20_000);
      socket.startHandshake();
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }
  }

  private SSLContext context(List<String> authorities) {
    return context(authorities, true);
  }

  private SSLContext context(List<String> authorities, boolean identified) {
    try {
      CertificateFactory certificates = CertificateFactory.getInstance("X.509");
      KeyStore identity = KeyStore.getInstance("PKCS12");
      identity.load(null, null);
      if (identified) {
        identity.setKeyEntry(
            "device",
            key,
            new char[0],
            new Certificate[] {certificates.generateCertificate(stream(certificate))});
      }
      KeyStore trusted = KeyStore.getInstance("PKCS12");
      trusted.load(null, null);
      for (int i = 0; i < authorities.size(); i++) {
        trusted.setCertificateEntry(
            "ca" + i, certificates.generateCertificate(stream(authorities.get(i))));
      }
      KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
      keys.init(identity, new char[0]);
      TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
      trust.init(trusted);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new AssertionError(e);
    }
  }

  private static ByteArrayInputStream stream(String pem) {
    return new ByteArrayInputStream(pem.getBytes(StandardCharsets.UTF_8));
  }

  /** Connects, anew if need be, with what discovery said. */
  void connect() {
    close();
    client =
        TestCore.await(thing + " to connect to " + broker)
            .until(() -> connected(thing), c -> c != null);
  }

  /** Whether the core lets it in under this client id. */
  boolean isAdmittedAs(String clientId) throws MqttException {
    MqttClient admitted = connected(clientId);
    if (admitted != null) {
      admitted.disconnectForcibly(0, 1000);
      admitted.close(true);
    }
    return admitted != null;
  }

  boolean isConnected() {
    return client != null && client.isConnected();
  }

  private @Nullable MqttClient connected(String clientId) throws MqttException {
    MqttClient next = new MqttClient(broker, clientId, new MemoryPersistence());
    next.setTimeToWait(30_000);
    MqttConnectOptions options = new MqttConnectOptions();
    assertThat(tls).isNotNull();
    options.setSocketFactory(tls.getSocketFactory());
    options.setConnectionTimeout(20);
    try {
      next.connect(options);
      return next;
    } catch (MqttException e) {
      next.close(true);
      return null;
    }
  }

  /** What arrives on these topics from now on, as {@code topic payload}. */
  List<String> subscribe(String... topics) {
    List<String> heard = new CopyOnWriteArrayList<>();
    try {
      for (String topic : topics) {
        IMqttMessageListener listener =
            (t, m) -> heard.add(t + " " + new String(m.getPayload(), StandardCharsets.UTF_8));
        client.subscribe(topic, 1, listener);
      }
    } catch (MqttException e) {
      throw new AssertionError(e);
    }
    return heard;
  }

  /** Returns when the core has acknowledged. */
  void publish(String topic, String payload) {
    try {
      client.publish(topic, payload.getBytes(StandardCharsets.UTF_8), 1, false);
    } catch (MqttException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    MqttClient was = client;
    client = null;
    try {
      if (was != null) {
        if (was.isConnected()) {
          was.disconnectForcibly(0, 1000);
        }
        was.close(true);
      }
    } catch (MqttException e) {
      System.err.println("closing " + thing + ": " + e);
    }
  }
}
