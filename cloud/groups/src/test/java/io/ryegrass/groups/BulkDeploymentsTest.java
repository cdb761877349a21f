package io.ryegrass.groups;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.groups.TestCloud.Answer;
import io.ryegrass.store.testing.OnBothDatabases;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Bulk deployments on the wire, with real buckets and roles (BLK-01 to BLK-11, E28). */
@OnBothDatabases
class BulkDeploymentsTest {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String ROLE = "arn:aws:iam::000000000000:role/bulk";

  @TempDir Path folder;
  private TestCloud cloud;

  @BeforeEach
  void open() {
    cloud = new TestCloud(folder);
    cloud.objects.createBucket("input");
    cloud.iam(
        "CreateRole",
        "RoleName",
        "bulk",
        "AssumeRolePolicyDocument",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"greengrass.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}");
    allow("*");
    cloud.service.start();
  }

  @AfterEach
  void close() {
    cloud.close();
  }

  /** What the role may deploy; the file it may always read. */
  private void allow(String groups) {
    cloud.iam(
        "PutRolePolicy",
        "RoleName",
        "bulk",
        "PolicyName",
        "p",
        "PolicyDocument",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"greengrass:CreateDeployment\",\"Resource\":\""
            + groups
            + "\"},{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::input/*\"}]}");
  }

  @Test
  void everyLineOfTheFileIsDeployedAndReported() {
    List<String> groups = List.of(group("a"), group("b"), group("c"));
    upload(groups.stream().map(BulkDeploymentsTest.this::line).toList());
    String id = start().text("BulkDeploymentId");
    Answer end = awaitEnd(id);
    assertThat(end.text("BulkDeploymentStatus")).isEqualTo("Completed");
    assertThat(end.body().path("BulkDeploymentMetrics"))
        .isEqualTo(
            TestCloud.JSON.readTree(
                "{\"InvalidInputRecords\":0,\"RecordsProcessed\":3,\"RetryAttempts\":0}"));
    assertThat(end.body().path("tags").path("k").asString("")).isEqualTo("v");
    List<JsonNode> reports = reports(id);
    assertThat(reports)
        .extracting(r -> r.path("DeploymentType").asString(""))
        .containsExactly("NewDeployment", "NewDeployment", "NewDeployment");
    for (int i = 0; i < 3; i++) {
      String group = groups.get(2 - i);
      JsonNode report = reports.get(i);
      assertThat(report.path("GroupArn").asString("")).contains("/groups/" + group + "/versions/");
      assertThat(
              cloud
                  .get("/groups/" + group + "/deployments")
                  .body()
                  .path("Deployments")
                  .path(0)
                  .path("DeploymentId"))
          .isEqualTo(report.path("DeploymentId"));
    }
    await().atMost(SOON).until(() -> cloud.sent.size() == 3);
    cloud.report(reports.getFirst().path("DeploymentId").asString(""), "SUCCEEDED", "");
    assertThat(reports(id).getFirst().path("DeploymentStatus").asString("")).isEqualTo("Success");
    assertThat(cloud.get("/bulk/deployments").body().path("BulkDeployments").path(0).toString())
        .contains(id)
        .contains("arn:aws:greengrass:us-east-1:000000000000:/greengrass/bulk/deployments/" + id);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"GroupVersionId\":\"v\",\"DeploymentType\":\"NewDeployment\"}|InvalidInputFile: Missing GroupId at line number: 2",
        "{\"GroupId\":\"g\",\"DeploymentType\":\"NewDeployment\"}|InvalidInputFile: Missing GroupVersionId at line number: 2",
        "{\"GroupId\":\"g\",\"GroupVersionId\":\"v\",\"DeploymentType\":\"Redeployment\"}|InvalidInputFile: Invalid deployment type at line number : 2. Only valid type is 'NewDeployment'.",
        "{\"GroupId\":|Failed to parse input file at line number: 2",
        "LONG|Line 2 is too long in S3 File. Valid line is less than 256 chars.",
      })
  void aLineThatIsNotValidFailsTheFileBeforeAnythingIsDeployed(String bad, String message) {
    upload(List.of(line(group("a")), bad.equals("LONG") ? "x".repeat(256) : bad));
    Answer end = awaitEnd(start().text("BulkDeploymentId"));
    assertThat(end.text("BulkDeploymentStatus")).isEqualTo("Failed");
    assertThat(end.text("ErrorMessage")).isEqualTo(message);
    assertThat(end.body().path("ErrorDetails").path(0).path("DetailedErrorCode").asString(""))
        .startsWith("4");
    assertThat(end.body().path("BulkDeploymentMetrics").path("RecordsProcessed").asInt(9)).isZero();
    assertThat(cloud.sent).isEmpty();
  }

  @Test
  void groupsThatDoNotExistOrThatTheRoleMayNotDeployAreInvalidRecordsAndTheOthersAreDeployed() {
    String mine = group("mine");
    String other = group("other");
    allow("arn:aws:greengrass:us-east-1:000000000000:greengrass/groups/" + mine);
    upload(
        List.of(
            line(other),
            "{\"GroupId\":\"none\",\"GroupVersionId\":\"v\",\"DeploymentType\":\"NewDeployment\"}",
            line(mine)));
    String id = start().text("BulkDeploymentId");
    Answer end = awaitEnd(id);
    assertThat(end.text("BulkDeploymentStatus")).isEqualTo("Completed");
    assertThat(end.body().path("BulkDeploymentMetrics").path("RecordsProcessed").asInt(0))
        .isEqualTo(3);
    assertThat(end.body().path("BulkDeploymentMetrics").path("InvalidInputRecords").asInt(0))
        .isEqualTo(2);
    assertThat(reports(id).getLast().path("ErrorMessage").asString(""))
        .contains(ROLE)
        .contains("greengrass:CreateDeployment")
        .contains(other);
    await().atMost(SOON).until(() -> cloud.sent.size() == 1);
    assertThat(cloud.sent.getFirst().groupId()).isEqualTo(mine);
  }

  @Test
  void aFileThatTheRoleMayNotReadOrThatIsNotThereFailsWithTheReason() {
    assertThat(awaitEnd(start("s3://input/none", "t1").text("BulkDeploymentId")))
        .extracting(e -> e.text("ErrorMessage"))
        .isEqualTo("There is no object s3://input/none.");
    assertThat(awaitEnd(start("s3://elsewhere/x", "t2").text("BulkDeploymentId")))
        .extracting(e -> e.text("ErrorMessage"))
        .isEqualTo("The execution role " + ROLE + " may not s3:GetObject s3://elsewhere/x.");
  }

  @Test
  void theSameTokenIsTheSameBulkDeploymentAndAnotherWhileOneRunsIsRefused() {
    List<String> lines = new ArrayList<>();
    String line = line(group("a"));
    for (int i = 0; i < 400; i++) {
      lines.add(line);
    }
    upload(lines);
    String id = start("s3://input/file", "token").text("BulkDeploymentId");
    assertThat(start("s3://input/file", "token").text("BulkDeploymentId")).isEqualTo(id);
    assertThat(start("s3://input/other", "token").status()).isEqualTo(400);
    Answer second = start("s3://input/file", "token-2");
    assertThat(second.status()).isEqualTo(400);
    assertThat(second.text("Message") + second.text("message"))
        .startsWith("Concurrent Deployment Error");
    assertThat(cloud.call("PUT", "/greengrass/bulk/deployments/" + id + "/$stop", "").status())
        .isEqualTo(200);
    Answer end = awaitEnd(id);
    assertThat(end.text("BulkDeploymentStatus")).isEqualTo("Stopped");
    assertThat(end.body().path("BulkDeploymentMetrics").path("RecordsProcessed").asInt(400))
        .isLessThan(400);
    assertThat(start("s3://input/file", "token-3").status()).isEqualTo(200);
  }

  @Test
  void aCloudThatDiesInTheMiddleGoesOnWithTheNextLineAndDeploysNoneTwice() {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      lines.add(line(group("g" + i)));
    }
    upload(lines);
    String id = start().text("BulkDeploymentId");
    await()
        .atMost(SOON)
        .until(
            () ->
                status(id).body().path("BulkDeploymentMetrics").path("RecordsProcessed").asInt(0)
                    >= 3);
    cloud = cloud.killed(folder);
    cloud.service.start();
    assertThat(awaitEnd(id).text("BulkDeploymentStatus")).isEqualTo("Completed");
    assertThat(reports(id)).hasSize(30).doesNotHaveDuplicates();
    for (JsonNode report : reports(id)) {
      String group = report.path("GroupArn").asString("").replaceAll(".*/groups/|/versions/.*", "");
      assertThat(cloud.get("/groups/" + group + "/deployments").body().path("Deployments"))
          .hasSize(1);
    }
  }

  private String group(String name) {
    String core =
        cloud
            .post(
                "/definition/cores",
                "{\"Name\":\"n\",\"InitialVersion\":{\"Cores\":[{\"Id\":\"c\",\"ThingArn\":\"arn:aws:iot:us-east-1:000000000000:thing/core-"
                    + name
                    + "\",\"CertificateArn\":\"arn:aws:iot:us-east-1:000000000000:cert/aa\"}]}}")
            .text("LatestVersionArn");
    return cloud
        .post(
            "/groups",
            "{\"Name\":\""
                + name
                + "\",\"InitialVersion\":{\"CoreDefinitionVersionArn\":\""
                + core
                + "\"}}")
        .text("Id");
  }

  private String line(String group) {
    return "{\"GroupId\":\""
        + group
        + "\",\"GroupVersionId\":\""
        + cloud.get("/groups/" + group).text("LatestVersion")
        + "\",\"DeploymentType\":\"NewDeployment\"}";
  }

  private void upload(List<String> lines) {
    cloud.objects.put(
        "input", "file", (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private Answer start() {
    return start("https://input.s3.us-east-1.amazonaws.com/file", "");
  }

  private Answer start(String uri, String token) {
    return cloud.call(
        "POST",
        "/greengrass/bulk/deployments",
        "{\"InputFileUri\":\""
            + uri
            + "\",\"ExecutionRoleArn\":\""
            + ROLE
            + "\",\"tags\":{\"k\":\"v\"}}",
        "x-amzn-client-token",
        token);
  }

  private Answer status(String id) {
    return cloud.get("/bulk/deployments/" + id + "/status");
  }

  private Answer awaitEnd(String id) {
    await()
        .atMost(SOON)
        .until(
            () ->
                List.of("Completed", "Failed", "Stopped")
                    .contains(status(id).text("BulkDeploymentStatus")));
    return status(id);
  }

  private List<JsonNode> reports(String id) {
    List<JsonNode> all = new ArrayList<>();
    String next = "";
    do {
      Answer page =
          cloud.get(
              "/bulk/deployments/"
                  + id
                  + "/detailed-reports?MaxResults=7"
                  + (next.isEmpty() ? "" : "&NextToken=" + next));
      page.body().path("Deployments").forEach(all::add);
      next = page.text("NextToken");
    } while (!next.isEmpty());
    return all;
  }
}
