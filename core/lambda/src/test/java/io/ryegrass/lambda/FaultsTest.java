package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.lambda.LambdaHarness.Answer;
import io.ryegrass.lambda.LambdaHarness.Deployed;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Functions that misbehave, as real processes: the core stays healthy, says which function did
 * what, and serves the others.
 */
@Timeout(120)
class FaultsTest {
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final String FINE = "def handler(e, c):\n    return 'fine'\n";

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
  void aHandlerThatForksAnswersOnceAndItsChildIsEndedWithIt() {
    String code =
        """
        import os, time
        def handler(event, context):
            pid = os.fork()
            if pid == 0:
                time.sleep(300)
                os._exit(0)
            os.kill(pid, 0)  # it is there: an error of the handler if not
            return pid
        """;
    Deployed d = core.deploy("forks", "main.handler", code, c -> c.put("maxIdleTimeInSeconds", 1));
    long child = Long.parseLong(core.call(d.arn(), "1").body());
    await().atMost(SOON).until(() -> pool(d).figures().workers() == 0);
    await()
        .atMost(SOON)
        .until(() -> ProcessHandle.of(child).filter(ProcessHandle::isAlive).isEmpty());
  }

  @Test
  void aHandlerThatCrashesInTheMiddleCostsOnlyItsOwnCall() {
    String code =
        "import os, signal\ndef handler(e, c):\n    os.kill(os.getpid(), signal.SIGSEGV)\n";
    Deployed bad = core.deploy("crashes", "main.handler", code);
    Deployed good = core.deploy("good", "main.handler", FINE);
    Answer answer = core.call(bad.arn(), "1");
    assertThat(answer.error()).isEqualTo("Unhandled");
    assertThat(answer.json().path("errorMessage").asString()).contains("exit code");
    assertThat(core.call(good.arn(), "1").body()).isEqualTo("\"fine\"");
    await()
        .atMost(SOON)
        .untilAsserted(
            () ->
                assertThat(core.log).anyMatch(l -> l.startsWith("ERROR") && l.contains(bad.arn())));
  }

  /** As AWS Lambda words it; the worker goes on with the next call. */
  @Test
  void anAnswerOfSevenMegabytesIsAnErrorOfTheCallerAndTheWorkerLivesOn() throws Exception {
    Runtime worker = new Runtime("large");
    Deployed d = worker.deploy();
    CompletableFuture<Answer> call = call(d);
    String id = worker.next();
    String refused = worker.post("invocation/" + id + "/response", "x".repeat(7 << 20));
    assertThat(refused)
        .startsWith("HTTP/1.1 413 ")
        .contains("\"errorType\":\"RequestEntityTooLarge\"")
        .contains("errorMessage");
    assertThat(call.get().error()).isEqualTo("Unhandled");
    assertThat(call.get().json().path("errorType").asString())
        .isEqualTo("Function.ResponseSizeTooLarge");
    CompletableFuture<Answer> second = call(d);
    assertThat(worker.post("invocation/" + worker.next() + "/response", "2"))
        .startsWith("HTTP/1.1 202 ");
    assertThat(second.get().body()).isEqualTo("2");
  }

  @Test
  void aPythonFunctionThatReturnsSevenMegabytesFailsItsCallAndServesTheNext() {
    String code = "def handler(e, c):\n    return 'x' * (e << 20)\n";
    Deployed d = core.deploy("wide", "main.handler", code);
    Answer answer = core.call(d.arn(), "7");
    assertThat(answer.error()).isEqualTo("Unhandled");
    assertThat(answer.json().path("errorType").asString())
        .isEqualTo("Function.ResponseSizeTooLarge");
    assertThat(core.call(d.arn(), "1").body()).hasSize((1 << 20) + 2);
  }

  @Test
  void aWorkerThatClosesItsConnectionWhileItWaitsGetsItsWorkWhenItAsksAnew() throws Exception {
    Runtime worker = new Runtime("hangs-up");
    Deployed d = worker.deploy();
    CompletableFuture<Answer> call = call(d);
    String lost = worker.next();
    worker.hangUp(); // before it answered: the same work is given again
    String id = worker.next();
    assertThat(id).isEqualTo(lost);
    assertThat(worker.post("invocation/" + id + "/response", "1")).contains(" 202 ");
    assertThat(call.get().body()).isEqualTo("1");
    worker.ask();
    worker.hangUp();
    CompletableFuture<Answer> next = call(d);
    assertThat(worker.post("invocation/" + worker.next() + "/response", "2")).contains(" 202 ");
    assertThat(next.get().body()).isEqualTo("2");
  }

  @Test
  void aFunctionThatNeverInitialisesFailsItsCallWithTheReason() {
    core.close();
    core = new LambdaHarness(root, Duration.ofSeconds(20), Duration.ofSeconds(2));
    Deployed d = core.deploy("sleeps", "main.handler", "import time\ntime.sleep(300)\n");
    Answer answer = core.call(d.arn(), "1");
    assertThat(answer.error()).isEqualTo("Unhandled");
    assertThat(answer.json().path("errorType").asString()).isEqualTo("Runtime.InitError");
    assertThat(answer.json().path("errorMessage").asString())
        .contains("not initialised within 2 seconds");
  }

  /** LESSON-47: what the old version has begun it finishes, and what waits for it. */
  @Test
  void aFunctionThatIsStoppedFinishesWhatItHas() throws IOException {
    String code =
        """
        import os, time
        def handler(event, context):
            while not os.path.exists(os.environ['HOME'] + '/gate'):
                time.sleep(0.01)
            return event
        """;
    Deployed d = core.deploy("finishes", "main.handler", code, c -> c.put("maxInstancesCount", 1));
    List<CompletableFuture<Answer>> calls = new ArrayList<>();
    calls.add(call(d));
    await().atMost(SOON).until(() -> working(d));
    calls.add(call(d));
    await().atMost(SOON).until(() -> pool(d).figures().queued() == 1);
    FunctionPool pool = pool(d);
    CompletableFuture<Void> stopped =
        CompletableFuture.runAsync(
            () -> d.body().stop(Duration.ofSeconds(30)), task -> Thread.ofVirtual().start(task));
    await().atMost(SOON).until(() -> takesNoMore(pool));
    Files.createFile(root.resolve("work/finishes/gate"));
    stopped.join();
    assertThat(calls).allSatisfy(c -> assertThat(c.get().body()).isEqualTo("1"));
  }

  private static boolean takesNoMore(FunctionPool pool) {
    FunctionPool.Room room = pool.reserve(1);
    if (room != null) {
      room.release();
    }
    return room == null;
  }

  /** LAM-42: runtime.maxConcurrentLimit counts over all functions; the longest idle one goes. */
  @Test
  void overTheLimitOfTheCoreTheWorkerThatWasIdleLongestMakesRoom() {
    core.manager.running().limits().configure(2, 1024);
    List<Deployed> functions = new ArrayList<>();
    for (String name : List.of("first", "second", "third")) {
      functions.add(
          core.deploy(
              name,
              "main.handler",
              FINE,
              c -> c.putObject("group").put("id", "g").put("name", "g")));
    }
    for (Deployed d : functions) {
      assertThat(core.call(d.arn(), "1").body()).isEqualTo("\"fine\"");
    }
    assertThat(functions.stream().map(d -> pool(d).figures().workers())).containsExactly(0, 1, 1);
  }

  /** CFG-13: one queue shared by all functions of the group. */
  @Test
  void workOverTheSharedLimitIsRefused() throws Exception {
    core.manager.running().limits().configure(25, 1);
    Runtime worker = new Runtime("shared");
    Deployed d = worker.deploy();
    CompletableFuture<Answer> first = call(d);
    String id = worker.next();
    CompletableFuture<Answer> second = call(d);
    await().atMost(SOON).until(() -> pool(d).figures().queued() == 1);
    assertThat(core.call(d.arn(), "3").status()).isEqualTo(429);
    assertThat(worker.post("invocation/" + id + "/response", "1")).contains(" 202 ");
    assertThat(worker.post("invocation/" + worker.next() + "/response", "2")).contains(" 202 ");
    assertThat(List.of(first.get().body(), second.get().body())).containsExactly("1", "2");
  }

  @Test
  void bodiesInChunksAndQuestionsBehindAnswersAreUnderstood() throws Exception {
    Runtime worker = new Runtime("chunks");
    Deployed d = worker.deploy();
    CompletableFuture<Answer> call = call(d);
    String id = worker.next();
    String base = worker.base();
    // An answer in chunks, and the next question in the same segment, as fast clients send it.
    worker.send(
        "POST "
            + base
            + "invocation/"
            + id
            + "/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2;x=y\r\n2]\r\n0\r\n\r\nGET "
            + base
            + "invocation/next HTTP/1.1\r\n\r\n");
    assertThat(worker.answer()).startsWith("HTTP/1.1 202 ");
    assertThat(call.get().body()).isEqualTo("[1,2]");
    CompletableFuture<Answer> next = call(d);
    String given = worker.answer();
    assertThat(given)
        .contains("Lambda-Runtime-Deadline-Ms: ")
        .contains("Lambda-Runtime-Invoked-Function-Arn: " + d.arn());
    assertThat(
            worker.post(
                "invocation/" + Runtime.header(given, "Lambda-Runtime-Aws-Request-Id") + "/error",
                "{\"errorMessage\":\"no\",\"errorType\":\"Mood\"}"))
        .contains(" 202 ");
    assertThat(next.get().error()).isEqualTo("Handled");
    worker.send("nonsense\r\n\r\n");
    assertThat(worker.answer()).isEmpty(); // closed
    assertThat(core.http("GET", "/2016-11-01/health/workers", "", "", Map.of()).statusCode())
        .isEqualTo(200);
  }

  private boolean working(Deployed d) {
    return pool(d).workerFigures().stream().anyMatch(w -> w.state() == WorkerState.WORKING);
  }

  private CompletableFuture<Answer> call(Deployed d) {
    return CompletableFuture.supplyAsync(
        () -> core.call(d.arn(), "1"), task -> Thread.ofVirtual().start(task));
  }

  private FunctionPool pool(Deployed d) {
    return core.manager.running().functions().find(d.arn()).orElseThrow();
  }

  /** A runtime by hand: its process only tells its token and sleeps; the test speaks for it. */
  private final class Runtime {
    private final String name;
    private String token = "";
    private @Nullable Socket socket;

    Runtime(String name) {
      this.name = name;
    }

    Deployed deploy() {
      String code =
          """
          import os, time
          home = os.environ['HOME']
          with open(home + '/token.new', 'w') as f:
              f.write(os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN'])
          os.rename(home + '/token.new', home + '/token')
          time.sleep(300)
          """;
      return core.deploy(
          name,
          "main.handler",
          code,
          c -> {
            c.put("maxInstancesCount", 1).put("timeoutInSeconds", 60);
            c.putObject("group").put("id", "g").put("name", "g");
          });
    }

    String base() {
      return "/" + token + "/2018-06-01/runtime/";
    }

    void ask() throws IOException {
      if (token.isEmpty()) {
        Path file = root.resolve("work").resolve(name).resolve("token");
        await().atMost(SOON).until(() -> Files.exists(file));
        token = Files.readString(file);
      }
      send("GET " + base() + "invocation/next HTTP/1.1\r\n\r\n");
    }

    String next() throws IOException {
      ask();
      return header(answer(), "Lambda-Runtime-Aws-Request-Id");
    }

    String post(String path, String body) throws IOException {
      send(
          "POST "
              + base()
              + path
              + " HTTP/1.1\r\nContent-Length: "
              + body.length()
              + "\r\n\r\n"
              + body);
      return answer();
    }

    void send(String text) throws IOException {
      if (socket == null) {
        socket = new Socket(InetAddress.getLoopbackAddress(), core.manager.port());
        socket.setSoTimeout(30_000);
      }
      socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    void hangUp() throws IOException {
      socket.close();
      socket = null;
    }

    /** Head and body; empty when the connection is closed. */
    String answer() throws IOException {
      StringBuilder text = new StringBuilder();
      while (text.indexOf("\r\n\r\n") < 0) {
        int b = socket.getInputStream().read();
        if (b < 0) {
          return "";
        }
        text.append((char) b);
      }
      String length = header(text.toString(), "Content-Length");
      byte[] body =
          socket.getInputStream().readNBytes(length.isEmpty() ? 0 : Integer.parseInt(length));
      return text + new String(body, StandardCharsets.UTF_8);
    }

    static String header(String answer, String name) {
      int at = answer.indexOf(name + ": ");
      return at < 0 ? "" : answer.substring(at + name.length() + 2, answer.indexOf('\r', at));
    }
  }
}
