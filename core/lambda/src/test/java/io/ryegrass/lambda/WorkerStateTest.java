package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.lambda.WorkerState.Action;
import io.ryegrass.lambda.WorkerState.Event;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class WorkerStateTest {
  @Test
  void everyEventIsAnsweredInEveryState() {
    for (WorkerState state : WorkerState.values()) {
      for (Event event : Event.values()) {
        assertThat(state.on(event)).as("%s on %s", state, event).isNotNull();
      }
    }
  }

  @Test
  void aProcessThatIsGoneIsDeadWhateverItDidBefore() {
    for (WorkerState state : WorkerState.values()) {
      assertThat(state.on(Event.EXITED).next()).isEqualTo(WorkerState.DEAD);
      assertThat(WorkerState.DEAD.on(Event.values()[0]).next()).isEqualTo(WorkerState.DEAD);
    }
  }

  @Test
  void aWorkerThatIsEndingNeverGetsWorkAgain() {
    for (WorkerState state : EnumSet.of(WorkerState.ENDING, WorkerState.DEAD)) {
      for (Event event : Event.values()) {
        assertThat(state.on(event).action())
            .isNotIn(Action.GIVE_WORK, Action.START_CLOCK, Action.GIVE_SAME_WORK);
        assertThat(state.on(event).next()).isIn(WorkerState.ENDING, WorkerState.DEAD);
      }
    }
  }

  @Test
  void onlyAWorkerThatHasWorkCanAnswerACaller() {
    Set<WorkerState> answering = EnumSet.noneOf(WorkerState.class);
    for (WorkerState state : WorkerState.values()) {
      if (state.on(Event.ANSWERED).action() == Action.ANSWER_CALLER) {
        answering.add(state);
      }
    }
    assertThat(answering).containsExactlyInAnyOrder(WorkerState.WORKING, WorkerState.ENDING);
  }

  @Test
  void whenAWorkerThatMayHaveWorkEndsItsCallerIsTold() {
    for (WorkerState state : EnumSet.of(WorkerState.WORKING, WorkerState.ENDING)) {
      assertThat(state.on(Event.EXITED).action()).isEqualTo(Action.FAIL_WORK);
      assertThat(state.on(Event.TIMED_OUT).action()).isEqualTo(Action.FAIL_WORK_AND_KILL);
    }
  }
}
