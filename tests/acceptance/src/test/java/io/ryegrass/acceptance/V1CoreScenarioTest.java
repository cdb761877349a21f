package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A device of Greengrass V1 with its own folder: {@code config.json}, {@code greengrassd}, a group
 * deployed by the AWS CLI, V1's folders and logs, a reset (E01, E27, E37, CFG, DIR, LOG, INS-12,
 * INS-13, LAM-30, RST-01 … RST-03, TRB-CORE-02, TRB-CORE-06; v1-lambda-runtime.md section 12, check
 * 13).
 */
@DisplayName("A V1 device goes on with its own folder")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class V1CoreScenarioTest {
  private static final String HANDLER =
      """
      import logging, os, sys
      if os.getenv('FLOOD'):
        for i in range(2000):
          logging.warning('flood %d %s', i, 'x' * 200)
        logging.info('not asked for')
        logging.error('the flood is over')
      else:
        print("up as uid %d" % os.getuid())
        sys.stderr.write("on stderr\\n")
        logging.error("by the logger")
      def handler(event, context):
        return event
      """;

  private static TestCloud cloud;
  private static V1Device device;
  private static Path root;
  private static String group;
  private static String coreVersion;
  private static String function;
  private static long pid;

  @BeforeAll
  static void provision(TestCloud shared) throws IOException {
    assumeTrue(TestCore.isRoot(), "greengrassd is started as root");
    cloud = shared;
    root = cloud.folder.resolve("v1/greengrass");
    device = V1Device.provisioned(cloud, "v1-device", root);
    coreVersion = definition("core", device.coreDefinition());
    group = cloud.aws("greengrass", "create-group", "--name", "v1-device").path("Id").asString();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.putNextEntry(new ZipEntry("index.py"));
      zip.write(HANDLER.getBytes(StandardCharsets.UTF_8));
    }
    Files.write(cloud.folder.resolve("v1-function.zip"), bytes.toByteArray());
    cloud.aws(
        "lambda",
        "create-function",
        "--function-name",
        "v1-hello",
        "--runtime",
        "python3.8",
        "--handler",
        "index.handler",
        "--role",
        "arn:aws:iam::000000000000:role/any",
        "--zip-file",
        "fileb://" + cloud.folder.resolve("v1-function.zip"));
    function =
        cloud
            .aws("lambda", "publish-version", "--function-name", "v1-hello")
            .path("FunctionArn")
            .asString();
  }

  @AfterAll
  static void stop() {
    if (device != null) {
      daemon("stop");
    }
  }

  private static String definition(String kind, String version) {
    return cloud
        .aws("greengrass", "create-" + kind + "-definition", "--initial-version", version)
        .path("LatestVersionArn")
        .asString();
  }

  private static Ryegrass.Outcome daemon(String command) {
    return device.daemon(command);
  }

  private static void started(Ryegrass.Outcome outcome) {
    pid = V1Device.started(outcome);
  }

  private static void change(java.util.function.Consumer<ObjectNode> how) {
    device.change(how);
  }

  private static String log(String file) {
    return device.log(file);
  }

  private static String userLog() {
    return device.userLog("v1-hello");
  }

  /** A pinned function without container, as that user. */
  private static String groupVersion(int uid) {
    return groupVersion(uid, "", new String[0]);
  }

  private static String groupVersion(int uid, String variables, String... more) {
    String functions =
        definition(
            "function",
            "{\"Functions\":[{\"Id\":\"f\",\"FunctionArn\":\""
                + function
                + "\",\"FunctionConfiguration\":{\"Pinned\":true,\"Timeout\":3,\"Environment\":{"
                + variables
                + "\"Execution\":{\"IsolationMode\":\"NoContainer\",\"RunAs\":{\"Uid\":"
                + uid
                + ",\"Gid\":"
                + uid
                + "}}}}}]}");
    List<String> command =
        new ArrayList<>(
            List.of(
                "greengrass",
                "create-group-version",
                "--group-id",
                group,
                "--core-definition-version-arn",
                coreVersion,
                "--function-definition-version-arn",
                functions));
    command.addAll(List.of(more));
    return cloud.aws(command.toArray(String[]::new)).path("Version").asString();
  }

  private static JsonNode deployed(String version) {
    String id = cloud.newDeployment(group, version);
    return ended(id);
  }

  private static JsonNode ended(String deployment) {
    return TestCore.until(
        "the end of deployment " + deployment,
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

  @Test
  @Order(1)
  void aWrongConfigurationIsOneSentenceOnTheTerminalAndInCrashLog() {
    Path file = root.resolve("config/config.json");
    String good = TestCloud.read(file);
    TestCloud.write(file, good.substring(0, good.length() - 2));
    Ryegrass.Outcome outcome = daemon("start");
    outcome.isRefusalNaming(
        "Failed to parse " + file + ".",
        "Correct the file",
        "The Greengrass daemon process with [pid = ");
    assertThat(log("crash")).contains("Failed to parse " + file + ".", "] died.");
    TestCloud.write(file, good);
    change(c -> ((ObjectNode) c.path("crypto")).put("caPath", "/greengrass/certs/root.ca.pem"));
    daemon("start")
        .isRefusalNaming(
            "Error occurred while generating TLS config: ErrUnknownURIScheme",
            "crypto.caPath",
            "file:///");
    TestCloud.write(file, good);
    assertThat(root.resolve("generations")).doesNotExist();
  }

  @Test
  @Order(2)
  void greengrassdStartsTheDaemonThatPsLists() throws IOException {
    started(daemon("start"));
    assertThat(daemon("start").output()).contains("already running with PID: " + pid);
    assertThat(daemon("--version").output()).startsWith("1.11.6 ");
    String command = Files.readString(Path.of("/proc/" + pid + "/cmdline")).split("\0")[0];
    assertThat(command).isEqualTo(root.resolve("ggc/packages/1.11.6/bin/daemon").toString());
    assertThat(command).containsPattern("greengrass.*daemon"); // what E01 greps for
    assertThat(TestCloud.read(root.resolve("pids/greengrassd.pid")).strip())
        .isEqualTo(Long.toString(pid));
    assertThat(log("system/runtime"))
        .contains("config.json: runtime.cgroup.useSystemd has no effect: ");
    String runtime = log("system/runtime"); // in whose last line the core may just write
    assertThat(runtime.substring(0, runtime.lastIndexOf('\n') + 1).lines())
        .isNotEmpty()
        .allMatch(
            l -> l.matches("\\[\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z]\\[[A-Z]+]-.*"));
  }

  @Test
  @Order(3)
  void aFunctionThatWantsRootIsRefusedAndTheRestIsDeployed() {
    JsonNode refused = deployed(groupVersion(0));
    assertThat(refused.path("DeploymentStatus").asString()).as("%s", refused).isEqualTo("Failure");
    assertThat(log("system/runtime"))
        .contains("of type NewDeployment for group " + group + " failed error: ")
        .contains(
            "lambda(s) ["
                + function
                + "] are configured to run as root while Greengrass is not configured to run lambdas"
                + " with root permissions");
    assertThat(refused.path("ErrorMessage").asString())
        .contains("on a V1 core: in runtime of config.json");
    assertThat(root.resolve("ggc/deployment/group/group.json")).doesNotExist();

    JsonNode success = deployed(groupVersion(65534));
    assertThat(success.path("DeploymentStatus").asString()).as("%s", success).isEqualTo("Success");
    JsonNode file =
        JsonMapper.shared()
            .readTree(TestCloud.read(root.resolve("ggc/deployment/group/group.json")));
    assertThat(file.path("GroupId").asString()).isEqualTo(group);
    assertThat(file.path("Functions").path(0).path("FunctionArn").asString()).isEqualTo(function);
    assertThat(root.resolve("ggc/deployment/lambda/" + function + "/index.py"))
        .hasContent(HANDLER.strip());
    TestCore.await("the function's log")
        .untilAsserted(
            () ->
                assertThat(userLog())
                    .containsPattern("\\d{3}Z]\\[INFO]-.*up as uid 65534")
                    .containsPattern("\\d{3}Z]\\[WARN]-on stderr")
                    .containsPattern("\\d{3}Z]\\[ERROR]-index.py:\\d+,by the logger"));
    assertThat(log("system/runtime")).contains("for group " + group + " succeeded");
  }

  @Test
  @Order(4)
  void afterAKillItStartsAgainWithWhatIsDeployed() {
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    TestCore.await("the end of the daemon").until(() -> ProcessHandle.of(pid).isEmpty());
    long before = pid;
    started(daemon("start"));
    assertThat(pid).isNotEqualTo(before);
    assertThat(log("crash"))
        .contains("The Greengrass daemon process with [pid = " + before + "] died.");
    TestCore.await("the function's second start")
        .until(() -> userLog().split("up as uid", -1).length > 2);
  }

  @Test
  @Order(5)
  void anEmptiedGroupJsonGivesACoreWithoutFunctions() {
    daemon("stop").isSuccess();
    TestCloud.write(root.resolve("ggc/deployment/group/group.json"), "{}");
    device.allowFunctionsToRunAsRoot();
    started(daemon("start"));
    assertThat(log("system/runtime")).contains("is an empty group: the core starts without");
    assertThat(root.resolve("ggc/deployment/lambda")).isEmptyDirectory();
    JsonNode success = deployed(groupVersion(0)); // E31: now the device allows it
    assertThat(success.path("DeploymentStatus").asString()).as("%s", success).isEqualTo("Success");
    TestCore.await("the function as root")
        .untilAsserted(() -> assertThat(userLog()).contains("up as uid 0"));
  }

  @Test
  @Order(6)
  @DisplayName(
      "E37: a group's logger says level and room; a flood keeps to it, and the newest stays")
  void aFunctionsLogKeepsToTheLevelAndTheRoomOfTheGroup() {
    String loggers =
        definition(
            "logger",
            """
            {"Loggers":[{"Id":"s","Component":"GreengrassSystem","Type":"FileSystem","Level":"INFO","Space":10240},
             {"Id":"f","Component":"Lambda","Type":"FileSystem","Level":"WARN","Space":64}]}
            """);
    JsonNode success =
        deployed(
            groupVersion(
                65534,
                "\"Variables\":{\"FLOOD\":\"1\"},",
                "--logger-definition-version-arn",
                loggers));
    assertThat(success.path("DeploymentStatus").asString()).as("%s", success).isEqualTo("Success");
    TestCore.await("the end of the flood")
        .untilAsserted(() -> assertThat(allOfUserLog()).contains("the flood is over"));
    assertThat(allOfUserLog())
        .contains("[WARN]-")
        .contains(
            "flood 1999 ", "[WARN]-v1-hello has written more than its log may hold (Space 64 KB")
        .doesNotContain("flood 0 ")
        .doesNotContain("[INFO]")
        .hasSizeBetween(20 << 10, 64 << 10);
    assertThat(log("system/runtime")).contains("v1-hello has written more than its log may hold");
  }

  /** All files of the function's log; a rotated one may just go. */
  private static String allOfUserLog() {
    StringBuilder all = new StringBuilder();
    for (File file :
        Optional.ofNullable(
                root.resolve("ggc/var/log/user/us-east-1/000000000000").toFile().listFiles())
            .orElse(new File[0])) {
      all.append(TestCloud.read(file.toPath()));
    }
    return all.toString();
  }

  @Test
  @Order(7)
  void aForcedResetCleansUpWhenTheCoreIsBackAndKeepsItsIdentity() {
    daemon("stop").isSuccess();
    TestCore.await("the end of the daemon").until(() -> ProcessHandle.of(pid).isEmpty());
    assertThat(root.resolve("pids/greengrassd.pid")).doesNotExist();
    JsonNode reset = cloud.aws("greengrass", "reset-deployments", "--group-id", group, "--force");
    assertThat(ended(reset.path("DeploymentId").asString()).path("DeploymentStatus").asString())
        .isEqualTo("Success");
    started(daemon("start"));
    TestCore.await("the clean-up")
        .untilAsserted(
            () -> {
              assertThat(root.resolve("ggc/deployment/group/group.json")).doesNotExist();
              assertThat(root.resolve("ggc/deployment/lambda")).isEmptyDirectory();
              assertThat(root.resolve("ggc/var/log/user")).isEmptyDirectory();
            });
    assertThat(root.resolve("config/config.json")).exists();
    assertThat(root.resolve("certs")).isDirectoryContaining("glob:**.cert.pem");
    Ryegrass.Outcome stopped = daemon("stop");
    stopped.isSuccess();
    assertThat(stopped.output()).contains("Stopped greengrass daemon");
    assertThat(daemon("stop").output()).contains("is not running");
  }
}
