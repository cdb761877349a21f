package io.ryegrass.nucleus.deploy;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/**
 * The states of a deployment as one table. A state names what has been achieved; the work of a
 * state leads to the next. Each pair of state and event is answered; pairs without a row stay as
 * they are.
 */
public final class DeploymentTable {
  /** What has been achieved, the work that comes next, and how long that may take. */
  public enum State {
    RECEIVED(Work.RESOLVE, Duration.ofMinutes(15)),
    RESOLVED(Work.DOWNLOAD, Duration.ofHours(6)),
    DOWNLOADED(Work.VALIDATE, Duration.ofMinutes(10)),
    VALIDATED(Work.ASK_COMPONENTS, Duration.ofHours(24)),
    AGREED(Work.APPLY, Duration.ofMinutes(5)),
    STAGED(Work.BOOTSTRAP, Duration.ofMinutes(30)),
    APPLIED(Work.AWAIT_HEALTH, Duration.ofMinutes(10)),
    HEALTHY(Work.TIDY_UP, Duration.ofMinutes(5)),
    ROLLING_BACK(Work.ROLL_BACK, Duration.ofMinutes(10)),
    SUCCEEDED(Work.NONE, Duration.ZERO),
    FAILED(Work.NONE, Duration.ZERO),
    REJECTED(Work.NONE, Duration.ZERO),
    CANCELED(Work.NONE, Duration.ZERO);

    private final Work work;
    private final Duration deadline;

    State(Work work, Duration deadline) {
      this.work = work;
      this.deadline = deadline;
    }

    public Work work() {
      return work;
    }

    /**
     * Limit of the state's work; for health the settings and the components' own limits add to it.
     */
    public Duration deadline() {
      return deadline;
    }

    /** Whether its work leads to something new, so that it can still be given up. */
    public boolean goesForward() {
      return !isFinal() && this != HEALTHY && this != ROLLING_BACK;
    }

    /** Whether nothing follows. */
    public boolean isFinal() {
      return work == Work.NONE;
    }
  }

  /** What is done in a state. */
  public enum Work {
    RESOLVE,
    DOWNLOAD,
    VALIDATE,
    ASK_COMPONENTS,
    APPLY,
    BOOTSTRAP,
    AWAIT_HEALTH,
    TIDY_UP,
    ROLL_BACK,
    NONE
  }

  /** What can happen. */
  public enum Event {
    /** The state's work is done. */
    DONE,
    /** The new generation is written; bootstrap steps or a restart come before it is applied. */
    STAGE,
    /** The work goes on when the nucleus, or its host, has been started anew. */
    RESTART,
    /** The work failed. */
    FAILURE,
    /** The work failed and the deployment wants the new state kept (DO_NOTHING). */
    FAILURE_KEEP,
    /** The deadline passed. */
    DEADLINE,
    /** The deadline passed and the deployment wants the new state kept. */
    DEADLINE_KEEP,
    /** The deployment must not be carried out (stale). */
    REFUSED,
    /** Somebody cancelled it. */
    CANCEL,
    /** A newer revision arrived. */
    SUPERSEDED,
    /** The nucleus died in this state and started again; the pointer was not switched. */
    RESTARTED,
    /** The same, but the new generation is the current one. */
    RESTARTED_SWITCHED
  }

  private static final Map<State, Map<Event, State>> ROWS = new EnumMap<>(State.class);

  private DeploymentTable() {}

  static {
    State[] before = {
      State.RECEIVED, State.RESOLVED, State.DOWNLOADED, State.VALIDATED, State.AGREED
    };
    for (int i = 0; i < before.length - 1; i++) {
      row(before[i], Event.DONE, before[i + 1]);
      row(before[i], Event.FAILURE, State.FAILED);
      row(before[i], Event.FAILURE_KEEP, State.FAILED);
      row(before[i], Event.DEADLINE, State.FAILED);
      row(before[i], Event.DEADLINE_KEEP, State.FAILED);
      row(before[i], Event.CANCEL, State.CANCELED);
      row(before[i], Event.SUPERSEDED, State.CANCELED);
      row(before[i], Event.RESTARTED, State.RECEIVED);
    }
    row(State.RECEIVED, Event.REFUSED, State.REJECTED);

    row(State.AGREED, Event.DONE, State.APPLIED);
    row(State.AGREED, Event.FAILURE, State.ROLLING_BACK);
    row(State.AGREED, Event.FAILURE_KEEP, State.ROLLING_BACK);
    row(State.AGREED, Event.DEADLINE, State.ROLLING_BACK);
    row(State.AGREED, Event.DEADLINE_KEEP, State.ROLLING_BACK);
    row(State.AGREED, Event.RESTARTED, State.RECEIVED);
    row(State.AGREED, Event.RESTARTED_SWITCHED, State.APPLIED);

    row(State.AGREED, Event.STAGE, State.STAGED);

    row(State.STAGED, Event.DONE, State.APPLIED);
    for (Event undone :
        new Event[] {
          Event.FAILURE,
          Event.FAILURE_KEEP,
          Event.DEADLINE,
          Event.DEADLINE_KEEP,
          Event.CANCEL,
          Event.SUPERSEDED
        }) {
      row(State.STAGED, undone, State.ROLLING_BACK);
    }
    row(State.STAGED, Event.RESTARTED_SWITCHED, State.APPLIED);

    row(State.APPLIED, Event.DONE, State.HEALTHY);
    row(State.APPLIED, Event.FAILURE, State.ROLLING_BACK);
    row(State.APPLIED, Event.DEADLINE, State.ROLLING_BACK);
    row(State.APPLIED, Event.FAILURE_KEEP, State.FAILED);
    row(State.APPLIED, Event.DEADLINE_KEEP, State.FAILED);
    row(State.APPLIED, Event.CANCEL, State.ROLLING_BACK);
    row(State.APPLIED, Event.SUPERSEDED, State.CANCELED);
    row(State.APPLIED, Event.RESTARTED, State.ROLLING_BACK);

    for (Event end :
        new Event[] {
          Event.DONE, Event.FAILURE, Event.FAILURE_KEEP, Event.DEADLINE, Event.DEADLINE_KEEP
        }) {
      row(State.HEALTHY, end, State.SUCCEEDED);
      row(State.ROLLING_BACK, end, State.FAILED);
    }
  }

  private static void row(State state, Event event, State next) {
    if (ROWS.computeIfAbsent(state, s -> new EnumMap<>(Event.class)).put(event, next) != null) {
      throw new IllegalStateException("Two rows for " + state + " and " + event);
    }
  }

  /** The state that follows; the same one when the event changes nothing. */
  public static State next(State state, Event event) {
    return ROWS.getOrDefault(state, Map.of()).getOrDefault(event, state);
  }

  /**
   * The table as a Markdown page with a diagram, for {@code docs/reference/deployment-states.md}.
   */
  public static String toMarkdown() {
    StringBuilder out = new StringBuilder();
    out.append(
        "# Deployment states\n\nGenerated from `DeploymentTable` (core/nucleus); do not edit.\n\n");
    out.append("```mermaid\nstateDiagram-v2\n  [*] --> RECEIVED\n");
    for (State s : State.values()) {
      Map<State, StringBuilder> byNext = new EnumMap<>(State.class);
      for (Event e : Event.values()) {
        if (next(s, e) != s) {
          StringBuilder names = byNext.get(next(s, e));
          if (names == null) {
            byNext.put(next(s, e), new StringBuilder(e.name()));
          } else {
            names.append(", ").append(e);
          }
        }
      }
      byNext.forEach(
          (n, events) ->
              out.append("  ")
                  .append(s)
                  .append(" --> ")
                  .append(n)
                  .append(": ")
                  .append(events)
                  .append('\n'));
      if (s.isFinal()) {
        out.append("  ").append(s).append(" --> [*]\n");
      }
    }
    out.append("```\n\n| State | Work | Deadline |");
    for (Event e : Event.values()) {
      out.append(' ').append(e).append(" |");
    }
    out.append("\n| --- | --- | --- |").append(" --- |".repeat(Event.values().length)).append('\n');
    for (State s : State.values()) {
      out.append("| ")
          .append(s)
          .append(" | ")
          .append(s.work())
          .append(" | ")
          .append(s.isFinal() ? "" : s.deadline().toMinutes() + " min")
          .append(" |");
      for (Event e : Event.values()) {
        out.append(' ').append(next(s, e) == s ? "stays" : next(s, e)).append(" |");
      }
      out.append('\n');
    }
    return out.toString();
  }
}
