package io.ryegrass.cli.device;

import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code topic watch|pub}: look into what components say to each other (LESSON-53). */
@Command(
    name = "topic",
    mixinStandardHelpOptions = true,
    description = "Watch messages of this core (or, with --cloud, of the cloud) and send some",
    subcommands = HelpCommand.class)
final class TopicCommands extends CommandGroup {
  @Command(
      name = "watch",
      mixinStandardHelpOptions = true,
      description = "Prints each message with its topic, until interrupted")
  void watch(
      @Parameters(index = "0", paramLabel = "<filter>", description = "such as '#' or a/+/b")
          String filter,
      @Option(names = "--cloud", description = "topics of the cloud") boolean cloud,
      @Option(names = "--count", defaultValue = "0", description = "end after so many messages")
          int count) {
    Messages messages = new Messages(cli, spec);
    if (cloud) {
      messages.listenToCloud(filter, 1, count);
    } else {
      messages.listenLocally(filter, count);
    }
  }

  @Command(
      name = "pub",
      mixinStandardHelpOptions = true,
      description = "Publishes a message; a JSON object goes as JSON")
  void pub(
      @Parameters(index = "0", paramLabel = "<topic>", description = "topic") String topic,
      @Parameters(index = "1", paramLabel = "<message>", description = "message, or file with it")
          String message,
      @Option(names = "--cloud", description = "to the cloud, QoS 1") boolean cloud) {
    Messages messages = new Messages(cli, spec);
    if (cloud) {
      messages.publishToCloud(topic, Inputs.message(message), 1);
    } else {
      messages.publishLocally(topic, Inputs.message(message));
    }
  }
}
