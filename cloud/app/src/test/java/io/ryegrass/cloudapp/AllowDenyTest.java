package io.ryegrass.cloudapp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.assertj.core.api.SoftAssertions;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * "A device can do nothing outside its certificate's policies": every door of the cloud, with those
 * who may and those who may not (catalogue rows SEC).
 */
class AllowDenyTest {

  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String REGION = "us-east-1";
  private static final String IOT = "arn:aws:iot:us-east-1:000000000000:";
  private static final String ALL =
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}";

  /** All that is said here is about the thing {@code lamp} and topics below {@code lamp/}. */
  private static final String OF_LAMP =
      """
      {"Version":"2012-10-17","Statement":[
       {"Effect":"Allow","Action":["iot:*ThingShadow","iot:ListNamedShadowsForThing","iotjobsdata:*"],
        "Resource":["IOTthing/lamp","IOTthing/lamp/*"]},
       {"Effect":"Allow","Action":"greengrass:*",
        "Resource":["IOTthing/lamp","arn:aws:greengrass:us-east-1:000000000000:*/lamp/*",
                    "arn:aws:greengrass:us-east-1:000000000000:coreDevices:lamp"]},
       {"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"IOTrolealias/lamp"},
       {"Effect":"Allow","Action":"iot:Connect","Resource":"IOTclient/lamp-*"},
       {"Effect":"Allow","Action":["iot:Publish","iot:Receive","iot:RetainPublish","iot:GetRetainedMessage"],
        "Resource":["IOTtopic/lamp/*","IOTtopic/$aws/things/lamp/*"]},
       {"Effect":"Allow","Action":"iot:Subscribe",
        "Resource":["IOTtopicfilter/lamp/*","IOTtopicfilter/$aws/things/lamp/*","IOTtopicfilter/shared/*"]}]}
      """
          .replace("IOT", IOT);

  private static final String CONNECT_ONLY =
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":\"*\"}]}";

  /** Everything is allowed, and then denied. */
  private static final String DENIED =
      "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
          + "{\"Effect\":\"Deny\",\"Action\":[\"iot:Publish\",\"iot:Subscribe\",\"iot:Receive\",\"iot:*Shadow*\","
          + "\"iotjobsdata:*\",\"iot:Assume*\",\"iot:*Retained*\",\"greengrass:*\"],\"Resource\":\"*\"}]}";

  /** A request of a device; {@code THING} stands for a thing's name. */
  private record Route(String method, String path, String body) {}

  private static final List<Route> ROUTES =
      List.of(
          new Route("POST", "/things/THING/shadow", "{\"state\":{}}"),
          new Route("GET", "/things/THING/shadow", ""),
          new Route("DELETE", "/things/THING/shadow", ""),
          new Route("POST", "/things/THING/shadow?name=n", "{\"state\":{}}"),
          new Route("GET", "/things/THING/shadow?name=n", ""),
          new Route("GET", "/api/things/shadow/ListNamedShadowsForThing/THING", ""),
          new Route("GET", "/things/THING/jobs", ""),
          new Route("PUT", "/things/THING/jobs/$next", "{}"),
          new Route("GET", "/things/THING/jobs/j", ""),
          new Route("POST", "/things/THING/jobs/j", "{\"status\":\"FAILED\"}"),
          new Route("GET", "/greengrass/discover/thing/THING", ""),
          new Route("GET", "/greengrass/v2/coreDevices/THING/thingGroups", ""),
          new Route("GET", "/greengrass/v2/coreDevices/THING/deployments/d/configuration", ""),
          new Route("GET", "/greengrass/things/THING/connectivityInfo", ""),
          new Route(
              "PUT", "/greengrass/things/THING/connectivityInfo", "{\"ConnectivityInfo\":[]}"),
          new Route("GET", "/role-aliases/THING/credentials", ""),
          new Route("POST", "/topics/THING%2Fx?qos=1&retain=true", "x"),
          new Route("GET", "/retainedMessage/THING%2Fx", ""));

  @TempDir static Path folder;

  private static final AtomicInteger CLIENTS = new AtomicInteger();
  private static final HttpClient PLAIN = HttpClient.newHttpClient();

  private static Cloud cloud;
  private static JsonNode endpoints;
  private static Credentials root;

  @BeforeAll
  static void start() throws Exception {
    Path data = folder.resolve("data");
    cloud = Cloud.start(new CloudOptions(data, null, "127.0.0.1", 0, 0, 0, REGION, "000000000000"));
    endpoints = JSON.readTree(Files.readAllBytes(data.resolve("endpoints.json")));
    List<String> lines = Files.readAllLines(data.resolve("credentials"));
    root = new Credentials(value(lines.get(1)), value(lines.get(2)), null);
    String trust =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"credentials.iot.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";
    iam("Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=" + encoded(trust));
    iam(
        "Action=PutRolePolicy&RoleName=r&PolicyName=p&PolicyDocument="
            + encoded(
                "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:GetThingShadow\",\"Resource\":\""
                    + IOT
                    + "thing/lamp\"}]}"));
    for (String thing : List.of("lamp", "other")) {
      iot("POST", "/things/" + thing, "{}", 200);
      iot(
          "POST",
          "/role-aliases/" + thing,
          "{\"roleArn\":\"arn:aws:iam::000000000000:role/r\"}",
          200);
    }
  }

  @AfterAll
  static void stop() {
    cloud.close();
  }

  private static String value(String line) {
    return line.substring(line.indexOf('=') + 1).strip();
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, UTF_8);
  }

  // ---- identities ----

  /** A certificate of the registry, attached to the lamp. */
  private static SSLContext device(String name, String policy, boolean active) throws Exception {
    JsonNode made =
        JSON.readTree(iot("POST", "/keys-and-certificate?setAsActive=" + active, "", 200));
    String arn = made.path("certificateArn").asString();
    iot(
        "POST",
        "/policies/" + name,
        JSON.writeValueAsString(Map.of("policyDocument", policy)),
        200);
    iot("PUT", "/target-policies/" + name, JSON.writeValueAsString(Map.of("target", arn)), 200);
    HttpResponse<String> attached =
        signed(
            root,
            "PUT",
            api("/things/lamp/principals"),
            "iot",
            "",
            Map.of("x-amzn-principal", arn));
    assertThat(attached.statusCode()).as(attached.body()).isEqualTo(200);
    return tls(
        made.path("certificatePem").asString(), made.path("keyPair").path("PrivateKey").asString());
  }

  private static SSLContext tls(String certificatePem, String keyPem) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setCertificateEntry(
        "root", certificate(Files.readString(Path.of(endpoints.path("rootCa").asString()))));
    if (!certificatePem.isEmpty()) {
      X509Certificate own = certificate(certificatePem);
      byte[] key = Base64.getMimeDecoder().decode(keyPem.replaceAll("-----[A-Z ]+-----", ""));
      store.setKeyEntry(
          "own",
          KeyFactory.getInstance(own.getPublicKey().getAlgorithm())
              .generatePrivate(new PKCS8EncodedKeySpec(key)),
          new char[0],
          new Certificate[] {own});
    }
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, new char[0]);
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private static X509Certificate certificate(String pem) throws Exception {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(pem.getBytes(UTF_8)));
  }

  private static SSLContext stranger() throws Exception {
    var issued =
        io.ryegrass.identity.CertificateAuthority.openOrCreate(folder.resolve("foreign"), "foreign")
            .issueDevice("lamp");
    return tls(issued.certificatePem(), issued.privateKeyPem());
  }

  // ---- HTTPS ----

  @Test
  void overHttpsADeviceDoesWhatItsPoliciesAllowForItsOwnThingAndNothingElse() throws Exception {
    SSLContext lamp = device("https-lamp", OF_LAMP, true);
    Map<String, SSLContext> nobody = new HashMap<>();
    nobody.put("connect only", device("https-connect", CONNECT_ONLY, true));
    nobody.put("denied", device("https-denied", DENIED, true));
    nobody.put("inactive", device("https-inactive", ALL, false));
    nobody.put("of a foreign authority", stranger());
    nobody.put("without certificate", tls("", ""));
    SoftAssertions all = new SoftAssertions();
    for (String port : List.of("httpsPort", "frontPort")) {
      HttpClient mine = HttpClient.newBuilder().sslContext(lamp).build();
      for (Route route : ROUTES) {
        all.assertThat(status(mine, port, route, "lamp"))
            .as("lamp %s on %s", route, port)
            .isNotIn(401, 403, 405, 500, 501, 503);
        all.assertThat(status(mine, port, route, "other"))
            .as("lamp for another thing: %s on %s", route, port)
            .isEqualTo(403);
      }
      for (Map.Entry<String, SSLContext> who : nobody.entrySet()) {
        HttpClient client = HttpClient.newBuilder().sslContext(who.getValue()).build();
        for (Route route : ROUTES) {
          all.assertThat(status(client, port, route, "lamp"))
              .as("%s: %s on %s", who.getKey(), route, port)
              .isEqualTo(403);
        }
      }
    }
    all.assertAll();
  }

  private static int status(HttpClient client, String port, Route route, String thing)
      throws Exception {
    URI uri =
        URI.create(
            "https://localhost:"
                + endpoints.path(port).asInt()
                + route.path().replace("THING", thing));
    return client
        .send(
            HttpRequest.newBuilder(uri)
                .version(HttpClient.Version.HTTP_1_1)
                .timeout(Duration.ofSeconds(60))
                .method(route.method(), HttpRequest.BodyPublishers.ofString(route.body()))
                .build(),
            HttpResponse.BodyHandlers.ofString())
        .statusCode();
  }

  // ---- MQTT ----

  @Test
  void overMqttADeviceDoesWhatItsPoliciesAllowAndNothingElse() throws Exception {
    SSLContext lamp = device("mqtt-lamp", OF_LAMP, true);
    SSLContext connectOnly = device("mqtt-connect", CONNECT_ONLY, true);
    SSLContext denied = device("mqtt-denied", DENIED, true);
    SSLContext anything = device("mqtt-all", ALL, true);
    MqttClient subscriber = connect(lamp, "lamp-");
    SoftAssertions all = new SoftAssertions();

    List<String> own =
        List.of("lamp/x", "$aws/things/lamp/shadow/get", "$aws/things/lamp/jobs/get");
    List<String> others =
        List.of(
            "other/x",
            "$aws/things/other/shadow/get",
            "$aws/things/other/shadow/name/n/update",
            "$aws/things/other/jobs/get",
            "$aws/certificates/create/json",
            "$aws/provisioning-templates/t/provision/json",
            "$aws/events/presence/connected/lamp");
    for (String topic : own) {
      all.assertThat(publishes(lamp, topic)).as("lamp publishes to %s", topic).isTrue();
      all.assertThat(subscribes(subscriber, topic + "/accepted"))
          .as("subscribes %s", topic)
          .isTrue();
    }
    for (String topic : others) {
      all.assertThat(publishes(lamp, topic)).as("lamp publishes to %s", topic).isFalse();
      all.assertThat(subscribes(subscriber, topic + "/accepted"))
          .as("subscribes %s", topic)
          .isFalse();
    }
    all.assertThat(subscribes(subscriber, "#")).as("lamp subscribes to all").isFalse();
    subscriber.disconnect();
    for (SSLContext who : List.of(connectOnly, denied)) {
      MqttClient asking = connect(who, "lamp-");
      for (String topic : own) {
        all.assertThat(publishes(who, topic)).as("publishes to %s", topic).isFalse();
        all.assertThat(subscribes(asking, topic)).as("subscribes to %s", topic).isFalse();
      }
      asking.disconnect();
    }
    // What services say, nobody else says, whatever his policies are.
    for (String topic :
        List.of(
            "$aws/things/lamp/shadow/update/accepted",
            "$aws/things/lamp/shadow/name/n/update/delta",
            "$aws/things/lamp/jobs/notify-next",
            "$aws/events/presence/disconnected/lamp",
            "$other/x")) {
      all.assertThat(publishes(anything, topic)).as("publishes to %s", topic).isFalse();
    }
    Map<String, SSLContext> refused = new HashMap<>();
    refused.put("inactive", device("mqtt-inactive", ALL, false));
    refused.put("of a foreign authority", stranger());
    refused.put("without certificate", tls("", ""));
    refused.forEach(
        (name, who) -> all.assertThat(connects(who, "lamp-")).as("connects: %s", name).isFalse());
    all.assertThat(connects(lamp, "other-")).as("as another client").isFalse();
    all.assertAll();
  }

  @Test
  void whoMayNotReceiveGetsNothingThoughItSubscribed() throws Exception {
    SSLContext lamp = device("receive-lamp", OF_LAMP, true);
    SSLContext anything = device("receive-all", ALL, true);
    MqttClient deaf = connect(lamp, "lamp-");
    BlockingQueue<String> got = new LinkedBlockingQueue<>();
    deaf.subscribe("shared/+", 1, (topic, m) -> got.add(topic));
    deaf.subscribe("lamp/+", 1, (topic, m) -> got.add(topic));
    MqttClient sender = connect(anything, "any-");
    sender.publish("shared/secret", new byte[1], 1, false);
    sender.publish("lamp/last", new byte[1], 1, false);
    assertThat(got.poll(30, TimeUnit.SECONDS)).isEqualTo("lamp/last");
    assertThat(got).isEmpty();
    deaf.disconnect();
    sender.disconnect();
  }

  private static MqttClient connect(SSLContext tls, String prefix) throws MqttException {
    MqttClient client =
        new MqttClient(
            "ssl://localhost:" + endpoints.path("mqttPort").asInt(),
            prefix + CLIENTS.incrementAndGet(),
            new MemoryPersistence());
    client.setTimeToWait(30_000);
    MqttConnectOptions options = new MqttConnectOptions();
    options.setSocketFactory(tls.getSocketFactory());
    options.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
    client.connect(options);
    return client;
  }

  private static boolean connects(SSLContext tls, String prefix) {
    try {
      connect(tls, prefix).disconnect();
      return true;
    } catch (MqttException e) {
      return false; // that is the answer
    }
  }

  private static boolean publishes(SSLContext tls, String topic) throws MqttException {
    MqttClient client = connect(tls, "lamp-");
    try {
      client.publish(topic, "{}".getBytes(UTF_8), 1, false);
      client.disconnect();
      return true;
    } catch (MqttException e) {
      return false; // cut off: that is the answer
    }
  }

  /** A connection survives the refusal of a subscription, so one serves for all that is asked. */
  private static boolean subscribes(MqttClient client, String filter) {
    try {
      client.subscribe(filter, 1);
      return true;
    } catch (MqttException e) {
      assertThat(client.isConnected()).as("refused by 0x80 alone: %s", filter).isTrue();
      return false;
    }
  }

  // ---- signed calls ----

  @Test
  void signedCallsDoWhatThePoliciesOfTheirKeyAllowAndNothingElse() throws Exception {
    iam("Action=CreateUser&UserName=nobody");
    String key = iam("Action=CreateAccessKey&UserName=nobody");
    Credentials nobody =
        new Credentials(between(key, "AccessKeyId"), between(key, "SecretAccessKey"), null);
    SSLContext lamp = device("api-lamp", OF_LAMP, true);
    JsonNode given =
        JSON.readTree(
                HttpClient.newBuilder()
                    .sslContext(lamp)
                    .build()
                    .send(
                        HttpRequest.newBuilder(
                                URI.create(
                                    "https://localhost:"
                                        + endpoints.path("httpsPort").asInt()
                                        + "/role-aliases/lamp/credentials"))
                            .build(),
                        HttpResponse.BodyHandlers.ofString())
                    .body())
            .path("credentials");
    Credentials ofDevice =
        new Credentials(
            given.path("accessKeyId").asString(),
            given.path("secretAccessKey").asString(),
            given.path("sessionToken").asString());
    iot("POST", "/things/lamp/shadow", "{\"state\":{}}", 200, "iotdata");

    List<Credentials> strangers = new ArrayList<>();
    strangers.add(nobody);
    strangers.add(new Credentials("AKIAIOSFODNN7EXAMPLE", root.secretAccessKey(), null));
    strangers.add(new Credentials(root.accessKeyId(), "x" + root.secretAccessKey(), null));
    strangers.add(new Credentials(ofDevice.accessKeyId(), ofDevice.secretAccessKey(), null));
    strangers.add(new Credentials(ofDevice.accessKeyId(), ofDevice.secretAccessKey(), "other"));
    SoftAssertions all = new SoftAssertions();
    for (Credentials stranger : strangers) {
      all.assertThat(shadow(stranger, "lamp")).as(stranger.accessKeyId()).isEqualTo(403);
    }
    all.assertThat(shadow(root, "lamp")).isEqualTo(200);
    all.assertThat(shadow(ofDevice, "lamp")).isEqualTo(200);
    all.assertThat(shadow(ofDevice, "other")).isEqualTo(403);
    all.assertThat(shadow(ofDevice, "lamp?name=n")).isEqualTo(403);
    all.assertThat(signed(ofDevice, "GET", api("/things/lamp"), "iot", "", Map.of()).statusCode())
        .isEqualTo(403);
    all.assertThat(
            PLAIN
                .send(
                    HttpRequest.newBuilder(api("/things/lamp/shadow")).build(),
                    HttpResponse.BodyHandlers.ofString())
                .statusCode())
        .as("not signed")
        .isEqualTo(403);
    objects(all, nobody);
    all.assertAll();
  }

  private static int shadow(Credentials who, String thing) throws Exception {
    String path =
        thing.contains("?")
            ? "/things/" + thing.replace("?", "/shadow?")
            : "/things/" + thing + "/shadow";
    return signed(who, "GET", api(path), "iotdata", "", Map.of()).statusCode();
  }

  private static void objects(SoftAssertions all, Credentials nobody) throws Exception {
    all.assertThat(signed(root, "PUT", api("/bucket-1"), "s3", "", Map.of()).statusCode())
        .isEqualTo(200);
    all.assertThat(signed(root, "PUT", api("/bucket-1/o"), "s3", "hello", Map.of()).statusCode())
        .isEqualTo(200);
    Instant now = Instant.now();
    String good = presigned(root, now);
    all.assertThat(get(good)).isEqualTo(200);
    all.assertThat(get(good.replace("/o?", "/p?"))).as("another object").isEqualTo(403);
    all.assertThat(get(presigned(nobody, now))).as("a user without policies").isEqualTo(403);
    all.assertThat(get(presigned(root, now.minusSeconds(600)))).as("expired").isEqualTo(403);
    all.assertThat(get(api("/bucket-1/o").toString())).as("not signed").isEqualTo(403);
  }

  private static String presigned(Credentials who, Instant at) {
    return SigV4Signer.presign(
        who, REGION, "s3", "GET", api("/bucket-1/o"), Duration.ofMinutes(5), at);
  }

  private static int get(String url) throws Exception {
    return PLAIN
        .send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString())
        .statusCode();
  }

  private static URI api(String pathAndQuery) {
    return URI.create(endpoints.path("apiUrl").asString() + pathAndQuery);
  }

  private static String iot(String method, String path, String body, int expected)
      throws Exception {
    return iot(method, path, body, expected, "iot");
  }

  private static String iot(String method, String path, String body, int expected, String service)
      throws Exception {
    HttpResponse<String> answer = signed(root, method, api(path), service, body, Map.of());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(expected);
    return answer.body();
  }

  private static String iam(String action) throws Exception {
    HttpResponse<String> answer =
        signed(
            root,
            "POST",
            api("/"),
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

  private static HttpResponse<String> signed(
      Credentials who,
      String method,
      URI uri,
      String service,
      String body,
      Map<String, String> headers)
      throws Exception {
    Map<String, List<String>> toSign = new HashMap<>();
    toSign.put("host", List.of(uri.getAuthority()));
    headers.forEach((name, value) -> toSign.put(name, List.of(value)));
    byte[] bytes = body.getBytes(UTF_8);
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.ofByteArray(bytes));
    headers.forEach(request::header);
    SigV4Signer.sign(
            who,
            REGION,
            service,
            new HttpRequestToSign(
                method,
                uri.getRawPath(),
                uri.getRawQuery() == null ? "" : uri.getRawQuery(),
                toSign),
            bytes,
            Instant.now())
        .forEach(request::header);
    return PLAIN.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }
}
