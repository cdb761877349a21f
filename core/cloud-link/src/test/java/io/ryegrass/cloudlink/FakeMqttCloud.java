package io.ryegrass.cloudlink;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.ryegrass.mqtt.AuthenticationResult;
import io.ryegrass.mqtt.Authoriser;
import io.ryegrass.mqtt.ClientSession;
import io.ryegrass.mqtt.Interceptor;
import io.ryegrass.mqtt.MqttBroker;
import io.ryegrass.nucleus.CoreIdentity;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The part of the cloud that a core sees over MQTT: the real engine behind mutual TLS, one
 * deployment shadow, one pending job, and a list of what arrived. It can go away and come back on
 * the same port.
 */
final class FakeMqttCloud implements AutoCloseable {
  static final JsonMapper JSON = JsonMapper.shared();
  static final String THING = "core-1";
  static final String SHADOW = "$aws/things/core-1/shadow/name/AWSManagedGreengrassV2Deployment/";
  static final String JOBS = "$aws/things/core-1/jobs/";
  static final String NAMESPACE = "namespace-aws-gg-deployment";

  record Arrived(String clientId, String topic, byte[] payload) {
    JsonNode json() {
      return JSON.readTree(payload);
    }
  }

  private record Pki(KeyPair key, X509Certificate certificate) {}

  final List<Arrived> arrived = new CopyOnWriteArrayList<>();
  final Set<String> forbidden = ConcurrentHashMap.newKeySet();
  final Set<String> subscriptions = ConcurrentHashMap.newKeySet();
  private final Path folder;
  private final CoreIdentity identity;
  private final Pki server;
  private final X509Certificate root;
  private int port;
  private @Nullable MqttBroker broker;
  volatile MqttSettings mqtt = MqttSettings.DEFAULT;
  volatile @Nullable ObjectNode shadow;
  volatile long version = 10;
  volatile @Nullable ObjectNode job;

  FakeMqttCloud(Path folder) throws Exception {
    this.folder = folder;
    Pki ca = issue("test root", null, true);
    this.root = ca.certificate();
    this.server = issue("localhost", ca, false);
    Pki core = issue(THING, ca, false);
    Files.createDirectories(folder);
    this.identity =
        new CoreIdentity(
            THING,
            pem("core.crt", "CERTIFICATE", core.certificate().getEncoded()),
            pem("core.key", "PRIVATE KEY", core.key().getPrivate().getEncoded()),
            pem("root.pem", "CERTIFICATE", root.getEncoded()));
    up();
  }

  void up() throws Exception {
    MqttBroker started =
        MqttBroker.builder()
            .listener(
                "tls",
                new InetSocketAddress("127.0.0.1", port),
                SslContextBuilder.forServer(server.key().getPrivate(), server.certificate())
                    .sslProvider(SslProvider.JDK)
                    .trustManager(root)
                    .clientAuth(ClientAuth.REQUIRE)
                    .build())
            .authenticator(r -> new AuthenticationResult.Accepted(r.clientId()))
            .authoriser(
                new Authoriser() {
                  @Override
                  public boolean mayPublish(ClientSession s, String topic, boolean retain) {
                    return !forbidden.contains(topic);
                  }

                  @Override
                  public boolean maySubscribe(ClientSession s, String filter) {
                    return !forbidden.contains(filter);
                  }

                  @Override
                  public boolean mayReceive(ClientSession s, String topic) {
                    return true;
                  }
                })
            .interceptor(
                new Interceptor() {
                  @Override
                  public Disposition onPublish(
                      ClientSession s, String t, byte[] p, int qos, boolean retain) {
                    arrived.add(new Arrived(s.clientId(), t, p));
                    answer(t, p);
                    return Disposition.ROUTE;
                  }

                  @Override
                  public void onSubscribe(ClientSession s, List<String> filters) {
                    filters.forEach(f -> subscriptions.add(s.clientId() + " " + f));
                  }

                  @Override
                  public void onUnsubscribe(ClientSession s, List<String> filters) {
                    filters.forEach(f -> subscriptions.remove(s.clientId() + " " + f));
                  }
                })
            .start();
    broker = started;
    port = started.port("tls");
  }

  void down() {
    MqttBroker b = broker;
    if (b != null) {
      b.close();
      broker = null;
    }
  }

  MqttBroker broker() {
    MqttBroker b = broker;
    if (b == null) {
      throw new IllegalStateException("the cloud is down");
    }
    return b;
  }

  LinkSettings settings(Path root) {
    return new LinkSettings(
        root,
        identity,
        "us-east-1",
        "localhost",
        port,
        "localhost",
        443,
        "localhost",
        null,
        null,
        null,
        Duration.ofSeconds(20),
        20,
        1 << 22,
        false,
        Duration.ofDays(1),
        Duration.ofMillis(1500),
        mqtt,
        Clock.systemUTC());
  }

  /** The operator's side: desired state of the deployment shadow. */
  void desire(String fleetConfig, String desiredStatus) {
    ObjectNode desired =
        JSON.createObjectNode().put("fleetConfig", fleetConfig).put("desiredStatus", desiredStatus);
    ObjectNode s = shadow == null ? JSON.createObjectNode() : shadow;
    s.set("desired", desired);
    shadow = s;
    version++;
    if (broker != null) {
      ObjectNode m = JSON.createObjectNode().put("version", version);
      m.putObject("state").set("desired", desired);
      send(SHADOW + "update/accepted", m);
    }
  }

  /** Sets or ends the pending job and notifies. */
  void pend(@Nullable String jobId, String document) {
    ObjectNode m = JSON.createObjectNode();
    ObjectNode jobs = m.putObject("jobs");
    if (jobId == null) {
      job = null;
    } else {
      ObjectNode execution = JSON.createObjectNode();
      execution
          .put("jobId", jobId)
          .put("status", "QUEUED")
          .put("queuedAt", 1)
          .put("executionNumber", 1);
      execution.set("jobDocument", JSON.readTree(document));
      job = execution;
      jobs.putArray("QUEUED").addObject().put("jobId", jobId);
    }
    if (broker != null) {
      send(JOBS + "notify-" + NAMESPACE, m);
    }
  }

  private void send(String topic, JsonNode message) {
    broker().publish(topic, JSON.writeValueAsBytes(message), 1, false);
  }

  private void answer(String topic, byte[] payload) {
    if (!topic.startsWith("$aws/") || topic.contains("/health/")) {
      return;
    }
    JsonNode request = JSON.readTree(payload);
    ObjectNode answer = JSON.createObjectNode();
    if (request.has("clientToken")) {
      answer.set("clientToken", request.get("clientToken"));
    }
    if (topic.equals(SHADOW + "get")) {
      ObjectNode s = shadow;
      answer.put("version", version);
      answer.set("state", s == null ? JSON.createObjectNode() : s);
      send(
          s == null ? SHADOW + "get/rejected" : SHADOW + "get/accepted",
          s == null ? answer.put("code", 404) : answer);
    } else if (topic.equals(SHADOW + "update")) {
      if (request.has("version") && request.path("version").asLong() != version) {
        send(SHADOW + "update/rejected", answer.put("code", 409));
        return;
      }
      ObjectNode s = shadow == null ? JSON.createObjectNode() : shadow;
      s.set("reported", request.path("state").path("reported"));
      shadow = s;
      version++;
      answer.put("version", version).set("state", request.path("state"));
      send(SHADOW + "update/accepted", answer);
    } else if (topic.equals(JOBS + "$next/" + NAMESPACE + "/get")) {
      if (job != null) {
        answer.set("execution", job);
      }
      send(topic + "/accepted", answer);
    } else if (topic.endsWith(NAMESPACE + "/update")) {
      send(topic + "/accepted", answer);
    }
  }

  List<JsonNode> on(String topic) {
    return arrived.stream().filter(a -> a.topic().equals(topic)).map(Arrived::json).toList();
  }

  List<JsonNode> health() {
    return on("$aws/things/core-1/greengrassv2/health/json");
  }

  private Path pem(String name, String kind, byte[] der) throws Exception {
    String text =
        "-----BEGIN "
            + kind
            + "-----\n"
            + Base64.getMimeEncoder().encodeToString(der)
            + "\n-----END "
            + kind
            + "-----\n";
    return Files.writeString(folder.resolve(name), text);
  }

  private static Pki issue(String name, @Nullable Pki by, boolean ca) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(256);
    KeyPair keys = generator.generateKeyPair();
    X500Principal subject = new X500Principal("CN=" + name);
    Instant now = Instant.now();
    var builder =
        new JcaX509v3CertificateBuilder(
                by == null ? subject : by.certificate().getSubjectX500Principal(),
                BigInteger.valueOf(System.nanoTime()),
                Date.from(now.minus(Duration.ofDays(1))),
                Date.from(now.plus(Duration.ofDays(30))),
                subject,
                keys.getPublic())
            .addExtension(Extension.basicConstraints, true, new BasicConstraints(ca))
            .addExtension(
                Extension.subjectAlternativeName,
                false,
                new GeneralNames(new GeneralName(GeneralName.dNSName, "localhost")));
    var signer =
        new JcaContentSignerBuilder("SHA256withECDSA")
            .build(by == null ? keys.getPrivate() : by.key().getPrivate());
    return new Pki(keys, new JcaX509CertificateConverter().getCertificate(builder.build(signer)));
  }

  @Override
  public void close() {
    down();
  }
}
