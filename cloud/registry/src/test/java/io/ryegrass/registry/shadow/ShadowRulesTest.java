package io.ryegrass.registry.shadow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.model.shadow.ShadowException;
import io.ryegrass.registry.DevicePrincipal;
import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.testing.OnBothDatabases;
import io.ryegrass.store.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What AWS's shadows were seen to do beyond the guide (answers of the real service, as public test
 * suites record them), the rule of 48 hours, pages, and many updates at once.
 */
@OnBothDatabases
class ShadowRulesTest {
  private static final JsonMapper JSON = JsonMapper.shared();

  @TempDir Path folder;
  private final ManualClock clock = new ManualClock();
  private final Queue<String> sent = new ConcurrentLinkedQueue<>();
  private CloudStore store;
  private ShadowService shadows;

  private static final class ManualClock extends Clock {
    private volatile Instant now = Instant.parse("2026-01-01T00:00:00Z");

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
      return now;
    }
  }

  @BeforeEach
  void start() {
    store = TestDatabase.open(folder, ShadowService.migrations());
    // Nobody asks for ARNs here, which is all that the registry is for.
    shadows = new ShadowService(store, null, (topic, payload, qos) -> sent.add(topic), clock);
  }

  @AfterEach
  void stop() {
    store.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"a\":1,\"b\":{\"c\":3}} | {\"a\":1,\"b\":{\"c\":3},\"d\":{}} | {\"a\":1,\"b\":{\"c\":3},\"d\":{}}",
        "{\"a\":1,\"b\":{\"c\":3}} | {\"b\":{\"c\":{}}} | {\"a\":1,\"b\":{\"c\":{}}}",
        "{\"a\":1,\"b\":{\"c\":3}} | {\"b\":{\"c\":{\"d\":3}}} | {\"a\":1,\"b\":{\"c\":{\"d\":3}}}",
        "{\"a\":1} | {\"n\":{\"x\":null}} | {\"a\":1}",
        "{\"a\":1} | {\"n\":{\"x\":null,\"y\":2}} | {\"a\":1,\"n\":{\"y\":2}}",
        "{\"a\":[1,{\"b\":2}]} | {\"a\":[3]} | {\"a\":[3]}",
        "{\"a\":1} | {} | {\"a\":1}",
      })
  void anUpdateIsMergedIntoDesired(String before, String update, String after) {
    update("t", "{\"state\":{\"desired\":" + before + "}}");
    update("t", "{\"state\":{\"desired\":" + update + "}}");

    JsonNode state = shadows.get("t", null).path("state");

    assertThat(state.path("desired")).isEqualTo(json(after));
    assertThat(state.path("delta")).isEqualTo(json(after));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"reported\":{\"l\":[[\"1\"],[\"2\"]]}} | {\"desired\":{\"l\":[[\"1\"]]}} | {\"l\":[[\"1\"]]}",
        "{\"reported\":{\"a\":{\"b\":[\"d\"]}}} | {\"desired\":{\"a\":{\"b\":[\"c\",\"d\"]}}} | {\"a\":{\"b\":[\"c\",\"d\"]}}",
        "{\"reported\":{\"a\":{\"b1\":{\"c\":1}}}} | {\"desired\":{\"a\":{\"b1\":{\"c\":1.0},\"b2\":2}}} | {\"a\":{\"b2\":2}}",
        "{\"reported\":{\"l\":[1,{\"x\":1.50}]}} | {\"desired\":{\"l\":[1.0,{\"x\":1.5}]}} | ",
        "{\"desired\":{\"e\":true}} | {\"reported\":{\"o\":false,\"e\":true}} | ",
        "{\"desired\":{\"e\":true}} | {\"reported\":{\"e\":\"true\"}} | {\"e\":true}",
        "{\"desired\":{\"e\":{\"f\":1}}} | {\"reported\":{\"e\":1}} | {\"e\":{\"f\":1}}",
        "{\"desired\":{\"e\":{}}} | {\"reported\":{\"e\":{\"f\":1}}} | ",
      })
  void theDeltaIsWhatReportedLacks(String first, String second, String delta) {
    update("t", "{\"state\":" + first + "}");
    sent.clear();
    update("t", "{\"state\":" + second + "}");

    JsonNode found = shadows.get("t", null).path("state").path("delta");

    assertThat(found.isMissingNode() ? null : found).isEqualTo(delta == null ? null : json(delta));
    assertThat(sent.contains("$aws/things/t/shadow/update/delta")).isEqualTo(delta != null);
  }

  @Test
  void aStateOfNullEmptiesTheShadowAndCounts() {
    JsonNode first = update("t", "{\"state\":null}");
    assertThat(first.path("state").isNull()).isTrue();
    assertThat(first.path("metadata").size()).isEqualTo(1);
    assertThat(first.at("/metadata/timestamp").asLong()).isEqualTo(clock.now.getEpochSecond());
    assertThat(shadows.get("t", null).path("state")).isEqualTo(json("{}"));
    assertThat(shadows.get("t", null).path("metadata")).isEqualTo(json("{}"));
    update("t", "{\"state\":{\"desired\":{\"a\":\"b\"}}}");

    assertThat(update("t", "{\"state\":null}").path("version").asInt()).isEqualTo(3);
    assertThat(shadows.get("t", null).path("state")).isEqualTo(json("{}"));
  }

  @Test
  void metadataHasTheTimeOfEachLeafsOwnUpdate() {
    update("t", "{\"state\":{\"reported\":{\"a\":1,\"l\":[1,2],\"o\":{\"x\":1}}}}");
    long before = clock.now.getEpochSecond();
    clock.now = clock.now.plusSeconds(60);
    update("t", "{\"state\":{\"reported\":{\"o\":{\"y\":2}}}}");

    JsonNode times = shadows.get("t", null).at("/metadata/reported");

    assertThat(times.at("/a/timestamp").asLong()).isEqualTo(before);
    assertThat(times.at("/l/1/timestamp").asLong()).isEqualTo(before);
    assertThat(times.at("/o/x/timestamp").asLong()).isEqualTo(before);
    assertThat(times.at("/o/y/timestamp").asLong()).isEqualTo(before + 60);
  }

  @Test
  void theVersionOfADeletedShadowIsForgottenAfter48Hours() {
    update("t", "{\"state\":{\"desired\":{\"a\":1}}}");
    update("t", "{\"state\":{\"desired\":{\"a\":2}}}");
    shadows.delete("t", null);
    clock.now = clock.now.plus(Duration.ofHours(47));
    assertThat(update("t", "{\"state\":{}}").path("version").asInt()).isEqualTo(4);
    shadows.delete("t", null);
    clock.now = clock.now.plus(Duration.ofHours(49));

    assertThat(update("t", "{\"state\":{}}").path("version").asInt()).isEqualTo(1);
  }

  @Test
  void whatIsMissingIsNamedAsAwsNamesIt() {
    assertThatThrownBy(() -> shadows.get("pump", null))
        .isInstanceOfSatisfying(ShadowException.class, e -> assertThat(e.code()).isEqualTo(404))
        .hasMessage("No shadow exists with name: 'pump'");
    assertThatThrownBy(() -> shadows.delete("pump", "state"))
        .hasMessage("No shadow exists with name: 'state'");
  }

  @Test
  void otherEncodingsThanUtf8AreRefused() {
    byte[] utf16 = "{\"state\":{}}".getBytes(StandardCharsets.UTF_16);

    assertThatThrownBy(() -> shadows.update("t", null, utf16))
        .isInstanceOfSatisfying(ShadowException.class, e -> assertThat(e.code()).isEqualTo(415))
        .hasMessage("Unsupported documented encoding; supported encoding is UTF-8");
  }

  @ParameterizedTest
  @CsvSource({"a.b, x", "a/b, x", "t, a.b", "t, ü"})
  void namesOutsideThePatternsAreRefused(String thing, String shadow) {
    assertThatThrownBy(() -> shadows.get(thing, shadow))
        .isInstanceOfSatisfying(ShadowException.class, e -> assertThat(e.code()).isEqualTo(400));
  }

  @Test
  void namedShadowsAreListedInPages() {
    for (int i = 0; i < 7; i++) {
      shadows.update("t", "s" + i, "{\"state\":{}}".getBytes(StandardCharsets.UTF_8));
    }
    update("t", "{\"state\":{}}");
    List<String> names = new ArrayList<>();
    String token = "";
    int pages = 0;
    do {
      DeviceResponse page =
          call(
              "/api/things/shadow/ListNamedShadowsForThing/{thing}",
              token.isEmpty()
                  ? Map.of("pageSize", List.of("3"))
                  : Map.of("pageSize", List.of("3"), "nextToken", List.of(token)));
      JsonNode body = JSON.readTree(page.body());
      body.path("results").forEach(n -> names.add(n.asString()));
      token = body.path("nextToken").asString("");
      pages++;
    } while (!token.isEmpty());

    assertThat(names).containsExactly("s0", "s1", "s2", "s3", "s4", "s5", "s6");
    assertThat(pages).isEqualTo(3);
    assertThat(
            call(
                    "/api/things/shadow/ListNamedShadowsForThing/{thing}",
                    Map.of("pageSize", List.of("101")))
                .status())
        .isEqualTo(400);
  }

  private DeviceResponse call(String template, Map<String, List<String>> query) {
    return shadows.routes().stream()
        .filter(r -> r.pathTemplate().equals(template))
        .findFirst()
        .orElseThrow()
        .handler()
        .apply(
            new DeviceRequest(
                new DevicePrincipal("c", null, Set.of()),
                Map.of("thing", "t"),
                query,
                Map.of(),
                new byte[0]));
  }

  @Test
  void ofUpdatesAtOnceEachCountsOnceAndARefusedOneHarmsNoOther() throws Exception {
    int threads = 16;
    int each = 20;
    CountDownLatch go = new CountDownLatch(1);
    try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> refused = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int mine = t;
        refused.add(
            pool.submit(
                () -> {
                  int refusals = 0;
                  go.await();
                  for (int i = 0; i < each; i++) {
                    String body =
                        i % 4 == 3
                            ? "{\"state\":{},\"version\":0}"
                            : "{\"state\":{\"reported\":{\"k" + mine + "\":" + i + "}}}";
                    try {
                      shadows.updateTogether("t", null, body.getBytes(StandardCharsets.UTF_8));
                    } catch (ShadowException e) {
                      refusals++;
                    }
                  }
                  return refusals;
                }));
      }
      go.countDown();
      int all = 0;
      for (Future<Integer> f : refused) {
        all += f.get();
      }
      assertThat(all).isEqualTo(threads * each / 4);
    }

    JsonNode whole = shadows.get("t", null);
    assertThat(whole.path("version").asInt()).isEqualTo(threads * each * 3 / 4);
    for (int t = 0; t < threads; t++) {
      assertThat(whole.at("/state/reported/k" + t).asInt()).isEqualTo(each - 2);
    }
    assertThat(sent.stream().filter(t -> t.endsWith("/update/accepted")))
        .hasSize(threads * each * 3 / 4);
  }

  private JsonNode update(String thing, String document) {
    return shadows.update(thing, null, document.getBytes(StandardCharsets.UTF_8));
  }

  private static JsonNode json(String text) {
    return JSON.readTree(text);
  }
}
