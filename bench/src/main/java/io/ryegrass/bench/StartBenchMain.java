package io.ryegrass.bench;

import io.ryegrass.demo.Await;
import io.ryegrass.demo.Story;
import io.ryegrass.demo.Teller;
import io.ryegrass.demo.World;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import tools.jackson.databind.JsonNode;

/**
 * Start times, memory at rest and the way of a deployment, each against its target. Command: {@code
 * ./ryegrass bench start [--runs N] [--no-demo]}.
 */
public final class StartBenchMain {
  private static final Duration REST = Duration.ofSeconds(15);

  private final PrintStream results;
  private final World world;
  private final int runs;

  private StartBenchMain(PrintStream results, World world, int runs) {
    this.results = results;
    this.world = world;
    this.runs = runs;
  }

  public static void main(String[] args) throws IOException, InterruptedException {
    List<String> options = List.of(args);
    if (options.contains("--help") || options.contains("-h")) {
      System.out.println("usage: ./ryegrass bench start [--runs N] [--no-demo]");
      return;
    }
    int at = options.indexOf("--runs");
    int runs = at < 0 ? 5 : Integer.parseInt(options.get(at + 1));
    PrintStream results = System.out;
    System.setOut(System.err);
    Path home = Path.of(System.getProperty("ryegrass.home", "."));
    World world = new World(home, Files.createTempDirectory("ryegrass-bench-"), null);
    Runtime.getRuntime().addShutdownHook(new Thread(world::stopAll, "stop-programs"));
    boolean complete = new StartBenchMain(results, world, runs).measure();
    world.stopAll();
    if (complete && !options.contains("--no-demo")) {
      demo(home, results);
    }
    System.exit(complete ? 0 : 1);
  }

  private boolean measure() throws InterruptedException {
    Story story = new Story(world);
    if (!new Teller(world, Map.of()).tell(story.trainingSteps())) {
      return false;
    }
    print("deployment_request_to_running", story.deploymentMillis(), "ms", 3000);
    Thread.sleep(REST);
    print("core_idle_pss", pssMegabytes(world.corePid()), "MB", 96);
    print("cloud_idle_pss", pssMegabytes(world.cloudPid()), "MB", 220);
    credentials();
    median("core_start_to_healthy", 2000, this::restartCore);
    median("cloud_start_to_api", 2500, this::restartCloud);
    return true;
  }

  /** As a function gets them: its group needs a role first. */
  private void credentials() throws InterruptedException {
    String group =
        world.api().get("greengrass", "/greengrass/groups").at("/Groups/0/Id").asString();
    JsonNode role =
        world
            .aws()
            .run(
                "iam",
                "create-role",
                "--role-name",
                "Greengrass_Group_Role",
                "--assume-role-policy-document",
                "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"greengrass.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}");
    world
        .aws()
        .run(
            "greengrass",
            "associate-role-to-group",
            "--group-id",
            group,
            "--role-arn",
            role.at("/Role/Arn").asString());
    try {
      long[] micros = CachedCredentials.measure(world.corePid()).orElse(null);
      if (micros == null) {
        results.println("# cached_credentials: no function of the core has the endpoint");
        return;
      }
      print("cached_credentials_p99", micros[0], "us", 5000);
      print(results, "cached_credentials_p50", micros[1], "us", -1);
    } catch (IOException e) {
      results.println("# cached_credentials: " + e.getMessage());
    }
  }

  /** From the process's start to the cloud's word that the core and all its components are well. */
  private long restartCore() {
    world.stopCore();
    long before = System.currentTimeMillis();
    long start = System.nanoTime();
    world.startCore();
    return Await.until(
        "the core's new report",
        Duration.ofSeconds(30),
        () -> {
          JsonNode core = world.api().get("greengrass", "/greengrass/v2/coreDevices/" + World.CORE);
          boolean reported = core.path("lastStatusUpdateTimestamp").asDouble() * 1000 > before;
          return reported && core.path("status").asString().equals("HEALTHY") && allRun()
              ? Optional.of(millis(start))
              : Optional.empty();
        },
        () -> "an older report");
  }

  private boolean allRun() {
    JsonNode all =
        world
            .api()
            .get("greengrass", "/greengrass/v2/coreDevices/" + World.CORE + "/installedComponents");
    return all.path("installedComponents")
        .valueStream()
        .map(c -> c.path("lifecycleState").asString())
        .allMatch(s -> s.equals("RUNNING") || s.equals("FINISHED"));
  }

  private long restartCloud() {
    world.stopCloud();
    long start = System.nanoTime();
    world.startCloud();
    world.api().get("greengrass", "/greengrass/v2/coreDevices");
    return millis(start);
  }

  private static void demo(Path home, PrintStream results)
      throws IOException, InterruptedException {
    long start = System.nanoTime();
    ProcessBuilder builder =
        new ProcessBuilder(home.resolve("ryegrass").toString(), "demo", "--once")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.environment().put("RYEGRASS_NO_BUILD", "1");
    Process demo = builder.start();
    boolean passed = demo.waitFor(5, TimeUnit.MINUTES) && demo.exitValue() == 0;
    if (passed) {
      print(results, "demo_once", millis(start) / 1000, "s", 60);
    } else {
      demo.destroy();
      results.println("# demo_once failed; run './ryegrass demo --once' to see why");
    }
  }

  private void median(String name, long target, LongSupplier run) {
    List<Long> values = new ArrayList<>();
    for (int i = 0; i < runs; i++) {
      values.add(run.getAsLong());
      System.err.println("  " + name + " " + values.getLast() + " ms");
    }
    Collections.sort(values);
    print(name, values.get(values.size() / 2), "ms", target);
    print(results, name + "_max", values.getLast(), "ms", -1);
  }

  private void print(String name, long value, String unit, long target) {
    print(results, name, value, unit, target);
  }

  private static void print(
      PrintStream results, String name, long value, String unit, long target) {
    results.println(name + " " + value + " " + unit);
    if (target >= 0 && value > target) {
      results.println("# " + name + " misses its target of " + target + " " + unit);
    }
  }

  /** Proportional set size: shared pages count by share (proc(5), smaps_rollup). */
  private static long pssMegabytes(long pid) {
    try {
      String rollup =
          Files.readString(Path.of("/proc/" + pid + "/smaps_rollup"), StandardCharsets.ISO_8859_1);
      return rollup
              .lines()
              .filter(l -> l.startsWith("Pss:"))
              .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")))
              .findFirst()
              .orElseThrow()
          / 1024;
    } catch (IOException e) {
      throw new IllegalStateException("cannot read the memory of process " + pid, e);
    }
  }

  private static long millis(long since) {
    return (System.nanoTime() - since) / 1_000_000;
  }
}
