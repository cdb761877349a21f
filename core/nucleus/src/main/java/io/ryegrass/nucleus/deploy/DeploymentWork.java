package io.ryegrass.nucleus.deploy;

import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.FleetReporter;
import io.ryegrass.nucleus.FleetSnapshot;
import io.ryegrass.nucleus.LocalDeployment;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.NucleusSettings;
import io.ryegrass.nucleus.UpdateConsent;
import io.ryegrass.nucleus.config.Generation;
import io.ryegrass.nucleus.config.GenerationStore;
import io.ryegrass.nucleus.lifecycle.ComponentSet;
import io.ryegrass.nucleus.store.ComponentStore;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

  /** How long a deployment waits for components that are on their way. */
  private static final Duration REST = Duration.ofSeconds(10);

  /** The deployment must not be carried out. */
  static final class Refused extends RuntimeException {
    Refused(String why) {
      super(why);
    }
  }

  private final NucleusSettings settings;
  private final GenerationStore generations;
  private final ComponentStore store;
  private final ComponentSet components;
  private final Planner planner;
  private final LargeDocuments documents;
  private final Activation activation;
  private final FleetReporter fleet;
  private final Instant opened;
  private volatile UpdateConsent consent = UpdateConsent.ALWAYS;

  /**
   * What a deployment makes of a generation with its runtime changes up to an offset.
   *
   * @param from number of the generation that runs
   */
  private record Computed(Generation generation, long from, long changeOffset) {}

  private Planner.@Nullable Plan plan;
  private @Nullable Map<String, Map<String, String>> digests;
  private @Nullable Computed computed;
  private boolean asked;
  private boolean restarts;

  DeploymentWork(Engine.Parts p, Planner planner, Activation activation) {
    this.documents = new LargeDocuments(p.cloud().catalog(), p.backoff());
    this.settings = p.settings();
    this.opened = p.settings().clock().instant();
    this.generations = p.generations();
    this.store = p.store();
    this.components = p.components();
    this.planner = planner;
    this.activation = activation;
    this.fleet = p.cloud().fleet();
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
   * @return what became of it, with what the work found out
   */
  Outcome perform(Progress p, Consumer<Progress> save) throws InterruptedException {
    return switch (p.state().work()) {
      case RESOLVE -> Outcome.done(resolve(p));
      case DOWNLOAD -> Outcome.done(download(p));
      case VALIDATE -> Outcome.done(validate(p));
      case ASK_COMPONENTS -> Outcome.done(ask(p));
      case APPLY -> apply(p, save);
      case BOOTSTRAP -> {
        goOn(p);
        yield activation.bootstrap(p, save);
      }
      case AWAIT_HEALTH -> activation.awaitHealth(p);
      case TIDY_UP -> activation.tidyUp(p);
      case ROLL_BACK -> activation.rollBack(p, save, () -> store.putBack(replaced(p)));
      case NONE -> Outcome.done(p);
    };
  }

  /** Where what a deployment replaces in the store waits for its end. */
  private Path replaced(Progress p) {
    return settings.root().resolve("deployments").resolve(p.sequence() + ".replaced");
  }

  private Progress resolve(Progress p) throws InterruptedException {
    Generation current = generations.snapshot().generation();
    Progress resolved = p;
    Map<String, String> roots = null;
    keepReplaced(p, current);
    if (p.local() != null) {
      LocalDeployment local = LocalForm.parse(p.local());
      planner.takeLocal(local);
      roots = LocalForm.roots(local, current);
      resolved =
          p.with(
              new DeploymentRequest(
                  DeploymentRequest.LOCAL, p.request().id(), LocalForm.document(local, current)));
    }
    String stale = Planner.stale(resolved.request(), current);
    if (stale != null) {
      throw new Refused(stale);
    }
    plan = planner.resolve(resolved.request(), current, roots);
    DeploymentRequest whole = documents.whole(resolved.request());
    return whole == resolved.request() ? resolved : resolved.with(whole);
  }

  /**
   * A local deployment may bring other files for a version that runs. After a restart of the core
   * its components are let start with their own first.
   */
  private void awaitRest() throws InterruptedException {
    long until = System.nanoTime() + REST.toNanos();
    Set<String> all = new HashSet<>();
    components.list().forEach(s -> all.add(s.name()));
    while (System.nanoTime() < until
        && !components.healthy(all, Activation.PROBATION, components.broken(all).keySet())) {
      components.awaitChange(Duration.ofMillis(50));
    }
  }

  private Progress download(Progress p) throws InterruptedException {
    Set<String> wanted = new HashSet<>();
    known(plan)
        .components()
        .values()
        .forEach(
            r ->
                wanted.add(
                    r.recipe().componentName() + "@" + r.recipe().componentVersion().text()));
    planner.checkRoom(
        known(plan), () -> activation.collectFiles(wanted), () -> forgetOldest(wanted));
    digests =
        planner.download(known(plan), p.request().document(), generations.snapshot().generation());
    return p;
  }

  /** The generation before the good one makes room before a deployment fails for want of it. */
  private void forgetOldest(Set<String> wanted) {
    if (generations.forgetBefore()) {
      LOG.warn("The generation before the last good one is given up to make room for artifacts");
      activation.collectFiles(wanted);
    }
  }

  private Progress validate(Progress p) {
    GenerationStore.Snapshot snapshot = generations.snapshot();
    Generation current = snapshot.generation();
    Generation next =
        planner.compute(known(plan), known(digests), p.request(), current, current.number() + 1);
    computed = new Computed(next, current.number(), snapshot.changeOffset());
    restarts = activation.restartsNucleus(next, current);
    planner.checkNucleus(next, current);
    boolean local = p.request().origin().equals(DeploymentRequest.LOCAL);
    for (BuiltIn b : components.builtIns()) {
      Generation.Entry entry = next.components().get(b.name());
      if (entry != null) {
        b.prepare(entry.configuration().deepCopy(), local);
      }
    }
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
          p.request().document().deploymentId(), restarts, Duration.ofSeconds(policy.timeout()));
    }
    return p;
  }

  private Outcome apply(Progress p, Consumer<Progress> save) throws InterruptedException {
    if (p.local() != null && p.received().isBefore(opened)) {
      awaitRest();
    }
    GenerationStore.Snapshot snapshot = generations.snapshot();
    return activation.apply(p, number -> next(p, snapshot, number), snapshot, save);
  }

  /** What was validated, unless a component has changed its configuration since. */
  private Generation next(Progress p, GenerationStore.Snapshot now, long number) {
    Computed c = computed;
    computed = null;
    if (c != null
        && c.from() == now.generation().number()
        && c.changeOffset() == now.changeOffset()) {
      return c.generation().numbered(number);
    }
    return planner.compute(known(plan), known(digests), p.request(), now.generation(), number);
  }

  private void keepReplaced(Progress p, Generation current) {
    Set<String> running = new HashSet<>();
    current.components().values().forEach(e -> running.add(e.name() + "@" + e.version()));
    store.keepReplaced(replaced(p), running);
  }

  /** A deployment with bootstrap steps goes on, maybe in another process. */
  private void goOn(Progress p) throws InterruptedException {
    if (p.received().isBefore(opened)) {
      awaitRest();
      keepReplaced(p, generations.base());
      store.takeAgain();
    }
  }

  /**
   * After a restart of the process within the bootstrap steps: what runs is started with its own
   * files; what the deployment brought waits beside them.
   */
  void setAside(Progress p) {
    store.setAside(replaced(p));
  }

  /** After a restart of the process: what a deployment that is not current replaced comes back. */
  void putBack(Progress p) {
    store.putBack(replaced(p));
  }

  void switchBack(Progress p) {
    activation.switchBack(p);
  }

  boolean newNucleusFailed() {
    return activation.newNucleusFailed();
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
      case APPLY, BOOTSTRAP, AWAIT_HEALTH -> {
        stack.add("COMPONENT_UPDATE_ERROR");
        types.add("USER_COMPONENT_ERROR");
      }
      default -> {}
    }
    if (code.equals("COMPONENT_VERSION_REQUIREMENTS_NOT_MET")) {
      stack.add("NO_AVAILABLE_COMPONENT_VERSION"); // both are told (scenario S-07)
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
    boolean kept = p.detailed().equals("FAILED_ROLLBACK_NOT_REQUESTED");
    if (kept && p.state() == DeploymentTable.State.FAILED) {
      generations.markGood(); // kept on purpose: the next rollback returns to it
    }
    store.keepReplaced(null, Set.of());
    if (kept || p.state() == DeploymentTable.State.SUCCEEDED) {
      store.forgetReplaced(replaced(p));
    } else {
      store.putBack(replaced(p));
    }
    Generation current = generations.snapshot().generation();
    for (BuiltIn b : components.builtIns()) {
      Generation.Entry entry = current.components().get(b.name());
      try {
        b.deploymentEnded(entry == null ? null : entry.configuration().deepCopy());
      } catch (RuntimeException e) {
        LOG.error("{} met something unexpected at the end of a deployment", b.name(), e);
      }
    }
    if (asked) {
      consent.afterUpdate(p.request().document().deploymentId());
    }
    List<String> unchanged = new ArrayList<>(p.request().document().components().keySet());
    unchanged.removeAll(activation.touched());
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
    computed = null;
    activation.forget();
    asked = false;
    restarts = false;
  }

  private static <T> T known(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("The deployment was not resolved in this run.");
    }
    return value;
  }
}
