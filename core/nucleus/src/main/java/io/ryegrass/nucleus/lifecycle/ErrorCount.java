package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.lifecycle.LifecycleTable.Phase;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The errors of one component (v2-recipes-config.md section 4, "Error count"). Of each phase the
 * times of its errors: one that comes later than the reset time after the one before clears the
 * list first, leaving the phase without an error clears it, and the third breaks the component.
 * Beside it the failures in a row over all phases, which a {@link RestartPolicy} of our own counts.
 * Used by the actor's thread only.
 */
final class ErrorCount {
  private static final int ERRORS_TO_BREAK = 3;

  private final Map<Phase, List<Instant>> errors = new EnumMap<>(Phase.class);
  private int inARow;

  /**
   * One more error.
   *
   * @param phase the phase it happened in
   * @param inPhaseFor how long the component had been in that phase
   * @return whether to give up
   */
  boolean add(
      Phase phase, Instant now, Duration inPhaseFor, Duration resetTime, RestartPolicy policy) {
    if (policy.mode() != RestartPolicy.Mode.GREENGRASS) {
      if (phase == Phase.RUNNING && inPhaseFor.compareTo(policy.reset()) >= 0) {
        inARow = 0;
      }
      inARow++;
      return policy.attempts() > 0 && inARow >= policy.attempts();
    }
    inARow++;
    List<Instant> times = errors.computeIfAbsent(phase, p -> new ArrayList<>());
    if (!times.isEmpty() && Duration.between(times.getLast(), now).compareTo(resetTime) > 0) {
      times.clear();
    }
    times.add(now);
    return times.size() >= ERRORS_TO_BREAK;
  }

  /** A phase was left without an error. */
  void left(Phase phase) {
    errors.remove(phase);
  }

  /** The component did its work to the end. */
  void finished() {
    inARow = 0;
  }

  int inARow() {
    return inARow;
  }

  /** Whether it fails again and again: as often as the contract would break it for. */
  boolean looping() {
    return inARow >= ERRORS_TO_BREAK;
  }

  void clear() {
    errors.clear();
    inARow = 0;
  }
}
