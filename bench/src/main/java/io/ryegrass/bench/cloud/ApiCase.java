package io.ryegrass.bench.cloud;

import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Report;
import java.util.UUID;

/** Signed calls as fast as they are answered: reads and creates of groups (V1) and of things. */
final class ApiCase {
  private static final int READERS = 8;
  private static final int CREATORS = 32;

  private final Report report;
  private final double seconds;
  private final boolean goals;

  /**
   * @param goals whether the goals count: they are of SQLite
   */
  ApiCase(Report report, double seconds, boolean goals) {
    this.report = report;
    this.seconds = seconds;
    this.goals = goals;
  }

  /**
   * @param prefix of the figures' names
   */
  void run(CloudProgram cloud, String prefix) {
    Api api = cloud.api();
    String run = UUID.randomUUID().toString().substring(0, 8);
    String group;
    try (Api.Caller caller = api.caller()) {
      group =
          caller
              .post("greengrass", "/greengrass/groups", "{\"Name\":\"bench\"}")
              .path("Id")
              .asString();
      caller.post("iot", "/things/read-" + run, "{}");
    }
    Load.Call read = (caller, i) -> caller.get("greengrass", "/greengrass/groups/" + group);
    Load.during(api, READERS, Math.min(seconds, 2), read); // everybody's first calls
    load(cloud, prefix + "read_get_group", Goal.atLeast(3000), READERS, seconds, read);
    load(
        cloud,
        prefix + "read_describe_thing",
        null,
        READERS,
        seconds,
        (caller, i) -> caller.get("iot", "/things/read-" + run));
    load(
        cloud,
        prefix + "create_group",
        Goal.atLeast(500),
        CREATORS,
        seconds,
        (caller, i) ->
            caller.post("greengrass", "/greengrass/groups", "{\"Name\":\"bench-" + i + "\"}"));
    load(
        cloud,
        prefix + "create_thing",
        Goal.atLeast(500),
        CREATORS,
        seconds,
        (caller, i) -> caller.post("iot", "/things/create-" + run + "-" + i, "{}"));
    load(
        cloud,
        prefix + "create_thing_one_by_one",
        null,
        1,
        seconds / 2,
        (caller, i) -> caller.post("iot", "/things/single-" + run + "-" + i, "{}"));
  }

  private void load(
      CloudProgram cloud,
      String name,
      @org.jspecify.annotations.Nullable Goal goal,
      int threads,
      double length,
      Load.Call call) {
    double cpu = cloud.cpuSeconds();
    Load.Outcome outcome = Load.during(cloud.api(), threads, length, call);
    double cloudCpu = cloud.cpuSeconds() - cpu;
    report.figure(name, outcome.perSecond(), "calls/s", goals ? goal : null);
    report.figure(name + "_p50", outcome.milliseconds(0.5), "ms");
    report.figure(name + "_p99", outcome.milliseconds(0.99), "ms");
    report.figure(name + "_cpu", cloudCpu * 1000 / Math.max(1, outcome.calls()), "ms/call");
  }
}
