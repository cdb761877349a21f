package io.ryegrass.identity.audit;

import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * Ids that look like CloudTrail's and sort by time: UUIDs of version 7 (RFC 9562) with a counter
 * inside the millisecond, so that the index grows at its end only.
 */
final class EventIds {

  private final SecureRandom random = new SecureRandom();
  private long lastMillis;
  private int counter;

  synchronized String next(long millis) {
    if (millis > lastMillis) {
      lastMillis = millis;
      counter = random.nextInt(0x400);
    } else if (++counter > 0xfff) {
      lastMillis++;
      counter = 0;
    }
    return text(lastMillis, counter, random.nextLong());
  }

  /** The smallest id of a time. */
  static String first(long millis) {
    return text(millis, 0, 0);
  }

  private static String text(long millis, int counter, long tail) {
    HexFormat hex = HexFormat.of();
    String time = hex.toHexDigits(millis, 12);
    String rest = hex.toHexDigits((tail & 0x3fffffffffffffffL) | 0x8000000000000000L);
    return time.substring(0, 8)
        + '-'
        + time.substring(8)
        + "-7"
        + hex.toHexDigits(counter, 3)
        + '-'
        + rest.substring(0, 4)
        + '-'
        + rest.substring(4);
  }
}
