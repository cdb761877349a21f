package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.BuiltInComponents;
import io.ryegrass.model.ComponentType;
import io.ryegrass.model.ComponentVersion;
import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.ComponentBodyFactory;
import io.ryegrass.nucleus.ComponentInstance;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.LoggingSettings;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.NucleusSettings;
import io.ryegrass.nucleus.StateReporter;
import io.ryegrass.nucleus.host.PosixUsers;
import io.ryegrass.nucleus.host.PosixUsers.PosixUser;
import io.ryegrass.nucleus.lifecycle.ComponentActor.Timeouts;
import io.ryegrass.nucleus.store.ArtifactPreparer;
import io.ryegrass.nucleus.store.ComponentStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Makes components ready to run: working directory and artifacts for their user, environment,
 * token, log, and the body itself.
 */
final class BodyMaker {
  private static final Logger LOG = LoggerFactory.getLogger(BodyMaker.class);

  private final NucleusSettings settings;
  private final ConfigTree config;
  private final ComponentStore store;
  private final PosixUsers users;
  private final int ownUid;
  private final List<ComponentBodyFactory> factories;
  private final Map<String, BuiltIn> builtIns;
  private final BuiltInBody.Host host;
  private final ArtifactPreparer permissions;
  private final ComponentEnvironment environment;
  private final Tokens tokens;
  private volatile LoggingSettings logging;

  BodyMaker(
      ComponentSet.Parts p,
      ComponentSet components,
      ComponentEnvironment environment,
      Tokens tokens) {
    this.settings = p.settings();
    this.config = p.config();
    this.store = p.store();
    this.users = p.users();
    this.ownUid = p.ownUid();
    this.environment = environment;
    this.tokens = tokens;
    this.logging = p.config().nucleus().logging();
    this.builtIns = new LinkedHashMap<>();
    p.builtIns().forEach(b -> builtIns.put(b.name(), b));
    this.factories = new ArrayList<>(p.factories());
    this.factories.add(
        new GenericBody.Factory(
            p.runner(),
            p.users(),
            p.ownUid(),
            p.config().nucleus()::posixShell,
            p.settings().stopGrace()));
    this.permissions =
        new ArtifactPreparer(
            p.store(), p.cloud().artifacts(), io.ryegrass.nucleus.store.Backoff.ordinary());
    this.host =
        new BuiltInBody.Host(
            p.bus(), p.config(), components, p.cloud(), p.settings().root(), environment::provide);
  }

  /** Limits of the steps, from the recipe. */
  static Timeouts timeouts(Definition d) {
    Steps steps = new Steps(d.lifecycle());
    return new Timeouts(
        steps.timeout("Install", GenericBody.INSTALL_TIMEOUT),
        steps.timeout("Startup", GenericBody.STARTUP_TIMEOUT),
        steps.timeout("Shutdown", GenericBody.SHUTDOWN_TIMEOUT),
        steps.timeout("Recover", GenericBody.RECOVER_TIMEOUT),
        steps.timeout("Uninstall", GenericBody.UNINSTALL_TIMEOUT),
        steps.errorResetTime());
  }

  /** The body for a definition; one that only tells why, when it cannot run. */
  ComponentBody body(Definition d, LogFile log) {
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

  ComponentInstance instance(Definition d, LogFile log) {
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
        d.limits(),
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

  /** The component's log file. */
  /** Where people read what the component wrote. */
  String logOf(String name) {
    for (ComponentBodyFactory f : factories) {
      String log = f.logOf(name);
      if (log != null) {
        return log;
      }
    }
    return "logs/" + name + ".log";
  }

  LogFile log(String name) {
    return new LogFile(name, settings.clock(), () -> logging);
  }

  /** Reads the parameters {@code logging.*} again: they count at once (NUC-21). */
  void readLogging() {
    logging = config.nucleus().logging();
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
