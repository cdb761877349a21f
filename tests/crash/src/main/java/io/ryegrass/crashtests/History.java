package io.ryegrass.crashtests;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** All events of one world in one order. Grows with the world, which is why worlds are short. */
final class History {
  /**
   * @param number from 1 without gaps
   * @param micros since the history began
   */
  record Entry(long number, long micros, Event event) {}

  private final ReentrantLock lock = new ReentrantLock();
  private final List<Entry> entries = new ArrayList<>();
  private final LongSupplier nanoTime;
  private final long begin;
  private long tripAt = Long.MAX_VALUE;
  private @Nullable CompletableFuture<Void> trip;

  History(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.begin = nanoTime.getAsLong();
  }

  void add(Event event) {
    lock.lock();
    try {
      long number = entries.size() + 1L;
      entries.add(new Entry(number, (nanoTime.getAsLong() - begin) / 1000, event));
      if (number >= tripAt && trip != null) {
        trip.complete(null);
        tripAt = Long.MAX_VALUE;
      }
    } finally {
      lock.unlock();
    }
  }

  /** Completes as soon as this many more events have happened. */
  CompletableFuture<Void> after(int events) {
    lock.lock();
    try {
      tripAt = entries.size() + (long) events;
      CompletableFuture<Void> created = new CompletableFuture<>();
      trip = created;
      return created;
    } finally {
      lock.unlock();
    }
  }

  long last() {
    lock.lock();
    try {
      return entries.size();
    } finally {
      lock.unlock();
    }
  }

  List<Entry> entries() {
    return entriesAfter(0);
  }

  List<Entry> entriesAfter(long number) {
    lock.lock();
    try {
      return List.copyOf(entries.subList((int) number, entries.size()));
    } finally {
      lock.unlock();
    }
  }
}
