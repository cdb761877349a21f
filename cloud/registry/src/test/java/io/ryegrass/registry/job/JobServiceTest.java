package io.ryegrass.registry.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.registry.TestRegistry;
import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.services.iot.model.InvalidRequestException;
import software.amazon.awssdk.services.iot.model.JobExecutionStatus;
import software.amazon.awssdk.services.iot.model.JobStatus;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Jobs as a device sees them, with and without a namespace (mqtt-cloud, section 4). */
@OnBothDatabases
class JobServiceTest {
  private static final String JOBS = "$aws/things/core/jobs/";
  private static final String NAMESPACE = "aws-gg-deployment";

  @TempDir Path folder;
  private TestRegistry cloud;

  @BeforeEach
  void start() throws IOException {
    cloud = new TestRegistry(folder);
    cloud.iot.createThing(b -> b.thingName("core"));
  }

  @AfterEach
  void stop() {
    cloud.close();
  }

  @Test
  void aNamespacedJobGoesFromQueuedToSucceededOnItsOwnTopics() {
    List<String> seen = new ArrayList<>();
    cloud.jobs.onExecutionChanged((job, thing, status, details) -> seen.add(job + " " + status));
    create("job-1", NAMESPACE);
    JsonNode notice = cloud.last(JOBS + "notify-namespace-" + NAMESPACE);
    assertThat(notice.path("jobs").path("QUEUED").path(0).path("jobId").asString())
        .isEqualTo("job-1");

    send("$next/namespace-" + NAMESPACE + "/get", "{}");
    JsonNode next = cloud.last(JOBS + "$next/namespace-" + NAMESPACE + "/get/accepted");
    assertThat(next.path("execution").path("jobDocument").path("do").asString()).isEqualTo("it");

    update("job-1", "{\"status\":\"IN_PROGRESS\"}");
    update("job-1", "{\"status\":\"SUCCEEDED\",\"statusDetails\":{\"why\":\"done\"}}");

    assertThat(seen).containsExactly("job-1 QUEUED", "job-1 IN_PROGRESS", "job-1 SUCCEEDED");
    assertThat(cloud.last(JOBS + "notify-namespace-" + NAMESPACE).path("jobs").isEmpty()).isTrue();
    send("$next/namespace-" + NAMESPACE + "/get", "{}");
    assertThat(cloud.last(JOBS + "$next/namespace-" + NAMESPACE + "/get/accepted").has("execution"))
        .isFalse();
    assertThat(cloud.iot.describeJob(b -> b.jobId("job-1")).job().status())
        .isEqualTo(JobStatus.COMPLETED);
  }

  @Test
  void oneNamespaceDoesNotSeeTheOther() {
    create("plain", null);
    send("$next/namespace-" + NAMESPACE + "/get", "{}");

    assertThat(cloud.last(JOBS + "$next/namespace-" + NAMESPACE + "/get/accepted").has("execution"))
        .isFalse();
    send("start-next", "{}");
    assertThat(cloud.last(JOBS + "start-next/accepted").path("execution").path("status").asString())
        .isEqualTo("IN_PROGRESS");
  }

  @Test
  void aFinishedExecutionStaysAsItIs() {
    create("job-1", NAMESPACE);
    update("job-1", "{\"status\":\"FAILED\"}");
    update("job-1", "{\"status\":\"SUCCEEDED\",\"clientToken\":\"t\"}");

    JsonNode rejected = cloud.last(updateTopic("job-1") + "/rejected");
    assertThat(rejected.path("code").asString()).isEqualTo("InvalidStateTransition");
    assertThat(rejected.path("executionState").path("status").asString()).isEqualTo("FAILED");
    assertThat(rejected.path("clientToken").asString()).isEqualTo("t");
  }

  @Test
  void aDeviceThatSaysItsEndAgainIsAcceptedAndTheListenersHearIt() {
    create("job-1", NAMESPACE);
    update("job-1", "{\"status\":\"SUCCEEDED\"}");
    List<ExecutionStatus> heard = new ArrayList<>();
    cloud.jobs.onExecutionChanged((job, thing, status, details) -> heard.add(status));

    update("job-1", "{\"status\":\"SUCCEEDED\",\"clientToken\":\"again\"}");

    assertThat(heard).containsExactly(ExecutionStatus.SUCCEEDED);
    assertThat(cloud.last(updateTopic("job-1") + "/accepted").path("clientToken").asString())
        .isEqualTo("again");
  }

  @Test
  void anUpdateMadeForAnOlderVersionIsRefused() {
    create("job-1", NAMESPACE);
    update("job-1", "{\"status\":\"IN_PROGRESS\",\"expectedVersion\":\"1\"}");
    update("job-1", "{\"status\":\"IN_PROGRESS\",\"expectedVersion\":1}");

    assertThat(cloud.last(updateTopic("job-1") + "/rejected").path("code").asString())
        .isEqualTo("VersionMismatch");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"abc\"", "{}", "1.5", "[1]", "1e400"})
  void anExpectedVersionThatIsNoNumberIsRejectedAndNotThrownAtTheConnection(String version) {
    create("job-1", NAMESPACE);
    update("job-1", "{\"status\":\"IN_PROGRESS\",\"expectedVersion\":" + version + "}");

    assertThat(cloud.last(updateTopic("job-1") + "/rejected").path("code").asString())
        .isEqualTo("InvalidRequest");
  }

  @Test
  void inProgressComesBeforeQueuedAndCancellingEmptiesTheNotice() {
    create("job-1", NAMESPACE);
    create("job-2", NAMESPACE);
    update("job-2", "{\"status\":\"IN_PROGRESS\"}");
    send("$next/namespace-" + NAMESPACE + "/get", "{}");
    assertThat(
            cloud
                .last(JOBS + "$next/namespace-" + NAMESPACE + "/get/accepted")
                .path("execution")
                .path("jobId")
                .asString())
        .isEqualTo("job-2");

    cloud.jobs.cancel("job-1");
    cloud.jobs.cancel("job-2");

    assertThat(cloud.last(JOBS + "notify-namespace-" + NAMESPACE).path("jobs").isEmpty()).isTrue();
  }

  @Test
  void aContinuousJobFollowsItsGroup() {
    cloud.iot.createThingGroup(b -> b.thingGroupName("plant"));
    cloud.jobs.create(new JobSpec("job-1", List.of(), "plant", document(), NAMESPACE));
    assertThat(executions("job-1")).isEmpty();

    cloud.iot.addThingToThingGroup(b -> b.thingName("core").thingGroupName("plant"));
    assertThat(executions("job-1")).containsExactly(JobExecutionStatus.QUEUED);

    cloud.iot.removeThingFromThingGroup(b -> b.thingName("core").thingGroupName("plant"));
    assertThat(executions("job-1")).containsExactly(JobExecutionStatus.REMOVED);
  }

  @Test
  void brokenRequestsGetACode() {
    create("job-1", NAMESPACE);
    update("job-1", "{");
    assertThat(cloud.last(updateTopic("job-1") + "/rejected").path("code").asString())
        .isEqualTo("InvalidJson");
    update("job-1", "{\"status\":\"DONE\"}");
    assertThat(cloud.last(updateTopic("job-1") + "/rejected").path("code").asString())
        .isEqualTo("InvalidRequest");
    update("job-9", "{\"status\":\"FAILED\"}");
    assertThat(cloud.last(updateTopic("job-9") + "/rejected").path("code").asString())
        .isEqualTo("ResourceNotFound");
  }

  @Test
  void whatIsNotDoneIsRefusedInsteadOfIgnored() {
    assertThatThrownBy(
            () ->
                cloud.iot.createJob(
                    b ->
                        b.jobId("j")
                            .targets(cloud.registry.thingArn("core"))
                            .document("{}")
                            .schedulingConfig(
                                s ->
                                    s.maintenanceWindows(
                                        w ->
                                            w.startTime("cron(0 18 * * ? *)")
                                                .durationInMinutes(60)))))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("maintenanceWindows");
  }

  private void create(String jobId, @Nullable String namespace) {
    cloud.jobs.create(new JobSpec(jobId, List.of("core"), null, document(), namespace));
  }

  private static tools.jackson.databind.node.ObjectNode document() {
    return JsonMapper.shared().createObjectNode().put("do", "it");
  }

  private List<JobExecutionStatus> executions(String jobId) {
    return cloud.iot.listJobExecutionsForJob(b -> b.jobId(jobId)).executionSummaries().stream()
        .map(e -> e.jobExecutionSummary().status())
        .toList();
  }

  private void update(String jobId, String payload) {
    cloud.fromDevice("core", updateTopic(jobId), payload);
  }

  private static String updateTopic(String jobId) {
    return JOBS + jobId + "/namespace-" + NAMESPACE + "/update";
  }

  private void send(String suffix, String payload) {
    cloud.fromDevice("core", JOBS + suffix, payload);
  }
}
