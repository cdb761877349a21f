package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A long-lived Node.js function and an on-demand Java function of one V1 group, made with the AWS
 * CLI: each pair once in containers (as root) and once as plain processes. The Node.js function has
 * AWS's Core SDK from npm, unmodified, and calls by it the Java function, the shadow service, the
 * secret manager, and publishes (LAM-01, LAM-41, v1-lambda-runtime.md sections 5, 6; section 12,
 * check 1).
 */
@DisplayName("A V1 group with Node.js and Java functions")
@ExtendWith(TestCloud.Shared.class)
class V1RuntimesScenarioTest {
  private static final String CORE = "runtimes";
  private static final String SECRET = "greengrass-RuntimesSecret";
  private static final String SDK = "aws-greengrass-core-sdk";
  private static final String CONTAINER = "GreengrassContainer";
  private static final String PROCESS = "NoContainer";

  private static final String NODE =
      """
      const gg = require('aws-greengrass-core-sdk');
      const iot = new gg.IotData(), lambda = new gg.Lambda(), secrets = new gg.SecretsManager();
      const ask = (service, operation, input) => new Promise((resolve, reject) =>
        service[operation](input, (error, data) => error ? reject(error) : resolve(data)));
      exports.handler = async (event, context) => {
        const thingName = process.env.THING, topic = context.clientContext.custom.subject;
        const heard = await ask(lambda, 'invoke', {
          FunctionName: process.env.JAVA, InvocationType: 'RequestResponse',
          Payload: JSON.stringify({ text: event.text, topic }) });
        await ask(iot, 'updateThingShadow', {
          thingName, payload: JSON.stringify({ state: { reported: { [process.env.KIND]: event.text } } }) });
        const shadow = await ask(iot, 'getThingShadow', { thingName });
        const secret = JSON.parse(await ask(secrets, 'getSecretValue', { SecretId: process.env.SECRET }));
        await ask(iot, 'publish', { topic: topic.replace('ask', 'answer'), payload: JSON.stringify({
          java: JSON.parse(heard.Payload), pid: process.pid, sdk: require.resolve('aws-greengrass-core-sdk'),
          shadow: JSON.parse(shadow.Payload).state.reported, secret: secret.SecretString }) });
      };
      """;

  private static final String JAVA =
      """
      package app;
      import com.amazonaws.greengrass.common.EnvVars;
      import com.amazonaws.greengrass.ipcsdk.DefaultIPCClient;
      import com.amazonaws.services.lambda.runtime.Context;
      import com.amazonaws.services.lambda.runtime.RequestHandler;
      import java.nio.charset.StandardCharsets;
      import java.util.Base64;
      public class Upper implements RequestHandler<Upper.Question, Upper.Question> {
        public static class Question {
          private String text; private String topic;
          public String getText() { return text; } public void setText(String t) { text = t; }
          public String getTopic() { return topic; } public void setTopic(String t) { topic = t; }
        }
        public Question handleRequest(Question in, Context context) {
          String to = "{\\"custom\\":{\\"subject\\":\\"" + in.getTopic().replace("ask", "java") + "\\"}}";
          new DefaultIPCClient().postWork(EnvVars.ROUTER_FUNCTION_ARN, "Event",
              ("heard " + in.getText()).getBytes(StandardCharsets.UTF_8),
              Base64.getEncoder().encodeToString(to.getBytes(StandardCharsets.UTF_8)));
          in.setText(in.getText().toUpperCase());
          return in;
        }
      }
      """;

  private static TestCloud cloud;
  private static TestCore core;
  private static CrashDevice person;
  private static boolean npm;

  /** What both functions published since the last question. */
  private static final Set<String> heard = ConcurrentHashMap.newKeySet();

  @BeforeAll
  static void deploy(TestCloud shared) throws Exception {
    cloud = shared;
    core = TestCore.startedForFunctions(cloud, CORE);
    TestCore watcher = TestCore.provisioned(cloud, CORE + "-watcher");
    person =
        CrashDevice.connect(
            watcher.root.resolve("certs"), watcher.thing, cloud.mqttPort(), true, heard::add);
    person.subscribe("runtimes/+/answer");
    person.subscribe("runtimes/+/java");
    Path node = Files.createDirectories(cloud.folder.resolve("runtimes-node"));
    Files.writeString(node.resolve("index.js"), NODE);
    npm = installSdk(node);
    Path nodeZip = zip(node);
    Path javaZip = zip(compiled());
    String secret =
        cloud
            .aws(
                "secretsmanager",
                "create-secret",
                "--name",
                SECRET,
                "--secret-string",
                "open sesame")
            .path("ARN")
            .asString();
    StringBuilder functions = new StringBuilder();
    StringBuilder subscriptions = new StringBuilder();
    for (String kind : kinds()) {
      String java = function("java-" + kind, "java8", "app.Upper::handleRequest", javaZip);
      String upper = function("node-" + kind, "nodejs12.x", "index.handler", nodeZip);
      functions.append(entry(java, kind, false, "")).append(',');
      functions
          .append(
              entry(
                  upper,
                  kind,
                  true,
                  """
                  ,"ResourceAccessPolicies":[{"ResourceId":"secret","Permission":"ro"}],
                  "Variables":{"JAVA":"%s","THING":"%s","KIND":"%s","SECRET":"%s"}"""
                      .formatted(java, CORE, kind, SECRET)))
          .append(',');
      subscriptions
          .append(row("cloud", "runtimes/" + kind + "/ask", upper))
          .append(row(upper, "runtimes/" + kind + "/answer", "cloud"))
          .append(row(java, "runtimes/" + kind + "/java", "cloud"));
    }
    deployGroup(
        Map.of(
            "Core",
            "{\"Cores\":[{\"Id\":\"c\",\"ThingArn\":\"%s\",\"CertificateArn\":\"arn:aws:iot:us-east-1:000000000000:cert/any\"}]}"
                .formatted(core.arn()),
            "Resource",
            "{\"Resources\":[{\"Id\":\"secret\",\"Name\":\"secret\",\"ResourceDataContainer\":{\"SecretsManagerSecretResourceData\":{\"ARN\":\"%s\"}}}]}"
                .formatted(secret),
            "Function",
            "{\"Functions\":[" + withoutComma(functions) + "]}",
            "Subscription",
            "{\"Subscriptions\":[" + withoutComma(subscriptions) + "]}"));
    for (String kind : kinds()) {
      core.awaitSubscribed("runtimes/" + kind + "/ask");
    }
  }

  @AfterAll
  static void stop() {
    person.close();
    core.close();
  }

  // ---- what a person does

  private static List<String> kinds() {
    return TestCore.isRoot() ? List.of(CONTAINER, PROCESS) : List.of(PROCESS);
  }

  /**
   * Says whether npm gave it; without npm the function gets the SDK that the core has. What npm has
   * not brought to its end stays away from the function.
   */
  private static boolean installSdk(Path function) throws IOException, InterruptedException {
    Path folder = Files.createDirectories(cloud.folder.resolve("runtimes-npm"));
    Files.writeString(folder.resolve("package.json"), "{\"private\":true}");
    try {
      Process process =
          new ProcessBuilder(
                  "npm", "install", "--no-audit", "--no-fund", "--prefer-offline", SDK + "@1.7.0")
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!process.waitFor(120, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return false;
      }
      if (process.exitValue() == 0) {
        Files.move(folder.resolve("node_modules"), function.resolve("node_modules"));
      }
      return process.exitValue() == 0;
    } catch (IOException e) {
      return false; // no npm here
    }
  }

  private static Path compiled() throws IOException {
    Path folder = Files.createDirectories(cloud.folder.resolve("runtimes-java"));
    Path source = cloud.folder.resolve("Upper.java");
    Files.writeString(source, JAVA);
    Path target = Ryegrass.HOME.resolve("runtimes/java/target");
    String path =
        target.resolve("lambda-runtime.jar") + ":" + target.resolve("lib/aws-lambda-java-core.jar");
    String[] options = {
      "--release", "8", "-proc:none", "-Xlint:-options", "-cp", path, "-d", folder.toString()
    };
    int code =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                Stream.concat(Stream.of(options), Stream.of(source.toString()))
                    .toArray(String[]::new));
    assertThat(code).isZero();
    return folder;
  }

  private static Path zip(Path folder) throws IOException {
    Path zip = cloud.folder.resolve(folder.getFileName() + ".zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip));
        Stream<Path> all = Files.walk(folder)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        out.putNextEntry(new ZipEntry(folder.relativize(file).toString()));
        Files.copy(file, out);
      }
    }
    return zip;
  }

  private static String function(String name, String runtime, String handler, Path zip) {
    return cloud
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
  }

  private static String entry(String arn, String kind, boolean pinned, String more) {
    return """
        {"Id":"%s","FunctionArn":"%s","FunctionConfiguration":{"Pinned":%s,"Timeout":60,%s"EncodingType":"json",
         "Environment":{"Execution":{"IsolationMode":"%s"}%s}}}"""
        .formatted(
            arn.replace(':', '-'),
            arn,
            pinned,
            kind.equals(CONTAINER) ? "\"MemorySize\":131072," : "",
            kind,
            more);
  }

  private static String row(String source, String subject, String target) {
    return "{\"Id\":\"%s\",\"Source\":\"%s\",\"Subject\":\"%s\",\"Target\":\"%s\"},"
        .formatted(subject.replace('/', '-'), source, subject, target);
  }

  private static String withoutComma(StringBuilder list) {
    return list.substring(0, list.length() - 1);
  }

  private static void deployGroup(Map<String, String> definitions) {
    String content =
        definitions.entrySet().stream()
            .map(
                e ->
                    "\"%sDefinitionVersionArn\":\"%s\""
                        .formatted(e.getKey(), define(e.getKey(), e.getValue())))
            .collect(Collectors.joining(",", "{", "}"));
    JsonNode group =
        cloud.aws("greengrass", "create-group", "--name", CORE, "--initial-version", content);
    String id = group.path("Id").asString();
    String deployment = cloud.newDeployment(id, group.path("LatestVersion").asString());
    var end =
        TestCore.until(
            "the end of the group's deployment",
            () -> cloud.v1.getDeploymentStatus(b -> b.groupId(id).deploymentId(deployment)),
            s -> Set.of("Success", "Failure").contains(s.deploymentStatus()));
    assertThat(end.deploymentStatus()).as(end.toString()).isEqualTo("Success");
  }

  private static String define(String kind, String content) {
    return cloud
        .aws(
            "greengrass",
            "create-" + kind.toLowerCase(Locale.ROOT) + "-definition",
            "--initial-version",
            content)
        .path("LatestVersionArn")
        .asString();
  }

  /** Asks a pair of functions something and waits for the answer of the Node.js function. */
  private static JsonNode ask(String kind, String text) throws Exception {
    heard.clear();
    person.publish("runtimes/" + kind + "/ask", "{\"text\":\"" + text + "\"}");
    TestCore.await("both functions (" + kind + ") to publish")
        .untilAsserted(() -> assertThat(heard).as(core.log(CORE + "-node-" + kind)).hasSize(2));
    assertThat(heard).contains("heard " + text);
    return JsonMapper.shared()
        .readTree(heard.stream().filter(m -> m.startsWith("{")).findFirst().orElseThrow());
  }

  @Test
  @DisplayName(
      "the cloud asks Node.js, which asks Java, a shadow and a secret, and tells the cloud")
  void theyTalkToEachOtherAndToTheServicesOfTheCore() throws Exception {
    for (String kind : kinds()) {
      JsonNode answer = ask(kind, "hello");

      assertThat(answer.path("java").toString())
          .isEqualTo("{\"text\":\"HELLO\",\"topic\":\"runtimes/" + kind + "/ask\"}");
      assertThat(answer.path("shadow").path(kind).asString()).isEqualTo("hello");
      assertThat(answer.path("secret").asString()).isEqualTo("open sesame");
      // A container has processes of its own, and nothing of the host's but what it is given.
      assertThat(answer.path("pid").asInt() == 1).isEqualTo(kind.equals(CONTAINER));
    }
  }

  @Test
  @DisplayName("LAM-41: the SDK that they used is AWS's own from npm")
  void theSdkIsAwss() throws Exception {
    assumeTrue(npm, "npm cannot give " + SDK + " here: the functions used the SDK of the core");
    for (String kind : kinds()) {
      assertThat(ask(kind, "again").path("sdk").asString())
          .endsWith("/node_modules/" + SDK + "/index.js")
          .startsWith(kind.equals(CONTAINER) ? "/lambda/" : core.root.toString());
    }
  }
}
