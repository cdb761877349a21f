package io.ryegrass.ipc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.eventstream.RpcClient;
import io.ryegrass.eventstream.RpcServer;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.Nucleus;
import io.ryegrass.nucleus.NucleusSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/** A subscriber that does not read, on the real bus: it loses messages, nobody loses time. */
@Timeout(120)
class SlowSubscriberTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final int MESSAGES = 4000;

  @TempDir Path root;
  private Nucleus nucleus;
  private IpcServer server;

  @BeforeEach
  void start() {
    CloudPorts cloud = CloudPorts.offline();
    nucleus =
        Nucleus.open(NucleusSettings.of(root), java.util.List.of(), java.util.List.of(), cloud);
    server = IpcServer.start(nucleus, cloud.messaging());
    nucleus.start();
  }

  @AfterEach
  void stop() {
    server.close();
    nucleus.close();
  }

  private RpcClient connect() throws IOException {
    Path folder = root.resolve("cli_ipc_info");
    try (var files = Files.list(folder)) {
      String token =
          TestCore.JSON
              .readTree(Files.readString(files.findFirst().orElseThrow()))
              .path("cli_auth_token")
              .asString();
      return RpcClient.connect(server.socket(), token);
    }
  }

  @Test
  void aQuickSubscriberHearsEverythingBesideOneThatStandsStill() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    LongAdder heard = new LongAdder();
    try (RpcClient still = connect();
        RpcClient quick = connect();
        RpcClient speaker = connect()) {
      subscribe(still, event -> await(over));
      subscribe(quick, event -> heard.increment());
      ObjectNode message = message(10_000);
      long start = System.nanoTime();
      for (int i = 0; i < MESSAGES; i++) {
        speaker.call("aws.greengrass#PublishToTopic", message, SOON);
        long said = i + 1;
        if (said % 250 == 0) { // nobody runs ahead of what a quick one's queue holds
          org.awaitility.Awaitility.await().atMost(SOON).until(() -> heard.sum() == said);
        }
      }
      Duration took = Duration.ofNanos(System.nanoTime() - start);
      RpcServer.Metrics metrics = server.metrics();
      assertThat(metrics.droppedEvents()).isPositive();
      assertThat(nucleus.bus().metrics().droppedFull()).isEqualTo(metrics.droppedEvents());
      assertThat(metrics.queuedEventBytes())
          .isLessThanOrEqualTo(RpcServer.Limits.defaults().maxEventBytes());
      assertThat(took).isLessThan(Duration.ofSeconds(60));
      over.countDown();
    }
  }

  private static void subscribe(RpcClient client, java.util.function.Consumer<ObjectNode> events) {
    client.subscribe(
        "aws.greengrass#SubscribeToTopic",
        TestCore.JSON
            .createObjectNode()
            .put("topic", "load")
            .put("receiveMode", "RECEIVE_ALL_MESSAGES"),
        SOON,
        events);
  }

  private static ObjectNode message(int size) {
    ObjectNode request = TestCore.JSON.createObjectNode().put("topic", "load");
    request
        .putObject("publishMessage")
        .putObject("binaryMessage")
        .put("message", Base64.getEncoder().encodeToString("x".repeat(size).getBytes(UTF_8)));
    return request;
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
