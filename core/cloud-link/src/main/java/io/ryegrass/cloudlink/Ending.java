package io.ryegrass.cloudlink;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a thread that writes files: whoever closes its owner may open the same folder anew, or
 * delete it.
 */
final class Ending {
  private static final Logger LOG = LoggerFactory.getLogger(Ending.class);
  private static final Duration LONGEST = Duration.ofSeconds(5);

  private Ending() {}

  /** Waits for the end of a thread that was told to end; of one that never began at once. */
  static void of(Thread thread) {
    if (thread.getState() == Thread.State.NEW) {
      return;
    }
    try {
      if (!thread.join(LONGEST)) {
        LOG.warn("{} has not ended within {} s", thread.getName(), LONGEST.toSeconds());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
