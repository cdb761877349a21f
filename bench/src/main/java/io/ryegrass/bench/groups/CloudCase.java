package io.ryegrass.bench.groups;

import io.ryegrass.bench.cloud.Api;
import io.ryegrass.bench.cloud.CloudProgram;
import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Report;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * From create-group to the answer of create-deployment, with a new group each time; and what it
 * takes the cloud to compile it. The core does not connect: its job waits.
 */
final class CloudCase {
  private final Report report;
  private final int runs;

  CloudCase(Report report, int runs) {
    this.report = report;
    this.runs = runs;
  }

  void run(CloudProgram cloud, LargeGroup group) {
    List<Double> chain = new ArrayList<>();
    List<Double> sent = new ArrayList<>();
    List<Double> compile = new ArrayList<>();
    List<Double> cpu = new ArrayList<>();
    List<Double> compileCpu = new ArrayList<>();
    try (Api.Caller caller = cloud.api().caller()) {
      for (int run = 0; run < runs; run++) {
        String core = "bench-absent-" + run;
        caller.post("iot", "/things/" + core, "{}");
        Chain calls = new Chain(caller, group, "cloud-" + run + "-device-");
        Chain.Bodies bodies = calls.bodies(core, "/tmp/none");
        double before = cloud.cpuSeconds();
        long start = System.nanoTime();
        calls.create(bodies);
        String deployment = calls.deploy();
        chain.add((System.nanoTime() - start) / 1e6);
        calls.await(deployment, Set.of("InProgress", "Success"));
        sent.add((System.nanoTime() - start) / 1e6);
        cpu.add((cloud.cpuSeconds() - before) * 1000);
        before = cloud.cpuSeconds();
        start = System.nanoTime();
        JsonNode explained = calls.explain();
        compile.add((System.nanoTime() - start) / 1e6);
        compileCpu.add((cloud.cpuSeconds() - before) * 1000);
        if (!explained.path("missing").isEmpty()) {
          throw new BenchFailed("the group is not deployed whole: " + explained.path("missing"));
        }
      }
    }
    report.figure("chain_first", chain.getFirst(), "ms", Goal.atMost(2000));
    report.runs("chain", chain, "ms", Goal.atMost(2000));
    report.figure("chain_to_in_progress", middle(sent), "ms");
    report.figure("chain_cpu", middle(cpu), "ms");
    report.runs("compile", compile, "ms", Goal.atMost(300));
    report.figure("compile_cpu", middle(compileCpu), "ms");
  }

  static double middle(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }
}
