package io.ryegrass.devicegateway;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.awsapi.ApiEngine;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.objects.S3Api;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.registry.Endpoints;
import io.ryegrass.registry.Registry;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A cloud of the real parts, and devices that reach it over sockets. */
final class Rig implements AutoCloseable {

  static final JsonMapper JSON = JsonMapper.shared();
  static final String REGION = "us-east-1";
  static final String ACCOUNT = "000000000000";
  static final String ALL =
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}";

  final Clock clock = Clock.systemUTC();
  final CertificateAuthority authority;
  final DeviceGateway gateway;
  final CloudStore store;
  final IdentityService identity;
  final ObjectStore objects;
  final AccessKey root;
  private final Registry registry;
  private final SigV4Verifier verifier;
  private final HttpClient http = HttpClient.newHttpClient();

  Rig(Path folder) {
    authority = CertificateAuthority.openOrCreate(folder.resolve("ca"), "test root");
    gateway =
        DeviceGateway.bind(
            new GatewaySettings("127.0.0.1", 0, 0, 0, 0, folder.resolve("mqtt"), REGION, ACCOUNT),
            authority.issueServer(List.of("localhost", "127.0.0.1"), Duration.ofDays(1)),
            authority.certificate(),
            clock);
    List<Migration> migrations = new ArrayList<>(IdentityService.migrations());
    migrations.addAll(Registry.migrations());
    store = CloudStore.open(folder, migrations);
    identity = new IdentityService(store, ACCOUNT, clock);
    root = identity.ensureRootAccessKey();
    verifier = new SigV4Verifier(identity, clock);
    objects = ObjectStore.open(folder.resolve("objects"), clock);
    registry =
        new Registry(
            store,
            identity,
            authority,
            new Endpoints(
                "localhost",
                gateway.mqttPort(),
                gateway.httpsPort(),
                URI.create("http://127.0.0.1:" + gateway.apiPort())),
            REGION,
            ACCOUNT,
            clock);
  }

  void serve(List<DeviceRoute> routes, List<DeviceTopicHandler> topics) {
    ApiEngine engine =
        new ApiEngine(
            List.of(registry.iot(), identity.iam(), identity.sts(), gateway.iotData()),
            verifier,
            identity.callAuthoriser(),
            REGION,
            ACCOUNT,
            who -> ((CallerIdentity) who).arn(),
            clock);
    gateway.serve(
        new CloudServices(
            registry, identity, engine, new S3Api(objects, verifier, identity), routes, topics));
  }

  /** A device with its identity on "disk". */
  record Device(String certificateId, String certificateArn, SSLContext tls, HttpClient http) {}

  /** A registered thing with an active certificate and a policy. */
  Device device(String thing, String policy) {
    iot("POST", "/things/" + thing, "{}");
    JsonNode keys = iot("POST", "/keys-and-certificate?setAsActive=true", "");
    String arn = keys.path("certificateArn").asString();
    iot("POST", "/policies/p-" + thing, JSON.writeValueAsString(Map.of("policyDocument", policy)));
    iot("PUT", "/target-policies/p-" + thing, JSON.writeValueAsString(Map.of("target", arn)));
    signed(
        "PUT",
        apiUri("/things/" + thing + "/principals"),
        "iot",
        "",
        Map.of("x-amzn-principal", arn));
    SSLContext tls =
        tls(
            keys.path("certificatePem").asString(),
            keys.path("keyPair").path("PrivateKey").asString());
    return new Device(
        keys.path("certificateId").asString(),
        arn,
        tls,
        HttpClient.newBuilder().sslContext(tls).build());
  }

  SSLContext tls(String certificatePem, String keyPem) {
    try {
      X509Certificate certificate =
          (X509Certificate)
              CertificateFactory.getInstance("X.509")
                  .generateCertificate(new ByteArrayInputStream(certificatePem.getBytes(UTF_8)));
      byte[] key =
          Base64.getMimeDecoder().decode(keyPem.replaceAll("-----[A-Z ]+-----", "").strip());
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      store.setKeyEntry(
          "device",
          KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
              .generatePrivate(new PKCS8EncodedKeySpec(key)),
          new char[0],
          new Certificate[] {certificate});
      store.setCertificateEntry("root", authority.certificate());
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(store, new char[0]);
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new AssertionError(e);
    }
  }

  MqttClient connect(Device device, String clientId) throws MqttException {
    return connect(device.tls(), clientId);
  }

  MqttClient connect(SSLContext tls, String clientId) throws MqttException {
    MqttClient client =
        new MqttClient("ssl://localhost:" + gateway.mqttPort(), clientId, new MemoryPersistence());
    client.setTimeToWait(30_000);
    MqttConnectOptions options = new MqttConnectOptions();
    options.setSocketFactory(tls.getSocketFactory());
    options.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
    client.connect(options);
    return client;
  }

  /** A user of IAM with one inline policy and an access key. */
  Credentials user(String name, String policy) {
    iam("Action=CreateUser&UserName=" + name);
    iam(
        "Action=PutUserPolicy&PolicyName=p&UserName="
            + name
            + "&PolicyDocument="
            + URLEncoder.encode(policy, UTF_8));
    String key = iam("Action=CreateAccessKey&UserName=" + name);
    return new Credentials(between(key, "AccessKeyId"), between(key, "SecretAccessKey"), null);
  }

  String iam(String action) {
    HttpResponse<String> answer =
        signed(
            "POST",
            apiUri("/"),
            "iam",
            action + "&Version=2010-05-08",
            Map.of("content-type", "application/x-www-form-urlencoded"));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return answer.body();
  }

  private static String between(String xml, String element) {
    int from = xml.indexOf("<" + element + ">") + element.length() + 2;
    return xml.substring(from, xml.indexOf("</" + element + ">"));
  }

  /** The URL of MQTT in WebSocket, signed. */
  String signedUrl(Credentials credentials, String service) {
    return SigV4Signer.presign(
        credentials,
        REGION,
        service,
        "GET",
        URI.create("wss://localhost:" + gateway.frontPort() + "/mqtt"),
        Duration.ofMinutes(5),
        clock.instant());
  }

  HttpResponse<String> get(Device device, String path, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("https://localhost:" + gateway.httpsPort() + path));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return send(device.http(), request.build());
  }

  URI apiUri(String pathAndQuery) {
    return URI.create("http://127.0.0.1:" + gateway.apiPort() + pathAndQuery);
  }

  JsonNode iot(String method, String pathAndQuery, String body) {
    HttpResponse<String> answer = signed(method, apiUri(pathAndQuery), "iot", body, Map.of());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return answer.body().isEmpty() ? JSON.createObjectNode() : JSON.readTree(answer.body());
  }

  JsonNode iotData(String pathAndQuery) {
    HttpResponse<String> answer = signed("GET", apiUri(pathAndQuery), "iotdata", "", Map.of());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  HttpResponse<String> signed(
      String method, URI uri, String service, String body, Map<String, String> headers) {
    return signed(
        new Credentials(root.accessKeyId(), root.secretAccessKey(), null),
        http,
        method,
        uri,
        service,
        body,
        headers);
  }

  static HttpResponse<String> signed(
      Credentials credentials,
      HttpClient client,
      String method,
      URI uri,
      String service,
      String body,
      Map<String, String> headers) {
    Map<String, List<String>> toSign = new HashMap<>();
    toSign.put("host", List.of(uri.getAuthority()));
    headers.forEach((name, value) -> toSign.put(name, List.of(value)));
    byte[] bytes = body.getBytes(UTF_8);
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.ofByteArray(bytes));
    headers.forEach(request::header);
    SigV4Signer.sign(
            credentials,
            REGION,
            service,
            new HttpRequestToSign(
                method,
                uri.getRawPath(),
                uri.getRawQuery() == null ? "" : uri.getRawQuery(),
                toSign),
            bytes,
            Clock.systemUTC().instant())
        .forEach(request::header);
    return send(client, request.build());
  }

  static HttpResponse<String> send(HttpClient client, HttpRequest request) {
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new AssertionError(request.uri() + ": " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    gateway.close();
    objects.close();
    store.close();
    http.close();
  }
}
