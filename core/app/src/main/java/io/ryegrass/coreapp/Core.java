package io.ryegrass.coreapp;

import io.ryegrass.clientdevices.ClientDevices;
import io.ryegrass.clientdevices.ServerCertificateSource;
import io.ryegrass.cloudlink.CloudHttps;
import io.ryegrass.cloudlink.CloudLink;
import io.ryegrass.cloudlink.LinkSettings;
import io.ryegrass.cloudlink.PrivateKeys;
import io.ryegrass.cloudlink.TokenExchangeService;
import io.ryegrass.coreapp.provisioning.Provisioner;
import io.ryegrass.docker.DockerImages;
import io.ryegrass.durable.DataFolderLock;
import io.ryegrass.ipc.IpcPorts;
import io.ryegrass.ipc.IpcServer;
import io.ryegrass.lambda.LambdaManager;
import io.ryegrass.lambda.LambdaSettings;
import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ComponentMetric;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.Nucleus;
import io.ryegrass.nucleus.NucleusSettings;
import io.ryegrass.nucleus.RestartPort;
import io.ryegrass.nucleus.bus.LegacySubscriptionRouter;
import io.ryegrass.secretmanager.SecretManager;
import io.ryegrass.shadows.ShadowCloud;
import io.ryegrass.shadows.ShadowManager;
import io.ryegrass.v1.V1Face;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All parts of one core, in the order in which they start. */
final class Core implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Core.class);

  /** A core on a busy device may be slow; one that says nothing for so long stands still. */
  private static final Duration HEALTH_DEADLINE = Duration.ofSeconds(20);

  /** By this name functions of V1 ask for secrets. */
  private static final String SECRETS = "arn:aws:lambda:::function:GGSecretManager";

  /** What has to be closed; the first to close comes first. */
  private final Deque<AutoCloseable> parts = new ArrayDeque<>();

  private String thingName = "";
  private volatile @Nullable Nucleus nucleus;

  private Core() {}

  /**
   * Starts everything; returns when the components have begun to start. The cloud is not waited
   * for.
   *
   * @param defaultUser whom components run as when the configuration names nobody, or null
   * @param restarts how the core is started anew when a deployment asks for it
   * @param lock of the root; closed with the core, or by this method when it throws
   * @param v1 the V1 face when the root is a V1 folder, else null
   * @throws RuntimeException with one sentence for the operator; nothing stays open then
   */
  static Core start(
      Path root,
      @Nullable String defaultUser,
      DataFolderLock lock,
      RestartPort restarts,
      @Nullable V1Face v1) {
    Core core = new Core();
    core.parts.push(lock);
    boolean started = false;
    try {
      NucleusSettings settings = NucleusSettings.of(root).withDefaultUser(defaultUser);
      if (v1 != null) {
        v1.prepare();
        settings = v1.settings(settings);
      }
      core.assemble(settings, restarts, v1);
      started = true;
      return core;
    } finally {
      if (!started) {
        core.close();
      }
    }
  }

  private void assemble(NucleusSettings settings, RestartPort restarts, @Nullable V1Face v1) {
    Clock clock = settings.clock();
    ConfigTree config = Nucleus.readConfiguration(settings);
    CoreLog.follow(config.nucleus().logging());
    thingName = config.identity().thingName();

    CloudHttps https = null;
    CloudLink link = null;
    CloudPorts cloud = CloudPorts.offline();
    ServerCertificateSource.DataPlane dataPlane =
        (method, path, body) -> {
          throw new CloudUnavailableException("This core runs without a cloud.");
        };
    ShadowCloud shadowCloud =
        (method, path, body) -> {
          throw new CloudUnavailableException("This core runs without a cloud.");
        };
    if (config.identity().cloud()) {
      LinkSettings linkSettings = LinkSettings.of(config, clock);
      https = opened(CloudHttps.of(linkSettings, config.nucleus()));
      link = opened(CloudLink.open(linkSettings));
      dataPlane = https::call;
      shadowCloud = https::callData;
      cloud =
          new CloudPorts(
              https.catalog(),
              https.artifacts(),
              link.messaging(),
              link.reporter(),
              link.fleet(),
              https.credentials());
    }

    DockerImages images =
        DockerImages.of(
            cloud.artifacts(),
            https == null ? _ -> Optional.empty() : https.registries(),
            settings.root());
    cloud = cloud.with(images);

    IpcPorts ports = new IpcPorts();
    LambdaManager lambda = new LambdaManager(LambdaSettings.fromSystemProperty());
    SecretManager secrets = secrets(settings.root(), config, ports, https);
    lambda.serve(SECRETS, (caller, subject, payload) -> secrets.answer(caller, payload));
    List<BuiltIn> builtIns = new ArrayList<>();
    builtIns.add(new LegacySubscriptionRouter());
    ServerCertificateSource certificates = ServerCertificateSource.over(dataPlane);
    builtIns.addAll(
        new ClientDevices(v1 == null ? certificates : v1.certificates(certificates), clock)
            .builtIns());
    builtIns.addAll(lambda.builtIns());
    builtIns.add(new TokenExchangeService(clock));
    builtIns.add(secrets);
    builtIns.add(images.component());
    ShadowManager shadows = new ShadowManager(ports, shadowCloud, clock);
    lambda.serve(
        ShadowManager.FUNCTION_ARN, (caller, subject, payload) -> shadows.call(subject, payload));
    builtIns.add(shadows);

    Nucleus nucleus =
        opened(
            v1 == null
                ? Nucleus.open(settings, builtIns, List.of(lambda), cloud)
                : Nucleus.open(
                    settings,
                    v1.builtIns(builtIns),
                    List.of(v1.functions(lambda)),
                    v1.cloud(cloud)));
    nucleus.restartBy(restarts);
    this.nucleus = nucleus;
    if (v1 != null) {
      v1.follow(nucleus);
    }
    var unused =
        nucleus
            .components()
            .onConfigurationChange(
                "aws.greengrass.Nucleus",
                List.of("logging"),
                (component, path) -> CoreLog.follow(nucleus.config().nucleus().logging()));
    // components talk to the socket until they have ended, so it closes after the nucleus
    IpcServer ipc = IpcServer.start(nucleus, cloud.messaging(), ports);
    parts.remove(nucleus);
    parts.push(ipc);
    parts.push(nucleus);

    nucleus.start();
    opened(IdleMemory.start());
    if (link != null) {
      link.start(v1 == null ? nucleus.deployments() : v1.deployments(nucleus.deployments()));
      link.measure(
          nucleus.config(),
          nucleus.components()::list,
          () ->
              ipc.componentMetrics().take().stream()
                  .map(m -> new ComponentMetric(m.component(), m.name(), m.unit(), m.value()))
                  .toList());
    } else if (thingName.isEmpty() && Provisioner.isAsked(settings.root())) {
      Provisioner provisioner = Provisioner.start(settings.root(), restarts);
      if (provisioner != null) {
        parts.push(provisioner);
      }
    }
  }

  /** Asks for the key, and for the cloud, when a deployment has secrets. */
  private static SecretManager secrets(
      Path root, ConfigTree config, IpcPorts ports, @Nullable CloudHttps https) {
    String own =
        config
            .nucleus()
            .find("ryegrass", "secretsPrivateKeyPath")
            .map(v -> v.asString(""))
            .orElse("");
    Path key =
        own.isBlank()
            ? config.identity().privateKey()
            : Path.of(own.startsWith("file:") ? URI.create(own).getPath() : own);
    return new SecretManager(
        root,
        ports,
        (arn, label) -> {
          if (https == null) {
            throw new CloudUnavailableException(
                "Secret " + arn + " cannot be fetched: this core runs without a cloud.");
          }
          return https.secretValue(arn, label);
        },
        () -> PrivateKeys.read(key));
  }

  /**
   * Whether the core's own work makes progress: its scheduler runs a task, and the component set
   * and the deployment engine answer it, each of which takes their locks.
   */
  boolean isHealthy() {
    Nucleus asked = nucleus;
    if (asked == null) {
      return false;
    }
    CountDownLatch answered = new CountDownLatch(1);
    Thread.ofVirtual()
        .name("health")
        .start(
            () -> {
              var components = asked.components().list();
              var deployments = asked.localDeployments().list();
              LOG.debug("{} components, {} deployments", components.size(), deployments.size());
              answered.countDown();
            });
    try {
      return answered.await(HEALTH_DEADLINE.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true; // the watchdog ends, not the core
    }
  }

  /** The nucleus of a core that has started. */
  Nucleus nucleus() {
    Nucleus n = nucleus;
    if (n == null) {
      throw new IllegalStateException("the core has not started");
    }
    return n;
  }

  /** Empty when the core belongs to no cloud. */
  String thingName() {
    return thingName;
  }

  private <T extends AutoCloseable> T opened(T part) {
    parts.push(part);
    return part;
  }

  /**
   * Stops everything in order. A part that fails to stop is logged and does not keep the others.
   */
  @Override
  public void close() {
    while (!parts.isEmpty()) {
      AutoCloseable part = parts.pop();
      try {
        part.close();
      } catch (Exception e) {
        LOG.error("{} did not stop in order", part.getClass().getSimpleName(), e);
      }
    }
  }
}
