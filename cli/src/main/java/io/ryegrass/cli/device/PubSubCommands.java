package io.ryegrass.cli.device;

import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Mixin;

/** {@code pubsub pub|sub}: topics of this core (CLI-26). */
@Command(
    name = "pubsub",
    mixinStandardHelpOptions = true,
    description = "Publish and subscribe to topics of this core",
    subcommands = HelpCommand.class)
final class PubSubCommands extends CommandGroup {
  @Command(name = "pub", mixinStandardHelpOptions = true, description = "Publishes a message")
  void pub(@Mixin MessageOptions.Topic to, @Mixin MessageOptions.Message message) {
    new Messages(cli, spec).publishLocally(to.topic, message.bytes());
  }

  @Command(name = "sub", mixinStandardHelpOptions = true, description = "Prints messages")
  void sub(@Mixin MessageOptions.Topic of) {
    new Messages(cli, spec).listenLocally(of.topic, 0);
  }
}
