package io.ryegrass.mqtt;

import java.util.concurrent.TimeUnit;

/**
 * A bucket that fills with one second's worth of messages and bytes. What was read is never
 * refused: taking more than there is makes a debt, and reading stops until it is paid.
 */
final class RateLimit {
  private static final double SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final long MINUTE = TimeUnit.MINUTES.toNanos(1);

  private final double messagesPerNano;
  private final double bytesPerNano;
  private final double mostMessages;
  private final double mostBytes;
  private double messages;
  private double bytes;
  private long filledAt = System.nanoTime();
  private long toldAt = filledAt - MINUTE;

  /** 0: no limit. */
  RateLimit(int messagesPerSecond, long bytesPerSecond) {
    this.messagesPerNano = messagesPerSecond / SECOND;
    this.bytesPerNano = bytesPerSecond / SECOND;
    this.mostMessages = messagesPerSecond;
    this.mostBytes = bytesPerSecond;
    this.messages = messagesPerSecond;
    this.bytes = bytesPerSecond;
  }

  /** Takes one message; gives the nanoseconds to wait before the next may be read, 0 for none. */
  long take(int size, long now) {
    fill(now);
    messages -= 1;
    bytes -= size;
    return debt();
  }

  /** The nanoseconds to wait now until what was taken is paid; 0 for none. */
  long left(long now) {
    fill(now);
    return debt();
  }

  private void fill(long now) {
    long passed = Math.max(0, now - filledAt);
    filledAt = Math.max(filledAt, now);
    messages = Math.min(mostMessages, messages + passed * messagesPerNano);
    bytes = Math.min(mostBytes, bytes + passed * bytesPerNano);
  }

  private long debt() {
    double wait = 0;
    if (messagesPerNano > 0) {
      wait = Math.max(wait, -messages / messagesPerNano);
    }
    if (bytesPerNano > 0) {
      wait = Math.max(wait, -bytes / bytesPerNano);
    }
    return (long) Math.ceil(wait);
  }

  /** True at most once a minute. */
  boolean firstOfMinute(long now) {
    if (now - toldAt < MINUTE) {
      return false;
    }
    toldAt = now;
    return true;
  }
}
