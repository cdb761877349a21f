package io.ryegrass.lambda;

import static io.ryegrass.lambda.LambdaHarness.arn;
import static io.ryegrass.lambda.LambdaHarness.clientContext;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.lambda.LambdaHarness.Answer;
import io.ryegrass.lambda.LambdaHarness.Deployed;
import io.ryegrass.lambda.LambdaHarness.TestBus;
import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.PublishResult;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/** Functions as real Python processes. */
@Timeout(60)
class FunctionsOnTheCoreTest {
  private static final String ECHO =
      """
      import os
      calls = 0
      def handler(event, context):
          global calls
          calls += 1
          return {'event': event, 'calls': calls, 'pid': os.getpid(),
                  'custom': context.client_context.custom, 'env': dict(os.environ)}
      """;

  @TempDir Path root;
  private LambdaHarness core;

  @BeforeEach
  void start() {
    core = new LambdaHarness(root);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  @Test
  void anOnDemandFunctionStartsWithItsFirstCallAndKeepsItsStateForTheNext() {
    Deployed d = core.deploy("echo", "main.handler", ECHO).awaitRunning();
    assertThat(pool(d).figures().workers()).isZero();

    assertThat(core.call(d.arn(), "{\"n\":1}").json().path("event").path("n").asInt()).isEqualTo(1);
    assertThat(core.call(d.arn(), "\"text\"").json().path("calls").asInt()).isEqualTo(2);
    assertThat(pool(d).figures().workers()).isEqualTo(1);
  }

  @Test
  void theEnvironmentIsThatOfTheContractAndNotThatOfTheCore() {
    Deployed d =
        core.deploy(
            "echo",
            "main.handler",
            ECHO,
            c -> {
              c.putObject("lambdaExecutionParameters")
                  .putObject("EnvironmentVariables")
                  .put("COLOUR", "blue")
                  .put("MY_FUNCTION_ARN", "forged");
              c.putObject("group").put("id", "g-1").put("name", "Barn");
            });
    var env = core.call(d.arn(), "{}").json().path("env");
    assertThat(env.path("MY_FUNCTION_ARN").asString()).isEqualTo(d.arn());
    assertThat(env.path("COLOUR").asString()).isEqualTo("blue");
    assertThat(env.path("AWS_IOT_THING_NAME").asString()).isEqualTo("core-1");
    assertThat(env.path("AWS_IOT_THING_ARN").asString())
        .isEqualTo("arn:aws:iot:us-east-1:000000000000:thing/core-1");
    assertThat(env.path("GROUP_ID").asString()).isEqualTo("g-1");
    assertThat(env.path("AWS_GREENGRASS_GROUP_NAME").asString()).isEqualTo("Barn");
    assertThat(env.path("AWS_REGION").asString()).isEqualTo("us-east-1");
    assertThat(env.has("JAVA_HOME")).isFalse();
  }

  /** v1-lambda-runtime.md section 12, check 5. */
  @Test
  void twoCallsAtOnceGetTwoWorkersAndTheThirdWaitsAtTheLimit() {
    String code =
        """
        import os, time
        def handler(event, context):
            deadline = time.time() + 20
            while not os.path.exists(event['gate']) and time.time() < deadline:
                time.sleep(0.01)
            return os.getpid()
        """;
    Deployed d =
        core.deploy(
            "gated",
            "main.handler",
            code,
            c -> c.put("maxInstancesCount", 2).put("timeoutInSeconds", 30));
    Path gate = root.resolve("gate");
    String payload = "{\"gate\":\"" + gate + "\"}";
    List<CompletableFuture<Answer>> calls = new CopyOnWriteArrayList<>();
    for (int i = 0; i < 3; i++) {
      calls.add(CompletableFuture.supplyAsync(() -> core.call(d.arn(), payload)));
    }
    await()
        .atMost(Duration.ofSeconds(20))
        .until(
            () ->
                pool(d).workerFigures().stream()
                            .filter(w -> w.state() == WorkerState.WORKING)
                            .count()
                        == 2
                    && pool(d).figures().queued() == 1);
    write(gate, "");
    assertThat(calls.stream().map(c -> c.join().body()).distinct()).hasSize(2);
  }

  /** v1-lambda-runtime.md section 12, check 6. */
  @Test
  void aLongLivedFunctionGetsItsWorkInOrderFromOneWorker() {
    String code =
        """
        import os
        seen = []
        def handler(event, context):
            seen.append(event)
            return {'seen': seen, 'pid': os.getpid()}
        """;
    Deployed d =
        core.deploy("ordered", "main.handler", code, c -> c.put("pinned", true)).awaitRunning();
    for (int i = 0; i < 50; i++) {
      assertThat(route(d.arn(), "n", Integer.toString(i)).delivered()).isEqualTo(1);
    }
    var seen = core.call(d.arn(), "50").json().path("seen");
    assertThat(seen).hasSize(51);
    for (int i = 0; i < 51; i++) {
      assertThat(seen.get(i).asInt()).isEqualTo(i);
    }
  }

  @Test
  void aLongLivedFunctionThatCrashesIsStartedAgainAndItsCallerIsTold() {
    String code =
        """
        import os
        def handler(event, context):
            if event == 'die':
                os._exit(7)
            return os.getpid()
        """;
    Deployed d =
        core.deploy("crash", "main.handler", code, c -> c.put("pinned", true)).awaitRunning();
    String before = core.call(d.arn(), "1").body();
    Answer died = core.call(d.arn(), "\"die\"");
    assertThat(died.error()).isEqualTo("Unhandled");
    assertThat(died.json().path("errorMessage").asString()).contains("exit code 7");
    assertThat(core.call(d.arn(), "1").body()).isNotEqualTo(before).matches("\\d+");
    assertThat(d.reporter().states).allMatch("RUNNING"::equals);
  }

  /** v1-lambda-runtime.md section 12, check 7. */
  @Test
  void aCallThatTakesTooLongKillsTheProcessAndTheNextGetsANewOne() {
    String code =
        """
        import os, subprocess, time
        child = subprocess.Popen(['sleep', '300'])
        def handler(event, context):
            if event == 'hang':
                time.sleep(300)
            return [os.getpid(), child.pid]
        """;
    Deployed d = core.deploy("slow", "main.handler", code, c -> c.put("timeoutInSeconds", 1));
    Answer before = inTime(d);
    Answer late = core.call(d.arn(), "\"hang\"");
    assertThat(late.error()).isEqualTo("Unhandled");
    assertThat(late.json().path("errorMessage").asString())
        .isEqualTo("Task timed out after 1 seconds");
    assertThat(inTime(d).json().get(0)).isNotEqualTo(before.json().get(0));
    long child = before.json().get(1).asLong();
    await().atMost(Duration.ofSeconds(20)).until(() -> !alive(child));
  }

  /** An answer within the second that it has, which a loaded machine may let pass. */
  private Answer inTime(Deployed d) {
    return await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> core.call(d.arn(), "1"), answer -> answer.error().isEmpty());
  }

  @Test
  void whatTheHandlerRaisesIsAHandledError() {
    Deployed d =
        core.deploy(
            "raises", "main.handler", "def handler(e, c):\n    raise ValueError('bad ' + e)\n");
    Answer answer = core.call(d.arn(), "\"luck\"");
    assertThat(answer.error()).isEqualTo("Handled");
    assertThat(answer.json().path("errorMessage").asString()).isEqualTo("bad luck");
    assertThat(answer.json().path("errorType").asString()).isEqualTo("ValueError");
  }

  /** v1-lambda-runtime.md section 12, check 4. */
  @Test
  void aBinaryFunctionGetsAndGivesBytes() {
    Deployed d =
        core.deploy(
            "raw",
            "main.handler",
            "def handler(e, c):\n    return e[::-1]\n",
            c -> c.put("inputPayloadEncodingType", "binary"));
    assertThat(core.call(d.arn(), "not json").body()).isEqualTo("nosj ton");
  }

  @Test
  void aLongLivedFunctionThatCannotBeLoadedIsAnErrorOfTheComponentThatSaysWhy() {
    Deployed d =
        core.deploy(
            "broken", "main.handler", "import no_such_module\n", c -> c.put("pinned", true));
    await().atMost(Duration.ofSeconds(20)).until(() -> !d.reporter().states.isEmpty());
    assertThat(d.reporter().states.getFirst())
        .startsWith("ERRORED STARTUP_ERROR")
        .contains("no_such_module");
  }

  @Test
  void anOnDemandFunctionThatCannotBeLoadedFailsItsCallsAndDoesNotSpin() {
    Deployed d = core.deploy("broken", "main.nothing", "x = 1\n");
    Answer answer = core.call(d.arn(), "{}");
    assertThat(answer.error()).isEqualTo("Unhandled");
    assertThat(answer.json().path("errorMessage").asString())
        .contains("The module main has no function nothing");
    assertThat(pool(d).figures().queued()).isZero();
  }

  @Test
  void aModuleThatLoopsForeverCountsAsRunning() {
    core.close();
    core = new LambdaHarness(root, Duration.ofMillis(500));
    Deployed d =
        core.deploy(
            "loop",
            "main.handler",
            "import time\nprint('beats')\nwhile True:\n    time.sleep(0.05)\n",
            c -> c.put("pinned", true));
    d.awaitRunning();
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(core.log).contains("INFO beats"));
  }

  @Test
  void anIdleOnDemandWorkerIsEnded() {
    Deployed d = core.deploy("idle", "main.handler", ECHO, c -> c.put("maxIdleTimeInSeconds", 1));
    long pid = core.call(d.arn(), "{}").json().path("pid").asLong();
    await().atMost(Duration.ofSeconds(20)).until(() -> pool(d).figures().workers() == 0);
    assertThat(alive(pid)).isFalse();
    assertThat(pool(d).figures().lost()).isZero();
  }

  /** v1-lambda-runtime.md section 12, check 10. */
  @Test
  void aRoutedMessageIsEventWorkWithItsTopicAsSubject() {
    String code =
        """
        import greengrasssdk
        iot = greengrasssdk.client('iot-data')
        def handler(event, context):
            iot.publish(topic='answers/' + context.client_context.custom['subject'], payload=event['say'])
        """;
    Deployed d =
        core.deploy("answers", "main.handler", code, c -> c.put("pinned", true)).awaitRunning();
    List<Message> received = new CopyOnWriteArrayList<>();
    Participant device = Participant.device("lamp");
    core.bus.attach(device, received::add, 0);
    core.bus.rules.add(new TestBus.Rule(d.arn(), "answers/#", device));

    assertThat(route(d.arn(), "barn/door", "{\"say\": \"open\"}").delivered()).isEqualTo(1);

    await().atMost(Duration.ofSeconds(20)).until(() -> received.size() == 1);
    assertThat(received.getFirst().topic()).isEqualTo("answers/barn/door");
    assertThat(received.getFirst().source()).isEqualTo(Participant.function(d.arn()));
    assertThat(new String(received.getFirst().payload())).isEqualTo("open");
  }

  /** v1-lambda-runtime.md section 12, check 10. */
  @Test
  void theSubjectIsTheTopicWhoeverSentTheMessage() {
    Deployed d =
        core.deploy(
            "subjects",
            "main.handler",
            """
            seen = []
            def handler(event, context):
                if event == 'tell':
                    return sorted(seen)
                seen.append(context.client_context.custom['subject'])
            """,
            c -> c.put("pinned", true));
    Participant self = Participant.function(d.arn());
    List<Participant> sources =
        List.of(
            Participant.CLOUD,
            Participant.device("lamp"),
            Participant.SHADOW_SERVICE,
            Participant.function(arn("caller")));
    for (Participant source : sources) {
      String filter = source.equals(Participant.SHADOW_SERVICE) ? "$aws/things/+/shadow/#" : "#";
      core.bus.rules.add(new TestBus.Rule(source.id(), filter, self));
    }
    publish("from/the/cloud", Participant.CLOUD);
    publish("from/a/device", Participant.device("lamp"));
    publish("$aws/things/lamp/shadow/update/delta", Participant.SHADOW_SERVICE);
    String context = clientContext("{\"custom\":{\"subject\":\"from/a/function\"}}");
    assertThat(
            core.http(
                    "POST",
                    "/2016-11-01/functions/arn:aws:lambda:::function:GGRouter",
                    core.callerToken(),
                    "1",
                    Map.of("X-Amz-Invocation-Type", "Event", "X-Amz-Client-Context", context))
                .statusCode())
        .isEqualTo(200);
    assertThat(core.call(d.arn(), "\"tell\"").body())
        .isEqualTo(
            "[\"$aws/things/lamp/shadow/update/delta\", \"from/a/device\", \"from/a/function\", \"from/the/cloud\"]");
  }

  private void publish(String topic, Participant source) {
    core.bus.publish(
        new Message(
            source,
            Message.Space.ROUTED,
            topic,
            "1".getBytes(java.nio.charset.StandardCharsets.UTF_8),
            0));
  }

  /** LAM-12, LAM-34 and v1-lambda-runtime.md section 12, check 8: its half without a container. */
  @Test
  void withoutAContainerThereIsNoMemoryLimit() {
    Deployed d =
        core.deploy(
            "large",
            "main.handler",
            "def handler(e, c):\n    return len(bytearray(e << 20))\n",
            c -> c.putObject("containerParams").put("memorySize", 16384));
    assertThat(core.call(d.arn(), "100").body()).isEqualTo(Integer.toString(100 << 20));
  }

  @Test
  void aFunctionCannotPublishInAnothersName() {
    String token = core.callerToken();
    HttpResponse<String> answer =
        core.http(
            "POST",
            "/2016-11-01/functions/arn:aws:lambda:::function:GGRouter",
            token,
            "x",
            Map.of(
                "X-Amz-Invocation-Type",
                "Event",
                "X-Amz-Client-Context",
                clientContext(
                    "{\"custom\":{\"source\":\"" + arn("victim") + "\",\"subject\":\"t\"}}")));
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(core.bus.published.getLast().source())
        .isEqualTo(Participant.function(arn("caller")));
  }

  /** v1-lambda-runtime.md section 12, check 12. */
  @Test
  void whenOneQueueIsFullAllOrErrorIsAnErrorAndNobodyGetsTheMessage() {
    String hang = "import time\ndef handler(e, c):\n    time.sleep(60)\n";
    Deployed d =
        core.deploy(
                "full",
                "main.handler",
                hang,
                c -> c.put("pinned", true).put("maxQueueSize", 1).put("timeoutInSeconds", 60))
            .awaitRunning();
    List<Message> direct = new CopyOnWriteArrayList<>();
    List<Message> queued = new CopyOnWriteArrayList<>();
    core.bus.attach(Participant.device("lamp"), queued::add, 10);
    core.bus.attach(Participant.component("log"), direct::add, 0);
    core.bus.rules.add(new TestBus.Rule(arn("caller"), "t", Participant.device("lamp")));
    core.bus.rules.add(new TestBus.Rule(arn("caller"), "t", Participant.component("log")));
    core.bus.rules.add(new TestBus.Rule(arn("caller"), "t", Participant.function(d.arn())));
    assertThat(publish("AllOrError").statusCode()).isEqualTo(200);
    await().atMost(Duration.ofSeconds(20)).until(() -> pool(d).figures().queued() == 0);
    assertThat(publish("AllOrError").statusCode()).isEqualTo(200);

    HttpResponse<String> refused = publish("AllOrError");
    assertThat(refused.statusCode()).isEqualTo(429);
    assertThat(refused.body())
        .contains("3 targets")
        .contains("none got it")
        .contains("maxQueueSize");
    assertThat(direct).hasSize(2);
    await().atMost(Duration.ofSeconds(20)).until(() -> queued.size() == 2);

    assertThat(publish("BestEffort").statusCode()).isEqualTo(200);
    assertThat(direct).hasSize(3);
    await().atMost(Duration.ofSeconds(20)).until(() -> queued.size() == 3);
    assertThat(core.call(d.arn(), "{}").status()).isEqualTo(429);
    assertThat(pool(d).figures().refused()).isEqualTo(3);
  }

  private HttpResponse<String> publish(String policy) {
    String context =
        clientContext("{\"custom\":{\"subject\":\"t\",\"queueFullPolicy\":\"" + policy + "\"}}");
    return core.http(
        "POST",
        "/2016-11-01/functions/arn:aws:lambda:::function:GGRouter",
        core.callerToken(),
        "3",
        Map.of("X-Amz-Invocation-Type", "Event", "X-Amz-Client-Context", context));
  }

  /** v1-lambda-runtime.md section 12, check 11. */
  @Test
  void aFunctionCallsAnotherByAlias() {
    String alias = "arn:aws:lambda:us-east-1:000000000000:function:inner:prod";
    core.deploy(
        "inner",
        "main.handler",
        "def handler(e, c):\n    return e + 1\n",
        c -> c.putArray("aliasArns").add(alias));
    String code =
        """
        import greengrasssdk, json
        def handler(event, context):
            answer = greengrasssdk.client('lambda').invoke(FunctionName='%s', Payload=json.dumps(event))
            return json.loads(answer['Payload'].read()) * 10
        """
            .formatted(alias);
    Deployed outer = core.deploy("outer", "main.handler", code);
    assertThat(core.call(outer.arn(), "4").body()).isEqualTo("50");
    assertThat(core.call(arn("absent"), "4").status()).isEqualTo(404);
  }

  @Test
  void shadowsAndSecretsAnswerWithAnErrorThatSaysWhatIsMissing() {
    String code =
        """
        import greengrasssdk
        def handler(event, context):
            try:
                greengrasssdk.client('iot-data').get_thing_shadow(thingName='x')
            except Exception as e:
                return type(e).__name__ + ': ' + str(e)
        """;
    Deployed d = core.deploy("shadow", "main.handler", code);
    assertThat(core.call(d.arn(), "1").body())
        .contains("ShadowError")
        .contains("aws.greengrass.ShadowManager");
    core.manager.serve(
        "arn:aws:lambda:::function:GGShadowService",
        (caller, subject, payload) -> subject.getBytes());
    assertThat(core.call("arn:aws:lambda:::function:GGSecretManager:1", "{}").body())
        .contains("\"Status\":500");
  }

  @Test
  void eventSourcesOfPubSubAndOfTheCloudBecomeWork() {
    Deployed d =
        core.deploy(
            "sources",
            "main.handler",
            "def handler(e, c):\n    print('got', e, c.client_context.custom['subject'])\n",
            c -> {
              var topics = c.putObject("pubsubTopics");
              topics.putObject("0").put("type", "Pubsub").put("topic", "local/+");
              topics.putObject("1").put("type", "IotCore").put("topic", "cloud/#");
            });
    core.bus
        .subscribed
        .get("local/+")
        .receive(
            new Message(
                Participant.component("c"), Message.Space.PUBSUB, "local/a", "1".getBytes(), 0));
    core.cloud.subscriptions.get("cloud/#").accept(new CloudMessage("cloud/b", "2".getBytes(), 1));
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> assertThat(core.log).contains("INFO got 1 local/a", "INFO got 2 cloud/b"));
    d.body().stop(Duration.ofSeconds(3));
    assertThat(core.bus.subscribed).isEmpty();
    assertThat(core.cloud.subscriptions).isEmpty();
    assertThat(core.bus.attached).isEmpty();
  }

  @Test
  void aChangedConfigurationReplacesTheWorkersAndKeepsTheQueue() {
    Deployed d =
        core.deploy("changing", "main.handler", ECHO, c -> c.put("pinned", true)).awaitRunning();
    var changed = LambdaHarness.JSON.createObjectNode();
    changed
        .put("lambdaArn", d.arn())
        .put("runtime", "python3.8")
        .put("handler", "main.handler")
        .put("containerMode", "NoContainer");
    changed
        .putObject("lambdaExecutionParameters")
        .putObject("EnvironmentVariables")
        .put("COLOUR", "red");
    d.body().configurationChanged(changed);
    assertThat(core.call(d.arn(), "1").json().path("env").path("COLOUR").asString())
        .isEqualTo("red");
  }

  /** LESSON-47. */
  @Test
  void aNewVersionTakesOverFromTheOldOneWithoutARestartOfTheCore() {
    String alias = "arn:aws:lambda:us-east-1:000000000000:function:swap:prod";
    Deployed old =
        core.deploy(
            "swap",
            "main.handler",
            "def handler(e, c):\n    return 'old'\n",
            c -> c.putArray("aliasArns").add(alias));
    assertThat(core.call(alias, "1").body()).isEqualTo("\"old\"");
    Deployed next =
        core.deploy(
            "swap-next",
            "main.handler",
            "def handler(e, c):\n    return 'new'\n",
            c -> {
              c.put("lambdaArn", "arn:aws:lambda:us-east-1:000000000000:function:swap:2");
              c.putArray("aliasArns").add(alias);
            });
    old.body().stop(Duration.ofSeconds(3));
    old.body().uninstall();
    assertThat(core.call(alias, "1").body()).isEqualTo("\"new\"");
    assertThat(core.call(arn("swap"), "1").status()).isEqualTo(404);
    assertThat(next.reporter().states).containsExactly("RUNNING");
  }

  @Test
  void aConfigurationThatIsWrongIsAnErrorOfTheComponentThatNamesTheField() {
    Deployed d = core.deploy("wrong", "main.handler", ECHO).awaitRunning();
    d.body()
        .configurationChanged(
            LambdaHarness.JSON
                .createObjectNode()
                .put("lambdaArn", d.arn())
                .put("handler", "main.handler")
                .put("containerMode", "Box"));
    assertThat(d.reporter().states.getLast())
        .contains("INVALID_LAMBDA_CONFIGURATION")
        .contains("containerMode")
        .contains("NoContainer");
    assertThat(core.call(d.arn(), "1").status()).isEqualTo(404);
  }

  @Test
  void theCodeOfAFunctionStaysAsItWasUnpacked() throws IOException {
    Deployed d = core.deploy("clean", "main.handler", ECHO);
    core.call(d.arn(), "1");
    try (var files = Files.list(d.code())) {
      assertThat(files.map(p -> p.getFileName().toString())).containsExactly("main.py");
    }
  }

  /** E32 and LAM-32, without a container; also on a core that was started by {@code nohup}. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void stoppingEndsTheSessionOfTheFunctionButNotWhatLeftItOrIgnoresHangUps(boolean deaf)
      throws Exception {
    var before = deaf ? Signal.handle(new Signal("HUP"), SignalHandler.SIG_IGN) : null;
    try {
      stoppingEndsTheSession();
    } finally {
      if (before != null) {
        Signal.handle(new Signal("HUP"), before);
      }
    }
  }

  private void stoppingEndsTheSession() throws Exception {
    String code =
        """
        import os, subprocess
        home = os.environ['HOME']
        def run(name, command, **more):
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
            open(home + '/' + name, 'w').write(str(child.pid))
        run('child', ['sleep', '300'])
        run('nohup', ['nohup', 'sleep', '300'])
        run('session', ['sleep', '300'], start_new_session=True)
        def handler(event, context):
            return 1
        """;
    Deployed d =
        core.deploy("daemons", "main.handler", code, c -> c.put("pinned", true)).awaitRunning();
    Path home = root.resolve("work/daemons");
    long child = Long.parseLong(Files.readString(home.resolve("child")));
    long nohup = Long.parseLong(Files.readString(home.resolve("nohup")));
    long session = Long.parseLong(Files.readString(home.resolve("session")));
    try {
      assertThat(List.of(child, nohup, session)).allMatch(FunctionsOnTheCoreTest::alive);
      // nohup ignores hang-ups before it becomes its program, and not from its first moment on
      Path program = Path.of("/proc/" + nohup + "/comm");
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> Files.readString(program).equals("sleep\n"));
      d.body().stop(Duration.ofSeconds(20));
      assertThat(pool(d, core)).isNull();
      assertThat(alive(child)).isFalse();
      assertThat(alive(nohup)).isTrue();
      assertThat(alive(session)).isTrue();
    } finally {
      ProcessHandle.of(nohup).ifPresent(ProcessHandle::destroyForcibly);
      ProcessHandle.of(session).ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  /** LESSON-27. */
  @Test
  void aFunctionThatIgnoresSigtermIsKilledAtTheDeadline() {
    String code =
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ndef handler(e, c):\n    return 1\n";
    Deployed d =
        core.deploy("stubborn", "main.handler", code, c -> c.put("pinned", true)).awaitRunning();
    long pid =
        core.manager
            .running()
            .functions()
            .find(d.arn())
            .orElseThrow()
            .workerFigures()
            .getFirst()
            .pid();
    long begun = System.nanoTime();
    d.body().stop(Duration.ofMillis(300));
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(15));
    await().atMost(Duration.ofSeconds(20)).until(() -> !alive(pid));
  }

  @Test
  void outputAndLoggerLinesEndInTheLogWithTheirLevel() {
    String code =
        """
        import logging, sys
        def handler(event, context):
            print('plain')
            sys.stderr.write('complaint\\n')
            logging.error('oh')
        """;
    core.call(core.deploy("logs", "main.handler", code).arn(), "{}");
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(core.log)
                    .contains("INFO plain", "WARN complaint", "ERROR [ERROR]-main.py:5,oh"));
    assertThat(
            Files.isSymbolicLink(root.resolve("ggc/var/log/user/us-east-1/000000000000/logs.log")))
        .isTrue();
  }

  private FunctionPool pool(Deployed d) {
    return core.manager.running().functions().find(d.arn()).orElseThrow();
  }

  private static FunctionPool pool(Deployed d, LambdaHarness core) {
    return core.manager.running().functions().find(d.arn()).orElse(null);
  }

  /** A message from a device, by a rule made for it. */
  private PublishResult route(String arn, String topic, String payload) {
    TestBus.Rule rule = new TestBus.Rule("sensor", topic, Participant.function(arn));
    if (!core.bus.rules.contains(rule)) {
      core.bus.rules.add(rule);
    }
    return core.bus.publish(
        new Message(
            Participant.device("sensor"), Message.Space.ROUTED, topic, payload.getBytes(), 0));
  }

  private static boolean alive(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z';
    } catch (IOException e) {
      return false;
    }
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
