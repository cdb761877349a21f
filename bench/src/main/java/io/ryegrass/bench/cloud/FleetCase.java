package io.ryegrass.bench.cloud;

import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Program;
import io.ryegrass.bench.report.Report;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A fleet of simulated cores, in ever larger sizes, each on a cloud of its own: connects them,
 * makes one deployment to the group of them all, and compares what the cloud tells with what each
 * core saw.
 */
final class FleetCase {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String GROUP = "bench-fleet";
  private static final String GROUP_ARN =
      "arn:aws:iot:" + CloudProgram.REGION + ":000000000000:thinggroup/" + GROUP;
  private static final Duration CONNECT = Duration.ofMinutes(20);
  private static final Duration DEPLOY = Duration.ofMinutes(15);
  private static final int LIST_PAGE = 100;

  private static final String RECIPE =
      """
      {"RecipeFormatVersion": "2020-01-25", "ComponentName": "com.example.Sensor",
       "ComponentVersion": "2.1.0", "ComponentPublisher": "bench",
       "ComponentConfiguration": {"DefaultConfiguration": {"interval": 10}},
       "Manifests": [{"Lifecycle": {"run": "sleep 1000"}}]}""";

  /** What one size of fleet cost. */
  private record Row(
      int cores,
      double provisionCpu,
      double connectCpu,
      double connectWall,
      double memory,
      double deployCpu,
      double deployWall) {

    /** Each figure of one core; milliseconds and KB. */
    String text() {
      return String.format(
          Locale.ROOT,
          "%6d | %9.2f | %9.2f %9.2f | %9.1f | %9.2f %9.2f",
          cores,
          provisionCpu,
          connectCpu,
          connectWall,
          memory,
          deployCpu,
          deployWall);
    }
  }

  private final Report report;
  private final List<String> launcher;
  private final Path work;
  private final int most;

  FleetCase(Report report, List<String> launcher, Path work, int most) {
    this.report = report;
    this.launcher = launcher;
    this.work = work;
    this.most = most;
  }

  void run() throws Exception {
    List<Row> rows = new ArrayList<>();
    List<Integer> sizes =
        java.util.stream.Stream.concat(
                java.util.stream.Stream.of(100, 1000).filter(n -> n < most),
                java.util.stream.Stream.of(most))
            .toList();
    try {
      for (int size : sizes) {
        rows.add(measure(size, size == most));
      }
    } finally {
      if (!rows.isEmpty()) {
        report.remark(
            " cores | provision | connect cpu, wall | memory    | deployment cpu, wall    (ms, KB"
                + " of the cloud for each core)");
        rows.forEach(row -> report.remark(row.text()));
      }
    }
    for (int i = 1; i < rows.size(); i++) {
      flat(rows.get(i - 1), rows.get(i));
    }
  }

  private void flat(Row smaller, Row larger) {
    String name = "fleet_" + larger.cores() + "_to_" + smaller.cores();
    ratio(name + "_connect_cpu", larger.connectCpu(), smaller.connectCpu());
    ratio(name + "_memory", larger.memory(), smaller.memory());
    ratio(name + "_deployment_cpu", larger.deployCpu(), smaller.deployCpu());
    ratio(name + "_deployment_time", larger.deployWall(), smaller.deployWall());
  }

  private void ratio(String name, double larger, double smaller) {
    report.figure(name, larger / smaller, "times", Goal.atMost(1.1));
  }

  private Row measure(int size, boolean largest) throws Exception {
    Path data = work.resolve("fleet-" + size);
    String name = "fleet_" + size;
    try (CloudProgram cloud = CloudProgram.start(launcher, data);
        AutoCloseable atEnd = () -> tellComplaints(report, name, cloud)) {
      Api api = cloud.api();
      Room.check(cloud, size);
      DeviceKeys keys = new DeviceKeys();
      Provisioner provisioner = new Provisioner(api, keys);
      provisioner.prepare(GROUP);
      List<String> things = Provisioner.names("core", size);

      double cpu = cloud.cpuSeconds();
      Load.Outcome provisioned = provisioner.provision(things, GROUP);
      double provisionCpu = (cloud.cpuSeconds() - cpu) * 1000 / size;
      report.figure(
          name + "_provision",
          provisioned.perSecond() * Provisioner.CALLS_PER_THING,
          "calls/s",
          largest ? Goal.atLeast(500) : null);
      createComponent(api);

      try (Fleet fleet = new Fleet(things, keys.context(cloud.rootCa()), cloud.mqttPort())) {
        double before = cloud.pssMegabytes();
        double own = io.ryegrass.bench.report.Memory.cpuSeconds(ProcessHandle.current().pid());
        cpu = cloud.cpuSeconds();
        long start = System.nanoTime();
        fleet.connect();
        fleet.await(SimulatedCore.Step.READY, CONNECT);
        double seconds = (System.nanoTime() - start) / 1e9;
        double connectCpu = cloud.cpuSeconds() - cpu;
        double connected = cloud.pssMegabytes();
        report.figure(name + "_connected", seconds, "s", largest ? Goal.atMost(600) : null);
        int retries = fleet.cores().stream().mapToInt(SimulatedCore::retries).sum();
        if (retries > 0) {
          report.figure(name + "_connected_again", retries, "connections");
        }
        report.figure(name + "_connected_cpu", connectCpu, "s");
        report.figure(name + "_connected_pss", connected, "MB", largest ? Goal.atMost(1500) : null);

        cpu = cloud.cpuSeconds();
        start = System.nanoTime();
        String deployment = deploy(api);
        double created = (System.nanoTime() - start) / 1e6;
        fleet.await(SimulatedCore.Step.SUCCEEDED, DEPLOY);
        double answered = (System.nanoTime() - start) / 1e9;
        fleet.await(SimulatedCore.Step.DONE, DEPLOY);
        double deployed = (System.nanoTime() - start) / 1e9;
        double deployCpu = cloud.cpuSeconds() - cpu;
        double after = cloud.pssMegabytes();
        report.figure(name + "_create_deployment", created, "ms");
        report.figure(name + "_all_succeeded", answered, "s", largest ? Goal.atMost(300) : null);
        report.figure(name + "_all_told", deployed, "s");
        report.figure(name + "_deployment_cpu", deployCpu, "s");
        report.figure(
            name + "_deployed_pss", after, "MB", largest ? Goal.atMost(connected * 1.1) : null);
        report.figure(
            name + "_load_cpu",
            io.ryegrass.bench.report.Memory.cpuSeconds(ProcessHandle.current().pid()) - own,
            "s");

        check(api, fleet, deployment);
        return new Row(
            size,
            provisionCpu,
            connectCpu * 1000 / size,
            seconds * 1000 / size,
            (connected - before) * 1024 / size,
            deployCpu * 1000 / size,
            answered * 1000 / size);
      }
    } finally {
      Program.delete(data);
    }
  }

  private static void tellComplaints(Report report, String name, CloudProgram cloud) {
    cloud
        .complaints()
        .lines()
        .limit(6)
        .forEach(l -> report.remark(name + ": the cloud said: " + l));
  }

  private static void createComponent(Api api) {
    String recipe = Base64.getEncoder().encodeToString(RECIPE.getBytes(StandardCharsets.UTF_8));
    try (Api.Caller caller = api.caller()) {
      caller.post(
          "greengrass",
          "/greengrass/v2/createComponentVersion",
          JSON.writeValueAsString(Map.of("inlineRecipe", recipe)));
    }
  }

  private static String deploy(Api api) {
    try (Api.Caller caller = api.caller()) {
      return caller
          .post(
              "greengrass",
              "/greengrass/v2/deployments",
              """
              {"targetArn": "%s", "deploymentName": "bench",
               "components": {"com.example.Sensor": {"componentVersion": "2.1.0"}}}"""
                  .formatted(GROUP_ARN))
          .path("deploymentId")
          .asString();
    }
  }

  // ---- is it true

  private static void check(Api api, Fleet fleet, String deployment) {
    try (Api.Caller caller = api.caller()) {
      String job =
          caller
              .get("greengrass", "/greengrass/v2/deployments/" + deployment)
              .path("iotJobId")
              .asString();
      Set<String> documents = new HashSet<>();
      for (SimulatedCore core : fleet.cores()) {
        if (core.jobs() != 1 || !core.jobId().equals(job)) {
          throw new BenchFailed(
              core.thing()
                  + " was given "
                  + core.jobs()
                  + " jobs, the last "
                  + core.jobId()
                  + ", instead of "
                  + job);
        }
        documents.add(core.jobDocument());
      }
      String document = documents.iterator().next();
      if (documents.size() != 1 || !document.contains("com.example.Sensor")) {
        throw new BenchFailed("the cores were given " + documents.size() + " different documents");
      }
      checkJob(caller, job, fleet.cores().size());
      checkCores(caller, fleet);
      checkEffective(caller, fleet, deployment);
    }
  }

  private static void checkJob(Api.Caller caller, String job, int cores) {
    JsonNode details = caller.get("iot", "/jobs/" + job).path("job").path("jobProcessDetails");
    int succeeded = details.path("numberOfSucceededThings").asInt(-1);
    int open =
        details.path("numberOfQueuedThings").asInt(0)
            + details.path("numberOfInProgressThings").asInt(0)
            + details.path("numberOfFailedThings").asInt(0);
    if (succeeded != cores || open != 0) {
      throw new BenchFailed(
          "DescribeJob counts otherwise than the " + cores + " cores: " + details);
    }
  }

  private static void checkCores(Api.Caller caller, Fleet fleet) {
    Set<String> listed = new HashSet<>();
    String token = "";
    do {
      JsonNode page =
          caller.get(
              "greengrass",
              "/greengrass/v2/coreDevices?maxResults=" + LIST_PAGE + "&status=HEALTHY" + token);
      page.path("coreDevices").forEach(c -> listed.add(c.path("coreDeviceThingName").asString()));
      String next = page.path("nextToken").asString("");
      token =
          next.isEmpty()
              ? ""
              : "&nextToken=" + java.net.URLEncoder.encode(next, StandardCharsets.UTF_8);
    } while (!token.isEmpty());
    Set<String> expected =
        fleet.cores().stream().map(SimulatedCore::thing).collect(Collectors.toSet());
    if (!listed.equals(expected)) {
      throw new BenchFailed(
          "ListCoreDevices has " + listed.size() + " of the " + expected.size() + " cores");
    }
  }

  /** A hundred of the cores, spread over all. */
  private static void checkEffective(Api.Caller caller, Fleet fleet, String deployment) {
    int size = fleet.cores().size();
    IntStream.range(0, Math.min(100, size))
        .map(i -> (int) ((long) i * size / Math.min(100, size)))
        .mapToObj(i -> fleet.cores().get(i).thing())
        .forEach(
            thing -> {
              JsonNode all =
                  caller.get(
                      "greengrass",
                      "/greengrass/v2/coreDevices/" + thing + "/effectiveDeployments");
              JsonNode only = all.path("effectiveDeployments").path(0);
              if (!only.path("deploymentId").asString("").equals(deployment)
                  || !only.path("coreDeviceExecutionStatus").asString("").equals("SUCCEEDED")) {
                throw new BenchFailed("effective deployments of " + thing + " are " + all);
              }
            });
  }
}
