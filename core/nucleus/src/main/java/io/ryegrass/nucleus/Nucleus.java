package io.ryegrass.nucleus;

import io.ryegrass.durable.DataFolderLock;
import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.BuiltInComponents;
import io.ryegrass.nucleus.bus.LegacySubscriptionRouter;
import io.ryegrass.nucleus.bus.LocalBus;
import io.ryegrass.nucleus.config.CoreConfigFile;
import io.ryegrass.nucleus.config.EffectiveConfiguration;
import io.ryegrass.nucleus.config.Generation;
import io.ryegrass.nucleus.config.GenerationStore;
import io.ryegrass.nucleus.deploy.Engine;
import io.ryegrass.nucleus.deploy.FaultPoint;
import io.ryegrass.nucleus.deploy.LocalRequests;
import io.ryegrass.nucleus.host.Cgroups;
import io.ryegrass.nucleus.host.PosixUsers;
import io.ryegrass.nucleus.lifecycle.ComponentSet;
import io.ryegrass.nucleus.lifecycle.ScriptRunner;
import io.ryegrass.nucleus.store.Backoff;
import io.ryegrass.nucleus.store.ComponentStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The nucleus of one core: opened on a root folder, started once, closed once. */
public final class Nucleus implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Nucleus.class);
  private static final Duration STOP_DEADLINE = Duration.ofSeconds(30);

  private final NucleusSettings settings;
  private final DataFolderLock folderLock;
  private final EffectiveConfiguration config;
  private final GenerationStore generations;
  private final ScriptRunner runner;
  private final LocalBus bus;
  private final ComponentSet components;
  private final Engine engine;
  private final LocalDeployments local;
  private final FleetWatcher fleet;
  private volatile RestartPort restarts = RestartPort.NONE;
  private boolean started;
  private boolean closed;

  private Nucleus(
      NucleusSettings settings,
      List<BuiltIn> builtIns,
      List<ComponentBodyFactory> bodies,
      CloudPorts cloud,
      Backoff backoff,
      FaultPoint fault) {
    this.settings = settings;
    Path root = settings.root();
    CoreConfigFile file = CoreConfigFile.of(settings).withDefaultUser(settings.defaultUser());
    try {
      this.folderLock = DataFolderLock.acquire(root);
    } catch (DurableException e) {
      throw new NucleusException(e.code(), String.valueOf(e.getMessage()), e);
    }
    try {
      if (file.problem() != null) {
        LOG.error("{}", file.problem());
      }
      file.remember(root);
      makeFolders(root);
      this.generations =
          GenerationStore.open(
              root.resolve("generations"),
              settings.clock(),
              Generation.first(BuiltInComponents.NUCLEUS_VERSION, settings.clock().instant()));
      this.config = new EffectiveConfiguration(root, file, generations);
      ComponentStore store = new ComponentStore(root);
      int ownUid = PosixUsers.ownUid();
      PosixUsers users = PosixUsers.ofHost();
      this.runner =
          new ScriptRunner(root.resolve("run"), new Random(), ownUid, Cgroups.ofHost(root));
      this.bus = new LocalBus(cloud.messaging());
      List<BuiltIn> all = new ArrayList<>(builtIns);
      if (all.stream().noneMatch(b -> b.name().equals(LegacySubscriptionRouter.NAME))) {
        all.add(new LegacySubscriptionRouter());
      }
      this.components =
          new ComponentSet(
              new ComponentSet.Parts(
                  settings,
                  config,
                  generations,
                  store,
                  runner,
                  users,
                  ownUid,
                  bus,
                  cloud,
                  all,
                  bodies));
      this.engine =
          new Engine(
              new Engine.Parts(
                  settings,
                  config,
                  generations,
                  store,
                  components,
                  cloud,
                  users,
                  ownUid,
                  backoff,
                  fault,
                  (what, why) -> restarts.restart(what, why)));
      this.local = new LocalRequests(engine, root, settings.clock());
      this.fleet = new FleetWatcher(components, components::settled, engine::busy, cloud.fleet());
    } catch (RuntimeException e) {
      folderLock.close();
      throw e;
    }
  }

  /**
   * Locks the root folder and reads everything from disk; nothing runs yet.
   *
   * @throws NucleusException with one sentence for people when something is missing or wrong
   */
  public static Nucleus open(
      NucleusSettings settings,
      List<BuiltIn> builtIns,
      List<ComponentBodyFactory> bodies,
      CloudPorts cloud) {
    return open(settings, builtIns, bodies, cloud, Backoff.ordinary(), FaultPoint.NONE);
  }

  static Nucleus open(
      NucleusSettings settings,
      List<BuiltIn> builtIns,
      List<ComponentBodyFactory> bodies,
      CloudPorts cloud,
      Backoff backoff,
      FaultPoint fault) {
    NucleusSettings absolute = settings.in(settings.root().toAbsolutePath().normalize());
    return new Nucleus(absolute, builtIns, bodies, cloud, backoff, fault);
  }

  /**
   * Identity and configuration as they stand on disk, in {@code config.yaml} and in the current
   * generation over it, readable before {@link #open}, for building the cloud link.
   *
   * @throws NucleusException with one sentence for people when something is missing or wrong
   */
  public static ConfigTree readConfiguration(NucleusSettings settings) {
    Path root = settings.root().toAbsolutePath().normalize();
    return EffectiveConfiguration.beforeOpening(root, CoreConfigFile.of(settings.in(root)));
  }

  private static void makeFolders(Path root) {
    for (String name : new String[] {"work", "logs", "packages"}) {
      folder(root.resolve(name), "rwxr-xr-x");
    }
    for (String name : new String[] {"generations", "deployments", "run", "spool"}) {
      folder(root.resolve(name), "rwx------");
    }
  }

  private static void folder(Path folder, String mode) {
    if (Files.isDirectory(folder)) {
      return;
    }
    DurableFiles.createDirectories(folder);
    try {
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(mode));
    } catch (IOException | UnsupportedOperationException e) {
      LOG.warn("Cannot set the permissions of {}: {}", folder, e.getMessage());
    }
  }

  /**
   * Starts the current generation and the deployment engine; returns when the components have begun
   * to start.
   */
  public void start() {
    if (started) {
      throw new IllegalStateException("The nucleus was started already.");
    }
    started = true;
    runner.endLeftovers(settings.stopGrace());
    engine.recover();
    components.reconcile(generations.base(), Map.of());
    fleet.start();
    engine.start();
    LOG.info(
        "Nucleus of {} runs generation {}",
        config.identity().thingName().isEmpty()
            ? "a core without a cloud"
            : config.identity().thingName(),
        generations.base().number());
  }

  public Bus bus() {
    return bus;
  }

  public ConfigTree config() {
    return config;
  }

  public DeploymentEngine deployments() {
    return engine;
  }

  /** Who starts this process anew when a deployment needs it; told before {@link #start}. */
  public void restartBy(RestartPort port) {
    restarts = port;
  }

  /** Deployments asked for on this device. */
  public LocalDeployments localDeployments() {
    return local;
  }

  public Components components() {
    return components;
  }

  /** Puts a variable into the environment of all components started from now on. */
  public void provideEnvironment(String variable, String value) {
    components.provideEnvironment(variable, value);
  }

  /**
   * Stops the engine and all components, dependers first, and frees the folder. Closing twice does
   * nothing.
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    fleet.close();
    engine.close();
    components.stopAll(STOP_DEADLINE);
    runner.close();
    bus.close();
    generations.close();
    folderLock.close();
  }
}
