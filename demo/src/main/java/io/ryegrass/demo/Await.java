package io.ryegrass.demo;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Waits for something to be seen, never longer than its deadline. */
public final class Await {
  private static final Duration POLL = Duration.ofMillis(25);

  private Await() {}

  /**
   * @param look gives what was waited for, or empty when it is not there yet
   * @param seen what to say was there instead, when the deadline passes
   */
  public static <T> T until(
      String what, Duration deadline, Supplier<Optional<T>> look, Supplier<@Nullable Object> seen) {
    long end = System.nanoTime() + deadline.toNanos();
    while (true) {
      Optional<T> result = look.get();
      if (result.isPresent()) {
        return result.get();
      }
      if (System.nanoTime() > end) {
        throw new StepFailed(
            "waited " + deadline.toSeconds() + " s for " + what + "; seen instead: " + seen.get());
      }
      pause();
    }
  }

  static void pause() {
    try {
      Thread.sleep(POLL);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StepFailed("interrupted", e);
    }
  }
}
