package io.ryegrass.ipc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.LocalDeployment;
import io.ryegrass.nucleus.Nucleus;
import io.ryegrass.nucleus.NucleusSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.FailedUpdateConditionCheckError;
import software.amazon.awssdk.aws.greengrass.model.GetConfigurationRequest;
import software.amazon.awssdk.aws.greengrass.model.JsonMessage;
import software.amazon.awssdk.aws.greengrass.model.PublishMessage;
import software.amazon.awssdk.aws.greengrass.model.PublishToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.ReportedLifecycleState;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToConfigurationUpdateRequest;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.UnauthorizedError;
import software.amazon.awssdk.aws.greengrass.model.UpdateConfigurationRequest;
import software.amazon.awssdk.aws.greengrass.model.UpdateStateRequest;

/** A real nucleus with a deployed process, whose token and socket path AWS's client then uses. */
@Timeout(60)
class RealNucleusTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final String NAME = "com.example.Speaker";

  @TempDir Path temp;
  private Path root;
  private Nucleus nucleus;
  private IpcServer server;

  @BeforeEach
  void start() throws IOException {
    root = temp.resolve("root");
    Files.createDirectories(root.resolve("config"));
    Files.writeString(
        root.resolve("cert.pem"), "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
    Files.writeString(
        root.resolve("key.pem"), "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n");
    Files.writeString(
        root.resolve("config/config.yaml"),
        """
        system:
          thingName: core1
          certificateFilePath: %1$s/cert.pem
          privateKeyPath: %1$s/key.pem
          rootCaPath: %1$s/cert.pem
          rootpath: %1$s
        services:
          aws.greengrass.Nucleus:
            componentType: NUCLEUS
            version: 2.15.0
            configuration:
              awsRegion: us-east-1
              iotRoleAlias: alias
              iotDataEndpoint: localhost
              iotCredEndpoint: localhost:8443
              runWithDefault: {posixUser: %2$s}
        """
            .formatted(root, System.getProperty("user.name")));
    CloudPorts cloud = CloudPorts.offline();
    nucleus = Nucleus.open(NucleusSettings.of(root), List.of(), List.of(), cloud);
    server = IpcServer.start(nucleus, cloud.messaging());
    nucleus.start();
  }

  @AfterEach
  void stop() {
    server.close();
    nucleus.close();
  }

  @Test
  void aDeployedComponentSpeaksThroughItsOwnTokenAndPolicies() throws Exception {
    deploy();
    try (GreengrassCoreIPCClientV2 client = client()) {
      List<Map<String, Object>> heard = new CopyOnWriteArrayList<>();
      client.subscribeToTopic(
          new SubscribeToTopicRequest().withTopic("talk/aloud"),
          event -> heard.add(event.getJsonMessage().getMessage()),
          Optional.empty(),
          Optional.empty());
      client.publishToTopic(json("talk/aloud"));
      await().atMost(SOON).until(() -> heard.equals(List.of(Map.of("say", "hi"))));
      assertThatThrownBy(() -> client.publishToTopic(json("elsewhere")))
          .isInstanceOf(UnauthorizedError.class);

      List<List<String>> changes = new CopyOnWriteArrayList<>();
      client.subscribeToConfigurationUpdate(
          new SubscribeToConfigurationUpdateRequest().withKeyPath(List.of("inner")),
          event -> changes.add(event.getConfigurationUpdateEvent().getKeyPath()),
          Optional.empty(),
          Optional.empty());
      client.updateConfiguration(
          new UpdateConfigurationRequest()
              .withKeyPath(List.of("inner"))
              .withTimestamp(Instant.now())
              .withValueToMerge(Map.of("depth", 2.0)));
      assertThat(
              client
                  .getConfiguration(
                      new GetConfigurationRequest().withKeyPath(List.of("inner", "depth")))
                  .getValue())
          .isEqualTo(Map.of("depth", 2.0));
      await().atMost(SOON).until(() -> changes.contains(List.of("inner", "depth")));
      assertThatThrownBy(
              () ->
                  client.updateConfiguration(
                      new UpdateConfigurationRequest()
                          .withKeyPath(List.of("inner"))
                          .withTimestamp(Instant.EPOCH)
                          .withValueToMerge(Map.of("depth", 3.0))))
          .isInstanceOf(FailedUpdateConditionCheckError.class);
      client.updateState(new UpdateStateRequest().withState(ReportedLifecycleState.RUNNING));
    }
  }

  private void deploy() throws IOException {
    Path recipes = Files.createDirectories(temp.resolve("recipes"));
    Files.writeString(
        recipes.resolve(NAME + "-1.0.0.yaml"),
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: com.example.Speaker
        ComponentVersion: 1.0.0
        ComponentPublisher: test
        ComponentConfiguration:
          DefaultConfiguration:
            inner: {depth: 1}
            accessControl:
              aws.greengrass.ipc.pubsub:
                'com.example.Speaker:pubsub:1':
                  operations: ['aws.greengrass#PublishToTopic', 'aws.greengrass#SubscribeToTopic']
                  resources: ['talk/*']
        Manifests:
          - Platform: {os: linux}
            Lifecycle:
              Run: env > environment.part; mv environment.part environment; exec sleep 600
        """);
    nucleus
        .deployments()
        .submit(
            new LocalDeployment(
                "local-1",
                System.currentTimeMillis(),
                Map.of(NAME, "1.0.0"),
                Set.of(),
                null,
                Map.of(),
                Map.of(),
                recipes,
                null,
                FailureHandlingPolicy.ROLLBACK));
    await()
        .atMost(SOON)
        .until(
            () ->
                nucleus
                    .components()
                    .find(NAME)
                    .filter(c -> c.state() == ComponentState.RUNNING)
                    .isPresent());
  }

  /** As the component itself would connect: by its environment. */
  private GreengrassCoreIPCClientV2 client() throws IOException {
    Path file = root.resolve("work").resolve(NAME).resolve("environment");
    await().atMost(SOON).until(() -> Files.exists(file));
    Properties environment = new Properties();
    environment.load(Files.newBufferedReader(file, UTF_8));
    return GreengrassCoreIPCClientV2.builder()
        .withSocketPath(environment.getProperty(IpcServer.SOCKET_VARIABLE))
        .withAuthToken(environment.getProperty("SVCUID"))
        .withoutExecutor()
        .build();
  }

  private static PublishToTopicRequest json(String topic) {
    return new PublishToTopicRequest()
        .withTopic(topic)
        .withPublishMessage(
            new PublishMessage()
                .withJsonMessage(new JsonMessage().withMessage(Map.of("say", "hi"))));
  }
}
