package io.ryegrass.crashtests;

import java.util.SplittableRandom;

/**
 * How a receiver behaves towards each message: prompt, late, or gone in the middle of the
 * handshake. Set to prompt for a drain.
 */
final class Manners {
  private final SplittableRandom random;
  private final double late;
  private final double breaks;
  private volatile boolean prompt;

  /**
   * @param late share of the acknowledgements that wait for some milliseconds
   * @param breaks share of the handshake steps at which the connection breaks instead
   */
  Manners(SplittableRandom random, double late, double breaks) {
    this.random = random;
    this.late = late;
    this.breaks = breaks;
  }

  void prompt(boolean value) {
    prompt = value;
  }

  /** Called by the one thread that reads for the client. */
  int delayMillis() {
    return !prompt && late > 0 && random.nextDouble() < late ? 1 + random.nextInt(10) : 0;
  }

  boolean breaksNow() {
    return !prompt && breaks > 0 && random.nextDouble() < breaks;
  }
}
