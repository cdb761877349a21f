package io.ryegrass.registry.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** The arithmetic of rollouts (developer guide, "Job rollout rates"; DPL-18). */
class RolloutTest {

  private record Told(long at, long count) {}

  /** The guide's table: base 50, factor 2, threshold 1000. */
  @ParameterizedTest
  @CsvSource({"0, 50", "999, 50", "1000, 100", "2000, 200", "3000, 400", "4000, 800", "9000, 1000"})
  void theRateGrowsAsInTheGuidesTable(long reached, long rate) {
    RolloutRate.Exponential byNotified = new RolloutRate.Exponential(50, 2, 1000, null);
    RolloutRate.Exponential bySucceeded = new RolloutRate.Exponential(50, 2, null, 1000);

    assertThat(new RolloutRate(null, byNotified).perMinute(reached, 0)).isEqualTo(rate);
    assertThat(new RolloutRate(null, bySucceeded).perMinute(10_000, reached)).isEqualTo(rate);
  }

  @Test
  void theMaximumBoundsAnExponentialRate() {
    RolloutRate rate = new RolloutRate(120, new RolloutRate.Exponential(50, 1.5, 10, null));

    assertThat(rate.perMinute(20, 0)).isEqualTo(112);
    assertThat(rate.perMinute(30, 0)).isEqualTo(120);
    assertThat(rate.perMinute(1_000_000, 0)).isEqualTo(120);
  }

  @Test
  void withoutAConfigurationEverybodyIsToldAsFastAsItGoes() {
    List<Told> told = run(new RolloutRate(null, null), 10_000, 100, 0, new Random(1));

    assertThat(told).hasSize(100).allMatch(t -> t.at() == 1_000_000);
  }

  /** For any rate, fleet and lateness of the worker. */
  @Test
  void noMinuteSeesMoreThanTheRateAndAllAreToldInTime() {
    for (int seed = 0; seed < 2000; seed++) {
      Random random = new Random(seed);
      int rate = 1 + random.nextInt(1000);
      int things = random.nextInt(3000);
      long late = random.nextInt(1500);
      List<Told> told = run(new RolloutRate(rate, null), things, 100, late, random);

      String which = "seed " + seed + ", rate " + rate + ", things " + things + ": ";
      assertThat(told.stream().mapToLong(Told::count).sum()).as(which + "all").isEqualTo(things);
      long minutes = (things + rate - 1) / rate;
      if (things > 0) {
        // the worker may be late at each end of a minute
        assertThat(told.getLast().at() - told.getFirst().at())
            .as(which + "in time")
            .isLessThan(minutes * (Pace.MINUTE + late + 1));
      }
      assertThat(mostInAMinute(told)).as(which + "minute").isLessThanOrEqualTo(rate);
    }
  }

  /** Minutes as the rollout counts them: from the first told after the end of the one before. */
  private static long mostInAMinute(List<Told> told) {
    long start = Long.MIN_VALUE / 2;
    long inMinute = 0;
    long most = 0;
    for (Told t : told) {
      if (t.at() - start >= Pace.MINUTE) {
        start = t.at();
        inMinute = 0;
      }
      inMinute += t.count();
      most = Math.max(most, inMinute);
    }
    return most;
  }

  @Test
  void afterAPauseOnlyOneMinutesShareGoesOut() {
    Pace.Step first = Pace.START.next(1_000_000, 100, 5000, 1000);
    Pace.Step late = first.after().next(1_000_000 + 3_600_000, 100, 5000, 1000);

    assertThat(late.count()).isEqualTo(100);
  }

  private static List<Told> run(
      RolloutRate rate, long things, long batch, long late, Random random) {
    List<Told> told = new ArrayList<>();
    Pace pace = Pace.START;
    long now = 1_000_000;
    long waiting = things;
    while (waiting > 0) {
      Pace.Step step = pace.next(now, rate.perMinute(things - waiting, 0), waiting, batch);
      assertThat(step.count() > 0 || step.due() > now).as("no spinning").isTrue();
      if (step.count() > 0) {
        told.add(new Told(now, step.count()));
      }
      waiting -= step.count();
      pace = step.after();
      now = Math.max(now, step.due() + (late == 0 ? 0 : random.nextLong(late)));
    }
    return told;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'jobExecutionsRolloutConfig':{'maximumPerMinute':1001}}",
        "{'jobExecutionsRolloutConfig':{'exponentialRate':{'baseRatePerMinute':5,"
            + "'incrementFactor':1.55,'rateIncreaseCriteria':{'numberOfNotifiedThings':1}}}}",
        "{'jobExecutionsRolloutConfig':{'exponentialRate':{'baseRatePerMinute':5,"
            + "'incrementFactor':2,'rateIncreaseCriteria':{}}}}",
        "{'abortConfig':{'criteriaList':[{'failureType':'ALL','action':'CANCEL',"
            + "'minNumberOfExecutedThings':1,'thresholdPercentage':10.999}]}}",
        "{'timeoutConfig':{'inProgressTimeoutInMinutes':10081}}",
        "{'timeoutConfig':{'inProgressTimeoutInMinutes':5},'jobExecutionsRetryConfig':"
            + "{'criteriaList':[{'failureType':'FAILED','numberOfRetries':6},"
            + "{'failureType':'TIMED_OUT','numberOfRetries':5}]}}",
        "{'schedulingConfig':{'startTime':'tomorrow'}}"
      })
  void settingsOutOfBoundsAreRefused(String json) {
    assertThatThrownBy(() -> JobSettings.of(JsonMapper.shared().readTree(json.replace('\'', '"'))))
        .isInstanceOf(JobException.class)
        .extracting(e -> ((JobException) e).code())
        .isEqualTo("InvalidRequest");
  }

  @Test
  void aDeploymentsJobConfigurationIsTakenAsItIs() {
    JobSettings settings =
        JobSettings.of(
            JsonMapper.shared()
                .readTree(
                    """
                    {"jobExecutionsRolloutConfig": {"maximumPerMinute": 50},
                     "abortConfig": {"criteriaList": [{"failureType": "FAILED", "action": "CANCEL",
                       "thresholdPercentage": 10.9, "minNumberOfExecutedThings": 3}]},
                     "timeoutConfig": {"inProgressTimeoutInMinutes": 30}}
                    """));

    assertThat(settings.rollout().perMinute(0, 0)).isEqualTo(50);
    assertThat(settings.abort()).containsExactly(new JobSettings.AbortRule("FAILED", 10.9, 3));
    assertThat(settings.timeoutMinutes()).isEqualTo(30);
  }
}
