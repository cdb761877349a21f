package io.ryegrass.nucleus.deploy;

import io.ryegrass.nucleus.ArtifactSource;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.RestartPort;
import io.ryegrass.nucleus.config.Generation;
import io.ryegrass.nucleus.config.GenerationStore;
import io.ryegrass.nucleus.deploy.DeploymentTable.Event;
import io.ryegrass.nucleus.lifecycle.ComponentSet;
import io.ryegrass.nucleus.store.ComponentStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The states that change the core: the new generation is written, bootstrap steps are run, it
 * becomes current, it is watched, and kept or taken back (v2-deployments.md sections 5, 5.1, 10).
 *
 * <p>What is needed after a restart of the process stands in the progress: which bootstrap steps
 * were run, that a restart was made, which components were broken before.
 */
final class Activation {
  private static final Logger LOG = LoggerFactory.getLogger(Activation.class);

  /**
   * How long a process must live for its component to count as healthy, when nothing but its start
   * says that it runs.
   */
  static final Duration PROBATION = Duration.ofSeconds(1);

  private static final String NUCLEUS = "aws.greengrass.Nucleus";
  private static final String RESTART = "restart";
  private static final String UNDO_RESTART = "undo:restart";
  private static final String BOOTSTRAP = "bootstrap:";
  private static final String UNDO_BOOTSTRAP = "undo:bootstrap:";
  private static final String BROKEN = "broken:";
  private static final String OFFSET = "offset:";

  /** Keys of the nucleus that its process reads once (NUC-21). */
  private static final List<String> READ_ONCE =
      List.of(
          "networkProxy",
          "runWithDefault",
          "mqtt",
          "jvmOptions",
          "fipsMode",
          "httpClient",
          "credentialEndpointTimeoutMs",
          "s3EndpointType",
          "greengrassDataPlaneEndpoint",
          "greengrassDataPlanePort");

  private final Path root;
  private final ConfigTree config;
  private final GenerationStore generations;
  private final ComponentStore store;
  private final ComponentSet components;
  private final ArtifactSource images;
  private final FaultPoint fault;
  private final LaunchFolders launch;
  private final RestartPort restarts;

  private Set<String> touched = Set.of();
  private Set<String> brokenBefore = Set.of();
  private Set<String> revived = Set.of();

  Activation(Engine.Parts p) {
    this.root = p.settings().root();
    this.config = p.config();
    this.generations = p.generations();
    this.store = p.store();
    this.components = p.components();
    this.images = p.cloud().artifacts();
    this.fault = p.fault();
    this.restarts = p.restarts();
    this.launch = new LaunchFolders(root);
  }

  /** Components that this deployment changed. */
  Set<String> touched() {
    return touched;
  }

  void forget() {
    touched = Set.of();
    brokenBefore = Set.of();
    revived = Set.of();
  }

  // ---- forward

  /** Whether the process, or its host, will be started anew for the change; null when not. */
  @Nullable String restartReason(Generation next, Generation current) {
    Generation.Entry now = current.components().get(NUCLEUS);
    Generation.Entry then = next.components().get(NUCLEUS);
    if (now == null || then == null) {
      return null;
    }
    for (String key : READ_ONCE) {
      if (!Objects.equals(value(now, key), value(then, key))) {
        return "the nucleus reads " + key + " only when it starts";
      }
    }
    return null;
  }

  private static @Nullable JsonNode value(Generation.Entry e, String key) {
    for (Map.Entry<String, JsonNode> p : e.configuration().properties()) {
      if (p.getKey().equalsIgnoreCase(key)) {
        return p.getValue().isNull() ? null : p.getValue();
      }
    }
    return null;
  }

  boolean restartsNucleus(Generation next, Generation current) {
    return restartReason(next, current) != null
        || !components.bootstrap().needed(next, current).isEmpty();
  }

  /** Writes the new generation, and makes it current when nothing else comes first. */
  Outcome apply(
      Progress p,
      java.util.function.LongFunction<Generation> compute,
      GenerationStore.Snapshot snapshot,
      Consumer<Progress> save)
      throws InterruptedException {
    brokenBefore = new TreeSet<>(components.broken(names()).keySet());
    long number = generations.nextNumber();
    Generation next = compute.apply(number);
    Progress between = p.between(generations.good(), number);
    for (String name : brokenBefore) {
      between = between.step(BROKEN + name);
    }
    between = between.step(OFFSET + snapshot.changeOffset());
    save.accept(between);
    generations.write(next);
    fault.passed("generation-written");
    if (Thread.interrupted()) {
      throw new InterruptedException("The deadline of the apply step passed.");
    }
    store.takeAgain();
    fault.passed("brought-taken");
    if (restartsNucleus(next, snapshot.generation())) {
      return new Outcome(Event.STAGE, between);
    }
    switchTo(next, snapshot.changeOffset());
    return Outcome.done(between);
  }

  private void switchTo(Generation next, long since) {
    Map<String, ObjectNode> before = configurations();
    generations.switchTo(next.number(), since);
    fault.passed("pointer-switched");
    reconcile(next, before);
  }

  private void reconcile(Generation next, Map<String, ObjectNode> before) {
    ComponentSet.Reconciled done = components.reconcile(next, before);
    touched = done.changed();
    revived = done.revived();
    fault.passed("reconciled");
  }

  /**
   * Bootstrap steps one after the other, each once, with the restarts that they ask for; then the
   * switch.
   */
  Outcome bootstrap(Progress first, Consumer<Progress> save) throws InterruptedException {
    Progress p = first;
    Generation next = written(p.next());
    Generation current = generations.base();
    List<String> open = new ArrayList<>(components.bootstrap().needed(next, current));
    open.removeIf(name -> first.done(BOOTSTRAP + name));
    RestartPort.What wanted = null;
    while (!open.isEmpty()) {
      String name = open.removeFirst();
      if (components.bootstrap().isOtherNucleus(next, name)) {
        launch.prepare(p.request().id());
      }
      fault.passed("bootstrap-begins");
      RestartPort.What asked = run(next, name);
      p = p.step(BOOTSTRAP + name);
      save.accept(p);
      fault.passed("bootstrapped");
      if (asked == null) {
        continue;
      }
      if (open.isEmpty()) {
        wanted = asked;
      } else if (restarts.restart(asked, "the bootstrap step of " + name + " asks for it")) {
        return new Outcome(Event.RESTART, p);
      }
    }
    String reason = restartReason(next, current);
    if ((wanted != null || reason != null) && !p.done(RESTART)) {
      newOptions(p, next, current);
      p = p.step(RESTART);
      save.accept(p);
      Map<String, ObjectNode> before = configurations();
      generations.switchTo(next.number(), offset(p));
      fault.passed("pointer-switched");
      RestartPort.What what = wanted == null ? RestartPort.What.NUCLEUS : wanted;
      if (restarts.restart(what, reason == null ? "a bootstrap step asks for it" : reason)) {
        return new Outcome(Event.RESTART, p);
      }
      LOG.warn("The core cannot start itself anew; start it again, since {}", reason);
      reconcile(next, before);
      return Outcome.done(p);
    }
    switchTo(next, offset(p));
    return Outcome.done(p);
  }

  private void newOptions(Progress p, Generation next, Generation current) {
    Generation.Entry now = current.components().get(NUCLEUS);
    Generation.Entry then = next.components().get(NUCLEUS);
    JsonNode options = then == null ? null : value(then, "jvmOptions");
    if (now != null && !Objects.equals(value(now, "jvmOptions"), options)) {
      launch.prepare(p.request().id());
      launch.writeOptions(options == null ? "" : options.asString(""));
    }
  }

  private RestartPort.@Nullable What run(Generation g, String name) throws InterruptedException {
    int exit = components.bootstrap().run(g, name);
    for (RestartPort.What w : RestartPort.What.values()) {
      if (exit == w.exitCode()) {
        return w;
      }
    }
    if (exit != 0) {
      throw new NucleusException(
          "COMPONENT_BOOTSTRAP_ERROR",
          "The bootstrap step of "
              + name
              + " exited with code "
              + exit
              + "; see logs/"
              + name
              + ".log and correct the component.");
    }
    return null;
  }

  private Generation written(long number) {
    Optional<Generation> found = generations.read(number);
    return found.orElseThrow(
        () ->
            new NucleusException(
                "IO_READ_ERROR",
                "The new generation " + number + " cannot be read any more; deploy again."));
  }

  private static long offset(Progress p) {
    for (String s : p.steps()) {
      if (s.startsWith(OFFSET)) {
        return Long.parseLong(s.substring(OFFSET.length()));
      }
    }
    return -1;
  }

  // ---- watching

  Outcome awaitHealth(Progress p) throws InterruptedException {
    Set<String> young = touched.isEmpty() ? names() : touched;
    Set<String> excused = new HashSet<>(revived);
    if (touched.isEmpty()) {
      // The process was started anew since: who was broken before is in the progress.
      p.steps().stream()
          .filter(s -> s.startsWith(BROKEN))
          .map(s -> s.substring(BROKEN.length()))
          .filter(this::unchanged)
          .forEach(excused::add);
    }
    while (true) {
      Map<String, String> broken = new LinkedHashMap<>(components.broken(names()));
      broken.keySet().removeAll(excused); // broken before, and not by this deployment
      if (!broken.isEmpty()) {
        Map.Entry<String, String> first = broken.entrySet().iterator().next();
        throw new NucleusException(
            "COMPONENT_BROKEN",
            "Component "
                + first.getKey()
                + " is BROKEN after the deployment ("
                + first.getValue()
                + "); see "
                + components.logOf(first.getKey())
                + " and correct the component.");
      }
      if (components.healthy(young, PROBATION, excused)) {
        return Outcome.done(p);
      }
      components.awaitChange(Duration.ofMillis(50));
    }
  }

  private boolean unchanged(String name) {
    Generation.Entry now = generations.base().components().get(name);
    Optional<Generation> good = generations.read(generations.good());
    Generation.Entry before = good.map(g -> g.components().get(name)).orElse(null);
    return now != null && before != null && now.version().equals(before.version());
  }

  Outcome tidyUp(Progress p) throws InterruptedException {
    generations.markGood();
    launch.succeeded();
    Set<String> late = components.awaitRemoved(Duration.ofSeconds(30));
    if (!late.isEmpty()) {
      LOG.warn("{} are still being removed", late);
    }
    generations.collect(Set.of());
    collectFiles(Set.of());
    return Outcome.done(p);
  }

  /**
   * Removes from the store what no kept generation needs (LESSON-03: never what runs).
   *
   * @param wanted {@code name@version} that a deployment under way needs
   */
  void collectFiles(Set<String> wanted) {
    Set<String> keep = new HashSet<>(wanted);
    for (ComponentStatus s : components.list()) {
      keep.add(s.name() + "@" + s.version());
    }
    keep.addAll(generations.versions());
    store.collect(keep);
    images.keepImages(store.images(keep));
  }

  // ---- back

  /**
   * Makes the generation before the deployment the current one again; no component is touched yet.
   */
  void switchBack(Progress p) {
    if (p.previous() >= 0 && generations.base().number() != p.previous()) {
      generations.switchTo(p.previous(), -1);
      fault.passed("pointer-switched-back");
    }
  }

  /** Whether the loader has found that the new nucleus does not start. */
  boolean newNucleusFailed() {
    return launch.failedOver();
  }

  /**
   * @param switched run when the generation before is the current one again, before components are
   *     touched
   */
  Outcome rollBack(Progress first, Consumer<Progress> save, Runnable switched)
      throws InterruptedException {
    Progress p = first;
    if (p.previous() < 0) {
      switched.run();
      return Outcome.done(p);
    }
    LOG.info("Deployment {} is rolled back to generation {}", p.request().id(), p.previous());
    // Taken before the switch: who sees no difference is not told that its configuration is back.
    Map<String, ObjectNode> before = configurations();
    switchBack(p);
    switched.run();
    Generation g = generations.base();
    boolean restart = launch.rollBack() || p.done(RESTART);
    RestartPort.What what = RestartPort.What.NUCLEUS;
    for (String done : first.steps()) {
      String name = done.startsWith(BOOTSTRAP) ? done.substring(BOOTSTRAP.length()) : "";
      if (!name.isEmpty()
          && !p.done(UNDO_BOOTSTRAP + name)
          && components.bootstrap().onRollback(g, name)) {
        RestartPort.What asked = run(g, name);
        p = p.step(UNDO_BOOTSTRAP + name);
        save.accept(p);
        if (asked != null) {
          restart = true;
          what = asked;
        }
      }
    }
    if (restart && !p.done(UNDO_RESTART)) {
      p = p.step(UNDO_RESTART);
      save.accept(p);
      if (restarts.restart(what, "the deployment is rolled back")) {
        return new Outcome(Event.RESTART, p);
      }
      LOG.warn("The core cannot start itself anew; start it again after the rollback");
    }
    Set<String> back = components.reconcile(g, before).changed();
    Set<String> excused = new HashSet<>(brokenBefore);
    p.steps().stream()
        .filter(s -> s.startsWith(BROKEN))
        .forEach(s -> excused.add(s.substring(BROKEN.length())));
    while (true) {
      Map<String, String> broken = new LinkedHashMap<>(components.broken(names()));
      broken.keySet().removeAll(excused);
      if (!broken.isEmpty()) {
        throw new NucleusException(
            "COMPONENT_BROKEN", "Components are BROKEN also after the rollback: " + broken + ".");
      }
      if (components.healthy(back, Duration.ZERO, excused)) {
        break;
      }
      components.awaitChange(Duration.ofMillis(50));
    }
    components.awaitRemoved(Duration.ofSeconds(30));
    launch.rolledBack();
    generations.collect(Set.of());
    collectFiles(Set.of());
    return Outcome.done(p);
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
}
