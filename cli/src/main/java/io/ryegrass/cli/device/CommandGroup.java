package io.ryegrass.cli.device;

import java.io.PrintWriter;
import java.util.List;
import java.util.function.Consumer;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** A command that only has commands of its own, such as {@code component}. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
abstract class CommandGroup implements Runnable {
  @ParentCommand CliMain cli;
  @Spec CommandSpec spec;

  @Override
  public void run() {
    List<String> commands =
        spec.subcommands().keySet().stream().filter(name -> !name.equals("help")).sorted().toList();
    throw usage("Missing a command: " + String.join(", ", commands));
  }

  CommandLine.ParameterException usage(String sentence) {
    return new CommandLine.ParameterException(spec.commandLine(), sentence);
  }

  PrintWriter out() {
    return spec.commandLine().getOut();
  }

  void print(JsonNode json, Consumer<PrintWriter> text) {
    Result.print(cli, out(), json, text);
  }
}
