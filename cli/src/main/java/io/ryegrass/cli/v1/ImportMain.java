package io.ryegrass.cli.v1;

import io.ryegrass.cli.CliException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ryegrass import}: groups of Greengrass V1 from what people saved of them. */
@Command(
    name = "ryegrass import",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Recreates groups, definitions, functions, things and certificates of Greengrass V1 from",
      "answers of 'aws greengrass' (files or a folder of them), CloudFormation templates with",
      "AWS::Greengrass::*, or the folder of a V1 core (/greengrass). Says what it could not carry",
      "over. Deploys nothing. Run it again after a change: what is the same is kept.",
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the cloud refused some of it."
    })
public final class ImportMain implements Callable<Integer> {
  private static final int REFUSED = 3;

  @Parameters(arity = "1..*", paramLabel = "PATH", description = "files and folders to read")
  private List<Path> paths = List.of();

  @Mixin private CloudOption cloud = new CloudOption();

  @Option(
      names = "--parameter",
      paramLabel = "NAME=VALUE",
      description = "a parameter of a CloudFormation template; may come several times")
  private Map<String, String> parameters = new HashMap<>();

  @Option(
      names = "--function",
      paramLabel = "NAME=RUNTIME,HANDLER",
      description = "runtime and handler of a function whose code is in a core's folder")
  private Map<String, String> functions = new HashMap<>();

  @Option(names = "--dry-run", description = "only say what would be done")
  private boolean dry;

  @Override
  public Integer call() {
    Map<String, String[]> runtimes = new HashMap<>();
    functions.forEach(
        (name, text) -> {
          String[] parts = text.split(",", 2);
          if (parts.length != 2) {
            throw new CliException(
                "--function " + name + "=" + text + ": write NAME=RUNTIME,HANDLER");
          }
          runtimes.put(name, parts);
        });
    PrintStream out = System.out;
    try (AwsCalls calls = new AwsCalls(cloud.address());
        var iot = cloud.iot()) {
      String account = calls.account();
      String region = cloud.address().region();
      Rescue rescue = RescueFiles.read(paths, parameters, runtimes, region, account);
      if (rescue.isEmpty()) {
        rescue.left.forEach(sentence -> System.err.println("not carried over: " + sentence));
        throw new CliException(
            "nothing of Greengrass V1 is in " + paths + "; see 'ryegrass import --help'");
      }
      Importer importer = new Importer(rescue, calls, iot, region, account, dry, out::println);
      importer.run();
      rescue.left.forEach(sentence -> out.println("not carried over: " + sentence));
      int refused = importer.refused();
      if (refused == 0) {
        return 0;
      }
      System.err.println(
          "ryegrass import: the cloud refused "
              + refused
              + (refused == 1 ? " thing" : " things")
              + " of these. Mend it and run the same command again: what is there now is kept, and it"
              + " goes on with the rest.");
      return REFUSED;
    }
  }

  /**
   * Exit codes: 0 done, 1 failed with one sentence on stderr, 2 wrong usage, 3 the cloud refused
   * some of it.
   */
  public static void main(String[] args) {
    System.exit(
        Failures.reported(new CommandLine(new ImportMain()), "ryegrass import").execute(args));
  }
}
