package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.model.ComponentType;
import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.ComponentBodyFactory;
import io.ryegrass.nucleus.ComponentInstance;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.StateReporter;
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
  private static final Duration NO_TIMEOUT = Duration.ofDays(36500);

  /** Makes generic bodies. */
  static final class Factory implements ComponentBodyFactory {
    private final ScriptRunner runner;
    private final PosixUsers users;
    private final Supplier<String> shell;
    private final Duration grace;

    Factory(ScriptRunner runner, PosixUsers users, Supplier<String> shell, Duration grace) {
      this.runner = runner;
      this.users = users;
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

  private GenericBody(ComponentInstance instance, Factory host) {
    this.instance = instance;
    this.host = host;
    this.steps = new Steps(instance.lifecycle());
  }

  @Override
  public void install() {
    if (steps.find("Bootstrap", INSTALL_TIMEOUT) != null) {
      instance.log().warn("The recipe's Bootstrap step is not run by this core.");
    }
    Step step = steps.find("Install", INSTALL_TIMEOUT);
    if (step != null) {
      runToEnd(step, "INSTALL");
    }
  }

  @Override
  public void start(StateReporter r) {
    begun = true;
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
      } catch (NucleusException e) {
        instance.log().warn(String.valueOf(e.getMessage()));
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
    PosixUser user = user(step);
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
    String text = instance.posixUser();
    return text == null || step.requiresPrivilege() ? null : host.users.resolve(text);
  }

  private static String reason(String step, int code) {
    return "The " + step + " script exited with code " + code + ".";
  }
}
