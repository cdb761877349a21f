package io.ryegrass.clientdevices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.Participant;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stock MQTT clients over mutual TLS against the local broker on the nucleus' real bus. */
class ClientDevicesTest {
  private static final Duration FIRST_WAIT = Duration.ofMillis(500);
  private static final String FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:echo:1";

  @TempDir Path root;

  private final AtomicReference<Instant> now = new AtomicReference<>(Instant.now());
  private final Clock clock =
      new Clock() {
        @Override
        public ZoneId getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
          return this;
        }

        @Override
        public Instant instant() {
          return now.get();
        }
      };
  private TestPki.GroupAuthority cloud;
  private TestPki.Identity lamp;
  private TestPki.Identity door;

  @BeforeEach
  void keys() throws Exception {
    cloud = new TestPki.GroupAuthority(clock);
    lamp = TestPki.selfSigned("any name since the certificate itself is listed");
    door = TestPki.selfSigned("door");
  }

  private String group(String... devices) {
    StringBuilder json =
        new StringBuilder("{\"groupId\": \"g-1\", \"groupName\": \"G\", \"devices\": {");
    for (int i = 0; i < devices.length; i += 2) {
      json.append(i == 0 ? "" : ",")
          .append(
              "\"%s\": {\"thingArn\": \"%s\", \"certificateId\": \"%s\", \"syncShadow\": false}"
                  .formatted(devices[i], thing(devices[i]), devices[i + 1]));
    }
    return json.append("}}").toString();
  }

  private static String thing(String name) {
    return "arn:aws:iot:us-east-1:000000000000:thing/" + name;
  }

  private static String rows(String... ends) {
    StringBuilder json = new StringBuilder("{\"subscriptions\": {");
    for (int i = 0; i < ends.length; i += 3) {
      json.append(i == 0 ? "" : ",")
          .append(
              "\"%d\": {\"id\": \"%d\", \"source\": \"%s\", \"subject\": \"%s\", \"target\": \"%s\"}"
                  .formatted(i, i, ends[i], ends[i + 1], ends[i + 2]));
    }
    return json.append("}}").toString();
  }

  private TestCore core() throws Exception {
    return new TestCore(root, cloud, clock, FIRST_WAIT)
        .configure(
            TestCore.AUTH, group("lamp", lamp.certificateId(), "door", door.certificateId()));
  }

  private MqttClient connect(
      TestCore core, String clientId, TestPki.Identity identity, boolean clean) throws Exception {
    return connect(core.port(), clientId, TestPki.client(identity, cloud.caPem()), clean);
  }

  private static MqttClient connect(int port, String clientId, SSLContext tls, boolean clean)
      throws MqttException {
    MqttClient client =
        new MqttClient("ssl://127.0.0.1:" + port, clientId, new MemoryPersistence());
    MqttConnectOptions options = new MqttConnectOptions();
    options.setCleanSession(clean);
    options.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
    options.setSocketFactory(tls.getSocketFactory());
    options.setHttpsHostnameVerificationEnabled(true);
    try {
      client.connect(options);
      return client;
    } catch (MqttException e) {
      client.close();
      throw e;
    }
  }

  private static List<String> collect(MqttClient client, String filter) throws MqttException {
    List<String> received = new CopyOnWriteArrayList<>();
    client.subscribe(
        filter,
        1,
        (t, m) -> received.add(t + " " + new String(m.getPayload(), StandardCharsets.UTF_8)));
    return received;
  }

  private static ConditionFactory await() {
    return Awaitility.await().atMost(Duration.ofSeconds(40));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static void end(MqttClient client) throws MqttException {
    client.disconnect();
    client.close();
  }

  @Test
  void theSubscriptionTableAloneCarriesMessagesBetweenDevicesAndFunctions() throws Exception {
    try (TestCore core = core()) {
      core.configure(
          TestCore.ROUTER,
          rows(
              thing("lamp"),
              "lamp/+",
              FUNCTION,
              FUNCTION,
              "answers",
              thing("lamp"),
              thing("lamp"),
              "to/door",
              thing("door")));
      core.start();
      Participant function = Participant.function(FUNCTION);
      core.bus.attach(
          function,
          m ->
              core.bus.publish(
                  new Message(
                      function, Message.Space.ROUTED, "answers", bytes("echo " + m.topic()), 1)),
          10);
      MqttClient lampClient = connect(core, "lamp", lamp, true);
      MqttClient doorClient = connect(core, "door", door, true);
      List<String> atLamp = collect(lampClient, "#");
      List<String> atDoor = collect(doorClient, "#");
      lampClient.publish("nobody/asked", bytes("goes nowhere"), 1, false);
      doorClient.publish("lamp/on", bytes("not door's row"), 1, false);
      lampClient.publish("lamp/on", bytes("x"), 1, false);
      lampClient.publish("to/door", bytes("hello"), 1, true);
      await().untilAsserted(() -> assertThat(atLamp).containsExactly("answers echo lamp/on"));
      await().untilAsserted(() -> assertThat(atDoor).containsExactly("to/door hello"));
      doorClient.unsubscribe("#");
      lampClient.publish("to/door", bytes("door has not subscribed"), 1, false);
      lampClient.publish("lamp/off", bytes("y"), 1, false);
      await().untilAsserted(() -> assertThat(atLamp).hasSize(2));
      assertThat(atDoor).hasSize(1);
      end(lampClient);
      end(doorClient);
    }
  }

  @Test
  void onlyTheListedCertificateUnderItsThingNameIsAdmitted() throws Exception {
    TestPki.Identity stranger = TestPki.selfSigned("lamp");
    try (TestCore core = core().start()) {
      for (Object[] attempt :
          new Object[][] {
            {"lamp", stranger}, {"lamp", door}, {"door", lamp}, {"other", lamp}, {"lamp", null}
          }) {
        assertThatThrownBy(
                () -> connect(core, (String) attempt[0], (TestPki.Identity) attempt[1], true))
            .as("%s", attempt[0])
            .isInstanceOf(MqttException.class);
      }
      end(connect(core, "lamp", lamp, true));
    }
  }

  @Test
  void addressAndPortAreReportedAndKeptForTheNextStartAndTheKeyIsPrivate() throws Exception {
    int port;
    try (TestCore core = core().start()) {
      port = core.port();
      assertThat(cloud.reports)
          .containsExactly(List.of(ServerCertificateSource.Endpoint.detected("127.0.0.1", port)));
      Path identity = root.resolve("work").resolve(TestCore.BROKER).resolve("server-identity.json");
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(identity)))
          .isEqualTo("rw-------");
    }
    try (TestCore core = core().start()) {
      assertThat(core.port()).isEqualTo(port);
      assertThat(cloud.issued).as("the certificate is kept too").isEqualTo(1);
    }
  }

  @Test
  void withoutTheCloudARestartedCoreServesDevicesWithWhatItHas() throws Exception {
    try (TestCore core = core().start()) {
      MqttClient client = connect(core, "lamp", lamp, false);
      collect(client, "answers");
      end(client);
    }
    cloud.away = true;
    try (TestCore core = core()) {
      core.configure(TestCore.ROUTER, rows(FUNCTION, "answers", thing("lamp")));
      core.start();
      core.bus.publish(
          new Message(
              Participant.function(FUNCTION),
              Message.Space.ROUTED,
              "answers",
              bytes("while away"),
              1));
      List<String> received = new CopyOnWriteArrayList<>();
      MqttClient client =
          new MqttClient("ssl://127.0.0.1:" + core.port(), "lamp", new MemoryPersistence());
      MqttConnectOptions options = new MqttConnectOptions();
      options.setCleanSession(false);
      options.setSocketFactory(TestPki.client(lamp, cloud.caPem()).getSocketFactory());
      client.setCallback(
          new org.eclipse.paho.client.mqttv3.MqttCallback() {
            @Override
            public void connectionLost(Throwable cause) {}

            @Override
            public void messageArrived(String topic, org.eclipse.paho.client.mqttv3.MqttMessage m) {
              received.add(new String(m.getPayload(), StandardCharsets.UTF_8));
            }

            @Override
            public void deliveryComplete(org.eclipse.paho.client.mqttv3.IMqttDeliveryToken token) {}
          });
      client.connect(options);
      await().untilAsserted(() -> assertThat(received).containsExactly("while away"));
      end(client);
    }
  }

  @Test
  void withoutCertificateAndCloudTheComponentRunsAndServesOnceTheCloudIsBack() throws Exception {
    cloud.away = true;
    try (TestCore core = core().start()) {
      assertThat(core.serves()).isFalse();
      cloud.away = false;
      await().until(core::serves);
      end(connect(core, "lamp", lamp, true));
    }
  }

  @Test
  void aRefusedCertificateFailsTheStart() throws Exception {
    ServerCertificateSource refusing =
        new ServerCertificateSource() {
          @Override
          public ServerCertificate request(String groupId, String coreThingName, String csrPem) {
            throw new CloudRefusedException(
                "ACCESS_DENIED", "Core core-1 may not ask for group " + groupId + ".");
          }

          @Override
          public void reportConnectivity(String coreThingName, List<Endpoint> endpoints) {}

          @Override
          public List<Endpoint> connectivity(String coreThingName) {
            return List.of();
          }
        };
    try (TestCore core = new TestCore(root, refusing, clock, FIRST_WAIT)) {
      assertThatThrownBy(core::start)
          .isInstanceOf(NucleusException.class)
          .isNotInstanceOf(CloudUnavailableException.class)
          .hasMessageContaining("group greengrassV2-coreDevice-core-1");
    }
  }

  @Test
  void theCertificateIsRenewedAtTwoThirdsOfItsLifeWhileDevicesStayConnected() throws Exception {
    try (TestCore core = core().start()) {
      MqttClient client = connect(core, "lamp", lamp, true);
      core.configure(TestCore.BROKER, "{}");
      assertThat(cloud.issued).isEqualTo(1);
      now.set(now.get().plus(Duration.ofDays(5)));
      core.configure(TestCore.BROKER, "{}");
      await().until(() -> cloud.issued == 2);
      String expires = now.get().plus(Duration.ofDays(7)).toString().substring(0, 16);
      await()
          .until(() -> core.endpoint().path("certificateExpires").asString().startsWith(expires));
      assertThat(client.isConnected()).isTrue();
      client.publish("x", bytes("x"), 1, false);
      end(client);
      end(connect(core, "door", door, true));
    }
  }

  /** IPD-04: what somebody told the cloud by hand survives the core's start, and is certified. */
  @Test
  void connectivityThatSomebodyToldTheCloudIsNotReplacedByTheCoresOwn() throws Exception {
    cloud.told = List.of(new ServerCertificateSource.Endpoint("gw", "gateway.example", 9000));
    try (TestCore core = core().start()) {
      MqttClient client = connect(core, "lamp", lamp, true);
      assertThat(client.isConnected()).isTrue();
      assertThat(cloud.reports).isEmpty();
      assertThat(cloud.told).hasSize(1);
      client.disconnect();
    }
  }

  /** E34, IDT-09: whoever changes the connectivity information, the certificate follows it. */
  @Test
  void theCertificateFollowsConnectivityThatSomebodyElseTellsTheCloud() throws Exception {
    String shadow = "$aws/things/core-1-gci/shadow/";
    try (TestCore core = core().start()) {
      MqttClient client = connect(core, "lamp", lamp, true);
      await().untilAsserted(() -> assertThat(core.messaging.published).contains(shadow + "get "));
      cloud.told = List.of(new ServerCertificateSource.Endpoint("gw", "gateway.example", 9000));
      core.messaging.send(shadow + "update/delta", "{\"state\": {\"version\": \"7\"}}");
      await()
          .untilAsserted(
              () ->
                  assertThat(core.messaging.published)
                      .contains(shadow + "update {\"state\":{\"reported\":{\"version\":\"7\"}}}"));
      assertThat(cloud.issued).isEqualTo(2);
      assertThat(names(core)).contains("gateway.example", "127.0.0.1", "localhost");
      assertThat(client.isConnected()).isTrue();

      core.messaging.send(
          shadow + "get/accepted", "{\"state\": {\"desired\": {\"version\": \"8\"}}}");
      await()
          .untilAsserted(
              () -> assertThat(core.messaging.published).last().asString().contains("\"8\""));
      assertThat(cloud.issued).as("nothing changed for the certificate").isEqualTo(2);
      end(client);
    }
  }

  /** The names in the certificate that the broker shows. */
  private List<String> names(TestCore core) throws Exception {
    SSLContext tls = TestPki.client(lamp, cloud.caPem());
    try (SSLSocket socket =
        (SSLSocket) tls.getSocketFactory().createSocket("127.0.0.1", core.port())) {
      socket.startHandshake();
      X509Certificate shown = (X509Certificate) socket.getSession().getPeerCertificates()[0];
      return shown.getSubjectAlternativeNames().stream().map(n -> (String) n.get(1)).toList();
    }
  }

  /** SCY-11. */
  @Test
  void whenTheCertificateEndsWhileTheCloudIsAwayWhoIsThereStaysAndNobodyNewComesIn()
      throws Exception {
    try (TestCore core = core().start()) {
      MqttClient client = connect(core, "lamp", lamp, true);
      cloud.away = true;
      now.set(now.get().plus(Duration.ofDays(8)));
      assertThatThrownBy(() -> connect(core, "door", door, true)).isInstanceOf(MqttException.class);
      client.publish("x", bytes("still here"), 1, false);
      assertThat(client.isConnected()).isTrue();
      cloud.away = false;
      core.configure(TestCore.BROKER, "{}");
      await().until(() -> cloud.issued == 2);
      await().ignoreExceptions().until(() -> tried(core));
      end(client);
    }
  }

  private boolean tried(TestCore core) throws Exception {
    end(connect(core, "door", door, true));
    return true;
  }

  @Test
  void aDeviceThatTheGroupDropsOrWhoseCertificateChangesIsDisconnected() throws Exception {
    try (TestCore core = core().start()) {
      MqttClient lampClient = connect(core, "lamp", lamp, true);
      MqttClient doorClient = connect(core, "door", door, true);
      TestPki.Identity next = TestPki.selfSigned("door");
      core.configure(TestCore.AUTH, group("door", next.certificateId()));
      await().until(() -> !lampClient.isConnected() && !doorClient.isConnected());
      assertThatThrownBy(() -> connect(core, "door", door, true)).isInstanceOf(MqttException.class);
      end(connect(core, "door", next, true));
      lampClient.close();
      doorClient.close();
    }
  }
}
