package io.ryegrass.nucleus.deploy;

import io.ryegrass.durable.DurableException;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.nucleus.deploy.DeploymentTable.Event;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The work of one state, on a thread of its own that is left behind when the deadline passes or the
 * deployment is stopped: no work can hang the queue (LESSON-01).
 */
final class StepRun {
  private static final Logger LOG = LoggerFactory.getLogger(StepRun.class);
  private static final Duration LEAVE = Duration.ofSeconds(30);

  private final Progress progress;
  private final DeploymentWork work;
  private final Consumer<Progress> save;
  private final UnaryOperator<Progress> latest;
  private final BooleanSupplier makeRoom;

  /**
   * @param latest the newest progress that was saved for a deployment
   * @param makeRoom gives up room on the disk that was kept for this; false when there is none
   */
  StepRun(
      Progress progress,
      DeploymentWork work,
      Consumer<Progress> save,
      UnaryOperator<Progress> latest,
      BooleanSupplier makeRoom) {
    this.progress = progress;
    this.work = work;
    this.save = save;
    this.latest = latest;
    this.makeRoom = makeRoom;
  }

  /**
   * Runs it to its end.
   *
   * @param stop completed with the event that stops it
   */
  Outcome run(CompletableFuture<Event> stop) throws InterruptedException {
    CompletableFuture<Outcome> done = new CompletableFuture<>();
    Thread worker =
        Thread.ofVirtual()
            .name("deployment-" + progress.state())
            .start(
                () -> {
                  try {
                    done.complete(perform());
                  } catch (Error e) {
                    done.completeExceptionally(e);
                    throw e;
                  }
                });
    Duration limit = work.deadline(progress);
    try {
      CompletableFuture.anyOf(done, stop).get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      leave(worker);
      LOG.warn(
          "Deployment {} passed the deadline of {}", progress.request().id(), progress.state());
      return new Outcome(
          kept(progress, Event.DEADLINE),
          latest
              .apply(progress)
              .failed(
                  "The deployment did not get beyond "
                      + progress.state()
                      + " within "
                      + limit.toMinutes()
                      + " minutes.",
                  List.of("DEPLOYMENT_FAILURE", "DEPLOYMENT_INTERRUPTED"),
                  List.of()));
    } catch (ExecutionException e) {
      leave(worker);
      throw new IllegalStateException("The work of " + progress.state() + " broke.", e.getCause());
    } catch (InterruptedException e) {
      leave(worker);
      throw e;
    }
    if (done.isDone()) {
      return done.join();
    }
    leave(worker);
    return new Outcome(stop.join(), latest.apply(progress).failed(null, List.of(), List.of()));
  }

  private Outcome perform() {
    try {
      try {
        return work.perform(progress, save);
      } catch (DurableException e) {
        // The way back is tried once more with the room that was kept for it.
        if (progress.state().goesForward() || !makeRoom.getAsBoolean()) {
          throw e;
        }
        return work.perform(latest.apply(progress), save);
      }
    } catch (DeploymentWork.Refused e) {
      return new Outcome(
          Event.REFUSED,
          progress.failed(
              e.getMessage(),
              List.of("DEPLOYMENT_REJECTED", "REJECTED_STALE_DEPLOYMENT"),
              List.of()));
    } catch (InterruptedException e) {
      return new Outcome(Event.CANCEL, progress);
    } catch (RuntimeException e) {
      return new Outcome(kept(progress, Event.FAILURE), work.failed(latest.apply(progress), e));
    }
  }

  /** What a failure means for a deployment that wants the new state kept. */
  static Event kept(Progress p, Event event) {
    if (p.request().document().failureHandlingPolicy() != FailureHandlingPolicy.DO_NOTHING) {
      return event;
    }
    return event == Event.FAILURE ? Event.FAILURE_KEEP : Event.DEADLINE_KEEP;
  }

  static void leave(Thread worker) {
    worker.interrupt();
    try {
      if (!worker.join(LEAVE)) {
        LOG.error("{} does not end; going on without it", worker.getName());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
