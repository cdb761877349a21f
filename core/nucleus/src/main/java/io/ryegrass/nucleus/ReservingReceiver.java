package io.ryegrass.nucleus;

import org.jspecify.annotations.Nullable;

/**
 * A receiver that is called on the sender's thread and knows beforehand whether it takes a message:
 * needed by senders that want all targets or none ({@link Bus#publishToAllOrNone}).
 */
public interface ReservingReceiver extends Receiver {
  /** Room for this message, or null when there is none. Never waits. */
  @Nullable Reservation reserve(Message m);

  /** Why there was no room. */
  RuntimeException refusal();

  /** Room that is held; exactly one of the two is called. */
  interface Reservation {
    /** Takes the message; does not fail. */
    void commit();

    void cancel();
  }
}
