package io.ryegrass.devicegateway;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.SigV4Signer;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * The port that MQTT, HTTPS and WebSocket share (mqtt-cloud reference, section 1), messages over
 * HTTP, and what strangers may try on it.
 */
class FrontDoorTest {

  private static final String ARN = "arn:aws:iot:us-east-1:000000000000:";
  private static final String MQTT = "x-amzn-mqtt-ca";
  private static final String HTTP = "x-amzn-http-ca";

  @TempDir static Path folder;

  private static Rig rig;
  private static Rig.Device device;
  private static SSLSocket slow;

  @BeforeAll
  static void start() throws Exception {
    rig = new Rig(folder);
    rig.serve(
        List.of(
            new DeviceRoute(
                "GET",
                "/hello/{name}",
                "greengrass:Discover",
                r -> ARN + "thing/" + r.path("name"),
                r ->
                    DeviceResponse.json(
                        200, Rig.JSON.createObjectNode().put("hello", r.path("name"))))),
        List.of());
    device = rig.device("front", Rig.ALL);
    slow = socket(null);
    slow.getOutputStream().write("GET /hello/x HTTP/1.1\r\nHost: ".getBytes(UTF_8));
    slow.getOutputStream().flush();
  }

  @AfterAll
  static void stop() {
    rig.close();
  }

  private static SSLSocket socket(String alpn) throws IOException {
    SSLSocket socket =
        (SSLSocket)
            device.tls().getSocketFactory().createSocket("localhost", rig.gateway.frontPort());
    socket.setSoTimeout(30_000);
    if (alpn != null) {
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setApplicationProtocols(new String[] {alpn});
      socket.setSSLParameters(parameters);
    }
    socket.startHandshake();
    return socket;
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

  private static MqttClient webSocket(String url, String clientId) throws MqttException {
    MqttClient client = new MqttClient(url, clientId, new MemoryPersistence());
    client.setTimeToWait(20_000);
    MqttConnectOptions options = new MqttConnectOptions();
    options.setSocketFactory(device.tls().getSocketFactory());
    options.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
    options.setHttpsHostnameVerificationEnabled(false);
    client.connect(options);
    return client;
  }

  @Test
  void alpnChoosesBetweenMqttAndHttpOnOnePort() throws Exception {
    try (SSLSocket mqtt = socket(MQTT)) {
      assertThat(mqtt.getApplicationProtocol()).isEqualTo(MQTT);
      byte[] connect = {
        0x10, 17, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 5, 'a', 'l', 'p', 'n', '1'
      };
      mqtt.getOutputStream().write(connect);
      mqtt.getOutputStream().flush();
      assertThat(mqtt.getInputStream().readNBytes(4)).containsExactly(0x20, 2, 0, 0);
    }
    for (String alpn : new String[] {HTTP, "http/1.1", null}) {
      try (SSLSocket http = socket(alpn)) {
        http.getOutputStream()
            .write(
                ("GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n"
                        + "GET /hello/b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    .getBytes(UTF_8));
        http.getOutputStream().flush();
        String both = new String(http.getInputStream().readAllBytes(), UTF_8);
        assertThat(both).as("%s", alpn).startsWith("HTTP/1.1 200");
        assertThat(both.indexOf("{\"hello\":\"a\"}"))
            .isPositive()
            .isLessThan(both.indexOf("{\"hello\":\"b\"}"));
      }
    }
    assertThatThrownBy(() -> socket("h2")).isInstanceOf(IOException.class);
  }

  @Test
  void aSignedUrlOpensAWebSocketForWhatThePoliciesOfItsUserAllow() throws Exception {
    Credentials app =
        rig.user(
            "app",
            policy(
                "iot:Connect",
                "client/app-*",
                "iot:Publish",
                "topic/a/*",
                "iot:Subscribe",
                "topicfilter/a/*",
                "iot:Receive",
                "topic/a/*"));
    assertThatThrownBy(() -> webSocket(rig.signedUrl(app, "iotdevicegateway"), "other"))
        .isInstanceOfSatisfying(
            MqttException.class,
            e ->
                assertThat(e.getReasonCode())
                    .isEqualTo((int) MqttException.REASON_CODE_NOT_AUTHORIZED));
    MqttClient client = webSocket(rig.signedUrl(app, "iotdevicegateway"), "app-1");
    BlockingQueue<String> got = new LinkedBlockingQueue<>();
    client.subscribe("a/+", 1, (topic, message) -> got.add(topic + " " + message));
    client.publish("a/1", "hello".getBytes(UTF_8), 1, false);
    assertThat(got.poll(20, TimeUnit.SECONDS)).isEqualTo("a/1 hello");
    client.publish("b/1", "x".getBytes(UTF_8), 0, false);
    await().atMost(Duration.ofSeconds(20)).until(() -> !client.isConnected());
  }

  @Test
  void aWebSocketEndsWithItsAccessKey() throws Exception {
    Credentials gone =
        rig.user("gone", Rig.ALL.replace("\"*\",\"Resource", "\"iot:*\",\"Resource"));
    MqttClient client = webSocket(rig.signedUrl(gone, "iotdata"), "gone-1");
    assertThat(client.isConnected()).isTrue();
    rig.iam(
        "Action=UpdateAccessKey&UserName=gone&Status=Inactive&AccessKeyId=" + gone.accessKeyId());
    await().atMost(Duration.ofSeconds(20)).until(() -> !client.isConnected());
  }

  @Test
  void urlsThatAreNotSignedWellAreRefusedByHttp() throws Exception {
    Credentials root = new Credentials(rig.root.accessKeyId(), rig.root.secretAccessKey(), null);
    String good = rig.signedUrl(root, "iotdevicegateway");
    assertThat(upgrade(good)).startsWith("HTTP/1.1 101");
    String otherSecret =
        rig.signedUrl(
            new Credentials(root.accessKeyId(), "x" + root.secretAccessKey(), null),
            "iotdevicegateway");
    String foreign =
        rig.signedUrl(
            new Credentials("AKIAIOSFODNN7EXAMPLE", root.secretAccessKey(), null),
            "iotdevicegateway");
    String expired =
        SigV4Signer.presign(
            root,
            Rig.REGION,
            "iotdevicegateway",
            "GET",
            URI.create("wss://localhost:" + rig.gateway.frontPort() + "/mqtt"),
            Duration.ofMinutes(5),
            rig.clock.instant().minus(Duration.ofMinutes(10)));
    for (String bad :
        List.of(otherSecret, foreign, expired, rig.signedUrl(root, "s3"), good + "&x=1")) {
      assertThat(upgrade(bad)).as(bad).startsWith("HTTP/1.1 403");
    }
    assertThat(upgrade("wss://localhost:" + rig.gateway.frontPort() + "/elsewhere"))
        .startsWith("HTTP/1.1 404");
  }

  @Test
  void theSessionTokenMayBeAppendedAfterSigning() throws Exception {
    String trust =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"credentials.iot.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";
    rig.iam(
        "Action=CreateRole&RoleName=ws&AssumeRolePolicyDocument="
            + java.net.URLEncoder.encode(trust, UTF_8));
    var session =
        rig.identity.assumeRole(
            "arn:aws:iam::000000000000:role/ws", "session", Duration.ofMinutes(15), null);
    String unsignedToken =
        rig.signedUrl(
            new Credentials(session.accessKeyId(), session.secretAccessKey(), null),
            "iotdevicegateway");
    String token = java.net.URLEncoder.encode(session.sessionToken(), UTF_8);

    assertThat(upgrade(unsignedToken + "&X-Amz-Security-Token=" + token))
        .startsWith("HTTP/1.1 101");
    assertThat(upgrade(unsignedToken + "&X-Amz-Security-Token=x" + token))
        .startsWith("HTTP/1.1 403");
    assertThat(upgrade(unsignedToken)).startsWith("HTTP/1.1 403");
  }

  @Test
  void aWebSocketByClientCertificateIsTheDeviceAndAStrangerGetsNone() throws Exception {
    MqttClient client =
        webSocket("wss://localhost:" + rig.gateway.frontPort() + "/mqtt", "by-certificate");
    client.publish("t", new byte[1], 1, false);
    client.disconnect();

    var stranger = rig.authority.issueDevice("stranger");
    Rig.Device before = device;
    try {
      device =
          new Rig.Device(
              "", "", rig.tls(stranger.certificatePem(), stranger.privateKeyPem()), before.http());
      assertThat(upgrade("wss://localhost:" + rig.gateway.frontPort() + "/mqtt"))
          .startsWith("HTTP/1.1 403");
    } finally {
      device = before;
    }
  }

  private static String upgrade(String url) throws IOException {
    URI uri = URI.create(url);
    try (SSLSocket socket = socket(null)) {
      socket
          .getOutputStream()
          .write(
              ("GET "
                      + uri.getRawPath()
                      + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery())
                      + " HTTP/1.1\r\nHost: "
                      + uri.getAuthority()
                      + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
                      + "\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                      + "Sec-WebSocket-Protocol: mqtt\r\n\r\n")
                  .getBytes(UTF_8));
      socket.getOutputStream().flush();
      return firstLine(socket.getInputStream());
    }
  }

  private static String firstLine(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b = in.read(); b >= 0 && b != '\n'; b = in.read()) {
      line.write(b);
    }
    return line.toString(ISO_8859_1);
  }

  @Test
  void messagesOverHttpCarryMqtt5PropertiesAndRetainedOnesAreRead() throws Exception {
    String properties =
        Base64.getEncoder()
            .encodeToString("[{\"device\":\"alpha\"},{\"n\":\"45\"}]".getBytes(UTF_8));
    for (String topic : List.of("kept/a", "kept/b", "kept/c")) {
      HttpResponse<String> put =
          rig.signed(
              "POST",
              rig.apiUri("/topics/" + topic.replace("/", "%2F") + "?qos=1&retain=true"),
              "iotdata",
              "{\"v\":1}",
              Map.of("x-amz-mqtt5-user-properties", properties));
      assertThat(put.statusCode()).as(put.body()).isEqualTo(200);
    }
    JsonNode one = Rig.JSON.readTree(front("/retainedMessage/kept%2Fa").body());
    assertThat(one.path("topic").asString()).isEqualTo("kept/a");
    assertThat(decoded(one.path("payload"))).isEqualTo("{\"v\":1}");
    assertThat(one.path("qos").asInt()).isEqualTo(1);
    assertThat(one.path("lastModifiedTime").asLong())
        .isBetween(System.currentTimeMillis() - 600_000, System.currentTimeMillis());
    assertThat(decoded(one.path("userProperties")))
        .isEqualTo("[{\"device\":\"alpha\"},{\"n\":\"45\"}]");

    JsonNode page = rig.iotData("/retainedMessage?maxResults=2");
    assertThat(page.path("retainedTopics")).hasSize(2);
    assertThat(page.path("retainedTopics").get(0).path("payloadSize").asInt()).isEqualTo(7);
    JsonNode rest =
        rig.iotData(
            "/retainedMessage?maxResults=2&nextToken="
                + java.net.URLEncoder.encode(page.path("nextToken").asString(), UTF_8));
    assertThat(rest.path("retainedTopics").get(0).path("topic").asString()).isEqualTo("kept/c");
    assertThat(rest.has("nextToken")).isFalse();
    HttpResponse<String> none = front("/retainedMessage/kept%2Fnone");
    assertThat(none.statusCode()).isEqualTo(404);
    assertThat(none.headers().firstValue("x-amzn-errortype")).contains("ResourceNotFoundException");
  }

  private static String decoded(JsonNode base64) {
    return new String(Base64.getDecoder().decode(base64.asString()), UTF_8);
  }

  private static HttpResponse<String> front(String path) {
    return Rig.send(
        device.http(),
        HttpRequest.newBuilder(URI.create("https://localhost:" + rig.gateway.frontPort() + path))
            .version(HttpClient.Version.HTTP_1_1)
            .build());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/topics/a%2F%23",
        "/topics/a%2Fb%2Fc%2Fd%2Fe%2Ff%2Fg%2Fh%2Fi",
        "/topics/%24aws%2Fevents%2Fpresence%2Fconnected%2Fx",
        "/topics/%24aws%2Fthings%2Fx%2Fshadow%2Fupdate%2Faccepted",
        "/topics/%24mine",
        "/topics/a?qos=2",
        "/topics/a?messageExpiry=-1",
        "/topics/a?responseTopic=b%2F%23"
      })
  void whatCannotBePublishedIsRefused(String path) {
    HttpResponse<String> answer = rig.signed("POST", rig.apiUri(path), "iotdata", "x", Map.of());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
    assertThat(answer.headers().firstValue("x-amzn-errortype")).contains("InvalidRequestException");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET /hello/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hello/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /hello/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\nGET /hello/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /hello/x HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "GET /hello/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /hello/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /hello/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
        "GET /hello/x HTTP/1.1\r\n\r\n",
        "GET /hello/x HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET /hello/x HTTP/1.1\r\nHost : x\r\n\r\n",
        "\u0000\u0001\u0002\u0003garbage\r\n\r\n",
        "GET /LONG HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /hello/x HTTP/1.1\r\nHost: x\r\nBig: LONG\r\n\r\n"
      })
  void whatIsNotProperHttpIsRefusedAndEndsItsConnection(String request) throws Exception {
    try (SSLSocket socket = socket(HTTP)) {
      byte[] bytes = request.replace("LONG", "x".repeat(40_000)).getBytes(ISO_8859_1);
      try {
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
        String all = new String(socket.getInputStream().readAllBytes(), UTF_8);
        assertThat(all).doesNotContain("smuggled").doesNotContain("HTTP/1.1 200");
        assertThat(all.isEmpty() || all.startsWith("HTTP/1.1 4")).as(all).isTrue();
      } catch (SocketTimeoutException e) {
        throw new AssertionError("the connection stays open", e);
      } catch (IOException e) {
        assertThat(e).isNotInstanceOf(SocketTimeoutException.class); // closed while we wrote
      }
    }
    assertThat(front("/hello/alive").statusCode()).isEqualTo(200);
  }

  @Test
  void whoNeverEndsItsRequestIsCutOff() throws Exception {
    slow.setSoTimeout(60_000);
    int read;
    try {
      read = slow.getInputStream().read();
    } catch (SocketTimeoutException e) {
      throw new AssertionError("the connection stays open", e);
    } catch (IOException e) {
      read = -1; // reset
    }
    assertThat(read).isEqualTo(-1);
  }
}
