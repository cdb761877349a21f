package io.ryegrass.cloudlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.mqtt.MqttMessage;
import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessageProperties;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Ways of MQTT to the cloud: versions, proxies, names, many subscriptions. */
class MqttLinkTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  @TempDir Path folder;
  private FakeMqttCloud cloud;

  @BeforeEach
  void start() throws Exception {
    cloud = new FakeMqttCloud(folder.resolve("pki"));
  }

  @AfterEach
  void stop() {
    cloud.close();
  }

  private static MqttSettings with(int version, ProxySettings proxy) {
    MqttSettings d = MqttSettings.DEFAULT;
    return new MqttSettings(
        version,
        d.keepAlive(),
        d.pingTimeout(),
        d.socketTimeout(),
        d.maxMessageBytes(),
        d.maxPublishRetry(),
        d.sessionExpirySeconds(),
        d.receiveMaximum(),
        d.firstDelay(),
        d.lastDelay(),
        d.stable(),
        true,
        proxy);
  }

  private CloudMessagingLink open() {
    LinkSettings settings = cloud.settings(folder.resolve("root"));
    return new CloudMessagingLink(
        settings,
        new MqttNetwork(settings, CoreTls.of(settings.identity())),
        Duration.ofMinutes(1));
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 5})
  void propertiesTravelThroughTheSpoolAndBackWithMqtt5(int version) {
    cloud.mqtt = with(version, ProxySettings.NONE);
    CloudMessageProperties all =
        new CloudMessageProperties(
            true,
            600,
            "text/plain",
            "re/ply",
            new byte[] {7},
            List.of(new CloudMessageProperties.UserProperty("k", "v")));
    List<CloudMessage> received = new CopyOnWriteArrayList<>();
    try (CloudMessagingLink link = open()) {
      var unused = link.subscribe("loop", 1, received::add);
      link.start();
      await().atMost(LONG).until(() -> cloud.subscriptions.contains("core-1#2 loop"));
      link.publish(new CloudMessage("loop", new byte[] {'1'}, 1, false, all));
      await().atMost(LONG).until(() -> received.size() == 1);
      CloudMessageProperties back = received.getFirst().properties();
      if (version == 5) {
        assertThat(back).usingRecursiveComparison().ignoringFields("expirySeconds").isEqualTo(all);
      } else {
        assertThat(back).isEqualTo(CloudMessageProperties.NONE);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = ProxySettings.Kind.class,
      names = {"HTTP", "SOCKS5"})
  void messagesGoThroughAProxyWithAPassword(ProxySettings.Kind kind) throws Exception {
    try (TestProxy proxy = new TestProxy(kind, null)) {
      cloud.mqtt = with(5, ProxySettings.parse(proxy.url(), "", "", ""));
      try (CloudMessagingLink link = open()) {
        link.start();
        link.publish("through", new byte[] {'1'}, 1);
        await().atMost(LONG).until(() -> cloud.on("through").size() == 1);
        assertThat(proxy.asked).isNotEmpty().allMatch(a -> a.contains("localhost"));
      }
    }
  }

  @Test
  void aHundredAndTwentySubscriptionsTakeThreeConnectionsOfAtMostFifty() {
    List<String> received = new CopyOnWriteArrayList<>();
    try (CloudMessagingLink link = open()) {
      for (int i = 0; i < 120; i++) {
        var unused = link.subscribe("s/" + i, 1, m -> received.add(m.topic()));
      }
      link.start();
      await().atMost(LONG).until(() -> cloud.subscriptions.size() == 120);
      for (String client : List.of("core-1#2", "core-1#3", "core-1#4")) {
        assertThat(cloud.subscriptions.stream().filter(s -> s.startsWith(client + " ")).count())
            .isBetween(1L, 50L);
      }
      cloud.broker().publish("s/0", new byte[0], 1, false);
      cloud.broker().publish("s/119", new byte[0], 1, false);
      await().atMost(LONG).until(() -> received.size() == 2);
    }
  }

  @Test
  void aFilterThatLingersMakesRoomForOneThatIsWantedOnAFullConnection() throws Exception {
    List<String> received = new CopyOnWriteArrayList<>();
    try (CloudMessagingLink link = open()) {
      List<AutoCloseable> all = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        all.add(link.subscribe("s/" + i, 1, m -> received.add(m.topic())));
      }
      link.start();
      await().atMost(LONG).until(() -> cloud.subscriptions.size() == 50);
      all.getFirst().close();
      var unused = link.subscribe("s/new", 1, m -> received.add(m.topic()));
      await().atMost(LONG).until(() -> cloud.subscriptions.contains("core-1#2 s/new"));
      assertThat(cloud.subscriptions).hasSize(50).doesNotContain("core-1#2 s/0");
      cloud.broker().publish("s/new", new byte[0], 1, false);
      cloud.broker().publish("s/49", new byte[0], 1, false);
      await().atMost(LONG).until(() -> received.size() == 2);
    }
  }

  @Test
  void aCoreThatBootsWithoutANameServerConnectsWhenThereIsOne() {
    LinkSettings settings = cloud.settings(folder.resolve("root"));
    AtomicInteger asked = new AtomicInteger();
    List<String> events = new CopyOnWriteArrayList<>();
    try (MqttNetwork network =
            new MqttNetwork(
                settings,
                CoreTls.of(settings.identity()),
                host -> {
                  if (asked.incrementAndGet() < 4) {
                    throw new UnknownHostException(host);
                  }
                  return List.of(InetAddress.getLoopbackAddress());
                });
        MqttConnection connection =
            new MqttConnection(
                settings,
                network,
                "core-1",
                true,
                new MqttConnection.Listener() {
                  @Override
                  public void connected(boolean sessionPresent) {
                    events.add("connected");
                  }

                  @Override
                  public void lost(boolean byServer) {
                    events.add("lost");
                  }

                  @Override
                  public void message(MqttMessage message, Runnable acknowledge) {
                    acknowledge.run();
                  }
                })) {
      connection.start();
      await().atMost(LONG).until(() -> events.contains("connected"));
      assertThat(connection.attempts()).isGreaterThanOrEqualTo(4);
    }
  }
}
