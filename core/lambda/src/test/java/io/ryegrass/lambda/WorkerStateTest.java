package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.lambda.WorkerState.Action;
import io.ryegrass.lambda.WorkerState.Event;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
  void aProcessThatIsGoneIsDeadWhateverItDidBeforeAndBuriedOnce() {
    for (WorkerState state : WorkerState.values()) {
      assertThat(state.on(Event.EXITED).next()).isEqualTo(WorkerState.DEAD);
      assertThat(state.on(Event.EXITED).action())
          .isEqualTo(state == WorkerState.DEAD ? Action.NOTHING : Action.BURY);
    }
  }

  @Test
  void aWorkerThatIsEndingNeverGetsWorkAgain() {
    for (WorkerState state : EnumSet.of(WorkerState.ENDING, WorkerState.DEAD)) {
      for (Event event : Event.values()) {
        assertThat(state.on(event).action())
            .isNotIn(Action.OPEN_QUESTION, Action.START_CLOCK, Action.GIVE_SAME_WORK);
        assertThat(state.on(event).next()).isIn(WorkerState.ENDING, WorkerState.DEAD);
      }
    }
  }

  /** LESSON-47: what an old version has begun it finishes. */
  @Test
  void aWorkerThatIsToldToEndFinishesItsWorkFirst() {
    assertThat(WorkerState.WORKING.on(Event.TOLD_TO_END))
        .isEqualTo(new WorkerState.Step(WorkerState.FINISHING, Action.LET_FINISH));
    assertThat(WorkerState.FINISHING.on(Event.ANSWERED))
        .isEqualTo(new WorkerState.Step(WorkerState.ENDING, Action.ANSWER_AND_TERMINATE));
  }

  @Test
  void onlyAWorkerThatHasWorkCanAnswerACaller() {
    Set<WorkerState> answering = EnumSet.noneOf(WorkerState.class);
    for (WorkerState state : WorkerState.values()) {
      if (state.on(Event.ANSWERED).action() != Action.REFUSE) {
        answering.add(state);
      }
    }
    assertThat(answering).containsExactlyInAnyOrder(WorkerState.WORKING, WorkerState.FINISHING);
  }

  @Test
  void workThatTakesTooLongFailsWhateverWasPlannedWithItsWorker() {
    for (WorkerState state : EnumSet.of(WorkerState.WORKING, WorkerState.FINISHING)) {
      assertThat(state.on(Event.TIMED_OUT).action()).isEqualTo(Action.FAIL_WORK_AND_KILL);
    }
  }

  /** Run with {@code -Dryegrass.writeDocs=true} to write the page again. */
  @Test
  void theDocumentedTableIsTheOneInForce() throws IOException {
    Path page = Path.of("../../docs/reference/worker-states.md");
    if (Boolean.getBoolean("ryegrass.writeDocs")) {
      Files.writeString(page, WorkerState.toMarkdown());
    }
    assertThat(page).content().isEqualTo(WorkerState.toMarkdown());
  }
}
