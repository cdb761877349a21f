package io.ryegrass.lambda;

import static io.ryegrass.lambda.WorkerState.Action.ANSWER_AND_TERMINATE;
import static io.ryegrass.lambda.WorkerState.Action.ANSWER_CALLER;
import static io.ryegrass.lambda.WorkerState.Action.BURY;
import static io.ryegrass.lambda.WorkerState.Action.END_QUESTION;
import static io.ryegrass.lambda.WorkerState.Action.FAIL_WORK_AND_KILL;
import static io.ryegrass.lambda.WorkerState.Action.GIVE_SAME_WORK;
import static io.ryegrass.lambda.WorkerState.Action.KILL;
import static io.ryegrass.lambda.WorkerState.Action.KILL_SILENT;
import static io.ryegrass.lambda.WorkerState.Action.LET_FINISH;
import static io.ryegrass.lambda.WorkerState.Action.NOTHING;
import static io.ryegrass.lambda.WorkerState.Action.OPEN_QUESTION;
import static io.ryegrass.lambda.WorkerState.Action.REFUSE;
import static io.ryegrass.lambda.WorkerState.Action.REPORT_READY;
import static io.ryegrass.lambda.WorkerState.Action.START_CLOCK;
import static io.ryegrass.lambda.WorkerState.Action.TERMINATE;

import java.util.Locale;

/**
 * The life of a worker as a table: {@link #on} answers every event in every state with the next
 * state and what is to be done; docs/reference/worker-states.md is made of it.
 */
enum WorkerState {
  /** The process is being started, or loads the handler. */
  STARTING,
  /** Initialised, between two pieces of work. */
  READY,
  /** Its question for work is open. */
  WAITING,
  /** It has work and owes an answer. */
  WORKING,
  /** As WORKING, and gets no more after this. */
  FINISHING,
  /** Told to end, or killed; nothing is expected of it any more. */
  ENDING,
  /** The process and all it started are gone. */
  DEAD;

  /** What happens to a worker. */
  enum Event {
    INITIALISED,
    START_FAILED,
    START_OVERDUE,
    ASKED,
    /** Its question was answered with work. */
    GOT_WORK,
    /** Its question was open too long, or its connection is gone. */
    QUESTION_OVER,
    ANSWERED,
    TIMED_OUT,
    /** It neither asks nor ends (V1: no status within its interval). */
    SILENT,
    TOLD_TO_END,
    /** There is no more time to let it finish. */
    HURRIED,
    EXITED
  }

  /** What the pool does about it. */
  enum Action {
    NOTHING,
    /** A worker can work: its alarm ends, its component runs. */
    REPORT_READY,
    OPEN_QUESTION,
    END_QUESTION,
    /** The answer with the work got lost on the way: give it once more. */
    GIVE_SAME_WORK,
    /** The time limit of this invocation starts now. */
    START_CLOCK,
    ANSWER_CALLER,
    ANSWER_AND_TERMINATE,
    /** The caller gets Unhandled, the process SIGKILL. */
    FAIL_WORK_AND_KILL,
    /** Nothing yet: its time limit goes on. */
    LET_FINISH,
    /** SIGTERM, then SIGKILL after the grace. */
    TERMINATE,
    KILL,
    KILL_SILENT,
    /** The worker asked for something that is not its to ask (any more). */
    REFUSE,
    /** Its token ends, its caller is told, a start that failed is counted. */
    BURY
  }

  record Step(WorkerState next, Action action) {}

  Step on(Event event) {
    if (event == Event.EXITED) {
      return new Step(DEAD, this == DEAD ? NOTHING : BURY);
    }
    return switch (this) {
      case STARTING ->
          switch (event) {
            case INITIALISED -> new Step(READY, REPORT_READY);
            case ASKED -> new Step(WAITING, OPEN_QUESTION);
            case START_FAILED, START_OVERDUE -> new Step(ENDING, KILL);
            case TOLD_TO_END, HURRIED -> new Step(ENDING, TERMINATE);
            case ANSWERED -> new Step(STARTING, REFUSE);
            default -> new Step(STARTING, NOTHING);
          };
      case READY ->
          switch (event) {
            case ASKED -> new Step(WAITING, OPEN_QUESTION);
            case SILENT -> new Step(ENDING, KILL_SILENT);
            case TOLD_TO_END, HURRIED -> new Step(ENDING, TERMINATE);
            case ANSWERED -> new Step(READY, REFUSE);
            default -> new Step(READY, NOTHING);
          };
      case WAITING ->
          switch (event) {
            case ASKED -> new Step(WAITING, OPEN_QUESTION);
            case GOT_WORK -> new Step(WORKING, START_CLOCK);
            case QUESTION_OVER -> new Step(READY, END_QUESTION);
            case TOLD_TO_END, HURRIED -> new Step(ENDING, TERMINATE);
            case ANSWERED -> new Step(WAITING, REFUSE);
            default -> new Step(WAITING, NOTHING);
          };
      case WORKING, FINISHING ->
          switch (event) {
            case ASKED -> new Step(this, GIVE_SAME_WORK);
            case ANSWERED ->
                this == WORKING
                    ? new Step(READY, ANSWER_CALLER)
                    : new Step(ENDING, ANSWER_AND_TERMINATE);
            case TIMED_OUT -> new Step(ENDING, FAIL_WORK_AND_KILL);
            case TOLD_TO_END -> new Step(FINISHING, this == WORKING ? LET_FINISH : NOTHING);
            case HURRIED -> new Step(FINISHING, TERMINATE);
            default -> new Step(this, NOTHING);
          };
      case ENDING, DEAD ->
          switch (event) {
            case ASKED, ANSWERED -> new Step(this, REFUSE);
            default -> new Step(this, NOTHING);
          };
    };
  }

  /** The table as a Markdown page with a diagram. */
  static String toMarkdown() {
    StringBuilder out = new StringBuilder();
    out.append("# States of a function's worker\n\n");
    out.append("Generated from `WorkerState` (core/lambda); do not edit.\n\n");
    out.append("```mermaid\nstateDiagram-v2\n  [*] --> STARTING\n");
    StringBuilder rows = new StringBuilder();
    for (WorkerState state : values()) {
      StringBuilder stay = new StringBuilder();
      for (Event event : Event.values()) {
        Step step = state.on(event);
        if (step.next() != state && event != Event.EXITED) {
          line(out, "  %s --> %s: %s\n", state, step.next(), event);
        }
        if (step.next() == state && step.action() == NOTHING) {
          stay.append(stay.isEmpty() ? "" : ", ").append(event);
        } else {
          line(rows, "| %s | %s | %s | %s |\n", state, event, step.next(), step.action());
        }
      }
      if (!stay.isEmpty()) {
        line(rows, "| %s | %s | %s | %s |\n", state, stay, state, NOTHING);
      }
    }
    out.append("  ENDING --> DEAD: EXITED\n  DEAD --> [*]\n```\n\n");
    out.append("EXITED leads to DEAD from everywhere.\n\n");
    out.append("| State | Event | Next | Action |\n| --- | --- | --- | --- |\n");
    return out.append(rows).toString();
  }

  private static void line(StringBuilder out, String form, Object... arguments) {
    out.append(String.format(Locale.ROOT, form, arguments));
  }
}
