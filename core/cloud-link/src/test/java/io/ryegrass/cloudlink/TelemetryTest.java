package io.ryegrass.cloudlink;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.model.ComponentType;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ComponentMetric;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.NucleusConfiguration;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * System health telemetry (v2-deployments.md section 12, TEL-01, TEL-05 … TEL-07), by its clock.
 */
class TelemetryTest {
  @TempDir Path folder;
  private final CloudHttpsTest.MovableClock clock = new CloudHttpsTest.MovableClock();
  private final List<ObjectNode> published = new ArrayList<>();
  private final List<ComponentMetric> put = new ArrayList<>();
  private List<ComponentStatus> components = List.of();
  private boolean online = true;
  private String configuration = "{}";
  private int ticks;

  @BeforeEach
  void device() throws Exception {
    Files.createDirectories(folder.resolve("proc/sys/fs"));
    proc();
  }

  /** Half of all processor time is spent busy. */
  private void proc() throws Exception {
    ticks++;
    Files.writeString(
        folder.resolve("proc/stat"),
        "cpu  %d 0 0 %d 0 0 0 0 0 0\ncpu0 1 1 1 1\n".formatted(50 * ticks, 50 * ticks));
    Files.writeString(
        folder.resolve("proc/meminfo"),
        "MemTotal:        4096000 kB\nMemFree: 1 kB\nMemAvailable:    3072000 kB\n");
    Files.writeString(folder.resolve("proc/sys/fs/file-nr"), "1344\t0\t9223372036854775807\n");
  }

  private Telemetry open() {
    NucleusConfiguration n =
        (NucleusConfiguration)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {NucleusConfiguration.class},
                (proxy, method, args) -> find((String[]) args[0]));
    return new Telemetry(
        folder.resolve("telemetry"),
        "core-1",
        new Telemetry.Sources(
            () -> n,
            () -> components,
            () -> {
              List<ComponentMetric> taken = List.copyOf(put);
              put.clear();
              return taken;
            },
            new SystemProbe(folder.resolve("proc"))),
        (topic, message) -> {
          if (!online) {
            throw new CloudUnavailableException("away");
          }
          assertThat(topic).isEqualTo("$aws/things/core-1/greengrass/health/json");
          published.add(message);
        },
        clock);
  }

  private Optional<JsonNode> find(String... path) {
    JsonNode at = JsonMapper.shared().readTree(configuration);
    for (String key : path) {
      at = at.path(key);
    }
    return at.isMissingNode() ? Optional.empty() : Optional.of(at);
  }

  /** Half hours, then minutes: a tick does the same after either. */
  private void minutes(Telemetry t, int minutes) throws Exception {
    int left = minutes;
    while (left > 0) {
      int step = left >= 30 ? 30 : 1;
      left -= step;
      clock.add(Duration.ofMinutes(step));
      proc();
      t.tick();
    }
  }

  private static JsonNode metric(JsonNode message, int index, String namespace, String name) {
    List<JsonNode> points = new ArrayList<>();
    message
        .path("ADP")
        .forEach(
            p -> {
              if (p.path("NS").asString("").equals(namespace)) {
                points.add(p);
              }
            });
    for (JsonNode m : points.get(index).path("M")) {
      if (m.path("N").asString("").equals(name)) {
        return m;
      }
    }
    throw new AssertionError("no " + name + " in " + points);
  }

  private static ComponentStatus component(String name, ComponentState state) {
    return new ComponentStatus(
        name, "1.0.0", state, ComponentType.GENERIC, true, List.of(), List.of(), "", Instant.EPOCH);
  }

  @Test
  void aDayOfHoursIsPublishedWithTheDevicesLoadAndTheStatesOfItsComponents() throws Exception {
    components =
        List.of(
            component("a", ComponentState.RUNNING),
            component("b", ComponentState.RUNNING),
            component("c", ComponentState.BROKEN));
    Telemetry t = open();
    t.tick();
    minutes(t, 24 * 60 - 1);
    assertThat(published).isEmpty();
    minutes(t, 1);

    assertThat(published).hasSize(1);
    JsonNode m = published.getFirst();
    assertThat(m.path("Schema").asString()).isEqualTo("2022-06-30");
    assertThat(m.path("ADP").size()).as("two namespaces, 24 hours").isEqualTo(48);
    assertThat(metric(m, 5, "SystemMetrics", "CpuUsage").path("Average").asDouble()).isEqualTo(50);
    assertThat(metric(m, 5, "SystemMetrics", "CpuUsage").path("U").asString()).isEqualTo("Percent");
    assertThat(metric(m, 0, "SystemMetrics", "SystemMemUsage").path("Average").asInt())
        .isEqualTo(1000);
    assertThat(metric(m, 0, "SystemMetrics", "TotalNumberOfFDs").path("Average").asInt())
        .isEqualTo(1344);
    assertThat(
            metric(m, 23, "GreengrassComponents", "NumberOfComponentsRunning")
                .path("Average")
                .asInt())
        .isEqualTo(2);
    assertThat(
            metric(m, 23, "GreengrassComponents", "NumberOfComponentsBroken")
                .path("Average")
                .asInt())
        .isEqualTo(1);
    assertThat(m.path("ADP").path(0).path("M").size() + m.path("ADP").path(1).path("M").size())
        .as("TEL-04: twelve metrics")
        .isEqualTo(12);
  }

  /** TEL-07 and PutComponentMetric; nothing is lost over a restart. */
  @Test
  void whatComponentsPutIsSummedOverARestart() throws Exception {
    Telemetry before = open();
    put.add(new ComponentMetric("aws.greengrass.StreamManager", "BytesAppended", "BYTES", 100));
    minutes(before, 1);
    put.add(new ComponentMetric("aws.greengrass.StreamManager", "BytesAppended", "BYTES", 20));
    before.close();

    Telemetry after = open();
    put.add(new ComponentMetric("aws.greengrass.StreamManager", "BytesAppended", "BYTES", 3));
    minutes(after, 24 * 60);

    JsonNode m = metric(published.getFirst(), 0, "aws.greengrass.StreamManager", "BytesAppended");
    assertThat(m.path("Sum").asInt()).isEqualTo(123);
    assertThat(m.path("U").asString()).isEqualTo("Bytes");
  }

  @Test
  void withoutAConnectionItWaitsAlsoOverARestartAndGoesOnce() throws Exception {
    online = false;
    Telemetry before = open();
    minutes(before, 25 * 60);
    before.close();
    Telemetry after = open();
    minutes(after, 1);
    online = true;
    minutes(after, 2);

    assertThat(published).hasSize(1);
    assertThat(published.getFirst().path("ADP").size()).isEqualTo(50);
  }

  @Test
  void longSilenceIsSplitIntoMessagesThatTheCloudTakesAndIsBounded() throws Exception {
    online = false;
    Telemetry t = open();
    for (int hour = 0; hour < 24 * 60; hour++) {
      clock.add(Duration.ofHours(1));
      t.tick();
    }
    online = true;
    t.tick();

    assertThat(published).hasSizeBetween(4, 6);
    long whole = 0;
    for (ObjectNode m : published) {
      int size = m.toString().getBytes(StandardCharsets.UTF_8).length;
      assertThat(size).isLessThanOrEqualTo(128_000);
      whole += size;
    }
    assertThat(whole).isLessThan(TelemetryState.MOST_BYTES + 10_000);
    long newest =
        published
            .getLast()
            .path("ADP")
            .valueStream()
            .mapToLong(p -> p.path("TS").asLong())
            .max()
            .orElse(0);
    assertThat(newest).isEqualTo(clock.millis());
  }

  /** TEL-01, NUC-21. */
  @Test
  void intervalsBelowTheUsualOnesDoNotCountAndLongerOnesDoAtOnce() throws Exception {
    configuration =
        "{\"telemetry\":{\"periodicAggregateMetricsIntervalSeconds\":5,"
            + "\"periodicPublishMetricsIntervalSeconds\":5}}";
    Telemetry t = open();
    minutes(t, 120);
    assertThat(published).isEmpty();

    configuration = "{\"telemetry\":{\"periodicAggregateMetricsIntervalSeconds\":43200}}";
    minutes(t, 22 * 60);
    assertThat(published).hasSize(1);
    assertThat(published.getFirst().path("ADP").size()).as("hours 1, 2 and 14").isEqualTo(6);
  }

  @Test
  void switchedOffNothingIsMeasuredAndWhatWaitedIsForgotten() throws Exception {
    Telemetry t = open();
    minutes(t, 90);
    configuration = "{\"telemetry\":{\"enabled\":\"false\"}}";
    put.add(new ComponentMetric("aws.x", "n", "COUNT", 1));
    minutes(t, 24 * 60);
    assertThat(published).isEmpty();
    assertThat(put).isEmpty();

    configuration = "{}";
    minutes(t, 24 * 60);
    assertThat(published).hasSize(1);
    assertThat(published.getFirst().path("ADP").size()).isEqualTo(48);
  }

  @Test
  void aDamagedFileAndAClockThatWasSetBackDoNotEndIt() throws Exception {
    Telemetry t = open();
    minutes(t, 61);
    t.close();
    Files.writeString(
        folder.resolve("telemetry/telemetry.json"), "{\"windowSince\": 9999999999999, x");
    Telemetry after = open();
    minutes(after, 24 * 60);
    assertThat(published).hasSize(1);
    after.close();

    clock.add(Duration.ofDays(-400));
    Telemetry back = open();
    minutes(back, 24 * 60);
    assertThat(published).hasSize(2);
  }
}
