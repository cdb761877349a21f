package io.ryegrass.bench.mqtt;

/**
 * Counts of nanoseconds in buckets that are at most 1/128 of their value wide. Recording is an
 * addition in an array: no allocation, no locks, one thread.
 */
final class Histogram {
  private static final int BITS = 7;
  private static final int HALF = 1 << BITS;

  private final long[] counts = new long[(64 - BITS) * HALF];
  private long total;
  private long max;

  void record(long nanos) {
    long value = Math.max(0, nanos);
    counts[index(value)]++;
    total++;
    max = Math.max(max, value);
  }

  long total() {
    return total;
  }

  /** The upper end of the bucket that holds the given share of all values, 0 when empty. */
  long quantile(double share) {
    long wanted = Math.max(1, (long) Math.ceil(share * total));
    long seen = 0;
    for (int i = 0; i < counts.length; i++) {
      seen += counts[i];
      if (seen >= wanted) {
        return Math.min(max, upperEnd(i));
      }
    }
    return 0;
  }

  private static int index(long value) {
    int shift = Math.max(0, 63 - Long.numberOfLeadingZeros(value | 1) - BITS);
    return shift * HALF + (int) (value >>> shift);
  }

  private static long upperEnd(int index) {
    if (index < 2 * HALF) {
      return index;
    }
    int shift = index / HALF - 1;
    long base = index - (long) shift * HALF;
    return ((base + 1) << shift) - 1;
  }
}
