package io.ryegrass.lambda;

import static io.ryegrass.lambda.ScriptedCore.HANG_UP;
import static io.ryegrass.lambda.ScriptedCore.answer;
import static io.ryegrass.lambda.ScriptedCore.next;
import static io.ryegrass.lambda.ScriptedCore.work;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.ryegrass.lambda.ScriptedCore.Heard;
import io.ryegrass.lambda.ScriptedCore.Reply;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the worker of each runtime does when its connection to the core breaks: nothing is lost,
 * nothing is done twice, and a core that is gone or says no ends it. Real workers, started as the
 * core starts them, at a {@link ScriptedCore}; all at once, for most of it is waiting.
 */
class LostConnectionsTest {
  private static final String ARN = LambdaHarness.arn("sample");
  private static final String OTHER = LambdaHarness.arn("other");
  private static final int PATIENCE_SECONDS = 40;

  private static final String PYTHON =
      """
      import greengrasssdk
      iot = greengrasssdk.client('iot-data')
      functions = greengrasssdk.client('lambda')
      calls = 0
      def handler(event, context):
          global calls
          calls += 1
          if event == 'count':
              return calls
          try:
              if event == 'publish':
                  iot.publish(topic='t', payload='x')
                  return 'sent'
              return functions.invoke(FunctionName='%s', Payload='"q"')['Payload'].read().decode()
          except Exception as e:
              return 'failed: ' + str(e)
      """
          .formatted(OTHER);

  private static final String NODE =
      """
      const { promisify } = require('util');
      const gg = require('aws-greengrass-core-sdk');
      const iot = new gg.IotData(), functions = new gg.Lambda();
      let calls = 0;
      exports.handler = async (event) => {
        calls += 1;
        if (event === 'count') return calls;
        try {
          if (event === 'publish') {
            await promisify(iot.publish.bind(iot))({ topic: 't', payload: 'x' });
            return 'sent';
          }
          const answer = await promisify(functions.invoke.bind(functions))({ FunctionName: '%s', Payload: '"q"' });
          return String(answer.Payload);
        } catch (e) {
          return 'failed: ' + e.message;
        }
      };
      """
          .formatted(OTHER);

  private static final String JAVA =
      """
      import com.amazonaws.greengrass.common.EnvVars;
      import com.amazonaws.greengrass.ipcsdk.*;
      public class Sample {
        private final IPCClient ipc = new DefaultIPCClient();
        private int calls;
        public Object handle(String event) {
          calls++;
          if (event.equals("count")) return calls;
          try {
            if (event.equals("publish")) {
              ipc.postWork(EnvVars.ROUTER_FUNCTION_ARN, "Event", new byte[] {'x'}, null);
              return "sent";
            }
            String id = ipc.postWork("%1$s", "RequestResponse", new byte[] {'q'}, null);
            return new String(ipc.getWorkResult("%1$s", id).getPayload());
          } catch (IPCException e) {
            return "failed: " + e.getMessage();
          }
        }
      }
      """
          .formatted(OTHER);

  /**
   * A runtime and how to ask its function.
   *
   * @param count answered with how often the handler was called
   * @param publish answered with {@code sent}, or with what does not contain it
   * @param invoke answered with the result of the other function
   * @param exit code of a worker that the core has no use for
   */
  private record Kind(
      String name,
      String runtime,
      String handler,
      String encoding,
      String count,
      String publish,
      String sent,
      String invoke,
      int exit) {
    static Kind json(String name, String runtime, String handler) {
      return new Kind(
          name, runtime, handler, "json", "\"count\"", "\"publish\"", "sent", "\"invoke\"", 1);
    }
  }

  private static final List<Kind> KINDS =
      List.of(
          Kind.json("Python", "python3.8", "main.handler"),
          Kind.json("Node.js", "nodejs12.x", "index.handler"),
          Kind.json("Java", "java8", "Sample::handle"),
          // The program of ExecutablesTest; what it returns at its end is its own business.
          new Kind(
              "C",
              Executables.RUNTIME,
              "everything",
              "binary",
              "context",
              "publish t x",
              "0/0:",
              "invoke - " + OTHER + " q",
              0));

  @TempDir static Path folder;
  private static ExecutorService threads;
  private static final Map<String, Future<?>> running = new HashMap<>();

  @BeforeAll
  static void startAll() throws Exception {
    Files.writeString(folder.resolve("main.py"), PYTHON);
    Files.writeString(folder.resolve("index.js"), NODE);
    Path source = folder.resolve("Sample.java");
    Files.writeString(source, JAVA);
    Java8.compile(
        LambdaHarness.RUNTIMES.resolve("java/target/lambda-runtime.jar").toString(),
        folder,
        source);
    threads = Executors.newVirtualThreadPerTaskExecutor();
    for (Kind kind : KINDS) {
      run(kind, "lost", () -> losesConnectionsAndGoesOn(kind));
      run(kind, "403", () -> endsWhenToldThatThereIsNoMoreWork(kind));
    }
  }

  @AfterAll
  static void end() {
    threads.close();
  }

  private static void run(Kind kind, String what, Callable<?> test) {
    running.put(kind.name() + what, threads.submit(test));
  }

  private static Stream<DynamicTest> results(String what) {
    return KINDS.stream()
        .map(
            kind ->
                DynamicTest.dynamicTest(
                    kind.name(),
                    () -> {
                      try {
                        running.get(kind.name() + what).get(3, TimeUnit.MINUTES);
                      } catch (ExecutionException e) {
                        throw e.getCause();
                      }
                    }));
  }

  @TestFactory
  Stream<DynamicTest> aWorkerThatLosesItsConnectionsLosesNothingAndDoesNothingTwice() {
    return results("lost");
  }

  @TestFactory
  Stream<DynamicTest> aWorkerWhoseTokenTheCoreRefusesEnds() {
    return results("403");
  }

  // ---- a worker as the core starts it

  private record Worker(Process process, Path log) implements AutoCloseable {
    String said() throws IOException {
      return Files.readString(log);
    }

    void ends(int code, String words) throws IOException, InterruptedException {
      assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).as(said()).isTrue();
      assertThat(process.exitValue()).as(said()).isEqualTo(code);
      assertThat(said()).containsPattern("(?is)this worker.* ends").contains(words);
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }

  private static Worker start(Kind kind, ScriptedCore core) throws Exception {
    Path work = Files.createTempDirectory(folder, "work");
    Path code = folder;
    if (kind.name().equals("C")) {
      code = work;
      compile(work.resolve("everything"));
    }
    ObjectNode c = LambdaHarness.JSON.createObjectNode();
    c.put("lambdaArn", ARN).put("runtime", kind.runtime()).put("handler", kind.handler());
    c.put("inputPayloadEncodingType", kind.encoding());
    FunctionConfiguration f = FunctionConfiguration.read("sample", c);
    if (kind.name().equals("Node.js")) {
      assumeThat(PlainProcesses.find("node")).as("Node.js is needed").isPresent();
    }
    Map<String, String> environment =
        new FunctionEnvironment("core-1", core.port(), Map.of("AWS_REGION", "us-east-1"))
            .of(f, code.toString(), work.toString(), "token", "sample-1");
    Executables.libraries(environment, f, LambdaHarness.RUNTIMES, code);
    List<String> command =
        RuntimeCommand.of(
                f,
                LambdaHarness.JSON.createObjectNode(),
                LambdaHarness.RUNTIMES,
                code,
                Interpreters.Reach.OWN_USER)
            .arguments();
    Path log = work.resolve("log.txt");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(code.toFile())
            .redirectErrorStream(true)
            .redirectInput(PlainProcesses.NOTHING)
            .redirectOutput(log.toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    Worker worker = new Worker(builder.start(), log);
    Heard told = next(core.initialised, "that it is initialised (" + kind.name() + ")");
    assertThat(LambdaHarness.JSON.readTree(told.body()).path("Success").asBoolean())
        .as(told.body())
        .isTrue();
    return worker;
  }

  private static void compile(Path program) throws IOException, InterruptedException {
    Path c = LambdaHarness.RUNTIMES.resolve("c");
    Process cc =
        new ProcessBuilder(
                "cc",
                "-std=gnu11",
                "-I" + c.resolve("include"),
                "-o",
                program.toString(),
                Path.of("src/test/c/everything.c").toAbsolutePath().toString(),
                "-L" + c.resolve("target/lib"),
                "-laws-greengrass-core-sdk-c")
            .redirectErrorStream(true)
            .start();
    String said = new String(cc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(cc.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(cc.exitValue()).as(said).isZero();
  }

  // ---- what happens

  private static Void losesConnectionsAndGoesOn(Kind kind) throws Exception {
    try (ScriptedCore core = new ScriptedCore();
        Worker worker = start(kind, core)) {
      // The answer is lost with its connection: it comes again, the handler is not called again.
      core.answersReplies.add(HANG_UP);
      core.works.add(work("1", kind.count()));
      Heard lost = next(core.answers, "its answer");
      Heard again = next(core.answers, "its answer again");
      assertThat(lost.invocation()).isEqualTo("1");
      assertThat(lost.body()).as(worker.said()).endsWith("1");
      assertThat(again.invocation()).isEqualTo("1");
      assertThat(again.body()).isEqualTo(lost.body());

      // The connection ends while it waits for work, and once more in the middle of the work.
      core.works.add(HANG_UP);
      core.works.add(new Reply.Half(work("2", kind.count())));
      core.works.add(work("2", kind.count()));
      Heard second = next(core.answers, "the second answer");
      assertThat(second.invocation()).isEqualTo("2");
      assertThat(second.body()).as("called for whole work only").endsWith("2");

      // A core that does not know the work any more: the worker goes on.
      core.answersReplies.add(answer(404, "{\"message\":\"no such work\"}"));
      core.works.add(work("3", kind.count()));
      assertThat(next(core.answers, "the third answer").body()).endsWith("3");

      // A message is sent once: what became of it on a broken connection nobody knows.
      core.works.add(work("4", kind.publish()));
      assertThat(next(core.answers, "the fourth answer").body()).contains(kind.sent());
      core.callsReplies.add(HANG_UP);
      core.works.add(work("5", kind.publish()));
      assertThat(next(core.answers, "the fifth answer").body()).doesNotContain(kind.sent());
      assertThat(core.calls).as("messages that came").hasSize(2);

      // The result of a call is asked for again.
      core.resultsReplies.add(HANG_UP);
      core.works.add(work("6", kind.invoke()));
      assertThat(next(core.answers, "the sixth answer").body()).contains("the result");
      assertThat(core.calls).as("messages and the call").hasSize(3);
      assertThat(core.answers).as("answers given twice").isEmpty();
      assertThat(worker.said()).contains("The core did not take the answer", "404");

      core.close();
      worker.ends(kind.exit(), "The core does not answer");
    }
    return null;
  }

  private static Void endsWhenToldThatThereIsNoMoreWork(Kind kind) throws Exception {
    try (ScriptedCore core = new ScriptedCore();
        Worker worker = start(kind, core)) {
      core.works.add(work("1", kind.count()));
      assertThat(next(core.answers, "its answer").body()).endsWith("1");
      core.works.add(answer(403, "{\"message\":\"This worker gets no more work.\"}"));
      worker.ends(kind.exit(), "403");
    }
    return null;
  }
}
