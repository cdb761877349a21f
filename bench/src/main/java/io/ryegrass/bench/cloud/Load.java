package io.ryegrass.bench.cloud;

import io.ryegrass.bench.report.BenchFailed;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntPredicate;

/** Some threads, each with a connection of its own, that call as fast as they are answered. */
final class Load {
  /** A thread's call with a number that no other call has. */
  interface Call {
    void run(Api.Caller caller, int number);
  }

  /**
   * @param nanos how long each call took, sorted
   */
  record Outcome(int calls, double seconds, long[] nanos) {
    double perSecond() {
      return calls / seconds;
    }

    double milliseconds(double part) {
      return nanos.length == 0 ? 0 : nanos[(int) ((nanos.length - 1) * part)] / 1e6;
    }
  }

  private Load() {}

  /** For a while. */
  static Outcome during(Api api, int threads, double seconds, Call call) {
    long end = System.nanoTime() + (long) (seconds * 1e9);
    return run(api, threads, number -> System.nanoTime() < end, seconds + 120, call);
  }

  /** Exactly so many calls, numbered from 0. */
  static Outcome times(Api api, int threads, int calls, double mostSeconds, Call call) {
    return run(api, Math.min(threads, calls), number -> number < calls, mostSeconds, call);
  }

  private static Outcome run(
      Api api, int threads, IntPredicate more, double mostSeconds, Call call) {
    AtomicInteger next = new AtomicInteger();
    long start = System.nanoTime();
    List<Future<long[]>> all = new ArrayList<>();
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      for (int i = 0; i < threads; i++) {
        all.add(pool.submit(() -> calls(api, next, more, call)));
      }
      long[] nanos = new long[0];
      for (Future<long[]> one : all) {
        long left = start + (long) (mostSeconds * 1e9) - System.nanoTime();
        long[] more2 = one.get(Math.max(left, 1), TimeUnit.NANOSECONDS);
        nanos = Arrays.copyOf(nanos, nanos.length + more2.length);
        System.arraycopy(more2, 0, nanos, nanos.length - more2.length, more2.length);
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      Arrays.sort(nanos);
      return new Outcome(nanos.length, seconds, nanos);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause
          ? cause
          : new BenchFailed("a call failed", e);
    } catch (TimeoutException e) {
      throw new BenchFailed("the calls did not end within " + mostSeconds + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchFailed("interrupted", e);
    } finally {
      pool.shutdownNow();
    }
  }

  private static long[] calls(Api api, AtomicInteger next, IntPredicate more, Call call) {
    long[] nanos = new long[1024];
    int count = 0;
    try (Api.Caller caller = api.caller()) {
      for (int number = next.getAndIncrement();
          more.test(number);
          number = next.getAndIncrement()) {
        long before = System.nanoTime();
        call.run(caller, number);
        if (count == nanos.length) {
          nanos = Arrays.copyOf(nanos, 2 * count);
        }
        nanos[count++] = System.nanoTime() - before;
      }
    }
    return Arrays.copyOf(nanos, count);
  }
}
