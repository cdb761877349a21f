package io.ryegrass.cloudlink;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Waiting times between attempts: each at most {@code factor} times the one before, up to a cap;
 * half of each is random, so that a fleet that lost its cloud does not come back in one beat. The
 * growth of 1.5 keeps the wait near a third of the outage so far. For one thread.
 */
final class BackOff {
  private static final double FACTOR = 1.5;

  private final Duration first;
  private final Duration cap;
  private final RandomGenerator random;
  private double nextMillis;

  BackOff(Duration first, Duration cap, RandomGenerator random) {
    this.first = first;
    this.cap = cap;
    this.random = random;
    this.nextMillis = first.toMillis();
  }

  /** For connections: 250 ms to 30 s. */
  static BackOff forConnections() {
    return new BackOff(
        Duration.ofMillis(250), Duration.ofSeconds(30), RandomGenerator.getDefault());
  }

  Duration next() {
    double whole = nextMillis;
    nextMillis = Math.min(cap.toMillis(), whole * FACTOR);
    return Duration.ofMillis(Math.round(whole / 2 + random.nextDouble() * whole / 2));
  }

  void reset() {
    nextMillis = first.toMillis();
  }
}
