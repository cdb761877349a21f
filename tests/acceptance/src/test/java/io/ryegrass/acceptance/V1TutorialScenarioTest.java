package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.services.greengrass.model.DeploymentType;
import software.amazon.awssdk.services.greengrass.model.Function;
import software.amazon.awssdk.services.greengrass.model.GetDeploymentStatusResponse;
import software.amazon.awssdk.services.greengrass.model.GreengrassException;
import software.amazon.awssdk.services.greengrass.model.Subscription;

/**
 * Module 3 of the V1 guide by the AWS CLI, from the first function to a reset: TUT-03A, TUT-03B and
 * the scenarios E02 to E06, E26, E27. The functions' periods are variables of their environment;
 * the guide's are 5 and 20 seconds.
 */
@DisplayName("TUT-03 Lambda functions on a V1 core")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class V1TutorialScenarioTest {
  private static final String PLATFORM =
      "Hello world! Sent from Greengrass Core running on platform: Linux-";
  private static final String HELLO =
      """
      import os
      import platform
      import threading

      import greengrasssdk

      client = greengrasssdk.client("iot-data")
      text = "Hello world! Sent from Greengrass Core running on platform: " + platform.platform()


      def run():
          client.publish(topic="hello/world", payload=text)
          threading.Timer(float(os.environ["PERIOD"]), run).start()


      run()


      def function_handler(event, context):
          return
      """;

  private static final String TRIGGER = "hello/world/counter/trigger";

  private static final String COUNTER =
      """
      import json
      import os
      import platform
      import time

      import greengrasssdk

      client = greengrasssdk.client("iot-data")
      count = 0


      def function_handler(event, context):
          global count
          count += 1
          text = "Hello world! Sent from Greengrass Core running on platform: %s. Invocation Count: %d"
          client.publish(
              topic="hello/world/counter",
              payload=json.dumps({"message": text % (platform.platform(), count) + "VERSION"}))
          time.sleep(event["seconds"])
          while "until" in event and not os.path.exists(event["until"]):
              time.sleep(0.05)
      """;

  private static TestCloud cloud;
  private static TestCore core;
  private static CrashDevice client;
  private static final List<String> heard = new CopyOnWriteArrayList<>();
  private static String group;
  private static String coreVersion;
  private static String subscriptions;
  private static String functions;

  @BeforeAll
  static void start(TestCloud shared) throws Exception {
    cloud = shared;
    core = TestCore.startedForFunctions(cloud, "MyFirstGroup_Core");
    TestCore listener = TestCore.provisioned(cloud, "tutorial-listener");
    client =
        CrashDevice.connect(
            listener.root.resolve("certs"), listener.thing, cloud.mqttPort(), true, heard::add);
    client.subscribe("hello/world");
    client.subscribe("hello/world/counter");
  }

  @AfterAll
  static void stop() {
    client.close();
    core.close();
  }

  // ---- what a person does

  private static String zip(String module, String code) {
    Path file = cloud.folder.resolve(module + ".zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(file))) {
      out.putNextEntry(new ZipEntry(module + ".py"));
      out.write(code.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "fileb://" + file;
  }

  /** Published as version 1, with an alias to it; gives the alias's ARN. */
  private static String function(String name, String module, String code, String alias) {
    cloud.aws(
        "lambda",
        "create-function",
        "--publish",
        "--function-name",
        name,
        "--runtime",
        "python3.7",
        "--handler",
        module + ".function_handler",
        "--role",
        "arn:aws:iam::" + TestCloud.ACCOUNT + ":role/lambda",
        "--zip-file",
        zip(module, code));
    return cloud
        .aws(
            "lambda",
            "create-alias",
            "--function-name",
            name,
            "--name",
            alias,
            "--function-version",
            "1")
        .path("AliasArn")
        .asString();
  }

  private static Function member(String arn, boolean pinned) {
    return Function.builder()
        .id("function")
        .functionArn(arn)
        .functionConfiguration(
            c ->
                c.pinned(pinned).timeout(25).environment(e -> e.variables(Map.of("PERIOD", "0.2"))))
        .build();
  }

  private static Subscription subscription(String id, String source, String topic, String target) {
    return Subscription.builder().id(id).source(source).subject(topic).target(target).build();
  }

  /** A new version of the group; gives its id. */
  private static String groupVersion() {
    return cloud
        .v1
        .createGroupVersion(
            b ->
                b.groupId(group)
                    .coreDefinitionVersionArn(coreVersion)
                    .functionDefinitionVersionArn(functions)
                    .subscriptionDefinitionVersionArn(subscriptions))
        .version();
  }

  private static void define(Function function, Subscription... table) {
    functions =
        cloud
            .v1
            .createFunctionDefinition(
                b ->
                    b.initialVersion(
                        v ->
                            v.defaultConfig(d -> d.execution(e -> e.isolationMode("NoContainer")))
                                .functions(function)))
            .latestVersionArn();
    subscriptions =
        cloud
            .v1
            .createSubscriptionDefinition(b -> b.initialVersion(v -> v.subscriptions(table)))
            .latestVersionArn();
  }

  private static GetDeploymentStatusResponse status(String deployment) {
    return cloud.v1.getDeploymentStatus(b -> b.groupId(group).deploymentId(deployment));
  }

  private static void awaitSuccess(String deployment) {
    GetDeploymentStatusResponse end =
        TestCore.await("the end of deployment " + deployment)
            .until(
                () -> status(deployment),
                s -> Set.of("Success", "Failure").contains(s.deploymentStatus()));
    assertThat(end.deploymentStatus()).as(end.errorMessage()).isEqualTo("Success");
  }

  /** Deploys a group version and waits until it is applied; gives the deployment's id. */
  private static String deploy(String version) {
    String deployment =
        cloud
            .v1
            .createDeployment(
                b ->
                    b.groupId(group)
                        .groupVersionId(version)
                        .deploymentType(DeploymentType.NEW_DEPLOYMENT))
            .deploymentId();
    awaitSuccess(deployment);
    return deployment;
  }

  private static void trigger(String seconds) throws Exception {
    client.publish(TRIGGER, "{\"seconds\": " + seconds + "}");
  }

  /** The handler is busy until the file is there. */
  private static void triggerUntil(Path file) throws Exception {
    client.publish(TRIGGER, "{\"seconds\": 0, \"until\": \"" + file + "\"}");
  }

  private static List<String> counts() {
    return heard.stream()
        .filter(m -> m.contains("Invocation Count: "))
        .map(m -> m.replaceFirst(".*Invocation Count: ", "").replaceFirst("\"}$", ""))
        .toList();
  }

  private static void awaitCounts(String... wanted) {
    TestCore.await("the counts " + List.of(wanted))
        .untilAsserted(() -> assertThat(counts()).containsExactly(wanted));
  }

  /** For a whole second; what was on its way before may still come first. */
  private static void nothingIsHeard() {
    Awaitility.await("a second of silence")
        .pollDelay(Duration.ofSeconds(1))
        .pollInterval(Duration.ofSeconds(1))
        .atMost(Duration.ofSeconds(30))
        .until(
            () -> {
              boolean silence = heard.isEmpty();
              heard.clear();
              return silence;
            });
  }

  // ---- TUT-03A

  @Test
  @Order(1)
  @DisplayName(
      "TUT-03A, E02, E03: Building, InProgress, Success; a message again and again, also"
          + " after a restart of the core")
  void aLongLivedFunctionPublishesByItself() {
    String hello =
        function("Greengrass_HelloWorld", "greengrassHelloWorld", HELLO, "GG_HelloWorld");
    coreVersion =
        cloud
            .v1
            .createCoreDefinition(
                b ->
                    b.initialVersion(
                        v ->
                            v.cores(
                                c ->
                                    c.id("core")
                                        .thingArn(core.arn())
                                        .certificateArn(
                                            "arn:aws:iot:us-east-1:000000000000:cert/0"))))
            .latestVersionArn();
    define(member(hello, true), subscription("s", hello, "hello/world", "cloud"));
    group = cloud.aws("greengrass", "create-group", "--name", "MyFirstGroup").path("Id").asString();
    String version =
        cloud
            .aws(
                "greengrass",
                "create-group-version",
                "--group-id",
                group,
                "--core-definition-version-arn",
                coreVersion,
                "--function-definition-version-arn",
                functions,
                "--subscription-definition-version-arn",
                subscriptions)
            .path("Version")
            .asString();

    Set<String> seen = new LinkedHashSet<>();
    String deployment = cloud.newDeployment(group, version);
    TestCore.await("the first deployment")
        .pollInterval(Duration.ofMillis(10))
        .until(
            () -> {
              seen.add(status(deployment).deploymentStatus());
              return seen.contains("Success") || seen.contains("Failure");
            });

    assertThat(List.of("Building", "InProgress", "Success")).containsSubsequence(seen);
    assertThat(seen).endsWith("Success");
    assertThat(
            cloud
                .aws(
                    "greengrass",
                    "get-deployment-status",
                    "--group-id",
                    group,
                    "--deployment-id",
                    deployment)
                .path("DeploymentStatus")
                .asString())
        .isEqualTo("Success");
    awaitHello();

    core.close();
    heard.clear();
    core.start();
    awaitHello();
  }

  private static void awaitHello() {
    TestCore.await("three messages")
        .untilAsserted(
            () ->
                assertThat(heard)
                    .hasSizeGreaterThanOrEqualTo(3)
                    .allSatisfy(m -> assertThat(m).startsWith(PLATFORM)));
  }

  @Test
  @Order(2)
  @DisplayName("E04: without its subscription the function reaches nobody")
  void theSubscriptionTableIsEnforced() {
    subscriptions =
        cloud
            .v1
            .createSubscriptionDefinition(b -> b.initialVersion(v -> v.subscriptions(List.of())))
            .latestVersionArn();
    deploy(groupVersion());
    heard.clear();

    nothingIsHeard();
  }

  // ---- TUT-03B

  private static Subscription[] counterTable(String counter) {
    return new Subscription[] {
      subscription("out", counter, "hello/world/counter", "cloud"),
      subscription("in", "cloud", TRIGGER, counter)
    };
  }

  private static String firstCounter = "";
  private static String counterVersion = "";
  private static String counter = "";

  @Test
  @Order(3)
  @DisplayName("TUT-03B, E05: long-lived, invocations wait in line and variables live on")
  void aLongLivedFunctionTakesOneTriggerAfterTheOther() throws Exception {
    counter =
        function(
            "Greengrass_HelloWorld_Counter",
            "greengrassHelloWorldCounter",
            COUNTER.replace("VERSION", ""),
            "GG_HW_Counter");
    define(member(counter, true), counterTable(counter));
    counterVersion = groupVersion();
    firstCounter = deploy(counterVersion);
    core.awaitSubscribed(TRIGGER);
    assertThat(heard).isEmpty(); // nobody has called the handler

    long start = System.nanoTime();
    for (int i = 0; i < 3; i++) {
      trigger("0.5");
    }

    awaitCounts("1", "2", "3");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(900));
    assertThat(heard.getFirst()).startsWith("{\"message\": \"" + PLATFORM);
  }

  @Test
  @Order(4)
  @DisplayName("E26: an alias is resolved when the group is deployed, also by a Redeployment")
  void anAliasTakesEffectWithADeployment() throws Exception {
    heard.clear();
    cloud.aws(
        "lambda",
        "update-function-code",
        "--publish",
        "--function-name",
        "Greengrass_HelloWorld_Counter",
        "--zip-file",
        zip("greengrassHelloWorldCounter", COUNTER.replace("VERSION", " of version 2")));
    cloud.aws(
        "lambda",
        "update-alias",
        "--function-name",
        "Greengrass_HelloWorld_Counter",
        "--name",
        "GG_HW_Counter",
        "--function-version",
        "2");
    trigger("0");
    awaitCounts("4"); // version 1 still

    awaitSuccess(
        cloud
            .aws(
                "greengrass",
                "create-deployment",
                "--deployment-type",
                "Redeployment",
                "--group-id",
                group,
                "--deployment-id",
                firstCounter)
            .path("DeploymentId")
            .asString());
    heard.clear();
    trigger("0");

    awaitCounts("1 of version 2");
  }

  @Test
  @Order(5)
  @DisplayName(
      "TUT-03B, E06: on demand, a worker for each trigger at once, and one that is idle is"
          + " used again")
  void anOnDemandFunctionTakesTriggersAtOnce() throws Exception {
    define(member(counter, false), counterTable(counter));
    deploy(groupVersion());
    heard.clear();
    Path over = cloud.folder.resolve("triggers-are-over");
    for (int i = 0; i < 3; i++) {
      triggerUntil(over);
    }
    awaitCounts("1 of version 2", "1 of version 2", "1 of version 2");

    TestCloud.write(over, "");
    // nothing tells that a worker is idle; until one is, a trigger is a first one of another
    TestCore.await("an idle worker to be used again")
        .pollInterval(Duration.ofSeconds(2))
        .until(
            () -> {
              heard.clear();
              trigger("0");
              TestCore.await("a count").until(() -> counts().size() == 1);
              return counts().getFirst();
            },
            "2 of version 2"::equals);
  }

  // ---- E27

  @Test
  @Order(6)
  @DisplayName(
      "E27: no reset while a deployment is under way; with --force it succeeds at once, and"
          + " the core follows when it is back")
  void aResetByForceNeedsNoCore() {
    core.close();
    String open =
        cloud
            .v1
            .createDeployment(
                b ->
                    b.groupId(group)
                        .groupVersionId(counterVersion)
                        .deploymentType(DeploymentType.NEW_DEPLOYMENT))
            .deploymentId();
    TestCore.await("the deployment to be sent")
        .until(() -> status(open).deploymentStatus(), "InProgress"::equals);
    assertThatThrownBy(() -> cloud.v1.resetDeployments(b -> b.groupId(group)))
        .isInstanceOf(GreengrassException.class)
        .hasMessageContaining("is in state InProgress");

    String reset =
        cloud
            .aws("greengrass", "reset-deployments", "--force", "--group-id", group)
            .path("DeploymentId")
            .asString();

    awaitSuccess(reset);
    assertThat(status(reset).deploymentTypeAsString()).isEqualTo("ForceResetDeployment");
    core.start();
    TestCore.await("the functions to go")
        .until(
            () ->
                core.installed().stream()
                    .noneMatch(c -> c.componentName().startsWith("Greengrass_HelloWorld")));
    assertThat(core.root.resolve("config/config.yaml")).exists();
    assertThat(core.root.resolve("certs/device.pem.crt")).exists();
  }
}
