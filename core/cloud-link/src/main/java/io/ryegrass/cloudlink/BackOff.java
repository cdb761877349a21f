package io.ryegrass.cloudlink;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Waiting times between attempts: each at most {@code factor} times the one before, from a floor up
 * to a cap; up to half of each is random, so that a fleet that lost its cloud does not come back in
 * one beat. The growth of 1.5 keeps the wait near a third of the outage so far. For one thread.
 */
final class BackOff {
  private static final double FACTOR = 1.5;

  private final Duration floor;
  private final Duration cap;
  private final RandomGenerator random;
  private double nextMillis;

  BackOff(Duration floor, Duration cap, RandomGenerator random) {
    this.floor = floor;
    this.cap = cap;
    this.random = random;
    this.nextMillis = first();
  }

  private double first() {
    return Math.min(2 * floor.toMillis(), cap.toMillis());
  }

  Duration next() {
    double whole = nextMillis;
    nextMillis = Math.min(cap.toMillis(), whole * FACTOR);
    double least = Math.min(whole, Math.max(floor.toMillis(), whole / 2));
    return Duration.ofMillis(Math.round(least + random.nextDouble() * (whole - least)));
  }

  void reset() {
    nextMillis = first();
  }
}
