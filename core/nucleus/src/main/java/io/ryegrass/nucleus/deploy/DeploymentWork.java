package io.ryegrass.nucleus.deploy;

import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.FleetReporter;
import io.ryegrass.nucleus.FleetSnapshot;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.NucleusSettings;
import io.ryegrass.nucleus.UpdateConsent;
import io.ryegrass.nucleus.config.Generation;
import io.ryegrass.nucleus.config.GenerationStore;
import io.ryegrass.nucleus.lifecycle.ComponentSet;
import io.ryegrass.nucleus.store.ComponentStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The work of each state of {@link DeploymentTable}. Results that the next state needs are kept in
 * memory; a restart begins before them again.
 */
final class DeploymentWork {
  private static final Logger LOG = LoggerFactory.getLogger(DeploymentWork.class);

  /**
   * How long a process must live for its component to count as healthy, when nothing but its start
   * says that it runs.
   */
  private static final Duration PROBATION = Duration.ofSeconds(1);

  /** The deployment must not be carried out. */
  static final class Refused extends RuntimeException {
    Refused(String why) {
      super(why);
    }
  }

  private final NucleusSettings settings;
  private final ConfigTree config;
  private final GenerationStore generations;
  private final ComponentStore store;
  private final ComponentSet components;
  private final Planner planner;
  private final FleetReporter fleet;
  private final FaultPoint fault;
  private volatile UpdateConsent consent = UpdateConsent.ALWAYS;

  private Planner.@Nullable Plan plan;
  private @Nullable Map<String, Map<String, String>> digests;
  private Set<String> touched = Set.of();
  private Set<String> brokenBefore = Set.of();
  private Set<String> revived = Set.of();
  private boolean asked;

  DeploymentWork(
      NucleusSettings settings,
      ConfigTree config,
      GenerationStore generations,
      ComponentStore store,
      ComponentSet components,
      Planner planner,
      FleetReporter fleet,
      FaultPoint fault) {
    this.settings = settings;
    this.config = config;
    this.generations = generations;
    this.store = store;
    this.components = components;
    this.planner = planner;
    this.fleet = fleet;
    this.fault = fault;
  }

  void consult(UpdateConsent c) {
    consent = c;
  }

  /** Limit of a state's work. */
  Duration deadline(Progress p) {
    return switch (p.state().work()) {
      case AWAIT_HEALTH, ROLL_BACK -> settings.healthDeadline().plus(components.longestStart());
      case VALIDATE ->
          p.state()
              .deadline()
              .plusSeconds(p.request().document().configurationValidationPolicy().timeout());
      default -> p.state().deadline();
    };
  }

  /**
   * Does the work of a state.
   *
   * @param save persists progress within the state
   * @return progress with what the work found out
   */
  Progress perform(Progress p, Consumer<Progress> save) throws InterruptedException {
    return switch (p.state().work()) {
      case RESOLVE -> resolve(p);
      case DOWNLOAD -> download(p);
      case VALIDATE -> validate(p);
      case ASK_COMPONENTS -> ask(p);
      case APPLY -> apply(p, save);
      case AWAIT_HEALTH -> awaitHealth(p);
      case TIDY_UP -> tidyUp(p);
      case ROLL_BACK -> rollBack(p);
      case NONE -> p;
    };
  }

  private Progress resolve(Progress p) throws InterruptedException {
    Generation current = generations.snapshot().generation();
    String stale = Planner.stale(p.request(), current);
    if (stale != null) {
      throw new Refused(stale);
    }
    planner.takeLocal(p.recipes(), p.artifacts());
    plan = planner.resolve(p.request(), current);
    return p;
  }

  private Progress download(Progress p) throws InterruptedException {
    digests =
        planner.download(known(plan), p.request().document(), generations.snapshot().generation());
    return p;
  }

  private Progress validate(Progress p) {
    Generation current = generations.snapshot().generation();
    Generation next =
        planner.compute(known(plan), known(digests), p.request(), current, current.number() + 1);
    Map<String, ObjectNode> changed = new LinkedHashMap<>();
    next.components()
        .forEach(
            (name, e) -> {
              Generation.Entry old = current.components().get(name);
              if (old != null
                  && old.version().equals(e.version())
                  && !old.configuration().equals(e.configuration())) {
                changed.put(name, e.configuration().deepCopy());
              }
            });
    if (!changed.isEmpty()) {
      consent.validate(
          p.request().document().deploymentId(),
          changed,
          Duration.ofSeconds(p.request().document().configurationValidationPolicy().timeout()));
    }
    return p;
  }

  private Progress ask(Progress p) {
    DeploymentDocument.ComponentUpdatePolicy policy =
        p.request().document().componentUpdatePolicy();
    if (policy.action() == DeploymentDocument.ComponentUpdatePolicy.Action.NOTIFY_COMPONENTS
        && !p.request().origin().equals(DeploymentRequest.LOCAL)) {
      asked = true;
      consent.beforeUpdate(
          p.request().document().deploymentId(), false, Duration.ofSeconds(policy.timeout()));
    }
    return p;
  }

  private Progress apply(Progress p, Consumer<Progress> save) throws InterruptedException {
    brokenBefore = components.broken(names()).keySet();
    GenerationStore.Snapshot snapshot = generations.snapshot();
    long number = generations.nextNumber();
    Generation next =
        planner.compute(known(plan), known(digests), p.request(), snapshot.generation(), number);
    Progress between = p.between(generations.good(), number);
    save.accept(between);
    generations.write(next);
    fault.passed("generation-written");
    Map<String, ObjectNode> before = configurations();
    if (Thread.interrupted()) {
      throw new InterruptedException("The deadline of the apply step passed.");
    }
    generations.switchTo(number, snapshot.changeOffset());
    fault.passed("pointer-switched");
    ComponentSet.Reconciled done = components.reconcile(next, before);
    touched = done.changed();
    revived = done.revived();
    fault.passed("reconciled");
    return between;
  }

  private Set<String> names() {
    Set<String> names = new TreeSet<>();
    components.list().forEach(s -> names.add(s.name()));
    return names;
  }

  private Map<String, ObjectNode> configurations() {
    Map<String, ObjectNode> all = new LinkedHashMap<>();
    names().forEach(n -> all.put(n, config.component(n)));
    return all;
  }

  private Progress awaitHealth(Progress p) throws InterruptedException {
    Set<String> young = touched.isEmpty() ? names() : touched;
    while (true) {
      Map<String, String> broken = components.broken(names());
      broken.keySet().removeAll(revived); // broken before, and not by this deployment
      if (!broken.isEmpty()) {
        Map.Entry<String, String> first = broken.entrySet().iterator().next();
        throw new NucleusException(
            "COMPONENT_BROKEN",
            "Component "
                + first.getKey()
                + " is BROKEN after the deployment ("
                + first.getValue()
                + "); see logs/"
                + first.getKey()
                + ".log and correct the component.");
      }
      if (components.healthy(young, PROBATION, revived)) {
        return p;
      }
      components.awaitChange(Duration.ofMillis(50));
    }
  }

  private Progress tidyUp(Progress p) throws InterruptedException {
    generations.markGood();
    Set<String> late = components.awaitRemoved(Duration.ofSeconds(30));
    if (!late.isEmpty()) {
      LOG.warn("{} are still being removed", late);
    }
    generations.collect(p.previous() >= 0 ? Set.of(p.previous()) : Set.of());
    collectFiles();
    return p;
  }

  private void collectFiles() {
    Set<String> keep = new HashSet<>();
    for (Generation g : generations.all()) {
      g.components().values().forEach(e -> keep.add(e.name() + "@" + e.version()));
    }
    store.collect(keep);
  }

  /**
   * Makes the generation before the deployment the current one again; no component is touched yet.
   */
  void switchBack(Progress p) {
    if (p.previous() >= 0 && generations.base().number() != p.previous()) {
      generations.switchTo(p.previous(), -1);
      fault.passed("pointer-switched-back");
    }
  }

  private Progress rollBack(Progress p) throws InterruptedException {
    if (p.previous() < 0) {
      return p;
    }
    LOG.info("Deployment {} is rolled back to generation {}", p.request().id(), p.previous());
    Map<String, ObjectNode> before = configurations();
    switchBack(p);
    Generation g = generations.base();
    Set<String> back = components.reconcile(g, before).changed();
    while (true) {
      Map<String, String> broken = components.broken(names());
      broken.keySet().removeAll(brokenBefore);
      if (!broken.isEmpty()) {
        throw new NucleusException(
            "COMPONENT_BROKEN", "Components are BROKEN also after the rollback: " + broken + ".");
      }
      if (components.healthy(back, Duration.ZERO, brokenBefore)) {
        break;
      }
      components.awaitChange(Duration.ofMillis(50));
    }
    components.awaitRemoved(Duration.ofSeconds(30));
    generations.collect(Set.of());
    collectFiles();
    return p;
  }

  /**
   * Adds what an error means to the progress: cause, stack, types; keeps the first failure when the
   * rollback fails as well.
   */
  Progress failed(Progress p, RuntimeException e) {
    String code =
        switch (e) {
          case NucleusException n -> n.code();
          case InvalidDocumentException i -> i.code();
          case io.ryegrass.durable.DurableException d -> "IO_WRITE_ERROR";
          default -> "NUCLEUS_ERROR";
        };
    if (p.cause() != null) {
      LOG.error("The rollback failed: {}", e.getMessage());
      return p.failed(p.cause() + " The rollback failed: " + e.getMessage(), p.stack(), p.types());
    }
    if (code.equals("NUCLEUS_ERROR")) {
      LOG.error("Deployment {} met something unexpected in {}", p.request().id(), p.state(), e);
    }
    List<String> stack = new ArrayList<>(List.of("DEPLOYMENT_FAILURE"));
    List<String> types = new ArrayList<>();
    switch (p.state().work()) {
      case DOWNLOAD -> stack.add("ARTIFACT_DOWNLOAD_ERROR");
      case APPLY, AWAIT_HEALTH -> {
        stack.add("COMPONENT_UPDATE_ERROR");
        types.add("USER_COMPONENT_ERROR");
      }
      default -> {}
    }
    if (!stack.contains(code)) {
      stack.add(code);
    }
    for (String type : ErrorCodes.types(stack)) {
      if (!types.contains(type)) {
        types.add(type);
      }
    }
    String message = e.getMessage();
    return p.failed(message == null ? e.toString() : message, stack, types);
  }

  /**
   * The deployment has come to its end: components are told, the fleet hears before the job does.
   */
  void ended(Progress p) {
    if (p.detailed().equals("FAILED_ROLLBACK_NOT_REQUESTED")
        && p.state() == DeploymentTable.State.FAILED) {
      generations.markGood(); // kept on purpose: the next rollback returns to it
    }
    if (asked) {
      consent.afterUpdate(p.request().document().deploymentId());
    }
    List<String> unchanged = new ArrayList<>(p.request().document().components().keySet());
    unchanged.removeAll(touched);
    FleetSnapshot.Trigger trigger =
        switch (p.request().origin()) {
          case DeploymentRequest.SHADOW -> FleetSnapshot.Trigger.THING_DEPLOYMENT;
          case DeploymentRequest.LOCAL -> FleetSnapshot.Trigger.LOCAL_DEPLOYMENT;
          default -> FleetSnapshot.Trigger.THING_GROUP_DEPLOYMENT;
        };
    try {
      fleet.componentsChanged(
          new FleetSnapshot(components.list(), trigger, p.toStatus(), unchanged));
    } catch (RuntimeException e) {
      LOG.warn("The fleet could not be told of {}: {}", p.request().id(), e.getMessage());
    }
  }

  /** Drops what was kept in memory for one deployment. */
  void forget() {
    plan = null;
    digests = null;
    touched = Set.of();
    brokenBefore = Set.of();
    revived = Set.of();
    asked = false;
  }

  private static <T> T known(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("The deployment was not resolved in this run.");
    }
    return value;
  }
}
