package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.BuiltInComponents;
import io.ryegrass.model.ComponentType;
import io.ryegrass.model.ComponentVersion;
import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.ComponentBodyFactory;
import io.ryegrass.nucleus.ComponentInstance;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.ConfigurationListener;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.NucleusSettings;
import io.ryegrass.nucleus.StateReporter;
import io.ryegrass.nucleus.Subscription;
import io.ryegrass.nucleus.config.Generation;
import io.ryegrass.nucleus.config.GenerationStore;
import io.ryegrass.nucleus.config.StampedConfiguration;
import io.ryegrass.nucleus.lifecycle.ComponentActor.Timeouts;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Event;
import io.ryegrass.nucleus.lifecycle.PosixUsers.PosixUser;
import io.ryegrass.nucleus.store.ArtifactPreparer;
import io.ryegrass.nucleus.store.ComponentStore;
import io.ryegrass.policy.AccessControl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
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
  private final ConfigTree config;
  private final GenerationStore generations;
  private final ComponentStore store;
  private final DefinitionReader reader;
  private final List<ComponentBodyFactory> factories;
  private final Map<String, BuiltIn> builtIns;
  private final BuiltInBody.Host host;
  private final PosixUsers users;
  private final int ownUid;
  private final ArtifactPreparer permissions;
  private final ComponentEnvironment environment;
  private final Tokens tokens = new Tokens();

  private record Member(Definition definition, ComponentActor actor, LogFile log) {}

  private record Watch(String component, List<String> path, ConfigurationListener listener) {}

  private final Map<String, Member> members = new ConcurrentHashMap<>();
  private final Map<String, ComponentActor> leaving = new ConcurrentHashMap<>();
  private final List<Watch> watches = new CopyOnWriteArrayList<>();
  private final List<Consumer<ComponentStatus>> stateListeners = new CopyOnWriteArrayList<>();
  private final ReentrantLock changeLock = new ReentrantLock();
  private final Condition changed = changeLock.newCondition();
  private final ReentrantLock reconcileLock = new ReentrantLock();
  private volatile @Nullable AccessControl accessControl;
  private final AtomicLong policyVersion = new AtomicLong();
  private volatile boolean stopping;

  /** What the set works with. */
  public record Parts(
      NucleusSettings settings,
      ConfigTree config,
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
    this.store = p.store();
    this.users = p.users();
    this.ownUid = p.ownUid();
    this.reader =
        new DefinitionReader(
            p.settings().root(),
            p.config().identity().thingName(),
            p.store(),
            p.config().nucleus(),
            p.users(),
            p.ownUid());
    this.builtIns = new LinkedHashMap<>();
    p.builtIns().forEach(b -> builtIns.put(b.name(), b));
    this.factories = new ArrayList<>(p.factories());
    this.factories.add(
        new GenericBody.Factory(
            p.runner(), p.users(), p.config().nucleus()::posixShell, p.settings().stopGrace()));
    this.environment = new ComponentEnvironment(p.config());
    this.permissions =
        new ArtifactPreparer(
            p.store(), p.cloud().artifacts(), io.ryegrass.nucleus.store.Backoff.ordinary());
    this.host =
        new BuiltInBody.Host(
            p.bus(), p.config(), this, p.cloud(), p.settings().root(), environment::provide);
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
      Map<String, Definition> definitions = reader.read(g);
      Set<String> touched = new TreeSet<>();
      Set<String> revived = new TreeSet<>();
      Set<String> removed = new TreeSet<>(members.keySet());
      removed.removeAll(definitions.keySet());
      for (String name : removed) {
        Member m = members.remove(name);
        if (m != null) {
          leaving.put(name, m.actor());
          m.actor().wish(Event.REMOVE);
          m.actor()
              .closed()
              .thenRun(
                  () -> {
                    leaving.remove(name, m.actor());
                    m.log().close();
                  });
          tokens.revoke(name);
        }
      }
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
          if (old.actor().state() == ComponentState.BROKEN) {
            wishes.add(() -> old.actor().wish(Event.REINSTALL));
            revived.add(name);
          }
        }
      }
      forgetPolicies();
      for (String name : definitions.keySet()) {
        ObjectNode old = before.get(name);
        Member m = members.get(name);
        if (old != null
            && m != null
            && announceConfiguration(name, old, config.component(name))
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

  private Runnable add(Definition d) {
    String name = d.entry().name();
    ComponentActor previous = leaving.get(name);
    if (previous != null) {
      try {
        previous.closed().get(STOP_DEADLINE.toMillis(), java.util.concurrent.TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
        LOG.warn("{} is still being removed; starting it again beside that", name);
      }
    }
    LogFile log = log(name);
    ComponentActor actor =
        new ComponentActor(
            name,
            body(d, log),
            timeouts(d),
            settings.clock(),
            settings.stopGrace(),
            new Around(name));
    members.put(name, new Member(d, actor, log));
    return () -> actor.wish(Event.START);
  }

  private Runnable change(Definition d, Member old) {
    old.actor().replaceBody(body(d, old.log()), timeouts(d));
    members.put(d.entry().name(), new Member(d, old.actor(), old.log()));
    boolean install =
        d.needsInstall(old.definition()) || old.actor().state() == ComponentState.BROKEN;
    return () -> old.actor().wish(install ? Event.REINSTALL : Event.RESTART);
  }

  private static Timeouts timeouts(Definition d) {
    Steps steps = new Steps(d.lifecycle());
    return new Timeouts(
        steps.timeout("Install", GenericBody.INSTALL_TIMEOUT),
        steps.timeout("Startup", GenericBody.STARTUP_TIMEOUT),
        steps.timeout("Shutdown", GenericBody.SHUTDOWN_TIMEOUT),
        steps.timeout("Recover", GenericBody.RECOVER_TIMEOUT),
        steps.timeout("Uninstall", GenericBody.UNINSTALL_TIMEOUT),
        steps.errorResetTime());
  }

  private ComponentBody body(Definition d, LogFile log) {
    String name = d.entry().name();
    NucleusException unusable = d.unusable();
    if (unusable != null) {
      return new UnusableBody(unusable);
    }
    try {
      ComponentInstance instance = instance(d, log);
      if (BuiltInComponents.isBuiltIn(name)) {
        return new BuiltInBody(instance, builtIns.get(name), host);
      }
      ComponentType type = d.recipe().componentType();
      for (ComponentBodyFactory f : factories) {
        if (f.supports(type)) {
          return f.create(instance);
        }
      }
      return new UnusableBody(
          new NucleusException(
              type == ComponentType.PLUGIN
                  ? "CUSTOM_PLUGIN_NOT_SUPPORTED"
                  : "COMPONENT_LOAD_FAILURE",
              name
                  + " is of type "
                  + type.wireName()
                  + ", which this core cannot run; use a generic component."));
    } catch (NucleusException e) {
      return new UnusableBody(e);
    } catch (RuntimeException e) {
      LOG.error("{} cannot be loaded", name, e);
      return new UnusableBody(
          new NucleusException("COMPONENT_LOAD_FAILURE", name + " cannot be loaded: " + e, e));
    }
  }

  private ComponentInstance instance(Definition d, LogFile log) {
    String name = d.entry().name();
    String version = d.entry().version();
    Path work = settings.root().resolve("work").resolve(name);
    DurableFiles.createDirectories(work);
    String userText = d.posixUser();
    if (userText != null && ownUid == 0) {
      PosixUser user = users.resolve(userText);
      own(work, user);
      giveArtifacts(d, user);
    }
    return new ComponentInstance(
        name,
        ComponentVersion.parse(version),
        d.recipe(),
        d.lifecycle(),
        config.component(name),
        work,
        store.artifacts(name, version),
        store.unarchived(name, version),
        userText,
        environment.of(tokens.of(name)),
        tokens.of(name),
        log);
  }

  private void giveArtifacts(Definition d, PosixUser user) {
    if (d.manifest() != null && !d.manifest().artifacts().isEmpty()) {
      Path first =
          store
              .artifacts(d.entry().name(), d.entry().version())
              .resolve(d.manifest().artifacts().getFirst().fileName());
      if (uidOf(first) != user.uid()) {
        permissions.applyPermissions(d.recipe(), d.manifest(), user);
      }
    }
  }

  private static int uidOf(Path file) {
    try {
      return Files.getAttribute(file, "unix:uid", LinkOption.NOFOLLOW_LINKS) instanceof Integer i
          ? i
          : -1;
    } catch (IOException e) {
      return -1;
    }
  }

  private static void own(Path folder, PosixUser user) {
    if (uidOf(folder) == user.uid()) {
      return;
    }
    try (var walk = Files.walk(folder)) {
      for (Path p : walk.toList()) {
        Files.setAttribute(p, "unix:uid", user.uid(), LinkOption.NOFOLLOW_LINKS);
        Files.setAttribute(p, "unix:gid", user.gid(), LinkOption.NOFOLLOW_LINKS);
      }
    } catch (IOException e) {
      throw new NucleusException(
          "IO_FILE_ATTRIBUTE_ERROR", "Cannot give " + folder + " to its component's user.", e);
    }
  }

  private LogFile log(String name) {
    return new LogFile(
        settings.root().resolve("logs"),
        name,
        settings.clock(),
        config.nucleus()::logFileSizeKb,
        config.nucleus()::totalLogsSizeKb);
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
        ComponentStatus status = status(m);
        for (Consumer<ComponentStatus> l : stateListeners) {
          l.accept(status);
        }
      }
      wakeDependers(Set.of(name));
      changeLock.lock();
      try {
        changed.signalAll();
      } finally {
        changeLock.unlock();
      }
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
    Map<String, String> found = new LinkedHashMap<>();
    for (String name : among) {
      Member m = members.get(name);
      if (m != null && m.actor().broken()) {
        found.put(name, m.actor().statusCode() + ": " + m.actor().statusReason());
      }
    }
    return found;
  }

  /**
   * Whether everything has come to rest in a healthy state.
   *
   * @param young components whose state must be this old to count (their process has only just
   *     begun)
   */
  public boolean healthy(Set<String> young, Duration age, Set<String> ignored) {
    Instant now = settings.clock().instant();
    for (Member m : members.values()) {
      ComponentActor a = m.actor();
      if (ignored.contains(a.name())) {
        continue;
      }
      if (!a.settled() || a.state() == ComponentState.BROKEN) {
        return false;
      }
      if (young.contains(a.name())
          && m.definition().recipe().componentType() == ComponentType.GENERIC
          && a.state() == ComponentState.RUNNING
          && new Steps(m.definition().lifecycle()).hasRunOnly()
          && Duration.between(a.since(), now).compareTo(age) < 0) {
        return false;
      }
    }
    return true;
  }

  /** The longest time that a component's recipe gives its installation and start-up together. */
  public Duration longestStart() {
    Duration longest = Duration.ZERO;
    for (Member m : members.values()) {
      Steps steps = new Steps(m.definition().lifecycle());
      Duration own =
          steps.timeout("Install", Duration.ZERO).plus(steps.timeout("Startup", Duration.ZERO));
      longest = own.compareTo(longest) > 0 ? own : longest;
    }
    return longest;
  }

  /** Whether nothing more happens by itself, healthy or not. */
  public boolean settled() {
    return members.values().stream().allMatch(m -> m.actor().settled());
  }

  /** Waits a little for any change of state. */
  public void awaitChange(Duration most) throws InterruptedException {
    changeLock.lock();
    try {
      if (changed.awaitNanos(most.toNanos()) <= 0) {
        return;
      }
    } finally {
      changeLock.unlock();
    }
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
  public void reportState(String component, String state) {
    ComponentActor actor = member(component).actor();
    switch (state) {
      case "RUNNING" -> actor.report(Event.REPORT_RUNNING, "", "");
      case "FINISHED" -> actor.report(Event.REPORT_FINISHED, "", "");
      case "ERRORED" ->
          actor.report(
              Event.REPORT_ERRORED,
              actor.state() == ComponentState.STARTING ? "STARTUP_ERROR" : "RUN_ERROR",
              "The component reported ERRORED itself.");
      default ->
          throw new NucleusException(
              "INVALID_ARGUMENTS",
              "State " + state + " cannot be reported; use RUNNING or ERRORED.");
    }
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
  public void updateConfiguration(
      String component, List<String> path, JsonNode value, Instant timestamp) {
    Member m = member(component);
    GenerationStore.Change change =
        generations.update(component, path, value, timestamp.toEpochMilli());
    if (announceConfiguration(component, change.before(), change.after())) {
      m.actor().configurationChanged(config.component(component));
    }
  }

  private boolean announceConfiguration(String component, ObjectNode before, ObjectNode after) {
    List<List<String>> differences = StampedConfiguration.differences(before, after);
    if (differences.isEmpty()) {
      return false;
    }
    forgetPolicies();
    for (Watch w : watches) {
      if (!w.component().equals(component)) {
        continue;
      }
      for (List<String> path : differences) {
        if (under(w.path(), path)) {
          w.listener().changed(component, path);
        }
      }
    }
    return true;
  }

  private static boolean under(List<String> watched, List<String> path) {
    int common = Math.min(watched.size(), path.size());
    for (int i = 0; i < common; i++) {
      if (!watched.get(i).equalsIgnoreCase(path.get(i))) {
        return false;
      }
    }
    return true;
  }

  @Override
  public Subscription onConfigurationChange(
      String component, List<String> path, ConfigurationListener listener) {
    Watch w = new Watch(component, List.copyOf(path), listener);
    watches.add(w);
    return () -> watches.remove(w);
  }

  @Override
  public Subscription onStateChange(Consumer<ComponentStatus> listener) {
    stateListeners.add(listener);
    return () -> stateListeners.remove(listener);
  }

  @Override
  public AccessControl accessControl() {
    AccessControl current = accessControl;
    if (current == null) {
      long version = policyVersion.get();
      Map<String, JsonNode> blocks = new LinkedHashMap<>();
      for (String name : members.keySet()) {
        config.find(name, List.of("accessControl")).ifPresent(block -> blocks.put(name, block));
      }
      current = AccessControl.parse(blocks);
      current.problems().forEach(p -> LOG.warn("Access policy left out: {}", p));
      accessControl = current;
      if (policyVersion.get() != version) {
        accessControl = null;
      }
    }
    return current;
  }

  private void forgetPolicies() {
    policyVersion.incrementAndGet();
    accessControl = null;
  }

  private Member member(String component) {
    Member m = members.get(component);
    if (m == null) {
      throw new NucleusException(
          "RESOURCE_NOT_FOUND", "No component " + component + " runs on this core.");
    }
    return m;
  }

  /** A component that cannot run, with the reason. */
  private record UnusableBody(NucleusException why) implements ComponentBody {
    @Override
    public void install() {
      throw why;
    }

    @Override
    public void start(StateReporter r) {
      r.errored(why.code(), String.valueOf(why.getMessage()));
    }

    @Override
    public void stop(Duration deadline) {}

    @Override
    public void configurationChanged(ObjectNode c) {}

    @Override
    public void uninstall() {}
  }
}
