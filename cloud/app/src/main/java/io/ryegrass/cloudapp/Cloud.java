package io.ryegrass.cloudapp;

import io.ryegrass.awsapi.ApiEngine;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.components.ComponentsService;
import io.ryegrass.devicegateway.CloudServices;
import io.ryegrass.devicegateway.DeviceGateway;
import io.ryegrass.devicegateway.GatewaySettings;
import io.ryegrass.devicegateway.PortInUseException;
import io.ryegrass.durable.DataFolderLock;
import io.ryegrass.durable.DurableException;
import io.ryegrass.events.EventService;
import io.ryegrass.events.EventSettings;
import io.ryegrass.events.WebhookKeys;
import io.ryegrass.functions.FunctionService;
import io.ryegrass.groups.GroupsService;
import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.identity.CertificateException;
import io.ryegrass.identity.IdentityException;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.identity.audit.AuditTrail;
import io.ryegrass.logs.LogsService;
import io.ryegrass.mqtt.MqttBrokerException;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.objects.ReadAccess;
import io.ryegrass.objects.RemoteServer;
import io.ryegrass.objects.S3Api;
import io.ryegrass.objects.S3Exception;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.Endpoints;
import io.ryegrass.registry.ProvisioningService;
import io.ryegrass.registry.Registry;
import io.ryegrass.registry.job.JobService;
import io.ryegrass.registry.shadow.ShadowService;
import io.ryegrass.secrets.SecretsException;
import io.ryegrass.secrets.SecretsService;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.PostgresUrl;
import io.ryegrass.store.StoreException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All parts of the cloud, in the order in which they start; they stop in the reverse order. */
final class Cloud implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Cloud.class);
  private static final long MEBIBYTE = 1 << 20;

  private final Deque<AutoCloseable> started = new ArrayDeque<>();
  private String readyLine = "";
  private Supplier<SortedMap<String, SortedMap<String, Boolean>>> coverage = TreeMap::new;

  private Cloud() {}

  /**
   * Starts everything.
   *
   * @throws CloudException with one sentence for the operator; nothing stays open then
   */
  static Cloud start(CloudOptions options) {
    Cloud cloud = new Cloud();
    boolean ready = false;
    try {
      cloud.assemble(options, Clock.systemUTC());
      ready = true;
      return cloud;
    } catch (PortInUseException e) {
      throw new CloudException(
          e.getMessage()
              + "; choose another with --"
              + e.listener()
              + "-port, or stop the program that has it.",
          e);
    } catch (DurableException e) {
      throw new CloudException(
          "the data folder "
              + options.data()
              + " cannot be used: "
              + e.getMessage()
              + " (--data names another)",
          e);
    } catch (StoreException
        | IdentityException
        | SecretsException
        | CertificateException
        | MqttBrokerException
        | S3Exception e) {
      throw new CloudException(String.valueOf(e.getMessage()), e);
    } finally {
      if (!ready) {
        cloud.close();
      }
    }
  }

  private void assemble(CloudOptions options, Clock clock) {
    Path data = options.data();
    String region = options.region();
    String account = options.account();

    OwnFiles.prepareFolder(data);
    opened(DataFolderLock.acquire(data));
    CertificateAuthority authority =
        CertificateAuthority.openOrCreate(OwnFiles.authorityFolder(data), "Ryegrass Root CA");
    String deviceHost = deviceHost(options.host());
    DeviceGateway gateway =
        opened(
            DeviceGateway.bind(
                new GatewaySettings(
                    options.host(),
                    options.apiPort(),
                    options.httpsPort(),
                    options.mqttPort(),
                    frontPort(options),
                    data.resolve("mqtt"),
                    region,
                    account),
                ServerCertificate.openOrIssue(
                    OwnFiles.authorityFolder(data),
                    authority,
                    names(deviceHost, options.host()),
                    clock),
                authority.certificate(),
                clock));
    URI api = URI.create("http://" + apiHost(options.host()) + ":" + gateway.apiPort());
    URI devices = URI.create("https://" + deviceHost + ":" + gateway.httpsPort());
    Endpoints endpoints = new Endpoints(deviceHost, gateway.mqttPort(), gateway.httpsPort(), api);

    CloudStore store = opened(store(options));
    IdentityService identity = new IdentityService(store, account, clock);
    AuditTrail audit =
        opened(new AuditTrail(store, clock, identity.auditEvents(), AuditTrail.MAX_EVENTS));
    SigV4Verifier verifier = new SigV4Verifier(identity, clock);
    ObjectStore objects = opened(objects(options, clock));
    Registry registry = new Registry(store, identity, authority, endpoints, region, account, clock);
    registry.events().sendThrough(gateway.messages());
    ShadowService shadows = new ShadowService(store, registry, gateway.messages(), clock);
    JobService jobs =
        opened(
            new JobService(
                store,
                registry,
                gateway.messages(),
                clock,
                new JobFiles(objects, identity, devices, region)));
    ProvisioningService provisioning =
        opened(new ProvisioningService(store, registry, authority, gateway.replies(), clock));
    FunctionService functions =
        new FunctionService(
            store, objects, ReadAccess.of(identity, objects), region, account, clock, api);
    SecretsService secrets =
        new SecretsService(store, identity, data.resolve("secrets.key"), region, account, clock);
    if (options.newSecretsKey()) {
      secrets.changeMasterKey();
    }
    CloudStore logStore = opened(CloudStore.open(data.resolve("logs"), LogsService.migrations()));
    LogsService logs =
        opened(
            new LogsService(logStore, region, account, clock, options.logsMegabytes() * MEBIBYTE));
    EventService events =
        opened(
            new EventService(
                store,
                (topic, payload) -> gateway.messages().publish(topic, payload, 1),
                EventSettings.of(WebhookKeys.of(data.resolve("webhooks.keys"), options.webhooks())),
                region,
                account,
                clock));
    ComponentsService components =
        opened(
            new ComponentsService(
                store,
                registry,
                shadows,
                jobs,
                objects,
                ReadAccess.of(identity, objects),
                FunctionSource.of(functions, identity),
                events,
                region,
                account,
                clock,
                devices));
    gateway.onPresence(components::connectionChanged);
    GroupsService groups =
        opened(
            new GroupsService(
                store,
                components,
                functions,
                objects,
                identity,
                registry,
                jobs,
                events,
                data.resolve("groups"),
                region,
                account,
                clock));

    ApiEngine engine =
        new ApiEngine(
            List.of(
                components.greengrassV2(),
                components.fleet(),
                EventsApi.of(events),
                groups.greengrass(),
                groups.explanations(),
                functions.lambda(),
                secrets.secretsManager(),
                logs.logs(),
                registry.iot(),
                jobs.iotJobs(),
                jobs.iotJobsData(),
                provisioning.iot(),
                shadows.iotData(),
                gateway.iotData(),
                identity.iam(),
                identity.sts(),
                audit.cloudTrail()),
            verifier,
            identity.callAuthoriser(
                (call, action, input) ->
                    secrets
                        .find(call, action, input)
                        .or(() -> logs.find(call, action, input))
                        .or(() -> shadows.find(call, action, input))
                        .or(() -> components.find(call, action, input))),
            audit,
            region,
            account,
            caller -> ((CallerIdentity) caller).arn(),
            clock);
    coverage = engine::coverage;
    List<DeviceRoute> routes = new ArrayList<>();
    routes.addAll(shadows.routes());
    routes.addAll(jobs.routes());
    routes.addAll(components.deviceRoutes());
    routes.addAll(groups.deviceRoutes());
    stopsFirst(gateway);
    gateway.serve(
        new CloudServices(
            registry,
            identity,
            engine,
            new S3Api(objects, verifier, identity, region, S3Api.DEFAULT_MAX_BODY_BYTES),
            routes,
            List.of(
                shadows.topics(), jobs.topics(), components.fleetStatus(), provisioning.topics()),
            audit));

    components.start();
    groups.start();
    logs.start();
    jobs.start();
    events.start();

    OwnFiles.writeCredentials(data, identity.ensureRootAccessKey());
    gateway.describeSelf(OwnFiles.selfDescription(options, endpoints, authority.certificatePem()));
    OwnFiles.writeEndpoints(
        options,
        deviceHost,
        api.toString(),
        gateway.httpsPort(),
        gateway.mqttPort(),
        gateway.frontPort());
    readyLine =
        "ryegrass cloud ready: api="
            + api
            + " https="
            + devices
            + " mqtt="
            + deviceHost
            + ":"
            + gateway.mqttPort()
            + " front="
            + deviceHost
            + ":"
            + gateway.frontPort();
    LOG.info(
        "cloud runs in region {}, account {}, data in {}, database {}",
        region,
        account,
        data,
        options.database() == null ? "there" : options.database());
  }

  /** Beside the usual ports the next one if it is free; nobody is kept from starting by it. */
  private static int frontPort(CloudOptions options) {
    if (options.frontPort() >= 0) {
      return options.frontPort();
    }
    if (options.httpsPort() != CloudOptions.DEFAULT_HTTPS_PORT) {
      return 0;
    }
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(options.host(), CloudOptions.DEFAULT_FRONT_PORT));
      return CloudOptions.DEFAULT_FRONT_PORT;
    } catch (IOException e) {
      LOG.info(
          "port {} is taken, MQTT, HTTPS and WebSocket share another",
          CloudOptions.DEFAULT_FRONT_PORT);
      return 0;
    }
  }

  private static ObjectStore objects(CloudOptions options, Clock clock) {
    Path folder = options.data().resolve("objects");
    RemoteServer server = options.objects();
    return server == null
        ? ObjectStore.open(folder, clock)
        : ObjectStore.open(folder, server, clock);
  }

  private static CloudStore store(CloudOptions options) {
    PostgresUrl database = options.database();
    return database == null
        ? CloudStore.open(options.data(), migrations())
        : CloudStore.open(options.data(), database, migrations());
  }

  private static List<Migration> migrations() {
    List<Migration> all = new ArrayList<>();
    all.addAll(IdentityService.migrations());
    all.addAll(AuditTrail.migrations());
    all.addAll(Registry.migrations());
    all.addAll(ShadowService.migrations());
    all.addAll(JobService.migrations());
    all.addAll(ProvisioningService.migrations());
    all.addAll(FunctionService.migrations());
    all.addAll(SecretsService.migrations());
    all.addAll(EventService.migrations());
    all.addAll(ComponentsService.migrations());
    all.addAll(GroupsService.migrations());
    return all;
  }

  private <T extends AutoCloseable> T opened(T part) {
    started.push(part);
    return part;
  }

  /** The doors were opened early, to have their ports; they close before what is behind them. */
  private void stopsFirst(AutoCloseable part) {
    started.remove(part);
    started.push(part);
  }

  /** What the program prints when it is ready. */
  String readyLine() {
    return readyLine;
  }

  /** Which operations are served; see {@link ApiEngine#coverage}. */
  SortedMap<String, SortedMap<String, Boolean>> coverage() {
    return coverage.get();
  }

  /** Stops everything; a part that fails to does not keep the others from it. */
  @Override
  public void close() {
    while (!started.isEmpty()) {
      AutoCloseable part = started.pop();
      try {
        part.close();
      } catch (Exception e) {
        LOG.warn("{} did not stop in order", part.getClass().getSimpleName(), e);
      }
    }
  }

  /** The name devices call the cloud by: a wildcard address is no name. */
  private static String deviceHost(String host) {
    InetAddress address = address(host);
    if (address.isLoopbackAddress()) {
      return "localhost";
    }
    if (address.isAnyLocalAddress()) {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException e) {
        throw new CloudException(
            "The machine's own name is unknown, so devices cannot be told where the cloud is;"
                + " give the address to listen on with --host.",
            e);
      }
    }
    return host;
  }

  private static String apiHost(String host) {
    return address(host).isAnyLocalAddress() ? "127.0.0.1" : host;
  }

  private static InetAddress address(String host) {
    try {
      InetAddress address = InetAddress.getByName(host);
      if (address.isAnyLocalAddress() || NetworkInterface.getByInetAddress(address) != null) {
        return address;
      }
    } catch (UnknownHostException | SocketException e) {
      throw new CloudException(notHere(host), e);
    }
    throw new CloudException(notHere(host), null);
  }

  private static String notHere(String host) {
    return "--host " + host + " is no address of this machine; 127.0.0.1 always is.";
  }

  private static List<String> names(String deviceHost, String host) {
    Set<String> names = new LinkedHashSet<>(List.of(deviceHost, "localhost", "127.0.0.1"));
    if (!address(host).isAnyLocalAddress()) {
      names.add(host);
    }
    return List.copyOf(names);
  }
}
