package io.ryegrass.lambda;

import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * Container mode NoContainer: a process in its own session ({@code setsid}), under the function's
 * user ({@code setpriv}, when the core is root). The session is what makes the whole tree findable,
 * also after the core died.
 */
final class PlainProcesses implements WorkerStarter {
  private final Path runtimes;
  private final Leftovers leftovers;
  private final Executor tasks;

  PlainProcesses(Path runtimes, Leftovers leftovers, Executor tasks) {
    this.runtimes = runtimes;
    this.leftovers = leftovers;
    this.tasks = tasks;
  }

  @Override
  public void check(FunctionHome home) {
    var unused = command(home);
  }

  private List<String> command(FunctionHome home) {
    UserIds own = UserIds.own();
    UserIds user = UserIds.of(home.configuration().user(), home.posixUser());
    boolean change = !user.equals(own);
    List<String> command = new ArrayList<>();
    command.add(tool("setsid"));
    if (change) {
      command.add(tool("setpriv"));
      command.add("--reuid=" + user.uid());
      command.add("--regid=" + user.gid());
      // A named user keeps its groups (dialout, gpio …): without a container that is how it reaches
      // devices.
      command.add(user.isNamed() ? "--init-groups" : "--clear-groups");
    }
    command.addAll(
        RuntimeCommand.of(
                home.configuration(),
                home.manager(),
                runtimes,
                home.code(),
                user.uid() == own.uid()
                    ? Interpreters.Reach.OWN_USER
                    : Interpreters.Reach.OTHER_USER)
            .arguments());
    return command;
  }

  @Override
  public WorkerProcess start(FunctionHome home, String token, String name) {
    List<String> command = command(home);
    Map<String, String> environment =
        home.environment()
            .of(home.configuration(), home.code().toString(), home.work().toString(), token, name);
    Process process = run(command, home.code(), environment);
    try {
      leftovers.note(name, process.pid());
    } catch (RuntimeException e) {
      process.destroyForcibly();
      throw e;
    }
    return new Plain(process, home.log(), name, leftovers, tasks);
  }

  static Process run(List<String> command, Path folder, Map<String, String> environment) {
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
    try {
      return builder.start();
    } catch (IOException e) {
      throw new NucleusException(
          "WORKER_START_ERROR",
          "The program "
              + command.getFirst()
              + " cannot be started in "
              + folder
              + ": "
              + e.getMessage(),
          e);
    }
  }

  /** A tool of util-linux, which every distribution has; named when it is missing. */
  static String tool(String name) {
    return find(name)
        .orElseThrow(
            () ->
                new NucleusException(
                    "TOOL_MISSING",
                    "The program " + name + " is missing; install the package util-linux."))
        .toString();
  }

  static Optional<Path> find(String name) {
    return List.of("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/local/sbin")
        .stream()
        .map(folder -> Path.of(folder, name))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** A running plain worker. */
  private static final class Plain implements WorkerProcess {
    private final Process process;
    private final String name;
    private final Executor tasks;
    private final CompletableFuture<Integer> ended = new CompletableFuture<>();

    Plain(Process process, WorkerLog log, String name, Leftovers leftovers, Executor tasks) {
      this.process = process;
      this.name = name;
      this.tasks = tasks;
      tasks.execute(() -> log.carry(process.getInputStream(), "INFO"));
      tasks.execute(() -> log.carry(process.getErrorStream(), "WARN"));
      tasks.execute(
          () -> {
            try {
              int code = process.waitFor();
              boolean clean = ProcessTree.kill(process.pid(), name, Duration.ofSeconds(5));
              if (!clean) {
                log.log()
                    .error("Processes left by worker " + name + " do not end even by SIGKILL.");
              }
              leftovers.forget(name);
              ended.complete(code);
            } catch (InterruptedException e) {
              ended.complete(-1);
              Thread.currentThread().interrupt();
            } catch (RuntimeException e) {
              ended.completeExceptionally(e);
            }
          });
    }

    @Override
    public long pid() {
      return process.pid();
    }

    @Override
    public CompletableFuture<Integer> ended() {
      return ended;
    }

    @Override
    public void terminate() {
      process.destroy();
    }

    @Override
    public void kill() {
      tasks.execute(
          () -> {
            try {
              ProcessTree.kill(process.pid(), name, Duration.ofSeconds(5));
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
    }
  }
}
