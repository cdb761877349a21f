package io.ryegrass.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ryegrass demo}: exit code 0 only when every step was really observed. */
@Command(
    name = "ryegrass demo",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Brings up a cloud, a core and a client device, and shows both dialects at work.")
public final class DemoMain implements Callable<Integer> {
  @Option(names = "--once", description = "stop everything after the last step and exit")
  private boolean once;

  @Option(
      names = "--dir",
      description = "an empty folder for everything (default: a new temporary one)")
  private @Nullable Path dir;

  @Option(
      names = "--before",
      paramLabel = "STEP=COMMAND",
      description =
          "run a shell command before a step, to see the demo notice (DEMO_DIR, RYEGRASS_DATA"
              + " and CORE_ROOT are set)")
  private Map<Integer, String> before = Map.of();

  @Option(
      names = "--train",
      hidden = true,
      description = "run the steps that the AOT caches are made from, and leave the caches here")
  private @Nullable Path aotCaches;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path folder = dir == null ? Files.createTempDirectory("ryegrass-demo-") : prepare(dir);
    Path home = Path.of(System.getProperty("ryegrass.home", "."));
    World world = new World(home, folder, aotCaches);
    Thread stopPrograms = new Thread(world::stopAll, "stop-programs");
    Runtime.getRuntime().addShutdownHook(stopPrograms);
    System.out.println("Everything of this demo lives in " + folder);
    Story story = new Story(world);
    boolean passed =
        new Teller(world, before).tell(aotCaches == null ? story.steps() : story.trainingSteps());
    if (passed && !once && aotCaches == null) {
      world.explain();
      Thread.currentThread().join();
    }
    return passed ? 0 : 1;
  }

  private static Path prepare(Path dir) throws IOException {
    Files.createDirectories(dir);
    try (var entries = Files.list(dir)) {
      if (entries.findAny().isPresent()) {
        throw new StepFailed(dir + " is not empty; give --dir an empty folder");
      }
    }
    return dir.toAbsolutePath().normalize();
  }

  public static void main(String[] args) {
    CommandLine command = new CommandLine(new DemoMain());
    command.setExecutionExceptionHandler(
        (e, line, result) -> {
          if (e instanceof StepFailed) {
            System.err.println("ryegrass demo: " + e.getMessage());
            return 1;
          }
          throw e;
        });
    System.exit(command.execute(args));
  }
}
