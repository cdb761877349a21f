package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/**
 * A C executable (LAM-44, the example {@code relay}) and a Python function in one V1 group, made
 * with the AWS CLI: they call each other, the cloud calls both and hears both.
 */
@DisplayName("A V1 group with a C executable and a Python function")
@ExtendWith(TestCloud.Shared.class)
class V1ExecutablesScenarioTest {
  private static final Path HOME = Path.of("../..").toAbsolutePath().normalize();
  private static final String CORE = "executables";
  private static final String PYTHON =
      """
      import json, os
      import greengrasssdk

      functions = greengrasssdk.client('lambda')
      messages = greengrasssdk.client('iot-data')

      def handler(event, context):
          if context.client_context.custom and context.client_context.custom.get('subject') == 'upper/ask':
              answer = functions.invoke(FunctionName=os.environ['RELAY'], Payload=json.dumps(event).encode())
              messages.publish(topic='upper/answer', payload=answer['Payload'].read())
          return {'text': event['text'].upper()}
      """;

  private static TestCloud cloud;
  private static TestCore core;
  private static CrashDevice device;
  private static final List<String> heard = new CopyOnWriteArrayList<>();

  @BeforeAll
  static void deploy(TestCloud shared) throws Exception {
    cloud = shared;
    core = TestCore.startedForFunctions(cloud, CORE);
    String relay =
        function("relay", "arn:aws:greengrass:::runtime/function/executable", "relay", compiled());
    String upper =
        function("upper", "python3.8", "main.handler", PYTHON.getBytes(StandardCharsets.UTF_8));
    String mode = TestCore.isRoot() ? "GreengrassContainer" : "NoContainer";
    String memory = TestCore.isRoot() ? "\"MemorySize\":32768," : "";
    String functions =
        define(
            "function",
            """
            {"Functions":[
              {"Id":"relay","FunctionArn":"%1$s","FunctionConfiguration":{"Pinned":true,"Timeout":20,%4$s"EncodingType":"binary",
               "Environment":{"Execution":{"IsolationMode":"%3$s"},"Variables":{"TARGET":"%2$s"}}}},
              {"Id":"upper","FunctionArn":"%2$s","FunctionConfiguration":{"Pinned":false,"Timeout":20,%4$s"EncodingType":"json",
               "Environment":{"Execution":{"IsolationMode":"%3$s"},"Variables":{"RELAY":"%1$s"}}}}]}
            """
                .formatted(relay, upper, mode, memory));
    String certificate =
        cloud
            .aws("iot", "list-thing-principals", "--thing-name", CORE)
            .path("principals")
            .path(0)
            .asString();
    String cores =
        define(
            "core",
            "{\"Cores\":[{\"Id\":\"c\",\"ThingArn\":\"%s\",\"CertificateArn\":\"%s\"}]}"
                .formatted(TestCloud.thingArn(CORE), certificate));
    String subscriptions =
        define(
            "subscription",
            """
            {"Subscriptions":[
              {"Id":"1","Source":"cloud","Subject":"relay/ask","Target":"%1$s"},
              {"Id":"2","Source":"%1$s","Subject":"relay/answer","Target":"cloud"},
              {"Id":"3","Source":"cloud","Subject":"upper/ask","Target":"%2$s"},
              {"Id":"4","Source":"%2$s","Subject":"upper/answer","Target":"cloud"}]}
            """
                .formatted(relay, upper));
    JsonNode group =
        cloud.aws(
            "greengrass",
            "create-group",
            "--name",
            CORE,
            "--initial-version",
            "{\"CoreDefinitionVersionArn\":\"%s\",\"FunctionDefinitionVersionArn\":\"%s\",\"SubscriptionDefinitionVersionArn\":\"%s\"}"
                .formatted(cores, functions, subscriptions));
    String id = group.path("Id").asString();
    String deployment = cloud.newDeployment(id, group.path("LatestVersion").asString());
    TestCore.until(
        "the group's deployment",
        () ->
            cloud.aws(
                "greengrass",
                "get-deployment-status",
                "--group-id",
                id,
                "--deployment-id",
                deployment),
        status -> {
          assertThat(status.path("DeploymentStatus").asString())
              .as(status.toString())
              .isNotEqualTo("Failure");
          return status.path("DeploymentStatus").asString().equals("Success");
        });
    core.awaitSubscribed("relay/ask", "upper/ask");
    TestCore watcher = TestCore.provisioned(cloud, CORE + "-watcher");
    device =
        CrashDevice.connect(
            watcher.root.resolve("certs"), watcher.thing, cloud.mqttPort(), true, heard::add);
    device.subscribe("relay/answer");
    device.subscribe("upper/answer");
  }

  @AfterAll
  static void stop() {
    device.close();
    core.close();
  }

  private static String define(String kind, String content) {
    return cloud
        .aws(
            "greengrass",
            "create-" + kind + "-definition",
            "--name",
            CORE,
            "--initial-version",
            content)
        .path("LatestVersionArn")
        .asString();
  }

  /** As its own head says a user does it. */
  private static byte[] compiled() throws IOException, InterruptedException {
    Path program = cloud.folder.resolve("relay");
    for (List<String> command :
        List.of(
            List.of("bash", "runtimes/c/build.sh"),
            List.of(
                "cc",
                "-Iruntimes/c/include",
                "-o",
                program.toString(),
                "examples/functions/relay/relay.c",
                "-Lruntimes/c/target/lib",
                "-laws-greengrass-core-sdk-c"))) {
      Process process =
          new ProcessBuilder(command).directory(HOME.toFile()).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).as(command + ": " + output).isZero();
    }
    return Files.readAllBytes(program);
  }

  /** Gives the ARN of the published version. */
  private static String function(String name, String runtime, String handler, byte[] code)
      throws IOException {
    Path zip = cloud.folder.resolve("executables-" + name + ".zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      out.putNextEntry(new ZipEntry(handler.equals("main.handler") ? "main.py" : handler));
      out.write(code);
    }
    String full = CORE + "-" + name;
    cloud.aws(
        "lambda",
        "create-function",
        "--function-name",
        full,
        "--runtime",
        runtime,
        "--handler",
        handler,
        "--role",
        "arn:aws:iam::000000000000:role/unused",
        "--zip-file",
        "fileb://" + zip);
    return cloud
        .aws("lambda", "publish-version", "--function-name", full)
        .path("FunctionArn")
        .asString();
  }

  @Test
  @DisplayName("the cloud asks the C function, which asks the Python function and tells the cloud")
  void fromTheCloudThroughBothAndBack() throws Exception {
    device.publish("relay/ask", "{\"text\": \"straight\"}");
    TestCore.await("the answer").until(() -> heard.contains("{\"text\": \"STRAIGHT\"}"));
    core.awaitLog(CORE + "-relay", "20 bytes, context {\"custom\":{\"subject\":\"relay/ask\"}}");
  }

  @Test
  @DisplayName("the cloud asks the Python function, which asks the C function")
  void thePythonFunctionCallsTheExecutable() throws Exception {
    device.publish("upper/ask", "{\"text\": \"round\"}");
    TestCore.await("both answers")
        .until(() -> heard.stream().filter("{\"text\": \"ROUND\"}"::equals).count() == 2);
  }
}
