package io.ryegrass.nucleus.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.nucleus.deploy.DeploymentTable;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Action;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Event;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Phase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The two tables of the nucleus: complete, connected, and as documented. */
class LifecycleTableTest {
  private static final Set<Event> WISHES =
      EnumSet.of(Event.START, Event.STOP, Event.RESTART, Event.REINSTALL, Event.REMOVE);

  @Test
  void each_pair_of_phase_and_event_is_answered() {
    for (Phase p : Phase.values()) {
      for (Event e : Event.values()) {
        assertThat(LifecycleTable.next(p, e)).as(p + " " + e).isNotNull();
      }
    }
  }

  @Test
  void from_each_phase_a_component_can_be_removed() {
    for (Phase start : Phase.values()) {
      Set<Phase> seen = EnumSet.of(start);
      Deque<Phase> open = new ArrayDeque<>(seen);
      while (!open.isEmpty()) {
        Phase p = open.remove();
        for (Event e : Event.values()) {
          Phase next = LifecycleTable.next(p, e).next();
          if (seen.add(next)) {
            open.add(next);
          }
        }
      }
      assertThat(seen).as("reachable from " + start).contains(Phase.UNINSTALLED);
    }
  }

  @Test
  void each_phase_with_a_step_in_work_is_left_when_the_step_ends_well_or_not() {
    for (Phase p : Phase.values()) {
      for (Event e : Event.values()) {
        LifecycleTable.Transition t = LifecycleTable.next(p, e);
        boolean begins =
            switch (t.action()) {
              case INSTALL, STOP_BODY, STOP_FINISHED_BODY, RECOVER, UNINSTALL -> true;
              default -> false;
            };
        if (begins) {
          assertThat(LifecycleTable.next(t.next(), Event.STEP_OK).next()).isNotEqualTo(t.next());
          assertThat(LifecycleTable.next(t.next(), Event.STEP_FAILED).next())
              .isNotEqualTo(t.next());
        }
      }
    }
  }

  @Test
  void a_broken_component_stays_so_until_it_is_restarted_reinstalled_or_removed() {
    for (Event e : Event.values()) {
      boolean leaves = e == Event.RESTART || e == Event.REINSTALL || e == Event.REMOVE;
      assertThat(LifecycleTable.next(Phase.BROKEN, e).next() != Phase.BROKEN)
          .as(e.name())
          .isEqualTo(leaves);
    }
    for (Event e : WISHES) {
      assertThat(LifecycleTable.next(Phase.UNINSTALLED, e).action()).isEqualTo(Action.NOTHING);
    }
  }

  @Test
  void from_each_state_a_deployment_ends_when_its_deadline_passes() {
    for (DeploymentTable.State s : DeploymentTable.State.values()) {
      DeploymentTable.State at = s;
      for (int i = 0; i < 3 && !at.isFinal(); i++) {
        assertThat(at.deadline()).as(at.name()).isPositive();
        at = DeploymentTable.next(at, DeploymentTable.Event.DEADLINE);
      }
      assertThat(at.isFinal()).as("end from " + s).isTrue();
      for (DeploymentTable.Event e : DeploymentTable.Event.values()) {
        assertThat(DeploymentTable.next(s, e)).isNotNull();
        if (s.isFinal()) {
          assertThat(DeploymentTable.next(s, e)).isEqualTo(s);
        }
      }
    }
  }

  /** Run with {@code -Dryegrass.writeDocs=true} to write the pages again. */
  @Test
  void the_documented_tables_are_the_ones_in_force() throws IOException {
    Path folder = repository().resolve("docs/reference");
    page(folder.resolve("component-lifecycle.md"), LifecycleTable.toMarkdown());
    page(folder.resolve("deployment-states.md"), DeploymentTable.toMarkdown());
  }

  private static void page(Path file, String text) throws IOException {
    if (Boolean.getBoolean("ryegrass.writeDocs")) {
      Files.createDirectories(file.getParent());
      Files.writeString(file, text);
    }
    assertThat(file).content().isEqualTo(text);
  }

  private static Path repository() {
    Path p = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(p.resolve("core"))) {
      p = p.getParent();
    }
    return p;
  }
}
