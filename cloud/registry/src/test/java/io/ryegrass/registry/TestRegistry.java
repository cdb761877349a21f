package io.ryegrass.registry;

import io.ryegrass.awsapi.ApiEngine;
import io.ryegrass.awsapi.testing.EngineServer;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.registry.job.JobObjects;
import io.ryegrass.registry.job.JobService;
import io.ryegrass.registry.shadow.ShadowService;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.testing.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.iot.IotClient;
import software.amazon.awssdk.services.iotjobsdataplane.IotJobsDataPlaneClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A registry with shadows and jobs on a real store, behind the real API engine, and AWS's client.
 */
public final class TestRegistry implements AutoCloseable {
  /** What was sent to devices. */
  public record Published(String topic, JsonNode payload) {}

  public final List<Published> published = new CopyOnWriteArrayList<>();

  /** What was sent to one client alone. */
  public final List<Published> delivered = new CopyOnWriteArrayList<>();

  /** Of the registry; requests are signed and checked by the machine's own. */
  public final TestClock clock = new TestClock();

  public final Registry registry;
  public final ProvisioningService provisioning;
  public final ShadowService shadows;
  public final JobService jobs;
  public final IotClient iot;
  public final IotJobsDataPlaneClient jobsData;
  private final X509Certificate certificate;
  public final CloudStore store;
  private final EngineServer server;

  public TestRegistry(Path folder) throws IOException {
    this(folder, null, JobObjects.NONE);
  }

  /** With a clock and objects of jobs' own; null for the registry's clock. */
  public TestRegistry(Path folder, @Nullable Clock jobsClock, JobObjects jobObjects)
      throws IOException {
    List<Migration> migrations = new ArrayList<>(IdentityService.migrations());
    migrations.addAll(Registry.migrations());
    migrations.addAll(ShadowService.migrations());
    migrations.addAll(JobService.migrations());
    migrations.addAll(ProvisioningService.migrations());
    store = TestDatabase.open(folder, migrations);
    IdentityService identity = new IdentityService(store, "000000000000", clock);
    CertificateAuthority ca = CertificateAuthority.openOrCreate(folder.resolve("ca"), "Test CA");
    certificate = ca.certificate();
    server = new EngineServer();
    URI api = server.uri();
    Endpoints endpoints = new Endpoints("localhost", 8883, 8443, api);
    registry = new Registry(store, identity, ca, endpoints, "us-east-1", "000000000000", clock);
    registry.events().sendThrough(this::publish);
    shadows = new ShadowService(store, registry, this::publish, clock);
    jobs =
        new JobService(
            store, registry, this::publish, jobsClock == null ? clock : jobsClock, jobObjects);
    provisioning =
        new ProvisioningService(
            store,
            registry,
            ca,
            (client, topic, payload) ->
                delivered.add(new Published(topic, JsonMapper.shared().readTree(payload))),
            clock);
    ApiEngine engine =
        new ApiEngine(
            List.of(registry.iot(), jobs.iotJobs(), jobs.iotJobsData(), provisioning.iot()),
            new SigV4Verifier(identity, Clock.systemUTC()),
            identity.callAuthoriser(),
            "us-east-1",
            "000000000000",
            caller -> ((CallerIdentity) caller).arn(),
            clock);
    server.serve(engine);
    AccessKey root = identity.ensureRootAccessKey();
    StaticCredentialsProvider credentials =
        StaticCredentialsProvider.create(
            AwsBasicCredentials.create(root.accessKeyId(), root.secretAccessKey()));
    iot =
        IotClient.builder()
            .endpointOverride(api)
            .region(Region.US_EAST_1)
            .httpClient(new JdkHttpClient())
            .credentialsProvider(credentials)
            .build();
    jobsData =
        IotJobsDataPlaneClient.builder()
            .endpointOverride(api)
            .region(Region.US_EAST_1)
            .httpClient(new JdkHttpClient())
            .credentialsProvider(credentials)
            .build();
  }

  private void publish(String topic, byte[] payload, int qos) {
    published.add(new Published(topic, JsonMapper.shared().readTree(payload)));
  }

  /** A device with a certificate that is attached to its thing. */
  public DevicePrincipal device(String thing) {
    return new DevicePrincipal("cert", certificate, Set.of(thing));
  }

  /** A message of a device on a shadow or jobs topic. */
  public void fromDevice(String thing, String topic, String payload) {
    DeviceMessage message =
        new DeviceMessage(thing, device(thing), topic, payload.getBytes(StandardCharsets.UTF_8));
    for (var handler : List.of(shadows.topics(), jobs.topics(), provisioning.topics())) {
      if (handler.accepts(topic)) {
        handler.handle(message);
        return;
      }
    }
    throw new AssertionError("nobody takes " + topic);
  }

  /** The newest message on a topic. */
  public JsonNode last(String topic) {
    return published.stream()
        .filter(p -> p.topic().equals(topic))
        .map(Published::payload)
        .reduce((a, b) -> b)
        .orElseThrow(() -> new AssertionError("nothing on " + topic + "; sent: " + published));
  }

  @Override
  public void close() {
    iot.close();
    jobsData.close();
    jobs.close();
    server.close();
    provisioning.close();
    store.close();
  }
}
