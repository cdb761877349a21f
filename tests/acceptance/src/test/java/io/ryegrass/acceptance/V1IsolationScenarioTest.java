package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
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
import software.amazon.awssdk.services.greengrass.model.GetDeploymentStatusResponse;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What functions of a V1 group can and cannot do, by the AWS CLI on a V1 core with real containers:
 * the same code as {@code inside} (in a container), {@code outside} (without) and {@code lived}
 * (long-lived, in a container). They are asked by MQTT and answer what they see.
 */
@DisplayName("E31, E32, E33 Isolation of the functions of a V1 core")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class V1IsolationScenarioTest {
  private static final String CODE =
      """
      import json, os, subprocess, time
      import greengrasssdk

      messages = greengrasssdk.client('iot-data')
      calls = 0

      def read(path):
          try:
              with open(path) as f:
                  return len(f.read())
          except OSError as e:
              return -e.errno

      def handler(event, context):
          global calls
          calls += 1
          told = {'n': event['n'], 'uid': os.getuid(), 'gid': os.getgid(), 'calls': calls,
                  'read': [read(path) for path in event.get('read', [])]}
          if 'child' in event:
              nothing = subprocess.DEVNULL
              subprocess.Popen(['nohup', 'sleep', event['child']], stdout=nothing, stderr=nothing)
          if 'megabytes' in event:
              told['megabytes'] = len(b'x' * (event['megabytes'] << 20)) >> 20
          time.sleep(event.get('sleep', 0))
          messages.publish(topic='isolation/%s/told' % os.environ['NAME'], payload=json.dumps(told))
      """;

  private static final int UID = 54321;
  private static final int GID = 54322;
  private static final int OTHER_UID = 54323;

  private static final List<String> heard = new CopyOnWriteArrayList<>();
  private static final AtomicInteger questions = new AtomicInteger();

  private static TestCloud cloud;
  private static V1Device device;
  private static CrashDevice person;
  private static String group;
  private static String cores;
  private static String subscriptions;
  private static String inside;
  private static String outside;
  private static String lived;

  @BeforeAll
  static void start(TestCloud shared) throws Exception {
    assumeThat(TestCore.isRoot()).as("users and containers need root").isTrue();
    cloud = shared;
    device = V1Device.provisioned(cloud, "isolation", cloud.folder.resolve("isolation/greengrass"));
    V1Device.started(device.daemon("start"));
    TestCore ears = TestCore.provisioned(cloud, "isolation-ears");
    person =
        CrashDevice.connect(
            ears.root.resolve("certs"), ears.thing, cloud.mqttPort(), true, heard::add);
    person.subscribe("isolation/+/told");
    Path zip = cloud.folder.resolve("isolation.zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      out.putNextEntry(new ZipEntry("probe.py"));
      out.write(CODE.getBytes(StandardCharsets.UTF_8));
    }
    inside = function("inside", zip);
    outside = function("outside", zip);
    lived = function("lived", zip);
    cores = define("core", device.coreDefinition());
    subscriptions =
        define(
            "subscription",
            "{\"Subscriptions\":["
                + String.join(
                    ",", rows("inside", inside), rows("outside", outside), rows("lived", lived))
                + "]}");
    group = cloud.aws("greengrass", "create-group", "--name", "isolation").path("Id").asString();
    assertThat(deploy("\"Uid\":" + OTHER_UID).deploymentStatus()).isEqualTo("Success");
    for (String function : List.of("inside", "outside", "lived")) {
      TestCloud.awaitSubscribed(device.root, "isolation/" + function + "/ask");
    }
  }

  @AfterAll
  static void stop() {
    if (person != null) {
      person.close();
    }
    if (device != null) {
      device.daemon("stop");
    }
  }

  private static String function(String name, Path zip) {
    return cloud
        .aws(
            "lambda",
            "create-function",
            "--publish",
            "--function-name",
            "isolation-" + name,
            "--runtime",
            "python3.7",
            "--handler",
            "probe.handler",
            "--role",
            "arn:aws:iam::" + TestCloud.ACCOUNT + ":role/any",
            "--zip-file",
            "fileb://" + zip)
        .path("FunctionArn")
        .asString();
  }

  private static String define(String kind, String content) {
    return cloud
        .aws("greengrass", "create-" + kind + "-definition", "--initial-version", content)
        .path("LatestVersionArn")
        .asString();
  }

  private static String rows(String name, String arn) {
    return """
        {"Id":"%1$s-in","Source":"cloud","Subject":"isolation/%1$s/ask","Target":"%2$s"},
        {"Id":"%1$s-out","Source":"%2$s","Subject":"isolation/%1$s/told","Target":"cloud"}"""
        .formatted(name, arn);
  }

  private static String entry(String name, String arn, boolean pinned, int timeout, String more) {
    return """
        {"Id":"%s","FunctionArn":"%s","FunctionConfiguration":{"Pinned":%s,"Timeout":%d,%s"Variables":{"NAME":"%s"}}}}"""
        .formatted(name, arn, pinned, timeout, more, name);
  }

  /** Deploys the group with what {@code inside} overrides of the group's identity. */
  private static GetDeploymentStatusResponse deploy(String runAs) {
    String contained =
        "\"MemorySize\":65536,\"Environment\":{\"Execution\":{\"IsolationMode\":\"GreengrassContainer\"%s},";
    String functions =
        define(
            "function",
            "{\"DefaultConfig\":{\"Execution\":{\"IsolationMode\":\"NoContainer\",\"RunAs\":{\"Uid\":"
                + UID
                + ",\"Gid\":"
                + GID
                + "}}},\"Functions\":["
                + String.join(
                    ",",
                    entry(
                        "inside",
                        inside,
                        false,
                        8,
                        contained.formatted(",\"RunAs\":{" + runAs + "}")),
                    entry("outside", outside, false, 8, "\"Environment\":{"),
                    entry("lived", lived, true, 8, contained.formatted("")))
                + "]}");
    String version =
        cloud
            .aws(
                "greengrass",
                "create-group-version",
                "--group-id",
                group,
                "--core-definition-version-arn",
                cores,
                "--function-definition-version-arn",
                functions,
                "--subscription-definition-version-arn",
                subscriptions)
            .path("Version")
            .asString();
    String deployment = cloud.newDeployment(group, version);
    return TestCore.await("deployment of " + version)
        .until(
            () -> cloud.v1.getDeploymentStatus(b -> b.groupId(group).deploymentId(deployment)),
            s -> Set.of("Success", "Failure").contains(s.deploymentStatus()));
  }

  /** Sends a question; gives its number. */
  private static int say(String function, ObjectNode question) throws Exception {
    int n = questions.incrementAndGet();
    person.publish("isolation/" + function + "/ask", question.put("n", n).toString());
    return n;
  }

  private static ObjectNode question() {
    return JsonMapper.shared().createObjectNode();
  }

  private static JsonNode ask(String function, ObjectNode question) throws Exception {
    int n = say(function, question);
    return TestCore.await("the answer of " + function)
        .until(
            () ->
                heard.stream()
                    .map(JsonMapper.shared()::readTree)
                    .filter(told -> told.path("n").asInt() == n)
                    .findFirst()
                    .orElse(null),
            told -> told != null);
  }

  private static void awaitLog(String function, String words) {
    TestCore.await("'" + words + "' in the log of " + function)
        .untilAsserted(() -> assertThat(device.userLog("isolation-" + function)).contains(words));
  }

  /** Processes of this host that sleep for so many seconds, wherever they do. */
  private static List<ProcessHandle> sleepers(String seconds) {
    return ProcessHandle.allProcesses()
        .filter(
            p -> {
              try {
                return Files.readString(Path.of("/proc/" + p.pid() + "/cmdline"))
                    .equals("sleep\0" + seconds + "\0");
              } catch (IOException e) {
                return false; // it has ended
              }
            })
        .toList();
  }

  @Test
  @Order(1)
  @DisplayName("E31: a function runs as its own uid or gid, else as the group's")
  void functionsRunAsTheGroupAndTheySay() throws Exception {
    JsonNode contained = ask("inside", question());
    JsonNode plain = ask("outside", question());
    JsonNode pinned = ask("lived", question());

    assertThat(contained.path("uid").asInt()).isEqualTo(OTHER_UID);
    assertThat(List.of(plain, pinned)).allMatch(told -> told.path("uid").asInt() == UID);
    assertThat(List.of(contained, plain, pinned)).allMatch(told -> told.path("gid").asInt() == GID);
  }

  @Test
  @Order(2)
  @DisplayName("E32: in a container no other function's code is to be seen; without one it is read")
  void onlyAContainerHidesTheCodeOfOthers() throws Exception {
    Path links = device.root.resolve("ggc/deployment/lambda");
    ObjectNode paths = question();
    for (String other : List.of(inside, outside, lived)) {
      Path code = links.resolve(other).resolve("probe.py");
      paths.withArray("read").add(code.toString()).add(code.toRealPath().toString());
    }

    JsonNode contained = ask("inside", paths.deepCopy()).path("read");
    JsonNode plain = ask("outside", paths.deepCopy()).path("read");

    assertThat(contained).hasSize(6).allMatch(n -> n.asInt() < 0);
    assertThat(plain).hasSize(6).allMatch(n -> n.asInt() == CODE.length());
  }

  @Test
  @Order(3)
  @DisplayName("E32: more memory than the limit ends a function in a container, and only there")
  void onlyAContainerHasAMemoryLimit() throws Exception {
    say("inside", question().put("megabytes", 200));
    JsonNode plain = ask("outside", question().put("megabytes", 200));

    assertThat(plain.path("megabytes").asInt()).isEqualTo(200);
    awaitLog("inside", "exit code 137");
    awaitLog("inside", inside + " used more than its limit of 64 MB (MemorySize)");
    assertThat(ask("inside", question()).path("calls").asInt()).as("a new process").isEqualTo(1);
  }

  @Test
  @Order(4)
  @DisplayName(
      "E32, E33: what exceeds its time is ended, in a container with its children; without one a"
          + " child under nohup lives on")
  void whatSleepsTooLongIsEndedWithItsContainer() throws Exception {
    String marked = "8639" + ProcessHandle.current().pid();
    ObjectNode sleep = question().put("sleep", 600);
    try {
      // each by itself: the first may be ended before the second begins
      say("inside", sleep.deepCopy().put("child", marked + ".1"));
      TestCore.await("the child in the container").until(() -> sleepers(marked + ".1").size() == 1);
      say("outside", sleep.deepCopy().put("child", marked + ".2"));
      TestCore.await("the child without one").until(() -> sleepers(marked + ".2").size() == 1);

      awaitLog("inside", "Task timed out after 8 seconds");
      awaitLog("outside", "Task timed out after 8 seconds");
      TestCore.await("the end of the child in the container")
          .until(() -> sleepers(marked + ".1").isEmpty());
      assertThat(ask("outside", question()).path("calls").asInt()).isEqualTo(1);
      assertThat(sleepers(marked + ".2")).as("under nohup, without a container").hasSize(1);
    } finally {
      sleepers(marked + ".2").forEach(ProcessHandle::destroyForcibly);
    }
  }

  @Test
  @Order(5)
  @DisplayName("E33: a long-lived function that exceeds its time loses its process and all it knew")
  void aLongLivedFunctionThatSleepsTooLongBeginsAnew() throws Exception {
    int before = ask("lived", question()).path("calls").asInt();
    assertThat(ask("lived", question()).path("calls").asInt()).isEqualTo(before + 1);

    say("lived", question().put("sleep", 600));

    awaitLog("lived", "Task timed out after 8 seconds");
    assertThat(device.userLog("isolation-lived")).containsPattern("\\[ERROR]-.*Task timed out");
    assertThat(ask("lived", question()).path("calls").asInt()).isEqualTo(1);
  }

  @Test
  @Order(6)
  @DisplayName("E31: as root only when config.json allows it, and after a restart")
  void rootNeedsThePermissionOfTheDevice() throws Exception {
    String root = "\"Uid\":0,\"Gid\":0";
    String words =
        "lambda(s) ["
            + inside
            + "] are configured to run as root while Greengrass is not configured to run lambdas"
            + " with root permissions";

    GetDeploymentStatusResponse refused = deploy(root);

    assertThat(refused.deploymentStatus()).isEqualTo("Failure");
    assertThat(refused.errorMessage()).contains(words);
    assertThat(device.runtimeLog()).contains(words);
    assertThat(ask("inside", question()).path("uid").asInt()).as("as before").isEqualTo(OTHER_UID);

    device.allowFunctionsToRunAsRoot();
    V1Device.started(device.daemon("restart"));
    GetDeploymentStatusResponse allowed = deploy(root);

    assertThat(allowed.deploymentStatus()).as(allowed.errorMessage()).isEqualTo("Success");
    JsonNode told = ask("inside", question());
    assertThat(told.path("uid").asInt()).isZero();
    assertThat(told.path("gid").asInt()).isZero();
  }
}
