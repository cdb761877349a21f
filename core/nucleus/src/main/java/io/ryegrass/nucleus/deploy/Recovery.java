package io.ryegrass.nucleus.deploy;

import io.ryegrass.nucleus.config.GenerationStore;
import io.ryegrass.nucleus.deploy.DeploymentTable.Event;
import io.ryegrass.nucleus.deploy.DeploymentTable.State;
import java.time.Clock;
import java.util.List;

/**
 * Where a deployment goes on that a restart of the process has interrupted, and what its end is
 * called.
 */
final class Recovery {
  /** Starts of the process within one state, not asked for, after which it is given up. */
  private static final int ATTEMPTS = 3;

  private final GenerationStore generations;
  private final Clock clock;

  Recovery(GenerationStore generations, Clock clock) {
    this.generations = generations;
    this.clock = clock;
  }

  /** Whether what the deployment makes is what runs. */
  boolean isCurrent(Progress p) {
    return p.next() >= 0 && generations.base().number() == p.next();
  }

  /**
   * The progress to go on with.
   *
   * @param newNucleusFailed the loader has gone back to the nucleus before
   */
  Progress afterRestart(Progress p, boolean newNucleusFailed) {
    boolean switched = isCurrent(p);
    Event event = switched ? Event.RESTARTED_SWITCHED : Event.RESTARTED;
    Progress next = p;
    boolean watched = p.state() == State.APPLIED && switched || p.state() == State.STAGED;
    if (watched && newNucleusFailed) {
      next =
          failed(
              next,
              "The new nucleus did not start; the loader went back to the one before. See"
                  + " logs/loader.log and logs/greengrass.log.",
              "NUCLEUS_RESTART_FAILURE");
      event = StepRun.kept(p, Event.FAILURE);
      if (p.state() == State.APPLIED) {
        event = Event.FAILURE; // what does not start cannot be kept
      }
    } else if (watched) {
      next = p.attempted();
      if (next.attempts() >= ATTEMPTS) {
        next =
            failed(
                next,
                "The core was started "
                    + ATTEMPTS
                    + " times without the new components becoming healthy.",
                "DEPLOYMENT_INTERRUPTED");
        event = StepRun.kept(p, Event.FAILURE);
      }
    }
    State state = DeploymentTable.next(p.state(), event);
    if (state == State.RECEIVED) {
      next = next.afresh();
    }
    if (state.isFinal()) {
      next = next.detailed(detailed(p.state(), event, state, next));
    }
    return next.in(state, clock.instant());
  }

  private static Progress failed(Progress p, String why, String code) {
    return p.failed(why, List.of("DEPLOYMENT_FAILURE", code), List.of());
  }

  /** Detailed status of v2-deployments.md section 5.1. */
  static String detailed(State from, Event event, State to, Progress p) {
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
}
