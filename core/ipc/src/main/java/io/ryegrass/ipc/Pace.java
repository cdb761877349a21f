package io.ryegrass.ipc;

import io.ryegrass.eventstream.ServerStream;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Holds a publisher back for a moment when one who hears it falls behind, so that a burst is slowed
 * down instead of lost. Whoever does not catch up in that moment counts as slow: he loses messages
 * and is not waited for again until half of what he has to read is read or five seconds have
 * passed, so he costs the others a moment for each such round and nothing more. The moment is short
 * when others keep up.
 *
 * <p>One for each publishing thread; the bus calls the subscribers on it.
 */
final class Pace {
  private static final Duration ALONE = Duration.ofMillis(200);
  private static final Duration BESIDE_QUICK_ONES = Duration.ofMillis(10);

  private @Nullable ServerStream behind;
  private boolean someoneKeepsUp;

  void begin() {
    behind = null;
    someoneKeepsUp = false;
  }

  void delivered(ServerStream stream) {
    switch (stream.backlog()) {
      case SMALL -> someoneKeepsUp = true;
      case LARGE -> behind = stream;
      case HOPELESS -> {}
    }
  }

  void end() {
    ServerStream stream = behind;
    if (stream != null) {
      stream.awaitRoom(someoneKeepsUp ? BESIDE_QUICK_ONES : ALONE);
    }
    behind = null;
  }
}
