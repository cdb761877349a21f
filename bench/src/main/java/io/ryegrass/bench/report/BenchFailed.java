package io.ryegrass.bench.report;

/** Something that was to be measured did not happen; the message says what. */
public final class BenchFailed extends RuntimeException {
  public BenchFailed(String message) {
    super(message);
  }

  public BenchFailed(String message, Throwable cause) {
    super(message, cause);
  }
}
