package io.ryegrass.registry.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.TestRegistry;
import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.iot.model.ConflictException;
import software.amazon.awssdk.services.iot.model.InvalidRequestException;
import software.amazon.awssdk.services.iot.model.InvalidStateTransitionException;
import software.amazon.awssdk.services.iot.model.Job;
import software.amazon.awssdk.services.iot.model.JobSummary;
import software.amazon.awssdk.services.iot.model.ResourceAlreadyExistsException;
import software.amazon.awssdk.services.iot.model.ResourceNotFoundException;
import software.amazon.awssdk.services.iot.model.TargetSelection;
import software.amazon.awssdk.services.iot.model.VersionConflictException;
import software.amazon.awssdk.services.iotjobsdataplane.model.JobExecutionStatus;
import software.amazon.awssdk.services.iotjobsdataplane.model.TerminalStateException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Jobs through AWS's SDK: the control plane and the signed door of devices. */
@OnBothDatabases
class JobApiTest {
  private static final String ROLE = "arn:aws:iam::000000000000:role/Downloads";

  @TempDir Path folder;
  private TestRegistry cloud;

  /** Objects of a bucket, for one caller and one role. */
  private static final class Objects implements JobObjects {
    @Override
    public Optional<byte[]> read(@Nullable Object caller, String bucket, String key) {
      return (bucket + "/" + key).equals("docs/job one.json")
          ? Optional.of("{\n \"from\": \"s3\"}".getBytes(StandardCharsets.UTF_8))
          : Optional.empty();
    }

    @Override
    public Optional<String> presign(String role, String bucket, String key, Duration validity) {
      return role.equals(ROLE)
          ? Optional.of("https://cloud/" + bucket + "/" + key + "?for=" + validity.toSeconds())
          : Optional.empty();
    }
  }

  @BeforeEach
  void start() throws IOException {
    cloud = new TestRegistry(folder, Clock.systemUTC(), new Objects());
    cloud.iot.createThing(b -> b.thingName("t1"));
    cloud.iot.createThing(b -> b.thingName("t2"));
    cloud.iot.createThingGroup(b -> b.thingGroupName("g1"));
  }

  @AfterEach
  void stop() {
    cloud.close();
  }

  @Test
  void aJobIsDescribedAsItWasMade() {
    cloud.iot.createJob(
        b ->
            b.jobId("j")
                .targets(thing("t1"), thing("t2"))
                .document("{ \"a\" : 1 }")
                .description("first")
                .timeoutConfig(t -> t.inProgressTimeoutInMinutes(9L))
                .jobExecutionsRolloutConfig(r -> r.maximumPerMinute(100)));

    Job job = cloud.iot.describeJob(b -> b.jobId("j")).job();
    assertThat(job.description()).isEqualTo("first");
    assertThat(job.targetSelection()).isEqualTo(TargetSelection.SNAPSHOT);
    assertThat(job.targets()).containsExactly(thing("t1"), thing("t2"));
    assertThat(job.timeoutConfig().inProgressTimeoutInMinutes()).isEqualTo(9);
    assertThat(job.jobExecutionsRolloutConfig().maximumPerMinute()).isEqualTo(100);
    assertThat(cloud.iot.getJobDocument(b -> b.jobId("j")).document())
        .as("as it was given, to the blank")
        .isEqualTo("{ \"a\" : 1 }");
    assertThatThrownBy(
            () -> cloud.iot.createJob(b -> b.jobId("j").targets(thing("t1")).document("{}")))
        .isInstanceOfSatisfying(
            ResourceAlreadyExistsException.class, e -> assertThat(e.resourceId()).isEqualTo("j"));
  }

  @Test
  void whatDoesNotExistOrFitIsRefusedByName() {
    assertThatThrownBy(() -> cloud.iot.describeJob(b -> b.jobId("none")))
        .isInstanceOf(ResourceNotFoundException.class);
    assertThatThrownBy(
            () -> cloud.iot.createJob(b -> b.jobId("j").targets(thing("none")).document("{}")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("none");
    assertThatThrownBy(() -> cloud.iot.createJob(b -> b.jobId("j").targets(thing("t1"))))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("documentSource");
    assertThatThrownBy(
            () ->
                cloud.iot.createJob(
                    b ->
                        b.jobId("j")
                            .targets(thing("t1"))
                            .document("{}")
                            .jobExecutionsRolloutConfig(r -> r.maximumPerMinute(2000))))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("maximumPerMinute");
    assertThatThrownBy(
            () ->
                cloud.iot.createJob(
                    b ->
                        b.jobId("j")
                            .targets(thing("t1"))
                            .document("{}")
                            .schedulingConfig(s -> s.startTime("2026-01-01T00:00"))))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("30 minutes");
  }

  @Test
  void aDocumentComesFromS3AndItsPlaceholdersBecomeUrlsForTheDevice() {
    cloud.iot.createJob(
        b ->
            b.jobId("s3")
                .targets(thing("t1"))
                .documentSource("https://docs.s3.us-east-1.amazonaws.com/job%20one.json"));
    assertThat(cloud.iot.getJobDocument(b -> b.jobId("s3")).document())
        .isEqualTo("{\n \"from\": \"s3\"}");
    assertThat(cloud.iot.describeJob(b -> b.jobId("s3")).documentSource()).endsWith("one.json");
    assertThatThrownBy(
            () ->
                cloud.iot.createJob(
                    b ->
                        b.jobId("no")
                            .targets(thing("t1"))
                            .documentSource("https://s3.amazonaws.com/docs/other.json")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("other.json");

    String placeholder =
        "${aws:iot:s3-presigned-url:https://s3.us-east-1.amazonaws.com/files/fw 1.bin}";
    cloud.iot.createJob(
        b ->
            b.jobId("url")
                .targets(thing("t2"))
                .document("{\"get\":\"" + placeholder + "\"}")
                .presignedUrlConfig(p -> p.roleArn(ROLE).expiresInSec(600L)));
    assertThat(cloud.iot.getJobDocument(b -> b.jobId("url")).document()).contains(placeholder);
    assertThat(
            last("t2", "notify-next").path("execution").path("jobDocument").path("get").asString())
        .isEqualTo("https://cloud/files/fw 1.bin?for=600");
  }

  @Test
  void listsAreFilteredAndPaged() {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      String id = "j" + i;
      ids.add(id);
      create(id, "t1");
    }
    cloud.iot.createJob(
        b ->
            b.jobId("follows")
                .targets(group("g1"))
                .targetSelection(TargetSelection.CONTINUOUS)
                .document("{}"));
    assertThat(cloud.iot.listJobs(b -> b.targetSelection(TargetSelection.CONTINUOUS)).jobs())
        .extracting(JobSummary::jobId)
        .containsExactly("follows");
    assertThat(cloud.iot.listJobs(b -> b.thingGroupName("g1")).jobs())
        .extracting(JobSummary::jobId)
        .containsExactly("follows");
    assertThat(
            cloud.iot.listJobsPaginator(b -> b.maxResults(2)).jobs().stream()
                .map(JobSummary::jobId)
                .filter(ids::contains))
        .containsExactlyInAnyOrderElementsOf(ids);
    assertThat(
            cloud
                .iot
                .listJobExecutionsForThingPaginator(b -> b.thingName("t1").maxResults(2))
                .executionSummaries()
                .stream()
                .map(e -> e.jobId()))
        .containsExactly("j4", "j3", "j2", "j1", "j0");
    assertThatThrownBy(() -> cloud.iot.listJobs(b -> b.nextToken("what")))
        .isInstanceOf(InvalidRequestException.class);
  }

  @Test
  void cancelingAndDeletingAskForForceWhereADeviceIsAtIt() {
    cloud.iot.createJob(b -> b.jobId("j").targets(thing("t1"), thing("t2")).document("{}"));
    cloud.jobsData.startNextPendingJobExecution(b -> b.thingName("t1"));
    assertThatThrownBy(() -> cloud.iot.deleteJob(b -> b.jobId("j")))
        .isInstanceOf(InvalidStateTransitionException.class);
    assertThatThrownBy(() -> cloud.iot.cancelJobExecution(b -> b.jobId("j").thingName("t1")))
        .isInstanceOf(InvalidStateTransitionException.class)
        .hasMessageContaining("force");
    assertThatThrownBy(
            () ->
                cloud.iot.cancelJobExecution(b -> b.jobId("j").thingName("t2").expectedVersion(7L)))
        .isInstanceOf(VersionConflictException.class);

    cloud.iot.cancelJob(b -> b.jobId("j").reasonCode("OLD").comment("no more"));
    Job canceled = cloud.iot.describeJob(b -> b.jobId("j")).job();
    assertThat(canceled.reasonCode()).isEqualTo("OLD");
    assertThat(canceled.jobProcessDetails().numberOfCanceledThings()).isEqualTo(1);
    assertThat(canceled.jobProcessDetails().numberOfInProgressThings()).isEqualTo(1);
    assertThatThrownBy(() -> cloud.iot.cancelJob(b -> b.jobId("j")))
        .isInstanceOf(InvalidRequestException.class);

    cloud.iot.cancelJob(b -> b.jobId("j").force(true));
    assertThat(
            cloud
                .iot
                .describeJobExecution(b -> b.jobId("j").thingName("t1"))
                .execution()
                .forceCanceled())
        .isTrue();
    cloud.iot.deleteJob(b -> b.jobId("j"));
    assertThatThrownBy(() -> cloud.iot.describeJob(b -> b.jobId("j")))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void anExecutionIsDeletedByItsNumber() {
    create("j", "t1");
    assertThatThrownBy(
            () ->
                cloud.iot.deleteJobExecution(b -> b.jobId("j").thingName("t1").executionNumber(2L)))
        .isInstanceOf(ResourceNotFoundException.class);
    cloud.jobsData.startNextPendingJobExecution(b -> b.thingName("t1"));
    assertThatThrownBy(
            () ->
                cloud.iot.deleteJobExecution(b -> b.jobId("j").thingName("t1").executionNumber(1L)))
        .isInstanceOf(InvalidStateTransitionException.class);
    cloud.iot.deleteJobExecution(b -> b.jobId("j").thingName("t1").executionNumber(1L).force(true));

    assertThat(last("t1", "notify").path("jobs").isEmpty()).isTrue();
    assertThat(cloud.iot.listJobExecutionsForJob(b -> b.jobId("j")).executionSummaries()).isEmpty();
  }

  @Test
  void groupsAreAssociatedWithContinuousJobsOnly() {
    cloud.iot.createThingGroup(b -> b.thingGroupName("g2"));
    cloud.iot.addThingToThingGroup(b -> b.thingName("t2").thingGroupName("g2"));
    create("snapshot", "t1");
    assertThatThrownBy(
            () -> cloud.iot.associateTargetsWithJob(b -> b.jobId("snapshot").targets(group("g2"))))
        .isInstanceOf(InvalidRequestException.class);
    cloud.iot.createJob(
        b ->
            b.jobId("follows")
                .targets(group("g1"))
                .targetSelection(TargetSelection.CONTINUOUS)
                .document("{}"));
    cloud.iot.associateTargetsWithJob(b -> b.jobId("follows").targets(group("g2")).comment("more"));

    assertThat(cloud.iot.describeJob(b -> b.jobId("follows")).job().targets())
        .containsExactly(group("g1"), group("g2"));
    assertThat(cloud.jobsData.getPendingJobExecutions(b -> b.thingName("t2")).queuedJobs())
        .hasSize(1);
  }

  @Test
  void templatesGiveTheirDocumentAndSettings() {
    cloud.iot.createJobTemplate(
        b ->
            b.jobTemplateId("tpl")
                .description("reboots")
                .document("{\"op\":\"reboot\"}")
                .timeoutConfig(t -> t.inProgressTimeoutInMinutes(7L)));
    assertThatThrownBy(
            () ->
                cloud.iot.createJobTemplate(
                    b -> b.jobTemplateId("tpl").description("x").document("{}")))
        .isInstanceOf(ConflictException.class);
    String arn = cloud.iot.describeJobTemplate(b -> b.jobTemplateId("tpl")).jobTemplateArn();
    cloud.iot.createJob(b -> b.jobId("j").targets(thing("t1")).jobTemplateArn(arn));
    Job job = cloud.iot.describeJob(b -> b.jobId("j")).job();
    assertThat(job.jobTemplateArn()).isEqualTo(arn);
    assertThat(job.timeoutConfig().inProgressTimeoutInMinutes()).isEqualTo(7);
    assertThat(cloud.iot.getJobDocument(b -> b.jobId("j")).document()).contains("reboot");

    cloud.iot.createJobTemplate(
        b -> b.jobTemplateId("copy").description("of a job").jobArn(job.jobArn()));
    assertThat(cloud.iot.listJobTemplates(b -> {}).jobTemplates()).hasSize(2);
    cloud.iot.deleteJobTemplate(b -> b.jobTemplateId("tpl"));
    assertThat(cloud.iot.listJobTemplates(b -> {}).jobTemplates()).hasSize(1);

    String managed =
        cloud
            .iot
            .listManagedJobTemplates(b -> b.templateName("AWS-Download-File"))
            .managedJobTemplates()
            .getFirst()
            .templateArn();
    assertThatThrownBy(
            () ->
                cloud.iot.createJob(b -> b.jobId("m").targets(thing("t1")).jobTemplateArn(managed)))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("downloadUrl");
    cloud.iot.createJob(
        b ->
            b.jobId("m")
                .targets(thing("t1"))
                .jobTemplateArn(managed)
                .documentParameters(Map.of("downloadUrl", "https://x/y", "filePath", "/tmp/y")));
    assertThat(cloud.iot.getJobDocument(b -> b.jobId("m")).document())
        .contains("https://x/y")
        .doesNotContain("${");
  }

  @Test
  void anUpdateChangesWhatItNames() {
    create("j", "t1");
    cloud.iot.updateJob(
        b ->
            b.jobId("j").description("later").timeoutConfig(t -> t.inProgressTimeoutInMinutes(3L)));
    Job job = cloud.iot.describeJob(b -> b.jobId("j")).job();
    assertThat(job.description()).isEqualTo("later");
    assertThat(job.timeoutConfig().inProgressTimeoutInMinutes()).isEqualTo(3);
  }

  @Test
  void aDeviceCanDoItAllWithSignedRequests() {
    create("j", "t1");
    var started =
        cloud
            .jobsData
            .startNextPendingJobExecution(b -> b.thingName("t1").statusDetails(Map.of("step", "1")))
            .execution();
    assertThat(started.jobDocument()).isEqualTo("{}");
    assertThat(started.status()).isEqualTo(JobExecutionStatus.IN_PROGRESS);
    assertThat(
            cloud
                .jobsData
                .describeJobExecution(b -> b.thingName("t1").jobId("$next"))
                .execution()
                .jobDocument())
        .as("only when asked for")
        .isNull();
    assertThatThrownBy(
            () ->
                cloud.jobsData.updateJobExecution(
                    b ->
                        b.thingName("t1")
                            .jobId("j")
                            .status(JobExecutionStatus.SUCCEEDED)
                            .expectedVersion(9L)))
        .hasMessageContaining("version 2");
    var done =
        cloud.jobsData.updateJobExecution(
            b ->
                b.thingName("t1")
                    .jobId("j")
                    .status(JobExecutionStatus.SUCCEEDED)
                    .expectedVersion(2L)
                    .includeJobExecutionState(true)
                    .includeJobDocument(true));
    assertThat(done.executionState().versionNumber()).isEqualTo(3);
    assertThat(done.executionState().statusDetails()).containsEntry("step", "1");
    assertThat(done.jobDocument()).isEqualTo("{}");
    assertThatThrownBy(() -> cloud.jobsData.describeJobExecution(b -> b.thingName("t1").jobId("j")))
        .isInstanceOf(TerminalStateException.class);
    assertThat(cloud.jobsData.startNextPendingJobExecution(b -> b.thingName("t1")).execution())
        .isNull();
  }

  @Test
  void aDeviceCanDoItAllWithItsCertificateOverHttps() {
    create("j", "t1");
    assertThat(https("GET", "/things/{thing}/jobs", Map.of(), "").path("queuedJobs")).hasSize(1);
    JsonNode started =
        https("PUT", "/things/{thing}/jobs/$next", Map.of(), "{\"stepTimeoutInMinutes\":5}");
    assertThat(started.path("execution").path("jobDocument").asString()).isEqualTo("{}");
    assertThat(started.path("execution").path("approximateSecondsBeforeTimedOut").asLong())
        .isBetween(200L, 300L);
    JsonNode described =
        https(
            "GET",
            "/things/{thing}/jobs/{jobId}",
            Map.of("includeJobDocument", List.of("true")),
            "");
    assertThat(described.path("execution").path("jobDocument").isString()).isTrue();
    JsonNode refused =
        https("POST", "/things/{thing}/jobs/{jobId}", Map.of(), "{\"status\":\"DONE\"}");
    assertThat(refused.path("message").asString()).contains("SUCCEEDED");
    https("POST", "/things/{thing}/jobs/{jobId}", Map.of(), "{\"status\":\"SUCCEEDED\"}");

    assertThat(cloud.iot.describeJob(b -> b.jobId("j")).job().statusAsString())
        .isEqualTo("COMPLETED");
  }

  private JsonNode https(String method, String path, Map<String, List<String>> query, String body) {
    DeviceRoute route =
        cloud.jobs.routes().stream()
            .filter(r -> r.method().equals(method) && r.pathTemplate().equals(path))
            .findFirst()
            .orElseThrow();
    DeviceRequest request =
        new DeviceRequest(
            cloud.device("t1"),
            Map.of("thing", "t1", "jobId", "j"),
            query,
            Map.of(),
            body.getBytes(StandardCharsets.UTF_8));
    assertThat(route.action()).startsWith("iotjobsdata:");
    assertThat(route.resource().apply(request)).isEqualTo(thing("t1"));
    return JsonMapper.shared().readTree(route.handler().apply(request).body());
  }

  /** The guide's example: what is said on which topic. */
  @Test
  void notifyNextIsSentOnlyWhenAnotherExecutionBecomesTheFirst() {
    create("job1", "t1");
    create("job2", "t1");
    assertThat(sent("t1", "notify-next")).containsExactly("job1");
    update("t1", "job1", "IN_PROGRESS");
    create("job3", "t1");
    assertThat(sent("t1", "notify-next")).containsExactly("job1");
    update("t1", "job1", "SUCCEEDED");
    assertThat(sent("t1", "notify-next")).containsExactly("job1", "job2");
    update("t1", "job3", "IN_PROGRESS");
    assertThat(sent("t1", "notify-next")).containsExactly("job1", "job2", "job3");
    cloud.iot.deleteJob(b -> b.jobId("job2").force(true));
    assertThat(sent("t1", "notify-next")).containsExactly("job1", "job2", "job3");
    cloud.iot.deleteJob(b -> b.jobId("job3").force(true));

    assertThat(sent("t1", "notify-next")).containsExactly("job1", "job2", "job3", "");
    assertThat(last("t1", "notify").path("jobs").isEmpty()).isTrue();
  }

  @Test
  void detailsOfAStatusAreHeldToTheirBounds() {
    create("j", "t1");
    for (String details :
        List.of(
            "{\"a b\":\"x\"}",
            "{\"a\":\"\"}",
            "{\"a\":1}",
            "{\"a\":\"line\\nbreak\"}",
            "{\"a\":\"" + "x".repeat(1025) + "\"}",
            "{\"1\":\"x\",\"2\":\"x\",\"3\":\"x\",\"4\":\"x\",\"5\":\"x\",\"6\":\"x\",\"7\":\"x\","
                + "\"8\":\"x\",\"9\":\"x\",\"10\":\"x\",\"11\":\"x\"}")) {
      send("t1", "j/update", "{\"status\":\"IN_PROGRESS\",\"statusDetails\":" + details + "}");
      assertThat(last("t1", "j/update/rejected").path("code").asString())
          .as(details)
          .isEqualTo("InvalidRequest");
    }
    send("t1", "j/update", "{\"status\":\"IN_PROGRESS\",\"stepTimeoutInMinutes\":0}");
    assertThat(last("t1", "j/update/rejected").path("message").asString()).contains("10080");
    send("t1", "j/nonsense", "{\"clientToken\":\"c\"}");
    assertThat(last("t1", "j/nonsense/rejected").path("code").asString()).isEqualTo("InvalidTopic");
  }

  @Test
  void eventsAreSentWhenTheyAreSwitchedOn() {
    create("silent", "t1");
    update("t1", "silent", "SUCCEEDED");
    assertThat(events()).isEmpty();
    cloud.store.write(
        sql ->
            sql.update(
                "INSERT INTO event_configurations (type, enabled, created, updated) VALUES"
                    + " ('JOB', 1, 0, 0), ('JOB_EXECUTION', 1, 0, 0)"));
    create("j", "t1");
    update("t1", "j", "SUCCEEDED");
    cloud.iot.deleteJob(b -> b.jobId("j"));
    create("k", "t2");
    cloud.iot.cancelJob(b -> b.jobId("k"));

    assertThat(events())
        .containsExactly(
            "jobExecution/j/succeeded",
            "job/j/completed",
            "job/j/deletion_in_progress",
            "jobExecution/j/deleted",
            "job/j/deleted",
            "job/k/cancellation_in_progress",
            "jobExecution/k/canceled",
            "job/k/canceled");
    JsonNode completed = cloud.last("$aws/events/job/j/completed");
    assertThat(completed.path("eventType").asString()).isEqualTo("JOB");
    assertThat(completed.path("jobProcessDetails").path("numberOfSucceededThings").asInt())
        .isEqualTo(1);
    assertThat(cloud.last("$aws/events/jobExecution/j/succeeded").path("thingArn").asString())
        .isEqualTo(thing("t1"));
  }

  private List<String> events() {
    return cloud.published.stream()
        .map(TestRegistry.Published::topic)
        .filter(t -> t.startsWith("$aws/events/job"))
        .map(t -> t.substring("$aws/events/".length()))
        .toList();
  }

  private List<String> sent(String thing, String topic) {
    return cloud.published.stream()
        .filter(p -> p.topic().equals("$aws/things/" + thing + "/jobs/" + topic))
        .map(p -> p.payload().path("execution").path("jobId").asString(""))
        .toList();
  }

  private void create(String jobId, String thing) {
    cloud.iot.createJob(b -> b.jobId(jobId).targets(thing(thing)).document("{}"));
  }

  private void update(String thing, String jobId, String status) {
    send(thing, jobId + "/update", "{\"status\":\"" + status + "\"}");
  }

  private void send(String thing, String suffix, String payload) {
    cloud.fromDevice(thing, "$aws/things/" + thing + "/jobs/" + suffix, payload);
  }

  private JsonNode last(String thing, String suffix) {
    return cloud.last("$aws/things/" + thing + "/jobs/" + suffix);
  }

  private String thing(String name) {
    return cloud.registry.thingArn(name);
  }

  private String group(String name) {
    return cloud.registry.thingGroupArn(name);
  }
}
