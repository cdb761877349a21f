package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.model.ComponentType;
import io.ryegrass.model.DeploymentDocument.SystemResourceLimits;
import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.ComponentBodyFactory;
import io.ryegrass.nucleus.ComponentInstance;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.StateReporter;
import io.ryegrass.nucleus.host.ComponentCgroup;
import io.ryegrass.nucleus.host.PosixUsers;
import io.ryegrass.nucleus.host.PosixUsers.PosixUser;
import io.ryegrass.nucleus.lifecycle.Steps.Step;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A generic component: the scripts of its life cycle as processes (v2-recipes-config.md section 3).
 */
final class GenericBody implements ComponentBody {
  static final Duration INSTALL_TIMEOUT = Duration.ofSeconds(120);
  static final Duration STARTUP_TIMEOUT = Duration.ofSeconds(120);
  static final Duration SHUTDOWN_TIMEOUT = Duration.ofSeconds(15);
  static final Duration RECOVER_TIMEOUT = Duration.ofSeconds(60);
  static final Duration UNINSTALL_TIMEOUT = Duration.ofSeconds(120);
  private static final Logger LOG = LoggerFactory.getLogger(GenericBody.class);
  private static final Duration FREEZE = Duration.ofSeconds(2);
  private static final Duration NO_TIMEOUT = Duration.ofDays(36500);

  /** Makes generic bodies. */
  static final class Factory implements ComponentBodyFactory {
    private final ScriptRunner runner;
    private final PosixUsers users;
    private final Supplier<String> shell;
    private final Duration grace;
    private final int ownUid;

    Factory(
        ScriptRunner runner, PosixUsers users, int ownUid, Supplier<String> shell, Duration grace) {
      this.runner = runner;
      this.users = users;
      this.ownUid = ownUid;
      this.shell = shell;
      this.grace = grace;
    }

    @Override
    public boolean supports(ComponentType t) {
      return t == ComponentType.GENERIC;
    }

    @Override
    public ComponentBody create(ComponentInstance i) {
      return new GenericBody(i, this);
    }
  }

  private final ComponentInstance instance;
  private final Factory host;
  private final Steps steps;
  private final List<ScriptRunner.Running> started = new CopyOnWriteArrayList<>();

  /** Whether there is anything to shut down: a component whose installation failed never began. */
  private volatile boolean begun;

  private volatile @Nullable SystemResourceLimits limits;
  private volatile long memoryKills;

  private GenericBody(ComponentInstance instance, Factory host) {
    this.instance = instance;
    this.host = host;
    this.steps = new Steps(instance.lifecycle());
    this.limits = instance.limits();
  }

  @Override
  public void install() {
    Step step = steps.find("Install", INSTALL_TIMEOUT);
    if (step != null) {
      runToEnd(step, "INSTALL");
    }
  }

  @Override
  public void start(StateReporter r) {
    begun = true;
    applyLimits();
    Step startup = steps.find("Startup", STARTUP_TIMEOUT);
    if (startup != null) {
      ScriptRunner.Running running = launch(startup);
      running
          .exit()
          .thenAccept(
              code -> {
                if (code == 0) {
                  r.running();
                } else {
                  r.errored("STARTUP_ERROR", reason("startup", code));
                }
              });
      return;
    }
    Step run = steps.find("Run", NO_TIMEOUT);
    if (run == null) {
      r.finished();
      return;
    }
    ScriptRunner.Running running = launch(run);
    r.running();
    if (run.timeout().compareTo(NO_TIMEOUT) < 0) {
      running
          .exit()
          .copy()
          .orTimeout(run.timeout().toMillis(), TimeUnit.MILLISECONDS)
          .whenComplete(
              (code, e) -> {
                if (e instanceof TimeoutException) {
                  r.errored(
                      "RUN_TIMEOUT",
                      "The run script did not end within " + run.timeout().toSeconds() + " s.");
                }
              });
    }
    running
        .exit()
        .thenAccept(
            code -> {
              if (code == 0) {
                r.finished();
              } else {
                r.errored("RUN_ERROR", reason("run", code));
              }
            });
  }

  @Override
  public void stop(Duration deadline) {
    NucleusException failure = null;
    boolean wasBegun = begun;
    begun = false;
    resume();
    try {
      Step shutdown = wasBegun ? steps.find("Shutdown", SHUTDOWN_TIMEOUT) : null;
      if (shutdown != null) {
        runToEnd(shutdown, "SHUTDOWN");
      }
    } catch (NucleusException e) {
      failure = e;
    }
    endAll();
    if (failure != null) {
      throw failure;
    }
  }

  /** Ends all processes without the shutdown script. */
  void endAll() {
    for (ScriptRunner.Running r : started) {
      r.end(host.grace);
      started.remove(r);
    }
    host.runner.endGroup(instance.name(), host.grace);
  }

  // ---- pause and limits

  @Override
  public void pause() {
    ComponentCgroup group = host.runner.group(instance.name());
    if (!group.exists()) {
      throw new NucleusException(
          "PAUSE_ERROR",
          "This core cannot pause components ("
              + host.runner.cgroups().reason()
              + "); use stop and restart.");
    }
    group.freeze(FREEZE);
  }

  @Override
  public void resume() {
    host.runner.group(instance.name()).thaw();
  }

  @Override
  public void limit(@Nullable SystemResourceLimits another) {
    limits = another;
    if (begun) {
      applyLimits();
    }
  }

  /** NUC-07: where they cannot be set the component runs without, and the log says so. */
  private void applyLimits() {
    SystemResourceLimits l = limits;
    long memory = l == null ? 0 : l.memory();
    double cpus = l == null ? 0 : l.cpus();
    if ((memory > 0 || cpus > 0) && !host.runner.cgroups().canLimit()) {
      LOG.warn(
          "The resource limits of {} are not applied: {}",
          instance.name(),
          host.runner.cgroups().reason());
      instance.log().warn("Resource limits are not applied on this core.");
      return;
    }
    try {
      ComponentCgroup group = host.runner.group(instance.name());
      group.limit(memory, cpus);
      memoryKills = group.outOfMemoryKills();
    } catch (NucleusException e) {
      LOG.warn("{}", e.getMessage());
      instance.log().warn(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public void recover() {
    Step step = steps.find("Recover", RECOVER_TIMEOUT);
    if (step != null) {
      try {
        runToEnd(step, "RECOVER");
      } catch (NucleusException e) {
        instance.log().warn(String.valueOf(e.getMessage()));
      }
    }
  }

  @Override
  public void uninstall() {
    Step step = steps.find("Uninstall", UNINSTALL_TIMEOUT);
    if (step != null) {
      try {
        runToEnd(step, "UNINSTALL");
      } finally {
        endAll();
      }
    }
  }

  @Override
  public void configurationChanged(ObjectNode c) {
    // Components hear of it by IPC; their scripts' text would have changed with the life cycle.
  }

  private void runToEnd(Step step, String code) {
    ScriptRunner.Running running = launch(step);
    String name = step.name().toLowerCase(Locale.ROOT);
    try {
      int exit = running.exit().get(step.timeout().toMillis(), TimeUnit.MILLISECONDS);
      if (exit != 0) {
        running.end(host.grace);
        started.remove(running);
        throw new NucleusException(code + "_ERROR", reason(name, exit));
      }
    } catch (TimeoutException e) {
      running.end(host.grace);
      started.remove(running);
      throw new NucleusException(
          code + "_TIMEOUT",
          "The " + name + " script did not end within " + step.timeout().toSeconds() + " s.",
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      running.end(host.grace);
      started.remove(running);
      throw new NucleusException(code + "_ERROR", "The " + name + " script was ended.", e);
    } catch (ExecutionException e) {
      throw new NucleusException(
          code + "_IO_ERROR", "The " + name + " script could not be watched.", e);
    }
  }

  private ScriptRunner.Running launch(Step step) {
    Map<String, String> environment = new LinkedHashMap<>(instance.environment());
    environment.putAll(step.environment());
    if (step.name().equals("Uninstall")) {
      environment.put("GREENGRASS_COMPONENT_VERSION", instance.version().text());
    }
    @Nullable PosixUser user = user(step);
    ScriptRunner.Running running =
        host.runner.start(
            new ScriptRunner.Spec(
                instance.name(),
                step.name(),
                host.shell.get(),
                step.script(),
                instance.work(),
                environment,
                user,
                instance.log()));
    started.add(running);
    return running;
  }

  private @Nullable PosixUser user(Step step) {
    if (step.requiresPrivilege()) {
      return null;
    }
    return userOf(instance.posixUser(), host.users, host.ownUid, code(step));
  }

  /** The contract has codes of their own for three of the steps (TRB-59). */
  private static String code(Step step) {
    String name = step.name().toUpperCase(Locale.ROOT);
    return switch (name) {
      case "INSTALL", "STARTUP", "RUN" -> name + "_MISSING_DEFAULT_RUNWITH";
      default -> name + "_ERROR";
    };
  }

  /**
   * The user for a step without RequiresPrivilege; null for the core's own, which is never root
   * without being told so (NUC-05, TRB-12).
   */
  static @Nullable PosixUser userOf(
      @Nullable String text, PosixUsers users, int ownUid, String code) {
    if (text == null) {
      if (ownUid != 0) {
        return null;
      }
      throw new NucleusException(
          code,
          "Could not determine user/group to run with: this core runs as root, and neither the"
              + " deployment's runWith nor runWithDefault.posixUser of aws.greengrass.Nucleus names"
              + " a user; set it, for example with 'ryegrass install --component-default-user"
              + " ggc_user:ggc_group', or mark the step with RequiresPrivilege.");
    }
    try {
      return users.resolve(text);
    } catch (NucleusException e) {
      throw new NucleusException(
          code, "Could not determine user/group to run with: " + e.getMessage(), e);
    }
  }

  private String reason(String step, int code) {
    String ended = "The " + step + " script exited with code " + code + ".";
    long kills = host.runner.group(instance.name()).outOfMemoryKills();
    if (kills > memoryKills) {
      memoryKills = kills;
      return ended + " The component was beyond its memory limit.";
    }
    return ended;
  }
}
