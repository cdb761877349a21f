package io.ryegrass.bench.report;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Looks again and again, quickly, until something is so. */
public final class Waiting {
  private Waiting() {}

  public static void until(String what, Duration deadline, BooleanSupplier holds) {
    until(what, deadline, Duration.ofMillis(1), holds);
  }

  public static void until(String what, Duration deadline, Duration pause, BooleanSupplier holds) {
    long end = System.nanoTime() + deadline.toNanos();
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new BenchFailed("waited " + deadline.toSeconds() + " s for " + what);
      }
      LockSupport.parkNanos(pause.toNanos());
    }
  }
}
