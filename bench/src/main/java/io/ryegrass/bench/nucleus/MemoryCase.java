package io.ryegrass.bench.nucleus;

import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Memory;
import io.ryegrass.bench.report.Report;
import io.ryegrass.demo.Story;
import io.ryegrass.demo.Teller;
import io.ryegrass.demo.World;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a core holds that has everything on: both connections to a cloud, the local broker with its
 * device, functions, the token exchange, a component. The cloud is ours, brought up for it.
 */
final class MemoryCase {
  private static final long REST_MILLIS = 20_000;

  private final Report report;
  private final Options options;
  private final Path home;
  private final Path folder;

  MemoryCase(Report report, Options options, Path home, Path folder) {
    this.report = report;
    this.options = options;
    this.home = home;
    this.folder = folder;
  }

  void run() throws Exception {
    World world = new World(home, folder, null);
    Thread end = new Thread(world::stopAll, "stop-world");
    Runtime.getRuntime().addShutdownHook(end);
    try {
      if (!new Teller(world, Map.of()).tell(new Story(world).trainingSteps())) {
        throw new BenchFailed("the cloud and its core did not come up; see " + folder + "/logs");
      }
      world.stopCore(); // what deploying took is not what resting takes
      world.startCore();
      Thread.sleep(REST_MILLIS);
      double idle = Memory.pssMegabytes(world.corePid());
      report.figure("idle_pss", idle, "MB", Goal.atMost(72));
      double before = Memory.cpuSeconds(world.corePid());
      Thread.sleep(REST_MILLIS / 2);
      report.figure(
          "idle_cpu",
          (Memory.cpuSeconds(world.corePid()) - before) * 1000 / (REST_MILLIS / 2000.0),
          "ms/s");
      load(world);
      report.figure("pss_under_load", Memory.pssMegabytes(world.corePid()), "MB");
      Thread.sleep(REST_MILLIS);
      double after = Memory.pssMegabytes(world.corePid());
      report.figure("pss_after_load", after, "MB", Goal.atMost(idle * 1.1));
    } finally {
      world.stopAll();
      Runtime.getRuntime().removeShutdownHook(end);
    }
  }

  /** Every load of local messages, by the command line's token. */
  private void load(World world) throws Exception {
    Path root = folder.resolve("core");
    Path socket = root.resolve("ipc.socket");
    String token = Operator.token(root);
    for (PubSub load : PubSub.ALL) {
      load.run(() -> RawClient.connect(socket, token), options.seconds());
    }
    try (RawClient still = RawClient.connect(socket, token)) {
      still.subscribeAndStandStill("bench/#");
      new PubSub("still", 1, 1, 10_000, 0)
          .run(() -> RawClient.connect(socket, token), options.seconds());
    }
  }
}
