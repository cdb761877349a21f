package io.ryegrass.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.testing.OnBothDatabases;
import io.ryegrass.store.testing.TestDatabase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/** The outbox with a real receiver of webhooks. */
@OnBothDatabases
class EventServiceTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private record Request(String signature, String body, int answered) {}

  private record Message(String topic, String body) {}

  @TempDir Path folder;
  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private final List<Message> messages = new CopyOnWriteArrayList<>();
  private final AtomicInteger answer = new AtomicInteger(204);
  private volatile boolean mqttDown;
  private HttpServer server;
  private CloudStore store;
  private URI url;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            String body =
                new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            int status = answer.get();
            requests.add(
                new Request(
                    exchange.getRequestHeaders().getFirst(WebhookSignature.HEADER), body, status));
            if (status / 100 == 3) {
              exchange.getResponseHeaders().set("location", url + "elsewhere");
            }
            exchange.sendResponseHeaders(status, -1);
          }
        });
    server.start();
    url = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
    store = TestDatabase.open(folder, EventService.migrations());
  }

  @AfterEach
  void stop() {
    store.close();
    server.stop(0);
  }

  private EventService service(Clock clock, int maxWaiting, Webhook... webhooks) {
    return new EventService(
        store,
        (topic, payload) -> {
          if (mqttDown) {
            throw new IllegalStateException("closed");
          }
          messages.add(new Message(topic, new String(payload, StandardCharsets.UTF_8)));
        },
        new EventSettings(
            List.of(webhooks),
            maxWaiting,
            2,
            Duration.ofHours(24),
            Duration.ofMillis(20),
            Duration.ofMillis(50)),
        "eu-west-1",
        "123456789012",
        clock);
  }

  private Webhook webhook() {
    return new Webhook(url, "secret");
  }

  private static Event event(int number) {
    return Event.greengrass(
        "Greengrass Deployment Status Change",
        List.of(),
        JsonNodeFactory.instance.objectNode().put("number", number));
  }

  private static List<Integer> numbers(List<String> bodies) {
    return bodies.stream()
        .map(b -> JsonMapper.shared().readTree(b).path("detail").path("number").asInt())
        .toList();
  }

  @Test
  void an_event_reaches_MQTT_and_the_webhook_in_EventBridges_shape_and_signed_NTF_02() {
    try (EventService service = service(Clock.systemUTC(), 100, webhook())) {
      service.start();
      service.emit(event(1));
      await().atMost(PATIENCE).until(() -> requests.size() == 1 && messages.size() == 1);
      assertThat(messages.getFirst().topic())
          .isEqualTo("$aws/events/greengrass/greengrass-deployment-status-change");
      Request request = requests.getFirst();
      assertThat(request.body()).isEqualTo(messages.getFirst().body());
      JsonNode event = JsonMapper.shared().readTree(request.body());
      assertThat(event.propertyNames())
          .containsExactly(
              "version",
              "id",
              "detail-type",
              "source",
              "account",
              "time",
              "region",
              "resources",
              "detail");
      assertThat(event.path("version").asString()).isEqualTo("0");
      assertThat(event.path("source").asString()).isEqualTo("aws.greengrass");
      assertThat(event.path("account").asString()).isEqualTo("123456789012");
      assertThat(event.path("time").asString())
          .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");
      assertThat(event.path("resources").isEmpty()).isTrue();
      long now = Instant.now().getEpochSecond();
      assertThat(WebhookSignature.fits(request.signature(), "secret", request.body(), now, 300))
          .isTrue();
      assertThat(WebhookSignature.fits(request.signature(), "other", request.body(), now, 300))
          .isFalse();
      assertThat(
              WebhookSignature.fits(request.signature(), "secret", request.body(), now + 1000, 300))
          .isFalse();
      assertThat(
              WebhookSignature.fits(request.signature(), "secret", request.body() + " ", now, 300))
          .isFalse();
    }
  }

  @Test
  void a_webhook_that_fails_gets_every_event_later_in_order_and_MQTT_does_not_wait_for_it() {
    answer.set(503);
    try (EventService service = service(Clock.systemUTC(), 100, webhook())) {
      service.start();
      for (int i = 0; i < 5; i++) {
        service.emit(event(i));
      }
      await().atMost(PATIENCE).until(() -> messages.size() == 5 && requests.size() > 2);
      assertThat(service.targets()).contains(new EventService.TargetState(url.toString(), 5, 0, 0));
      answer.set(200);
      await()
          .atMost(PATIENCE)
          .until(
              () ->
                  service
                      .targets()
                      .contains(new EventService.TargetState(url.toString(), 0, 5, 0)));
      List<Integer> got =
          numbers(
              requests.stream()
                  .filter(r -> r.answered() == 200)
                  .map(Request::body)
                  .distinct()
                  .toList());
      assertThat(got).containsExactly(0, 1, 2, 3, 4);
      assertThat(service.deadLetters(10)).isEmpty();
    }
  }

  @Test
  void an_event_that_is_refused_or_redirected_is_a_dead_letter_and_the_newest_are_kept() {
    answer.set(302);
    try (EventService service = service(Clock.systemUTC(), 100, webhook())) {
      service.start();
      service.emit(event(1));
      await().atMost(PATIENCE).until(() -> service.deadLetters(10).size() == 1);
      answer.set(400);
      service.emit(event(2));
      service.emit(event(3));
      await()
          .atMost(PATIENCE)
          .until(
              () ->
                  service
                      .targets()
                      .contains(new EventService.TargetState(url.toString(), 0, 0, 3)));
      // one request per event: nobody was led elsewhere
      assertThat(numbers(requests.stream().map(Request::body).toList())).containsExactly(1, 2, 3);
      assertThat(service.deadLetters(10))
          .hasSize(2)
          .allSatisfy(d -> assertThat(d.reason()).isEqualTo("answered 400"));
    }
  }

  @Test
  void an_event_is_there_exactly_when_its_change_is() {
    try (EventService service = service(Clock.systemUTC(), 100)) {
      assertThatThrownBy(
              () ->
                  store.write(
                      sql -> {
                        service.emit(event(1));
                        throw new IllegalStateException("no");
                      }))
          .hasMessage("no");
      store.write(
          sql -> {
            service.emit(event(2));
            return 0;
          });
    }
    // not started: as after a crash, the next process finds it
    try (EventService service = service(Clock.systemUTC(), 100)) {
      service.start();
      await().atMost(PATIENCE).until(() -> messages.size() == 1);
      assertThat(numbers(List.of(messages.getFirst().body()))).containsExactly(2);
    }
  }

  @Test
  void more_than_may_wait_die_oldest_first_and_so_does_what_is_a_day_old() {
    mqttDown = true;
    try (EventService service = service(Clock.systemUTC(), 3)) {
      for (int i = 0; i < 5; i++) {
        service.emit(event(i));
      }
      service.start();
      await().atMost(PATIENCE).until(() -> service.deadLetters(10).size() == 2);
      assertThat(
              numbers(service.deadLetters(10).stream().map(EventService.DeadLetter::body).toList()))
          .containsExactlyInAnyOrder(0, 1);
    }
    Clock tomorrow = Clock.offset(Clock.systemUTC(), Duration.ofHours(25));
    try (EventService service = service(tomorrow, 3)) {
      service.start();
      await()
          .atMost(PATIENCE)
          .until(() -> service.targets().contains(new EventService.TargetState("mqtt", 0, 0, 5)));
      assertThat(service.deadLetters(1).getFirst().reason()).contains("24 h");
    }
  }

  @Test
  void what_waits_for_a_webhook_that_is_not_configured_any_more_is_dropped() {
    try (EventService service = service(Clock.systemUTC(), 10, webhook())) {
      service.emit(event(1));
    }
    try (EventService service = service(Clock.systemUTC(), 10)) {
      assertThat(service.targets())
          .contains(new EventService.TargetState(url.toString(), 0, 0, 0))
          .contains(new EventService.TargetState("mqtt", 1, 0, 0));
    }
  }

  @Test
  void each_URL_has_a_key_of_its_own_that_stays_in_a_file_for_its_owner() throws IOException {
    Path file = folder.resolve("webhooks.keys");
    URI other = URI.create("https://events.example.com/hook");
    List<Webhook> first = WebhookKeys.of(file, List.of(url));
    List<Webhook> both = WebhookKeys.of(file, List.of(other, url));
    assertThat(both.get(1)).isEqualTo(first.getFirst());
    assertThat(both.get(0).key()).hasSize(64).isNotEqualTo(both.get(1).key());
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    for (var wrong :
        Map.of("ftp://host/", "http", "http://user:pw@host/", "user", "file:///etc/x", "http")
            .entrySet()) {
      assertThatThrownBy(() -> new Webhook(URI.create(wrong.getKey()), "k"))
          .hasMessageContaining(wrong.getValue());
    }
  }
}
