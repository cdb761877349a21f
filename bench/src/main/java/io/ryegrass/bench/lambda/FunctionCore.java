package io.ryegrass.bench.lambda;

import io.ryegrass.bench.nucleus.CoreProgram;
import io.ryegrass.bench.nucleus.Operator;
import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Waiting;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A core with functions, and a way in for this process: the token of a function that waits. */
final class FunctionCore implements AutoCloseable {
  /** Says that it is initialised, tells its token, and sleeps. */
  private static final String LENDER =
      """
      exec 3<>"/dev/tcp/127.0.0.1/$GG_DAEMON_PORT"
      printf 'PUT /2016-11-01/functions/%s/initialized HTTP/1.1\\r\\nAuthorization: %s\\r\\nContent-Length: 16\\r\\n\\r\\n{"Success":true}' "$MY_FUNCTION_ARN" "$AWS_CONTAINER_AUTHORIZATION_TOKEN" >&3
      printf '%s %s' "$AWS_CONTAINER_AUTHORIZATION_TOKEN" "$GG_DAEMON_PORT" >"$HOME/door.new" && mv "$HOME/door.new" "$HOME/door"
      exec sleep 86400
      """;

  private final CoreProgram core;
  private final Path work;
  private int deployments;
  private String token = "";
  private int port;

  private FunctionCore(CoreProgram core, Path work) {
    this.core = core;
    this.work = work;
  }

  static FunctionCore start(Path home, Path work) {
    CoreProgram core = CoreProgram.start(home, work.resolve("core"));
    FunctionCore c = new FunctionCore(core, work);
    core.awaitReady();
    Function lender =
        Runtimes.provided("lender", LENDER, Map.of())
            .with("pinned", true)
            .with("statusTimeoutInSeconds", 86_400);
    c.deploy(List.of(lender));
    Path door = core.root().resolve("work/bench-lender/door");
    Waiting.until("the lender's token", Duration.ofSeconds(60), () -> Files.exists(door));
    try {
      String[] parts = Files.readString(door).split(" ");
      c.token = parts[0];
      c.port = Integer.parseInt(parts[1]);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return c;
  }

  CoreProgram program() {
    return core;
  }

  /** Deploys functions beside those that are there. */
  void deploy(List<Function> functions) {
    Path recipes = work.resolve("recipes" + ++deployments);
    Path artifacts = work.resolve("artifacts" + deployments);
    Map<String, String> wanted = new LinkedHashMap<>();
    for (Function f : functions) {
      f.write(recipes, artifacts);
      wanted.put(f.name(), Function.VERSION);
    }
    try (Operator operator = Operator.of(core)) {
      String status = operator.awaitEnd(operator.deploy(recipes, artifacts, wanted));
      if (!status.equals("SUCCEEDED")) {
        throw new BenchFailed("the deployment of " + wanted.keySet() + " " + status + lastError());
      }
    }
  }

  private String lastError() {
    try {
      return Files.readString(core.root().resolve("logs/greengrass.log"))
          .lines()
          .filter(l -> l.contains("ERROR") || l.contains("WARN"))
          .reduce((a, b) -> b)
          .map(l -> ": " + l)
          .orElse("");
    } catch (IOException e) {
      return "";
    }
  }

  DoorClient client() {
    return new DoorClient(port, token);
  }

  /** How many workers of the function the health report names. */
  int workers(Function f) {
    String report =
        new String(DoorClient.get(port, "/2016-11-01/health/workers"), StandardCharsets.UTF_8);
    Matcher matcher = Pattern.compile(Pattern.quote("\"" + f.arn() + "\"")).matcher(report);
    int count = 0;
    while (matcher.find()) {
      count++;
    }
    return count;
  }

  /** Live objects of the core's heap in bytes, after a collection. */
  double heapBytes() {
    long pid = core.pid();
    jcmd(pid, "GC.run");
    String histogram = jcmd(pid, "GC.class_histogram");
    return histogram
        .lines()
        .filter(l -> l.startsWith("Total"))
        .mapToDouble(l -> Double.parseDouble(l.strip().split("\\s+")[2]))
        .findFirst()
        .orElseThrow(() -> new BenchFailed("jcmd said: " + histogram));
  }

  private static String jcmd(long pid, String what) {
    try {
      Process jcmd =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin/jcmd").toString(),
                  Long.toString(pid),
                  what)
              .redirectErrorStream(true)
              .start();
      String said = new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      jcmd.waitFor(60, TimeUnit.SECONDS);
      return said;
    } catch (IOException e) {
      throw new BenchFailed("jcmd of this JDK does not run", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchFailed("interrupted", e);
    }
  }

  /** Processes that the core started and that run. */
  long processes() {
    return ProcessHandle.of(core.pid()).map(p -> p.descendants().count()).orElse(0L);
  }

  @Override
  public void close() {
    core.close();
  }
}
