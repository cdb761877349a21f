package io.ryegrass.cli.device;

import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Mixin;

/** {@code iotcore pub|sub}: topics of the cloud, through this core (CLI-26). */
@Command(
    name = "iotcore",
    mixinStandardHelpOptions = true,
    description = "Publish and subscribe to topics of the cloud",
    subcommands = HelpCommand.class)
final class IotCoreCommands extends CommandGroup {
  @Command(name = "pub", mixinStandardHelpOptions = true, description = "Publishes a message")
  void pub(
      @Mixin MessageOptions.Topic to,
      @Mixin MessageOptions.Message message,
      @Mixin MessageOptions.Qos qos) {
    new Messages(cli, spec).publishToCloud(to.topic, message.bytes(), qos.level());
  }

  @Command(name = "sub", mixinStandardHelpOptions = true, description = "Prints messages")
  void sub(@Mixin MessageOptions.Topic of, @Mixin MessageOptions.Qos qos) {
    new Messages(cli, spec).listenToCloud(of.topic, qos.level(), 0);
  }
}
