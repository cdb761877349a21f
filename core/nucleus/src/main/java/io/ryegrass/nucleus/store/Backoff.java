package io.ryegrass.nucleus.store;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Pauses that double from {@code first} to {@code most}, each half fixed and half random;
 * interruptible.
 */
public record Backoff(Duration first, Duration most, RandomGenerator random) {

  /** 1 s to 1 min. */
  public static Backoff ordinary() {
    return new Backoff(Duration.ofSeconds(1), Duration.ofMinutes(1), new java.util.Random());
  }

  /** Sleeps before attempt number {@code attempt} + 1. */
  public void pause(int attempt) throws InterruptedException {
    long millis =
        (long) Math.min(most.toMillis(), first.toMillis() * Math.pow(2, Math.min(attempt, 20)));
    Thread.sleep(millis / 2 + random.nextLong(Math.max(1, millis / 2 + 1)));
  }
}
