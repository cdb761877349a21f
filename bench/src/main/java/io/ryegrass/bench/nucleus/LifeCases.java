package io.ryegrass.bench.nucleus;

import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Report;
import io.ryegrass.bench.report.Waiting;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Starts, deployments, rollbacks: all without a cloud. */
final class LifeCases {
  private final Report report;
  private final Options options;
  private final Path home;
  private final Path work;

  LifeCases(Report report, Options options, Path home, Path work) {
    this.report = report;
    this.options = options;
    this.home = home;
    this.work = work;
  }

  /** From the start of the launcher to the last component's RUNNING, with everything on disk. */
  void start() {
    start("start_to_running", 1, 600);
    start("start_ten_to_running", 10, 1500);
  }

  private void start(String name, int components, double goal) {
    Path root = work.resolve(name);
    Recipes recipes = Recipes.in(work.resolve(name + "-recipes"));
    List<String> names = names("com.example.Start", components);
    try (CoreProgram core = CoreProgram.start(home, root)) {
      core.awaitReady();
      try (Operator operator = Operator.of(core)) {
        operator.deployAndAwait(recipes, written(recipes, names, "1.0.0", Recipes.LIVES));
      }
    }
    List<Double> ready = new ArrayList<>();
    List<Double> running = new ArrayList<>();
    List<Double> cpu = new ArrayList<>();
    for (int i = 0; i < options.runs(); i++) {
      try (CoreProgram core = CoreProgram.start(home, root)) {
        ready.add(core.awaitReady());
        try (Operator operator = Operator.soon(core)) {
          operator.awaitRunning(names, "1.0.0");
          running.add(core.age());
        }
        cpu.add(core.cpuSeconds() * 1000);
      }
    }
    report.runs(name, running, "ms", Goal.atMost(goal));
    report.figure(name + "_ready", median(ready), "ms");
    report.figure(name + "_cpu", median(cpu), "ms");
  }

  /** From the request to RUNNING, the process's own start included. */
  void deployment() {
    try (CoreProgram core = CoreProgram.start(home, work.resolve("deployment"))) {
      core.awaitReady();
      try (Operator operator = Operator.of(core)) {
        Recipes recipes = Recipes.in(work.resolve("deployment-recipes"));
        List<Double> one = new ArrayList<>();
        for (int i = -1; i < options.runs(); i++) {
          double took = deploy(operator, recipes, names("com.example.One" + (i + 1) + ".", 1));
          if (i >= 0) {
            one.add(took);
          } else {
            report.figure("deployment_of_one_first", took, "ms");
          }
        }
        report.runs("deployment_of_one", one, "ms", Goal.atMost(150));
        List<Double> fifty = new ArrayList<>();
        for (int i = 0; i < Math.min(options.runs(), 3); i++) {
          fifty.add(deploy(operator, recipes, names("com.example.Fifty" + i + ".", 50)));
        }
        report.runs("deployment_of_fifty", fifty, "ms", Goal.atMost(1000));
      }
    }
  }

  private static double deploy(Operator operator, Recipes recipes, List<String> names) {
    Map<String, String> wanted = written(recipes, names, "1.0.0", Recipes.LIVES);
    long start = System.nanoTime();
    String id = operator.deploy(recipes, wanted);
    operator.awaitRunning(names, "1.0.0");
    double took = (System.nanoTime() - start) / 1e6;
    operator.awaitEnd(id);
    return took;
  }

  /**
   * A version that fails at once takes the place of one that runs: from the request to the old
   * version's RUNNING, so that the goal holds with all stops and starts of processes in it (the old
   * version's stop, three starts of the failing one, the old one's start).
   */
  void rollback() {
    try (CoreProgram core = CoreProgram.start(home, work.resolve("rollback"))) {
      core.awaitReady();
      try (Operator operator = Operator.of(core)) {
        Recipes recipes = Recipes.in(work.resolve("rollback-recipes"));
        List<Double> back = new ArrayList<>();
        List<Double> all = new ArrayList<>();
        for (int i = 0; i < options.runs(); i++) {
          List<String> names = names("com.example.Back" + i + ".", 1);
          operator.deployAndAwait(recipes, written(recipes, names, "1.0.0", Recipes.LIVES));
          Map<String, String> broken = written(recipes, names, "1.1.0", Recipes.FAILS);
          long start = System.nanoTime();
          String id = operator.deploy(recipes, broken);
          Waiting.until(
              "the new version to take the place of the old one",
              Duration.ofSeconds(60),
              () -> operator.states().getOrDefault(names.getFirst(), "").endsWith("1.1.0"));
          operator.awaitRunning(names, "1.0.0");
          back.add((System.nanoTime() - start) / 1e6);
          if (!operator.awaitEnd(id).equals("FAILED")) {
            throw new BenchFailed("a deployment of a component that fails did not fail");
          }
          all.add((System.nanoTime() - start) / 1e6);
        }
        report.runs("rollback", back, "ms", Goal.atMost(500));
        report.figure("rollback_to_end", median(all), "ms");
      }
    }
  }

  static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }

  private static List<String> names(String prefix, int count) {
    return IntStream.range(0, count).mapToObj(i -> prefix + "C" + i).toList();
  }

  private static Map<String, String> written(
      Recipes recipes, List<String> names, String version, String script) {
    Map<String, String> all = new LinkedHashMap<>();
    for (String name : names) {
      recipes.write(name, version, script);
      all.put(name, version);
    }
    return all;
  }
}
