package io.ryegrass.lambda;

import io.ryegrass.model.ComponentType;
import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.ComponentBodyFactory;
import io.ryegrass.nucleus.ComponentInstance;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.NucleusException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The built-in component {@code aws.greengrass.LambdaManager}, and the maker of all function
 * components: they depend on it, so it runs before the first of them and longer than the last.
 * Configuration: {@code getResultTimeoutInSecond} (60), {@code allowFunctionsToRunAsRoot} ("no": a
 * function of a V1 group that would run as root is refused, {@link RootPermission}), {@code
 * containerEngine} ("runc" or "crun", where the first that works is not wanted), {@code
 * spareContainers} ("inUse": a function in use has its next container made ahead; "always": a
 * deployed one; "never"), and V1's limits for the functions of a group: {@code maxConcurrentLimit}
 * (25 workers of on-demand functions), {@code maxWorkItemCount} (1024 pieces of waiting work).
 */
public final class LambdaManager implements BuiltIn, ComponentBodyFactory {
  private static final Logger LOG = LoggerFactory.getLogger(LambdaManager.class);

  /** Everything that exists between start and stop. */
  record Running(
      BuiltInContext context,
      Functions functions,
      Dispatcher dispatcher,
      DaemonPort port,
      Map<String, Worker> workers,
      PlainProcesses processes,
      Containers containers,
      ScheduledThreadPoolExecutor timer,
      ExecutorService tasks,
      CoreLimits limits) {

    WorkerStarter starter(FunctionConfiguration f) {
      return f.container() ? containers : processes;
    }

    /** The token is issued by the nucleus, so that the credentials endpoint accepts it too. */
    Worker newWorker(FunctionPool pool, String component, String name) {
      Components.Token token = context.components().issueToken(component);
      Worker worker = new Worker(pool, token, name);
      workers.put(token.text(), worker);
      return worker;
    }

    void gone(Worker worker) {
      workers.remove(worker.token());
      worker.endToken();
    }
  }

  private final LambdaSettings settings;
  private final Map<String, WorkService> services = new ConcurrentHashMap<>();
  private volatile @Nullable Running running;

  public LambdaManager(LambdaSettings settings) {
    this.settings = settings;
    serve(
        FunctionEnvironment.SHADOW_ARN,
        (caller, subject, payload) ->
            ("{\"code\":500,\"message\":\"The shadow service is not installed on this core; deploy aws.greengrass.ShadowManager.\"}")
                .getBytes(StandardCharsets.UTF_8));
    serve(
        FunctionEnvironment.SECRETS_ARN,
        (caller, subject, payload) ->
            ("{\"Status\":500,\"Message\":\"The secrets service is not installed on this core; deploy aws.greengrass.SecretManager.\"}")
                .getBytes(StandardCharsets.UTF_8));
  }

  /**
   * All built-in components of this module: the manager itself, and the two that exist in AWS's
   * dependency lists but have nothing of their own to do here ({@code
   * aws.greengrass.LambdaLauncher}, {@code aws.greengrass.LambdaRuntimes}).
   */
  public List<BuiltIn> builtIns() {
    return List.of(
        this,
        new Nominal("aws.greengrass.LambdaLauncher"),
        new Nominal("aws.greengrass.LambdaRuntimes"));
  }

  private record Nominal(String name) implements BuiltIn {
    @Override
    public void start(BuiltInContext c) {}

    @Override
    public void stop() {}
  }

  /**
   * Lets a service of the core answer functions that call it by its ARN without version ({@code
   * arn:aws:lambda:::function:GGShadowService}, {@code …:GGSecretManager}); replaces the one
   * before. May be called at any time.
   */
  public void serve(String unqualifiedArn, WorkService service) {
    services.put(unqualifiedArn, service);
    Running now = running;
    if (now != null) {
      now.dispatcher().serve(unqualifiedArn, service);
    }
  }

  @Override
  public String name() {
    return "aws.greengrass.LambdaManager";
  }

  /** The daemon port; 0 before the start. */
  public int port() {
    Running now = running;
    return now == null ? 0 : now.port().port();
  }

  @Override
  public void start(BuiltInContext c) {
    ExecutorService tasks = Executors.newVirtualThreadPerTaskExecutor();
    Leftovers leftovers = new Leftovers(c.work().resolve("workers"));
    UserIds self = UserIds.own();
    Models models = new Models(c.root(), c.work(), self.uid() == 0);
    Containers containers =
        new Containers(
            self, settings.runtimes(), c.root(), c.work().resolve("containers"), models, tasks);
    try {
      int ended = leftovers.reclaim() + containers.reclaim();
      if (ended > 0) {
        LOG.info("Ended {} workers that an earlier run of this core left behind", ended);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      tasks.shutdownNow();
      throw new NucleusException(
          "INTERRUPTED", "The start of the Lambda manager was interrupted.", e);
    }
    ScheduledThreadPoolExecutor timer =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().name("lambda-timer").daemon().factory());
    timer.setRemoveOnCancelPolicy(true);
    Functions functions = new Functions();
    Dispatcher dispatcher = new Dispatcher(functions, new Invocations(timer), c.bus());
    services.forEach(dispatcher::serve);
    Map<String, Worker> workers = new ConcurrentHashMap<>();
    DaemonPort port;
    try {
      port =
          new DaemonPort(
              c.config().nucleus().lambdaIpcPort(),
              token -> Optional.ofNullable(workers.get(token)),
              functions,
              dispatcher,
              settings);
    } catch (RuntimeException e) {
      timer.shutdownNow();
      tasks.shutdownNow();
      throw e;
    }
    CoreLimits limits = new CoreLimits(tasks);
    configure(dispatcher, limits, c.configuration());
    c.onConfigurationChanged(configuration -> configure(dispatcher, limits, configuration));
    running =
        new Running(
            c,
            functions,
            dispatcher,
            port,
            workers,
            new PlainProcesses(settings.runtimes(), leftovers, models, tasks),
            containers,
            timer,
            tasks,
            limits);
    LOG.info("Lambda functions are served on 127.0.0.1:{}", port.port());
  }

  private static void configure(
      Dispatcher dispatcher, CoreLimits limits, ObjectNode configuration) {
    dispatcher.resultTimeout(
        Duration.ofSeconds(positive(configuration, "getResultTimeoutInSecond", 60)));
    limits.configure(
        positive(configuration, "maxConcurrentLimit", 25),
        positive(configuration, "maxWorkItemCount", 1024));
  }

  private static int positive(ObjectNode configuration, String key, int otherwise) {
    int value = configuration.path(key).asInt(otherwise);
    return value > 0 ? value : otherwise;
  }

  @Override
  public void stop() {
    Running was = running;
    running = null;
    if (was == null) {
      return;
    }
    // Function components depend on this one and are stopped by now; this is for those that could
    // not be.
    for (FunctionPool pool : was.functions().all()) {
      pool.stop(settings.stopGrace());
    }
    was.port().close();
    was.timer().shutdownNow();
    was.tasks().shutdown();
    try {
      if (!was.tasks().awaitTermination(settings.stopGrace().toMillis(), TimeUnit.MILLISECONDS)) {
        was.tasks().shutdownNow();
      }
    } catch (InterruptedException e) {
      was.tasks().shutdownNow();
      Thread.currentThread().interrupt();
    }
    was.containers().close();
  }

  @Override
  public boolean supports(ComponentType t) {
    return t == ComponentType.LAMBDA;
  }

  @Override
  public ComponentBody create(ComponentInstance i) {
    return new LambdaComponentBody(this, settings, i);
  }

  /**
   * @throws NucleusException when the manager does not run
   */
  Running running() {
    Running now = running;
    if (now == null) {
      throw new NucleusException(
          "LAMBDA_MANAGER_NOT_RUNNING",
          "Lambda functions need the component aws.greengrass.LambdaManager, which does not run; add it to the deployment.");
    }
    return now;
  }
}
