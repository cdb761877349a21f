package io.ryegrass.registry.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.registry.TestRegistry;
import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.iot.model.Job;
import software.amazon.awssdk.services.iot.model.JobProcessDetails;
import software.amazon.awssdk.services.iot.model.JobStatus;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Rollout, abort, time-out, retry and schedule over time (developer guide, "How job configurations
 * work"; DPL-09, DPL-18). The clock is the test's; what is due is done when the test says so, each
 * time by a service made anew, as after a restart.
 */
@OnBothDatabases
class JobLifeTest {
  @TempDir Path folder;
  private final HandClock clock = new HandClock();
  private TestRegistry cloud;

  @BeforeEach
  void start() throws IOException {
    cloud = new TestRegistry(folder, clock, JobObjects.NONE);
  }

  @AfterEach
  void stop() {
    cloud.close();
  }

  @Test
  void aConstantRateTellsThatManyInAMinute() {
    fleet(25);
    create("j", "{'jobExecutionsRolloutConfig':{'maximumPerMinute':10}}");
    List<Integer> told = new ArrayList<>(List.of(told("j")));
    for (int i = 0; i < 5; i++) {
      passInSteps(Duration.ofSeconds(30));
      told.add(told("j"));
    }

    assertThat(told).containsExactly(10, 10, 20, 20, 25, 25);
    assertThat(job("j").isConcurrent()).isFalse();
    assertThat(cloud.published.stream().filter(p -> p.topic().endsWith("/jobs/notify-next")))
        .hasSize(25);
  }

  @Test
  void anExponentialRateGrowsWithTheThingsToldOrSucceeded() {
    fleet(60);
    create(
        "j",
        "{'jobExecutionsRolloutConfig':{'exponentialRate':{'baseRatePerMinute':5,"
            + "'incrementFactor':2,'rateIncreaseCriteria':{'numberOfSucceededThings':4}}}}");
    passInSteps(Duration.ofSeconds(55));
    assertThat(told("j")).isEqualTo(5);
    assertThat(job("j").isConcurrent()).isTrue();
    assertThat(job("j").jobProcessDetails().processingTargets())
        .containsExactly(cloud.registry.thingGroupArn("plant"));

    for (int i = 0; i < 4; i++) {
      update(thing(i), "j", "{'status':'SUCCEEDED'}");
    }
    passInSteps(Duration.ofSeconds(60));

    assertThat(told("j")).isEqualTo(15);
  }

  @Test
  void withoutARateAllAreToldInBatchesAndNoneTwice() {
    fleet(350);
    create("j", "{}");
    assertThat(told("j")).as("the first batch, in the request").isEqualTo(JobLife.BATCH);

    due();

    assertThat(told("j")).isEqualTo(350);
    assertThat(
            cloud.published.stream()
                .map(TestRegistry.Published::topic)
                .filter(t -> t.endsWith("/jobs/notify")))
        .hasSize(350)
        .doesNotHaveDuplicates();
  }

  @Test
  void whoJoinsLaterIsToldAtOnceAndWhoLeavesBeforeItsTurnIsNot() {
    fleet(20);
    create("j", "{'jobExecutionsRolloutConfig':{'maximumPerMinute':1}}");
    cloud.iot.createThing(b -> b.thingName("late"));
    cloud.iot.addThingToThingGroup(b -> b.thingName("late").thingGroupName("plant"));
    assertThat(pending("late")).containsExactly("j");

    cloud.iot.removeThingFromThingGroup(b -> b.thingName(thing(19)).thingGroupName("plant"));
    passInSteps(Duration.ofMinutes(25));

    assertThat(told("j")).isEqualTo(20);
    assertThat(pending(thing(19))).isEmpty();
    assertThat(job("j").status()).as("a continuous job").isEqualTo(JobStatus.IN_PROGRESS);
  }

  @Test
  void thingsOfGroupsBelowCountAndOneThatIsInTwoStaysATarget() {
    fleet(1);
    cloud.iot.createThingGroup(b -> b.thingGroupName("hall").parentGroupName("plant"));
    cloud.iot.createThingGroup(b -> b.thingGroupName("east"));
    cloud.iot.createThing(b -> b.thingName("deep"));
    cloud.jobs.create(
        new JobSpec(
            "j",
            List.of(),
            List.of("plant", "east"),
            true,
            JsonMapper.shared().createObjectNode(),
            null,
            JobSettings.NONE));
    cloud.iot.addThingToThingGroup(b -> b.thingName("deep").thingGroupName("hall"));
    assertThat(pending("deep")).containsExactly("j");

    cloud.iot.addThingToThingGroup(b -> b.thingName("deep").thingGroupName("east"));
    cloud.iot.removeThingFromThingGroup(b -> b.thingName("deep").thingGroupName("hall"));
    assertThat(pending("deep")).containsExactly("j");

    cloud.iot.removeThingFromThingGroup(b -> b.thingName("deep").thingGroupName("east"));
    assertThat(pending("deep")).isEmpty();
    assertThat(details("j").numberOfRemovedThings()).isEqualTo(1);
  }

  @Test
  void aThingThatComesBackGetsANewExecution() {
    fleet(1);
    create("j", "{}");
    update(thing(0), "j", "{'status':'SUCCEEDED'}");
    cloud.iot.removeThingFromThingGroup(b -> b.thingName(thing(0)).thingGroupName("plant"));
    cloud.iot.addThingToThingGroup(b -> b.thingName(thing(0)).thingGroupName("plant"));

    assertThat(pending(thing(0))).containsExactly("j");
    assertThat(cloud.iot.listJobExecutionsForThing(b -> b.thingName(thing(0))).executionSummaries())
        .extracting(e -> e.jobExecutionSummary().executionNumber())
        .containsExactly(2L, 1L);
    assertThat(
            cloud
                .iot
                .describeJobExecution(b -> b.jobId("j").thingName(thing(0)).executionNumber(1L))
                .execution()
                .statusAsString())
        .isEqualTo("SUCCEEDED");
  }

  @Test
  void tooManyFailuresCancelWhatIsQueuedAndSayWhy() {
    fleet(10);
    create(
        "j",
        "{'abortConfig':{'criteriaList':[{'failureType':'FAILED','action':'CANCEL',"
            + "'thresholdPercentage':20,'minNumberOfExecutedThings':5}]}}");
    update(thing(0), "j", "{'status':'IN_PROGRESS'}");
    update(thing(1), "j", "{'status':'FAILED'}");
    update(thing(2), "j", "{'status':'REJECTED'}");
    assertThat(job("j").status()).isEqualTo(JobStatus.IN_PROGRESS);

    update(thing(3), "j", "{'status':'FAILED'}");

    assertThat(job("j").status()).isEqualTo(JobStatus.CANCELED);
    assertThat(job("j").reasonCode()).isEqualTo("ABORT_CRITERIA_MET");
    assertThat(job("j").comment()).contains("20.00 % of 10");
    assertThat(details("j").numberOfCanceledThings()).isEqualTo(6);
    update(thing(0), "j", "{'status':'SUCCEEDED'}");
    assertThat(details("j").numberOfSucceededThings()).as("who had begun may end").isEqualTo(1);
  }

  @Test
  void anAbortStopsTheRolloutBeforeItsEnd() {
    fleet(30);
    create(
        "j",
        "{'jobExecutionsRolloutConfig':{'maximumPerMinute':4},'abortConfig':{'criteriaList':"
            + "[{'failureType':'ALL','action':'CANCEL','thresholdPercentage':50,"
            + "'minNumberOfExecutedThings':4}]}}");
    passInSteps(Duration.ofSeconds(55));
    update(thing(0), "j", "{'status':'REJECTED'}");
    update(thing(1), "j", "{'status':'FAILED'}");
    passInSteps(Duration.ofMinutes(5));

    assertThat(told("j")).isEqualTo(4);
    assertThat(job("j").status()).isEqualTo(JobStatus.CANCELED);
  }

  @Test
  void anExecutionInProgressForTooLongTimesOutAndTheDeviceIsTold() {
    fleet(1);
    create("j", "{'timeoutConfig':{'inProgressTimeoutInMinutes':20}}");
    clock.pass(Duration.ofHours(2));
    due();
    assertThat(pending(thing(0))).as("no timer runs while it waits").containsExactly("j");

    update(thing(0), "j", "{'status':'IN_PROGRESS'}");
    clock.pass(Duration.ofMinutes(19));
    due();
    assertThat(pending(thing(0))).containsExactly("j");
    clock.pass(Duration.ofMinutes(1));
    due();

    assertThat(details("j").numberOfTimedOutThings()).isEqualTo(1);
    assertThat(last(thing(0), "notify").path("jobs").isEmpty()).isTrue();
    assertThat(last(thing(0), "notify-next").has("execution")).isFalse();
    update(thing(0), "j", "{'status':'SUCCEEDED'}");
    assertThat(last(thing(0), "j/update/rejected").path("code").asString())
        .isEqualTo("InvalidStateTransition");
  }

  /** The guide's picture: step timers of 7, 5 and 9 minutes within a job's timer of 20. */
  @Test
  void stepTimersGoAsInTheGuidesPicture() {
    fleet(1);
    create("j", "{'timeoutConfig':{'inProgressTimeoutInMinutes':20}}");
    update(thing(0), "j", "{'status':'IN_PROGRESS'}");
    assertThat(secondsLeft()).isEqualTo(20 * 60);
    clock.pass(Duration.ofMinutes(5));
    update(thing(0), "j", "{'status':'IN_PROGRESS','stepTimeoutInMinutes':7}");
    assertThat(secondsLeft()).isEqualTo(7 * 60);
    clock.pass(Duration.ofMinutes(5));
    update(thing(0), "j", "{'status':'IN_PROGRESS','stepTimeoutInMinutes':5}");
    assertThat(secondsLeft()).isEqualTo(5 * 60);
    clock.pass(Duration.ofMinutes(3));
    update(thing(0), "j", "{'status':'IN_PROGRESS','stepTimeoutInMinutes':9}");
    assertThat(secondsLeft()).isEqualTo(7 * 60);
    update(thing(0), "j", "{'status':'IN_PROGRESS','stepTimeoutInMinutes':-1}");
    clock.pass(Duration.ofMinutes(7));
    due();

    assertThat(details("j").numberOfTimedOutThings()).isEqualTo(1);
  }

  @Test
  void failuresAndTimeOutsAreRetriedAsOftenAsTheirRuleAllows() {
    fleet(1);
    create(
        "j",
        "{'timeoutConfig':{'inProgressTimeoutInMinutes':1},'jobExecutionsRetryConfig':"
            + "{'criteriaList':[{'failureType':'FAILED','numberOfRetries':1},"
            + "{'failureType':'TIMED_OUT','numberOfRetries':1}]}}");
    update(thing(0), "j", "{'status':'FAILED','statusDetails':{'try':'1'}}");
    assertThat(pending(thing(0))).containsExactly("j");
    update(thing(0), "j", "{'status':'IN_PROGRESS'}");
    clock.pass(Duration.ofMinutes(2));
    due();
    assertThat(pending(thing(0))).containsExactly("j");
    update(thing(0), "j", "{'status':'FAILED'}");

    assertThat(pending(thing(0))).isEmpty();
    assertThat(details("j").numberOfFailedThings()).isEqualTo(1);
    assertThat(cloud.iot.listJobExecutionsForJob(b -> b.jobId("j")).executionSummaries())
        .extracting(
            e ->
                e.jobExecutionSummary().executionNumber()
                    + " "
                    + e.jobExecutionSummary().statusAsString()
                    + " "
                    + e.jobExecutionSummary().retryAttempt())
        .containsExactly("1 FAILED 0", "2 TIMED_OUT 1", "3 FAILED 2");
  }

  @Test
  void retriedFailuresCountForTheAbort() {
    fleet(1);
    create(
        "j",
        "{'jobExecutionsRetryConfig':{'criteriaList':[{'failureType':'FAILED',"
            + "'numberOfRetries':9}]},'abortConfig':{'criteriaList':[{'failureType':'FAILED',"
            + "'action':'CANCEL','thresholdPercentage':60,'minNumberOfExecutedThings':1}]}}");
    update(thing(0), "j", "{'status':'FAILED'}");
    assertThat(job("j").status()).isEqualTo(JobStatus.IN_PROGRESS);
    update(thing(0), "j", "{'status':'FAILED'}");

    assertThat(job("j").status()).isEqualTo(JobStatus.CANCELED);
    assertThat(pending(thing(0))).isEmpty();
  }

  @Test
  void aScheduledJobBeginsAndEndsInItsTime() {
    fleet(3);
    create(
        "j",
        "{'jobExecutionsRolloutConfig':{'maximumPerMinute':1},'schedulingConfig':{"
            + "'startTime':'2026-03-01T13:00','endTime':'2026-03-01 13:30',"
            + "'endBehavior':'FORCE_CANCEL'}}");
    passInSteps(Duration.ofMinutes(59));
    assertThat(job("j").status()).isEqualTo(JobStatus.SCHEDULED);
    assertThat(told("j")).isZero();

    passInSteps(Duration.ofMinutes(10));
    assertThat(job("j").status()).isEqualTo(JobStatus.IN_PROGRESS);
    assertThat(told("j")).isEqualTo(3);
    update(thing(0), "j", "{'status':'IN_PROGRESS'}");
    clock.pass(Duration.ofMinutes(30));
    due();

    assertThat(job("j").status()).isEqualTo(JobStatus.CANCELED);
    assertThat(job("j").forceCanceled()).isTrue();
    assertThat(details("j").numberOfCanceledThings()).isEqualTo(3);
  }

  @Test
  void whatIsTooMuchForOneStepIsCanceledAndDeletedInSeveral() {
    fleet(250);
    create("j", "{}");
    due();
    cloud.iot.cancelJob(b -> b.jobId("j").force(true));
    assertThat(details("j").numberOfCanceledThings()).isEqualTo(JobLife.BATCH);
    due();
    assertThat(details("j").numberOfCanceledThings()).isEqualTo(250);

    cloud.iot.deleteJob(b -> b.jobId("j"));
    assertThat(job("j").status()).isEqualTo(JobStatus.DELETION_IN_PROGRESS);
    due();
    assertThat(cloud.iot.listJobs().jobs()).isEmpty();
  }

  /** At any moment the process may die: each round is one of a service that knows nothing. */
  @Test
  void aRolloutThatIsStoppedAtAnyMomentLosesNobodyAndNoStatus() {
    fleet(300);
    create(
        "j",
        "{'jobExecutionsRolloutConfig':{'maximumPerMinute':100},"
            + "'timeoutConfig':{'inProgressTimeoutInMinutes':2}}");
    Random random = new Random(42);
    Set<String> acknowledged = new HashSet<>();
    for (int round = 0; round < 60; round++) {
      clock.pass(Duration.ofSeconds(random.nextInt(12)));
      due();
      String thing = thing(random.nextInt(300));
      if (!pending(thing).isEmpty()) {
        update(thing, "j", "{'status':'SUCCEEDED'}");
        acknowledged.add(thing);
      }
    }
    passInSteps(Duration.ofMinutes(6));

    assertThat(told("j")).isEqualTo(300);
    assertThat(details("j").numberOfSucceededThings()).isEqualTo(acknowledged.size());
    assertThat(details("j").numberOfQueuedThings()).isEqualTo(300 - acknowledged.size());
  }

  @Test
  void theWorkerDoesWhatIsDueByItself() throws IOException {
    fleet(250);
    JobService service =
        new JobService(cloud.store, cloud.registry, (t, p, q) -> {}, java.time.Clock.systemUTC());
    try (service) {
      service.start();
      service.create(
          new JobSpec("j", List.of(), "plant", JsonMapper.shared().createObjectNode(), null));
      org.awaitility.Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> told("j") == 250);
    }
  }

  // ---- helpers

  private void fleet(int things) {
    cloud.iot.createThingGroup(b -> b.thingGroupName("plant"));
    cloud.store.write(
        sql -> {
          for (int i = 0; i < things; i++) {
            sql.update(
                "INSERT INTO things (name, id, attributes, version, created) VALUES (?, ?, '{}',"
                    + " 1, 0)",
                thing(i),
                "id-" + i);
            sql.update(
                "INSERT INTO thing_group_members (group_name, thing) VALUES ('plant', ?)",
                thing(i));
          }
          return null;
        });
  }

  private static String thing(int i) {
    return String.format("t%03d", i);
  }

  private void create(String jobId, String settings) {
    cloud.jobs.create(
        new JobSpec(
            jobId,
            List.of(),
            "plant",
            JsonMapper.shared().createObjectNode().put("do", "it"),
            null,
            JobSettings.of(json(settings))));
  }

  private static JsonNode json(String text) {
    return JsonMapper.shared().readTree(text.replace('\'', '"'));
  }

  /** By a service that has just started and dies right after. */
  private void due() {
    JobService service =
        new JobService(
            cloud.store,
            cloud.registry,
            (topic, payload, qos) ->
                cloud.published.add(
                    new TestRegistry.Published(topic, JsonMapper.shared().readTree(payload))),
            clock);
    service.runDue();
    service.close();
  }

  private void passInSteps(Duration duration) {
    for (long second = 0; second < duration.toSeconds(); second++) {
      clock.pass(Duration.ofSeconds(1));
      cloud.jobs.runDue();
    }
  }

  private Job job(String jobId) {
    return cloud.iot.describeJob(b -> b.jobId(jobId)).job();
  }

  private JobProcessDetails details(String jobId) {
    return job(jobId).jobProcessDetails();
  }

  private int told(String jobId) {
    return Math.toIntExact(
        cloud.store.read(
            sql -> sql.count("SELECT COUNT(*) AS n FROM job_executions WHERE job_id = ?", jobId)));
  }

  private List<String> pending(String thing) {
    send(thing, "get", "{}");
    JsonNode answer = last(thing, "get/accepted");
    List<String> ids = new ArrayList<>();
    answer.path("inProgressJobs").forEach(e -> ids.add(e.path("jobId").asString()));
    answer.path("queuedJobs").forEach(e -> ids.add(e.path("jobId").asString()));
    return ids;
  }

  private long secondsLeft() {
    send(thing(0), "j/get", "{}");
    return last(thing(0), "j/get/accepted")
        .path("execution")
        .path("approximateSecondsBeforeTimedOut")
        .asLong(-1);
  }

  private void update(String thing, String jobId, String payload) {
    send(thing, jobId + "/update", payload);
  }

  private void send(String thing, String suffix, String payload) {
    cloud.fromDevice(thing, "$aws/things/" + thing + "/jobs/" + suffix, payload.replace('\'', '"'));
  }

  private JsonNode last(String thing, String suffix) {
    return cloud.last("$aws/things/" + thing + "/jobs/" + suffix);
  }
}
