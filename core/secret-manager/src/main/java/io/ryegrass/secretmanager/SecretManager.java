package io.ryegrass.secretmanager;

import io.ryegrass.ipc.IpcPorts;
import io.ryegrass.ipc.SecretsPort;
import io.ryegrass.model.JsonFields;
import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.Subscription;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The component. Configuration (SCM-02): {@code cloudSecrets}, {@code periodicRefreshIntervalMin}
 * (absent or 0: never), {@code performance.cloudRequestQueueSize} (100).
 */
public final class SecretManager implements BuiltIn {
  static final String NAME = "aws.greengrass.SecretManager";

  private static final Logger LOG = LoggerFactory.getLogger(NAME);
  private static final int QUEUE = 100;
  private static final Duration FIRST_RETRY = Duration.ofSeconds(5);
  private static final Duration LAST_RETRY = Duration.ofMinutes(5);

  private final IpcPorts ipc;
  private final SecretStore store;
  private final Fetching fetching;

  /** Everything between start and stop. */
  private record Running(
      BuiltInContext context, FunctionSecrets functions, Subscription port, Thread refresher) {}

  /** How long a function waits for a component that is about to start. */
  private static final Duration START = Duration.ofSeconds(10);

  private volatile @Nullable Running running;

  /** Completed by the next start; there while one is to be expected. */
  private volatile @Nullable CompletableFuture<Running> expected;

  private volatile List<Wanted> wanted = List.of();
  private volatile Duration refresh = Duration.ZERO;

  /**
   * @param root the core's root folder
   * @param privateKey asked for when something is read or written, not before
   */
  public SecretManager(
      Path root, IpcPorts ipc, SecretSource source, Supplier<PrivateKey> privateKey) {
    this(root, ipc, source, privateKey, Duration.ofMillis(500));
  }

  /**
   * @param pause between attempts, grows
   */
  SecretManager(
      Path root,
      IpcPorts ipc,
      SecretSource source,
      Supplier<PrivateKey> privateKey,
      Duration pause) {
    this.ipc = ipc;
    this.store = new SecretStore(root, privateKey);
    this.fetching = new Fetching(source, store, pause);
    if (store.exists()) {
      expected = new CompletableFuture<>();
    }
  }

  @Override
  public String name() {
    return NAME;
  }

  /**
   * Fetches all that the deployment asks for (SEC-06: redeploying is what refreshes). A deployment
   * of this device goes on with what is held while the cloud cannot be asked.
   */
  @Override
  public void prepare(ObjectNode configuration, boolean local) {
    List<Wanted> asked = Wanted.of(configuration);
    if (!asked.isEmpty()) {
      fetching.all(asked, local);
      if (running == null && expected == null) {
        expected = new CompletableFuture<>();
      }
    }
  }

  @Override
  public void deploymentEnded(@Nullable ObjectNode configuration) {
    List<Wanted> now;
    try {
      now = configuration == null ? List.of() : Wanted.of(configuration);
    } catch (NucleusException e) {
      LOG.warn("All secrets are kept: {}", e.getMessage());
      return;
    }
    fetching.retain(now);
  }

  @Override
  public void start(BuiltInContext c) {
    fetching.places(QUEUE);
    configure(c.configuration());
    store.open();
    c.onConfigurationChanged(
        changed -> {
          try {
            configure(changed);
          } catch (NucleusException e) {
            c.failed(e.code(), String.valueOf(e.getMessage()));
            return;
          }
          Running current = running;
          if (current != null) {
            current.refresher().interrupt();
          }
        });
    Thread refresher = Thread.ofVirtual().name("secrets-refresh").unstarted(this::keepFresh);
    Running now = new Running(c, new FunctionSecrets(c, this), ipc.offer(port()), refresher);
    running = now;
    refresher.start();
    CompletableFuture<Running> waiting = expected;
    expected = null;
    if (waiting != null) {
      waiting.complete(now);
    }
  }

  private void configure(ObjectNode configuration) {
    wanted = Wanted.of(configuration);
    JsonNode minutes = JsonFields.get(configuration, "periodicRefreshIntervalMin");
    refresh =
        Duration.ofSeconds(
            Math.max(0, Math.round((minutes == null ? 0 : minutes.asDouble(0)) * 60)));
    int places =
        JsonFields.get(configuration, "performance") instanceof ObjectNode performance
                && JsonFields.get(performance, "cloudRequestQueueSize") instanceof JsonNode size
            ? size.asInt(QUEUE)
            : QUEUE;
    fetching.places(places < 1 ? QUEUE : places);
  }

  @Override
  public void stop() {
    Running was = running;
    running = null;
    if (was != null) {
      was.port().close();
      was.refresher().interrupt();
    }
  }

  /**
   * Fetches what is missing (a file that was lost, another private key) until it is there, and all
   * of it at the configured interval. Ends with the component.
   */
  private void keepFresh() {
    Duration retry = FIRST_RETRY;
    while (running != null) {
      List<Wanted> missing = wanted.stream().filter(w -> !w.heldIn(store.all())).toList();
      Duration wait;
      if (missing.isEmpty()) {
        retry = FIRST_RETRY;
        wait = refresh.isZero() ? Duration.ofDays(1) : refresh;
      } else if (fetched(missing) && missing.stream().allMatch(w -> w.heldIn(store.all()))) {
        continue;
      } else {
        wait = retry;
        retry =
            retry.multipliedBy(2).compareTo(LAST_RETRY) > 0 ? LAST_RETRY : retry.multipliedBy(2);
      }
      try {
        Thread.sleep(
            wait.plusMillis(ThreadLocalRandom.current().nextLong(wait.toMillis() / 10 + 1)));
      } catch (InterruptedException e) {
        continue; // stopped, or configured anew
      }
      if (missing.isEmpty() && !refresh.isZero()) {
        wanted.forEach(w -> fetched(List.of(w)));
      }
    }
  }

  private boolean fetched(List<Wanted> some) {
    try {
      fetching.all(some, false);
      return true;
    } catch (RuntimeException e) {
      LOG.warn("Secrets are not fetched and tried again later: {}", e.getMessage());
      return false;
    }
  }

  /** The configured secrets that somebody may mean: more than one when names are alike. */
  List<Held> matching(String id) {
    return store.all().stream()
        .filter(h -> h.named(id) && wanted.stream().anyMatch(w -> w.arn().equals(h.asked())))
        .toList();
  }

  private Optional<Held> find(String id) {
    return matching(id).stream().findFirst();
  }

  /** The version that somebody means; neither given means AWSCURRENT. */
  static Optional<Held.Version> version(
      Held secret, @Nullable String versionId, @Nullable String stage) {
    return versionId != null
        ? secret.version(versionId)
        : secret.labelled(stage == null ? Held.CURRENT : stage);
  }

  byte[] value(Held secret, Held.Version version) {
    return store.value(secret, version);
  }

  /**
   * Answers the Core SDK's {@code get_secret_value} (v1-lambda-runtime.md section 11.2).
   *
   * @param functionArn who asks, as its worker's token says
   */
  public byte[] answer(String functionArn, byte[] request) {
    Running now = running == null ? awaitStart() : running;
    return now == null
        ? FunctionSecrets.error(
            500, "The secrets service is not installed on this core; deploy " + NAME + ".")
        : now.functions().answer(functionArn, request);
  }

  /** Functions start beside this component, and may be faster. */
  private @Nullable Running awaitStart() {
    CompletableFuture<Running> waiting = expected;
    if (waiting == null) {
      return running;
    }
    try {
      return waiting.get(START.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    } catch (ExecutionException | TimeoutException e) {
      return null;
    }
  }

  /** What components see. */
  SecretsPort port() {
    return new Port();
  }

  /** v2-ipc.md section 7.7. */
  private final class Port implements SecretsPort {
    @Override
    public Optional<String> arnOf(String secretId) {
      return find(secretId).map(Held::arn);
    }

    @Override
    public Secret get(
        String arn, @Nullable String versionId, @Nullable String versionStage, boolean refreshed) {
      Held secret = find(arn).orElseThrow(() -> notFound(arn, "it is not configured"));
      if (versionId == null && (refreshed || version(secret, null, versionStage).isEmpty())) {
        try {
          fetching.one(secret.asked(), versionStage == null ? Held.CURRENT : versionStage);
          secret = find(arn).orElse(secret);
        } catch (NucleusException e) {
          if (e.code().equals("SERVICE_ERROR")) {
            throw e;
          }
          LOG.debug("{} is not refreshed: {}", arn, e.getMessage());
        }
      }
      Held.Version version =
          version(secret, versionId, versionStage)
              .orElseThrow(
                  () ->
                      notFound(
                          arn,
                          "this core holds no version "
                              + (versionId == null ? "labelled " + versionStage : versionId)));
      byte[] value = value(secret, version);
      return new Secret(
          secret.arn(),
          version.id(),
          new ArrayList<>(version.stages()),
          version.binary() ? null : new String(value, StandardCharsets.UTF_8),
          version.binary() ? value : null);
    }

    private NucleusException notFound(String arn, String why) {
      return new NucleusException("RESOURCE_NOT_FOUND", "Secret " + arn + ": " + why + ".");
    }
  }
}
