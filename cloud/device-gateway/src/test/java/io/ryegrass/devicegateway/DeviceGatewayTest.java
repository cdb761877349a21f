package io.ryegrass.devicegateway;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.registry.DeviceMessage;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Real devices (Paho, java.net.http with client certificates) against the real parts. */
class DeviceGatewayTest {

  private static final String ARN = "arn:aws:iot:us-east-1:000000000000:";
  private static final BlockingQueue<DeviceMessage> HANDLED = new LinkedBlockingQueue<>();

  @TempDir static Path folder;

  private static Rig rig;

  @BeforeAll
  static void start() {
    rig = new Rig(folder);
    rig.serve(
        List.of(
            new DeviceRoute(
                "GET",
                "/greengrass/discover/thing/{thingName}",
                "greengrass:Discover",
                r -> ARN + "thing/" + r.path("thingName"),
                r ->
                    DeviceResponse.json(
                        200,
                        Rig.JSON
                            .createObjectNode()
                            .put("thing", r.path("thingName"))
                            .put("by", r.device().certificateId())))),
        List.of(
            new DeviceTopicHandler() {
              @Override
              public boolean accepts(String topic) {
                return topic.startsWith("$aws/things/") && topic.endsWith("/shadow/get");
              }

              @Override
              public void handle(DeviceMessage message) {
                HANDLED.add(message);
                rig.gateway.messages().publish(message.topic() + "/accepted", message.payload(), 1);
              }
            }));
  }

  @AfterAll
  static void stop() {
    rig.close();
  }

  private static String policy(String... actionsAndResources) {
    StringBuilder statements = new StringBuilder();
    for (int i = 0; i < actionsAndResources.length; i += 2) {
      statements
          .append(i == 0 ? "" : ",")
          .append("{\"Effect\":\"Allow\",\"Action\":\"")
          .append(actionsAndResources[i])
          .append("\",\"Resource\":\"")
          .append(ARN)
          .append(actionsAndResources[i + 1])
          .append("\"}");
    }
    return "{\"Version\":\"2012-10-17\",\"Statement\":[" + statements + "]}";
  }

  private static BlockingQueue<String> subscribe(MqttClient client, String filter)
      throws MqttException {
    BlockingQueue<String> received = new LinkedBlockingQueue<>();
    client.subscribe(
        filter,
        1,
        (topic, message) -> received.add(topic + " " + new String(message.getPayload(), UTF_8)));
    return received;
  }

  @Test
  void aCertificateOfAnotherAuthorityIsRefused(@TempDir Path elsewhere) {
    CertificateAuthority foreign =
        CertificateAuthority.openOrCreate(elsewhere.resolve("ca"), "foreign");
    CertificateAuthority.Issued issued = foreign.issueDevice("stranger");
    SSLContext tls = rig.tls(issued.certificatePem(), issued.privateKeyPem());
    assertThatThrownBy(() -> rig.connect(tls, "stranger"))
        .isInstanceOfSatisfying(
            MqttException.class,
            e ->
                assertThat(e.getReasonCode())
                    .isEqualTo((int) MqttException.REASON_CODE_NOT_AUTHORIZED));
    HttpResponse<String> answer =
        rig.get(
            new Rig.Device(
                "", "", tls, java.net.http.HttpClient.newBuilder().sslContext(tls).build()),
            "/greengrass/discover/thing/x");
    assertThat(answer.statusCode()).isEqualTo(403);
    assertThat(answer.headers().firstValue("x-amzn-errortype")).contains("ForbiddenException");
  }

  @Test
  void aDeviceWithoutCertificateIsAskedForOne() throws Exception {
    CertificateAuthority.Issued nobody = rig.authority.issueDevice("unused");
    assertThat(nobody).isNotNull();
    SSLContext trusting = rig.tls(nobody.certificatePem(), nobody.privateKeyPem());
    HttpResponse<String> answer =
        Rig.send(
            java.net.http.HttpClient.newBuilder().sslContext(trusting).build(),
            HttpRequest.newBuilder(
                    URI.create("https://localhost:" + rig.gateway.httpsPort() + "/anything"))
                .build());
    assertThat(answer.statusCode()).isEqualTo(403);
  }

  @Test
  void aCertificateMadeInactiveLosesItsConnectionAndCannotComeBack() throws Exception {
    Rig.Device device = rig.device("revoked", Rig.ALL);
    MqttClient client = rig.connect(device, "revoked");
    assertThat(client.isConnected()).isTrue();
    rig.iot("PUT", "/certificates/" + device.certificateId() + "?newStatus=INACTIVE", "");
    await().atMost(Duration.ofSeconds(30)).until(() -> !client.isConnected());
    assertThatThrownBy(() -> rig.connect(device, "revoked")).isInstanceOf(MqttException.class);
    assertThat(rig.get(device, "/greengrass/discover/thing/revoked").statusCode()).isEqualTo(403);
  }

  @Test
  void aCertificateMadeInactiveIsRefusedAtTheVeryNextRequestOfAKnownConnection() {
    Rig.Device device = rig.device("next-request", Rig.ALL);
    for (String state : List.of("INACTIVE", "ACTIVE", "REVOKED")) {
      rig.iot("PUT", "/certificates/" + device.certificateId() + "?newStatus=" + state, "");
      int expected = state.equals("ACTIVE") ? 200 : 403;
      assertThat(rig.get(device, "/greengrass/discover/thing/next-request").statusCode())
          .as(state)
          .isEqualTo(expected);
      assertThat(post(device, "/topics/next", "x").statusCode()).as(state).isEqualTo(expected);
    }
  }

  @Test
  void aCertificateMadeInactiveIsRefusedAtTheVeryNextPublishAndReceivesNothingMore()
      throws Exception {
    Rig.Device sender = rig.device("next-sender", Rig.ALL);
    Rig.Device receiver = rig.device("next-receiver", Rig.ALL);
    Rig.Device witness = rig.device("next-witness", Rig.ALL);
    MqttClient sending = rig.connect(sender, "next-sender");
    MqttClient receiving = rig.connect(receiver, "next-receiver");
    MqttClient witnessing = rig.connect(witness, "next-witness");
    BlockingQueue<String> received = subscribe(receiving, "next/#");
    BlockingQueue<String> witnessed = subscribe(witnessing, "next/#");
    sending.publish("next/a", "1".getBytes(UTF_8), 1, false);
    assertThat(received.poll(30, TimeUnit.SECONDS)).isEqualTo("next/a 1");
    assertThat(witnessed.poll(30, TimeUnit.SECONDS)).isEqualTo("next/a 1");

    rig.iot("PUT", "/certificates/" + sender.certificateId() + "?newStatus=INACTIVE", "");
    assertThatThrownBy(() -> sending.publish("next/a", "2".getBytes(UTF_8), 1, false))
        .isInstanceOf(MqttException.class);
    rig.iot("PUT", "/certificates/" + receiver.certificateId() + "?newStatus=INACTIVE", "");
    witnessing.publish("next/a", "3".getBytes(UTF_8), 1, false);

    assertThat(witnessed.poll(30, TimeUnit.SECONDS)).isEqualTo("next/a 3");
    await().atMost(Duration.ofSeconds(30)).until(() -> !receiving.isConnected());
    assertThat(received).isEmpty();
    assertThat(witnessed).isEmpty();
    witnessing.disconnect();
  }

  @Test
  void aClientIdThatIsNotTheThingsNameIsRefusedByThePolicyVariable() throws Exception {
    Rig.Device device =
        rig.device("named", policy("iot:Connect", "client/${iot:Connection.Thing.ThingName}"));
    rig.connect(device, "named").disconnect();
    assertThatThrownBy(() -> rig.connect(device, "other"))
        .isInstanceOfSatisfying(
            MqttException.class,
            e ->
                assertThat(e.getReasonCode())
                    .isEqualTo((int) MqttException.REASON_CODE_NOT_AUTHORIZED));
  }

  @Test
  void publishSubscribeAndReceiveAreDecidedByThePolicy() throws Exception {
    Rig.Device sender =
        rig.device("sender", policy("iot:Connect", "client/*", "iot:Publish", "topic/sensor/*"));
    Rig.Device listener =
        rig.device(
            "listener",
            policy(
                "iot:Connect",
                "client/*",
                "iot:Subscribe",
                "topicfilter/sensor/#",
                "iot:Receive",
                "topic/sensor/public"));
    MqttClient receiving = rig.connect(listener, "listener");
    BlockingQueue<String> received = subscribe(receiving, "sensor/#");
    assertThatThrownBy(() -> subscribe(receiving, "other/#")).isInstanceOf(MqttException.class);

    MqttClient sending = rig.connect(sender, "sender");
    sending.publish("sensor/secret", "a".getBytes(UTF_8), 1, false);
    sending.publish("sensor/public", "b".getBytes(UTF_8), 1, false);
    assertThat(received.poll(30, TimeUnit.SECONDS)).isEqualTo("sensor/public b");
    assertThat(received).isEmpty();

    assertThatThrownBy(() -> sending.publish("elsewhere", "c".getBytes(UTF_8), 1, false))
        .isInstanceOf(MqttException.class);
    await().atMost(Duration.ofSeconds(30)).until(() -> !sending.isConnected());
    receiving.disconnect();
  }

  @Test
  void reservedTopicsGoToTheirServiceAndToNobodyElse() throws Exception {
    Rig.Device device = rig.device("shadowed", Rig.ALL);
    Rig.Device other = rig.device("eavesdropper", Rig.ALL);
    MqttClient eavesdropper = rig.connect(other, "eavesdropper");
    BlockingQueue<String> overheard = subscribe(eavesdropper, "$aws/things/shadowed/#");
    MqttClient client = rig.connect(device, "shadowed");
    BlockingQueue<String> answers = subscribe(client, "$aws/things/shadowed/shadow/get/accepted");
    client.publish("$aws/things/shadowed/shadow/get", "{}".getBytes(UTF_8), 1, false);

    assertThat(answers.poll(30, TimeUnit.SECONDS))
        .isEqualTo("$aws/things/shadowed/shadow/get/accepted {}");
    assertThat(HANDLED.poll(30, TimeUnit.SECONDS))
        .satisfies(
            m -> {
              assertThat(m.clientId()).isEqualTo("shadowed");
              assertThat(m.device().thingNames()).containsExactly("shadowed");
            });
    assertThat(overheard.poll(30, TimeUnit.SECONDS)).contains("get/accepted");
    assertThat(overheard).isEmpty();

    assertThatThrownBy(() -> client.publish("$mine/topic", new byte[1], 1, false))
        .isInstanceOf(MqttException.class);
    eavesdropper.disconnect();
  }

  @Test
  void aPolicyTakenAwayCountsAtTheNextPacketOfALiveConnection() throws Exception {
    Rig.Device loser = rig.device("loser", Rig.ALL);
    MqttClient client = rig.connect(loser, "loser");
    client.publish("lost/a", "1".getBytes(UTF_8), 1, false);
    assertThat(post(loser, "/topics/lost%2Fa", "1").statusCode()).isEqualTo(200);
    rig.iot(
        "POST",
        "/target-policies/p-loser",
        Rig.JSON.writeValueAsString(Map.of("target", loser.certificateArn())));

    assertThat(post(loser, "/topics/lost%2Fa", "2").statusCode()).isEqualTo(403);
    assertThatThrownBy(() -> client.publish("lost/a", "2".getBytes(UTF_8), 1, false))
        .isInstanceOf(MqttException.class);
  }

  @Test
  void subscriptionsAreToldWithTheirFilters() throws Exception {
    MqttClient watching = rig.connect(rig.device("sub-watcher", Rig.ALL), "sub-watcher");
    BlockingQueue<String> events = subscribe(watching, "$aws/events/subscriptions/+/sub-watched");
    Rig.Device watched = rig.device("sub-watched", Rig.ALL);
    MqttClient client = rig.connect(watched, "sub-watched");
    client.subscribe(new String[] {"a/+", "b"}, new int[] {1, 0});
    client.unsubscribe("b");

    JsonNode given = event(events, "$aws/events/subscriptions/subscribed/sub-watched");
    assertThat(given.propertyNames())
        .containsExactlyInAnyOrder(
            "clientId",
            "timestamp",
            "eventType",
            "sessionIdentifier",
            "principalIdentifier",
            "topics");
    assertThat(given.path("topics").toString()).isEqualTo("[\"a/+\",\"b\"]");
    JsonNode ended = event(events, "$aws/events/subscriptions/unsubscribed/sub-watched");
    assertThat(ended.path("topics").toString()).isEqualTo("[\"b\"]");
    assertThat(ended.path("sessionIdentifier")).isEqualTo(given.path("sessionIdentifier"));
    client.disconnect();
    watching.disconnect();
  }

  @Test
  void connectionsAreToldOnPresenceTopics() throws Exception {
    Rig.Device watcher = rig.device("watcher", Rig.ALL);
    MqttClient watching = rig.connect(watcher, "watcher");
    BlockingQueue<String> events = subscribe(watching, "$aws/events/presence/+/watched");
    Rig.Device watched = rig.device("watched", Rig.ALL);
    rig.connect(watched, "watched").disconnect();

    JsonNode connected = event(events, "$aws/events/presence/connected/watched");
    assertThat(connected.path("principalIdentifier").asString()).isEqualTo(watched.certificateId());
    JsonNode disconnected = event(events, "$aws/events/presence/disconnected/watched");
    assertThat(disconnected.path("disconnectReason").asString())
        .isEqualTo("CLIENT_INITIATED_DISCONNECT");
    assertThat(disconnected.path("clientInitiatedDisconnect").asBoolean()).isTrue();
    assertThat(disconnected.path("sessionIdentifier"))
        .isEqualTo(connected.path("sessionIdentifier"));
    assertThat(disconnected.path("versionNumber")).isEqualTo(connected.path("versionNumber"));
    watching.disconnect();
  }

  private static JsonNode event(BlockingQueue<String> events, String topic)
      throws InterruptedException {
    String received = events.poll(30, TimeUnit.SECONDS);
    assertThat(received).startsWith(topic + " ");
    return Rig.JSON.readTree(received.substring(topic.length() + 1));
  }

  @Test
  void aDeviceRouteIsAuthorisedOnItsResource() {
    Rig.Device device =
        rig.device("route 1".replace(' ', '_'), policy("greengrass:Discover", "thing/route_1"));
    HttpResponse<String> allowed = rig.get(device, "/greengrass/discover/thing/route%5F1");
    assertThat(allowed.statusCode()).isEqualTo(200);
    assertThat(allowed.body()).contains("\"thing\":\"route_1\"", device.certificateId());

    HttpResponse<String> denied = rig.get(device, "/greengrass/discover/thing/another");
    assertThat(denied.statusCode()).isEqualTo(403);
    assertThat(denied.headers().firstValue("x-amzn-errortype")).contains("AccessDeniedException");
    assertThat(Rig.JSON.readTree(denied.body()).path("message").asString())
        .contains("greengrass:Discover", ARN + "thing/another");

    assertThat(rig.get(device, "/no/such/route").statusCode()).isEqualTo(404);
  }

  @Test
  void aDevicePublishesByHttpsWhatItsPolicyAllows() throws Exception {
    Rig.Device sender = rig.device("poster", policy("iot:Publish", "topic/posted/*"));
    Rig.Device reader = rig.device("reader", Rig.ALL);
    MqttClient reading = rig.connect(reader, "reader");
    BlockingQueue<String> received = subscribe(reading, "posted/#");

    assertThat(post(sender, "/topics/posted/a%2Fb?qos=1", "hello").statusCode()).isEqualTo(200);
    assertThat(received.poll(30, TimeUnit.SECONDS)).isEqualTo("posted/a/b hello");
    assertThat(post(sender, "/topics/other", "x").statusCode()).isEqualTo(403);
    assertThat(post(sender, "/topics/posted/c?retain=true", "x").statusCode()).isEqualTo(403);
    assertThat(post(reader, "/topics/posted/%23", "x").statusCode()).isEqualTo(400);
    reading.disconnect();
  }

  private static HttpResponse<String> post(Rig.Device device, String path, String body) {
    return Rig.send(
        device.http(),
        HttpRequest.newBuilder(URI.create("https://localhost:" + rig.gateway.httpsPort() + path))
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build());
  }

  @Test
  void aDeviceGetsCredentialsOfItsRoleAliasAndTheyWork() {
    String trust =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"credentials.iot.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";
    Map<String, String> form = Map.of("content-type", "application/x-www-form-urlencoded");
    assertThat(
            rig.signed(
                    "POST",
                    rig.apiUri("/"),
                    "iam",
                    "Action=CreateRole&Version=2010-05-08&RoleName=token&AssumeRolePolicyDocument="
                        + java.net.URLEncoder.encode(trust, UTF_8),
                    form)
                .statusCode())
        .isEqualTo(200);
    rig.iot(
        "POST", "/role-aliases/alias1", "{\"roleArn\":\"arn:aws:iam::000000000000:role/token\"}");
    Rig.Device device =
        rig.device("exchanger", policy("iot:AssumeRoleWithCertificate", "rolealias/alias1"));

    HttpResponse<String> answer =
        rig.get(device, "/role-aliases/alias1/credentials", "x-amzn-iot-thingname", "exchanger");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    JsonNode credentials = Rig.JSON.readTree(answer.body()).path("credentials");
    HttpResponse<String> whoAmI =
        Rig.signed(
            new Credentials(
                credentials.path("accessKeyId").asString(),
                credentials.path("secretAccessKey").asString(),
                credentials.path("sessionToken").asString()),
            device.http(),
            "POST",
            URI.create("https://localhost:" + rig.gateway.httpsPort() + "/"),
            "sts",
            "Action=GetCallerIdentity&Version=2011-06-15",
            form);
    assertThat(whoAmI.body()).contains(":assumed-role/token/");

    assertThat(
            rig.get(device, "/role-aliases/alias1/credentials", "x-amzn-iot-thingname", "sender2")
                .statusCode())
        .isEqualTo(403);
    assertThat(rig.get(device, "/role-aliases/alias2/credentials").statusCode()).isEqualTo(403);
  }

  @Test
  void objectsAreServedOnTheDevicePortToo() {
    rig.objects.createBucket("artifacts");
    rig.objects.put("artifacts", "a/b.txt", "content".getBytes(UTF_8));
    String url =
        rig.objects.presignGet(
            URI.create("https://localhost:" + rig.gateway.httpsPort()),
            Rig.REGION,
            "artifacts",
            "a/b.txt",
            Duration.ofMinutes(1));
    Rig.Device device = rig.device("downloader", Rig.ALL);
    assertThat(Rig.send(device.http(), HttpRequest.newBuilder(URI.create(url)).build()).body())
        .isEqualTo("content");
    HttpResponse<String> tampered =
        Rig.send(
            device.http(), HttpRequest.newBuilder(URI.create(url.replace("b.txt", "c"))).build());
    assertThat(tampered.statusCode()).isEqualTo(403);
    assertThat(tampered.body()).contains("<Code>SignatureDoesNotMatch</Code>");
  }

  @Test
  void bothAlpnNamesOfHttpAreAcceptedAndChaChaIsTaken() throws Exception {
    Rig.Device device = rig.device("negotiator", Rig.ALL);
    for (List<String> offered :
        List.of(
            List.of("x-amzn-http-ca"),
            List.of("x-amzn-http-ca", "http/1.1"),
            List.of("h2", "http/1.1"))) {
      try (SSLSocket socket =
          (SSLSocket)
              device.tls().getSocketFactory().createSocket("localhost", rig.gateway.httpsPort())) {
        socket.setSoTimeout(30_000);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(offered.toArray(new String[0]));
        socket.setSSLParameters(parameters);
        socket
            .getOutputStream()
            .write(
                "GET /greengrass/discover/thing/negotiator HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                    .getBytes(UTF_8));
        // read to the end: the connection is closed, as "Connection: close" asks
        assertThat(new String(socket.getInputStream().readAllBytes(), UTF_8))
            .startsWith("HTTP/1.1 200");
        assertThat(offered).contains(socket.getApplicationProtocol());
        assertThat(socket.getSession().getCipherSuite()).isEqualTo("TLS_CHACHA20_POLY1305_SHA256");
      }
    }
  }

  @Test
  void anUnsignedRequestIsRefusedWithoutWaitingForItsBody() throws Exception {
    try (java.net.Socket socket = new java.net.Socket("127.0.0.1", rig.apiUri("/").getPort())) {
      socket.setSoTimeout(30_000);
      socket
          .getOutputStream()
          .write(
              "POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\nab"
                  .getBytes(UTF_8));
      assertThat(new String(socket.getInputStream().readNBytes(12), UTF_8))
          .isEqualTo("HTTP/1.1 403");
    }
  }

  @Test
  void aBodyThatIsNotWellFormedEndsItsConnectionAndNoOther() throws Exception {
    for (String broken :
        List.of(
            "Authorization: AWS4-HMAC-SHA256 x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "Authorization: AWS4-HMAC-SHA256 x\r\nContent-Length: 100\r\n\r\ncut off")) {
      try (java.net.Socket socket = new java.net.Socket("127.0.0.1", rig.apiUri("/").getPort())) {
        socket.setSoTimeout(30_000);
        socket
            .getOutputStream()
            .write(("POST / HTTP/1.1\r\nHost: localhost\r\n" + broken).getBytes(UTF_8));
        socket.shutdownOutput();
        assertThat(new String(socket.getInputStream().readAllBytes(), UTF_8))
            .doesNotContain("HTTP/1.1 500");
      }
    }
    HttpResponse<String> next =
        Rig.send(
            java.net.http.HttpClient.newHttpClient(),
            HttpRequest.newBuilder(rig.apiUri("/things")).build());
    assertThat(next.statusCode()).isEqualTo(403);
  }

  @Test
  void beforeTheServicesAreThereTheDoorsSaySo(@TempDir Path fresh) throws Exception {
    try (Rig starting = new Rig(fresh)) {
      HttpResponse<String> answer =
          Rig.send(
              java.net.http.HttpClient.newHttpClient(),
              HttpRequest.newBuilder(starting.apiUri("/things")).build());
      assertThat(answer.statusCode()).isEqualTo(503);
      CertificateAuthority.Issued issued = starting.authority.issueDevice("early");
      SSLContext tls = starting.tls(issued.certificatePem(), issued.privateKeyPem());
      assertThatThrownBy(() -> starting.connect(tls, "early")).isInstanceOf(MqttException.class);
    }
  }

  @Test
  void aTakenPortIsNamedWithItsListener(@TempDir Path fresh) throws IOException {
    CertificateAuthority authority = CertificateAuthority.openOrCreate(fresh.resolve("ca"), "x");
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      assertThatThrownBy(
              () ->
                  DeviceGateway.bind(
                      new GatewaySettings(
                          "127.0.0.1",
                          0,
                          0,
                          taken.getLocalPort(),
                          0,
                          fresh.resolve("mqtt"),
                          Rig.REGION,
                          Rig.ACCOUNT),
                      authority.issueServer(List.of("localhost"), Duration.ofDays(1)),
                      authority.certificate(),
                      Clock.systemUTC()))
          .isInstanceOfSatisfying(
              PortInUseException.class, e -> assertThat(e.listener()).isEqualTo("mqtt"))
          .hasMessageContaining("Port " + taken.getLocalPort());
    }
  }
}
