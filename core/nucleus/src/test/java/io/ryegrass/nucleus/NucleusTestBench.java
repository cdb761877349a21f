package io.ryegrass.nucleus;

import static org.awaitility.Awaitility.await;

import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.nucleus.deploy.FaultPoint;
import io.ryegrass.nucleus.store.Backoff;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;

/** A nucleus on a folder with a cloud in memory, and the questions that tests ask it. */
final class NucleusTestBench implements AutoCloseable {
  final TestCloud cloud = new TestCloud();
  final Path root;
  Nucleus nucleus;
  private int revision;

  NucleusTestBench(Path root) {
    this.root = TestCloud.provision(root);
    this.nucleus = open();
  }

  private Nucleus open() {
    Nucleus n =
        Nucleus.open(
            new NucleusSettings(
                root, Clock.systemUTC(), Duration.ofSeconds(1), Duration.ofSeconds(20)),
            List.of(),
            List.of(),
            cloud.ports(),
            new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), new Random()),
            FaultPoint.NONE);
    n.start();
    return n;
  }

  /** Ends the nucleus and begins another life on the same folder. */
  void restart() {
    nucleus.close();
    nucleus = open();
  }

  DeploymentStatus deploy(String... namesAndVersions) {
    return deploy(TestCloud.components(namesAndVersions));
  }

  DeploymentStatus deploy(Map<String, DeploymentDocument.ComponentUpdate> components) {
    DeploymentRequest r =
        TestCloud.shadow(++revision, FailureHandlingPolicy.DO_NOTHING, components);
    nucleus.deployments().submit(r);
    until(
        () ->
            cloud.statuses.stream()
                .anyMatch(s -> s.id().equals(r.id()) && !s.status().equals("IN_PROGRESS")));
    return cloud.statuses.getLast();
  }

  /** One generic component at version 1.0.0 without defaults or dependencies, deployed. */
  DeploymentStatus run(String name, String lifecycle) {
    cloud.generic(name, "1.0.0", "{}", "{}", lifecycle);
    return deploy(name, "1.0.0");
  }

  static DeploymentDocument.ComponentUpdate limited(String version, long memoryKb, double cpus) {
    return new DeploymentDocument.ComponentUpdate(
        version,
        DeploymentDocument.ConfigurationUpdate.NONE,
        new DeploymentDocument.RunWith(
            null, null, new DeploymentDocument.SystemResourceLimits(memoryKb, cpus)));
  }

  ComponentStatus status(String name) {
    return nucleus.components().find(name).orElseThrow();
  }

  ComponentState state(String name) {
    return nucleus.components().find(name).map(ComponentStatus::state).orElse(null);
  }

  List<String> lines(String component, String file) {
    try {
      Path p = root.resolve("work").resolve(component).resolve(file);
      return Files.exists(p) ? Files.readAllLines(p) : List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String log(String component) {
    try {
      Path p = root.resolve("logs").resolve(component + ".log");
      return Files.exists(p) ? Files.readString(p) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void until(Callable<Boolean> condition) {
    await()
        .pollInterval(Duration.ofMillis(10))
        .pollDelay(Duration.ZERO)
        .atMost(Duration.ofSeconds(60))
        .until(condition);
  }

  @Override
  public void close() {
    nucleus.close();
  }
}
