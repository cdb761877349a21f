package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Event;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What is asked of one component from outside, in the words of its life cycle. */
final class ComponentRequests {
  private static final long ANSWER_SECONDS = 10;

  private ComponentRequests() {}

  /**
   * Pauses or resumes; returns when it is done.
   *
   * @throws NucleusException INVALID_ARGUMENTS when the component is not in the state for it
   */
  static void ask(ComponentActor actor, Event event) {
    try {
      actor.ask(event).get(ANSWER_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof NucleusException n
          ? n
          : new NucleusException(
              "PAUSE_ERROR", actor.name() + " cannot be paused or resumed: " + e.getCause(), e);
    } catch (TimeoutException e) {
      throw new NucleusException(
          "PAUSE_ERROR", actor.name() + " is busy and did not answer within 10 s; try again.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new NucleusException(
          "PAUSE_ERROR", "The request for " + actor.name() + " was ended.", e);
    }
  }

  /** The state that a component says it is in (IPC UpdateState). */
  static void report(ComponentActor actor, String state) {
    switch (state) {
      case "RUNNING" -> actor.report(Event.REPORT_RUNNING, "", "");
      case "FINISHED" -> actor.report(Event.REPORT_FINISHED, "", "");
      case "ERRORED" ->
          actor.report(
              Event.REPORT_ERRORED,
              switch (actor.state()) {
                case NEW -> "INSTALL_ERROR";
                case STARTING -> "STARTUP_ERROR";
                default -> "RUN_ERROR";
              },
              "The component reported ERRORED itself.");
      default ->
          throw new NucleusException(
              "INVALID_ARGUMENTS",
              "State " + state + " cannot be reported; use RUNNING or ERRORED.");
    }
  }
}
