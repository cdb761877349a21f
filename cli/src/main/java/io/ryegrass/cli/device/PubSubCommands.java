package io.ryegrass.cli.device;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code pubsub pub|sub}: topics of this core (CLI-26). */
@Command(
    name = "pubsub",
    mixinStandardHelpOptions = true,
    description = "Publish and subscribe to topics of this core",
    subcommands = HelpCommand.class)
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class PubSubCommands implements Runnable {
  @ParentCommand CliMain cli;
  @Spec CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "Missing a command: pub or sub");
  }

  @Command(name = "pub", mixinStandardHelpOptions = true, description = "Publishes a message")
  void pub(
      @Option(
              names = {"-t", "--topic"},
              required = true,
              description = "topic")
          String topic,
      @Option(
              names = {"-m", "--message"},
              required = true,
              description = "the message, or a file with it")
          String message) {
    new Messages(cli, spec).publishLocally(topic, Inputs.message(message));
  }

  @Command(name = "sub", mixinStandardHelpOptions = true, description = "Prints messages")
  void sub(
      @Option(
              names = {"-t", "--topic"},
              required = true,
              description = "topic, or a filter with + and #")
          String topic) {
    new Messages(cli, spec).listenLocally(topic, 0);
  }
}
