package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.GetSecretValueRequest;
import software.amazon.awssdk.aws.greengrass.model.UnauthorizedError;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One group with the tutorials' functions (examples/functions), made by the AWS CLI: TUT-SEC with
 * scenarios E16 and E17, TUT-06 with E13, where a bucket stands in for DynamoDB. Two components of
 * V2 read the group's secret by AWS's IPC client.
 */
@DisplayName("E13, E16, E17: secrets and the group's role")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class V1SecretsAndRoleScenarioTest {
  private static final String VALUE = "abcdefghi";
  private static final String BUCKET = "car-stats";
  private static final String ROLE = "Greengrass_Group_Role";
  private static final String PRINT = "com.example.PrintSecret";
  private static final String STRANGER = "com.example.Stranger";
  private static final String SUCCESS = "Success! Retrieved secret.";
  private static final List<String> heard = new CopyOnWriteArrayList<>();

  private static TestCloud cloud;
  private static TestCore core;
  private static CrashDevice person;
  private static String group = "";
  private static String version = "";
  private static String secret = "";

  @BeforeAll
  static void group(TestCloud shared) throws MqttException {
    cloud = shared;
    core = TestCore.provisionedForFunctions(cloud, "group-core");
    TestCloud.write(
        cloud.folder.resolve("person.json"),
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":\"*\"}]}");
    TestCore console =
        TestCore.provisioned(
            cloud,
            "console",
            "--client-device",
            "--policy",
            "Console",
            "--policy-document",
            cloud.folder.resolve("person.json").toString());
    person =
        CrashDevice.connect(
            console.root.resolve("certs"), console.thing, cloud.mqttPort(), true, heard::add);
    person.subscribe("secrets/output");
    secret =
        cloud
            .aws(
                "secretsmanager",
                "create-secret",
                "--name",
                "greengrass-TestSecret",
                "--secret-string",
                "{\"test\":\"" + VALUE + "\"}")
            .path("ARN")
            .asString();
    cloud.aws("s3api", "create-bucket", "--bucket", BUCKET);
    role();
    makeGroup();
    core.start();
  }

  private static void role() {
    cloud.aws(
        "iam",
        "create-role",
        "--role-name",
        ROLE,
        "--assume-role-policy-document",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"greengrass.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}");
    cloud.aws(
        "iam",
        "put-role-policy",
        "--role-name",
        ROLE,
        "--policy-name",
        "CarStats",
        "--policy-document",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:PutObject\",\"Resource\":\"arn:aws:s3:::"
            + BUCKET
            + "/*\"}]}");
  }

  private static void makeGroup() {
    String reader = function("SecretTest", "secret_test");
    String other = function("SecretStranger", "secret_test");
    String cars = function("GG_Car_Aggregator", "car_aggregator");
    String api =
        JsonMapper.shared()
            .readTree(TestCloud.read(cloud.data().resolve("endpoints.json")))
            .path("apiUrl")
            .asString();
    String thing = "\"ThingArn\":\"" + TestCloud.thingArn(core.thing) + "\"";
    String cores =
        define(
            "core",
            "{\"Cores\":[{\"Id\":\"core\",\"SyncShadow\":false,\"CertificateArn\":\"arn:aws:iot:us-east-1:000000000000:cert/any\","
                + thing
                + "}]}");
    String resources =
        define(
            "resource",
            "{\"Resources\":[{\"Id\":\"MyTestSecret\",\"Name\":\"MyTestSecret\",\"ResourceDataContainer\":{\"SecretsManagerSecretResourceData\":{\"ARN\":\""
                + secret
                + "\"}}}]}");
    String functions =
        define(
            "function",
            "{\"DefaultConfig\":{\"Execution\":{\"IsolationMode\":\""
                + (TestCore.isRoot() ? "GreengrassContainer" : "NoContainer")
                + "\"}},\"Functions\":["
                + entry(
                    reader,
                    "\"ResourceAccessPolicies\":[{\"ResourceId\":\"MyTestSecret\",\"Permission\":\"ro\"}]")
                + ","
                + entry(other, "\"Variables\":{}")
                + ","
                + entry(
                    cars,
                    "\"Variables\":{\"BUCKET\":\"" + BUCKET + "\",\"S3_ENDPOINT\":\"" + api + "\"}")
                + "]}");
    String subscriptions =
        define(
            "subscription",
            "{\"Subscriptions\":["
                + subscription("cloud", "secrets/input", reader)
                + ","
                + subscription(reader, "secrets/output", "cloud")
                + ","
                + subscription("cloud", "light/documents", cars)
                + "]}");
    JsonNode made =
        cloud.aws(
            "greengrass",
            "create-group",
            "--name",
            "secrets",
            "--initial-version",
            "{\"CoreDefinitionVersionArn\":\"%s\",\"ResourceDefinitionVersionArn\":\"%s\",\"FunctionDefinitionVersionArn\":\"%s\",\"SubscriptionDefinitionVersionArn\":\"%s\"}"
                .formatted(cores, resources, functions, subscriptions));
    group = made.path("Id").asString();
    version = made.path("LatestVersion").asString();
    cloud.aws(
        "greengrass",
        "associate-role-to-group",
        "--group-id",
        group,
        "--role-arn",
        "arn:aws:iam::" + TestCloud.ACCOUNT + ":role/" + ROLE);
  }

  /** One entry of the function definition: long-lived. */
  private static String entry(String arn, String environment) {
    return "{\"Id\":\""
        + arn.replaceAll("[:$]", "-")
        + "\",\"FunctionArn\":\""
        + arn
        + "\",\"FunctionConfiguration\":{\"Pinned\":true,\"Timeout\":60,"
        + (TestCore.isRoot() ? "\"MemorySize\":65536," : "")
        + "\"Environment\":{"
        + environment
        + "}}}";
  }

  private static String subscription(String source, String subject, String target) {
    return "{\"Id\":\"%s\",\"Source\":\"%s\",\"Subject\":\"%s\",\"Target\":\"%s\"}"
        .formatted(subject.replace('/', '-'), source, subject, target);
  }

  private static String define(String kind, String content) {
    return cloud
        .aws(
            "greengrass",
            "create-" + kind + "-definition",
            "--name",
            "secrets",
            "--initial-version",
            content)
        .path("LatestVersionArn")
        .asString();
  }

  private static String function(String name, String module) {
    Path zip = cloud.folder.resolve(name + ".zip");
    Path source = Ryegrass.HOME.resolve("examples/functions/" + module + "/" + module + ".py");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      out.putNextEntry(new ZipEntry(module + ".py"));
      Files.copy(source, out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return cloud
        .aws(
            "lambda",
            "create-function",
            "--function-name",
            name,
            "--runtime",
            "python3.8",
            "--handler",
            module + ".function_handler",
            "--role",
            "arn:aws:iam::" + TestCloud.ACCOUNT + ":role/nobody",
            "--publish",
            "--zip-file",
            "fileb://" + zip)
        .path("FunctionArn")
        .asString();
  }

  @AfterAll
  static void stop() {
    person.close();
    core.close();
  }

  // ---- what a person does

  /** Deploys the group and gives the status with which that ended. */
  private static JsonNode deployGroup() {
    String deployment = cloud.newDeployment(group, version);
    return TestCore.until(
        "the end of the group's deployment",
        () ->
            cloud.aws(
                "greengrass",
                "get-deployment-status",
                "--group-id",
                group,
                "--deployment-id",
                deployment),
        status ->
            Set.of("Success", "Failure").contains(status.path("DeploymentStatus").asString()));
  }

  private static void deploySuccessfully() {
    JsonNode status = deployGroup();
    assertThat(status.path("DeploymentStatus").asString())
        .as(status.toString())
        .isEqualTo("Success");
  }

  private static void greens(int count) throws MqttException {
    for (int i = 0; i < count; i++) {
      for (String light : List.of("R", "G", "Y")) {
        person.publish(
            "light/documents",
            "{\"current\":{\"state\":{\"reported\":{\"property\":\"" + light + "\"}}}}");
      }
    }
  }

  private static JsonNode record(int greens) {
    Path file = cloud.folder.resolve("record.json");
    Ryegrass.Outcome got =
        cloud.awsOutcome(
            "s3api",
            "get-object",
            "--bucket",
            BUCKET,
            "--key",
            "CarStats/" + greens + ".json",
            file.toString());
    return got.exitCode() == 0
        ? JsonMapper.shared().readTree(TestCloud.read(file))
        : JsonMapper.shared().createObjectNode();
  }

  private static String value(GreengrassCoreIPCClientV2 component) throws InterruptedException {
    return component
        .getSecretValue(new GetSecretValueRequest().withSecretId("greengrass-TestSecret"))
        .getSecretValue()
        .getSecretString();
  }

  /** Files of the core in which a text stands. */
  private static List<Path> holding(String text) throws IOException {
    List<Path> found = new ArrayList<>();
    for (Path file : TestCloud.filesOf(core.root)) {
      try {
        if (new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(text)) {
          found.add(file);
        }
      } catch (NoSuchFileException e) {
        continue; // gone since
      }
    }
    return found;
  }

  @Test
  @Order(1)
  @DisplayName("TUT-SEC: 'Success! Retrieved secret.', and nothing for a function without it")
  void theFunctionGetsTheSecret() throws Exception {
    deploySuccessfully();
    core.awaitSubscribed("secrets/input", "light/documents");

    person.publish("secrets/input", "{}");

    TestCore.await("the function's answer")
        .untilAsserted(() -> assertThat(heard).contains(SUCCESS));
    core.awaitLog("SecretTest", "published: " + SUCCESS);
    core.awaitLog("SecretTest", "At the start: " + SUCCESS);
    core.awaitLog("SecretStranger", "At the start: Failed to retrieve secret.");
    core.awaitLog("SecretStranger", "error code 403");
  }

  @Test
  @Order(2)
  @DisplayName("a component with a policy gets it by IPC, another is not authorized; no plain text")
  void componentsOfVersion2GetItByTheirPolicies() throws Exception {
    for (String name : List.of(PRINT, STRANGER)) {
      cloud.createComponent(
          """
          RecipeFormatVersion: '2020-01-25'
          ComponentName: %s
          ComponentVersion: 1.0.0
          ComponentDependencies:
            aws.greengrass.SecretManager: {VersionRequirement: '>=2.0.0', DependencyType: HARD}
          ComponentConfiguration: {DefaultConfiguration: {%s}}
          Manifests:
            - Lifecycle:
                Run: echo $SVCUID > svcuid; exec sleep 100000
          """
              .formatted(
                  name,
                  name.equals(PRINT)
                      ? "accessControl: {aws.greengrass.SecretManager: {'print:secrets:1': {operations:"
                          + " ['aws.greengrass#GetSecretValue'], resources: ['"
                          + secret
                          + "']}}}"
                      : ""));
    }
    core.awaitCompleted(
        core.deploy(
            "{\"%s\":{\"componentVersion\":\"1.0.0\"},\"%s\":{\"componentVersion\":\"1.0.0\"}}"
                .formatted(PRINT, STRANGER)));

    try (var print = core.as(PRINT);
        var stranger = core.as(STRANGER)) {
      assertThat(value(print)).isEqualTo("{\"test\":\"" + VALUE + "\"}");
      assertThatThrownBy(() -> value(stranger)).isInstanceOf(UnauthorizedError.class);
    }
    assertThat(holding(VALUE)).isEmpty();
  }

  @Test
  @Order(3)
  @DisplayName("TUT-06: records at greens 3 and 6, with the role of the group")
  void theFunctionWritesWithTheGroupsRole() throws Exception {
    greens(6);

    JsonNode kept = TestCore.until("a record at green 6", () -> record(6), r -> !r.isEmpty());

    assertThat(kept.propertyNames())
        .contains("Time", "MaxCarsPassing", "MinCarsPassing", "TotalTraffic");
    assertThat(kept.path("TotalGreenlights").asInt()).isEqualTo(6);
    assertThat(record(3).path("TotalGreenlights").asInt()).isEqualTo(3);
  }

  @Test
  @Order(4)
  @DisplayName("E17: a new value comes with a deployment; E13: without the role it is denied")
  void aDeploymentBringsTheNewValueAndARoleThatIsGoneIsDenied() throws Exception {
    String before = TestCloud.read(core.root.resolve("secrets/secrets.json"));
    cloud.aws(
        "secretsmanager", "put-secret-value", "--secret-id", secret, "--secret-string", "rotated");
    cloud.aws("greengrass", "disassociate-role-from-group", "--group-id", group);
    try (var print = core.as(PRINT)) {
      assertThat(value(print)).contains(VALUE);
      deploySuccessfully();
      assertThat(value(print)).isEqualTo("rotated");
    }
    assertThat(TestCloud.read(core.root.resolve("secrets/secrets.json"))).isNotEqualTo(before);

    greens(3);

    core.awaitLog("GG_Car_Aggregator", "The record is not kept: 404");
    core.awaitLog("GG_Car_Aggregator", "TES responded with status code: 404");
    core.awaitLog("GG_Car_Aggregator", "You need to attach an IAM role to this deployment group.");
    assertThat(record(9)).isEmpty();
  }

  @Test
  @Order(5)
  @DisplayName("TRB-21: a secret that cannot be fetched fails the deployment, and the value stays")
  void aSecretThatIsGoneFailsTheDeployment() throws Exception {
    cloud.aws("secretsmanager", "delete-secret", "--secret-id", secret);

    JsonNode status = deployGroup();

    assertThat(status.path("DeploymentStatus").asString()).isEqualTo("Failure");
    assertThat(status.path("ErrorMessage").asString()).contains(secret, "cannot be fetched");
    try (var print = core.as(PRINT)) {
      assertThat(value(print)).isEqualTo("rotated");
    }
  }

  @Test
  @Order(6)
  @DisplayName("E16: with the cloud away, from the start on, both have it")
  void itServesWithoutTheCloud() throws Exception {
    core.close();
    Path config = core.root.resolve("config/config.yaml");
    TestCloud.write(
        config,
        TestCloud.read(config)
            .replaceAll("(localhost|127\\.0\\.0\\.1):\\d+", "$1:1")
            .replaceAll("(greengrassDataPlanePort|[^a-zA-Z]port): *\\d+", "$1: 1"));
    assertThat(TestCloud.read(config)).doesNotContain(": " + cloud.mqttPort());
    Files.delete(core.root.resolve("logs/SecretTest.log"));
    core.start();

    try (var print = core.as(PRINT)) {
      TestCore.await("the secret")
          .untilAsserted(() -> assertThat(value(print)).isEqualTo("rotated"));
    }
    core.awaitLog("SecretTest", "At the start: " + SUCCESS);
  }
}
