package io.ryegrass.lambda;

import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;

/**
 * Container mode NoContainer: a process in its own session ({@code setsid}), under the function's
 * user ({@code setpriv}, when the core is root). The session is what makes the whole tree findable,
 * also after the core died; what a function put into another session, or made deaf to SIGHUP,
 * outlives it, as in V1 (LAM-32).
 */
final class PlainProcesses implements WorkerStarter {
  private final Path runtimes;
  private final Leftovers leftovers;
  private final Models models;
  private final Executor tasks;

  /** Standard input of what reads none. */
  static final ProcessBuilder.Redirect NOTHING =
      ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile());

  PlainProcesses(Path runtimes, Leftovers leftovers, Models models, Executor tasks) {
    this.runtimes = runtimes;
    this.leftovers = leftovers;
    this.models = models;
    this.tasks = tasks;
  }

  @Override
  public void check(FunctionHome home) {
    FunctionConfiguration f = home.configuration();
    var unused = command(home);
    Preflight.check(f, UserIds.of(f.user(), home.posixUser()));
    f.models().forEach(m -> models.folder(f, m));
  }

  private List<String> command(FunctionHome home) {
    UserIds own = UserIds.own();
    UserIds user = UserIds.of(home.configuration().user(), home.posixUser());
    boolean change = !user.equals(own);
    List<String> command = new ArrayList<>(HangUps.heardAgain());
    command.add(tool("setsid"));
    if (change) {
      command.add(tool("setpriv"));
      command.add("--reuid=" + user.uid());
      command.add("--regid=" + user.gid());
      // A named user keeps its groups (dialout, gpio …): without a container that is how it reaches
      // devices.
      List<Integer> owners = Groups.ofModels(home.configuration());
      if (owners.isEmpty()) {
        command.add(user.isNamed() ? "--init-groups" : "--clear-groups");
      } else {
        Set<Integer> all = new LinkedHashSet<>(user.systemGroups());
        all.addAll(owners);
        command.add(
            "--groups=" + all.stream().map(String::valueOf).collect(Collectors.joining(",")));
      }
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
    Executables.libraries(environment, home.configuration(), runtimes, home.code());
    if (!home.configuration().models().isEmpty()) {
      Path prefix = models.link(home.configuration(), home.work().getFileName().toString());
      environment.put(FunctionEnvironment.RESOURCE_PREFIX, prefix.toString()); // MLI-14
    }
    Process process = run(command, home.code(), environment, NOTHING);
    try {
      leftovers.note(name, process.pid());
    } catch (RuntimeException e) {
      process.destroyForcibly();
      throw e;
    }
    return new Plain(process, home.log(), name, leftovers, tasks);
  }

  static Process run(
      List<String> command,
      Path folder,
      Map<String, String> environment,
      ProcessBuilder.Redirect input) {
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    builder.redirectInput(input);
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
              boolean clean = ProcessTree.hangUp(process.pid(), Duration.ofSeconds(5));
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
      process.toHandle().destroy(); // Process.destroy would close the output as well
    }

    @Override
    public void kill() {
      tasks.execute(
          () -> {
            try {
              ProcessTree.hangUp(process.pid(), Duration.ofSeconds(5));
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
    }
  }
}
