package io.ryegrass.eventstream;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * The JSON of one event, made once for all clients that get it. Its bytes are not copied; do not
 * change them.
 */
public final class SharedEvent {
  private final byte[] json;
  private final AtomicInteger queued = new AtomicInteger();

  /**
   * @param json an object of the operation's event union
   */
  public SharedEvent(byte[] json) {
    this.json = json;
  }

  byte[] json() {
    return json;
  }

  /** True for the first queue that holds it: only this one takes memory. */
  boolean enters() {
    return queued.getAndIncrement() == 0;
  }

  /** True for the last queue that lets go of it. */
  boolean leaves() {
    return queued.decrementAndGet() == 0;
  }
}
