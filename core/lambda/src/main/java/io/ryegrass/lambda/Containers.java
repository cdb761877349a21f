package io.ryegrass.lambda;

import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Container mode GreengrassContainer: an OCI runtime from the PATH, {@code runc} or else {@code
 * crun}. Which of them works on this host is found out by running {@code /bin/true} once, in a
 * container like a function's.
 *
 * <p>Containers are named {@code ryegrass-<worker>} and live in a state folder of this core alone
 * ({@code /run/ryegrass/<hash of the root>}), so that a core can end all that an earlier one left
 * behind and nobody else's.
 */
final class Containers implements WorkerStarter {
  private static final Logger LOG = LoggerFactory.getLogger(Containers.class);
  private static final Duration TOOL_DEADLINE = Duration.ofSeconds(10);

  private final UserIds self;
  private final Path runtimes;
  private final Path bundles;
  private final Path state;
  private final String cgroup;
  private final Executor tasks;
  private final ReentrantLock probing = new ReentrantLock();
  private @Nullable Path engine;

  /**
   * @param self who the core runs as
   * @param root root folder of the core: tells this core's containers from others'
   * @param bundles folder for the bundles
   */
  Containers(UserIds self, Path runtimes, Path root, Path bundles, Executor tasks) {
    this.self = self;
    this.runtimes = runtimes;
    this.bundles = bundles;
    this.tasks = tasks;
    String hash =
        HexFormat.of().toHexDigits(root.toAbsolutePath().normalize().toString().hashCode());
    this.state = Path.of("/run/ryegrass", hash);
    this.cgroup = "/ryegrass-" + hash + "-";
  }

  @Override
  public void check(FunctionHome home) {
    var unused = engine(home.configuration());
    var alsoUnused = command(home);
    UserIds user = UserIds.of(home.configuration().user(), home.posixUser());
    LOG.debug("{} will run in containers as {}", home.configuration().arn(), user);
  }

  private static RuntimeCommand command(FunctionHome home) {
    return RuntimeCommand.of(
        home.configuration(),
        home.manager(),
        Path.of(BundleConfig.RUNTIME),
        Path.of(BundleConfig.CODE),
        Interpreters.Reach.CONTAINER);
  }

  private static NucleusException unusable(FunctionConfiguration f, String why) {
    return new NucleusException(
        "CONTAINER_NOT_POSSIBLE",
        "The function "
            + f.arn()
            + " wants containerMode GreengrassContainer, but "
            + why
            + "; install runc and run the core as root, or set containerMode NoContainer.");
  }

  private Path engine(FunctionConfiguration f) {
    if (self.uid() != 0) {
      throw unusable(f, "the core does not run as root");
    }
    probing.lock();
    try {
      if (engine != null) {
        return engine;
      }
      String why = "there is no OCI runtime (runc or crun) on this host";
      for (String name : List.of("runc", "crun")) {
        Optional<Path> candidate = PlainProcesses.find(name);
        if (candidate.isPresent()) {
          Optional<String> problem = probe(candidate.get(), f);
          if (problem.isEmpty()) {
            engine = candidate.get();
            LOG.info("Lambda containers run by {}", engine);
            return engine;
          }
          why = candidate.get() + " does not work on this host (" + problem.get() + ")";
        }
      }
      throw unusable(f, why);
    } finally {
      probing.unlock();
    }
  }

  /** Runs {@code /bin/true}; empty when that works, else what the engine says. */
  private Optional<String> probe(Path candidate, FunctionConfiguration f) {
    String name = "probe-" + ProcessHandle.current().pid();
    String id = "ryegrass-" + name;
    Path bundle = bundles.resolve(id);
    try {
      Files.createDirectories(state);
      FunctionConfiguration plain = f.withoutResources();
      BundleConfig.write(
          bundle,
          plain,
          self,
          RuntimeCommand.plain("/bin/true"),
          Map.of("PATH", "/usr/bin:/bin"),
          bundle,
          bundle,
          cgroup + name);
      Outcome outcome = tool(candidate, "run", "--bundle", bundle.toString(), id);
      var unused = tool(candidate, "delete", "-f", id);
      return outcome.code() == 0 ? Optional.empty() : Optional.of(outcome.text());
    } catch (IOException e) {
      return Optional.of(e.toString());
    } finally {
      remove(bundle);
    }
  }

  @Override
  public WorkerProcess start(FunctionHome home, String token, String name) {
    FunctionConfiguration f = home.configuration();
    Path engine = engine(f);
    String id = "ryegrass-" + name;
    Path bundle = bundles.resolve(id);
    UserIds user = UserIds.of(f.user(), home.posixUser());
    Map<String, String> environment =
        home.environment().of(f, BundleConfig.CODE, "/tmp", token, name);
    environment.remove(
        "RYEGRASS_PYTHON_CACHE"); // the code is read-only in here, and /tmp is new each time
    try {
      BundleConfig.write(
          bundle, f, user, command(home), environment, home.code(), runtimes, cgroup + name);
    } catch (IOException e) {
      throw new NucleusException(
          "WORKER_START_ERROR",
          "The container of " + f.arn() + " cannot be prepared in " + bundle + ": " + e,
          e);
    }
    List<String> command = new ArrayList<>(engineCommand(engine));
    command.addAll(List.of("run", "--bundle", bundle.toString(), id));
    Process process =
        PlainProcesses.run(command, bundle, Map.of("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"));
    return new Container(process, engine, id, bundle, home.log());
  }

  /**
   * Ends the containers that an earlier core of the same root folder left behind; returns how many.
   */
  int reclaim() {
    if (!Files.isDirectory(state)) {
      return 0;
    }
    int ended = 0;
    try (Stream<Path> entries = Files.list(state)) {
      for (Path entry : entries.toList()) {
        String id = entry.getFileName().toString();
        if (id.startsWith("ryegrass-")) {
          for (String name : List.of("runc", "crun")) {
            Optional<Path> candidate = PlainProcesses.find(name);
            if (candidate.isPresent() && Files.exists(entry)) {
              var unused = tool(candidate.get(), "delete", "-f", id);
            }
          }
          if (Files.exists(entry)) {
            LOG.error(
                "The container {} of an earlier core cannot be removed; look into {}", id, state);
          } else {
            ended++;
          }
          remove(bundles.resolve(id));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read the containers in " + state, e);
    }
    return ended;
  }

  /** Leaves nothing behind in {@code /run}; containers that still run keep their folder. */
  void close() {
    try {
      Files.deleteIfExists(state);
    } catch (IOException e) {
      LOG.debug("The folder {} stays: {}", state, e.toString());
    }
  }

  private List<String> engineCommand(Path engine) {
    return List.of(engine.toString(), "--root", state.toString());
  }

  private record Outcome(int code, String text) {}

  private Outcome tool(Path engine, String... arguments) {
    List<String> command = new ArrayList<>(engineCommand(engine));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
    try {
      Process process = builder.start();
      CompletableFuture<String> text =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                      .strip();
                } catch (IOException e) {
                  return e.toString();
                }
              },
              tasks);
      if (!process.waitFor(TOOL_DEADLINE.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
        return new Outcome(-1, "it did not end within " + TOOL_DEADLINE.toSeconds() + " s");
      }
      return new Outcome(
          process.exitValue(), text.get(TOOL_DEADLINE.toMillis(), TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Outcome(-1, "interrupted");
    } catch (Exception e) {
      return new Outcome(-1, e.toString());
    }
  }

  private static void remove(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (IOException | UncheckedIOException e) {
      LOG.warn("The bundle {} is not removed: {}", folder, e.toString());
    }
  }

  /** A running container. */
  private final class Container implements WorkerProcess {
    private final Process process;
    private final Path engine;
    private final String id;
    private final CompletableFuture<Integer> ended = new CompletableFuture<>();

    Container(Process process, Path engine, String id, Path bundle, WorkerLog log) {
      this.process = process;
      this.engine = engine;
      this.id = id;
      tasks.execute(() -> log.carry(process.getInputStream(), "INFO"));
      tasks.execute(() -> log.carry(process.getErrorStream(), "WARN"));
      tasks.execute(
          () -> {
            try {
              int code = process.waitFor();
              // Also when the engine's own process was killed: the container would live on.
              Outcome outcome = tool(engine, "delete", "-f", id);
              if (outcome.code() != 0) {
                LOG.debug("{} delete {}: {}", engine, id, outcome.text());
              }
              remove(bundle);
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
      process.destroy(); // the engine hands the signal on
    }

    @Override
    public void kill() {
      tasks.execute(
          () -> {
            Outcome outcome = tool(engine, "kill", id, "KILL");
            if (outcome.code() != 0) {
              process.destroyForcibly(); // not yet created, or already gone
            }
          });
    }
  }
}
