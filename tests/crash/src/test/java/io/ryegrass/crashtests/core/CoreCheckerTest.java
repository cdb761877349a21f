package io.ryegrass.crashtests.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.crashtests.core.CoreViolation.Kind;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The checker finds each kind of broken promise in a history that has it, and only that. */
class CoreCheckerTest {
  private static final String A = Spec.PREFIX + "A";
  private static final String B = Spec.PREFIX + "B";
  private final CoreChecker checker = new CoreChecker();
  private final Spec a1 = spec(A, "1.0.0", Spec.Behaviour.RUNS, null);
  private final Spec a2 = spec(A, "2.0.0", Spec.Behaviour.RUNS, null);
  private final Spec broken = spec(A, "3.0.0", Spec.Behaviour.BREAKS_RUN, null);

  private static Spec spec(String name, String version, Spec.Behaviour behaviour, String needs) {
    return new Spec(name, version, behaviour, needs, Map.of("m0", "default"), 0, false, 1);
  }

  private static Plan plan(int number, Spec... merge) {
    Map<String, Spec> all = new LinkedHashMap<>();
    for (Spec s : merge) {
      all.put(s.name(), s);
    }
    return new Plan(number, null, all, Map.of(), Set.of(), Map.of(), true, false);
  }

  private static Seen.Component runs(String version, String... config) {
    Map<String, Object> c = new HashMap<>(Map.of("m0", "default"));
    for (int i = 0; i < config.length; i += 2) {
      c.put(config[i], config[i + 1]);
    }
    return new Seen.Component(version, "RUNNING", c, "1:" + version, 1);
  }

  private static Seen seen(Object... namesAndComponents) {
    Map<String, Seen.Component> all = new TreeMap<>();
    for (int i = 0; i < namesAndComponents.length; i += 2) {
      all.put((String) namesAndComponents[i], (Seen.Component) namesAndComponents[i + 1]);
    }
    return new Seen(all);
  }

  private void tell(CoreEvent... events) {
    for (CoreEvent e : events) {
      checker.accept(e);
    }
  }

  private static CoreEvent ended(String id, String status, String detailed) {
    return new CoreEvent.Ended(id, status, detailed, "");
  }

  private Set<Kind> kinds() {
    return Set.copyOf(checker.found().stream().map(CoreViolation::kind).toList());
  }

  /** A core that runs A 1.0.0. */
  @BeforeEach
  void begin() {
    tell(
        new CoreEvent.Starting(),
        new CoreEvent.Ready("thing=me", "f"),
        new CoreEvent.Listed(Set.of()),
        new CoreEvent.Rest(seen()),
        new CoreEvent.Asked(plan(1, a1)),
        new CoreEvent.Acknowledged(1, "d1"),
        new CoreEvent.Killed("now"),
        new CoreEvent.Ready("thing=me", "f"),
        new CoreEvent.Listed(Set.of("d1")),
        ended("d1", "SUCCEEDED", "SUCCESSFUL"),
        new CoreEvent.Rest(seen(A, runs("1.0.0"))));
    assertThat(checker.found()).isEmpty();
  }

  private void ask(Spec spec) {
    tell(
        new CoreEvent.Asked(plan(2, spec)),
        new CoreEvent.Acknowledged(2, "d2"),
        new CoreEvent.Killed("now"),
        new CoreEvent.Ready("thing=me", "f"),
        new CoreEvent.Listed(Set.of("d1", "d2")));
  }

  @Test
  void a_whole_history_of_success_failure_and_changes_is_accepted() {
    ask(broken);
    tell(
        ended("d2", "FAILED", "FAILED_ROLLBACK_COMPLETE"),
        new CoreEvent.Rest(seen(A, runs("1.0.0"))),
        new CoreEvent.Updating(A, "live", "1"),
        new CoreEvent.Updated(A, "live", "1"),
        new CoreEvent.Updating(A, "live", "2"),
        new CoreEvent.Killed("now"),
        new CoreEvent.Ready("thing=me", "f"),
        new CoreEvent.Listed(Set.of("d1", "d2")),
        new CoreEvent.Rest(seen(A, runs("1.0.0", "live", "2"))));
    assertThat(checker.found()).isEmpty();
  }

  @Test
  void a_core_that_does_not_come_up_is_found() {
    tell(new CoreEvent.Killed("now"), new CoreEvent.Starting(), new CoreEvent.NotReady("exit 1"));
    assertThat(kinds()).containsExactly(Kind.NOT_STARTED);
  }

  @Test
  void another_identity_and_other_files_of_the_identity_are_found() {
    tell(new CoreEvent.Ready("without a cloud", "f"));
    assertThat(kinds()).containsExactly(Kind.IDENTITY_CHANGED);
    CoreChecker other = new CoreChecker();
    other.accept(new CoreEvent.Ready("thing=me", "f"));
    other.accept(new CoreEvent.Ready("thing=me", "g"));
    assertThat(other.found())
        .extracting(CoreViolation::kind)
        .containsExactly(Kind.IDENTITY_CHANGED);
  }

  @Test
  void an_answered_deployment_that_is_unknown_after_the_kill_is_found() {
    tell(
        new CoreEvent.Asked(plan(2, a2)),
        new CoreEvent.Acknowledged(2, "d2"),
        new CoreEvent.Killed("now"),
        new CoreEvent.Ready("thing=me", "f"),
        new CoreEvent.Listed(Set.of("d1")));
    assertThat(kinds()).containsExactly(Kind.DEPLOYMENT_LOST);
  }

  @Test
  void a_deployment_that_was_not_answered_may_be_known_or_not() {
    tell(
        new CoreEvent.Asked(plan(2, a2)),
        new CoreEvent.Killed("now"),
        new CoreEvent.Ready("thing=me", "f"),
        new CoreEvent.Listed(Set.of("d1")),
        new CoreEvent.Rest(seen(A, runs("1.0.0"))),
        new CoreEvent.Asked(plan(3, a2)),
        new CoreEvent.Killed("now"),
        new CoreEvent.Ready("thing=me", "f"),
        new CoreEvent.Listed(Set.of("d1", "d3")));
    assertThat(checker.pendingId()).isEqualTo("d3");
    assertThat(checker.found()).isEmpty();
  }

  @Test
  void a_deployment_that_does_not_end_is_found() {
    ask(a2);
    tell(new CoreEvent.NotEnded("d2", "IN_PROGRESS"));
    assertThat(kinds()).containsExactly(Kind.NOT_ENDED);
  }

  @Test
  void a_broken_component_that_succeeds_and_a_whole_one_that_fails_are_found() {
    ask(broken);
    tell(ended("d2", "SUCCEEDED", "SUCCESSFUL"));
    assertThat(kinds()).containsExactly(Kind.WRONG_END);
    CoreChecker other = new CoreChecker();
    other.accept(new CoreEvent.Asked(plan(1, a1)));
    other.accept(new CoreEvent.Acknowledged(1, "d"));
    other.accept(ended("d", "FAILED", "FAILED_ROLLBACK_COMPLETE"));
    assertThat(other.found()).extracting(CoreViolation::kind).containsExactly(Kind.WRONG_END);
  }

  @Test
  void a_failure_without_a_rollback_is_found() {
    ask(broken);
    tell(ended("d2", "FAILED", "FAILED_UNABLE_TO_ROLLBACK"));
    assertThat(kinds()).containsExactly(Kind.NOT_ROLLED_BACK);
  }

  @Test
  void a_rollback_that_leaves_version_files_configuration_or_a_component_behind_is_found() {
    for (Seen left :
        List.of(
            seen(A, runs("3.0.0")),
            seen(A, new Seen.Component("1.0.0", "RUNNING", Map.of("m0", "default"), "2:x", 1)),
            seen(A, runs("1.0.0", "m0", "other")),
            seen(A, new Seen.Component("1.0.0", "BROKEN", Map.of("m0", "default"), "1:1.0.0", 1)),
            seen(A, runs("1.0.0"), B, runs("1.0.0")),
            seen())) {
      CoreChecker c = new CoreChecker();
      for (CoreEvent e :
          List.of(
              new CoreEvent.Asked(plan(1, a1)),
              new CoreEvent.Acknowledged(1, "d1"),
              ended("d1", "SUCCEEDED", "SUCCESSFUL"),
              new CoreEvent.Rest(seen(A, runs("1.0.0"))),
              new CoreEvent.Asked(plan(2, broken)),
              new CoreEvent.Acknowledged(2, "d2"),
              ended("d2", "FAILED", "FAILED_ROLLBACK_COMPLETE"),
              new CoreEvent.Rest(left))) {
        c.accept(e);
      }
      assertThat(c.found())
          .as("%s", left)
          .extracting(CoreViolation::kind)
          .contains(Kind.NOT_ROLLED_BACK);
    }
  }

  @Test
  void a_success_that_runs_something_else_is_found() {
    ask(a2);
    tell(ended("d2", "SUCCEEDED", "SUCCESSFUL"), new CoreEvent.Rest(seen(A, runs("1.0.0"))));
    assertThat(kinds()).containsExactly(Kind.NOT_APPLIED);
  }

  @Test
  void a_success_that_loses_configuration_set_before_is_found() {
    tell(
        new CoreEvent.Updating(A, "live", "1"),
        new CoreEvent.Updated(A, "live", "1"),
        new CoreEvent.Rest(seen(A, runs("1.0.0", "live", "1"))));
    ask(a2);
    tell(ended("d2", "SUCCEEDED", "SUCCESSFUL"), new CoreEvent.Rest(seen(A, runs("2.0.0"))));
    assertThat(kinds()).containsExactly(Kind.NOT_APPLIED);
  }

  @Test
  void a_change_that_was_answered_and_is_gone_is_found() {
    tell(
        new CoreEvent.Updating(A, "live", "1"),
        new CoreEvent.Updated(A, "live", "1"),
        new CoreEvent.Killed("now"),
        new CoreEvent.Ready("thing=me", "f"),
        new CoreEvent.Rest(seen(A, runs("1.0.0"))));
    assertThat(kinds()).containsExactly(Kind.UPDATE_LOST);
  }

  @Test
  void a_component_that_vanishes_by_itself_is_found() {
    tell(new CoreEvent.Killed("now"), new CoreEvent.Rest(seen()));
    assertThat(kinds()).containsExactly(Kind.STATE_CHANGED);
  }

  @Test
  void two_processes_of_one_component_and_none_are_found() {
    for (int processes : List.of(0, 2)) {
      CoreChecker c = new CoreChecker();
      c.accept(new CoreEvent.Asked(plan(1, a1)));
      c.accept(new CoreEvent.Acknowledged(1, "d1"));
      c.accept(ended("d1", "SUCCEEDED", "SUCCESSFUL"));
      c.accept(
          new CoreEvent.Rest(
              seen(
                  A,
                  new Seen.Component(
                      "1.0.0", "RUNNING", Map.of("m0", "default"), "1", processes))));
      assertThat(c.found()).extracting(CoreViolation::kind).containsExactly(Kind.WRONG_PROCESSES);
    }
  }

  @Test
  void a_component_of_a_whole_deployment_that_does_not_run_is_found() {
    ask(a2);
    tell(
        ended("d2", "SUCCEEDED", "SUCCESSFUL"),
        new CoreEvent.Rest(
            seen(
                A, new Seen.Component("2.0.0", "ERRORED", Map.of("m0", "default"), "1:2.0.0", 0))));
    assertThat(kinds()).containsExactly(Kind.NOT_RUNNING);
  }

  @Test
  void a_configuration_update_is_reset_then_defaults_then_merge() {
    assertThat(
            Model.configured(
                Map.of("m", "z", "n", Map.of("p", "81")),
                Map.of("m", "d", "n", Map.of("p", "80")),
                new Plan.Update(Map.of("m", "q"), List.of("/n"))))
        .isEqualTo(Map.of("m", "q", "n", Map.of("p", "80")));
  }

  @Test
  void one_seed_draws_the_same_plans() {
    for (int seed = 0; seed < 20; seed++) {
      Model model = new Model();
      Plan first = Plan.draw(new SplittableRandom(seed), 1, model, false);
      assertThat(Plan.draw(new SplittableRandom(seed), 1, model, false)).isEqualTo(first);
      assertThat(first.merge()).isNotEmpty();
    }
  }
}
