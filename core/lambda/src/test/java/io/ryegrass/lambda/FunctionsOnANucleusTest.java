package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.DeploymentDocument.ComponentUpdate;
import io.ryegrass.model.DeploymentDocument.ConfigurationUpdate;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ComponentCatalog;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.DeploymentStatus;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Nucleus;
import io.ryegrass.nucleus.NucleusSettings;
import io.ryegrass.nucleus.Participant;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/** Functions deployed to a real nucleus, as a compiled V1 group arrives there. */
@Timeout(150)
class FunctionsOnANucleusTest {
  private static final String ANSWERING =
      """
      import greengrasssdk
      client = greengrasssdk.client('iot-data')
      def handler(event, context):
          print('asked', event['q'])
          client.publish(topic='answers', payload=event['q'] + '!')
      """;

  @TempDir Path temp;
  private final Map<String, Recipe> recipes = new ConcurrentHashMap<>();
  private final Map<String, byte[]> packages = new ConcurrentHashMap<>();
  private final List<DeploymentStatus> statuses = new CopyOnWriteArrayList<>();
  private final List<Message> answers = new CopyOnWriteArrayList<>();
  private volatile boolean online = true;
  private Path root;
  private Nucleus nucleus;

  @BeforeEach
  void start() throws IOException {
    root = temp.resolve("root");
    Files.createDirectories(root.resolve("config"));
    for (String kind : List.of("CERTIFICATE", "PRIVATE KEY")) {
      Files.writeString(
          root.resolve(kind.equals("CERTIFICATE") ? "cert.pem" : "key.pem"),
          "-----BEGIN " + kind + "-----\nAA==\n-----END " + kind + "-----\n");
    }
    Files.writeString(
        root.resolve("config/config.yaml"),
        """
        system: {thingName: core1, certificateFilePath: %1$s/cert.pem, privateKeyPath: %1$s/key.pem, rootCaPath: %1$s/cert.pem, rootpath: %1$s}
        services:
          aws.greengrass.Nucleus:
            componentType: NUCLEUS
            version: 2.15.0
            configuration:
              awsRegion: us-east-1
              iotRoleAlias: alias
              iotDataEndpoint: localhost
              iotCredEndpoint: localhost:8443
              ryegrass: {lambdaIpcPort: 0}
              runWithDefault: {posixUser: %2$s}
        """
            .formatted(root, System.getProperty("user.name")));
    open();
  }

  private void open() {
    LambdaManager manager =
        new LambdaManager(
            new LambdaSettings(
                LambdaHarness.RUNTIMES,
                Clock.systemUTC(),
                Duration.ofSeconds(30),
                Duration.ofSeconds(30),
                Duration.ofSeconds(20),
                Duration.ofSeconds(5),
                Duration.ofMillis(200)));
    nucleus =
        Nucleus.open(
            new NucleusSettings(
                root, Clock.systemUTC(), Duration.ofSeconds(2), Duration.ofSeconds(30)),
            manager.builtIns(),
            List.of(manager),
            ports());
    nucleus.bus().attach(Participant.device("lamp"), answers::add, 10);
    nucleus.start();
  }

  @AfterEach
  void stop() {
    nucleus.close();
  }

  private CloudPorts ports() {
    CloudPorts offline = CloudPorts.offline();
    return new CloudPorts(
        new ComponentCatalog() {
          @Override
          public ResolvedComponent resolve(
              String name,
              Map<String, String> requirements,
              Map<String, String> platform,
              @Nullable ComponentVersion local) {
            check();
            Recipe r = recipes.get(name);
            return new ResolvedComponent(
                "arn:aws:greengrass:us-east-1:000000000000:components:"
                    + name
                    + ":versions:"
                    + r.componentVersion().text(),
                r,
                r.toJson().toString());
          }

          @Override
          public List<String> thingGroups() {
            check();
            return List.of();
          }
        },
        (arn, artifact, target) -> {
          check();
          try {
            Files.write(target, packages.get(arn.split(":")[6]));
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
        },
        offline.messaging(),
        statuses::add,
        offline.fleet(),
        offline.credentials());
  }

  private void check() {
    if (!online) {
      throw new CloudUnavailableException("The test's cloud is away.");
    }
  }

  private void function(String name, String version, String code) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    String digest;
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.putNextEntry(new ZipEntry("main.py"));
      zip.write(code.getBytes(StandardCharsets.UTF_8));
      zip.finish();
      digest =
          Base64.getEncoder()
              .encodeToString(MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray()));
    } catch (IOException | NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
    packages.put(name, bytes.toByteArray());
    recipes.put(
        name,
        Recipe.parse(
            """
            RecipeFormatVersion: '2020-01-25'
            ComponentName: %s
            ComponentVersion: %s.0.0
            ComponentType: aws.greengrass.lambda
            ComponentDependencies:
              aws.greengrass.LambdaManager: {VersionRequirement: '>=2.0.0 <3.0.0', DependencyType: HARD}
            Manifests:
              - Platform: {os: linux}
                Artifacts:
                  - {URI: 'greengrass:lambda.zip', Digest: '%s', Algorithm: SHA-256, Unarchive: ZIP, Permission: {Read: ALL, Execute: ALL}}
            """
                .formatted(name, version, digest)
                .getBytes(StandardCharsets.UTF_8)));
  }

  private DeploymentStatus deploy(int revision, String version, boolean pinned) {
    return deploy(revision, version, pinned, function -> {});
  }

  private DeploymentStatus deploy(
      int revision, String version, boolean pinned, Consumer<ObjectNode> change) {
    String arn = "arn:aws:lambda:us-east-1:000000000000:function:answers:" + version;
    ObjectNode function = LambdaHarness.JSON.createObjectNode();
    function
        .put("lambdaArn", arn)
        .put("runtime", "python3.8")
        .put("handler", "main.handler")
        .put("pinned", pinned)
        .put("timeoutInSeconds", 60)
        .put("containerMode", "NoContainer");
    change.accept(function);
    ObjectNode router = LambdaHarness.JSON.createObjectNode();
    ObjectNode table = router.putObject("subscriptions");
    String device = "arn:aws:iot:us-east-1:000000000000:thing/";
    table
        .putObject("1")
        .put("id", "1")
        .put("source", device + "switch")
        .put("subject", "questions")
        .put("target", arn);
    table
        .putObject("2")
        .put("id", "2")
        .put("source", "component:answers") // LMB-07: holds for every version
        .put("subject", "answers")
        .put("target", device + "lamp");
    String configurationArn =
        "arn:aws:greengrass:us-east-1:000000000000:configuration:thing/core1:" + revision;
    DeploymentRequest request =
        new DeploymentRequest(
            DeploymentRequest.SHADOW,
            configurationArn,
            new DeploymentDocument(
                "d-" + revision,
                "test",
                configurationArn,
                null,
                null,
                System.currentTimeMillis(),
                Map.of(
                    "answers",
                    new ComponentUpdate(
                        version + ".0.0", new ConfigurationUpdate(function, List.of()), null),
                    "aws.greengrass.LegacySubscriptionRouter",
                    new ComponentUpdate(
                        "2.1.13", new ConfigurationUpdate(router, List.of("")), null)),
                FailureHandlingPolicy.ROLLBACK,
                List.of(),
                DeploymentDocument.ComponentUpdatePolicy.DEFAULT,
                DeploymentDocument.ConfigurationValidationPolicy.DEFAULT));
    nucleus.deployments().submit(request);
    return await()
        .pollInterval(Duration.ofMillis(20))
        .atMost(Duration.ofSeconds(60))
        .until(
            () ->
                statuses.stream()
                    .filter(
                        s ->
                            s.id().equals(configurationArn)
                                && (s.status().equals("SUCCEEDED") || s.status().equals("FAILED")))
                    .findFirst(),
            Optional::isPresent)
        .orElseThrow();
  }

  private void ask(String question) {
    nucleus
        .bus()
        .publish(
            new Message(
                Participant.device("switch"),
                Message.Space.ROUTED,
                "questions",
                ("{\"q\":\"" + question + "\"}").getBytes(StandardCharsets.UTF_8),
                1));
  }

  private void awaitAnswer(String text) {
    await()
        .atMost(Duration.ofSeconds(25))
        .until(
            () ->
                answers.stream()
                    .anyMatch(m -> new String(m.payload(), StandardCharsets.UTF_8).equals(text)));
  }

  @Test
  void aDeployedFunctionAnswersADeviceAlsoAfterARestartWithoutTheCloud() {
    function("answers", "1", ANSWERING);
    assertThat(deploy(1, "1", true).status()).isEqualTo("SUCCEEDED");
    ask("one");
    awaitAnswer("one!");

    nucleus.close();
    online = false;
    open();
    await()
        .atMost(Duration.ofSeconds(30))
        .until(
            () ->
                nucleus
                    .components()
                    .find("answers")
                    .map(s -> s.state().functioning())
                    .orElse(false));
    ask("two");
    awaitAnswer("two!");
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(root.resolve("ggc/var/log/user/us-east-1/000000000000/answers.log"))
                    .content()
                    .contains("asked two"));
  }

  @Test
  void aBrokenNewVersionIsRolledBackToTheOneThatWorked() {
    function("answers", "1", ANSWERING);
    assertThat(deploy(1, "1", false).status()).isEqualTo("SUCCEEDED");
    function("answers", "2", "import no_such_module\n");
    DeploymentStatus failed = deploy(2, "2", true);
    assertThat(failed.failureCause()).contains("no_such_module");
    assertThat(failed.status()).isEqualTo("FAILED");
    assertThat(failed.detailedStatus())
        .as("%s", failed.failureCause())
        .isEqualTo("FAILED_ROLLBACK_COMPLETE");
    ask("still there?");
    awaitAnswer("still there?!");
  }

  private static void contained(ObjectNode c, Path folder, String permission) {
    c.put("containerMode", "GreengrassContainer");
    c.putObject("runAs").put("uid", 54321).put("gid", 54322);
    c.withObject("/containerParams/volumes/0")
        .put("sourcePath", folder.toString())
        .put("destinationPath", "/dest")
        .put("permission", permission)
        .put("addGroupOwner", true);
  }

  /** E15: nothing but the resources of a function that runs changed. */
  @Test
  void resourcesThatARunningFunctionMayNotUseFailTheDeploymentAndItRunsOnAsBefore()
      throws IOException {
    assumeThat(UserIds.own().uid()).as("a function of another user needs root").isZero();
    Path folder = Files.createDirectory(temp.resolve("folder"));
    Files.setAttribute(folder, "unix:gid", 4711);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwx---"));
    function("answers", "1", ANSWERING);
    assertThat(deploy(1, "1", false, c -> contained(c, folder, "ro")).status())
        .isEqualTo("SUCCEEDED");
    ask("contained");
    awaitAnswer("contained!");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-x---"));
    DeploymentStatus failed = deploy(2, "1", false, c -> contained(c, folder, "rw"));
    assertThat(failed.detailedStatus()).isEqualTo("FAILED_ROLLBACK_COMPLETE");
    assertThat(failed.failureCause())
        .contains(
            "group config is invalid: 54321 or [54322 4711] don't have rw permission on the file: "
                + folder);
    ask("still there?");
    awaitAnswer("still there?!");
  }

  /** It would write 1 GB; a little more than its logs may hold shows where they end. */
  @Test
  void aFunctionThatWritesLogsWithoutEndKeepsTheNewestAndTheCoreSaysWhichItIs() throws IOException {
    function(
        "answers",
        "1",
        """
        import greengrasssdk
        client = greengrasssdk.client('iot-data')
        def handler(event, context):
            for i in range(int(event['q'])):
                print(i, 'x' * 8000)
            print('written')
            client.publish(topic='answers', payload=event['q'] + '!')
        """);
    assertThat(deploy(1, "1", false).status()).isEqualTo("SUCCEEDED");
    ask("1600"); // 13 MB
    awaitAnswer("1600!");
    ask("1");
    awaitAnswer("1!");
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> assertThat(Files.readString(root.resolve("logs/answers.log"))).contains(" 0 xx"));
    long size = 0;
    try (Stream<Path> files = Files.list(root.resolve("logs"))) {
      for (Path file :
          files.filter(f -> f.getFileName().toString().startsWith("answers")).toList()) {
        size += Files.size(file);
      }
    }
    assertThat(size).isBetween(8L << 20, 10L << 20);
    assertThat(root.resolve("logs/answers.log"))
        .content()
        .contains("answers has written more than its logs may hold (totalLogsSizeKB 10240)");
  }
}
