package io.ryegrass.crashtests;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What the clients of a world are to do, set by the world and read by all of them. */
final class Control {
  enum Phase {
    LOAD,
    DRAIN,
    STOP
  }

  private final AtomicInteger allowance = new AtomicInteger();
  private volatile Phase phase = Phase.LOAD;
  private volatile int port;
  private volatile @Nullable String refusal;

  Phase phase() {
    return phase;
  }

  void phase(Phase next) {
    phase = next;
  }

  /** Of the broker; 0 while there is none. */
  int port() {
    return port;
  }

  void port(int value) {
    port = value;
  }

  /** How many messages may still be published; bounds what waits for a client that is away. */
  void allow(int messages) {
    allowance.set(messages);
  }

  boolean mayPublish() {
    return phase == Phase.LOAD && allowance.getAndUpdate(n -> Math.max(0, n - 1)) > 0;
  }

  /** The last thing that went wrong while a broker was up, for the report of a world that hangs. */
  @Nullable String refusal() {
    return refusal;
  }

  void refused(String what) {
    refusal = what;
  }
}
