package io.ryegrass.mqtt;

import java.time.Duration;

/**
 * How long messages took from their arrival to the moment they were given to a receiver's socket,
 * those left out that waited for an absent client.
 *
 * @param counts of messages by time: number {@code i} took less than {@code 2^i} microseconds and
 *     not less than half of that; the last one has the rest
 */
public record LatencyHistogram(long[] counts) {
  /**
   * The time that this share of the messages did not exceed, as the upper bound of its bucket; zero
   * when there were none.
   *
   * @param share 0 to 1, such as 0.99
   */
  public Duration quantile(double share) {
    long all = 0;
    for (long c : counts) {
      all += c;
    }
    long wanted = (long) Math.ceil(all * share);
    long seen = 0;
    for (int i = 0; i < counts.length && all > 0; i++) {
      seen += counts[i];
      if (seen >= wanted) {
        return Duration.ofNanos((1L << i) * 1_000);
      }
    }
    return Duration.ZERO;
  }
}
