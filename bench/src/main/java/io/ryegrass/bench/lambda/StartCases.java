package io.ryegrass.bench.lambda;

import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Report;
import io.ryegrass.bench.report.Waiting;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Cold starts, and what functions that rest cost the core. */
final class StartCases {
  private static final int WORKERS = 50;
  private static final int FUNCTIONS = 500;

  /** Answers each event after some seconds, so that every event gets a worker of its own. */
  private static final String SLOW =
      """
      exec 3<>"/dev/tcp/127.0.0.1/$GG_DAEMON_PORT"
      base="/$AWS_CONTAINER_AUTHORIZATION_TOKEN/2018-06-01/runtime/invocation"
      answer() { id=; n=0; while IFS= read -r -u 3 line; do line="${line%$'\\r'}"; [ -z "$line" ] && break
        case "$line" in Lambda-Runtime-Aws-Request-Id:*) id="${line#*: }" ;; Content-Length:*) n="${line#*: }" ;; esac; done
        [ "$n" -eq 0 ] || IFS= read -r -N "$n" -u 3 body; }
      while :; do
        printf 'GET %s/next HTTP/1.1\\r\\n\\r\\n' "$base" >&3
        answer
        [ -n "$id" ] || exit 0
        sleep 20
        printf 'POST %s/%s/response HTTP/1.1\\r\\nContent-Length: 2\\r\\n\\r\\n{}' "$base" "$id" >&3
        answer
      done
      """;

  private final Report report;
  private final Options options;
  private final FunctionCore core;

  StartCases(Report report, Options options, FunctionCore core) {
    this.report = report;
    this.options = options;
    this.core = core;
  }

  /**
   * From the call to its answer when no worker is there, less what the interpreter itself takes.
   */
  void cold(String name, Function python, Goal goal) {
    Function f = python.withName("bench-" + name).with("maxIdleTimeInSeconds", 1);
    core.deploy(List.of(f));
    List<Double> bare = new ArrayList<>();
    List<Double> beyond = new ArrayList<>();
    try (DoorClient client = core.client()) {
      for (int i = 0; i <= options.runs(); i++) {
        Waiting.until(
            "the worker of " + f.name() + " to be ended for idling",
            Duration.ofSeconds(30),
            Duration.ofMillis(50),
            () -> core.workers(f) == 0);
        double interpreter = bareStart();
        long begun = System.nanoTime();
        byte[] unused = client.call(f.arn(), Function.text("{}"));
        double took = (System.nanoTime() - begun) / 1e6;
        if (i > 0) { // the first one compiles
          bare.add(interpreter);
          beyond.add(took - interpreter);
        }
      }
    }
    double[] sorted = bare.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    report.figure(name + "_bare_interpreter", sorted[sorted.length / 2], "ms");
    report.runs(name + "_beyond_bare_interpreter", beyond, "ms", goal);
  }

  private static double bareStart() {
    long begun = System.nanoTime();
    try {
      Process bare =
          new ProcessBuilder(Runtimes.pythonProgram(), "-c", "pass")
              .directory(Path.of("/").toFile())
              .start();
      if (!bare.waitFor(30, TimeUnit.SECONDS)) {
        throw new BenchFailed("a bare python3 does not end");
      }
      return (System.nanoTime() - begun) / 1e6;
    } catch (IOException e) {
      throw new BenchFailed("python3 does not start", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchFailed("interrupted", e);
    }
  }

  /** Live heap of the core with many workers that wait, less that without them. */
  void heap() {
    Function f =
        Runtimes.provided("idle", SLOW, Map.of())
            .with("maxInstancesCount", WORKERS)
            .with("maxIdleTimeInSeconds", 600);
    core.deploy(List.of(f));
    double before = core.heapBytes();
    try (DoorClient client = core.client()) {
      for (int i = 0; i < WORKERS; i++) {
        int status = client.post(f.arn(), Function.text("{}"), "Event");
        if (status != 200) {
          throw new BenchFailed("work for an idle worker was refused with " + status);
        }
      }
    }
    Waiting.until(
        WORKERS + " workers",
        Duration.ofSeconds(60),
        Duration.ofMillis(200),
        () -> core.workers(f) == WORKERS);
    sleep(25_000); // until all have answered and wait
    report.figure(
        "heap_per_idle_worker",
        (core.heapBytes() - before) / WORKERS / 1024,
        "KB",
        Goal.atMost(40));
  }

  /** Functions that nobody calls. */
  void many() {
    long before = core.processes();
    double heap = core.heapBytes();
    int functions = options.quick() ? FUNCTIONS / 10 : FUNCTIONS;
    List<Function> all = new ArrayList<>();
    for (int i = 0; i < functions; i++) {
      all.add(
          new Function(
              "bench-many-" + i,
              "python3.9",
              "main.handler",
              Map.of("main.py", Function.text("def handler(event, context):\n    return 1\n"))));
    }
    long begun = System.nanoTime();
    core.deploy(all);
    report.figure("many_deployed_" + functions, (System.nanoTime() - begun) / 1e9, "s");
    report.figure("many_processes", core.processes() - before, "processes", Goal.atMost(0));
    report.figure("many_heap_per_function", (core.heapBytes() - heap) / functions / 1024, "KB");
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchFailed("interrupted", e);
    }
  }
}
