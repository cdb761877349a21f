package io.ryegrass.eventstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.eventstream.RpcServerTest.Raw;
import io.ryegrass.model.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/** What one client may cost the server and the others, on a real socket. */
@Timeout(180)
class ServerBoundsTest {
  private static final String TOKEN = "ABCDEFGHJKLMNPQR";
  private static final Duration SOON = Duration.ofSeconds(30);

  @TempDir Path folder;
  private Path socket;
  private RpcServer server;
  private final RpcServerTest.Service service = new RpcServerTest.Service();
  private final List<Raw> open = new ArrayList<>();

  @BeforeEach
  void start() {
    socket = folder.resolve("ipc.socket");
    server = RpcServer.start(socket, service, RpcServerTest.limits());
  }

  @AfterEach
  void stop() throws IOException {
    for (Raw raw : open) {
      raw.close();
    }
    server.close();
  }

  @Test
  void whoOpensConnectionsInSilenceLosesHisOldestAndKeepsNobodyOut() throws IOException {
    for (int i = 0; i < 4; i++) {
      open.add(new Raw(socket));
    }
    // a fifth within the grace is let in, so wait until the first counts as silent
    await()
        .pollDelay(Duration.ofMillis(300))
        .atMost(SOON)
        .until(() -> server.metrics().newcomers() == 4);
    try (RpcClient client = RpcClient.connect(socket, TOKEN)) {
      assertThat(client.call("test#Echo", body("in"), SOON).path("text").asString())
          .isEqualTo("in");
    }
    open.getFirst().expectEnd();
    await().atMost(SOON).until(() -> server.metrics().refused() == 1);
    for (Raw raw : open) {
      raw.close();
    }
    await().atMost(SOON).until(() -> server.metrics().newcomers() == 0);
  }

  @Test
  void aSlowSubscriberKeepsItsConnectionLosesEventsAndDelaysNobody() throws IOException {
    Raw slow = subscriber();
    List<Integer> seen = new CopyOnWriteArrayList<>();
    try (RpcClient quick = RpcClient.connect(socket, TOKEN)) {
      quick.subscribe("test#Watch", body(""), SOON, e -> seen.add(e.path("number").asInt()));
      await().atMost(SOON).until(() -> service.watchers.size() == 2);
      String padding = "x".repeat(1000);
      long start = System.nanoTime();
      for (int i = 0; i < 5000; i++) {
        SharedEvent event = event("{\"number\":" + i + ",\"padding\":\"" + padding + "\"}");
        // the quick one is fed as fast as it reads, so that only the slow one falls behind
        int fed = i;
        await()
            .pollDelay(Duration.ZERO)
            .pollInterval(Duration.ofMillis(1))
            .atMost(SOON)
            .until(() -> fed - seen.size() < 30); // within the share that each one has for sure
        service.watchers.forEach(watcher -> watcher.offerEvent(event));
      }
      await().atMost(SOON).until(() -> seen.size() == 5000);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(150));
      assertThat(seen).isSorted();
    }
    RpcServer.Metrics metrics = server.metrics();
    assertThat(metrics.droppedEvents()).isBetween(3000L, 4900L);
    assertThat(metrics.queuedEventBytes()).isBetween(100_000L, 256L * 1024);
    // it is still there: it reads what was kept, in order, and then new events
    int last = -1;
    for (int i = 0; i < 5000 - metrics.droppedEvents(); i++) {
      int number = Payloads.object(slow.read().payload()).path("number").asInt();
      assertThat(number).isGreaterThan(last);
      last = number;
    }
    service.watchers.forEach(watcher -> watcher.offerEvent(event("{\"number\":-1}")));
    assertThat(Payloads.object(slow.read().payload()).path("number").asInt()).isEqualTo(-1);
    await().atMost(SOON).until(() -> server.metrics().queuedEventBytes() == 0);
  }

  @Test
  void manySlowOnesCannotTakeTheShareOfAQuickOne() throws IOException {
    List<Raw> slow = List.of(subscriber(), subscriber(), subscriber());
    String text = "{\"p\":\"" + "x".repeat(2000) + "\"}";
    for (int i = 0; i < 1000; i++) {
      service.watchers.forEach(watcher -> watcher.offerEvent(event(text)));
    }
    assertThat(server.metrics().queuedEventBytes()).isLessThan(320 * 1024 + 3 * 64 * 1024);
    Raw quick = subscriber();
    ServerStream stream = service.watchers.getLast();
    for (int i = 0; i < 20; i++) {
      assertThat(stream.offerEvent(event(text))).isTrue();
      quick.read();
    }
    assertThat(slow).hasSize(3);
  }

  @Test
  void anEventBeforeTheResponseWaitsForIt() throws IOException {
    Raw raw = new Raw(socket);
    open.add(raw);
    raw.send(RpcMessage.connect(TOKEN));
    raw.read();
    raw.send(RpcMessage.data(1, false, "test#Early", "test#EarlyRequest", body("")));
    assertThat(raw.read().text("service-model-type")).isEqualTo("test#EarlyResponse");
    assertThat(raw.read().text("service-model-type")).isEqualTo("test#Events");
  }

  @Test
  void requestsInWorkAreBoundedForEachConnection() throws IOException {
    Raw raw = connected();
    for (int i = 1; i <= 3; i++) {
      raw.send(RpcMessage.data(i, false, "test#Wait", "test#WaitRequest", body("m")));
    }
    RpcMessage refused = raw.read();
    assertThat(refused.streamId()).isEqualTo(3);
    assertThat(refused.text("service-model-type")).isEqualTo("test#Busy");
    raw.send(RpcMessage.data(4, false, "test#Echo", "test#EchoRequest", body("still served")));
    assertThat(raw.read().streamId()).isEqualTo(4);
    service.told.countDown();
    assertThat(List.of(raw.read().streamId(), raw.read().streamId())).containsOnly(1, 2);
  }

  @Test
  void aLargeRequestIsServedAndATooLargeOneEndsItsConnection() throws IOException {
    Raw raw = connected();
    raw.send(RpcMessage.data(1, false, "test#Echo", "test#EchoRequest", body("x".repeat(400_000))));
    assertThat(raw.read().payload()).hasSizeGreaterThan(400_000);
    byte[] tooLarge =
        RpcMessage.data(2, false, "test#Echo", "test#EchoRequest", body("x".repeat(600_000)))
            .encode();
    raw.write(Arrays.copyOf(tooLarge, 1000));
    raw.expectEnd();
  }

  @Test
  void twoHundredClientsConnectAtOnceAndAreAllServed() throws Exception {
    server.close();
    server = RpcServer.start(socket, service, RpcServer.Limits.defaults());
    List<RpcClient> clients = new CopyOnWriteArrayList<>();
    List<Thread> threads = new ArrayList<>();
    long begin = System.nanoTime();
    for (int i = 0; i < 200; i++) {
      threads.add(Thread.ofVirtual().start(() -> clients.add(connect(begin))));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(clients.size()).isEqualTo(200);
    for (RpcClient client : clients) {
      assertThat(client.call("test#Echo", body("x"), SOON).path("text").asString()).isEqualTo("x");
    }
    assertThat(server.connections()).isEqualTo(200);
    clients.forEach(RpcClient::close);
  }

  /**
   * Newcomers have a grace of 250 ms: who had to wait for longer, because the machine was busy, may
   * have lost the place to others, and comes again.
   */
  private RpcClient connect(long begin) {
    while (true) {
      try {
        return RpcClient.connect(socket, TOKEN);
      } catch (EventStreamException e) {
        Duration since = Duration.ofNanos(System.nanoTime() - begin);
        if (since.toMillis() < 250 || since.compareTo(SOON) > 0) {
          throw e;
        }
      }
    }
  }

  private static SharedEvent event(String json) {
    return new SharedEvent(json.getBytes(StandardCharsets.UTF_8));
  }

  private Raw connected() throws IOException {
    Raw raw = new Raw(socket);
    open.add(raw);
    raw.send(RpcMessage.connect(TOKEN));
    assertThat(raw.read().flags()).isEqualTo(RpcMessage.CONNECTION_ACCEPTED);
    return raw;
  }

  private Raw subscriber() throws IOException {
    Raw raw = connected();
    raw.send(RpcMessage.data(1, false, "test#Watch", "test#WatchRequest", body("")));
    assertThat(raw.read().flags()).isZero();
    return raw;
  }

  private static ObjectNode body(String text) {
    return Json.object().put("text", text);
  }
}
