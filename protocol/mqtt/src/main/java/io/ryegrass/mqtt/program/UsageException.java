package io.ryegrass.mqtt.program;

/** What is wrong with the command line or a file that it names, and what to do: one sentence. */
final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UsageException(String message) {
    super(message);
  }
}
