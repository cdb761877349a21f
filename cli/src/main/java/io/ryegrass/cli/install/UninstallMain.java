package io.ryegrass.cli.install;

import io.ryegrass.cli.CliException;
import io.ryegrass.cli.CoreConfiguration;
import io.ryegrass.cli.HostUsers;
import io.ryegrass.durable.DataFolderLock;
import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Removes a core from this machine (INS-49): its service, then its folder. May be run again; what
 * is not a core's root is left alone.
 */
@Command(
    name = "ryegrass uninstall",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Stops and removes the core's systemd service and its root folder, with keys, components,",
      "their data and logs. In the cloud nothing is deleted."
    })
public final class UninstallMain implements Callable<Integer> {
  /** What a core, an installation or the contract's instructions put into a root folder. */
  private static final Set<String> OURS =
      Set.of(
          "alts",
          "bin",
          "certs",
          "cli_ipc_info",
          "config",
          "deployments",
          "generations",
          "ggc",
          "ipc.socket",
          "logs",
          "packages",
          "plugins",
          "provisioning",
          "run",
          "spool",
          "telemetry",
          "work",
          ".lock");

  @Option(
      names = {"-r", "--root"},
      paramLabel = "DIR",
      required = true,
      description = "the core's root folder")
  private Path root = Path.of("");

  @Option(
      names = "--force",
      description = "also remove files in it that no core and no installer made")
  private boolean force;

  @Override
  public Integer call() throws IOException {
    Path core = root.toAbsolutePath().normalize();
    boolean service = SystemService.ofHost(new HostUsers().isRoot()).remove(core);
    if (!Files.exists(core)) {
      System.out.println(
          service ? "The service is removed; there is no folder " + core : "Nothing to remove");
      return 0;
    }
    String thing = check(core);
    try (DataFolderLock lock = DataFolderLock.acquire(core.resolve("spool"))) {
      remove(core);
    } catch (DurableException e) {
      if (e.code().equals(DurableException.FOLDER_LOCKED)) {
        throw new CliException(
            String.valueOf(e.getMessage())
                .replace(core.resolve("spool").toString(), core.toString()));
      }
      throw e;
    }
    System.out.println(
        "Removed " + core + (service ? " and the service " + SystemService.NAME : ""));
    if (!thing.isBlank()) {
      System.out.println(
          "The cloud still knows the core; before another is installed under its name:"
              + " aws greengrassv2 delete-core-device --core-device-thing-name "
              + thing);
    }
    return 0;
  }

  /**
   * Refuses what is no core's root, and what holds other people's files.
   *
   * @return the core's thing, empty when it has none
   */
  private String check(Path core) throws IOException {
    if (!Files.isDirectory(core)) {
      throw new CliException(core + " is no folder");
    }
    Set<String> names = new TreeSet<>();
    try (Stream<Path> all = Files.list(core)) {
      all.forEach(p -> names.add(String.valueOf(p.getFileName())));
    }
    boolean started = names.contains("generations") && names.contains("packages");
    CoreConfiguration config = CoreConfiguration.empty();
    boolean configured = false;
    if (Files.exists(core.resolve("config/config.yaml"))) {
      try {
        config = CoreConfiguration.ofRoot(core);
        configured = !config.thingName().isBlank() || config.namesNucleus();
      } catch (CliException e) {
        configured = started; // damaged; what else is there must tell
      }
    }
    boolean cutOff = names.stream().allMatch(n -> n.equals("config") || n.equals("spool"));
    if (!started && !configured && !cutOff) {
      throw new CliException(
          core
              + " is not the root folder of a core (it has no config/config.yaml of one); nothing is removed");
    }
    Set<String> named = new TreeSet<>();
    for (String key : new String[] {"certificateFilePath", "privateKeyPath", "rootCaPath"}) {
      Path file = core.resolve(config.systemFile(key)).normalize();
      if (core.equals(file.getParent())) {
        named.add(String.valueOf(file.getFileName()));
      }
    }
    names.removeAll(OURS);
    names.removeAll(named);
    names.removeIf(n -> n.startsWith(".") && n.endsWith(".lock"));
    if (!names.isEmpty() && !force) {
      throw new CliException(
          core
              + " also holds "
              + String.join(", ", names)
              + ", which no core made; move it away, or add --force to remove it, too");
    }
    return config.thingName();
  }

  /** What it is recognised by goes last. */
  private static void remove(Path core) throws IOException {
    List<Path> all;
    try (Stream<Path> list = Files.list(core)) {
      all = list.toList();
    }
    for (Path p : all) {
      String name = String.valueOf(p.getFileName());
      if (!name.equals("config") && !name.equals("spool")) {
        DurableFiles.deleteTree(p);
      }
    }
    DurableFiles.deleteTree(core.resolve("config"));
    DurableFiles.deleteTree(core.resolve("spool"));
    Files.deleteIfExists(core);
  }

  /** Exit codes: 0 done, 1 failed with one sentence on stderr, 2 wrong usage. */
  public static void main(String[] args) {
    System.exit(run(args));
  }

  static int run(String... args) {
    CommandLine command = new CommandLine(new UninstallMain());
    command.setExecutionExceptionHandler(
        (e, line, result) -> {
          if (e instanceof CliException
              || e instanceof IOException
              || e instanceof DurableException) {
            System.err.println("ryegrass uninstall: " + e.getMessage());
            return 1;
          }
          throw e;
        });
    return command.execute(args);
  }
}
