package io.ryegrass.groups;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.groups.BulkSource.UnusableException;
import io.ryegrass.groups.BulkStore.Bulk;
import io.ryegrass.groups.BulkStore.Entry;
import io.ryegrass.groups.BulkStore.Status;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries the bulk deployment that is not at its end, line by line, on a thread of its own (BLK-04
 * to BLK-09). All that it knows is in the table: a process that dies goes on where it was, and no
 * line is deployed twice.
 */
final class BulkRunner implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(BulkRunner.class);

  /** BLK-06. */
  private static final int MOST_RETRIES = 5;

  /** Adaptive: no more are handed over while so many wait to be built. */
  private static final int MOST_WAITING = 20;

  /** The fixed upper limit: at most twenty groups a second. */
  private static final Duration PAUSE = Duration.ofMillis(50);

  private static final Duration IDLE = Duration.ofHours(1);
  private static final Duration AGAIN = Duration.ofSeconds(5);

  /** Deploys one group: the id of its deployment. */
  interface GroupDeployer {
    /**
     * @throws AwsException it cannot be deployed
     */
    String deploy(String groupId, String groupVersion);

    /** After the commit. */
    void wake();
  }

  private final BulkStore store;
  private final DeploymentStore deployments;
  private final BulkSource source;
  private final GroupDeployer deployer;
  private final Semaphore work = new Semaphore(1);
  private volatile boolean closing;
  private @Nullable Thread thread;

  BulkRunner(
      BulkStore store, DeploymentStore deployments, BulkSource source, GroupDeployer deployer) {
    this.store = store;
    this.deployments = deployments;
    this.source = source;
    this.deployer = deployer;
  }

  void start() {
    thread = Thread.ofVirtual().name("bulk-deployments").start(this::run);
  }

  /** There is one to begin or to stop. */
  void wake() {
    work.release();
  }

  private void run() {
    boolean done = false;
    try {
      while (!closing) {
        boolean woken =
            work.tryAcquire(done ? IDLE.toSeconds() : AGAIN.toSeconds(), TimeUnit.SECONDS);
        if (woken || !done) {
          work.drainPermits();
          done = attempt();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean attempt() throws InterruptedException {
    try {
      Optional<Bulk> active = store.active();
      while (!closing && active.isPresent()) {
        step(active.get());
        active = store.active();
      }
      return true;
    } catch (RuntimeException e) {
      if (!closing) {
        log.warn("The bulk deployment waits, tried again in {} s", AGAIN.toSeconds(), e);
      }
      return false;
    }
  }

  private void step(Bulk bulk) throws InterruptedException {
    switch (bulk.status()) {
      case Initializing -> read(bulk);
      case Running -> next(bulk);
      case Stopping -> store.move(bulk.id(), List.of(Status.Stopping), Status.Stopped, null);
      case Completed, Stopped, Failed ->
          throw new IllegalStateException("bulk deployment " + bulk.id() + " is at its end");
    }
  }

  private void read(Bulk bulk) {
    store.clearRecords(bulk.id());
    try (InputStream input = source.open(bulk.roleArn(), bulk.inputUri())) {
      BulkInput.read(input, lines -> store.addRecords(bulk.id(), lines));
      store.move(bulk.id(), List.of(Status.Initializing), Status.Running, null);
    } catch (UnusableException e) {
      fail(bulk, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      fail(bulk, "The input file " + bulk.inputUri() + " cannot be read: " + e.getMessage());
    }
  }

  private void fail(Bulk bulk, String why) {
    log.info("Bulk deployment {} failed: {}", bulk.id(), why);
    store.clearRecords(bulk.id());
    store.move(bulk.id(), List.of(Status.Initializing), Status.Failed, why);
  }

  private void next(Bulk bulk) throws InterruptedException {
    Optional<Entry> pending = store.nextPending(bulk.id());
    if (pending.isEmpty()) {
      store.move(bulk.id(), List.of(Status.Running), Status.Completed, null);
      return;
    }
    if (deployments.building(MOST_WAITING).size() < MOST_WAITING) {
      deploy(bulk, pending.get());
    }
    Thread.sleep(PAUSE);
  }

  private void deploy(Bulk bulk, Entry entry) {
    if (!source.mayDeploy(bulk.roleArn(), entry.groupId())) {
      store.invalid(
          bulk.id(),
          entry.line(),
          "The execution role "
              + bulk.roleArn()
              + " may not greengrass:CreateDeployment on group "
              + entry.groupId()
              + ".");
      return;
    }
    try {
      store.deployed(
          bulk.id(), entry.line(), () -> deployer.deploy(entry.groupId(), entry.groupVersion()));
      deployer.wake();
    } catch (AwsException e) {
      if (e.status() < 500 && e.status() != 429) {
        store.invalid(bulk.id(), entry.line(), String.valueOf(e.getMessage()));
      } else {
        again(bulk, entry, e);
      }
    }
  }

  private void again(Bulk bulk, Entry entry, AwsException e) {
    log.info("Line {} of bulk deployment {} failed for now", entry.line(), bulk.id(), e);
    if (entry.attempts() >= MOST_RETRIES) {
      store.invalid(bulk.id(), entry.line(), String.valueOf(e.getMessage()));
    } else {
      store.retried(bulk.id(), entry.line());
    }
  }

  /** Ends the thread; what is left goes on at the next start. */
  @Override
  public void close() {
    closing = true;
    work.release();
    Thread running = thread;
    if (running != null) {
      try {
        running.join(Duration.ofSeconds(5));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
