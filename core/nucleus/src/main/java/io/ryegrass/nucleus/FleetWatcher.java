package io.ryegrass.nucleus;

import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the fleet reporter of changes (v2-deployments.md section 11): once when all components have
 * settled after the start, then when one is ERRORED or BROKEN and when all have settled outside a
 * deployment. Changes in quick succession make one snapshot.
 */
final class FleetWatcher implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FleetWatcher.class);
  private static final long LAUNCH_SECONDS = 30;

  private final Components components;
  private final BooleanSupplier settled;
  private final BooleanSupplier deploying;
  private final FleetReporter reporter;
  private final ArrayBlockingQueue<ComponentState> changes = new ArrayBlockingQueue<>(1);
  private final Thread thread;
  private volatile boolean urgent;
  private volatile boolean closed;

  FleetWatcher(
      Components components,
      BooleanSupplier settled,
      BooleanSupplier deploying,
      FleetReporter reporter) {
    this.components = components;
    this.settled = settled;
    this.deploying = deploying;
    this.reporter = reporter;
    this.thread = Thread.ofVirtual().name("fleet").unstarted(this::run);
  }

  void start() {
    components.onStateChange(
        s -> {
          if (s.state() == ComponentState.ERRORED || s.state() == ComponentState.BROKEN) {
            urgent = true;
          }
          // Full means that the thread will look soon anyway.
          boolean first = changes.offer(s.state());
          LOG.trace("{} {} {}", s.name(), s.state(), first);
        });
    thread.start();
  }

  private void run() {
    try {
      long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(LAUNCH_SECONDS);
      while (!settled.getAsBoolean() && System.nanoTime() < until) {
        changes.poll(100, TimeUnit.MILLISECONDS);
      }
      tell(FleetSnapshot.Trigger.NUCLEUS_LAUNCH);
      while (!closed) {
        changes.take();
        Thread.sleep(20);
        changes.clear();
        boolean now = urgent;
        urgent = false;
        if (now || (!deploying.getAsBoolean() && settled.getAsBoolean())) {
          tell(FleetSnapshot.Trigger.COMPONENT_STATUS_CHANGE);
        }
      }
    } catch (InterruptedException e) {
      LOG.debug("The fleet is told no more");
    }
  }

  private void tell(FleetSnapshot.Trigger trigger) {
    try {
      reporter.componentsChanged(new FleetSnapshot(components.list(), trigger, null, List.of()));
    } catch (RuntimeException e) {
      LOG.warn("The fleet could not be told ({}): {}", trigger, e.getMessage());
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
  }
}
