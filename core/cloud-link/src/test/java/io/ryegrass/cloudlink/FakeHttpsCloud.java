package io.ryegrass.cloudlink;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import io.ryegrass.nucleus.CoreIdentity;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.stream.Collectors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/** HTTPS as a core sees it: mutual TLS on a real socket, answers by a function, a list of asks. */
final class FakeHttpsCloud implements AutoCloseable {
  static final String THING = "core-1";

  /** Without limits that a loaded machine would pass. */
  static final HttpsSettings PATIENT = settings(ProxySettings.NONE, Duration.ofSeconds(30));

  static HttpsSettings settings(ProxySettings proxy, Duration idle) {
    return new HttpsSettings(
        proxy,
        Duration.ofSeconds(30),
        idle,
        Duration.ofSeconds(30),
        HttpsSettings.S3Endpoint.GLOBAL);
  }

  /** What was asked. */
  record Asked(
      String method, String target, Map<String, List<String>> headers, String body, String peer) {
    String header(String name) {
      return String.join(",", headers.getOrDefault(name, List.of()));
    }
  }

  /**
   * @param sent how many bytes of the body are really sent before the connection is cut
   */
  record Reply(int status, Map<String, String> headers, byte[] body, int sent) {
    static Reply json(int status, String json) {
      return of(status, json.getBytes(StandardCharsets.UTF_8));
    }

    static Reply of(int status, byte[] body) {
      return new Reply(status, Map.of(), body, body.length);
    }

    Reply with(String name, String value) {
      Map<String, String> all = new java.util.HashMap<>(headers);
      all.put(name, value);
      return new Reply(status, all, body, sent);
    }

    Reply cutAfter(int bytes) {
      return new Reply(status, headers, body, bytes);
    }
  }

  private record Pki(KeyPair key, X509Certificate certificate) {}

  final List<Asked> asked = new CopyOnWriteArrayList<>();
  volatile Function<Asked, Reply> answers = a -> Reply.json(404, "{\"message\":\"none\"}");
  private final Path folder;
  private final HttpsServer server;
  private final HttpsServer anybodys;
  private final SSLContext context;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final CoreIdentity identity;

  FakeHttpsCloud(Path folder) throws Exception {
    this.folder = folder;
    Pki ca = issue("test root", null);
    Pki tls = issue("localhost", ca);
    Pki core = issue(THING, ca);
    this.identity =
        new CoreIdentity(
            THING,
            pem("core.crt", "CERTIFICATE", core.certificate().getEncoded()),
            pem("core.key", "PRIVATE KEY", core.key().getPrivate().getEncoded()),
            pem("root.pem", "CERTIFICATE", ca.certificate().getEncoded()));
    this.context = context(tls, ca);
    this.server = serve(true);
    this.anybodys = serve(false);
  }

  private HttpsServer serve(boolean certificates) throws IOException {
    HttpsServer made =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    made.setHttpsConfigurator(
        new HttpsConfigurator(context) {
          @Override
          public void configure(HttpsParameters p) {
            SSLParameters wanted = context.getDefaultSSLParameters();
            if (certificates) {
              wanted.setNeedClientAuth(true);
            } else {
              wanted.setWantClientAuth(true);
            }
            p.setSSLParameters(wanted);
          }
        });
    made.setExecutor(threads);
    made.createContext("/", this::handle);
    made.start();
    return made;
  }

  private static String peer(HttpExchange e) {
    try {
      return ((HttpsExchange) e).getSSLSession().getPeerPrincipal().getName();
    } catch (javax.net.ssl.SSLPeerUnverifiedException nobody) {
      return "";
    }
  }

  private void handle(HttpExchange e) throws IOException {
    try (e) {
      Asked a =
          new Asked(
              e.getRequestMethod(),
              e.getRequestURI().toString(),
              e.getRequestHeaders().entrySet().stream()
                  .collect(
                      Collectors.toMap(
                          h -> h.getKey().toLowerCase(java.util.Locale.ROOT), Map.Entry::getValue)),
              new String(e.getRequestBody().readAllBytes(), StandardCharsets.UTF_8),
              peer(e));
      asked.add(a);
      Reply r = answers.apply(a);
      r.headers().forEach(e.getResponseHeaders()::set);
      e.sendResponseHeaders(r.status(), r.body().length == 0 ? -1 : r.body().length);
      e.getResponseBody().write(r.body(), 0, r.sent());
    }
  }

  String url() {
    return "https://localhost:" + server.getAddress().getPort();
  }

  /** Where nobody needs a certificate, but one is asked for. */
  String anybodysUrl() {
    return "https://localhost:" + anybodys.getAddress().getPort();
  }

  /** Of a server named localhost, with a certificate of the root CA file. */
  SSLContext context() {
    return context;
  }

  LinkSettings settings(Clock clock) {
    int port = server.getAddress().getPort();
    return new LinkSettings(
        folder,
        identity,
        "us-east-1",
        "localhost",
        1,
        "localhost",
        port,
        "localhost:" + port,
        "alias",
        url(),
        url(),
        Duration.ofSeconds(30),
        20,
        1 << 20,
        false,
        Duration.ofDays(1),
        Duration.ZERO,
        MqttSettings.DEFAULT,
        clock);
  }

  @Override
  public void close() {
    server.stop(0);
    anybodys.stop(0);
    threads.shutdownNow();
  }

  private Path pem(String name, String type, byte[] der) throws IOException {
    return Files.writeString(
        folder.resolve(name),
        "-----BEGIN "
            + type
            + "-----\n"
            + Base64.getMimeEncoder().encodeToString(der)
            + "\n-----END "
            + type
            + "-----\n");
  }

  private static SSLContext context(Pki tls, Pki ca) throws Exception {
    KeyStore keys = KeyStore.getInstance("PKCS12");
    keys.load(null, null);
    keys.setKeyEntry(
        "tls", tls.key().getPrivate(), new char[0], new X509Certificate[] {tls.certificate()});
    KeyManagerFactory km = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    km.init(keys, new char[0]);
    KeyStore roots = KeyStore.getInstance("PKCS12");
    roots.load(null, null);
    roots.setCertificateEntry("ca", ca.certificate());
    TrustManagerFactory tm =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    tm.init(roots);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(km.getKeyManagers(), tm.getTrustManagers(), null);
    return context;
  }

  private static Pki issue(String name, @Nullable Pki ca) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(256);
    KeyPair key = generator.generateKeyPair();
    X500Principal subject = new X500Principal("CN=" + name);
    var builder =
        new JcaX509v3CertificateBuilder(
            ca == null ? subject : ca.certificate().getSubjectX500Principal(),
            BigInteger.valueOf(System.nanoTime()),
            Date.from(Instant.now().minus(Duration.ofDays(1))),
            Date.from(Instant.now().plus(Duration.ofDays(10))),
            subject,
            key.getPublic());
    if (ca == null) {
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
    } else {
      builder.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(new GeneralName(GeneralName.dNSName, name)));
    }
    var signer =
        new JcaContentSignerBuilder("SHA256withECDSA")
            .build(ca == null ? key.getPrivate() : ca.key().getPrivate());
    return new Pki(key, new JcaX509CertificateConverter().getCertificate(builder.build(signer)));
  }
}
