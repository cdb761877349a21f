package io.ryegrass.shadows;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.model.Json;
import io.ryegrass.model.shadow.ShadowDocument;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.shadows.ShadowSettings.Direction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Shadows here and in the cloud (SHM-04, SHM-12, SHM-13, S-14, E12; LESSON-21). */
@Timeout(120)
class ShadowSyncTest {
  private static final Duration SOON = Duration.ofSeconds(40);
  private static final String SYNC =
      "\"synchronize\":{\"shadowDocuments\":[{\"thingName\":\"t\"},{\"thingName\":\"u\",\"classic\":true,\"namedShadows\":[\"n\"]}]%s}";

  @TempDir Path root;
  private final FakeCloud cloud = new FakeCloud();

  private TestCore core(String direction) throws Exception {
    return new TestCore(root, cloud)
        .configure(
            ShadowManager.NAME,
            TestCore.quick(
                SYNC.formatted(direction.isEmpty() ? "" : ",\"direction\":\"" + direction + "\"")))
        .start();
  }

  private static void here(TestCore core, String thing, String state) {
    assertThat(core.call(thing + "/shadow/update", "{\"state\":" + state + "}").has("code"))
        .isFalse();
  }

  private void there(String thing, String state) {
    cloud.update(thing, "{\"state\":" + state + "}");
  }

  private static boolean same(JsonNode a, JsonNode b) {
    return a.isObject() && b.isObject()
        ? ShadowDocument.isSame(a, b)
        : a.isMissingNode() && b.isMissingNode();
  }

  private static void awaitState(java.util.function.Supplier<JsonNode> state, String wanted) {
    JsonNode expected = wanted.isEmpty() ? Json.object().path("none") : Json.read(wanted);
    await("state " + wanted).atMost(SOON).until(state::get, s -> same(s, expected));
  }

  private void awaitBoth(TestCore core, String thing, String state) {
    awaitState(() -> cloud.state(thing), state);
    awaitState(() -> core.state(thing), state);
  }

  @Test
  void changes_go_both_ways_as_they_happen_E12() throws Exception {
    try (TestCore core = core("")) {
      here(core, "t", "{\"desired\":{\"property\":\"G\"},\"reported\":{\"property\":\"G\"}}");
      awaitBoth(core, "t", "{\"desired\":{\"property\":\"G\"},\"reported\":{\"property\":\"G\"}}");
      there("t", "{\"desired\":{\"property\":\"Y\"}}");
      awaitBoth(core, "t", "{\"desired\":{\"property\":\"Y\"},\"reported\":{\"property\":\"G\"}}");
      here(core, "t", "{\"reported\":{\"property\":\"Y\"},\"desired\":null}");
      awaitBoth(core, "t", "{\"reported\":{\"property\":\"Y\"}}");
      here(core, "u", "{\"reported\":{}}");
      assertThat(
              core.call("u/shadow/name/n/update", "{\"state\":{\"desired\":{\"a\":1}}}")
                  .has("code"))
          .isFalse();
      awaitState(() -> cloud.at("/things/u/shadow?name=n"), "{\"desired\":{\"a\":1}}");
    }
  }

  @Test
  void after_an_offline_phase_desired_is_the_clouds_and_reported_the_devices_S14()
      throws Exception {
    try (TestCore core = core("")) {
      here(core, "t", "{\"desired\":{\"a\":0,\"b\":0,\"c\":0},\"reported\":{\"a\":0,\"b\":0}}");
      awaitBoth(
          core, "t", "{\"desired\":{\"a\":0,\"b\":0,\"c\":0},\"reported\":{\"a\":0,\"b\":0}}");
      cloud.cut = true;
      here(core, "t", "{\"desired\":{\"a\":1,\"b\":1},\"reported\":{\"a\":1,\"d\":1}}");
      there("t", "{\"desired\":{\"a\":2,\"c\":null},\"reported\":{\"a\":2,\"b\":null}}");
      cloud.cut = false;
      awaitBoth(core, "t", "{\"desired\":{\"a\":2,\"b\":1},\"reported\":{\"a\":1,\"d\":1}}");
    }
  }

  @Test
  void a_deletion_goes_over_unless_the_other_side_changed_meanwhile() throws Exception {
    try (TestCore core = core("")) {
      here(core, "t", "{\"reported\":{\"a\":1}}");
      awaitBoth(core, "t", "{\"reported\":{\"a\":1}}");
      cloud.delete("t");
      awaitBoth(core, "t", "");
      here(core, "t", "{\"reported\":{\"a\":2}}");
      awaitBoth(core, "t", "{\"reported\":{\"a\":2}}");
      core.call("t/shadow/delete", "");
      awaitBoth(core, "t", "");
      there("t", "{\"desired\":{\"b\":1}}");
      awaitBoth(core, "t", "{\"desired\":{\"b\":1}}");
      cloud.cut = true;
      core.call("t/shadow/delete", "");
      there("t", "{\"desired\":{\"b\":2}}");
      cloud.cut = false;
      awaitBoth(core, "t", "{\"desired\":{\"b\":2}}");
    }
  }

  @Test
  void an_update_that_collides_with_one_in_the_cloud_is_merged_and_sent_again() throws Exception {
    try (TestCore core = core("")) {
      here(core, "t", "{\"reported\":{\"a\":1}}");
      awaitBoth(core, "t", "{\"reported\":{\"a\":1}}");
      cloud.beforeUpdate = () -> there("t", "{\"reported\":{\"b\":1},\"desired\":{\"x\":1}}");
      here(core, "t", "{\"reported\":{\"a\":2}}");
      awaitBoth(core, "t", "{\"desired\":{\"x\":1},\"reported\":{\"a\":2,\"b\":1}}");
    }
  }

  @Test
  void device_to_cloud_never_changes_the_shadow_here_and_cloud_to_device_never_the_clouds_SHM04()
      throws Exception {
    try (TestCore core = core("deviceToCloud")) {
      here(core, "t", "{\"desired\":{\"a\":1}}");
      awaitState(() -> cloud.state("t"), "{\"desired\":{\"a\":1}}");
      assertThat(cloud.filters()).isEmpty();
      there("t", "{\"desired\":{\"a\":2,\"b\":2}}");
      here(core, "t", "{\"desired\":{\"a\":3}}");
      awaitState(() -> cloud.state("t"), "{\"desired\":{\"a\":3,\"b\":2}}");
      awaitState(() -> core.state("t"), "{\"desired\":{\"a\":3}}");

      core.configure(
          ShadowManager.NAME, TestCore.quick(SYNC.formatted(",\"direction\":\"cloudToDevice\"")));
      awaitState(() -> core.state("t"), "{\"desired\":{\"a\":3,\"b\":2}}");
      long version = cloud.version("t");
      here(core, "t", "{\"desired\":{\"a\":4}}");
      there("t", "{\"desired\":{\"a\":5}}");
      awaitState(() -> core.state("t"), "{\"desired\":{\"a\":5,\"b\":2}}");
      assertThat(cloud.version("t")).isEqualTo(version + 1);
    }
  }

  @Test
  void without_synchronize_the_cloud_is_not_asked_and_nothing_goes_there_E11() throws Exception {
    try (TestCore core =
        new TestCore(root, cloud).configure(ShadowManager.NAME, TestCore.quick("")).start()) {
      here(core, "t", "{\"desired\":{\"a\":1}}");
      assertThat(cloud.calls.get()).isZero();
      assertThat(cloud.filters()).isEmpty();
      core.configure(ShadowManager.NAME, TestCore.quick(SYNC.formatted("")));
      awaitState(() -> cloud.state("t"), "{\"desired\":{\"a\":1}}");
      core.configure(ShadowManager.NAME, TestCore.quick(""));
      here(core, "t", "{\"desired\":{\"a\":2}}");
      assertThat(cloud.filters()).isEmpty();
      core.configure(ShadowManager.NAME, TestCore.quick(SYNC.formatted("")));
      awaitState(() -> cloud.state("t"), "{\"desired\":{\"a\":2}}");
    }
  }

  @Test
  void a_periodic_strategy_sends_the_changes_of_a_period_as_one_SHM03() throws Exception {
    String periodic =
        TestCore.quick("\"strategy\":{\"type\":\"periodic\",\"delay\":2}," + SYNC.formatted(""));
    try (TestCore core =
        new TestCore(root, cloud).configure(ShadowManager.NAME, periodic).start()) {
      here(core, "t", "{\"reported\":{\"n\":0}}");
      awaitBoth(core, "t", "{\"reported\":{\"n\":0}}");
      int before = cloud.updatesOfCore.get();
      for (int i = 1; i <= 40; i++) {
        here(core, "t", "{\"reported\":{\"n\":" + i + "}}");
      }
      awaitState(() -> cloud.state("t"), "{\"reported\":{\"n\":40}}");
      assertThat(cloud.updatesOfCore.get() - before).isLessThan(20);
    }
  }

  @Test
  void a_shadow_that_the_cloud_refuses_is_skipped_and_the_others_go_on_TRB17() throws Exception {
    cloud.forbidden.add("/things/t/shadow");
    try (TestCore core = core("")) {
      here(core, "t", "{\"reported\":{\"a\":1}}");
      here(core, "u", "{\"reported\":{\"a\":1}}");
      awaitBoth(core, "u", "{\"reported\":{\"a\":1}}");
      assertThat(cloud.state("t").isMissingNode()).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // base | here | cloud | direction | merged
        "1|1|2|BOTH|2|2",
        "1|2|1|BOTH|2|2",
        "1|2|3|BOTH|3|2",
        "1|2|3|TO_CLOUD|2|2",
        "1|2|3|TO_DEVICE|3|3",
        "1|null|1|BOTH|null|null",
        "1|null|2|BOTH|2|null",
        "{\"a\":1,\"b\":1}|{\"a\":2,\"b\":1}|{\"a\":1,\"b\":2}|BOTH|{\"a\":2,\"b\":2}|{\"a\":2,\"b\":2}",
        "[1,2]|[1,3]|[1,4]|BOTH|[1,4]|[1,3]",
        "1|1.0|1|BOTH|1.0|1.0"
      })
  void a_key_that_both_changed_is_taken_by_section_and_direction_SHM13(
      String base, String here, String there, String direction, String desired, String reported) {
    ObjectNode merged =
        ThreeWayMerge.states(
            sections(base), sections(here), sections(there), Direction.valueOf(direction));
    ObjectNode wanted = Json.object();
    for (String[] section : new String[][] {{"desired", desired}, {"reported", reported}}) {
      if (!section[1].equals("null")) {
        wanted.putObject(section[0]).set("k", Json.read(section[1]));
      }
    }
    assertThat(ShadowDocument.isSame(merged, wanted)).as("%s", Json.text(merged)).isTrue();
  }

  private static ObjectNode sections(String value) {
    ObjectNode state = Json.object();
    if (!value.equals("null")) {
      for (String section : ShadowDocument.SECTIONS) {
        state.putObject(section).set("k", Json.read(value));
      }
    }
    return state;
  }

  /**
   * Random changes and deletions on both sides of a line that is cut now and then: in the end both
   * sides have the same, and what only the device reports is what it reported last. Also across a
   * restart of the core.
   */
  @Test
  void whatever_happens_on_both_sides_they_are_equal_in_the_end_LESSON21() throws Exception {
    Random random = new Random(21);
    int lastReported = -1;
    for (int life = 0; life < 4; life++) {
      try (TestCore core = core("")) {
        for (int step = 0; step < 120; step++) {
          String thing = random.nextBoolean() ? "t" : "u";
          String key = String.valueOf((char) ('a' + random.nextInt(4)));
          int value = random.nextInt(4);
          String change =
              value == 3
                  ? "{\"desired\":{\"" + key + "\":null}}"
                  : "{\"desired\":{\"" + key + "\":{\"x" + value + "\":" + step + "}}}";
          switch (random.nextInt(20)) {
            case 0 -> cloud.cut = !cloud.cut;
            case 1 -> core.call("u/shadow/delete", "");
            case 2 -> {
              if (!cloud.state("u").isMissingNode()) {
                cloud.delete("u");
              }
            }
            case 3, 4, 5, 6 -> there(thing, change);
            case 7, 8 -> {
              lastReported = life * 1000 + step;
              here(core, "t", "{\"reported\":{\"step\":" + lastReported + "}}");
            }
            default -> here(core, thing, change);
          }
          if (random.nextInt(8) == 0) {
            Thread.yield();
          }
        }
        if (life % 2 == 1) {
          cloud.cut = false;
          for (String thing : new String[] {"t", "u"}) {
            await(thing)
                .atMost(SOON)
                .untilAsserted(
                    () ->
                        assertThat(same(core.state(thing), cloud.state(thing)))
                            .as("%s and %s", core.state(thing), cloud.state(thing))
                            .isTrue());
          }
          assertThat(cloud.state("t").at("/reported/step").asInt()).isEqualTo(lastReported);
        }
      }
    }
  }

  @Test
  void configurations_that_cannot_be_meant_are_refused_by_name_SHM05() {
    assertThatThrownBy(
            () ->
                settings(
                    "{\"synchronize\":{\"coreThing\":{\"namedShadows\":[\"AWSManagedGreengrassV2Deployment\"]}}}"))
        .isInstanceOf(NucleusException.class)
        .hasMessageContaining("AWSManagedGreengrassV2Deployment");
    assertThatThrownBy(() -> settings("{\"strategy\":{\"type\":\"periodic\"}}"))
        .hasMessageContaining("strategy.delay");
    assertThatThrownBy(() -> settings("{\"synchronize\":{\"direction\":\"up\"}}"))
        .hasMessageContaining("'up'");
    assertThatThrownBy(() -> settings("{\"shadowDocumentSizeLimitBytes\":30721}"))
        .hasMessageContaining("30720");
    assertThat(
            settings(
                    "{\"synchronize\":{\"coreThing\":{},\"shadowDocumentsMap\":{\"d\":{\"classic\":false,\"namedShadows\":[\"n\"]}}}}")
                .sync()
                .shadows())
        .containsExactlyInAnyOrder(ShadowKey.of("core", ""), ShadowKey.of("d", "n"));
  }

  private static ShadowSettings settings(String json) {
    return ShadowSettings.of(Json.read(json), "core");
  }

  @Test
  void what_a_record_says_survives_the_process() throws Exception {
    try (TestCore core = core("")) {
      here(core, "t", "{\"reported\":{\"a\":1,\"b\":1}}");
      awaitBoth(core, "t", "{\"reported\":{\"a\":1,\"b\":1}}");
    }
    assertThat(Files.isDirectory(root.resolve("work/" + ShadowManager.NAME + "/sync"))).isTrue();
    there("t", "{\"reported\":{\"a\":null}}");
    try (TestCore core = core("")) {
      // without the record the deleted key would come back from here
      awaitBoth(core, "t", "{\"reported\":{\"b\":1}}");
    }
  }
}
