package io.ryegrass.lambda;

import static io.ryegrass.lambda.LambdaHarness.arn;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.lambda.LambdaHarness.Answer;
import io.ryegrass.lambda.LambdaHarness.Deployed;
import io.ryegrass.lambda.LambdaHarness.TestBus;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Participant;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/**
 * Functions as real Node.js processes (v1-lambda-runtime.md sections 5, 11 and 12; LAM-01, LMB-08).
 */
@Timeout(60)
class NodeFunctionsTest {
  @TempDir Path root;
  private LambdaHarness core;

  @BeforeEach
  void start() {
    assumeThat(PlainProcesses.find("node"))
        .as("Node.js is needed: apt-get install nodejs")
        .isPresent();
    core = new LambdaHarness(root);
  }

  @AfterEach
  void stop() {
    if (core != null) {
      core.close();
    }
  }

  private Deployed deploy(String name, String code) {
    return deploy(name, "index.handler", Map.of("index.js", code), c -> {});
  }

  private Deployed deploy(
      String name, String handler, Map<String, String> files, Consumer<ObjectNode> change) {
    Path code = root.resolve("packages/artifacts-unarchived/" + name + "/1.0.0/lambda");
    files.forEach((file, text) -> write(code.resolve(file), text));
    return core.deploy(
        name,
        handler,
        "",
        c -> {
          c.put("runtime", "nodejs12.x");
          change.accept(c);
        });
  }

  private static void write(Path file, String text) {
    try {
      Files.createDirectories(file.getParent());
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void anAsyncHandlerGetsEventAndContextAndItsStateStays() {
    Deployed d =
        deploy(
            "async",
            """
            let calls = 0;
            exports.handler = async (event, context) => {
              calls += 1;
              return {event, calls, name: context.functionName, version: context.functionVersion, arn: context.invokedFunctionArn,
                id: context.awsRequestId.length, left: context.getRemainingTimeInMillis(), subject: context.clientContext.custom.subject,
                alias: context.clientContext.Custom.subject, args: process.argv.slice(2)};
            };
            """);
    assertThat(core.call(d.arn(), "{\"n\":1}").json().path("event").path("n").asInt()).isEqualTo(1);
    var seen = core.call(d.arn(), "\"Käse\"").json();
    assertThat(seen.path("event").asString()).isEqualTo("Käse");
    assertThat(seen.path("calls").asInt()).isEqualTo(2);
    assertThat(seen.path("name").asString()).isEqualTo("async");
    assertThat(seen.path("version").asString()).isEqualTo("1");
    assertThat(seen.path("arn").asString()).isEqualTo(d.arn());
    assertThat(seen.path("id").asInt()).isPositive();
    assertThat(seen.path("left").asInt()).isBetween(1, 30_000);
  }

  /** v1-lambda-runtime.md section 12, check 10. */
  @Test
  void aRoutedMessageBringsItsTopicUnderBothNames() {
    Deployed d =
        deploy(
            "topic",
            "index.handler",
            Map.of(
                "index.js",
                """
            const seen = [];
            exports.handler = (event, context, callback) => {
              if (event === 'tell') return callback(null, seen);
              seen.push([context.clientContext.custom.subject, context.clientContext.Custom.subject, event]);
              callback(null);
            };
            """),
            c -> c.put("maxInstancesCount", 1)); // the second call is for who got the message
    core.bus.rules.add(new TestBus.Rule("cloud", "#", Participant.function(d.arn())));
    core.bus.publish(
        new Message(
            Participant.CLOUD,
            Message.Space.ROUTED,
            "a/b",
            "{}".getBytes(StandardCharsets.UTF_8),
            0));
    assertThat(core.call(d.arn(), "\"tell\"").body()).isEqualTo("[[\"a/b\",\"a/b\",{}]]");
  }

  @Test
  void aCallbackCountsWhenWhatTheHandlerStartedIsDoneUnlessItSaysOtherwise() {
    Deployed d =
        deploy(
            "loop",
            """
            setInterval(() => {}, 100); // what the module keeps running is not the handler's
            exports.handler = (event, context, callback) => {
              const result = {done: false};
              context.callbackWaitsForEmptyEventLoop = event.waits;
              setTimeout(() => { result.done = true; }, 200);
              callback(null, result);
            };
            """);
    assertThat(core.call(d.arn(), "{\"waits\":true}").json().path("done").asBoolean()).isTrue();
    assertThat(core.call(d.arn(), "{\"waits\":false}").json().path("done").asBoolean()).isFalse();
  }

  @Test
  void aHandlerThatNeverAnswersHasAnsweredNullWhenNothingIsLeftToDo() {
    Deployed d =
        deploy(
            "silent",
            "setInterval(() => {}, 100);\nexports.handler = (event, context) => { if (event.late) setTimeout(() => context.succeed('late'), 100); };");
    assertThat(core.call(d.arn(), "{}").body()).isEqualTo("null");
    assertThat(core.call(d.arn(), "{\"late\":true}").body()).isEqualTo("\"late\"");
  }

  @Test
  void doneSucceedAndFailAnswerAtOnce() {
    Deployed d =
        deploy(
            "old",
            """
            exports.handler = (event, context) => {
              setInterval(() => {}, 1000);
              if (event === 'succeed') context.succeed(1);
              if (event === 'fail') context.fail(new RangeError('too far'));
              if (event === 'done') context.done(null, 2);
            };
            """);
    assertThat(core.call(d.arn(), "\"succeed\"").body()).isEqualTo("1");
    assertThat(core.call(d.arn(), "\"done\"").body()).isEqualTo("2");
    Answer failed = core.call(d.arn(), "\"fail\"");
    assertThat(failed.error()).isEqualTo("Handled");
    assertThat(failed.json().path("errorType").asString()).isEqualTo("RangeError");
  }

  /** Section 11. */
  @Test
  void whatTheHandlerThrowsRejectsWithOrCallsBackWithIsAHandledError() {
    Deployed d =
        deploy(
            "errors",
            """
            exports.handler = (event, context, callback) => {
              if (event === 'throw') throw new TypeError('thrown');
              if (event === 'reject') return Promise.reject(new Error('rejected'));
              if (event === 'text') return callback('a text');
              const loop = {}; loop.loop = loop; callback(null, loop);
            };
            """);
    Answer thrown = core.call(d.arn(), "\"throw\"");
    assertThat(thrown.error()).isEqualTo("Handled");
    assertThat(thrown.json().path("errorMessage").asString()).isEqualTo("thrown");
    assertThat(thrown.json().path("errorType").asString()).isEqualTo("TypeError");
    assertThat(thrown.json().path("trace").path(0).asString()).isEqualTo("TypeError: thrown");
    assertThat(thrown.json().path("stackTrace").path(0).asString()).contains("index.js:2");
    assertThat(core.call(d.arn(), "\"reject\"").json().path("errorMessage").asString())
        .isEqualTo("rejected");
    assertThat(core.call(d.arn(), "\"text\"").json().path("errorMessage").asString())
        .isEqualTo("a text");
    Answer loop = core.call(d.arn(), "\"loop\"");
    assertThat(loop.error()).isEqualTo("Handled");
    assertThat(loop.json().path("errorType").asString()).isEqualTo("Runtime.MarshalError");
    Answer bad = core.call(d.arn(), "no json");
    assertThat(bad.json().path("errorType").asString()).isEqualTo("Runtime.UnmarshalError");
    await()
        .atMost(Duration.ofSeconds(20))
        .until(
            () -> core.log.stream().anyMatch(l -> l.startsWith("ERROR") && l.contains("thrown")));
  }

  @Test
  void anExceptionOrRejectionThatNobodyCatchesEndsTheWorkerAndTheNextCallGetsANewOne() {
    Deployed d =
        deploy(
            "crash",
            """
            exports.handler = (event, context, callback) => {
              if (event === 'throw') setTimeout(() => { throw new Error('nobody caught me'); }, 1);
              else if (event === 'reject') Promise.reject(new Error('nobody handled me'));
              else return callback(null, process.pid);
              setTimeout(callback, 5000);
            };
            """);
    String before = core.call(d.arn(), "1").body();
    Answer thrown = core.call(d.arn(), "\"throw\"");
    assertThat(thrown.error()).isEqualTo("Unhandled");
    assertThat(thrown.json().path("errorMessage").asString()).contains("129");
    assertThat(core.call(d.arn(), "1").body()).isNotEqualTo(before);
    assertThat(core.call(d.arn(), "\"reject\"").error()).isEqualTo("Unhandled");
    await()
        .atMost(Duration.ofSeconds(20))
        .until(
            () ->
                core.log.stream().anyMatch(l -> l.contains("nobody caught me"))
                    && core.log.stream().anyMatch(l -> l.contains("nobody handled me")));
  }

  /** v1-lambda-runtime.md section 12, check 4. */
  @Test
  void aBinaryFunctionGetsAndGivesBytesAlsoMany() {
    Deployed d =
        deploy(
            "raw",
            "index.handler",
            Map.of("index.js", "exports.handler = async (e) => Buffer.from(e).reverse();"),
            c -> c.put("inputPayloadEncodingType", "binary"));
    assertThat(core.call(d.arn(), "not json").body()).isEqualTo("nosj ton");
    String large = "x".repeat(5 * 1024 * 1024) + "y";
    assertThat(core.call(d.arn(), large).body()).hasSize(large.length()).startsWith("yx");
  }

  @Test
  void consoleLinesReachTheLogWithTheirLevels() {
    Deployed d =
        deploy(
            "talks",
            "console.log('plain %d', 1); console.warn('careful'); console.error('broken'); console.debug('detail');\n"
                + "exports.handler = async () => 1;");
    core.call(d.arn(), "1");
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(core.log)
                    .contains("INFO plain 1", "WARN [WARN]-careful", "ERROR [ERROR]-broken")
                    .contains("DEBUG [DEBUG]-detail"));
  }

  @Test
  void aModuleThatCannotBeLoadedIsNamedToTheCallerAndInTheLog() {
    Deployed d = deploy("broken", "require('not-there');");
    Answer answer = core.call(d.arn(), "1");
    assertThat(answer.error()).isEqualTo("Unhandled");
    assertThat(answer.json().path("errorMessage").asString()).contains("not-there");
    Deployed other =
        deploy("lacks", "index.missing", Map.of("index.js", "exports.handler = 1;"), c -> {});
    assertThat(core.call(other.arn(), "1").json().path("errorMessage").asString())
        .contains("exports no missing");
  }

  @Test
  void handlersMayBeEsModulesInFoldersAndUseOurCoreSdk() {
    Deployed d =
        deploy(
            "esm",
            "src/app.handler",
            Map.of(
                "src/app.mjs",
                "import gg from 'aws-greengrass-core-sdk';\nexport const handler = async (e) => Object.keys(gg).sort();"),
            c -> {});
    assertThat(core.call(d.arn(), "{}").body()).contains("IotData", "Lambda", "SecretsManager");
    Deployed typed =
        deploy(
            "typed",
            "index.handler",
            Map.of(
                "package.json",
                "{\"type\":\"module\"}",
                "index.js",
                "const late = await Promise.resolve(7);\nexport const handler = async () => late;"),
            c -> {});
    assertThat(core.call(typed.arn(), "{}").body()).isEqualTo("7");
  }

  @Test
  void sigtermLetsTheHandlerFinishAndTheFunctionsOwnListenerRuns() {
    Deployed d =
        deploy(
            "ends",
            "index.handler",
            Map.of(
                "index.js",
                """
                process.on('SIGTERM', () => { console.log('my own goodbye'); process.exit(0); });
                exports.handler = async () => 1;
                """),
            c -> c.put("pinned", true));
    assertThat(core.call(d.arn(), "{}").body()).isEqualTo("1");
    d.body().stop(Duration.ofSeconds(20));
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> core.log.stream().anyMatch(l -> l.contains("my own goodbye")));
  }

  @Test
  void aRuntimeThatNoInterpreterServesIsNamedWithTheRemedy() {
    Deployed d = deploy("future", "index.handler", Map.of(), c -> c.put("runtime", "nodejs9999.x"));
    assertThat(d.reporter().states)
        .singleElement()
        .asString()
        .contains("RUNTIME_NOT_FOUND", "nodejs9999.x", "/usr/bin", "interpreters.nodejs9999.x");
  }

  /** v1-lambda-runtime.md section 12, checks 1 and 11: the SDK that npm has, unchanged. */
  @Test
  void theUnmodifiedSdkOfNpmPublishesInvokesAndReadsShadowsAndSecrets() throws Exception {
    Path packages = npmSdk();
    Deployed echo =
        deploy(
            "echo",
            "index.handler",
            Map.of(
                "index.js",
                "exports.handler = async (e) => { if (e.fail) throw new Error('refused'); return {got: e}; };"),
            c -> c.putObject("aliasArns").put("0", arn("echo").replaceAll(":1$", ":live")));
    core.manager.serve(
        FunctionEnvironment.SHADOW_ARN,
        (caller, subject, payload) ->
            ("{\"subject\":\"" + subject + "\",\"bytes\":" + payload.length + "}")
                .getBytes(StandardCharsets.UTF_8));
    core.manager.serve(
        FunctionEnvironment.SECRETS_ARN,
        (caller, subject, payload) ->
            (new String(payload, StandardCharsets.UTF_8).contains("known")
                    ? "{\"ARN\":\"arn:x\",\"Name\":\"known\",\"VersionId\":\"1\",\"CreatedDate\":1,\"SecretString\":\"s3cret\"}"
                    : "{\"Status\":404,\"Message\":\"no such secret\"}")
                .getBytes(StandardCharsets.UTF_8));
    Deployed d =
        deploy(
            "user",
            "index.handler",
            Map.of(
                "index.js",
                """
                const {promisify} = require('util');
                const gg = require('aws-greengrass-core-sdk');
                const where = require.resolve('aws-greengrass-core-sdk');
                const iot = new gg.IotData(), lambda = new gg.Lambda(), secrets = new gg.SecretsManager();
                const call = (o, name, params) => promisify(o[name].bind(o))(params);
                exports.handler = async (target) => {
                  const out = {own: where.startsWith(process.env.LAMBDA_TASK_ROOT)};
                  await call(iot, 'publish', {topic: 'from/node', payload: JSON.stringify({a: 1}), queueFullPolicy: 'AllOrError'});
                  const invoked = await call(lambda, 'invoke', {FunctionName: target, InvocationType: 'RequestResponse', Payload: '{"x":1}'});
                  out.invoked = JSON.parse(invoked.Payload); out.status = invoked.StatusCode; out.error = invoked.FunctionError;
                  const failed = await call(lambda, 'invoke', {FunctionName: target, Payload: '{"fail":true}'});
                  out.failed = [failed.FunctionError, JSON.parse(failed.Payload).errorMessage];
                  out.event = typeof await call(lambda, 'invoke', {FunctionName: target, InvocationType: 'Event', Payload: '{}'});
                  out.got = JSON.parse((await call(iot, 'getThingShadow', {thingName: 't'})).Payload);
                  out.updated = JSON.parse((await call(iot, 'updateThingShadow', {thingName: 't', payload: '{}'})).Payload);
                  out.deleted = JSON.parse((await call(iot, 'deleteThingShadow', {thingName: 't'})).Payload);
                  out.secret = JSON.parse(await call(secrets, 'getSecretValue', {SecretId: 'known'})).SecretString;
                  out.unknown = await call(secrets, 'getSecretValue', {SecretId: 'other'}).catch((e) => e.message);
                  out.nobody = await call(lambda, 'invoke', {FunctionName: target.replace('echo', 'nobody'), Payload: ''}).catch((e) => e.message);
                  return out;
                };
                """),
            c -> {});
    copy(packages, d.code().resolve("node_modules"));
    Answer answer = core.call(d.arn(), "\"" + arn("echo").replaceAll(":1$", ":live") + "\"");
    var out = answer.json();
    assertThat(out.path("own").asBoolean()).as(answer.body()).isTrue();
    assertThat(out.path("invoked").path("got").path("x").asInt()).isEqualTo(1);
    assertThat(out.path("status").asInt()).isEqualTo(200);
    assertThat(out.path("error").asString()).isEmpty();
    assertThat(out.path("failed").toString()).isEqualTo("[\"Handled\",\"refused\"]");
    assertThat(out.path("event").asString()).isEqualTo("string");
    assertThat(out.path("got").path("subject").asString()).isEqualTo("$aws/things/t/shadow/get");
    assertThat(out.path("updated").path("bytes").asInt()).isEqualTo(2);
    assertThat(out.path("deleted").path("subject").asString())
        .isEqualTo("$aws/things/t/shadow/delete");
    assertThat(out.path("secret").asString()).isEqualTo("s3cret");
    assertThat(out.path("unknown").asString()).contains("no such secret");
    assertThat(out.path("nobody").asString()).contains("404");
    assertThat(core.bus.published)
        .anySatisfy(
            m -> {
              assertThat(m.topic()).isEqualTo("from/node");
              assertThat(m.source().id()).isEqualTo(d.arn());
              assertThat(new String(m.payload(), StandardCharsets.UTF_8)).isEqualTo("{\"a\":1}");
            });
    assertThat(echo.reporter().states).contains("RUNNING");
  }

  /** {@code node_modules} with the SDK, by the npm client; the test is skipped when it cannot. */
  private Path npmSdk() throws Exception {
    Path folder = Files.createDirectories(root.resolve("npm"));
    Files.writeString(folder.resolve("package.json"), "{\"private\":true}");
    Path log = root.resolve("npm.log");
    try {
      Process npm =
          new ProcessBuilder(
                  "npm",
                  "install",
                  "--no-audit",
                  "--no-fund",
                  "--prefer-offline",
                  "aws-greengrass-core-sdk@1.7.0")
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      boolean ended = npm.waitFor(30, TimeUnit.SECONDS);
      npm.destroyForcibly();
      assumeThat(ended && npm.exitValue() == 0)
          .as("npm cannot give aws-greengrass-core-sdk here: %s", Files.readString(log))
          .isTrue();
    } catch (IOException e) {
      assumeThat(false).as("there is no npm here: %s", e.getMessage()).isTrue();
    }
    return folder.resolve("node_modules");
  }

  private static void copy(Path from, Path to) throws IOException {
    try (var all = Files.walk(from)) {
      for (Path path : all.toList()) {
        Path target = to.resolve(from.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(target);
        } else {
          Files.copy(path, target);
        }
      }
    }
  }
}
