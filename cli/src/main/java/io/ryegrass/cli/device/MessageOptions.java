package io.ryegrass.cli.device;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that {@code pubsub} and {@code iotcore} share (CLI-26). */
final class MessageOptions {
  private MessageOptions() {}

  /** {@code --topic}. */
  static final class Topic {
    @Option(
        names = {"-t", "--topic"},
        required = true,
        description = "topic; to listen, also a filter with + and #")
    String topic = "";
  }

  /** {@code --message}. */
  static final class Message {
    @Option(
        names = {"-m", "--message"},
        required = true,
        description = "the message, or a file with it")
    String text = "";

    byte[] bytes() {
      return Inputs.message(text);
    }
  }

  /** {@code --qos}. */
  @SuppressWarnings("NullAway.Init") // picocli sets spec
  static final class Qos {
    @Spec(Spec.Target.MIXEE)
    CommandSpec spec;

    private int level;

    @Option(
        names = {"-q", "--qos"},
        defaultValue = "0",
        description = "0 or 1 (default: 0)")
    void level(int qos) {
      if (qos != 0 && qos != 1) {
        throw new ParameterException(spec.commandLine(), "--qos must be 0 or 1");
      }
      level = qos;
    }

    int level() {
      return level;
    }
  }
}
