package io.ryegrass.shadows;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * How many requests a second are served, in all and for each thing (SHM-06). A bucket holds the
 * requests of one second, so a burst of that many passes at once.
 */
final class RequestRates {
  /** Things remembered; one that was forgotten begins with a full bucket. */
  private static final int THINGS = 1024;

  private static final double SECOND = 1e9;

  private static final class Bucket {
    double tokens;
    long at;
  }

  private final LongSupplier nanos;
  private final ReentrantLock lock = new ReentrantLock();
  private final Bucket all = new Bucket();
  private final LinkedHashMap<String, Bucket> things =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
          return size() > THINGS;
        }
      };
  private int total;
  private int perThing;

  RequestRates(LongSupplier nanos, int total, int perThing) {
    this.nanos = nanos;
    set(total, perThing);
    all.tokens = total;
    all.at = nanos.getAsLong();
  }

  void set(int total, int perThing) {
    lock.lock();
    try {
      this.total = total;
      this.perThing = perThing;
    } finally {
      lock.unlock();
    }
  }

  /** Whether one more request for this thing may pass now. */
  boolean pass(String thing) {
    lock.lock();
    try {
      long now = nanos.getAsLong();
      Bucket own =
          things.computeIfAbsent(
              thing,
              t -> {
                Bucket full = new Bucket();
                full.tokens = perThing;
                full.at = now;
                return full;
              });
      fill(all, total, now);
      fill(own, perThing, now);
      if (all.tokens < 1 || own.tokens < 1) {
        return false;
      }
      all.tokens--;
      own.tokens--;
      return true;
    } finally {
      lock.unlock();
    }
  }

  private static void fill(Bucket bucket, int rate, long now) {
    bucket.tokens = Math.min(rate, bucket.tokens + rate * ((now - bucket.at) / SECOND));
    bucket.at = now;
  }
}
