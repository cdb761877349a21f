package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.ComponentState;
import java.util.EnumMap;
import java.util.Map;

/**
 * The life cycle of a component as one table (v2-recipes-config.md section 4). Each pair of phase
 * and event has exactly one answer; a pair without a row of its own is answered by "stay, do
 * nothing" and listed so in the generated diagram.
 *
 * <p>Phases are finer than the states that others see: an install in progress shows as NEW, and
 * ERRORED remembers where it came from, because that decides what follows. What the component
 * should become (its goal) is not in the table: {@link Action#PURSUE_GOAL} turns it into one of the
 * five wishes, or into BACK_OFF or REST where a {@link RestartPolicy} of our own asks for time
 * between two tries (LESSON-15).
 */
public final class LifecycleTable {
  /** Where a component is. */
  public enum Phase {
    NEW(ComponentState.NEW),
    INSTALLING(ComponentState.NEW),
    INSTALLED(ComponentState.INSTALLED),
    STARTING(ComponentState.STARTING),
    RUNNING(ComponentState.RUNNING),
    /** All its processes are frozen; others see no difference (IPC-19). */
    PAUSED(ComponentState.RUNNING),
    STOPPING(ComponentState.STOPPING),
    FINISHED(ComponentState.FINISHED),
    ERRORED_INSTALL(ComponentState.ERRORED),
    ERRORED_RUN(ComponentState.ERRORED),
    ERRORED_STOP(ComponentState.ERRORED),
    /** Failed to install; tried again when the restart policy's delay is over. */
    WAITING_TO_INSTALL(ComponentState.ERRORED),
    /** Failed; started again when the restart policy's delay is over. */
    WAITING_TO_START(ComponentState.ERRORED),
    /** Has done its work; begins again when the restart policy's delay is over. */
    RESTING(ComponentState.FINISHED),
    BROKEN(ComponentState.BROKEN),
    UNINSTALLING(ComponentState.FINISHED),
    UNINSTALLED(ComponentState.UNINSTALLED);

    private final ComponentState state;

    Phase(ComponentState state) {
      this.state = state;
    }

    /** The state that others see. */
    public ComponentState state() {
      return state;
    }
  }

  /** What can happen. */
  public enum Event {
    /** Wish: run. */
    START,
    /** Wish: do not run. */
    STOP,
    /** Wish: stop, then run. */
    RESTART,
    /** Wish: stop, install again, run. */
    REINSTALL,
    /** Wish: stop and leave this core. */
    REMOVE,
    /** All hard dependencies are there. */
    READY,
    /** A hard dependency is not there. */
    NOT_READY,
    /** The step of this phase ended well. */
    STEP_OK,
    /** The step of this phase failed or passed its deadline. */
    STEP_FAILED,
    /** The step of this phase was ended on request. */
    STEP_CANCELLED,
    /** The component says that it runs. */
    REPORT_RUNNING,
    /** The component has done its work. */
    REPORT_FINISHED,
    /** The component failed. */
    REPORT_ERRORED,
    /** Failed for the third time in this phase within the reset time, or as often as the policy. */
    GIVE_UP,
    /** Somebody wants its processes to stand still. */
    PAUSE,
    /** Somebody wants its processes to go on. */
    RESUME,
    /** The restart policy wants some time between a failure and the next try. */
    BACK_OFF,
    /** The restart policy wants a component that has done its work to begin again. */
    REST,
    /** The restart policy's delay is over. */
    TIME_UP
  }

  /** What is done on the way into the next phase. */
  public enum Action {
    NOTHING,
    INSTALL,
    CANCEL_STEP,
    AWAIT_DEPENDENCIES,
    START_BODY,
    CLEAR_ERRORS,
    STOP_BODY,
    STOP_FINISHED_BODY,
    RECOVER,
    END_BODY,
    PURSUE_GOAL,
    RESET_AND_PURSUE_GOAL,
    UNINSTALL,
    /** Begin the restart policy's delay. */
    WAIT,
    CLOSE
  }

  /** One answer. */
  public record Transition(Phase next, Action action) {}

  private static final Map<Phase, Map<Event, Transition>> ROWS = new EnumMap<>(Phase.class);

  private LifecycleTable() {}

  static {
    row(Phase.NEW, Event.START, Phase.INSTALLING, Action.INSTALL);
    row(Phase.NEW, Event.RESTART, Phase.INSTALLING, Action.INSTALL);
    row(Phase.NEW, Event.REINSTALL, Phase.INSTALLING, Action.INSTALL);
    row(Phase.NEW, Event.REMOVE, Phase.UNINSTALLED, Action.CLOSE);

    row(Phase.INSTALLING, Event.STEP_OK, Phase.INSTALLED, Action.AWAIT_DEPENDENCIES);
    row(Phase.INSTALLING, Event.STEP_FAILED, Phase.ERRORED_INSTALL, Action.RECOVER);
    row(Phase.INSTALLING, Event.REPORT_ERRORED, Phase.ERRORED_INSTALL, Action.RECOVER);
    row(Phase.INSTALLING, Event.GIVE_UP, Phase.BROKEN, Action.END_BODY);
    row(Phase.INSTALLING, Event.STEP_CANCELLED, Phase.NEW, Action.PURSUE_GOAL);
    for (Event wish : new Event[] {Event.STOP, Event.REINSTALL, Event.REMOVE}) {
      row(Phase.INSTALLING, wish, Phase.INSTALLING, Action.CANCEL_STEP);
    }

    row(Phase.INSTALLED, Event.READY, Phase.STARTING, Action.START_BODY);
    row(Phase.INSTALLED, Event.START, Phase.INSTALLED, Action.AWAIT_DEPENDENCIES);
    row(Phase.INSTALLED, Event.RESTART, Phase.INSTALLED, Action.AWAIT_DEPENDENCIES);
    row(Phase.INSTALLED, Event.STOP, Phase.FINISHED, Action.NOTHING);
    row(Phase.INSTALLED, Event.REINSTALL, Phase.INSTALLING, Action.INSTALL);
    row(Phase.INSTALLED, Event.REMOVE, Phase.UNINSTALLING, Action.UNINSTALL);

    for (Phase up : new Phase[] {Phase.STARTING, Phase.RUNNING, Phase.PAUSED}) {
      row(up, Event.REPORT_FINISHED, Phase.STOPPING, Action.STOP_FINISHED_BODY);
      row(up, Event.REPORT_ERRORED, Phase.ERRORED_RUN, Action.RECOVER);
      row(up, Event.GIVE_UP, Phase.BROKEN, Action.END_BODY);
      for (Event wish :
          new Event[] {Event.STOP, Event.RESTART, Event.REINSTALL, Event.REMOVE, Event.NOT_READY}) {
        row(up, wish, Phase.STOPPING, Action.STOP_BODY);
      }
    }
    row(Phase.RUNNING, Event.PAUSE, Phase.PAUSED, Action.NOTHING);
    row(Phase.PAUSED, Event.RESUME, Phase.RUNNING, Action.NOTHING);
    row(Phase.STARTING, Event.REPORT_RUNNING, Phase.RUNNING, Action.CLEAR_ERRORS);
    row(Phase.STARTING, Event.STEP_FAILED, Phase.ERRORED_RUN, Action.RECOVER);

    row(Phase.STOPPING, Event.STEP_OK, Phase.FINISHED, Action.PURSUE_GOAL);
    row(Phase.STOPPING, Event.STEP_FAILED, Phase.ERRORED_STOP, Action.RECOVER);

    row(Phase.FINISHED, Event.START, Phase.INSTALLED, Action.AWAIT_DEPENDENCIES);
    row(Phase.FINISHED, Event.RESTART, Phase.INSTALLED, Action.AWAIT_DEPENDENCIES);
    row(Phase.FINISHED, Event.REINSTALL, Phase.INSTALLING, Action.INSTALL);
    row(Phase.FINISHED, Event.REMOVE, Phase.UNINSTALLING, Action.UNINSTALL);

    for (Event done : new Event[] {Event.STEP_OK, Event.STEP_FAILED}) {
      row(Phase.ERRORED_INSTALL, done, Phase.NEW, Action.PURSUE_GOAL);
      row(Phase.ERRORED_RUN, done, Phase.STOPPING, Action.STOP_BODY);
      row(Phase.ERRORED_STOP, done, Phase.FINISHED, Action.PURSUE_GOAL);
      row(Phase.UNINSTALLING, done, Phase.UNINSTALLED, Action.CLOSE);
    }

    row(Phase.NEW, Event.BACK_OFF, Phase.WAITING_TO_INSTALL, Action.WAIT);
    row(Phase.WAITING_TO_INSTALL, Event.TIME_UP, Phase.NEW, Action.PURSUE_GOAL);
    row(Phase.WAITING_TO_INSTALL, Event.STOP, Phase.NEW, Action.NOTHING);
    row(Phase.WAITING_TO_INSTALL, Event.REMOVE, Phase.UNINSTALLED, Action.CLOSE);
    for (Event wish : new Event[] {Event.START, Event.RESTART, Event.REINSTALL}) {
      row(Phase.WAITING_TO_INSTALL, wish, Phase.NEW, Action.RESET_AND_PURSUE_GOAL);
    }
    row(Phase.FINISHED, Event.BACK_OFF, Phase.WAITING_TO_START, Action.WAIT);
    row(Phase.FINISHED, Event.REST, Phase.RESTING, Action.WAIT);
    for (Phase waiting : new Phase[] {Phase.WAITING_TO_START, Phase.RESTING}) {
      row(waiting, Event.TIME_UP, Phase.FINISHED, Action.PURSUE_GOAL);
      row(waiting, Event.STOP, Phase.FINISHED, Action.NOTHING);
      row(waiting, Event.REMOVE, Phase.UNINSTALLING, Action.UNINSTALL);
      for (Event wish : new Event[] {Event.START, Event.RESTART, Event.REINSTALL}) {
        row(waiting, wish, Phase.FINISHED, Action.RESET_AND_PURSUE_GOAL);
      }
    }

    row(Phase.BROKEN, Event.RESTART, Phase.NEW, Action.RESET_AND_PURSUE_GOAL);
    row(Phase.BROKEN, Event.REINSTALL, Phase.NEW, Action.RESET_AND_PURSUE_GOAL);
    row(Phase.BROKEN, Event.REMOVE, Phase.UNINSTALLING, Action.UNINSTALL);
  }

  private static void row(Phase phase, Event event, Phase next, Action action) {
    Transition old =
        ROWS.computeIfAbsent(phase, p -> new EnumMap<>(Event.class))
            .put(event, new Transition(next, action));
    if (old != null) {
      throw new IllegalStateException("Two rows for " + phase + " and " + event);
    }
  }

  /** The answer to an event; never null. */
  public static Transition next(Phase phase, Event event) {
    Transition t = ROWS.getOrDefault(phase, Map.of()).get(event);
    return t == null ? new Transition(phase, Action.NOTHING) : t;
  }

  /**
   * The table as a Markdown page with a diagram, for {@code docs/reference/component-lifecycle.md}.
   */
  public static String toMarkdown() {
    StringBuilder out = new StringBuilder();
    out.append("# Component life cycle\n\n");
    out.append("Generated from `LifecycleTable` (core/nucleus); do not edit.\n\n");
    out.append("```mermaid\nstateDiagram-v2\n  [*] --> NEW\n");
    for (Phase p : Phase.values()) {
      Map<String, StringBuilder> byNext = new java.util.LinkedHashMap<>();
      for (Event e : Event.values()) {
        Transition t = next(p, e);
        if (t.next() != p) {
          byNext.merge(
              t.next().name(), new StringBuilder(e.name()), (a, b) -> a.append(", ").append(b));
        }
      }
      byNext.forEach(
          (next, events) ->
              out.append("  ")
                  .append(p)
                  .append(" --> ")
                  .append(next)
                  .append(": ")
                  .append(events)
                  .append('\n'));
    }
    out.append("  UNINSTALLED --> [*]\n```\n\n");
    out.append("| Phase | Shown as | Event | Next | Action |\n| --- | --- | --- | --- | --- |\n");
    for (Phase p : Phase.values()) {
      StringBuilder stay = new StringBuilder();
      for (Event e : Event.values()) {
        Transition t = next(p, e);
        if (t.next() == p && t.action() == Action.NOTHING) {
          stay.append(stay.isEmpty() ? "" : ", ").append(e);
        } else {
          out.append("| ")
              .append(p)
              .append(" | ")
              .append(p.state())
              .append(" | ")
              .append(e)
              .append(" | ")
              .append(t.next())
              .append(" | ")
              .append(t.action())
              .append(" |\n");
        }
      }
      if (!stay.isEmpty()) {
        out.append("| ")
            .append(p)
            .append(" | ")
            .append(p.state())
            .append(" | ")
            .append(stay)
            .append(" | ")
            .append(p)
            .append(" | NOTHING |\n");
      }
    }
    return out.toString();
  }
}
