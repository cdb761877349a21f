package io.ryegrass.lambda;

import static io.ryegrass.lambda.WorkerState.Action.ANSWER_CALLER;
import static io.ryegrass.lambda.WorkerState.Action.FAIL_WORK;
import static io.ryegrass.lambda.WorkerState.Action.FAIL_WORK_AND_KILL;
import static io.ryegrass.lambda.WorkerState.Action.GIVE_SAME_WORK;
import static io.ryegrass.lambda.WorkerState.Action.GIVE_WORK;
import static io.ryegrass.lambda.WorkerState.Action.KILL;
import static io.ryegrass.lambda.WorkerState.Action.NOTHING;
import static io.ryegrass.lambda.WorkerState.Action.REFUSE;
import static io.ryegrass.lambda.WorkerState.Action.REPORT_READY;
import static io.ryegrass.lambda.WorkerState.Action.REPORT_START_FAILED;
import static io.ryegrass.lambda.WorkerState.Action.START_CLOCK;
import static io.ryegrass.lambda.WorkerState.Action.TERMINATE;

/**
 * The life of a worker as a table: {@link #on} answers every event in every state with the next
 * state and what is to be done.
 *
 * <pre>
 *            INITIALISED        ASKED          GOT_WORK
 *  STARTING ------------> READY -----> WAITING --------> WORKING
 *     |                     ^  ^          | POLL_OVER       | ANSWERED
 *     |                     |  +----------+                 |
 *     |                     +-------------------------------+
 *     +--- START_FAILED, START_OVERDUE, TOLD_TO_END, TIMED_OUT ---> ENDING --- EXITED ---> DEAD
 * </pre>
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
  /** Told to end, or killed; an answer that it still gives counts. */
  ENDING,
  /** The process and all it started are gone. */
  DEAD;

  /** What happens to a worker. */
  enum Event {
    INITIALISED,
    START_FAILED,
    START_OVERDUE,
    ASKED,
    GOT_WORK,
    POLL_OVER,
    ANSWERED,
    TIMED_OUT,
    TOLD_TO_END,
    EXITED
  }

  /** What the pool does about it. */
  enum Action {
    NOTHING,
    /** Tell the pool's listener that a worker can work. */
    REPORT_READY,
    /** The start did not succeed: one piece of queued work, or the component, bears it. */
    REPORT_START_FAILED,
    GIVE_WORK,
    /** The answer with the work got lost on the way: give it once more. */
    GIVE_SAME_WORK,
    /** The time limit of this invocation starts now. */
    START_CLOCK,
    ANSWER_CALLER,
    /** The caller gets Unhandled. */
    FAIL_WORK,
    FAIL_WORK_AND_KILL,
    TERMINATE,
    KILL,
    /** The worker asked for something that is not its to ask any more. */
    REFUSE
  }

  record Step(WorkerState next, Action action) {}

  Step on(Event event) {
    return switch (this) {
      case STARTING ->
          switch (event) {
            case INITIALISED -> step(READY, REPORT_READY);
            case START_FAILED, START_OVERDUE -> step(ENDING, KILL);
            case ASKED -> step(WAITING, GIVE_WORK);
            case ANSWERED -> step(STARTING, REFUSE);
            case GOT_WORK, POLL_OVER, TIMED_OUT -> step(STARTING, NOTHING);
            case TOLD_TO_END -> step(ENDING, TERMINATE);
            case EXITED -> step(DEAD, REPORT_START_FAILED);
          };
      case READY ->
          switch (event) {
            case ASKED -> step(WAITING, GIVE_WORK);
            case ANSWERED -> step(READY, REFUSE);
            case INITIALISED, START_FAILED, START_OVERDUE, GOT_WORK, POLL_OVER, TIMED_OUT ->
                step(READY, NOTHING);
            case TOLD_TO_END -> step(ENDING, TERMINATE);
            case EXITED -> step(DEAD, FAIL_WORK);
          };
      case WAITING ->
          switch (event) {
            case ASKED -> step(WAITING, GIVE_WORK);
            case GOT_WORK -> step(WORKING, START_CLOCK);
            case POLL_OVER -> step(READY, NOTHING);
            case ANSWERED -> step(WAITING, REFUSE);
            case INITIALISED, START_FAILED, START_OVERDUE, TIMED_OUT -> step(WAITING, NOTHING);
            case TOLD_TO_END -> step(ENDING, TERMINATE);
            case EXITED -> step(DEAD, FAIL_WORK);
          };
      case WORKING ->
          switch (event) {
            case ASKED -> step(WORKING, GIVE_SAME_WORK);
            case ANSWERED -> step(READY, ANSWER_CALLER);
            case TIMED_OUT -> step(ENDING, FAIL_WORK_AND_KILL);
            case INITIALISED, START_FAILED, START_OVERDUE, GOT_WORK, POLL_OVER ->
                step(WORKING, NOTHING);
            case TOLD_TO_END -> step(ENDING, TERMINATE);
            case EXITED -> step(DEAD, FAIL_WORK);
          };
      case ENDING ->
          switch (event) {
            case ASKED -> step(ENDING, REFUSE);
            case ANSWERED -> step(ENDING, ANSWER_CALLER);
            case TIMED_OUT -> step(ENDING, FAIL_WORK_AND_KILL);
            case INITIALISED, START_FAILED, START_OVERDUE, GOT_WORK, POLL_OVER, TOLD_TO_END ->
                step(ENDING, NOTHING);
            case EXITED -> step(DEAD, FAIL_WORK);
          };
      case DEAD ->
          switch (event) {
            case ASKED, ANSWERED -> step(DEAD, REFUSE);
            case INITIALISED,
                START_FAILED,
                START_OVERDUE,
                GOT_WORK,
                POLL_OVER,
                TIMED_OUT,
                TOLD_TO_END,
                EXITED ->
                step(DEAD, NOTHING);
          };
    };
  }

  private static Step step(WorkerState next, Action action) {
    return new Step(next, action);
  }
}
