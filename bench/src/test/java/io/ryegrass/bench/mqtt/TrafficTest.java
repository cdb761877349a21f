package io.ryegrass.bench.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The generator on real sockets against the reflector in a process of its own. */
class TrafficTest {
  @TempDir private static Path work;
  private static Broker reflector;

  @BeforeAll
  static void startReflector() throws IOException, InterruptedException {
    reflector = new Peers(work, work, new Certificates(work), false).start(Peers.REFLECTOR);
  }

  @AfterAll
  static void stopReflector() {
    reflector.close();
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 0, 100",
    "1, 1, 1, 100",
    "50, 1, 0, 100",
    "50, 1, 1, 10240",
    "1, 20, 0, 10240",
    "1, 20, 1, 100"
  })
  void countsWhatItGetsAndMissesNothingWhenNothingIsLost(
      int publishers, int subscribers, int qos, int payload) throws IOException {
    Scenario scenario = new Scenario(publishers, subscribers, qos, payload, false);
    try (Loop loop = new Loop();
        Traffic traffic = traffic(scenario, loop)) {
      Traffic.Throughput flood = traffic.saturate(0.05, 0.2);
      assertThat(flood.perSecond()).isGreaterThan(10); // also when the machine stands still
      assertThat(flood.lost()).isZero();
      assertThat(flood.dropped()).isZero();
    }
  }

  @Test
  void neverSendsMoreThanTheRateItWasAskedFor() throws IOException {
    try (Loop loop = new Loop();
        Traffic traffic = traffic(new Scenario(1, 1, 0, 100, false), loop)) {
      Traffic.Latency paced = traffic.pace(5_000, 0, 0.5);
      assertThat(paced.achieved()).isBetween(100.0, 5_100.0);
      assertThat(paced.p50()).isPositive().isLessThanOrEqualTo(paced.p99());
    }
  }

  @Test
  void aBrokerThatDiesEndsTheRunWithAWord() throws IOException, InterruptedException {
    try (Loop loop = new Loop()) {
      Broker mortal = new Peers(work, work, new Certificates(work), false).start(Peers.REFLECTOR);
      Traffic traffic =
          new Traffic(
              new Scenario(1, 2, 0, 100, false),
              loop,
              new Clients(loop, mortal.address(false), null),
              reflector.stats(),
              "x");
      mortal.close();
      assertThatThrownBy(() -> traffic.saturate(1, 1))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("closed a publisher's connection");
    }
  }

  private static Traffic traffic(Scenario scenario, Loop loop) throws IOException {
    return new Traffic(
        scenario,
        loop,
        new Clients(loop, reflector.address(false), null),
        reflector.stats(),
        scenario.name(),
        Duration.ofSeconds(30));
  }
}
