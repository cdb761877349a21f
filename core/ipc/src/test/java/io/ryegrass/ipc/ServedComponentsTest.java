package io.ryegrass.ipc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.eventstream.RpcServer;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.Subscription;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.AuthorizeClientDeviceActionRequest;
import software.amazon.awssdk.aws.greengrass.model.CertificateOptions;
import software.amazon.awssdk.aws.greengrass.model.CertificateType;
import software.amazon.awssdk.aws.greengrass.model.ClientDeviceCredential;
import software.amazon.awssdk.aws.greengrass.model.ConflictError;
import software.amazon.awssdk.aws.greengrass.model.CredentialDocument;
import software.amazon.awssdk.aws.greengrass.model.DeleteThingShadowRequest;
import software.amazon.awssdk.aws.greengrass.model.GetClientDeviceAuthTokenRequest;
import software.amazon.awssdk.aws.greengrass.model.GetSecretValueRequest;
import software.amazon.awssdk.aws.greengrass.model.GetThingShadowRequest;
import software.amazon.awssdk.aws.greengrass.model.InvalidArgumentsError;
import software.amazon.awssdk.aws.greengrass.model.InvalidClientDeviceAuthTokenError;
import software.amazon.awssdk.aws.greengrass.model.InvalidCredentialError;
import software.amazon.awssdk.aws.greengrass.model.ListNamedShadowsForThingRequest;
import software.amazon.awssdk.aws.greengrass.model.MQTTCredential;
import software.amazon.awssdk.aws.greengrass.model.ResourceNotFoundError;
import software.amazon.awssdk.aws.greengrass.model.ServiceError;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToCertificateUpdatesRequest;
import software.amazon.awssdk.aws.greengrass.model.UnauthorizedError;
import software.amazon.awssdk.aws.greengrass.model.UpdateThingShadowRequest;
import software.amazon.awssdk.aws.greengrass.model.VerifyClientDeviceIdentityRequest;

/**
 * Operations that a component serves while it runs, through AWS's SDK (IPC-24 to IPC-30, IPC-37 to
 * IPC-41, TRB-18).
 */
@Timeout(120)
class ServedComponentsTest {
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final String ARN =
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:greengrass-db-AbCdEf";
  private static final String CONFIGURATION =
      """
      {"accessControl": {
        "aws.greengrass.SecretManager": {"s": {"operations": ["aws.greengrass#GetSecretValue"],
          "resources": ["arn:aws:secretsmanager:us-east-1:123456789012:secret:greengrass-*"]}},
        "aws.greengrass.ShadowManager": {"t": {"operations": ["*"],
          "resources": ["$aws/things/MyDevice*/shadow*", "MyDevice1"]}},
        "aws.greengrass.clientdevices.Auth": {"c": {"operations": ["*"], "resources": ["*"]}}}}
      """;

  @TempDir Path root;
  private TestCore core;
  private IpcServer server;
  private GreengrassCoreIPCClientV2 client;
  private GreengrassCoreIPCClientV2 bare;

  @BeforeEach
  void start() throws IOException {
    core = new TestCore(root);
    server = IpcServer.start(core.core(), RpcServer.Limits.defaults());
    client = connect(core.component("c", CONFIGURATION));
    bare = connect(core.component("bare", "{}"));
  }

  @AfterEach
  void stop() throws Exception {
    client.close();
    bare.close();
    server.close();
    core.stop();
  }

  @Test
  void aSecretIsReadByNameUnderThePolicyOfItsArn() throws Exception {
    core.ports.offer(new Secrets());
    var secret = client.getSecretValue(new GetSecretValueRequest().withSecretId("greengrass-db"));
    assertThat(secret.getSecretId()).isEqualTo(ARN);
    assertThat(secret.getVersionStage()).containsExactly("AWSCURRENT");
    assertThat(secret.getSecretValue().getSecretString()).isEqualTo("s3cr3t");
    var binary =
        client.getSecretValue(
            new GetSecretValueRequest().withSecretId(ARN).withVersionStage("BINARY"));
    assertThat(binary.getSecretValue().getSecretBinary()).containsExactly(1, 2, 3);

    assertThatThrownBy(
            () -> bare.getSecretValue(new GetSecretValueRequest().withSecretId("greengrass-db")))
        .isInstanceOf(UnauthorizedError.class);
    assertThatThrownBy(
            () ->
                client.getSecretValue(
                    new GetSecretValueRequest().withSecretId(ARN).withVersionId("none")))
        .isInstanceOfSatisfying(
            ResourceNotFoundError.class, e -> assertThat(e.getResourceType()).isEqualTo("secret"));
    assertThatThrownBy(
            () ->
                client.getSecretValue(
                    new GetSecretValueRequest()
                        .withSecretId(ARN)
                        .withVersionId("v1")
                        .withVersionStage("AWSCURRENT")))
        .isInstanceOf(ServiceError.class);
    String unknown = "arn:aws:secretsmanager:us-east-1:123456789012:secret:greengrass-other";
    assertThatThrownBy(
            () -> client.getSecretValue(new GetSecretValueRequest().withSecretId(unknown)))
        .isInstanceOf(ResourceNotFoundError.class);
  }

  @Test
  void shadowsAreReadChangedListedAndDeletedWherePoliciesAllow() throws Exception {
    core.ports.offer(new Shadows());
    byte[] document = "{\"state\":{\"desired\":{\"on\":true}}}".getBytes(UTF_8);
    assertThat(
            client
                .updateThingShadow(
                    new UpdateThingShadowRequest()
                        .withThingName("MyDevice1")
                        .withShadowName("lamp")
                        .withPayload(document))
                .getPayload())
        .isEqualTo(document);
    assertThat(
            client
                .getThingShadow(
                    new GetThingShadowRequest().withThingName("MyDevice1").withShadowName("lamp"))
                .getPayload())
        .isEqualTo(document);
    var page =
        client.listNamedShadowsForThing(
            new ListNamedShadowsForThingRequest().withThingName("MyDevice1").withPageSize(1));
    assertThat(page.getResults()).containsExactly("lamp");
    assertThat(page.getNextToken()).isEqualTo("more");
    assertThat(page.getTimestamp()).isEqualTo(Instant.ofEpochSecond(1000));
    client.deleteThingShadow(
        new DeleteThingShadowRequest().withThingName("MyDevice1").withShadowName("lamp"));

    assertThatThrownBy(
            () ->
                client.getThingShadow(
                    new GetThingShadowRequest().withThingName("MyDevice1").withShadowName("lamp")))
        .isInstanceOf(ResourceNotFoundError.class);
    assertThatThrownBy(
            () -> client.getThingShadow(new GetThingShadowRequest().withThingName("Other")))
        .isInstanceOf(UnauthorizedError.class);
    assertThatThrownBy(
            () ->
                client.updateThingShadow(
                    new UpdateThingShadowRequest()
                        .withThingName("MyDevice1")
                        .withPayload("{\"version\":9}".getBytes(UTF_8))))
        .isInstanceOf(ConflictError.class);
    assertThatThrownBy(
            () ->
                client.listNamedShadowsForThing(
                    new ListNamedShadowsForThingRequest()
                        .withThingName("MyDevice1")
                        .withPageSize(101)))
        .isInstanceOf(InvalidArgumentsError.class);
    assertThatThrownBy(
            () -> client.getThingShadow(new GetThingShadowRequest().withThingName("MyDevice9")))
        .isInstanceOfSatisfying(
            ServiceError.class, e -> assertThat(e.getMessage()).isEqualTo("Too Many Requests"));
  }

  @Test
  void aBrokerOfAnotherMakerAsksForClientDevices() throws Exception {
    ClientDevices devices = new ClientDevices();
    core.ports.offer(devices);
    assertThat(
            client
                .verifyClientDeviceIdentity(
                    new VerifyClientDeviceIdentityRequest()
                        .withCredential(
                            new ClientDeviceCredential().withClientDeviceCertificate("good")))
                .isIsValidClientDevice())
        .isTrue();
    String token = client.getClientDeviceAuthToken(credential("good")).getClientDeviceAuthToken();
    assertThat(authorised(token, "mqtt:publish", "mqtt:topic:a")).isTrue();
    assertThat(authorised(token, "mqtt:publish", "mqtt:topic:b")).isFalse();
    assertThatThrownBy(() -> client.getClientDeviceAuthToken(credential("bad")))
        .isInstanceOf(InvalidCredentialError.class);
    assertThatThrownBy(() -> authorised("expired", "mqtt:publish", "mqtt:topic:a"))
        .isInstanceOf(InvalidClientDeviceAuthTokenError.class);
    assertThatThrownBy(() -> bare.getClientDeviceAuthToken(credential("good")))
        .isInstanceOf(UnauthorizedError.class);

    List<String> heard = new CopyOnWriteArrayList<>();
    var subscription =
        client.subscribeToCertificateUpdates(
            new SubscribeToCertificateUpdatesRequest()
                .withCertificateOptions(
                    new CertificateOptions().withCertificateType(CertificateType.SERVER)),
            event -> heard.add(event.getCertificateUpdate().getCertificate()),
            Optional.empty(),
            Optional.empty());
    devices.rotate("second");
    await().atMost(SOON).until(() -> heard.equals(List.of("first", "second")));
    subscription.getHandler().closeStream();
    await().atMost(SOON).until(() -> devices.listeners.isEmpty());
  }

  @Test
  void withoutTheirComponentTheseOperationsNameIt() {
    Map<String, org.assertj.core.api.ThrowableAssert.ThrowingCallable> calls =
        Map.of(
            "aws.greengrass.SecretManager",
            () -> client.getSecretValue(new GetSecretValueRequest().withSecretId("s")),
            "aws.greengrass.ShadowManager",
            () -> client.getThingShadow(new GetThingShadowRequest().withThingName("MyDevice1")),
            "aws.greengrass.clientdevices.Auth",
            () -> client.getClientDeviceAuthToken(credential("good")));
    Subscription offered = core.ports.offer(new Secrets());
    offered.close();
    calls.forEach(
        (component, call) ->
            assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                    ServiceError.class,
                    e ->
                        assertThat(e.getMessage())
                            .contains("is not supported by Greengrass")
                            .contains(component)));
  }

  private boolean authorised(String token, String operation, String resource)
      throws InterruptedException {
    return client
        .authorizeClientDeviceAction(
            new AuthorizeClientDeviceActionRequest()
                .withClientDeviceAuthToken(token)
                .withOperation(operation)
                .withResource(resource))
        .isIsAuthorized();
  }

  private static GetClientDeviceAuthTokenRequest credential(String certificate) {
    return new GetClientDeviceAuthTokenRequest()
        .withCredential(
            new CredentialDocument()
                .withMqttCredential(
                    new MQTTCredential().withClientId("id").withCertificatePem(certificate)));
  }

  private GreengrassCoreIPCClientV2 connect(String token) throws IOException {
    return GreengrassCoreIPCClientV2.builder()
        .withSocketPath(server.socket().toString())
        .withAuthToken(token)
        .withoutExecutor()
        .build();
  }

  static final class Secrets implements SecretsPort {
    @Override
    public Optional<String> arnOf(String secretId) {
      return secretId.equals("greengrass-db") || secretId.equals(ARN)
          ? Optional.of(ARN)
          : Optional.empty();
    }

    @Override
    public Secret get(
        String arn, @Nullable String versionId, @Nullable String versionStage, boolean refresh) {
      if ("none".equals(versionId)) {
        throw new NucleusException("RESOURCE_NOT_FOUND", "no such version");
      }
      return "BINARY".equals(versionStage)
          ? new Secret(arn, "v2", List.of("BINARY"), null, new byte[] {1, 2, 3})
          : new Secret(arn, "v1", List.of("AWSCURRENT"), "s3cr3t", null);
    }
  }

  static final class Shadows implements ShadowsPort {
    private final Map<String, byte[]> documents = new ConcurrentHashMap<>();

    @Override
    public byte[] get(String thing, String shadow) {
      if (thing.equals("MyDevice9")) {
        throw new NucleusException("THROTTLED", "Too Many Requests");
      }
      byte[] document = documents.get(thing + "/" + shadow);
      if (document == null) {
        throw new NucleusException("RESOURCE_NOT_FOUND", "no shadow");
      }
      return document;
    }

    @Override
    public byte[] update(String thing, String shadow, byte[] document) {
      if (new String(document, UTF_8).contains("version")) {
        throw new NucleusException("CONFLICT", "Version conflict");
      }
      documents.put(thing + "/" + shadow, document);
      return document;
    }

    @Override
    public byte[] delete(String thing, String shadow) {
      documents.remove(thing + "/" + shadow);
      return new byte[0];
    }

    @Override
    public Page list(String thing, @Nullable String nextToken, int pageSize) {
      List<String> names = new ArrayList<>(new TreeSet<>(documents.keySet()));
      names.replaceAll(key -> key.substring(key.indexOf('/') + 1));
      return new Page(names, Instant.ofEpochSecond(1000), "more");
    }
  }

  static final class ClientDevices implements ClientDevicesPort {
    final List<Consumer<ServerCertificate>> listeners = new CopyOnWriteArrayList<>();

    void rotate(String certificate) {
      listeners.forEach(l -> l.accept(certificate(certificate)));
    }

    private static ServerCertificate certificate(String certificate) {
      return new ServerCertificate("key", "public", certificate, List.of("ca"));
    }

    @Override
    public boolean verify(String certificatePem) {
      return certificatePem.equals("good");
    }

    @Override
    public String openSession(
        String clientId,
        String certificatePem,
        @Nullable String username,
        @Nullable String password) {
      if (!verify(certificatePem)) {
        throw new NucleusException("INVALID_CREDENTIAL", "unknown certificate");
      }
      return "session";
    }

    @Override
    public boolean authorise(String sessionToken, String operation, String resource) {
      if (!sessionToken.equals("session")) {
        throw new NucleusException("INVALID_CLIENT_DEVICE_AUTH_TOKEN", "no such session");
      }
      return resource.equals("mqtt:topic:a");
    }

    @Override
    public Subscription onServerCertificate(Consumer<ServerCertificate> listener) {
      listeners.add(listener);
      listener.accept(certificate("first"));
      return () -> listeners.remove(listener);
    }
  }
}
