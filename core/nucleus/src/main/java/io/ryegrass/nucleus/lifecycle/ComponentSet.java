package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.model.ComponentType;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.JsonPointers;
import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.ComponentBodyFactory;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.ConfigExplanation;
import io.ryegrass.nucleus.ConfigurationListener;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.NucleusSettings;
import io.ryegrass.nucleus.Subscription;
import io.ryegrass.nucleus.config.EffectiveConfiguration;
import io.ryegrass.nucleus.config.Generation;
import io.ryegrass.nucleus.config.GenerationStore;
import io.ryegrass.nucleus.config.NucleusParameters;
import io.ryegrass.nucleus.host.PosixUsers;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Event;
import io.ryegrass.nucleus.store.ComponentStore;
import io.ryegrass.policy.AccessControl;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The components that run here: one actor each, brought in line with a generation by {@link
 * #reconcile}. What a generation does not change is not touched.
 */
public final class ComponentSet implements Components {
  private static final Logger LOG = LoggerFactory.getLogger(ComponentSet.class);
  private static final Duration STOP_DEADLINE = Duration.ofSeconds(60);

  private final NucleusSettings settings;
  private final EffectiveConfiguration config;
  private final GenerationStore generations;
  private final DefinitionReader reader;
  private final BodyMaker maker;
  private final Bootstrap bootstrap;
  private final List<BuiltIn> builtIns;
  private final ComponentEnvironment environment;
  private final Tokens tokens = new Tokens();

  record Member(Definition definition, ComponentActor actor, LogFile log) {}

  private final Map<String, Member> members = new ConcurrentHashMap<>();
  private final Map<String, ComponentActor> leaving = new ConcurrentHashMap<>();
  private final ConfigurationWatches watches = new ConfigurationWatches();
  private final List<Consumer<ComponentStatus>> stateListeners = new CopyOnWriteArrayList<>();
  private final ComponentHealth health;
  private final ReentrantLock reconcileLock = new ReentrantLock();
  private List<String> toldRemarks = List.of();
  private volatile boolean stopping;

  /** What the set works with. */
  public record Parts(
      NucleusSettings settings,
      EffectiveConfiguration config,
      GenerationStore generations,
      ComponentStore store,
      ScriptRunner runner,
      PosixUsers users,
      int ownUid,
      Bus bus,
      CloudPorts cloud,
      List<BuiltIn> builtIns,
      List<ComponentBodyFactory> factories) {}

  public ComponentSet(Parts p) {
    this.settings = p.settings();
    this.config = p.config();
    this.generations = p.generations();
    this.builtIns = List.copyOf(p.builtIns());
    this.health = new ComponentHealth(members, settings.clock());
    this.reader =
        new DefinitionReader(
            p.settings().root(),
            p.config().identity().thingName(),
            p.store(),
            p.config().nucleus(),
            p.users(),
            p.ownUid());
    this.environment = new ComponentEnvironment(p.config());
    this.maker = new BodyMaker(p, this, environment, tokens);
    this.bootstrap = new Bootstrap(p, reader, maker);
  }

  /** The components that run inside this process, deployed or not. */
  public List<BuiltIn> builtIns() {
    return builtIns;
  }

  /** What is run once before a version is started for the first time. */
  public Bootstrap bootstrap() {
    return bootstrap;
  }

  // ---- generations

  /**
   * What a reconciliation did.
   *
   * @param changed components that are new or were changed
   * @param revived unchanged components that were BROKEN and got another chance
   */
  public record Reconciled(Set<String> changed, Set<String> revived, Set<String> removed) {}

  /**
   * Brings the running components in line with a generation; returns when all that is to change has
   * been told so.
   *
   * @param before configuration of each component before, for the watchers
   */
  public Reconciled reconcile(Generation g, Map<String, ObjectNode> before) {
    reconcileLock.lock();
    try {
      maker.readLogging();
      sayWhatDoesNotCount();
      Map<String, Definition> definitions = reader.read(g);
      Set<String> touched = new TreeSet<>();
      Set<String> revived = new TreeSet<>();
      Set<String> removed = new TreeSet<>(members.keySet());
      removed.removeAll(definitions.keySet());
      remove(removed);
      List<Runnable> wishes = new ArrayList<>();
      for (Definition d : definitions.values()) {
        String name = d.entry().name();
        Member old = members.get(name);
        if (old == null) {
          wishes.add(add(d));
          touched.add(name);
        } else if (d.differsInBody(old.definition())) {
          wishes.add(change(d, old));
          touched.add(name);
        } else {
          members.put(name, new Member(d, old.actor(), old.log()));
          if (d.differsInScripts(old.definition())) {
            // only in Shutdown: the running instance keeps the one it was started with
            old.actor().replaceBody(maker.body(d, old.log()), BodyMaker.timeouts(d));
          }
          if (!Objects.equals(d.limits(), old.definition().limits())) {
            old.actor().tell(b -> b.limit(d.limits()));
          }
          if (old.actor().broken()) {
            wishes.add(() -> old.actor().wish(Event.REINSTALL));
            revived.add(name);
          }
        }
        readPolicy(name);
      }
      watches.forgetPolicies();
      for (String name : definitions.keySet()) {
        ObjectNode old = before.get(name);
        Member m = members.get(name);
        if (old != null
            && m != null
            && watches.announce(name, old, config.component(name))
            && !touched.contains(name)) {
          m.actor().configurationChanged(config.component(name));
        }
      }
      wishes.forEach(Runnable::run);
      wakeDependers(definitions.keySet());
      return new Reconciled(touched, revived, removed);
    } finally {
      reconcileLock.unlock();
    }
  }

  /**
   * Components that leave: each when all that hard depend on it have left (section 4.1, "Close/stop
   * order").
   */
  private void remove(Set<String> names) {
    Map<String, Member> going = new LinkedHashMap<>();
    for (String name : names) {
      Member m = members.remove(name);
      if (m != null) {
        going.put(name, m);
        leaving.put(name, m.actor());
        Runnable revoke = tokens.retire(name);
        m.actor()
            .closed()
            .thenRun(
                () -> {
                  revoke.run();
                  leaving.remove(name, m.actor());
                  m.log().close();
                });
      }
    }
    for (Map.Entry<String, Member> e : going.entrySet()) {
      CompletableFuture<?>[] dependers =
          going.values().stream()
              .filter(m -> m.definition().hard().contains(e.getKey()))
              .map(m -> m.actor().closed().copy())
              .toArray(CompletableFuture[]::new);
      CompletableFuture.allOf(dependers)
          .completeOnTimeout(null, STOP_DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
          .thenRun(() -> e.getValue().actor().wish(Event.REMOVE));
    }
  }

  /** Parameters of the nucleus that are set and not honoured are told, once for each value. */
  private void sayWhatDoesNotCount() {
    List<String> remarks = NucleusParameters.remarks(config.nucleus().raw());
    if (!remarks.equals(toldRemarks)) {
      remarks.forEach(r -> LOG.warn("Configuration of the nucleus: {}", r));
      toldRemarks = remarks;
    }
  }

  /** Takes the restart policy from the component's configuration. */
  private void readPolicy(String name) {
    Member m = members.get(name);
    if (m == null) {
      return;
    }
    try {
      m.actor()
          .restartPolicy(
              RestartPolicy.parse(
                  config.find(name, List.of("ryegrass", "restartPolicy")).orElse(null)));
    } catch (RestartPolicy.NotValid e) {
      LOG.warn("Restart policy of {}: {}", name, e.getMessage());
      m.log().warn(e.getMessage() + " The component is treated as the contract says until then.");
      m.actor().restartPolicy(RestartPolicy.CONTRACT);
    }
  }

  private Runnable add(Definition d) {
    String name = d.entry().name();
    ComponentActor previous = leaving.get(name);
    if (previous != null) {
      try {
        previous.closed().get(STOP_DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
        LOG.warn("{} is still being removed; starting it again beside that", name);
      }
    }
    LogFile log = maker.log(name);
    ComponentActor actor =
        new ComponentActor(
            name,
            maker.body(d, log),
            BodyMaker.timeouts(d),
            settings.clock(),
            settings.stopGrace(),
            new Around(name));
    members.put(name, new Member(d, actor, log));
    return () -> actor.wish(Event.START);
  }

  private Runnable change(Definition d, Member old) {
    old.actor().replaceBody(maker.body(d, old.log()), BodyMaker.timeouts(d));
    members.put(d.entry().name(), new Member(d, old.actor(), old.log()));
    boolean install =
        d.needsInstall(old.definition()) || old.actor().state() == ComponentState.BROKEN;
    return () -> old.actor().wish(install ? Event.REINSTALL : Event.RESTART);
  }

  // ---- dependencies and states

  private final class Around implements ComponentActor.Surroundings {
    private final String name;

    Around(String name) {
      this.name = name;
    }

    @Override
    public boolean dependenciesReady() {
      return ready(name);
    }

    @Override
    public void changed(ComponentActor actor) {
      Member m = members.get(name);
      if (m != null && m.actor() == actor) {
        m.log().state(actor.state());
        ComponentStatus status = status(m);
        for (Consumer<ComponentStatus> l : stateListeners) {
          l.accept(status);
        }
      }
      wakeDependers(Set.of(name));
      health.stateChanged();
    }
  }

  private boolean ready(String name) {
    Member m = members.get(name);
    if (m == null) {
      return true;
    }
    for (String dependency : m.definition().hard()) {
      Member d = members.get(dependency);
      if (d == null || !d.actor().functioning()) {
        return false;
      }
    }
    return true;
  }

  private void wakeDependers(Set<String> names) {
    if (stopping) {
      return;
    }
    for (Member m : members.values()) {
      for (String dependency : m.definition().hard()) {
        if (names.contains(dependency)) {
          m.actor().dependencies(ready(m.actor().name()));
          break;
        }
      }
    }
  }

  /** Components that are broken now, with their reasons. */
  public Map<String, String> broken(Set<String> among) {
    return health.broken(among);
  }

  /** Where people read what the component wrote. */
  public String logOf(String name) {
    return maker.logOf(name);
  }

  /**
   * Whether everything has come to rest in a healthy state.
   *
   * @param young components whose state must be this old to count (their process has only just
   *     begun)
   */
  public boolean healthy(Set<String> young, Duration age, Set<String> ignored) {
    return health.healthy(young, age, ignored);
  }

  /** The longest time that a component's recipe gives its installation and start-up together. */
  public Duration longestStart() {
    return health.longestStart();
  }

  /** Whether nothing more happens by itself, healthy or not. */
  public boolean settled() {
    return health.settled();
  }

  /** Waits a little for any change of state. */
  public void awaitChange(Duration most) throws InterruptedException {
    health.awaitChange(most);
  }

  /** Waits until the components being removed are gone; returns those that are not in time. */
  public Set<String> awaitRemoved(Duration deadline) throws InterruptedException {
    long until = System.nanoTime() + deadline.toNanos();
    while (!leaving.isEmpty() && System.nanoTime() < until) {
      awaitChange(Duration.ofMillis(50));
    }
    return Set.copyOf(leaving.keySet());
  }

  /** Stops all, dependers before what they depend on; returns at the latest after the deadline. */
  public void stopAll(Duration deadline) {
    stopping = true;
    long until = System.nanoTime() + deadline.toNanos();
    Set<String> left = new HashSet<>(members.keySet());
    while (!left.isEmpty()) {
      Set<String> wave = new LinkedHashSet<>(left);
      for (String name : left) {
        Member m = members.get(name);
        if (m != null) {
          wave.removeAll(m.definition().hard());
        }
      }
      if (wave.isEmpty()) {
        wave.addAll(left);
      }
      for (String name : wave) {
        Member m = members.get(name);
        if (m != null) {
          m.actor().wish(Event.STOP);
        }
      }
      for (String name : wave) {
        Member m = members.get(name);
        while (m != null && !m.actor().settled() && System.nanoTime() < until) {
          try {
            awaitChange(Duration.ofMillis(20));
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
          }
        }
      }
      left.removeAll(wave);
    }
    members.values().forEach(m -> m.log().close());
  }

  // ---- Components

  /** Puts a variable into the environment of all components started from now on. */
  public void provideEnvironment(String variable, String value) {
    environment.provide(variable, value);
  }

  @Override
  public List<ComponentStatus> list() {
    List<ComponentStatus> all = new ArrayList<>();
    members.values().forEach(m -> all.add(status(m)));
    all.sort(java.util.Comparator.comparing(ComponentStatus::name));
    return all;
  }

  @Override
  public Optional<ComponentStatus> find(String component) {
    Member m = members.get(component);
    return m == null ? Optional.empty() : Optional.of(status(m));
  }

  private ComponentStatus status(Member m) {
    ComponentActor a = m.actor();
    List<String> arns = generations.base().configurationArns(a.name());
    return new ComponentStatus(
        a.name(),
        m.definition().entry().version(),
        a.state(),
        m.definition().entry().type(),
        !arns.isEmpty(),
        arns,
        a.statusCode().isEmpty() ? List.of() : List.of(a.statusCode()),
        a.statusReason(),
        a.since());
  }

  @Override
  public void restart(String component) {
    member(component).actor().wish(Event.RESTART);
  }

  @Override
  public void stop(String component) {
    member(component).actor().wish(Event.STOP);
  }

  @Override
  public void pause(String component) {
    ComponentRequests.ask(member(component).actor(), Event.PAUSE);
  }

  @Override
  public void resume(String component) {
    ComponentRequests.ask(member(component).actor(), Event.RESUME);
  }

  @Override
  public boolean paused(String component) {
    return member(component).actor().phase() == LifecycleTable.Phase.PAUSED;
  }

  @Override
  public void reportState(String component, String state) {
    ComponentRequests.report(member(component).actor(), state);
  }

  @Override
  public Optional<String> componentOfToken(String token) {
    return tokens.principal(token);
  }

  @Override
  public Token issueToken(String principal) {
    return tokens.issue(principal);
  }

  @Override
  public ObjectNode configuration(String component) {
    member(component);
    return config.component(component);
  }

  @Override
  public ConfigExplanation explain(String component, String pointer) {
    Member m = member(component);
    List<String> path;
    try {
      path = JsonPointers.parse(pointer);
    } catch (InvalidDocumentException e) {
      throw new NucleusException("INVALID_ARGUMENTS", String.valueOf(e.getMessage()), e);
    }
    return Explanations.of(
        component,
        pointer,
        config.origins(component, path),
        m.definition().entry().version(),
        m.definition().recipe().defaultConfiguration());
  }

  @Override
  public void updateConfiguration(
      String component, List<String> path, JsonNode value, Instant timestamp) {
    Member m = member(component);
    GenerationStore.Change change =
        generations.update(component, path, value, timestamp.toEpochMilli());
    if (watches.announce(component, change.before(), change.after())) {
      readPolicy(component);
      if (m.definition().recipe().componentType() == ComponentType.NUCLEUS) {
        maker.readLogging();
      }
      m.actor().configurationChanged(config.component(component));
    }
  }

  @Override
  public Subscription onConfigurationChange(
      String component, List<String> path, ConfigurationListener listener) {
    return watches.watch(component, path, listener);
  }

  @Override
  public Subscription onStateChange(Consumer<ComponentStatus> listener) {
    stateListeners.add(listener);
    return () -> stateListeners.remove(listener);
  }

  @Override
  public AccessControl accessControl() {
    return watches.policies(members.keySet(), config);
  }

  private Member member(String component) {
    Member m = members.get(component);
    if (m == null) {
      throw new NucleusException(
          "RESOURCE_NOT_FOUND", "No component " + component + " runs on this core.");
    }
    return m;
  }
}
