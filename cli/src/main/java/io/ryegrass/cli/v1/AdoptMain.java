package io.ryegrass.cli.v1;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ryegrass adopt}: a V1 device's own folder goes on with this core and this cloud. */
@Command(
    name = "ryegrass adopt",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Lets the folder of a V1 core (/greengrass) run here: puts greengrassd into ggc/core, and",
      "writes into config/config.json where its cloud is now. Certificates and keys stay.",
      "'ryegrass import' of the same folder makes thing, certificate and group in that cloud."
    })
public final class AdoptMain implements Callable<Integer> {
  @Option(names = "--root", required = true, description = "the V1 core's folder")
  private Path root = Path.of("");

  @Option(
      names = "--keep-config",
      description = "leave config.json alone: greengrassd only, no cloud is asked")
  private boolean keepConfig;

  @Mixin private CloudOption cloud = new CloudOption();

  @Override
  public Integer call() {
    V1Folder folder = new V1Folder(root);
    if (!keepConfig) {
      try (AwsCalls calls = new AwsCalls(cloud.address())) {
        List<String> changed = folder.point(cloud.address(), calls.account());
        changed.forEach(line -> System.out.println("config.json: " + line));
      }
    }
    folder.installDaemon();
    System.out.println(
        "adopted; start it with: sudo "
            + root.toAbsolutePath().normalize().resolve("ggc/core/greengrassd")
            + " start");
    return 0;
  }

  /** Exit codes: 0 done, 1 failed with one sentence on stderr, 2 wrong usage. */
  public static void main(String[] args) {
    System.exit(
        Failures.reported(new CommandLine(new AdoptMain()), "ryegrass adopt").execute(args));
  }
}
