package io.ryegrass.bench.report;

/** A mistake in a benchmark's arguments, as one sentence. */
public final class UsageException extends Exception {
  public UsageException(String message) {
    super(message);
  }
}
