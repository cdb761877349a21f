package io.ryegrass.lambda;

import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.ComponentInstance;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.StateReporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * One function component. It is RUNNING when its long-lived worker is initialised, or, on demand,
 * as soon as it can take work. From then on it is a participant of the bus (its qualified ARN) and
 * a target of other functions; a crash of a worker is the pool's business.
 */
final class LambdaComponentBody implements ComponentBody {
  private static final Logger LOG = LoggerFactory.getLogger(LambdaComponentBody.class);

  /** After the start of a worker, until the next one is made ahead. */
  private static final Duration SPARE_AFTER = Duration.ofSeconds(1);

  private final LambdaManager manager;
  private final LambdaSettings settings;
  private final ComponentInstance instance;
  private volatile ObjectNode configuration;
  private volatile @Nullable Started started;
  private volatile @Nullable Path v1Log;

  private record Started(
      LambdaManager.Running running,
      FunctionPool pool,
      StateReporter reporter,
      Spares spares,
      List<AutoCloseable> sources) {}

  LambdaComponentBody(LambdaManager manager, LambdaSettings settings, ComponentInstance instance) {
    this.manager = manager;
    this.settings = settings;
    this.instance = instance;
    this.configuration = instance.configuration();
  }

  @Override
  public void install() {
    FunctionConfiguration f = FunctionConfiguration.read(instance.name(), configuration);
    Path code = code();
    if (!Files.isDirectory(code)) {
      throw new NucleusException(
          "LAMBDA_CODE_NOT_FOUND",
          "The code of "
              + f.arn()
              + " is not at "
              + code
              + "; its recipe needs a ZIP artifact with Unarchive ZIP.");
    }
  }

  /** The unpacked ZIP artifact, or {@code lambda} where the recipe names none. */
  private Path code() {
    String folder = "lambda";
    for (Recipe.Manifest manifest : instance.recipe().manifests()) {
      for (Recipe.Artifact artifact : manifest.artifacts()) {
        String uri = artifact.uri();
        String file = uri.substring(Math.max(uri.lastIndexOf('/'), uri.lastIndexOf(':')) + 1);
        if (file.endsWith(".zip")
            && Files.isDirectory(
                instance.unarchived().resolve(file.substring(0, file.length() - 4)))) {
          return instance.unarchived().resolve(file.substring(0, file.length() - 4));
        }
      }
    }
    return instance.unarchived().resolve(folder);
  }

  /**
   * V1 users look for {@code ggc/var/log/user/<region>/<account>/<name>.log}: a link to the
   * component's log.
   */
  private void linkV1Log(LambdaManager.Running running, FunctionConfiguration f) {
    if (instance.log().ofV1()) {
      return;
    }
    Path root = running.context().root();
    Path link =
        root.resolve(
            Path.of(
                "ggc", "var", "log", "user", f.region(), f.account(), f.functionName() + ".log"));
    Path log = root.resolve("logs").resolve(instance.name() + ".log");
    try {
      Path folder = Files.createDirectories(link.getParent());
      Files.deleteIfExists(link);
      Files.createSymbolicLink(link, folder.relativize(log));
      v1Log = link;
    } catch (IOException e) {
      LOG.warn("No V1 log link for {}: {}", f.arn(), e.toString());
    }
  }

  @Override
  public void start(StateReporter r) {
    try {
      LambdaManager.Running running = manager.running();
      FunctionConfiguration f = FunctionConfiguration.read(instance.name(), configuration);
      check(running, f);
      linkV1Log(running, f);
      Surroundings surroundings = new Surroundings(running, r);
      FunctionPool pool = new FunctionPool(f, settings, surroundings);
      Started now = new Started(running, pool, r, surroundings.spares(pool), new ArrayList<>());
      started = now;
      pool.start();
      attach(now, f);
      if (surroundings.spareContainers().equals("always")) {
        surroundings.run(now.spares()::make);
      }
      if (!f.pinned()) {
        surroundings.ready();
      }
    } catch (NucleusException e) {
      stop(settings.stopGrace());
      r.errored(e.code(), String.valueOf(e.getMessage()));
    }
  }

  /** What cannot be fails before anything starts. */
  private void check(LambdaManager.Running running, FunctionConfiguration f) {
    WorkerStarter.FunctionHome home = home(running, f);
    RootPermission.check(f, home.posixUser(), home.manager());
    Executables.check(f, settings.runtimes(), code());
    running.starter(f).check(home);
  }

  private WorkerStarter.FunctionHome home(LambdaManager.Running running, FunctionConfiguration f) {
    return new WorkerStarter.FunctionHome(
        f,
        code(),
        instance.work(),
        instance.posixUser() == null ? "" : instance.posixUser(),
        new FunctionEnvironment(
            running.context().config().identity().thingName(),
            running.port().port(),
            instance.environment()),
        running.context().configuration(),
        new WorkerLog(instance.log()));
  }

  private void attach(Started now, FunctionConfiguration f) {
    var bus = now.running().context().bus();
    Participant self = Participant.function(f.arn());
    now.running().functions().add(now.pool(), f.aliasArns());
    // Capacity 0: the queue is the pool's own, and the sender learns at once when it is full.
    bus.attach(self, new FunctionReceiver(now.pool()), 0);
    bus.alsoCalled(self, Participant.component(instance.name()));
    for (FunctionConfiguration.EventSource source : f.eventSources()) {
      now.sources()
          .add(
              source.cloud()
                  ? now.running()
                      .context()
                      .cloud()
                      .messaging()
                      .subscribe(
                          source.topic(),
                          1,
                          m -> drop(now.pool(), Work.message(m.topic(), m.payload())))
                  : bus.subscribe(
                      self,
                      source.topic(),
                      true,
                      m -> drop(now.pool(), Work.message(m.topic(), m.payload()))));
    }
  }

  /** For sources that cannot be told: the pool counts it. */
  private void drop(FunctionPool pool, Work work) {
    if (!pool.offer(work)) {
      FunctionPool.Figures figures = pool.figures();
      if (Long.bitCount(figures.refused())
          == 1) { // the 1st, 2nd, 4th, 8th …: a flood does not flood the log
        instance
            .log()
            .warn(
                "The queue of "
                    + pool.arn()
                    + " is full: "
                    + figures.refused()
                    + " messages refused so far.");
      }
    }
  }

  private static void detach(Started was) {
    was.running().context().bus().detach(Participant.function(was.pool().arn()));
    was.running().functions().remove(was.pool());
    for (AutoCloseable source : was.sources()) {
      try {
        source.close();
      } catch (Exception e) {
        LOG.warn("An event source of {} does not close: {}", was.pool().arn(), e.toString());
      }
    }
    was.sources().clear();
  }

  @Override
  public void stop(Duration deadline) {
    Started was = started;
    started = null;
    if (was != null) {
      detach(was);
      was.spares().close();
      was.pool().stop(deadline);
    }
  }

  @Override
  public void configurationChanged(ObjectNode c) {
    configuration = c;
    Started now = started;
    if (now == null) {
      return;
    }
    try {
      change(now, FunctionConfiguration.read(instance.name(), c));
    } catch (NucleusException e) {
      stop(settings.stopGrace());
      now.reporter().errored(e.code(), String.valueOf(e.getMessage()));
    }
  }

  private void change(Started now, FunctionConfiguration f) {
    FunctionConfiguration before = now.pool().configuration();
    if (f.equals(before)) {
      return;
    }
    if (!f.arn().equals(before.arn())) {
      stop(settings.stopGrace());
      start(now.reporter());
      return;
    }
    check(now.running(), f);
    detach(now);
    attach(now, f);
    now.spares().discard();
    now.pool().reconfigure(f);
  }

  /**
   * Nothing of a function outlives it but the V1 log link, and the logs themselves, which the
   * nucleus keeps.
   */
  @Override
  public void uninstall() {
    Path link = v1Log;
    if (link != null) {
      try {
        Files.deleteIfExists(link);
      } catch (IOException e) {
        LOG.warn("The V1 log link {} stays: {}", link, e.toString());
      }
    }
  }

  /** What the pool sees of the rest. */
  private final class Surroundings implements PoolSurroundings {
    private final LambdaManager.Running running;
    private final StateReporter reporter;
    private final AtomicBoolean told = new AtomicBoolean();

    /** Names of workers that were made ahead and have not started. */
    private final Set<String> spared = ConcurrentHashMap.newKeySet();

    Surroundings(LambdaManager.Running running, StateReporter reporter) {
      this.running = running;
      this.reporter = reporter;
    }

    Spares spares(FunctionPool pool) {
      return new Spares(
          () -> ordinary(pool),
          worker -> {
            FunctionConfiguration f = pool.configuration();
            return running.starter(f).prepare(home(running, f), worker.token(), worker.name());
          },
          running::gone);
    }

    /** {@code inUse}, {@code always} or {@code never}. */
    String spareContainers() {
      return running.context().configuration().path("spareContainers").asString("inUse");
    }

    @Override
    public WorkerProcess start(Worker worker) {
      FunctionConfiguration f = worker.pool().configuration();
      WorkerStarter.FunctionHome home = home(running, f);
      Started now = started;
      Optional<WorkerProcess> ready =
          now == null ? Optional.empty() : now.spares().start(worker, home);
      WorkerProcess process =
          ready.orElseGet(() -> running.starter(f).start(home, worker.token(), fresh(worker)));
      if (now != null && f.container() && !f.pinned() && !spareContainers().equals("never")) {
        // Not at once: the worker that starts now needs the processor more.
        var unused =
            timer()
                .schedule(
                    () -> run(() -> spareFor(now)), SPARE_AFTER.toMillis(), TimeUnit.MILLISECONDS);
      }
      return process;
    }

    /** The name of a container that takes the place of one made ahead which cannot be used. */
    private String fresh(Worker worker) {
      return spared.remove(worker.name()) ? worker.name() + "-b" : worker.name();
    }

    private void spareFor(Started now) {
      FunctionPool.Figures figures = now.pool().figures();
      FunctionConfiguration f = now.pool().configuration();
      if (figures.workers() > 0 && figures.workers() < f.maxInstances()) {
        now.spares().make();
      }
    }

    @Override
    public Worker newWorker(FunctionPool pool) {
      Started now = started;
      if (now != null) {
        Optional<Worker> made = now.spares().take();
        if (made.isPresent()) {
          spared.add(made.get().name());
          return made.get();
        }
      }
      return ordinary(pool);
    }

    private Worker ordinary(FunctionPool pool) {
      String suffix = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt());
      return running.newWorker(
          pool, instance.name(), pool.configuration().functionName() + "-" + suffix);
    }

    /**
     * A long-lived function that will be restarted gets its next container made during the pause;
     * an idle function keeps none.
     */
    @Override
    public void gone(Worker worker) {
      running.gone(worker);
      spared.remove(worker.name());
      Started now = started;
      if (now == null || now.pool().figures().workers() > 0) {
        return;
      }
      FunctionConfiguration f = now.pool().configuration();
      if (!f.container() || spareContainers().equals("never")) {
        return;
      }
      if (f.pinned() || spareContainers().equals("always")) {
        now.spares().make();
      } else {
        now.spares().discard();
      }
    }

    @Override
    public void ready() {
      if (told.compareAndSet(false, true)) {
        reporter.running();
      }
    }

    @Override
    public void failed(String reason) {
      reporter.errored("STARTUP_ERROR", reason);
    }

    @Override
    public void log(String level, String text) {
      instance.log().write(level, text);
    }

    @Override
    public void run(Runnable task) {
      running.tasks().execute(task);
    }

    @Override
    public ScheduledExecutorService timer() {
      return running.timer();
    }

    @Override
    public CoreLimits limits() {
      return running.limits();
    }
  }
}
