package io.ryegrass.components;

import io.ryegrass.awsapi.ApiEngine;
import io.ryegrass.awsapi.testing.EngineServer;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.events.Event;
import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.objects.ReadAccess;
import io.ryegrass.registry.DeviceMessage;
import io.ryegrass.registry.DevicePrincipal;
import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.Endpoints;
import io.ryegrass.registry.Registry;
import io.ryegrass.registry.job.JobService;
import io.ryegrass.registry.shadow.ShadowService;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.testing.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.greengrassv2.GreengrassV2Client;
import software.amazon.awssdk.services.iot.IotClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The cloud's services on one machine, called by AWS's own clients; devices are played by the test.
 */
final class TestCloud implements AutoCloseable {
  static final String REGION = "us-east-1";
  static final String ACCOUNT = "000000000000";

  record Published(String topic, String payload) {}

  final List<Published> published = new CopyOnWriteArrayList<>();
  final List<Event> events = new CopyOnWriteArrayList<>();
  final Map<String, LambdaFunctions.Version> functions = new ConcurrentHashMap<>();
  final ObjectStore objects;
  final IdentityService identity;
  final ShadowService shadows;
  final JobService jobs;
  final ComponentsService components;
  final GreengrassV2Client greengrass;
  final IotClient iot;
  private final URI api;
  private final X509Certificate certificate;
  private final CloudStore store;
  private final EngineServer server;

  TestCloud(Path folder) throws IOException {
    Clock clock = Clock.systemUTC();
    List<Migration> migrations = new ArrayList<>();
    migrations.addAll(IdentityService.migrations());
    migrations.addAll(Registry.migrations());
    migrations.addAll(ShadowService.migrations());
    migrations.addAll(JobService.migrations());
    migrations.addAll(ComponentsService.migrations());
    store = TestDatabase.open(folder, migrations);
    identity = new IdentityService(store, ACCOUNT, clock);
    CertificateAuthority ca = CertificateAuthority.openOrCreate(folder.resolve("ca"), "Test CA");
    certificate = ca.certificate();
    objects = ObjectStore.open(folder.resolve("objects"), clock);
    server = new EngineServer();
    api = server.uri();
    Registry registry =
        new Registry(
            store,
            identity,
            ca,
            new Endpoints("localhost", 8883, 8443, api),
            REGION,
            ACCOUNT,
            clock);
    shadows =
        new ShadowService(
            store,
            registry,
            (topic, payload, qos) ->
                published.add(new Published(topic, new String(payload, StandardCharsets.UTF_8))),
            clock);
    jobs =
        new JobService(
            store,
            registry,
            (topic, payload, qos) ->
                published.add(new Published(topic, new String(payload, StandardCharsets.UTF_8))),
            clock);
    components =
        new ComponentsService(
            store,
            registry,
            shadows,
            jobs,
            objects,
            ReadAccess.of(identity),
            (caller, arn) -> Optional.ofNullable(functions.get(arn)),
            events::add,
            REGION,
            ACCOUNT,
            clock,
            URI.create("https://localhost:8443"));
    ApiEngine engine =
        new ApiEngine(
            List.of(components.greengrassV2(), components.fleet(), registry.iot(), jobs.iotJobs()),
            new SigV4Verifier(identity, clock),
            identity.callAuthoriser(components),
            REGION,
            ACCOUNT,
            caller -> ((CallerIdentity) caller).arn(),
            clock);
    server.serve(engine);
    AccessKey root = identity.ensureRootAccessKey();
    StaticCredentialsProvider credentials =
        StaticCredentialsProvider.create(
            AwsBasicCredentials.create(root.accessKeyId(), root.secretAccessKey()));
    greengrass =
        GreengrassV2Client.builder()
            .endpointOverride(api)
            .region(Region.US_EAST_1)
            .httpClient(UrlConnectionHttpClient.create())
            .credentialsProvider(credentials)
            .build();
    iot =
        IotClient.builder()
            .endpointOverride(api)
            .region(Region.US_EAST_1)
            .httpClient(UrlConnectionHttpClient.create())
            .credentialsProvider(credentials)
            .build();
  }

  /** A signed GET of one of our own operations, which AWS's clients do not have. */
  JsonNode own(String path) throws IOException, InterruptedException {
    AccessKey root = identity.ensureRootAccessKey();
    SdkHttpRequest signed =
        AwsV4HttpSigner.create()
            .sign(
                r ->
                    r.identity(
                            AwsBasicCredentials.create(root.accessKeyId(), root.secretAccessKey()))
                        .request(
                            SdkHttpRequest.builder()
                                .method(SdkHttpMethod.GET)
                                .uri(api.resolve(path))
                                .build())
                        .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, "ryegrass")
                        .putProperty(AwsV4HttpSigner.REGION_NAME, REGION))
            .request();
    HttpRequest.Builder call = HttpRequest.newBuilder(signed.getUri());
    signed.forEachHeader(
        (name, values) -> {
          if (!name.equalsIgnoreCase("host")) {
            values.forEach(value -> call.header(name, value));
          }
        });
    try (HttpClient http = HttpClient.newHttpClient()) {
      return json(http.send(call.build(), HttpResponse.BodyHandlers.ofString()).body());
    }
  }

  static CallerIdentity withoutPolicies(String user) {
    return new CallerIdentity(
        ACCOUNT, "arn:aws:iam::" + ACCOUNT + ":user/" + user, "AIDA", false, null, null);
  }

  DevicePrincipal device(String thing) {
    return new DevicePrincipal("cert-of-" + thing, certificate, Set.of(thing));
  }

  /** A message of a device on one of the topics that services listen to. */
  void fromDevice(String thing, String topic, String payload) {
    DeviceMessage message =
        new DeviceMessage(thing, device(thing), topic, payload.getBytes(StandardCharsets.UTF_8));
    for (var handler : List.of(components.fleetStatus(), shadows.topics(), jobs.topics())) {
      if (handler.accepts(topic)) {
        handler.handle(message);
        return;
      }
    }
    throw new AssertionError("nobody takes " + topic);
  }

  /** A device's call of an HTTPS route; parameters as the gateway would have taken them out. */
  DeviceResponse call(String thing, String action, Map<String, String> parameters, String body) {
    DeviceRoute route =
        components.deviceRoutes().stream()
            .filter(r -> r.action().equals("greengrass:" + action))
            .findFirst()
            .orElseThrow();
    return route
        .handler()
        .apply(
            new DeviceRequest(
                device(thing),
                parameters,
                Map.of(),
                Map.of(),
                body.getBytes(StandardCharsets.UTF_8)));
  }

  static JsonNode json(byte[] text) {
    return JsonMapper.shared().readTree(text);
  }

  static JsonNode json(String text) {
    return JsonMapper.shared().readTree(text);
  }

  @Override
  public void close() {
    components.close();
    greengrass.close();
    iot.close();
    server.close();
    objects.close();
    store.close();
  }
}
