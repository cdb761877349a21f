package io.ryegrass.bench.cloud;

import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Program;
import io.ryegrass.bench.report.Report;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** From the start of the launcher until the API answers, and the memory of a cloud at rest. */
final class StartCase {
  private static final int REST_SECONDS = 10;

  private final Report report;
  private final List<String> launcher;
  private final Path data;
  private final int runs;

  StartCase(Report report, List<String> launcher, Path data, int runs) {
    this.report = report;
    this.launcher = launcher;
    this.data = data;
    this.runs = runs;
  }

  void run() throws InterruptedException {
    report.figure("cloud_first_ready", ready(false), "ms", Goal.atMost(2500));
    List<Double> again = new ArrayList<>();
    for (int i = 0; i < runs; i++) {
      again.add(ready(i == runs - 1));
    }
    report.runs("cloud_ready", again, "ms", Goal.atMost(2500));
    Program.delete(data);
  }

  private double ready(boolean rest) throws InterruptedException {
    try (CloudProgram cloud = CloudProgram.start(launcher, data)) {
      try (Api.Caller caller = cloud.api().caller()) {
        caller.get("greengrass", "/greengrass/v2/coreDevices");
      }
      double age = cloud.age();
      if (rest) {
        report.figure("cloud_ready_cpu", cloud.cpuSeconds() * 1000, "ms");
        TimeUnit.SECONDS.sleep(REST_SECONDS);
        report.figure("cloud_idle_pss", cloud.pssMegabytes(), "MB", Goal.atMost(220));
      }
      return age;
    }
  }
}
