package io.ryegrass.nucleus.deploy;

import io.ryegrass.durable.DurableException;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.DeploymentEngine;
import io.ryegrass.nucleus.DeploymentRecord;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.DeploymentStatus;
import io.ryegrass.nucleus.LocalDeployment;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.NucleusSettings;
import io.ryegrass.nucleus.RestartPort;
import io.ryegrass.nucleus.UpdateConsent;
import io.ryegrass.nucleus.config.GenerationStore;
import io.ryegrass.nucleus.deploy.DeploymentTable.Event;
import io.ryegrass.nucleus.deploy.DeploymentTable.State;
import io.ryegrass.nucleus.host.PosixUsers;
import io.ryegrass.nucleus.lifecycle.ComponentSet;
import io.ryegrass.nucleus.store.Backoff;
import io.ryegrass.nucleus.store.ComponentStore;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The deployment engine: a queue, one virtual thread that leads one deployment after the other
 * through {@link DeploymentTable}, and the records on disk. The work of each state is done by
 * {@link DeploymentWork} on a thread of its own, which the engine leaves behind when the state's
 * deadline passes or the deployment is cancelled: no deployment can hang the queue (LESSON-01).
 */
public final class Engine implements DeploymentEngine, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);
  private static final int QUEUE = 100;
  private static final int KEPT = 20;

  /** Between two attempts to write what the disk did not take. */
  private static final Duration AGAIN = Duration.ofSeconds(2);

  private final Clock clock;
  private final DeploymentWork work;
  private final Activation activation;
  private final GenerationStore generations;
  private final StatusOutbox outbox;
  private final FaultPoint fault;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();
  private final Ledger records;
  private @Nullable Long running;
  private @Nullable CompletableFuture<Event> interruption;
  private @Nullable Thread thread;
  private boolean closed;

  /** What the engine works with. */
  public record Parts(
      NucleusSettings settings,
      ConfigTree config,
      GenerationStore generations,
      ComponentStore store,
      ComponentSet components,
      CloudPorts cloud,
      PosixUsers users,
      int ownUid,
      Backoff backoff,
      FaultPoint fault,
      RestartPort restarts) {}

  public Engine(Parts p) {
    this.clock = p.settings().clock();
    this.generations = p.generations();
    this.fault = p.fault();
    this.outbox = new StatusOutbox(p.cloud().reporter(), p.backoff());
    Planner planner =
        new Planner(p.config(), p.store(), p.cloud(), p.users(), p.ownUid(), p.backoff(), clock);
    this.activation = new Activation(p);
    this.work = new DeploymentWork(p, planner, activation);
    this.records = new Ledger(p.settings().root().resolve("deployments"));
  }

  /** Whether a deployment is being carried out. */
  public boolean busy() {
    lock.lock();
    try {
      return running != null;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Settles what the last run left in the middle. Called before the components start: a deployment
   * that was being rolled back is switched back here, so that the broken generation is not started
   * once more.
   */
  public void recover() {
    Recovery recovery = new Recovery(generations, clock);
    for (Progress p : records.all()) {
      if (p.state().isFinal() || !p.begun()) {
        continue;
      }
      Progress next = recovery.afterRestart(p, activation.newNucleusFailed());
      if (next.state() == State.STAGED) {
        work.setAside(p);
      } else if (!recovery.isCurrent(p)) {
        work.putBack(p);
      }
      LOG.info(
          "Deployment {} was interrupted in {} and goes on in {}",
          p.request().id(),
          p.state(),
          next.state());
      keep(next);
      if (next.state() == State.ROLLING_BACK) {
        activation.switchBack(next);
        work.putBack(next);
      }
    }
  }

  /** Begins to work: undelivered statuses first, then the queue. */
  public void start() {
    outbox.start();
    lock.lock();
    try {
      for (Progress p : records.all()) {
        if (p.state().isFinal() && !p.reported()) {
          report(p);
        }
      }
      thread = Thread.ofVirtual().name("deployments").start(this::run);
    } finally {
      lock.unlock();
    }
  }

  // ---- requests

  @Override
  public void submit(DeploymentRequest r) {
    enqueue(r, null);
  }

  @Override
  public void submit(LocalDeployment d) {
    enqueue(
        new DeploymentRequest(
            DeploymentRequest.LOCAL,
            d.requestId(),
            LocalForm.document(d, generations.snapshot().generation())),
        d);
  }

  private void enqueue(DeploymentRequest r, @Nullable LocalDeployment local) {
    lock.lock();
    try {
      Optional<Progress> known =
          records.all().stream()
              .filter(p -> p.is(r.origin(), r.id()))
              .max(Comparator.comparingLong(Progress::sequence));
      if (known.isPresent()) {
        LOG.info("Deployment {} is known already ({})", r.id(), known.get().status());
        if (known.get().begun()) {
          report(known.get());
        }
        return;
      }
      supersede(r);
      long waiting = records.all().stream().filter(p -> !p.state().isFinal()).count();
      if (waiting >= QUEUE) {
        throw new NucleusException(
            "QUEUE_FULL", QUEUE + " deployments wait already; try again when some are done.");
      }
      save(Progress.of(records.nextSequence(), r, local, clock.instant()));
      LOG.info("Deployment {} received ({})", r.id(), r.origin());
      arrived.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * A newer revision replaces those of the same target that wait, and ends the running one
   * (v2-deployments.md section 4): for this thing always; for a thing group when it is the newer
   * one, since what it asks for is all that the group asks for (DPL-04, LESSON-01).
   */
  private void supersede(DeploymentRequest newer) {
    boolean shadow = newer.origin().equals(DeploymentRequest.SHADOW);
    boolean job = newer.origin().equals(DeploymentRequest.IOT_JOBS);
    for (Progress p : records.all()) {
      DeploymentRequest old = p.request();
      boolean sameTarget =
          old.origin().equals(newer.origin())
              && (shadow
                  || job
                      && old.document().groupKey().equals(newer.document().groupKey())
                      && old.document().creationTimestamp() < newer.document().creationTimestamp());
      if (p.state().isFinal() || !sameTarget) {
        continue;
      }
      LOG.info("Deployment {} is superseded by {}", old.id(), newer.id());
      if (running != null && running == p.sequence()) {
        interrupt(Event.SUPERSEDED);
      } else {
        finish(p, State.CANCELED, "FAILED_NO_STATE_CHANGE");
      }
    }
  }

  @Override
  public void cancel(String origin, String id) {
    lock.lock();
    try {
      for (Progress p : records.all()) {
        if (p.is(origin, id) && !p.state().isFinal()) {
          LOG.info("Deployment {} is to be cancelled", id);
          if (running != null && running == p.sequence()) {
            interrupt(Event.CANCEL);
          } else {
            finish(p, State.CANCELED, "FAILED_NO_STATE_CHANGE");
          }
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private void interrupt(Event event) {
    CompletableFuture<Event> i = interruption;
    if (i != null) {
      i.complete(event);
    }
  }

  private void finish(Progress p, State state, String detailed) {
    Progress done = p.in(state, clock.instant()).detailed(detailed).withoutComponents();
    keep(done);
    report(done);
  }

  @Override
  public List<DeploymentRecord> recent() {
    lock.lock();
    try {
      List<DeploymentRecord> all = new ArrayList<>();
      records.all().forEach(p -> all.addFirst(p.toRecord()));
      return all;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void consult(UpdateConsent consent) {
    work.consult(consent);
  }

  // ---- the engine's thread

  private void run() {
    while (true) {
      Progress p;
      lock.lock();
      try {
        records.retry();
        while (!closed && waiting() == null) {
          if (records.owes()) {
            boolean unused = arrived.await(AGAIN.toMillis(), TimeUnit.MILLISECONDS);
            records.retry();
          } else {
            arrived.await();
          }
        }
        Progress next = waiting();
        if (closed || next == null) {
          return;
        }
        p = next;
        running = p.sequence();
        interruption = new CompletableFuture<>();
      } catch (InterruptedException e) {
        return;
      } finally {
        lock.unlock();
      }
      try {
        if (!lead(p)) {
          LOG.info("Deployment {} goes on when the core has been started again", p.request().id());
          return;
        }
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        LOG.error("Deployment {} met something unexpected", p.request().id(), e);
        lock.lock();
        try {
          Progress last = records.latest(p);
          finish(
              last.failed(
                  "The deployment engine failed: " + e + ".",
                  List.of("DEPLOYMENT_FAILURE"),
                  List.of("NUCLEUS_ERROR")),
              State.FAILED,
              "FAILED_UNABLE_TO_ROLLBACK");
        } finally {
          lock.unlock();
        }
      } finally {
        lock.lock();
        running = null;
        interruption = null;
        lock.unlock();
      }
    }
  }

  private @Nullable Progress waiting() {
    for (Progress p : records.all()) {
      if (!p.state().isFinal()) {
        return p;
      }
    }
    return null;
  }

  /** False when it goes on after a restart of the process. */
  private boolean lead(Progress first) throws InterruptedException {
    Progress p = first;
    DurableException unsaved = null;
    if (!p.begun()) {
      p = p.begins();
      unsaved = keep(p);
      report(p);
    }
    while (!p.state().isFinal()) {
      Outcome o =
          unsaved != null && p.state().goesForward()
              ? new Outcome(StepRun.kept(p, Event.FAILURE), work.failed(p, unsaved))
              : perform(p);
      if (o.event() == Event.RESTART) {
        return false;
      }
      State next = DeploymentTable.next(p.state(), o.event());
      if (next == p.state()) {
        continue;
      }
      Progress moved = o.progress().in(next, clock.instant());
      if (next.isFinal()) {
        moved = moved.detailed(Recovery.detailed(p.state(), o.event(), next, moved));
      }
      if (moved.cause() != null && p.cause() == null) {
        LOG.warn("Deployment {} failed in {}: {}", p.request().id(), p.state(), moved.cause());
      }
      p = moved;
      if (next.isFinal()) {
        end(p);
        p = p.withoutComponents();
      }
      unsaved = keep(p);
      LOG.info("Deployment {} {}", p.request().id(), next);
    }
    report(p);
    work.forget();
    lock.lock();
    try {
      records.prune(KEPT);
    } finally {
      lock.unlock();
    }
    return true;
  }

  /** What is tidied up at the end may fail; the end stands. */
  private void end(Progress p) {
    try {
      work.ended(p);
    } catch (DurableException | NucleusException e) {
      LOG.error("After deployment {}: {}", p.request().id(), e.getMessage());
    }
  }

  private Outcome perform(Progress p) throws InterruptedException {
    CompletableFuture<Event> stop = new CompletableFuture<>();
    lock.lock();
    try {
      if (interruption != null) {
        // Only where the table has an answer to it; elsewhere it is too late to stop.
        interruption.thenAccept(
            e -> {
              if (DeploymentTable.next(p.state(), e) != p.state()) {
                stop.complete(e);
              }
            });
      }
    } finally {
      lock.unlock();
    }
    return new StepRun(p, work, this::save, this::latest, this::makeRoom).run(stop);
  }

  private boolean makeRoom() {
    lock.lock();
    try {
      return records.makeRoom();
    } finally {
      lock.unlock();
    }
  }

  private Progress latest(Progress p) {
    lock.lock();
    try {
      return records.latest(p);
    } finally {
      lock.unlock();
    }
  }

  // ---- records

  private void save(Progress p) {
    lock.lock();
    try {
      records.save(p);
    } finally {
      lock.unlock();
    }
    fault.passed("state:" + p.state());
  }

  /** As {@link #save}, but what the disk does not take stays in memory and is tried again. */
  private @Nullable DurableException keep(Progress p) {
    DurableException unsaved;
    lock.lock();
    try {
      unsaved = records.keep(p);
    } finally {
      lock.unlock();
    }
    fault.passed("state:" + p.state());
    return unsaved;
  }

  private void report(Progress p) {
    DeploymentStatus status = p.toStatus();
    outbox.send(
        status,
        () -> {
          if (p.state().isFinal()) {
            lock.lock();
            try {
              if (!closed) {
                records.keep(records.latest(p).delivered());
              }
            } finally {
              lock.unlock();
            }
          }
        });
  }

  /** Stops working; the deployment in work goes on at the next start. */
  @Override
  public void close() {
    Thread t;
    lock.lock();
    try {
      closed = true;
      arrived.signalAll();
      t = thread;
    } finally {
      lock.unlock();
    }
    outbox.close();
    if (t != null) {
      StepRun.leave(t);
    }
  }
}
