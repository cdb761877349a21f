package io.ryegrass.nucleus.deploy;

import io.ryegrass.nucleus.DeploymentReporter;
import io.ryegrass.nucleus.DeploymentStatus;
import io.ryegrass.nucleus.store.Backoff;
import java.util.concurrent.LinkedBlockingDeque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Delivers deployment statuses in order, trying again as long as the reporter throws. Final
 * statuses stay marked as undelivered on disk until they are delivered; statuses of work in
 * progress are dropped first when the queue is full.
 */
final class StatusOutbox implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StatusOutbox.class);
  private static final int QUEUE = 256;

  private record Item(DeploymentStatus status, Runnable delivered) {}

  private final DeploymentReporter reporter;
  private final Backoff backoff;
  private final LinkedBlockingDeque<Item> queue = new LinkedBlockingDeque<>(QUEUE);
  private final Thread thread;
  private volatile boolean closed;

  StatusOutbox(DeploymentReporter reporter, Backoff backoff) {
    this.reporter = reporter;
    this.backoff = backoff;
    this.thread = Thread.ofVirtual().name("deployment-status").unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  void send(DeploymentStatus status, Runnable delivered) {
    if (!queue.offer(new Item(status, delivered))) {
      LOG.warn(
          "Too many statuses wait for delivery; {} of {} waits for the next start",
          status.status(),
          status.id());
    }
  }

  private void run() {
    try {
      while (!closed) {
        Item item = queue.take();
        for (int attempt = 0; !closed; attempt++) {
          try {
            reporter.report(item.status());
            item.delivered().run();
            break;
          } catch (RuntimeException e) {
            if (Integer.bitCount(attempt) <= 1) {
              LOG.info(
                  "The status {} of {} is not delivered yet: {}",
                  item.status().status(),
                  item.status().id(),
                  e.getMessage());
            }
            backoff.pause(attempt);
          }
        }
      }
    } catch (InterruptedException e) {
      LOG.debug("Delivery of statuses ends");
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
  }
}
