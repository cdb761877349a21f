package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.BinaryMessage;
import software.amazon.awssdk.aws.greengrass.model.PublishMessage;
import software.amazon.awssdk.aws.greengrass.model.PublishToTopicRequest;
import software.amazon.awssdk.services.greengrassv2.model.InstalledComponent;
import software.amazon.awssdk.services.greengrassv2.model.LambdaEventSource;
import software.amazon.awssdk.services.greengrassv2.model.LambdaEventSourceType;
import software.amazon.awssdk.services.greengrassv2.model.LambdaExecutionParameters;
import software.amazon.awssdk.services.greengrassv2.model.LambdaFilesystemPermission;
import software.amazon.awssdk.services.greengrassv2.model.LambdaIsolationMode;

/**
 * Python, Java and Node.js functions become components of Greengrass V2 by AWS's SDK (LMB-12 to
 * LMB-15) and run on a core: long-lived in a container with volumes and as a process, and on demand
 * as a process, called by local messages and by the cloud's. One of them hands its environment to
 * the AWS CLI (TES-03 for functions).
 */
@DisplayName("S-15 Imported Lambda functions")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class LambdaComponentsScenarioTest {
  private static final String CORE = "imported";
  private static final String ASKS = "com.example.Asks";
  private static final String HELLO = "imported/hello";

  private static final String PYTHON =
      """
      import os, time
      calls = 0
      def write(folder):
          try:
              with open(folder + '/written', 'w') as f:
                  f.write('by the function')
              return 'wrote'
          except (IOError, OSError) as e:
              return type(e).__name__
      def handler(event, context):
          global calls
          calls += 1
          time.sleep(event.get('sleep', 0))
          print('python call %d %s rw %s ro %s' % (calls, context.client_context.custom['subject'], write('/rw'), write('/ro')))
      """;
  private static final String NODE =
      """
      let calls = 0;
      exports.handler = async (event, context) => {
        calls += 1;
        console.log(`node call ${calls} ${context.clientContext.custom.subject} pid ${process.pid}.`);
      };
      """;
  private static final String JAVA =
      """
      import com.amazonaws.services.lambda.runtime.Context;
      import java.io.PrintWriter;
      import java.util.Map;
      public class App {
        private int calls;
        public void handle(Map<String, Object> event, Context context) throws Exception {
          try (PrintWriter out = new PrintWriter(System.getenv("HOME") + "/aws.txt")) {
            out.println(System.getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI") + " " + System.getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
          }
          context.getLogger().log("java call " + ++calls + " " + context.getClientContext().getCustom().get("subject"));
        }
      }
      """;

  private static TestCloud cloud;
  private static TestCore core;
  private static CrashDevice person;
  private static Path volume;
  private static String pythonArn = "";

  @BeforeAll
  static void deploy(TestCloud shared) throws Exception {
    cloud = shared;
    core = TestCore.started(cloud, CORE);
    TestCore watcher = TestCore.provisioned(cloud, CORE + "-watcher");
    person =
        CrashDevice.connect(
            watcher.root.resolve("certs"), watcher.thing, cloud.mqttPort(), true, text -> {});
    volume = Files.createDirectory(cloud.folder.resolve("imported-volume"));
    Files.setPosixFilePermissions(volume, PosixFilePermissions.fromString("rwxrwxrwx"));
    pythonArn =
        component("python", "python3.9", "main.handler", Map.of("main.py", PYTHON.getBytes()));
    component("node", "nodejs14.x", "index.handler", Map.of("index.js", NODE.getBytes()));
    component("java", "java11", "App::handle", Map.of("App.class", compiled()));
    cloud.createComponent(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %1$s
        ComponentVersion: 1.0.0
        ComponentConfiguration:
          DefaultConfiguration:
            accessControl:
              aws.greengrass.ipc.pubsub:
                '%1$s:pubsub:1':
                  operations: ['aws.greengrass#PublishToTopic']
                  resources: ['*']
        Manifests:
          - Lifecycle:
              Run: echo $SVCUID > svcuid; exec sleep 100000
        """
            .formatted(ASKS));
    core.awaitCompleted(
        core.deploy(
            """
            {"%1$s":{"componentVersion":"1.0.0"},"%2$s-python":{"componentVersion":"1.0.0"},
             "%2$s-node":{"componentVersion":"1.0.0"},"%2$s-java":{"componentVersion":"1.0.0"}}"""
                .formatted(ASKS, CORE)));
    core.awaitSubscribed("imported/cloud/+");
  }

  @AfterAll
  static void stop() {
    person.close();
    core.close();
  }

  // ---- what a person does

  /** The function by the AWS CLI, the component of its first version by AWS's SDK. */
  private static String component(
      String name, String runtime, String handler, Map<String, byte[]> files) throws IOException {
    Path zip = cloud.folder.resolve(CORE + "-" + name + ".zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        out.putNextEntry(new ZipEntry(file.getKey()));
        out.write(file.getValue());
      }
    }
    String arn =
        cloud
            .aws(
                "lambda",
                "create-function",
                "--publish",
                "--function-name",
                CORE + "-" + name,
                "--runtime",
                runtime,
                "--handler",
                handler,
                "--role",
                "arn:aws:iam::000000000000:role/unused",
                "--zip-file",
                "fileb://" + zip)
            .path("FunctionArn")
            .asString();
    return cloud
        .greengrass
        .createComponentVersion(
            b ->
                b.lambdaFunction(
                    f ->
                        f.lambdaArn(arn)
                            .componentLambdaParameters(
                                name.equals("python")
                                    ? inAContainer()
                                    : asProcess(name.equals("java")))))
        .arn();
  }

  private static LambdaExecutionParameters inAContainer() {
    return LambdaExecutionParameters.builder()
        .eventSources(
            source(HELLO, LambdaEventSourceType.PUB_SUB),
            source("imported/cloud/+", LambdaEventSourceType.IOT_CORE))
        .timeoutInSeconds(8)
        .linuxProcessParams(
            p ->
                p.isolationMode(
                        TestCore.isRoot()
                            ? LambdaIsolationMode.GREENGRASS_CONTAINER
                            : LambdaIsolationMode.NO_CONTAINER)
                    .containerParams(
                        c -> {
                          c.memorySizeInKB(65536);
                          if (TestCore.isRoot()) {
                            c.volumes(
                                v ->
                                    v.sourcePath(volume.toString())
                                        .destinationPath("/rw")
                                        .permission(LambdaFilesystemPermission.RW),
                                v ->
                                    v.sourcePath(volume.toString())
                                        .destinationPath("/ro")
                                        .permission(LambdaFilesystemPermission.RO));
                          }
                        }))
        .build();
  }

  private static LambdaExecutionParameters asProcess(boolean pinned) {
    return LambdaExecutionParameters.builder()
        .eventSources(source(HELLO, LambdaEventSourceType.PUB_SUB))
        .pinned(pinned)
        .timeoutInSeconds(30)
        .maxIdleTimeInSeconds(3)
        .linuxProcessParams(p -> p.isolationMode(LambdaIsolationMode.NO_CONTAINER))
        .build();
  }

  private static LambdaEventSource source(String topic, LambdaEventSourceType type) {
    return LambdaEventSource.builder().topic(topic).type(type).build();
  }

  private static byte[] compiled() throws IOException {
    Path folder = Files.createDirectories(cloud.folder.resolve("imported-java"));
    Path source = folder.resolve("App.java");
    Files.writeString(source, JAVA);
    String library =
        Ryegrass.HOME.resolve("runtimes/java/target/lib/aws-lambda-java-core.jar").toString();
    int code =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                "--release",
                "8",
                "-proc:none",
                "-Xlint:-options",
                "-cp",
                library,
                source.toString());
    assertThat(code).isZero();
    return Files.readAllBytes(folder.resolve("App.class"));
  }

  private static void publishLocally(String payload) {
    try (GreengrassCoreIPCClientV2 component = core.as(ASKS)) {
      component.publishToTopic(
          new PublishToTopicRequest()
              .withTopic(HELLO)
              .withPublishMessage(
                  new PublishMessage()
                      .withBinaryMessage(
                          new BinaryMessage()
                              .withMessage(payload.getBytes(StandardCharsets.UTF_8)))));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static long said(String component, String words) {
    return core.log(component).lines().filter(l -> l.contains(words)).count();
  }

  // ---- what is seen

  @Test
  @Order(1)
  @DisplayName("version 1 becomes component 1.0.0 by 'AWS Lambda', with the Lambda components")
  void theFunctionsAreComponents() {
    var described = cloud.greengrass.describeComponent(b -> b.arn(pythonArn));
    assertThat(described.componentName()).isEqualTo(CORE + "-python");
    assertThat(described.componentVersion()).isEqualTo("1.0.0");
    assertThat(described.publisher()).isEqualTo("AWS Lambda");
    assertThat(
            cloud
                .greengrass
                .getComponent(b -> b.arn(pythonArn).recipeOutputFormat("JSON"))
                .recipe()
                .asUtf8String())
        .contains("aws.greengrass.LambdaLauncher", "\"AWS Lambda\"", HELLO);
    List<String> lambda =
        List.of(
            "aws.greengrass.LambdaManager",
            "aws.greengrass.LambdaLauncher",
            "aws.greengrass.LambdaRuntimes");
    TestCore.await("the cloud to know the implicit components")
        .untilAsserted(
            () ->
                assertThat(core.installed())
                    .extracting(InstalledComponent::componentName)
                    .containsAll(lambda));
  }

  @Test
  @Order(2)
  @DisplayName("a local message calls each once, the cloud's the one that asked for it")
  void messagesCallThem() throws Exception {
    publishLocally("{}");
    for (String name : List.of("python", "node", "java")) {
      core.awaitLog(CORE + "-" + name, name + " call 1 " + HELLO);
    }
    person.publish("imported/cloud/a", "{}");
    core.awaitLog(CORE + "-python", "python call 2 imported/cloud/a");
    assertThat(said(CORE + "-python", "python call")).isEqualTo(2);
    assertThat(said(CORE + "-node", "node call")).isEqualTo(1);
    assertThat(said(CORE + "-java", "java call")).isEqualTo(1);
    if (TestCore.isRoot()) {
      assertThat(core.log(CORE + "-python")).contains("rw wrote ro OSError");
      assertThat(volume.resolve("written")).hasContent("by the function");
    }
  }

  @Test
  @Order(3)
  @DisplayName("S-12: the AWS CLI with a function's environment has the role of the core")
  void theAwsCliHasTheFunctionsCredentials() {
    String[] words = core.awaitFile(CORE + "-java", "aws.txt").split(" ");
    String alias = value(TestCloud.read(core.root.resolve("config/config.yaml")));
    String role =
        cloud.iot.describeRoleAlias(b -> b.roleAlias(alias)).roleAliasDescription().roleArn();
    // the AWS CLI waits two seconds for credentials
    TestCore.await("the AWS CLI in the name of " + role)
        .untilAsserted(
            () ->
                assertThat(
                        cloud
                            .awsWithOnly(
                                Map.of(
                                    "AWS_CONTAINER_CREDENTIALS_FULL_URI", words[0],
                                    "AWS_CONTAINER_AUTHORIZATION_TOKEN", words[1]),
                                "sts",
                                "get-caller-identity")
                            .output())
                    .contains(":assumed-role/" + role.substring(role.lastIndexOf('/') + 1) + "/"));
  }

  private static String value(String config) {
    Matcher alias = Pattern.compile("iotRoleAlias: \"?([^\"\\s]+)").matcher(config);
    assertThat(alias.find()).as(config).isTrue();
    return alias.group(1);
  }

  @Test
  @Order(4)
  @DisplayName("a handler that takes longer than 8 s is killed, and the next call starts anew")
  void aHandlerThatTakesTooLongIsKilled() throws Exception {
    person.publish("imported/cloud/slow", "{\"sleep\": 60}");
    core.awaitLog(CORE + "-python", "Task timed out after 8 seconds");
    person.publish("imported/cloud/next", "{}");
    core.awaitLog(CORE + "-python", "python call 1 imported/cloud/next");
  }

  @Test
  @Order(5)
  @DisplayName("an instance on demand ends when it was idle, and its state with it")
  void anIdleInstanceEnds() {
    Matcher pid = Pattern.compile("pid (\\d+)\\.").matcher(core.log(CORE + "-node"));
    assertThat(pid.find()).isTrue();
    long first = Long.parseLong(pid.group(1));
    TestCore.await("the idle instance to end").until(() -> !alive(first));
    publishLocally("{}");
    TestCore.await("a new instance").until(() -> said(CORE + "-node", "node call 1 " + HELLO) == 2);
    core.awaitLog(CORE + "-python", "python call 2 " + HELLO);
  }

  private static boolean alive(long pid) {
    try (Stream<String> status = Files.lines(Path.of("/proc/" + pid + "/status"))) {
      return status.noneMatch(l -> l.startsWith("State:") && l.contains("Z"));
    } catch (IOException | UncheckedIOException e) {
      return false;
    }
  }
}
