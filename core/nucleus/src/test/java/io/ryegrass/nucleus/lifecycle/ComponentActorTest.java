package io.ryegrass.nucleus.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.StateReporter;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Event;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

/** What others are told of a component while it changes. */
class ComponentActorTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final ComponentActor.Timeouts TIMEOUTS =
      new ComponentActor.Timeouts(LONG, LONG, LONG, LONG, LONG, Duration.ofHours(1));

  private ComponentActor actor;

  /** A body that fails at its first starts, then runs. */
  private static class Body implements ComponentBody {
    private final AtomicInteger failures;

    Body(int failures) {
      this.failures = new AtomicInteger(failures);
    }

    @Override
    public void install() {}

    @Override
    public void start(StateReporter r) {
      if (failures.getAndDecrement() > 0) {
        throw new NucleusException("STARTUP_ERROR", "It does not want to start.");
      }
      r.running();
    }

    @Override
    public void stop(Duration deadline) {}

    @Override
    public void configurationChanged(ObjectNode c) {}

    @Override
    public void uninstall() {}
  }

  @AfterEach
  void end() {
    actor.wish(Event.REMOVE);
  }

  private void actor(ComponentBody body, ComponentActor.Surroundings surroundings) {
    actor =
        new ComponentActor(
            "c", body, TIMEOUTS, Clock.systemUTC(), Duration.ofSeconds(1), surroundings);
  }

  private static ComponentActor.Surroundings ready() {
    return new ComponentActor.Surroundings() {
      @Override
      public boolean dependenciesReady() {
        return true;
      }

      @Override
      public void changed(ComponentActor a) {}
    };
  }

  private static void until(java.util.concurrent.Callable<Boolean> condition) {
    await().pollInterval(Duration.ofMillis(2)).atMost(Duration.ofSeconds(60)).until(condition);
  }

  @Test
  void aBrokenComponentIsNotBrokenFromTheMomentItIsAskedToStartAgain() {
    actor(new Body(3), ready());
    actor.wish(Event.START);
    until(actor::broken);
    for (int round = 0; round < 300; round++) {
      actor.replaceBody(new Body(round % 2 == 0 ? 0 : 3), TIMEOUTS);
      actor.wish(Event.REINSTALL);
      if (round % 2 == 0) {
        while (!actor.settled()) {
          // read as fast as possible: an outcome of the start before must never be seen
          assertThat(actor.broken()).as("round %d", round).isFalse();
        }
        assertThat(actor.state()).isEqualTo(ComponentState.RUNNING);
      } else {
        until(actor::broken);
      }
    }
  }

  @Test
  void theBodyOfARolledBackVersionDoesNotInheritTheErrorsOfTheOther() {
    AtomicInteger starts = new AtomicInteger();
    CountDownLatch third = new CountDownLatch(1);
    actor(
        new Body(2) {
          @Override
          public void start(StateReporter r) {
            if (starts.incrementAndGet() < 3) {
              super.start(r);
            } else {
              third.countDown(); // says nothing more
            }
          }
        },
        ready());
    actor.wish(Event.START);
    until(() -> third.await(5, TimeUnit.SECONDS));

    actor.replaceBody(new Body(2), TIMEOUTS);
    actor.wish(Event.REINSTALL);
    until(() -> actor.settled());
    assertThat(actor.state()).isEqualTo(ComponentState.RUNNING);
  }

  @Test
  void theTimeOfAStateIsThatOfTheStateThatIsSeen() {
    actor(new Body(0), ready());
    for (int round = 0; round < 100; round++) {
      java.time.Instant asked = Clock.systemUTC().instant();
      actor.wish(Event.RESTART);
      while (!actor.settled()) {
        Thread.onSpinWait();
      }
      assertThat(actor.state()).isEqualTo(ComponentState.RUNNING);
      assertThat(actor.since()).isAfterOrEqualTo(asked);
    }
  }
}
