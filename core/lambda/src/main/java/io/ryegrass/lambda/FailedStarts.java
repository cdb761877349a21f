package io.ryegrass.lambda;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Counts workers that died without being asked to, in a row, and says how long to wait before the
 * next: jittered and doubling up to 30 s, so that a function that dies at once does not keep the
 * machine busy.
 */
final class FailedStarts {
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /**
   * Restarts of a long-lived function that may fail in a row before the component's life cycle
   * takes over.
   */
  private static final int OWN_ATTEMPTS = 3;

  private final Duration firstPause;
  private int count;

  FailedStarts(Duration firstPause) {
    this.firstPause = firstPause;
  }

  void add() {
    count++;
  }

  void forget() {
    count = 0;
  }

  /**
   * Whether a failed start is the component's: its very first one, or one too many after it had
   * run.
   */
  boolean concernsComponent() {
    return count == 1 || count > OWN_ATTEMPTS;
  }

  Duration pause() {
    long longest = firstPause.toMillis() << Math.clamp(count - 1, 0, 16);
    longest = Math.min(longest, LONGEST_PAUSE.toMillis());
    return Duration.ofMillis(ThreadLocalRandom.current().nextLong(longest / 2, longest + 1));
  }
}
