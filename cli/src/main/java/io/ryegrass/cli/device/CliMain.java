package io.ryegrass.cli.device;

import io.ryegrass.cli.device.CoreAccess.CommandFailure;
import io.ryegrass.eventstream.EventStreamException;
import io.ryegrass.eventstream.RpcError;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The commands of a core's command line. */
@Command(
    name = "greengrass-cli",
    mixinStandardHelpOptions = true,
    versionProvider = CliMain.Version.class,
    customSynopsis = "greengrass-cli [-hV] [--ggcRootPath=<ggcRootPath>] [COMMAND]",
    description = "Greengrass command line interface",
    subcommands = {
      HelpCommand.class,
      ComponentCommands.class,
      DeploymentCommands.class,
      LogsCommands.class,
      DebugPasswordCommand.class,
      PubSubCommands.class,
      IotCoreCommands.class,
      TopicCommands.class,
      PlanCommand.class,
      ConfigCommands.class,
      DoctorCommand.class,
      SupportBundleCommand.class
    })
public final class CliMain implements Runnable {
  /** How results are printed. */
  enum Output {
    text,
    json
  }

  @Spec CommandSpec spec;

  @Option(
      names = "--ggcRootPath",
      scope = ScopeType.INHERIT,
      paramLabel = "<ggcRootPath>",
      description =
          "the core's root folder (default: $GGC_ROOT_PATH, else that of the one core that runs"
              + " here)")
  @Nullable Path root;

  /** As 'ryegrass core' has it. */
  @Option(names = "--root", scope = ScopeType.INHERIT, hidden = true)
  @Nullable Path sameRoot;

  @Option(
      names = "--output",
      scope = ScopeType.INHERIT,
      defaultValue = "text",
      description = "text or json (default: text)")
  Output output = Output.text;

  @SuppressWarnings("NullAway.Init") // picocli sets spec
  CliMain() {}

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(), "Missing a command; 'help' lists them");
  }

  CoreAccess core() {
    return new CoreAccess(rootFolder(), CliMain::running);
  }

  Path rootFolder() {
    return CoreAccess.root(
        root == null ? sameRoot : root, System.getenv("GGC_ROOT_PATH"), CliMain::running);
  }

  private static List<Path> running() {
    return RunningCores.roots(Path.of("/proc"));
  }

  /** The whole command line, for a process and for tests. */
  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new CliMain());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setParameterExceptionHandler(
        (e, args) -> {
          PrintWriter err = e.getCommandLine().getErr();
          err.println(
              e.getCommandLine().getCommandSpec().qualifiedName()
                  + ": "
                  + String.valueOf(e.getMessage()).replace('\n', ' ')
                  + " (--help tells more)");
          return CommandLine.ExitCode.USAGE;
        });
    line.setExecutionExceptionHandler(
        (e, failed, result) -> {
          if (e instanceof CommandLine.ParameterException usage) {
            throw usage;
          }
          failed.getErr().println("greengrass-cli: " + sentence(e));
          return CommandLine.ExitCode.SOFTWARE;
        });
    return line;
  }

  private static String sentence(Exception e) {
    return switch (e) {
      case CommandFailure f -> String.valueOf(f.getMessage());
      case RpcError r -> {
        String shape = r.shape();
        yield (shape == null ? "" : shape.substring(shape.indexOf('#') + 1) + ": ")
            + r.getMessage();
      }
      case EventStreamException s ->
          "the core did not answer: " + s.getMessage() + "; is it running?";
      default -> e.toString();
    };
  }

  /** Exit codes: 0 done, 1 failed with one sentence on stderr, 2 wrong usage. */
  public static void main(String[] args) {
    int code = commandLine().execute(args);
    System.out.flush();
    System.exit(code);
  }

  /** The version of this program. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = CliMain.class.getPackage().getImplementationVersion();
      return new String[] {"Ryegrass CLI " + (version == null ? "(development)" : version)};
    }
  }
}
