package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/**
 * TUT-LRA by the AWS CLI, its volume read-only and then a file of root's (E15), and a
 * machine-learning model in both isolation modes (E39); the functions are those of the guide.
 *
 * <p>They run as {@code nobody}: user 0 may use everything.
 */
@DisplayName("E14, E15, E39 Local and machine-learning resources of a V1 group")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class V1ResourcesScenarioTest {
  /** As the guide prints it, but for the imports, which it prints on the page before. */
  private static final String LRA =
      """
      import sys, os, logging, greengrasssdk

      # Setup logging to stdout
      logger = logging.getLogger(__name__)
      logging.basicConfig(stream=sys.stdout, level=logging.DEBUG)

      # Create a Greengrass Core SDK client.
      client = greengrasssdk.client('iot-data')
      volumePath = '/dest/LRAtest'

      def function_handler(event, context):
          try:
              client.publish(topic='LRA/test', payload='Sent from AWS IoT Greengrass Core.')
              volumeInfo = os.stat(volumePath)
              client.publish(topic='LRA/test', payload=str(volumeInfo))
              with open(volumePath + '/test', 'a') as output:
                  output.write('Successfully write to a file.')
              with open(volumePath + '/test', 'r') as myfile:
                  data = myfile.read()
              client.publish(topic='LRA/test', payload=data)
          except Exception as e:
              logger.error('Failed to publish message: ' + repr(e))
          return
      """;

  private static final String MODEL =
      """
      import os, greengrasssdk
      client = greengrasssdk.client('iot-data')

      def function_handler(event, context):
          prefix = os.environ['AWS_GG_RESOURCE_PREFIX']
          with open(prefix + '/greengrass-machine-learning/model/labels.txt') as labels:
              client.publish(topic='ML/' + os.environ['KIND'], payload=prefix + ' ' + labels.read())
      """;

  private static final String DESTINATION = "/greengrass-machine-learning";

  private static TestCloud cloud;
  private static TestCore core;
  private static CrashDevice watcher;
  private static final List<String> heard = new CopyOnWriteArrayList<>();
  private static Path volume;
  private static String lra;
  private static String contained;
  private static String plain;
  private static String group;
  private static String coreVersion;
  private static String resources;
  private static String subscriptions;

  @BeforeAll
  static void start(TestCloud shared) throws Exception {
    assumeThat(TestCore.isRoot()).as("containers and groups need root").isTrue();
    cloud = shared;
    core = TestCore.startedForFunctions(cloud, "resources");
    TestCore ears = TestCore.provisioned(cloud, "resources-ears");
    watcher =
        CrashDevice.connect(
            ears.root.resolve("certs"), ears.thing, cloud.mqttPort(), true, heard::add);
    watcher.subscribe("LRA/test");
    watcher.subscribe("ML/+");
    volume = Files.createDirectories(cloud.folder.resolve("src/LRAtest"));
    Files.setAttribute(volume, "unix:gid", 4711);
    Files.setPosixFilePermissions(volume, PosixFilePermissions.fromString("rwxrwx---"));
    lra = function("TestLRA", LRA);
    contained = function("TestModel", MODEL);
    plain = function("TestModelPlain", MODEL);
    Path model = cloud.folder.resolve("model.zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(model))) {
      out.putNextEntry(new ZipEntry("model/labels.txt"));
      out.write("cat, dog".getBytes(StandardCharsets.UTF_8));
    }
    cloud.aws("s3api", "create-bucket", "--bucket", "greengrass-models");
    cloud.aws(
        "s3api",
        "put-object",
        "--bucket",
        "greengrass-models",
        "--key",
        "model.zip",
        "--body",
        model.toString());
    String certificate =
        cloud
            .aws("iot", "list-thing-principals", "--thing-name", core.thing)
            .path("principals")
            .path(0)
            .asString();
    coreVersion =
        define(
            "core",
            "{\"Cores\":[{\"Id\":\"c\",\"ThingArn\":\"%s\",\"CertificateArn\":\"%s\",\"SyncShadow\":false}]}"
                .formatted(core.arn(), certificate));
    defineResourcesAndSubscriptions();
    group = cloud.aws("greengrass", "create-group", "--name", "resources").path("Id").asString();
  }

  @AfterAll
  static void stop() {
    if (watcher != null) {
      watcher.close();
    }
    if (core != null) {
      core.close();
    }
  }

  private static String function(String name, String code) {
    Path zip = cloud.folder.resolve(name + ".zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      out.putNextEntry(new ZipEntry("code.py"));
      out.write(code.getBytes(StandardCharsets.UTF_8));
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
            "python3.7",
            "--handler",
            "code.function_handler",
            "--role",
            "arn:aws:iam::" + TestCloud.ACCOUNT + ":role/any",
            "--publish",
            "--zip-file",
            "fileb://" + zip)
        .path("FunctionArn")
        .asString();
  }

  private static String define(String kind, String content) {
    return cloud
        .aws(
            "greengrass",
            "create-" + kind + "-definition",
            "--name",
            "resources",
            "--initial-version",
            content)
        .path("LatestVersionArn")
        .asString();
  }

  private static String functions(String permission) {
    String configuration =
        """
        {"Id":"%s","FunctionArn":"%s","FunctionConfiguration":{"Timeout":30,"MemorySize":65536,"Pinned":false,
         "Environment":{"Variables":{"KIND":"%s"},"ResourceAccessPolicies":[%s]}}}""";
    return "{\"Functions\":["
        + configuration.formatted(
            "lra",
            lra,
            "",
            "{\"ResourceId\":\"data-volume\",\"Permission\":\"" + permission + "\"}")
        + ","
        + configuration.formatted(
            "contained", contained, "contained", "{\"ResourceId\":\"model\",\"Permission\":\"ro\"}")
        + ","
        + configuration
            .formatted("plain", plain, "plain", "{\"ResourceId\":\"model\"}")
            .replace("\"MemorySize\":65536,", "")
            .replace(
                "\"Variables\":{\"KIND\":\"plain\"},",
                "\"Variables\":{\"KIND\":\"plain\"},\"Execution\":{\"IsolationMode\":\"NoContainer\"},")
        + "]}";
  }

  private static String resources(Path source) {
    return define(
        "resource",
        """
        {"Resources":[
          {"Id":"data-volume","Name":"data","ResourceDataContainer":{"LocalVolumeResourceData":{"SourcePath":"%s",
           "DestinationPath":"/dest/LRAtest","GroupOwnerSetting":{"AutoAddGroupOwner":true}}}},
          {"Id":"model","Name":"model","ResourceDataContainer":{"S3MachineLearningModelResourceData":{
           "DestinationPath":"%s","S3Uri":"s3://greengrass-models/model.zip",
           "OwnerSetting":{"GroupOwner":"4712","GroupPermission":"ro"}}}}]}"""
            .formatted(source, DESTINATION));
  }

  private static void defineResourcesAndSubscriptions() {
    resources = resources(volume);
    String subscription = "{\"Id\":\"%s\",\"Source\":\"%s\",\"Subject\":\"%s\",\"Target\":\"%s\"}";
    subscriptions =
        define(
            "subscription",
            "{\"Subscriptions\":["
                + String.join(
                    ",",
                    subscription.formatted("1", lra, "LRA/test", "cloud"),
                    subscription.formatted("2", "cloud", "LRA/invoke", lra),
                    subscription.formatted("3", contained, "ML/#", "cloud"),
                    subscription.formatted("4", plain, "ML/#", "cloud"),
                    subscription.formatted("5", "cloud", "invoke/models", contained),
                    subscription.formatted("6", "cloud", "invoke/models", plain))
                + "]}");
  }

  private static String version(String permission) {
    return cloud
        .aws(
            "greengrass",
            "create-group-version",
            "--group-id",
            group,
            "--core-definition-version-arn",
            coreVersion,
            "--resource-definition-version-arn",
            resources,
            "--function-definition-version-arn",
            define("function", functions(permission)),
            "--subscription-definition-version-arn",
            subscriptions)
        .path("Version")
        .asString();
  }

  private static JsonNode deploy(String version) {
    String deployment = cloud.newDeployment(group, version);
    return TestCore.await("deployment of " + version)
        .until(
            () ->
                cloud.aws(
                    "greengrass",
                    "get-deployment-status",
                    "--group-id",
                    group,
                    "--deployment-id",
                    deployment),
            s -> Set.of("Success", "Failure").contains(s.path("DeploymentStatus").asString()));
  }

  private static void invoke(String topic) {
    cloud.aws("iot-data", "publish", "--topic", topic, "--payload", "{}");
  }

  private static Path modelFile() {
    return TestCloud.filesOf(core.root.resolve("packages/artifacts")).stream()
        .filter(f -> f.getFileName().toString().equals("model.zip"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  @Order(1)
  @DisplayName(
      "E14: exactly three payloads in order, the file on the host, nothing at the destination")
  void theFunctionUsesTheVolumeThatTheGroupGivesIt() {
    assertThat(deploy(version("rw")).path("DeploymentStatus").asString()).isEqualTo("Success");
    core.awaitSubscribed("LRA/invoke", "invoke/models");

    invoke("LRA/invoke");

    TestCore.await("three payloads").until(() -> heard.size() >= 3);
    assertThat(heard).hasSize(3);
    assertThat(heard.get(0)).contains("Sent from AWS IoT Greengrass Core.");
    assertThat(heard.get(1)).contains("os.stat_result(st_mode=", "st_gid=4711");
    assertThat(heard.get(2)).contains("Successfully write to a file.");
    assertThat(volume.resolve("test")).hasContent("Successfully write to a file.");
    assertThat(Path.of("/dest/LRAtest")).doesNotExist();
  }

  @Test
  @Order(2)
  @DisplayName("E39: the model at its destination in a container, below the prefix without one")
  void theModelIsWhereEachKindOfFunctionLooksForIt() {
    heard.clear();

    invoke("invoke/models");

    TestCore.await("both functions").until(() -> heard.size() >= 2);
    assertThat(heard).anyMatch(m -> m.endsWith("/ cat, dog"));
    assertThat(heard)
        .anyMatch(
            m ->
                m.startsWith(core.root + "/work/aws.greengrass.LambdaManager/ml/TestModelPlain")
                    && m.endsWith(" cat, dog"));
    assertThat(Path.of(DESTINATION)).doesNotExist();
  }

  @Test
  @Order(3)
  @DisplayName("E15: ro: the write fails in the function; MLI-02: the model is not fetched again")
  void aReadOnlyVolumeIsReadOnly() throws IOException {
    FileTime fetched = Files.getLastModifiedTime(modelFile());
    heard.clear();
    assertThat(deploy(version("ro")).path("DeploymentStatus").asString()).isEqualTo("Success");

    invoke("LRA/invoke");

    core.awaitLog("TestLRA", "Failed to publish message: OSError(30, 'Read-only file system')");
    // The log is on the core; the two payloads before the write come by way of the cloud.
    TestCore.await("the two payloads before the write").until(() -> heard.size() >= 2);
    assertThat(heard).hasSize(2);
    assertThat(Files.getLastModifiedTime(modelFile())).isEqualTo(fetched);
  }

  @Test
  @Order(4)
  @DisplayName("E15, LRA-16, TRB-DEP-10: a file of root's, mode 0600, fails the deployment by name")
  void aFileThatTheFunctionMayNotReadFailsTheDeployment() throws IOException {
    Path secret = Files.writeString(cloud.folder.resolve("src/secret"), "root's");
    Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
    resources = resources(secret);

    JsonNode status = deploy(version("ro"));

    assertThat(status.path("DeploymentStatus").asString()).isEqualTo("Failure");
    assertThat(status.path("ErrorMessage").asString())
        .containsPattern(
            "group config is invalid: nobody or \\[\\S+ root] don't have ro permission")
        .contains(" on the file: " + secret + ".")
        .contains("belongs to uid 0, gid 0 and has mode 0600");
  }
}
