package io.ryegrass.bench.groups;

import io.ryegrass.bench.cloud.Api;
import io.ryegrass.bench.cloud.CloudProgram;
import io.ryegrass.bench.nucleus.CoreProgram;
import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Memory;
import io.ryegrass.bench.report.Report;
import io.ryegrass.bench.report.Waiting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * A core that has nothing applies the group; then one subscription of it is changed again and
 * again. What must hold is checked each time: a message on the new subject reaches the counting
 * function and one on the old subject does not, its count goes on, and the core and all processes
 * below it are the same.
 */
final class CoreCase {
  private static final Duration DEADLINE = Duration.ofSeconds(60);

  private final Report report;
  private final int runs;
  private final Path home;
  private final Path work;

  CoreCase(Report report, int runs, Path home, Path work) {
    this.report = report;
    this.runs = runs;
    this.home = home;
    this.work = work;
  }

  void run(CloudProgram cloud, LargeGroup group) throws IOException, InterruptedException {
    List<Double> apply = new ArrayList<>();
    List<Double> applyCpu = new ArrayList<>();
    List<Double> applyCloudCpu = new ArrayList<>();
    List<Double> change = new ArrayList<>();
    List<Double> changeCpu = new ArrayList<>();
    List<Double> changeCloudCpu = new ArrayList<>();
    int cores = Math.min(runs, 3);
    for (int run = 0; run < cores; run++) {
      String thing = "bench-core-" + run;
      Path root = provision(cloud.data(), thing);
      Path file = Files.createDirectories(work.resolve(thing + "-told")).resolve("count");
      Files.setPosixFilePermissions(
          work.resolve(thing + "-told"), PosixFilePermissions.fromString("rwxrwxrwx"));
      try (CoreProgram core = CoreProgram.start(home, root);
          Api.Caller caller = cloud.api().caller()) {
        core.awaitReady();
        awaitConnected(caller, thing);
        String prefix = thing + "-device-";
        Chain calls = new Chain(caller, group, prefix);
        calls.create(calls.bodies(thing, file.toString()));
        double coreCpu = core.cpuSeconds();
        double cloudCpu = cloud.cpuSeconds();
        apply.add(deployed(calls));
        applyCpu.add((core.cpuSeconds() - coreCpu) * 1000);
        applyCloudCpu.add((cloud.cpuSeconds() - cloudCpu) * 1000);
        checkInstalled(caller, thing, group);
        awaitCount(caller, file, LargeGroup.subject(0), 1);
        for (int i = 1; run == cores - 1 && i <= runs; i++) {
          calls.change(group.subscriptionVersion(prefix, i));
          Map<Long, String> before = processes(core.pid());
          coreCpu = core.cpuSeconds();
          cloudCpu = cloud.cpuSeconds();
          change.add(deployed(calls));
          changeCpu.add((core.cpuSeconds() - coreCpu) * 1000);
          changeCloudCpu.add((cloud.cpuSeconds() - cloudCpu) * 1000);
          publish(caller, LargeGroup.subject(i - 1)); // reaches nobody any more
          awaitCount(caller, file, LargeGroup.subject(i), i + 1);
          Map<Long, String> after = processes(core.pid());
          if (!before.equals(after)) {
            throw new BenchFailed(
                "one changed subscription changed processes: " + before + " are now " + after);
          }
        }
        if (run == cores - 1) {
          report.runs("core_apply", apply, "ms", Goal.atMost(10_000));
          report.figure("core_apply_cpu", CloudCase.middle(applyCpu), "ms");
          report.figure("core_apply_cloud_cpu", CloudCase.middle(applyCloudCpu), "ms");
          report.runs("core_change", change, "ms", Goal.atMost(500));
          report.figure("core_change_cpu", CloudCase.middle(changeCpu), "ms");
          report.figure("core_change_cloud_cpu", CloudCase.middle(changeCloudCpu), "ms");
          report.figure("core_pss", Memory.pssMegabytes(core.pid()), "MB");
        }
      }
    }
  }

  private static double deployed(Chain calls) {
    long start = System.nanoTime();
    calls.await(calls.deploy(), Set.of("Success"));
    return (System.nanoTime() - start) / 1e6;
  }

  private Path provision(Path data, String thing) throws IOException, InterruptedException {
    Path root = work.resolve(thing);
    List<String> command =
        new ArrayList<>(
            List.of(
                home.resolve("ryegrass").toString(),
                "provision",
                "--data",
                data.toString(),
                "--thing",
                thing,
                "--root",
                root.toString(),
                "--local-mqtt-port",
                "0",
                "--lambda-ipc-port",
                "0"));
    if (Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0)) {
      command.addAll(List.of("--component-default-user", "nobody"));
    }
    Path said = work.resolve(thing + "-provision.txt");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile());
    builder.environment().put("RYEGRASS_NO_BUILD", "1");
    Process process = builder.start();
    if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new BenchFailed("provision did not make " + thing + ": " + Files.readString(said));
    }
    return root;
  }

  private static void awaitConnected(Api.Caller caller, String thing) {
    Waiting.until(
        thing + " to be known to the cloud",
        DEADLINE,
        Duration.ofMillis(50),
        () ->
            caller
                    .call("GET", "greengrass", "/greengrass/v2/coreDevices/" + thing, "", Map.of())
                    .status()
                == 200);
  }

  private static void checkInstalled(Api.Caller caller, String thing, LargeGroup group) {
    Waiting.until(
        group.functions() + " functions to be among the components of " + thing,
        DEADLINE,
        Duration.ofMillis(50),
        () -> installed(caller, thing) == group.functions());
  }

  private static long installed(Api.Caller caller, String thing) {
    long found = 0;
    String path = "/greengrass/v2/coreDevices/" + thing + "/installedComponents?maxResults=100";
    String next = "";
    do {
      var page = caller.get("greengrass", path + next);
      found +=
          page.path("installedComponents")
              .valueStream()
              .filter(c -> c.path("componentName").asString().startsWith("bench-"))
              .count();
      String token = page.path("nextToken").asString("");
      next =
          token.isEmpty()
              ? ""
              : "&nextToken="
                  + java.net.URLEncoder.encode(token, java.nio.charset.StandardCharsets.UTF_8);
    } while (!next.isEmpty());
    return found;
  }

  private static void publish(Api.Caller caller, String subject) {
    caller.post("iotdata", "/topics/" + subject.replace("/", "%2F") + "?qos=1", "{\"n\":1}");
  }

  /** The function has counted every message that was for it, and no other. */
  private static void awaitCount(Api.Caller caller, Path file, String subject, int count) {
    publish(caller, subject);
    Waiting.until(
        "the counting function to have counted " + count,
        DEADLINE,
        Duration.ofMillis(5),
        () -> told(file).startsWith(count + " "));
  }

  private static String told(Path file) {
    try {
      return Files.exists(file) ? Files.readString(file) : "";
    } catch (IOException e) {
      throw new BenchFailed("cannot read " + file, e);
    }
  }

  /** The core and all below it: process id and start time. */
  private static Map<Long, String> processes(long core) {
    return ProcessHandle.of(core)
        .map(
            top ->
                java.util.stream.Stream.concat(java.util.stream.Stream.of(top), top.descendants())
                    .collect(
                        Collectors.toMap(
                            ProcessHandle::pid,
                            p -> p.info().startInstant().map(Object::toString).orElse("?"))))
        .orElseThrow(() -> new BenchFailed("the core is gone"));
  }
}
