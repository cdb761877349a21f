package io.ryegrass.cli;

/** What went wrong, on which thing, and what to do: one sentence for the person at the terminal. */
public final class CliException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CliException(String message) {
    super(message);
  }
}
