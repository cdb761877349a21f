package io.ryegrass.nucleus.deploy;

import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.DeploymentEngine;
import io.ryegrass.nucleus.DeploymentRecord;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.DeploymentStatus;
import io.ryegrass.nucleus.LocalDeployment;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.NucleusSettings;
import io.ryegrass.nucleus.UpdateConsent;
import io.ryegrass.nucleus.config.GenerationStore;
import io.ryegrass.nucleus.deploy.DeploymentTable.Event;
import io.ryegrass.nucleus.deploy.DeploymentTable.State;
import io.ryegrass.nucleus.host.PosixUsers;
import io.ryegrass.nucleus.lifecycle.ComponentSet;
import io.ryegrass.nucleus.store.Backoff;
import io.ryegrass.nucleus.store.ComponentStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
  private static final int START_ATTEMPTS = 3;
  private static final Duration LEAVE = Duration.ofSeconds(30);

  private final Clock clock;
  private final DeploymentWork work;
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

  /** What became of one state's work. */
  private record Outcome(Event event, Progress progress) {}

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
      FaultPoint fault) {}

  public Engine(Parts p) {
    this.clock = p.settings().clock();
    this.generations = p.generations();
    this.fault = p.fault();
    this.outbox = new StatusOutbox(p.cloud().reporter(), p.backoff());
    Planner planner =
        new Planner(p.config(), p.store(), p.cloud(), p.users(), p.ownUid(), p.backoff(), clock);
    this.work =
        new DeploymentWork(
            p.settings(),
            p.config(),
            p.generations(),
            p.store(),
            p.components(),
            planner,
            p.cloud().fleet(),
            p.fault());
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
    for (Progress p : records.all()) {
      if (p.state().isFinal() || !p.begun()) {
        continue;
      }
      boolean switched = p.next() >= 0 && generations.base().number() == p.next();
      Event event = switched ? Event.RESTARTED_SWITCHED : Event.RESTARTED;
      Progress next = p;
      if (p.state() == State.APPLIED && switched) {
        next = p.attempted();
        if (next.attempts() >= START_ATTEMPTS) {
          next =
              next.failed(
                  "The core was started "
                      + START_ATTEMPTS
                      + " times without the new components becoming healthy.",
                  List.of("DEPLOYMENT_FAILURE", "DEPLOYMENT_INTERRUPTED"),
                  List.of());
          event = keep(p, Event.FAILURE);
        }
      }
      State state = DeploymentTable.next(p.state(), event);
      if (state == State.RECEIVED) {
        next = next.between(-1, -1);
      }
      if (state.isFinal()) {
        next = next.detailed(detailed(p.state(), event, state, next));
      }
      LOG.info(
          "Deployment {} was interrupted in {} and goes on in {}",
          p.request().id(),
          p.state(),
          state);
      next = next.in(state, clock.instant());
      save(next);
      if (state == State.ROLLING_BACK && next.previous() >= 0) {
        work.switchBack(next);
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
    enqueue(r, null, null);
  }

  @Override
  public void submit(LocalDeployment d) {
    enqueue(
        new DeploymentRequest(
            DeploymentRequest.LOCAL,
            d.requestId(),
            Planner.localDocument(d, generations.snapshot().generation())),
        d.recipes(),
        d.artifacts());
  }

  private void enqueue(DeploymentRequest r, @Nullable Path recipes, @Nullable Path artifacts) {
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
      if (r.origin().equals(DeploymentRequest.SHADOW)) {
        supersedeShadow(r);
      }
      long waiting = records.all().stream().filter(p -> !p.state().isFinal()).count();
      if (waiting >= QUEUE) {
        throw new NucleusException(
            "QUEUE_FULL", QUEUE + " deployments wait already; try again when some are done.");
      }
      save(Progress.of(records.nextSequence(), r, recipes, artifacts, clock.instant()));
      LOG.info("Deployment {} received ({})", r.id(), r.origin());
      arrived.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * A newer revision for this thing replaces the queued one and ends the running one
   * (v2-deployments.md section 4).
   */
  private void supersedeShadow(DeploymentRequest newer) {
    for (Progress p : records.all()) {
      if (p.state().isFinal() || !p.request().origin().equals(DeploymentRequest.SHADOW)) {
        continue;
      }
      LOG.info("Deployment {} is superseded by {}", p.request().id(), newer.id());
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
    Progress done = p.in(state, clock.instant()).detailed(detailed);
    save(done);
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
        while (!closed && waiting() == null) {
          arrived.await();
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
        lead(p);
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

  private void lead(Progress first) throws InterruptedException {
    Progress p = first;
    if (!p.begun()) {
      p = p.begins();
      save(p);
      report(p);
    }
    while (!p.state().isFinal()) {
      Outcome o = perform(p);
      State next = DeploymentTable.next(p.state(), o.event());
      if (next == p.state()) {
        continue;
      }
      Progress moved = o.progress().in(next, clock.instant());
      if (next.isFinal()) {
        moved = moved.detailed(detailed(p.state(), o.event(), next, moved));
      }
      if (moved.cause() != null && p.cause() == null) {
        LOG.warn("Deployment {} failed in {}: {}", p.request().id(), p.state(), moved.cause());
      }
      p = moved;
      if (next.isFinal()) {
        work.ended(p);
      }
      save(p);
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
  }

  private static String detailed(State from, Event event, State to, Progress p) {
    return switch (to) {
      case SUCCEEDED -> "SUCCESSFUL";
      case REJECTED -> "REJECTED";
      case CANCELED ->
          from == State.APPLIED ? "FAILED_ROLLBACK_NOT_REQUESTED" : "FAILED_NO_STATE_CHANGE";
      case FAILED ->
          switch (from) {
            case APPLIED -> "FAILED_ROLLBACK_NOT_REQUESTED";
            case ROLLING_BACK ->
                p.previous() < 0
                    ? "FAILED_NO_STATE_CHANGE"
                    : event == Event.DONE
                        ? "FAILED_ROLLBACK_COMPLETE"
                        : "FAILED_UNABLE_TO_ROLLBACK";
            default -> "FAILED_NO_STATE_CHANGE";
          };
      default -> "";
    };
  }

  private Outcome perform(Progress p) throws InterruptedException {
    CompletableFuture<Outcome> done = new CompletableFuture<>();
    Thread worker =
        Thread.ofVirtual()
            .name("deployment-" + p.state())
            .start(
                () -> {
                  try {
                    done.complete(new Outcome(Event.DONE, work.perform(p, this::save)));
                  } catch (DeploymentWork.Refused e) {
                    done.complete(
                        new Outcome(
                            Event.REFUSED,
                            p.failed(
                                e.getMessage(),
                                List.of("DEPLOYMENT_REJECTED", "REJECTED_STALE_DEPLOYMENT"),
                                List.of())));
                  } catch (InterruptedException e) {
                    done.complete(new Outcome(Event.CANCEL, p));
                  } catch (RuntimeException e) {
                    done.complete(new Outcome(keep(p, Event.FAILURE), work.failed(latest(p), e)));
                  } catch (Error e) {
                    done.completeExceptionally(e);
                    throw e;
                  }
                });
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
    Duration limit = work.deadline(p);
    try {
      CompletableFuture.anyOf(done, stop).get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      leave(worker);
      LOG.warn("Deployment {} passed the deadline of {}", p.request().id(), p.state());
      return new Outcome(
          keep(p, Event.DEADLINE),
          latest(p)
              .failed(
                  "The deployment did not get beyond "
                      + p.state()
                      + " within "
                      + limit.toMinutes()
                      + " minutes.",
                  List.of("DEPLOYMENT_FAILURE", "DEPLOYMENT_INTERRUPTED"),
                  List.of()));
    } catch (ExecutionException e) {
      leave(worker);
      throw new IllegalStateException("The work of " + p.state() + " broke.", e.getCause());
    } catch (InterruptedException e) {
      leave(worker);
      throw e;
    }
    if (done.isDone()) {
      return done.join();
    }
    leave(worker);
    return new Outcome(stop.join(), latest(p).failed(null, List.of(), List.of()));
  }

  private Progress latest(Progress p) {
    lock.lock();
    try {
      return records.latest(p);
    } finally {
      lock.unlock();
    }
  }

  private static Event keep(Progress p, Event event) {
    boolean keeps =
        p.request().document().failureHandlingPolicy()
            == io.ryegrass.model.FailureHandlingPolicy.DO_NOTHING;
    if (!keeps) {
      return event;
    }
    return event == Event.FAILURE ? Event.FAILURE_KEEP : Event.DEADLINE_KEEP;
  }

  private static void leave(Thread worker) {
    worker.interrupt();
    try {
      if (!worker.join(LEAVE)) {
        LOG.error("{} does not end; going on without it", worker.getName());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
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

  private void report(Progress p) {
    DeploymentStatus status = p.toStatus();
    outbox.send(
        status,
        () -> {
          if (p.state().isFinal()) {
            lock.lock();
            try {
              if (!closed) {
                records.save(records.latest(p).delivered());
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
      leave(t);
    }
  }
}
