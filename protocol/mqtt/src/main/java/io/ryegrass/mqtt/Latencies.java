package io.ryegrass.mqtt;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * A histogram of the time from a message's arrival to the moment it is given to a receiver's
 * socket. Bucket {@code i} counts times of less than {@code 2^i} microseconds (and not less than
 * half of that); the last one has the rest. Written by one event loop, read by anybody.
 */
final class Latencies {
  static final int BUCKETS = 26;

  private final AtomicLongArray counts = new AtomicLongArray(BUCKETS);

  void record(long nanos, int times) {
    long micros = Math.max(0, nanos) / 1_000;
    int bucket = Math.min(BUCKETS - 1, 64 - Long.numberOfLeadingZeros(micros));
    counts.lazySet(bucket, counts.get(bucket) + times);
  }

  void addTo(long[] sums) {
    for (int i = 0; i < BUCKETS; i++) {
      sums[i] += counts.get(i);
    }
  }
}
