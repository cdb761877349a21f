package io.ryegrass.coreapp;

import java.time.Duration;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives back the heap that a load, or the start, has left behind. The serial collector does that
 * only when it collects everything, and it collects everything only when the heap is full: without
 * this, a core that was busy once holds the whole of it for ever
 * (docs/decisions/019-memory-at-rest.md).
 *
 * <p>It looks every few seconds. A collection costs some tens of milliseconds in which nothing else
 * runs, so it is made only while the process has next to nothing to do, only when there is
 * something to gain, and not again soon.
 */
final class IdleMemory implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(IdleMemory.class);
  static final Duration PERIOD = Duration.ofSeconds(4);

  /** Of one processor, while which the process counts as quiet. */
  private static final double QUIET = 0.05;

  private static final long WORTH_BYTES = 2 << 20;
  private static final int PERIODS_BETWEEN = 5;

  /** The heap as the JVM tells it. */
  interface Heap {
    long used();

    long committed();

    void collect();
  }

  private final LongSupplier cpuNanos;
  private final Heap heap;
  private long cpuBefore;
  private long usedAfter;
  private long committedAfter;
  private int periodsSince = PERIODS_BETWEEN;
  private volatile boolean closed;

  IdleMemory(LongSupplier cpuNanos, Heap heap) {
    this.cpuNanos = cpuNanos;
    this.heap = heap;
    this.cpuBefore = cpuNanos.getAsLong();
  }

  /** Begins to look after this process. */
  static IdleMemory start() {
    IdleMemory memory = new IdleMemory(IdleMemory::ownCpu, new OwnHeap());
    Thread.ofVirtual().name("idle-memory").start(memory::run);
    return memory;
  }

  private static long ownCpu() {
    return ProcessHandle.current().info().totalCpuDuration().map(Duration::toNanos).orElse(0L);
  }

  private static final class OwnHeap implements Heap {
    @Override
    public long used() {
      return committed() - Runtime.getRuntime().freeMemory();
    }

    @Override
    public long committed() {
      return Runtime.getRuntime().totalMemory();
    }

    @Override
    public void collect() {
      System.gc();
    }
  }

  private void run() {
    try {
      while (!closed) {
        Thread.sleep(PERIOD);
        look();
      }
    } catch (InterruptedException e) {
      LOG.debug("memory at rest is looked after no more");
    }
  }

  /** Once for each {@link #PERIOD}. */
  void look() {
    long cpu = cpuNanos.getAsLong();
    boolean quiet = cpu - cpuBefore < QUIET * PERIOD.toNanos();
    periodsSince++;
    boolean worth =
        heap.used() - usedAfter > WORTH_BYTES || heap.committed() - committedAfter > WORTH_BYTES;
    if (quiet && worth && periodsSince > PERIODS_BETWEEN && !closed) {
      long before = heap.committed();
      heap.collect();
      usedAfter = heap.used();
      committedAfter = heap.committed();
      periodsSince = 0;
      LOG.debug("heap at rest: {} KB, was {} KB", committedAfter >> 10, before >> 10);
    }
    cpuBefore = cpuNanos.getAsLong(); // the collection itself is no load
  }

  @Override
  public void close() {
    closed = true;
  }
}
