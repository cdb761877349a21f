package io.ryegrass.shadows;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.durable.crash.CrashDisk;
import io.ryegrass.ipc.ShadowsPort;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.Participant;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The local shadow service through its doors (S-14, SHM-06, SHM-07, IPC-26 to IPC-31, E11). */
@Timeout(60)
class LocalShadowsTest {
  private static final String LIGHT = "$aws/things/GG_TrafficLight/shadow/";
  private static final Participant SWITCH = Participant.device("GG_Switch");
  private static final Participant TRAFFIC_LIGHT = Participant.device("GG_TrafficLight");

  @TempDir Path root;

  private TestCore core() throws Exception {
    return new TestCore(root, new FakeCloud());
  }

  private static ConditionFactory await() {
    return Awaitility.await().atMost(Duration.ofSeconds(30));
  }

  private LocalShadows alone(int maxBytes) {
    return new LocalShadows(
        new ShadowStore(root.resolve("alone")),
        (topic, payload) -> {},
        new RequestRates(System::nanoTime, 100_000, 100_000),
        maxBytes,
        Clock.systemUTC());
  }

  @Test
  void a_function_updates_and_reads_a_shadow_with_versions_delta_and_conflicts_S14()
      throws Exception {
    try (TestCore core = core().start()) {
      JsonNode first =
          core.call(
              "t/shadow/update",
              "{\"state\":{\"desired\":{\"color\":\"green\"}},\"clientToken\":\"a\"}");
      assertThat(first.path("version").asInt()).isEqualTo(1);
      assertThat(first.path("clientToken").asString()).isEqualTo("a");
      core.call("t/shadow/update", "{\"state\":{\"reported\":{\"color\":\"red\"}}}");
      JsonNode whole = core.call("t/shadow/get", "");
      assertThat(whole.path("version").asInt()).isEqualTo(2);
      assertThat(Json.text(whole.path("state").path("delta"))).isEqualTo("{\"color\":\"green\"}");
      assertThat(whole.at("/metadata/reported/color/timestamp").asLong()).isPositive();

      JsonNode conflict = core.call("t/shadow/update", "{\"state\":{},\"version\":1}");
      assertThat(conflict.path("code").asInt()).isEqualTo(409);
      assertThat(conflict.path("message").asString()).isEqualTo("Version conflict");

      assertThat(core.call("t/shadow/delete", "").path("version").asInt()).isEqualTo(2);
      assertThat(core.call("t/shadow/get", "").path("code").asInt()).isEqualTo(404);
      core.call("t/shadow/update", "{\"state\":{\"desired\":{\"a\":null,\"b\":1}}}");
      assertThat(core.call("t/shadow/get", "").path("version").asInt()).isEqualTo(4);
      assertThat(Json.text(core.state("t"))).isEqualTo("{\"desired\":{\"b\":1}}");
      assertThat(core.call("t/shadow/name/n/get", "").path("code").asInt()).isEqualTo(404);
      assertThat(core.call("t/jobs/get", "").path("code").asInt()).isEqualTo(400);
    }
  }

  @Test
  void devices_reach_the_service_and_hear_of_it_by_the_rows_of_the_table_alone_TUT05()
      throws Exception {
    String thing = "arn:aws:iot:us-east-1:000000000000:thing/";
    String rows =
        """
        {"subscriptions":{
          "1":{"source":"%1$sGG_Switch","subject":"$aws/things/GG_TrafficLight/shadow/update","target":"GGShadowService"},
          "2":{"source":"GGShadowService","subject":"$aws/things/GG_TrafficLight/shadow/update/accepted","target":"%1$sGG_Switch"},
          "3":{"source":"GGShadowService","subject":"$aws/things/GG_TrafficLight/shadow/update/rejected","target":"%1$sGG_Switch"},
          "4":{"source":"GGShadowService","subject":"$aws/things/GG_TrafficLight/shadow/update/delta","target":"%1$sGG_TrafficLight"}}}
        """
            .formatted(thing);
    try (TestCore core = core().configure(TestCore.ROUTER, rows).start()) {
      List<String> heardBySwitch = core.hears(SWITCH);
      List<String> heardByLight = core.hears(TRAFFIC_LIGHT);
      String request = "{\"state\":{\"desired\":{\"property\":\"R\"}},\"clientToken\":\"tok\"}";
      // without a row of its own
      core.publish(TRAFFIC_LIGHT, Message.Space.ROUTED, LIGHT + "update", request);
      core.publish(SWITCH, Message.Space.ROUTED, LIGHT + "update", request);
      await().until(() -> !heardBySwitch.isEmpty() && !heardByLight.isEmpty());

      JsonNode delta =
          Json.read(heardByLight.getFirst().substring((LIGHT + "update/delta").length()));
      assertThat(Json.text(delta.path("state"))).isEqualTo("{\"property\":\"R\"}");
      assertThat(delta.at("/metadata/property/timestamp").asLong()).isPositive();
      assertThat(delta.path("version").asInt()).isEqualTo(1);
      assertThat(delta.path("clientToken").asString()).isEqualTo("tok");
      assertThat(heardBySwitch.getFirst()).startsWith(LIGHT + "update/accepted {");

      core.publish(SWITCH, Message.Space.ROUTED, LIGHT + "update", "{\"state\":5}");
      await().until(() -> heardBySwitch.size() == 2);
      assertThat(heardBySwitch.get(1))
          .startsWith(LIGHT + "update/rejected ")
          .contains("\"code\":400");
      assertThat(heardByLight).hasSize(1);
    }
  }

  @Test
  void components_ask_on_local_topics_and_hear_delta_documents_and_accepted_in_this_order_IPC31()
      throws Exception {
    try (TestCore core = core().start()) {
      Participant component = Participant.component("com.example.Light");
      List<String> heard = new CopyOnWriteArrayList<>();
      core.bus.subscribe(
          component,
          "$aws/things/+/shadow/name/n/update/#",
          false,
          m -> heard.add(m.topic().substring(m.topic().lastIndexOf('/') + 1)));
      core.publish(
          component,
          Message.Space.PUBSUB,
          "$aws/things/t/shadow/name/n/update",
          "{\"state\":{\"desired\":{\"a\":1}}}");
      await().until(() -> heard.size() == 3);
      assertThat(heard).containsExactly("delta", "documents", "accepted");
      core.publish(
          component, Message.Space.PUBSUB, "$aws/things/t/shadow/name/n/update", "no JSON");
      await().until(() -> heard.size() == 4);
      assertThat(heard.getLast()).isEqualTo("rejected");
    }
  }

  @Test
  void shadows_survive_the_process_and_leave_with_a_v1_group_only_RST01() throws Exception {
    try (TestCore core = core().start()) {
      core.call("t/shadow/update", "{\"state\":{\"reported\":{\"a\":[1,{\"b\":2}]}}}");
      core.manager.stop();
      core.manager.deploymentEnded(null);
    }
    try (TestCore core =
        core().configure(ShadowManager.NAME, "{\"deleteShadowsOnRemoval\":true}").start()) {
      assertThat(Json.text(core.state("t"))).isEqualTo("{\"reported\":{\"a\":[1,{\"b\":2}]}}");
      core.manager.stop();
      core.manager.deploymentEnded(null);
    }
    try (TestCore core = core().start()) {
      assertThat(core.call("t/shadow/get", "").path("code").asInt()).isEqualTo(404);
    }
  }

  @Test
  void an_accepted_update_is_there_after_every_power_cut() throws Exception {
    Path folder = Files.createDirectories(root.resolve("disk"));
    ShadowKey key = ShadowKey.of("t", "n");
    List<Integer> accepted = new ArrayList<>();
    CrashDisk disk = CrashDisk.record(folder);
    LocalShadows shadows =
        new LocalShadows(
            new ShadowStore(folder),
            (topic, payload) -> {},
            new RequestRates(System::nanoTime, 1000, 1000),
            8192,
            Clock.systemUTC());
    for (int i = 1; i <= 8; i++) {
      String operation = i == 5 ? "delete" : "update";
      shadows.serve(
          key, operation, ("{\"state\":{\"reported\":{\"n\":" + i + "}}}").getBytes(UTF_8));
      accepted.add(disk.now());
    }
    disk.close();
    int images =
        disk.forEachCrash(
            root.resolve("image"),
            11,
            (image, cut, variant) -> {
              long atLeast = accepted.stream().filter(a -> a <= cut).count();
              var found = new ShadowStore(image).find(key, Instant.now());
              assertThat(found.version()).isBetween(atLeast, Math.min(8, atLeast + 1));
              if (found.present()) {
                assertThat(found.state().at("/reported/n").asLong()).isEqualTo(found.version());
              }
            });
    assertThat(images).isGreaterThan(8);
  }

  @Test
  void a_damaged_file_is_put_aside_and_the_shadow_begins_anew() throws Exception {
    Path file = root.resolve("alone/t/classic.json");
    Files.createDirectories(file.getParent());
    Files.writeString(file, "{\"version\":");
    LocalShadows shadows = alone(8192);
    assertThat(shadows.look(ShadowKey.of("t", null)).present()).isFalse();
    assertThat(file.resolveSibling("classic.json.damaged")).exists();
  }

  @Test
  void the_size_limit_counts_both_sections_and_can_be_raised_SHM06() throws Exception {
    String large = "{\"state\":{\"desired\":{\"a\":\"" + "x".repeat(8192 - 8) + "\"}}}";
    String tooLarge = "{\"state\":{\"desired\":{\"a\":\"" + "x".repeat(8192 - 7) + "\"}}}";
    ShadowsPort port = new ShadowManager.Port(alone(8192), Clock.systemUTC());
    port.update("t", "", large.getBytes(UTF_8));
    assertThatThrownBy(() -> port.update("t", "", tooLarge.getBytes(UTF_8)))
        .isInstanceOfSatisfying(
            NucleusException.class, e -> assertThat(e.code()).isEqualTo("INVALID_ARGUMENTS"));
    new ShadowManager.Port(alone(30_720), Clock.systemUTC())
        .update("t", "", tooLarge.getBytes(UTF_8));
  }

  @Test
  void more_than_twenty_requests_a_second_for_one_thing_are_refused_SHM06() throws Exception {
    AtomicLong nanos = new AtomicLong();
    RequestRates rates = new RequestRates(nanos::get, 30, 20);
    assertThat(passes(rates, "a", 25)).isEqualTo(20);
    assertThat(passes(rates, "b", 25)).isEqualTo(10);
    nanos.addAndGet(Duration.ofMillis(500).toNanos());
    assertThat(passes(rates, "a", 25)).isEqualTo(10);
    try (TestCore core =
        core()
            .configure(
                ShadowManager.NAME, "{\"rateLimits\":{\"maxLocalRequestsPerSecondPerThing\":1}}")
            .start()) {
      core.call("t/shadow/get", "");
      List<Integer> codes = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        codes.add(core.call("t/shadow/get", "").path("code").asInt());
      }
      assertThat(codes).contains(429);
    }
  }

  private static int passes(RequestRates rates, String thing, int requests) {
    int passed = 0;
    for (int i = 0; i < requests; i++) {
      passed += rates.pass(thing) ? 1 : 0;
    }
    return passed;
  }

  @Test
  void names_come_in_pages_and_a_full_last_page_is_followed_by_an_empty_one_IPC29() {
    ShadowsPort port = new ShadowManager.Port(alone(8192), Clock.systemUTC());
    for (int i = 0; i < 6; i++) {
      port.update("t", "s" + i, "{\"state\":{}}".getBytes(UTF_8));
    }
    port.update("t", "", "{\"state\":{}}".getBytes(UTF_8));
    port.delete("t", "s1");
    ShadowsPort.Page first = port.list("t", null, 3);
    assertThat(first.names()).containsExactly("s0", "s2", "s3");
    ShadowsPort.Page second = port.list("t", first.nextToken(), 2);
    assertThat(second.names()).containsExactly("s4", "s5");
    ShadowsPort.Page last = port.list("t", second.nextToken(), 2);
    assertThat(last.names()).isEmpty();
    assertThat(last.nextToken()).isNull();
    assertThatThrownBy(() -> port.list("other", first.nextToken(), 3))
        .hasMessage("Invalid nextToken");
  }

  @Test
  void each_refusal_has_the_code_that_ipc_makes_an_error_of_IPC30() {
    ShadowsPort port = new ShadowManager.Port(alone(8192), Clock.systemUTC());
    port.update("t", "", "{\"state\":{}}".getBytes(UTF_8));
    assertThat(code(() -> port.get("none", ""))).isEqualTo("RESOURCE_NOT_FOUND");
    assertThat(code(() -> port.get("t", "a b"))).isEqualTo("INVALID_ARGUMENTS");
    assertThat(code(() -> port.update("t", "", "{\"state\":{},\"version\":7}".getBytes(UTF_8))))
        .isEqualTo("CONFLICT");
    assertThat(
            code(
                () ->
                    port.update(
                        "t",
                        "",
                        "{\"state\":{\"desired\":{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":1}}}}}}}}}"
                            .getBytes(UTF_8))))
        .isEqualTo("INVALID_ARGUMENTS");
    assertThat(port.delete("t", "")).isEmpty();
  }

  private static String code(Runnable call) {
    try {
      call.run();
      return "none";
    } catch (NucleusException e) {
      return e.code();
    }
  }

  @Test
  void the_version_of_a_deleted_shadow_is_forgotten_after_48_hours() {
    ShadowKey key = ShadowKey.of("t", null);
    ShadowStore store = new ShadowStore(root.resolve("old"));
    Instant then = Instant.parse("2026-01-01T00:00:00Z");
    LocalShadows shadows =
        new LocalShadows(
            store,
            (topic, payload) -> {},
            new RequestRates(System::nanoTime, 100, 100),
            8192,
            Clock.fixed(then, ZoneOffset.UTC));
    shadows.serve(key, "update", "{\"state\":{}}".getBytes(UTF_8));
    shadows.serve(key, "delete", new byte[0]);
    assertThat(store.find(key, then.plus(Duration.ofHours(47))).version()).isEqualTo(2);
    assertThat(store.find(key, then.plus(Duration.ofHours(49))).version()).isZero();
  }
}
