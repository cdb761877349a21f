package io.ryegrass.bench.lambda;

import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Report;
import io.ryegrass.demo.Story;
import io.ryegrass.demo.Teller;
import io.ryegrass.demo.World;
import java.nio.file.Path;
import java.util.Map;

/**
 * Local MQTT to a Python function and back: a client device over mutual TLS, a V1 group deployed
 * from a cloud of ours, its subscriptions, a function as a plain process or in a container.
 */
final class MqttCase {
  private static final int WARM = 500;

  private final Report report;
  private final Options options;
  private final Path home;
  private final Path folder;

  MqttCase(Report report, Options options, Path home, Path folder) {
    this.report = report;
    this.options = options;
    this.home = home;
    this.folder = folder;
  }

  void run() throws InterruptedException {
    World world = new World(home, folder, null);
    Thread end = new Thread(world::stopAll, "stop-world");
    Runtime.getRuntime().addShutdownHook(end);
    try {
      Story story = new Story(world);
      if (!new Teller(world, Map.of()).tell(story.trainingSteps())) {
        throw new BenchFailed("the cloud and its core did not come up; see " + folder + "/logs");
      }
      long[] ignored = story.roundTripsThroughFunction(WARM);
      report.percentiles(
          "mqtt_function_mqtt",
          story.roundTripsThroughFunction((int) (options.seconds() * 200)),
          Goal.atMost(1.5),
          null);
    } finally {
      world.stopAll();
      Runtime.getRuntime().removeShutdownHook(end);
    }
  }
}
