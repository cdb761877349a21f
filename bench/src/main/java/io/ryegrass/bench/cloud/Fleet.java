package io.ryegrass.bench.cloud;

import io.ryegrass.bench.mqtt.Loop;
import io.ryegrass.bench.report.BenchFailed;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * All simulated cores of one run, on a few threads with a selector each. At most so many connect at
 * once; the others wait their turn, as the kernel's queue of a listener is short.
 */
final class Fleet implements AutoCloseable {
  private static final int THREADS = 2;
  private static final int AT_ONCE = 24;

  /** One local address has some 28,000 ports; each of these serves so many cores. */
  private static final int CORES_PER_ADDRESS = 10_000;

  private static final int OUT_BYTES = 4000;

  private final List<SimulatedCore> cores = new ArrayList<>();
  private final Map<SimulatedCore.Step, AtomicInteger> reached =
      new EnumMap<>(SimulatedCore.Step.class);
  private final AtomicReference<@Nullable String> problem = new AtomicReference<>();
  private final List<Thread> threads = new ArrayList<>();
  private final SSLContext tls;
  private final int port;
  private volatile boolean over;

  Fleet(List<String> things, SSLContext tls, int port) {
    this.tls = tls;
    this.port = port;
    for (SimulatedCore.Step step : SimulatedCore.Step.values()) {
      reached.put(step, new AtomicInteger());
    }
    things.forEach(thing -> cores.add(new SimulatedCore(thing, this::reached)));
  }

  private void reached(SimulatedCore core, SimulatedCore.Step step) {
    count(step).incrementAndGet();
    if (step == SimulatedCore.Step.FAILED) {
      problem.compareAndSet(null, "core " + core.thing() + ": " + core.problem());
    }
  }

  private AtomicInteger count(SimulatedCore.Step step) {
    return Objects.requireNonNull(reached.get(step));
  }

  List<SimulatedCore> cores() {
    return cores;
  }

  /** Connects all of them. */
  void connect() {
    for (int i = 0; i < THREADS; i++) {
      int number = i;
      threads.add(Thread.ofPlatform().name("cores-" + i).start(() -> run(number)));
    }
  }

  /** Waits until all have been there; the first that fails ends it. */
  void await(SimulatedCore.Step step, Duration deadline) {
    long end = System.nanoTime() + deadline.toNanos();
    while (count(step).get() < cores.size()) {
      String why = problem.get();
      if (why != null) {
        throw new BenchFailed(why);
      }
      if (System.nanoTime() > end) {
        throw new BenchFailed(
            count(step).get()
                + " of "
                + cores.size()
                + " cores came to "
                + step
                + " within "
                + deadline.toSeconds()
                + " s; all steps: "
                + reached);
      }
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BenchFailed("interrupted", e);
      }
    }
  }

  private void run(int number) {
    try (Loop loop = new Loop()) {
      List<SimulatedCore> mine = new ArrayList<>();
      for (int i = number; i < cores.size(); i += THREADS) {
        mine.add(cores.get(i));
      }
      int begun = 0;
      int connected = 0;
      while (!over) {
        while (begun < mine.size() && begun - connected < AT_ONCE) {
          open(loop, mine.get(begun), begun++ * THREADS + number);
        }
        loop.serve(20);
        while (connected < begun && past(mine.get(connected))) {
          connected++;
        }
        for (int i = connected; i < begun; i++) {
          if (mine.get(i).step() == SimulatedCore.Step.NEW) {
            open(loop, mine.get(i), i * THREADS + number);
          }
        }
      }
      mine.forEach(SimulatedCore::leave);
    } catch (IOException | RuntimeException e) {
      problem.compareAndSet(null, "the cores cannot connect: " + e);
    }
  }

  private static boolean past(SimulatedCore core) {
    return core.step().compareTo(SimulatedCore.Step.SUBSCRIBED) >= 0;
  }

  private void open(Loop loop, SimulatedCore core, int number) throws IOException {
    core.begin();
    InetSocketAddress to = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    byte[] address = {127, 0, 0, (byte) (2 + number / CORES_PER_ADDRESS)};
    InetSocketAddress from = new InetSocketAddress(InetAddress.getByAddress(address), 0);
    try {
      loop.connect(to, from, DeviceKeys.engine(tls, core.thing(), port), OUT_BYTES, core);
    } catch (IOException e) {
      throw new IOException(
          "core "
              + number
              + " gets no socket from "
              + from.getAddress().getHostAddress()
              + " to "
              + to
              + " ("
              + e.getMessage()
              + "): "
              + Room.advice(cores.size()),
          e);
    }
  }

  @Override
  public void close() {
    over = true;
    try {
      for (Thread thread : threads) {
        thread.join(Duration.ofSeconds(30));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
