package io.ryegrass.cli.device;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code iotcore pub|sub}: topics of the cloud (CLI-26). */
@Command(
    name = "iotcore",
    mixinStandardHelpOptions = true,
    description = "Publish and subscribe to topics of the cloud",
    subcommands = HelpCommand.class)
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class IotCoreCommands implements Runnable {
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
          String message,
      @Option(
              names = {"-q", "--qos"},
              defaultValue = "0",
              description = "0 or 1 (default: 0)")
          int qos) {
    new Messages(cli, spec).publishToCloud(topic, Inputs.message(message), checked(qos));
  }

  @Command(name = "sub", mixinStandardHelpOptions = true, description = "Prints messages")
  void sub(
      @Option(
              names = {"-t", "--topic"},
              required = true,
              description = "topic, or a filter with + and #")
          String topic,
      @Option(
              names = {"-q", "--qos"},
              defaultValue = "0",
              description = "0 or 1 (default: 0)")
          int qos) {
    new Messages(cli, spec).listenToCloud(topic, checked(qos), 0);
  }

  private int checked(int qos) {
    if (qos != 0 && qos != 1) {
      throw new CommandLine.ParameterException(spec.commandLine(), "--qos must be 0 or 1");
    }
    return qos;
  }
}
