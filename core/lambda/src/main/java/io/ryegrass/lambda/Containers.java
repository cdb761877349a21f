package io.ryegrass.lambda;

import io.ryegrass.model.Json;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Container mode GreengrassContainer: an OCI runtime from the PATH, {@code runc} or else {@code
 * crun}. Which of them works on this host, and how, is found out when the first function asks, by
 * running {@code /bin/true} in a container like a function's.
 *
 * <p>A container can be made ahead ({@link #prepare}): everything is there but the worker's
 * program, in whose place a shell waits for one line. When the core dies, that shell reads the end
 * of its input and ends, and with it the container.
 *
 * <p>Containers are named {@code ryegrass-<worker>}, live in a state folder of this core alone
 * ({@code /run/ryegrass/<hash of the root>}) and in control groups of that name, so that a core can
 * end all that an earlier one left behind and nobody else's.
 */
final class Containers implements WorkerStarter {
  private static final Logger LOG = LoggerFactory.getLogger(Containers.class);
  private static final List<String> ENGINES = List.of("runc", "crun");

  /** Containers made ahead, of all functions together: each costs the runtime's own process. */
  private static final int SPARES_AT_MOST = 4;

  private final UserIds self;
  private final Path runtimes;
  private final Path root;
  private final Path bundles;
  private final Path state;
  private final Path layers;
  private final String cgroup;
  private final Models models;
  private final Executor tasks;
  private final OciTool tool;
  private final ReentrantLock probing = new ReentrantLock();
  private final Semaphore spares = new Semaphore(SPARES_AT_MOST);
  private final Map<String, OciEngine> engines = new HashMap<>();
  private volatile @Nullable Cgroups cgroups;

  /**
   * @param self who the core runs as
   * @param root root folder of the core: tells this core's containers from others'
   * @param bundles folder for the bundles
   */
  Containers(UserIds self, Path runtimes, Path root, Path bundles, Models models, Executor tasks) {
    this.self = self;
    this.runtimes = runtimes;
    this.root = root.toAbsolutePath().normalize();
    this.bundles = bundles;
    this.models = models;
    this.tasks = tasks;
    this.tool = new OciTool(tasks);
    String hash = HexFormat.of().toHexDigits(this.root.toString().hashCode());
    this.state = Path.of("/run/ryegrass", hash);
    this.layers = Path.of("/run/ryegrass", hash + "-layers");
    this.cgroup = "/ryegrass-" + hash + "-";
  }

  @Override
  public void check(FunctionHome home) {
    FunctionConfiguration f = home.configuration();
    var unused = engine(home);
    var alsoUnused = command(home);
    UserIds user = UserIds.of(f.user(), home.posixUser());
    Preflight.check(f, user);
    modelFolders(f);
    LOG.debug("{} will run in containers as {}", f.arn(), user);
  }

  private RuntimeCommand command(FunctionHome home) {
    RuntimeCommand command =
        RuntimeCommand.of(
            home.configuration(),
            home.manager(),
            Path.of(BundleConfig.RUNTIME),
            Path.of(BundleConfig.CODE),
            Interpreters.Reach.CONTAINER);
    for (Path folder : command.folders()) {
      if (folder.startsWith(root)) {
        throw new NucleusException(
            "RUNTIME_NOT_FOUND",
            "The interpreter of "
                + home.configuration().arn()
                + " is in "
                + folder
                + ", below the root folder of this core, which no container sees; put it elsewhere,"
                + " for example under /opt.");
      }
    }
    return command;
  }

  private List<Path> modelFolders(FunctionConfiguration f) {
    return f.models().stream().map(m -> models.folder(f, m)).toList();
  }

  private static NucleusException unusable(FunctionConfiguration f, String why) {
    return new NucleusException(
        "CONTAINER_NOT_POSSIBLE",
        "The function "
            + f.arn()
            + " wants containerMode GreengrassContainer, but "
            + why
            + "; install runc or crun and run the core as root, or set containerMode NoContainer.");
  }

  /** The first that works, or the one that the configuration of the manager names. */
  private OciEngine engine(FunctionHome home) {
    FunctionConfiguration f = home.configuration();
    if (self.uid() != 0) {
      throw unusable(f, "the core does not run as root");
    }
    String wanted = home.manager().path("containerEngine").asString("");
    List<String> names = wanted.isEmpty() ? ENGINES : List.of(wanted);
    if (!ENGINES.containsAll(names)) {
      throw unusable(
          f,
          "containerEngine in the configuration of aws.greengrass.LambdaManager is \""
              + wanted
              + "\", which is neither runc nor crun");
    }
    probing.lock();
    try {
      OciEngine known = engines.get(wanted);
      if (known != null) {
        return known;
      }
      List<Path> programs =
          names.stream().map(PlainProcesses::find).flatMap(Optional::stream).toList();
      String why = "there is no OCI runtime (" + String.join(" or ", names) + ") on this host";
      for (OciEngine candidate : OciEngine.candidates(programs, cgroups())) {
        Optional<String> problem = probe(candidate);
        if (problem.isEmpty()) {
          engines.put(wanted, candidate);
          LOG.info("Lambda containers run by {}", candidate);
          return candidate;
        }
        LOG.debug("{} does not work here: {}", candidate, problem.get());
        why = candidate.program() + " does not work on this host (" + problem.get() + ")";
      }
      throw unusable(f, why);
    } finally {
      probing.unlock();
    }
  }

  private Cgroups cgroups() {
    Cgroups known = cgroups;
    if (known == null) {
      known = Cgroups.ofThisHost();
      cgroups = known;
    }
    return known;
  }

  /** Runs {@code /bin/true}; empty when that works, else what the engine says. */
  private Optional<String> probe(OciEngine candidate) {
    String name = "probe-" + ProcessHandle.current().pid();
    String id = "ryegrass-" + name;
    Path bundle = bundles.resolve(id);
    try {
      Files.createDirectories(state);
      Files.createDirectories(bundle);
      FunctionConfiguration any =
          FunctionConfiguration.read(
              "probe",
              Json.object()
                  .put("lambdaArn", "arn:aws:lambda:::function:probe:1")
                  .put("runtime", "java")
                  .put("handler", "true"));
      BundleConfig.write(
          bundle,
          new BundleConfig.Contents(
              any,
              self,
              RuntimeCommand.plain("/bin/true"),
              Map.of("PATH", "/usr/bin:/bin"),
              root,
              bundle,
              bundle,
              layers.resolve(id),
              List.of(),
              cgroup + name,
              candidate.showsCgroups(),
              false));
      OciTool.Outcome outcome = tool.run(candidate.run(state, bundle, id));
      var unused = tool.run(candidate.command(state, "delete", "-f", id));
      return outcome.isGood() ? Optional.empty() : Optional.of(outcome.text());
    } catch (IOException e) {
      return Optional.of(e.toString());
    } finally {
      Models.delete(bundle);
      Models.delete(layers.resolve(id));
    }
  }

  @Override
  public WorkerProcess start(FunctionHome home, String token, String name) {
    return launch(home, token, name, false);
  }

  @Override
  public Optional<Prepared> prepare(FunctionHome home, String token, String name) {
    if (!spares.tryAcquire()) {
      return Optional.empty();
    }
    try {
      return Optional.of(new Spare(home, name, token, launch(home, token, name, true)));
    } catch (RuntimeException e) {
      spares.release();
      throw e;
    }
  }

  private Map<String, String> environment(FunctionHome home, String token, String name) {
    FunctionConfiguration f = home.configuration();
    Map<String, String> environment =
        home.environment().of(f, BundleConfig.CODE, "/tmp", token, name);
    Executables.libraries(
        environment, f, Path.of(BundleConfig.RUNTIME), Path.of(BundleConfig.CODE));
    environment.remove(
        "RYEGRASS_PYTHON_CACHE"); // the code is read-only in here, and /tmp is new each time
    if (!f.models().isEmpty()) {
      environment.put(FunctionEnvironment.RESOURCE_PREFIX, "/"); // MLI-13
    }
    return environment;
  }

  private ContainerProcess launch(FunctionHome home, String token, String name, boolean gated) {
    FunctionConfiguration f = home.configuration();
    OciEngine engine = engine(home);
    String id = "ryegrass-" + name;
    Path bundle = bundles.resolve(id);
    Map<String, String> environment = environment(home, token, name);
    try {
      Files.createDirectories(state);
      privately(bundles);
      Files.createDirectories(bundle);
      BundleConfig.write(
          bundle,
          new BundleConfig.Contents(
              f,
              UserIds.of(f.user(), home.posixUser()),
              command(home),
              environment,
              root,
              home.code(),
              runtimes,
              layers.resolve(id),
              modelFolders(f),
              cgroup + name,
              engine.showsCgroups(),
              gated));
    } catch (IOException e) {
      throw new NucleusException(
          "WORKER_START_ERROR",
          "The container of " + f.arn() + " cannot be prepared in " + bundle + ": " + e,
          e);
    }
    Process process =
        PlainProcesses.run(
            engine.run(state, bundle, id),
            bundle,
            Map.of("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            gated ? ProcessBuilder.Redirect.PIPE : PlainProcesses.NOTHING);
    return new ContainerProcess(
        process,
        new ContainerProcess.Parts(engine, state, id, bundle, layers.resolve(id), cgroup + name),
        cgroups(),
        environment,
        f,
        home.log(),
        tasks);
  }

  /** The bundles hold tokens: they are the core's alone. */
  private static void privately(Path folder) throws IOException {
    if (Files.notExists(folder)) {
      Files.createDirectories(folder);
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    }
  }

  /**
   * Ends the containers that an earlier core of the same root folder left behind, whether or not
   * their engine had written them down; returns how many.
   */
  int reclaim() {
    int ended = 0;
    if (Files.isDirectory(state)) {
      try (Stream<Path> entries = Files.list(state)) {
        for (Path entry : entries.toList()) {
          String id = entry.getFileName().toString();
          if (id.startsWith("ryegrass-")) {
            end(entry, id);
            ended++;
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot read the containers in " + state, e);
      }
    }
    if (self.uid() == 0) {
      ended = Math.max(ended, cgroups().sweep(cgroup));
      Models.delete(layers);
    }
    Models.delete(bundles);
    return ended;
  }

  private void end(Path entry, String id) {
    for (String name : ENGINES) {
      Optional<Path> candidate = PlainProcesses.find(name);
      if (candidate.isPresent() && Files.exists(entry)) {
        for (OciEngine way : OciEngine.candidates(List.of(candidate.get()), cgroups())) {
          if (way.keeps() && Files.exists(entry)) { // one of each sight of the host is enough
            var unused = tool.run(way.command(state, "delete", "-f", id));
          }
        }
      }
    }
    if (Files.exists(entry)) {
      LOG.error("The container {} of an earlier core cannot be removed; look into {}", id, state);
    }
  }

  /** Leaves nothing behind in {@code /run}; containers that still run keep their folder. */
  void close() {
    try {
      Files.deleteIfExists(state);
      Files.deleteIfExists(layers);
    } catch (IOException e) {
      LOG.debug("The folder {} stays: {}", state, e.toString());
    }
  }

  /** Made ahead: a container in which a shell waits for a line. */
  private final class Spare implements Prepared {
    private final FunctionHome home;
    private final String name;
    private final String token;
    private final ContainerProcess container;
    private final AtomicBoolean used = new AtomicBoolean();

    Spare(FunctionHome home, String name, String token, ContainerProcess container) {
      this.home = home;
      this.name = name;
      this.token = token;
      this.container = container;
    }

    @Override
    public Optional<WorkerProcess> start(FunctionHome now) {
      if (!used.compareAndSet(false, true)) {
        return Optional.empty();
      }
      spares.release();
      boolean same =
          now.configuration().equals(home.configuration())
              && now.code().equals(home.code())
              && now.posixUser().equals(home.posixUser())
              && now.manager().equals(home.manager())
              && environment(now, token, name).equals(container.environment());
      if (same && container.open()) {
        return Optional.of(container);
      }
      container.kill();
      return Optional.empty();
    }

    @Override
    public void discard() {
      if (used.compareAndSet(false, true)) {
        spares.release();
        container.close();
      }
    }
  }
}
