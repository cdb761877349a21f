package io.ryegrass.bench.lambda;

import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Memory;
import io.ryegrass.bench.report.Report;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/** Warm calls: how long one takes at a quiet rate, and how many one worker does. */
final class CallCases {
  private static final int RATE = 200;
  private static final int CALLERS = 8;
  private static final int WARM = 2000;

  private final Report report;
  private final Options options;
  private final FunctionCore core;
  private final Map<String, Double> medians = new HashMap<>();

  CallCases(Report report, Options options, FunctionCore core) {
    this.report = report;
    this.options = options;
    this.core = core;
  }

  /** JSON of 1 KB. */
  static byte[] payload() {
    StringBuilder text = new StringBuilder("{\"sensor\":\"line-7/press-3\",\"values\":[");
    for (int i = 0; text.length() < 1000; i++) {
      text.append(i == 0 ? "" : ",").append(20 + i * 0.5);
    }
    return Function.text(text.append("],\"unit\":\"C\"}").toString());
  }

  void call(List<Runtimes.Entry> runtimes) {
    for (Runtimes.Entry entry : runtimes) {
      if (!options.wants("call") && !options.wants(entry.name())) {
        continue;
      }
      if (entry.function().isEmpty()) {
        report.remark("call_" + entry.name() + " MISSING: " + entry.missing());
        continue;
      }
      try {
        call(entry, entry.function().get());
      } catch (BenchFailed e) {
        report.remark("call_" + entry.name() + " MISSING: " + e.getMessage());
      }
    }
  }

  private void call(Runtimes.Entry entry, Function f) {
    core.deploy(List.of(f.with("maxInstancesCount", 1)));
    byte[] payload = payload();
    try (DoorClient client = core.client()) {
      long[] took =
          atQuietRate(
              options.seconds(),
              () -> {
                byte[] unused = client.call(f.arn(), payload);
              });
      int calls = took.length;
      String name = "call_" + entry.name();
      if (entry.peerOf().isPresent()) {
        Arrays.sort(took);
        report.figure(name + "_p50", took[calls / 2] / 1e6, "ms");
        report.figure(name + "_p99", took[calls * 99 / 100] / 1e6, "ms");
      } else {
        report.percentiles(name, took, Goal.atMost(0.5), Goal.atMost(3));
        Arrays.sort(took);
      }
      medians.put(entry.name(), took[calls / 2] / 1e6);
      entry
          .peerOf()
          .map(medians::get)
          .ifPresent(
              ours ->
                  report.figure(name + "_p50_over_ours", took[calls / 2] / 1e6 / ours, "times"));
      cpu(name, client, f, payload);
    }
  }

  /**
   * Calls until all is warm, then {@value #RATE} a second.
   *
   * @return how long each of the latter took, in nanoseconds
   */
  static long[] atQuietRate(double seconds, Runnable call) {
    for (int i = 0; i < WARM; i++) {
      call.run();
    }
    long[] took = new long[(int) (seconds * RATE)];
    long next = System.nanoTime();
    for (int i = 0; i < took.length; i++) {
      for (long rest = next - System.nanoTime(); rest > 0; rest = next - System.nanoTime()) {
        LockSupport.parkNanos(rest);
      }
      long begun = System.nanoTime();
      call.run();
      took[i] = System.nanoTime() - begun;
      next += 1_000_000_000L / RATE;
    }
    return took;
  }

  /**
   * What one call costs, which other programs on the machine disturb less than how long it takes.
   */
  private void cpu(String name, DoorClient client, Function f, byte[] payload) {
    double core = Memory.cpuSeconds(this.core.program().pid());
    long begun = System.nanoTime();
    int calls = 0;
    for (; System.nanoTime() - begun < options.seconds() * 5e8 || calls < 500; calls++) {
      byte[] unused = client.call(f.arn(), payload);
    }
    report.figure(
        name + "_core_cpu",
        (Memory.cpuSeconds(this.core.program().pid()) - core) * 1e6 / calls,
        "us");
    report.figure(name + "_one_after_the_other", calls * 1e9 / (System.nanoTime() - begun), "/s");
  }

  /** One Python worker: work that waits in its queue, and calls of several callers. */
  void throughput(Function python) {
    Function f = python.withName("bench-throughput").with("maxInstancesCount", 1);
    core.deploy(List.of(f));
    byte[] payload = payload();
    try (DoorClient client = core.client()) {
      for (int i = 0; i < WARM; i++) {
        byte[] unused = client.call(f.arn(), payload);
      }
      double before = Memory.cpuSeconds(core.program().pid());
      long begun = System.nanoTime();
      long done = 0;
      while (System.nanoTime() - begun < options.seconds() * 1e9) {
        if (client.post(f.arn(), payload, "Event") == 200) {
          done++;
        } else {
          LockSupport.parkNanos(2_000_000); // its queue is full: that is what is wanted
        }
      }
      byte[] unused = retried(client, f, payload);
      double seconds = (System.nanoTime() - begun) / 1e9;
      report.figure("throughput_python_events", done / seconds, "/s", Goal.atLeast(5000));
      report.figure(
          "throughput_python_events_core_cpu",
          (Memory.cpuSeconds(core.program().pid()) - before) * 1e6 / done,
          "us");
    }
    LongAdder calls = new LongAdder();
    long end = System.nanoTime() + (long) (options.seconds() * 1e9);
    List<CompletableFuture<Void>> callers =
        IntStream.range(0, CALLERS)
            .mapToObj(
                i ->
                    CompletableFuture.runAsync(
                        () -> {
                          try (DoorClient client = core.client()) {
                            while (System.nanoTime() < end) {
                              byte[] unused = client.call(f.arn(), payload);
                              calls.increment();
                            }
                          }
                        },
                        task -> Thread.ofPlatform().daemon().start(task)))
            .toList();
    callers.forEach(CompletableFuture::join);
    report.figure("throughput_python_calls", calls.sum() / options.seconds(), "/s");
  }

  /** The last one in the queue: when it is answered, all before it are done. */
  private static byte[] retried(DoorClient client, Function f, byte[] payload) {
    while (true) {
      try {
        return client.call(f.arn(), payload);
      } catch (BenchFailed e) {
        if (!String.valueOf(e.getMessage()).contains("429")) {
          throw e;
        }
        LockSupport.parkNanos(1_000_000);
      }
    }
  }
}
