package io.ryegrass.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReportTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final Report report = new Report(new PrintStream(out, true, StandardCharsets.UTF_8));

  @Test
  void aFigureIsOneLineWithItsGoalAndMissedGoalsComeLast() {
    report.figure("start", 700.2, "ms", Goal.atMost(600));
    report.figure("rate", 12_345, "calls/s", Goal.atLeast(10_000));
    report.figure("cpu", 0.254, "s");
    report.close();
    assertThat(lines())
        .containsExactly(
            "start 700 ms <=600",
            "rate 12345 calls/s >=10000",
            "cpu 0.25 s",
            "# MISSED start 700 ms, goal <=600");
  }

  @Test
  void theMedianOfTheRunsCounts() {
    report.runs("start", List.of(9.0, 1.0, 2.0), "ms", Goal.atMost(2));
    assertThat(lines()).containsExactly("start 2 ms <=2", "start_max 9 ms");
  }

  @Test
  void percentilesAreThoseOfTheSortedTimes() {
    long[] nanos = new long[100];
    for (int i = 0; i < 100; i++) {
      nanos[i] = (100 - i) * 1_000_000L;
    }
    report.percentiles("trip", nanos, Goal.atMost(60), Goal.atMost(90));
    report.close();
    assertThat(lines())
        .containsExactly(
            "trip_p50 51 ms <=60", "trip_p99 100 ms <=90", "# MISSED trip_p99 100 ms, goal <=90");
  }

  private List<String> lines() {
    return out.toString(StandardCharsets.UTF_8).lines().toList();
  }
}
