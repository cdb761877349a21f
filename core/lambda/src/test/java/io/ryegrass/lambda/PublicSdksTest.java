package io.ryegrass.lambda;

import static io.ryegrass.lambda.LambdaHarness.arn;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.ryegrass.lambda.LambdaHarness.Answer;
import io.ryegrass.lambda.LambdaHarness.Deployed;
import io.ryegrass.nucleus.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * Functions with AWS's Core SDKs for Python and Java, unmodified (v1-lambda-runtime.md section 12,
 * checks 1, 2 and 11). For npm's SDK see {@link NodeFunctionsTest}.
 *
 * <p>AWS publishes the SDK for Java in no package registry, only as a jar in its repository
 * aws-greengrass-core-sdk-java, and that for Python may be out of reach. So these tests take them
 * from the folder that {@code RYEGRASS_PUBLIC_SDKS} names ({@code greengrasssdk/} and {@code
 * GreengrassJavaSDK.jar} in it) and are skipped without it. What always runs is the same with the
 * core's own SDK, and each name that the published jar links to, by its descriptor.
 */
@Timeout(90)
class PublicSdksTest {
  private static final @Nullable String SDKS = System.getenv("RYEGRASS_PUBLIC_SDKS");

  private static final String PYTHON =
      """
      import json
      import greengrasssdk
      iot = greengrasssdk.client('iot-data')
      functions = greengrasssdk.client('lambda')
      secrets = greengrasssdk.client('secretsmanager')

      def refused(call, **arguments):
          try:
              call(**arguments)
          except Exception as e:
              return type(e).__name__ + ': ' + str(e)

      def handler(target, context):
          out = {'sdk': greengrasssdk.__file__}
          iot.publish(topic='from/sdk', payload=json.dumps({'a': 1}), queueFullPolicy='AllOrException')
          answer = functions.invoke(FunctionName=target, InvocationType='RequestResponse', Payload='{"x":1}')
          out['invoked'] = json.loads(answer['Payload'].read())
          answer = functions.invoke(FunctionName=target, Payload='{"fail":true}')
          payload = answer['Payload']
          failure = json.loads(payload.read() if hasattr(payload, 'read') else payload)
          out['failed'] = [answer['FunctionError'], failure['errorMessage']]
          functions.invoke(FunctionName=target, InvocationType='Event', Payload='{}')
          out['got'] = json.loads(iot.get_thing_shadow(thingName='t')['payload'])
          out['updated'] = json.loads(iot.update_thing_shadow(thingName='t', payload='{}')['payload'])
          out['deleted'] = json.loads(iot.delete_thing_shadow(thingName='t')['payload'])
          out['noShadow'] = refused(iot.get_thing_shadow, thingName='none')
          out['secret'] = secrets.get_secret_value(SecretId='known')['SecretString']
          out['unknown'] = refused(secrets.get_secret_value, SecretId='other')
          out['nobody'] = refused(functions.invoke, FunctionName=target.replace('echo', 'nobody'))
          return out
      """;

  private static final String JAVA =
      """
      package sdk;
      import com.amazonaws.greengrass.javasdk.*;
      import com.amazonaws.greengrass.javasdk.model.*;
      import com.amazonaws.services.lambda.runtime.*;
      import java.nio.ByteBuffer;
      import java.nio.charset.StandardCharsets;
      import java.util.*;
      public class User implements RequestHandler<String, Map<String, Object>> {
        private static final IotDataClient IOT = GreengrassClientBuilder.iotDataClient().build();
        private static final LambdaClient FUNCTIONS = GreengrassClientBuilder.lambdaClient().build();
        private static final SecretsManagerClient SECRETS =
            (SecretsManagerClient) GreengrassClientBuilder.secretsManagerClient().build();
        private interface Call { void make() throws Exception; }
        private static ByteBuffer bytes(String text) { return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)); }
        private static String text(ByteBuffer payload) { return StandardCharsets.UTF_8.decode(payload).toString(); }
        private static String refused(Call call) {
          try { call.make(); return "nothing"; } catch (Exception e) { return e.getClass().getSimpleName() + ": " + e + " " + e.getCause(); }
        }
        private static InvokeResponse invoke(String target, String payload, InvocationType type) throws Exception {
          return FUNCTIONS.invoke(new InvokeRequest().withFunctionArn(target).withInvocationType(type).withPayload(bytes(payload)));
        }
        public Map<String, Object> handleRequest(String target, Context c) {
          Map<String, Object> out = new LinkedHashMap<>();
          try {
            out.put("sdk", IotDataClient.class.getProtectionDomain().getCodeSource().getLocation().getPath());
            IOT.publish(new PublishRequest().withTopic("from/sdk").withPayload(bytes("{\\"a\\": 1}"))
                .withQueueFullPolicy(QueueFullPolicy.AllOrException));
            InvokeResponse answer = invoke(target, "{\\"x\\":1}", InvocationType.RequestResponse);
            out.put("invokedText", text(answer.getPayload()));
            out.put("status", answer.getStatusCode());
            answer = invoke(target, "{\\"fail\\":true}", InvocationType.RequestResponse);
            out.put("failedText", answer.getFunctionErr() + " " + text(answer.getPayload()));
            invoke(target, "{}", InvocationType.Event);
            out.put("gotText", text(IOT.getThingShadow(new GetThingShadowRequest().withThingName("t")).getPayload()));
            out.put("updatedText", text(IOT.updateThingShadow(
                new UpdateThingShadowRequest().withThingName("t").withPayload(bytes("{}"))).getPayload()));
            IOT.deleteThingShadow(new DeleteThingShadowRequest().withThingName("t"));
            out.put("noShadow", text(IOT.getThingShadow(new GetThingShadowRequest().withThingName("none")).getPayload()));
            out.put("secret", SECRETS.getSecretValue(new GetSecretValueRequest().withSecretId("known")).getSecretString());
            out.put("unknown", refused(() -> SECRETS.getSecretValue(new GetSecretValueRequest().withSecretId("other"))));
            out.put("nobody", refused(() -> invoke(target.replace("echo", "nobody"), "", InvocationType.RequestResponse)));
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
          return out;
        }
      }
      """;

  /**
   * What the classes of AWS's jar link to (its constant pools, version 1.5.0): owner, name, type.
   */
  private static final String LINKED =
      """
      com.amazonaws.greengrass.common.EnvVars MY_FUNCTION_ARN Ljava/lang/String;
      com.amazonaws.greengrass.common.EnvVars ROUTER_FUNCTION_ARN Ljava/lang/String;
      com.amazonaws.greengrass.common.EnvVars SECRETS_MANAGER_FUNCTION_ARN Ljava/lang/String;
      com.amazonaws.greengrass.common.EnvVars SHADOW_FUNCTION_ARN Ljava/lang/String;
      com.amazonaws.greengrass.common.FunctionArnFields fromString (Ljava/lang/String;)Lcom/amazonaws/greengrass/common/FunctionArnFields;
      com.amazonaws.greengrass.common.FunctionArnFields getQualifier ()Ljava/lang/String;
      com.amazonaws.greengrass.common.GreengrassLogger <init> ()V
      com.amazonaws.greengrass.common.GreengrassLogger debug (Ljava/lang/String;)V
      com.amazonaws.greengrass.ipcsdk.DefaultIPCClient <init> ()V
      com.amazonaws.greengrass.ipcsdk.IPCClient getWorkResult (Ljava/lang/String;Ljava/lang/String;)Lcom/amazonaws/greengrass/ipcsdk/WorkResult;
      com.amazonaws.greengrass.ipcsdk.IPCClient postWork (Ljava/lang/String;Ljava/lang/String;[BLjava/lang/String;)Ljava/lang/String;
      com.amazonaws.greengrass.ipcsdk.IPCException getCause ()Ljava/lang/Throwable;
      com.amazonaws.greengrass.ipcsdk.WorkResult getFunctionErr ()Ljava/lang/String;
      com.amazonaws.greengrass.ipcsdk.WorkResult getPayload ()[B
      com.amazonaws.greengrass.ipcsdk.WorkResult getStatusCode ()I
      """;

  @TempDir Path root;
  private LambdaHarness core;
  private final String target = arn("echo").replaceAll(":1$", ":live");

  @BeforeEach
  void start() {
    core = new LambdaHarness(root);
    core.deploy(
        "echo",
        "main.handler",
        """
        def handler(event, context):
            if event.get('fail'):
                raise ValueError('refused')
            return {'got': event}
        """,
        c -> c.putObject("aliasArns").put("0", target));
    core.manager.serve(
        FunctionEnvironment.SHADOW_ARN,
        (caller, subject, payload) ->
            (subject.contains("/none/")
                    ? "{\"code\":404,\"message\":\"No shadow exists with name: 'none'\"}"
                    : "{\"subject\":\"" + subject + "\",\"bytes\":" + payload.length + "}")
                .getBytes(StandardCharsets.UTF_8));
    core.manager.serve(
        FunctionEnvironment.SECRETS_ARN,
        (caller, subject, payload) ->
            (new String(payload, StandardCharsets.UTF_8).contains("known")
                    ? "{\"ARN\":\"arn:x\",\"Name\":\"known\",\"VersionId\":\"1\",\"CreatedDate\":1,\"VersionStages\":[\"AWSCURRENT\"],\"SecretString\":\"s3cret\"}"
                    : "{\"Status\":404,\"Message\":\"no such secret\"}")
                .getBytes(StandardCharsets.UTF_8));
  }

  @AfterEach
  void stop() {
    core.close();
  }

  private static Path sdk(String name) {
    assumeThat(SDKS)
        .as("RYEGRASS_PUBLIC_SDKS names no folder with AWS's %s, which no registry here has", name)
        .isNotNull();
    Path path = Path.of(SDKS, name);
    assertThat(path).exists();
    return path;
  }

  private static void copy(Path from, Path to) {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path path : all.toList()) {
        Path copy = to.resolve(from.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(copy);
        } else {
          Files.copy(path, copy);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void published(Deployed by) {
    assertThat(core.bus.published).hasSize(1);
    Message message = core.bus.published.getFirst();
    assertThat(message.topic()).isEqualTo("from/sdk");
    assertThat(message.source().id()).isEqualTo(by.arn());
    assertThat(new String(message.payload(), StandardCharsets.UTF_8)).isEqualTo("{\"a\": 1}");
  }

  private String pythonRoundTrip(Deployed user) {
    Answer answer = core.call(user.arn(), "\"" + target + "\"");
    JsonNode out = answer.json();
    assertThat(out.path("invoked").path("got").path("x").asInt()).as(answer.body()).isEqualTo(1);
    assertThat(out.path("failed").toString()).isEqualTo("[\"Handled\",\"refused\"]");
    assertThat(out.path("got").path("subject").asString()).isEqualTo("$aws/things/t/shadow/get");
    assertThat(out.path("updated").path("bytes").asInt()).isEqualTo(2);
    assertThat(out.path("deleted").path("subject").asString())
        .isEqualTo("$aws/things/t/shadow/delete");
    assertThat(out.path("noShadow").asString()).startsWith("ShadowError").contains("404");
    assertThat(out.path("secret").asString()).isEqualTo("s3cret");
    assertThat(out.path("unknown").asString())
        .startsWith("SecretsManagerError")
        .contains("no such secret");
    assertThat(out.path("nobody").asString())
        .startsWith("InvocationException")
        .contains("not deployed on this core");
    published(user);
    return out.path("sdk").asString();
  }

  @Test
  @DisplayName("check 1: the core's own greengrasssdk publishes, invokes, has shadows and secrets")
  void thePythonSdkOfTheCoreReachesAllServices() {
    assertThat(pythonRoundTrip(core.deploy("user", "main.handler", PYTHON)))
        .startsWith(LambdaHarness.RUNTIMES.resolve("python/sdk").toString());
  }

  @Test
  @DisplayName("check 1: AWS's greengrasssdk for Python, unmodified, does the same")
  void awssPythonSdkReachesAllServices() {
    Path sdk = sdk("greengrasssdk");
    Deployed user = core.deploy("user", "main.handler", PYTHON);
    copy(sdk, user.code().resolve("greengrasssdk"));
    assertThat(pythonRoundTrip(user)).startsWith(user.code().toString());
  }

  @Test
  @DisplayName("check 2: AWS's GreengrassJavaSDK.jar, unmodified, runs with our ipcsdk and common")
  void awssJavaSdkReachesAllServices() throws IOException {
    Path sdk = sdk("GreengrassJavaSDK.jar");
    Path code = root.resolve("packages/artifacts-unarchived/user/1.0.0/lambda");
    Path source = root.resolve("User.java");
    Files.writeString(source, JAVA);
    Files.createDirectories(code.resolve("lib"));
    Files.copy(sdk, code.resolve("lib/GreengrassJavaSDK.jar"));
    Path runtime = LambdaHarness.RUNTIMES.resolve("java/target");
    Java8.compile(
        sdk
            + ":"
            + runtime.resolve("lambda-runtime.jar")
            + ":"
            + runtime.resolve("lib/aws-lambda-java-core.jar"),
        code,
        source);
    Deployed user =
        core.deploy(
            "user", "sdk.User", "", c -> c.put("runtime", "java8").put("timeoutInSeconds", 60));

    Answer answer = core.call(user.arn(), "\"" + target + "\"");
    JsonNode out = answer.json();
    assertThat(out.path("sdk").asString()).as(answer.body()).startsWith(code.toString());
    assertThat(out.path("invokedText").asString()).isEqualTo("{\"got\": {\"x\": 1}}");
    assertThat(out.path("status").asInt()).isEqualTo(200);
    assertThat(out.path("failedText").asString()).startsWith("Handled ").contains("refused");
    assertThat(out.path("gotText").asString()).contains("$aws/things/t/shadow/get");
    assertThat(out.path("updatedText").asString()).contains("\"bytes\":2");
    assertThat(out.path("noShadow").asString()).as("handed on as it is").contains("404");
    assertThat(out.path("secret").asString()).isEqualTo("s3cret");
    assertThat(out.path("unknown").asString()).startsWith("SecretResourceNotFoundException");
    assertThat(out.path("nobody").asString())
        .startsWith("GGLambdaException")
        .contains("not deployed on this core");
    published(user);
  }

  @Test
  @DisplayName(
      "section 8: a service that the machine-learning SDK calls is not there, and is named")
  void theMachineLearningSdkIsToldWhichServiceIsNotThere() {
    Deployed user =
        core.deploy(
            "user",
            "main.handler",
            """
            import base64, os
            from greengrass_common.env_vars import GGC_MAX_INTERFACE_VERSION
            from greengrass_common.parse_version import parse_version
            from greengrass_ipc_python_sdk.ipc_facade import (
                GreengrassRuntimeException, GreengrassServiceClient, GreengrassServiceMessage)
            client = GreengrassServiceClient()
            def handler(name, context):
                address = 'arn:aws:lambda:{}:aws:function:GG-ML-INF-image-classification-{}'.format(
                    os.environ['AWS_REGION'], name)
                about = base64.b64encode(b'{"custom": {"Content-Type": "image/jpeg"}}')
                try:
                    client.call(address, GreengrassServiceMessage(about, b'photo'))
                except GreengrassRuntimeException as e:
                    return [parse_version(GGC_MAX_INTERFACE_VERSION), str(e)]
            """);
    JsonNode answer = core.call(user.arn(), "\"beverages\"").json();
    assertThat(answer.path(0).toString()).isEqualTo("[\"1\",\"5\"]");
    assertThat(answer.path(1).asString())
        .contains("GG-ML-INF-image-classification-beverages: no connector that serves this name")
        .contains("not deployed on this core");
  }

  @Test
  @DisplayName("check 2: each name that the published jar links to is there, with its type")
  void theClassesHaveWhatThePublishedJarLinksTo() throws Exception {
    ClassLoader loader = getClass().getClassLoader();
    for (String line : LINKED.lines().toList()) {
      String[] words = line.split(" ");
      Class<?> owner = Class.forName(words[0], false, loader);
      if (!words[2].startsWith("(")) {
        assertThat(owner.getField(words[1]).getType()).as(line).isEqualTo(String.class);
        continue;
      }
      MethodType type = MethodType.fromMethodDescriptorString(words[2], loader);
      if (words[1].equals("<init>")) {
        assertThat(owner.getConstructor(type.parameterArray())).as(line).isNotNull();
      } else {
        assertThat(owner.getMethod(words[1], type.parameterArray()).getReturnType())
            .as(line)
            .isEqualTo(type.returnType());
      }
    }
    assertThat(Class.forName("com.amazonaws.greengrass.ipcsdk.IPCClient", false, loader))
        .as("called as an interface")
        .isInterface();
  }
}
