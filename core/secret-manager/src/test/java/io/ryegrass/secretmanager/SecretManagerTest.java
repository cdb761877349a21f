package io.ryegrass.secretmanager;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.ipc.IpcPorts;
import io.ryegrass.ipc.SecretsPort;
import io.ryegrass.model.ComponentType;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.policy.AccessControl;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The component with a cloud that the test plays. */
class SecretManagerTest {
  private static final String SHORT =
      "arn:aws:secretsmanager:us-east-1:000000000000:secret:greengrass-TestSecret";
  private static final String ARN = SHORT + "-AbCdEf";
  private static final String FUNCTION =
      "arn:aws:lambda:us-east-1:000000000000:function:secret_test:1";
  private static final String OTHER = "arn:aws:lambda:us-east-1:000000000000:function:other:1";
  private static PrivateKey rsa;
  private static PrivateKey ec;

  @TempDir Path root;
  private final Map<String, ObjectNode> cloud = new ConcurrentHashMap<>();
  private final AtomicInteger asked = new AtomicInteger();
  private Consumer<ObjectNode> configurationChanged = changed -> {};
  private volatile RuntimeException trouble;
  private volatile ObjectNode configuration = configuration(ARN);
  private volatile String attached = ARN;
  private PrivateKey key = rsa;
  private SecretsPort port;
  private SecretManager manager;

  @BeforeAll
  static void makeKeys() throws Exception {
    KeyPairGenerator rsaKeys = KeyPairGenerator.getInstance("RSA");
    rsaKeys.initialize(2048);
    rsa = rsaKeys.generateKeyPair().getPrivate();
    KeyPairGenerator ecKeys = KeyPairGenerator.getInstance("EC");
    ecKeys.initialize(new ECGenParameterSpec("secp256r1"));
    ec = ecKeys.generateKeyPair().getPrivate();
  }

  @BeforeEach
  void aCloud() {
    put("AWSCURRENT", "v1", "abcdefghi");
    manager = manager();
  }

  @AfterEach
  void stop() {
    manager.stop();
  }

  private SecretManager manager() {
    return new SecretManager(
        root,
        new IpcPorts(),
        (arn, label) -> {
          asked.incrementAndGet();
          RuntimeException wrong = trouble;
          if (wrong != null) {
            throw wrong;
          }
          ObjectNode found = cloud.get(label);
          if (found == null) {
            throw new CloudRefusedException(
                "RESOURCE_NOT_FOUND", "Secrets Manager can't find " + label);
          }
          return found;
        },
        () -> key,
        Duration.ofMillis(10));
  }

  private void put(String label, String version, String text) {
    ObjectNode answer =
        Json.object()
            .put("ARN", ARN)
            .put("Name", "greengrass-TestSecret")
            .put("VersionId", version)
            .put("CreatedDate", 1_600_000_000.123)
            .put("SecretString", text);
    answer.putArray("VersionStages").add(label);
    cloud.put(label, answer);
  }

  private static ObjectNode configuration(String arn, String... labels) {
    ObjectNode c = Json.object();
    var one = c.putArray("cloudSecrets").addObject().put("arn", arn).putArray("labels");
    List.of(labels).forEach(one::add);
    return c;
  }

  private void deploy() {
    manager.prepare(configuration, false);
    manager.start(context());
    manager.deploymentEnded(configuration);
  }

  /** As the Core SDK's get_secret_value asks. */
  private JsonNode get(String function, String request) {
    return Json.read(manager.answer(function, request.getBytes(UTF_8)));
  }

  private String text(String request) {
    return get(FUNCTION, request).path("SecretString").asString("nothing");
  }

  private String file() throws IOException {
    return Files.readString(root.resolve("secrets/secrets.json"));
  }

  @Test
  void aFunctionReadsItsSecretByNameByArnAndByArnWithoutSuffixSEC13() {
    deploy();

    for (String id : List.of("greengrass-TestSecret", ARN, SHORT)) {
      JsonNode found = get(FUNCTION, "{\"SecretId\":\"" + id + "\"}");
      assertThat(found.path("SecretString").asString("")).as(id).isEqualTo("abcdefghi");
      assertThat(found.path("ARN").asString("")).isEqualTo(ARN);
      assertThat(found.path("Name").asString("")).isEqualTo("greengrass-TestSecret");
      assertThat(found.path("VersionId").asString("")).isEqualTo("v1");
      assertThat(found.path("CreatedDate").asLong()).isEqualTo(1_600_000_000_123L);
      assertThat(found.path("VersionStages").path(0).asString("")).isEqualTo("AWSCURRENT");
    }
    assertThat(asked).as("the cloud is asked once").hasValue(1);
  }

  @Test
  void errorsAreStatusAndMessage() {
    deploy();

    assertThat(status(FUNCTION, "{}")).isEqualTo(400);
    assertThat(status(FUNCTION, "no JSON")).isEqualTo(400);
    assertThat(
            status(
                FUNCTION,
                "{\"SecretId\":\"greengrass-TestSecret\",\"VersionId\":\"v1\",\"VersionStage\":\"AWSCURRENT\"}"))
        .isEqualTo(400);
    assertThat(status(OTHER, "{\"SecretId\":\"greengrass-TestSecret\"}"))
        .as("a function without the resource")
        .isEqualTo(403);
    assertThat(status(FUNCTION, "{\"SecretId\":\"greengrass-Other\"}")).isEqualTo(404);
    assertThat(
            status(
                FUNCTION, "{\"SecretId\":\"greengrass-TestSecret\",\"VersionStage\":\"nobody\"}"))
        .isEqualTo(404);
    manager.stop();
    assertThat(status(FUNCTION, "{\"SecretId\":\"greengrass-TestSecret\"}")).isEqualTo(500);
  }

  private int status(String function, String request) {
    JsonNode answer = get(function, request);
    assertThat(answer.path("Message").asString("")).isNotBlank();
    assertThat(answer.has("SecretString")).isFalse();
    return answer.path("Status").asInt();
  }

  @Test
  void aGroupMayNameTheSecretWithoutItsSuffix() {
    configuration = configuration(SHORT);
    attached = SHORT;
    deploy();

    assertThat(text("{\"SecretId\":\"greengrass-TestSecret\"}")).isEqualTo("abcdefghi");
    assertThat(text("{\"SecretId\":\"" + ARN + "\"}")).isEqualTo("abcdefghi");
  }

  @Test
  void aSecretThatIsConfiguredByBothOfItsArnsIsReadByWhoHasOneOfThem() {
    configuration = configuration(ARN);
    configuration.withArray("cloudSecrets").addObject().put("arn", SHORT);
    attached = SHORT;
    deploy();

    assertThat(text("{\"SecretId\":\"greengrass-TestSecret\"}")).isEqualTo("abcdefghi");
  }

  @Test
  void labelsAndBinaryValuesAreHeldToo() {
    byte[] binary = {0, (byte) 0xff, 7};
    put("blue", "v2", "");
    cloud.get("blue").remove("SecretString");
    cloud.get("blue").put("SecretBinary", Base64.getEncoder().encodeToString(binary));
    configuration = configuration(ARN, "blue");
    deploy();

    JsonNode found = get(FUNCTION, "{\"SecretId\":\"" + ARN + "\",\"VersionStage\":\"blue\"}");
    assertThat(Base64.getDecoder().decode(found.path("SecretBinary").asString("")))
        .isEqualTo(binary);
    assertThat(found.has("SecretString")).isFalse();
    assertThat(text("{\"SecretId\":\"" + ARN + "\",\"VersionId\":\"v1\"}")).isEqualTo("abcdefghi");
    assertThat(port.get(ARN, null, "blue", false).binary()).isEqualTo(binary);
  }

  @Test
  void theFileIsTheOwnersAloneHoldsNoPlainTextAndChangesWithEachDeploymentSEC02() throws Exception {
    deploy();
    String first = file();
    Path file = root.resolve("secrets/secrets.json");

    assertThat(first).doesNotContain("abcdefghi").doesNotContain("YWJjZGVmZ2hp");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())))
        .isEqualTo("rwx------");

    manager.prepare(configuration, false);
    assertThat(sealed(file())).isNotEqualTo(sealed(first));
  }

  private static String sealed(String file) {
    return Json.read(file)
        .path("secrets")
        .path(0)
        .path("versions")
        .path(0)
        .path("sealed")
        .asString();
  }

  @Test
  void anotherCoreStartedFromTheFileNeedsNoCloudSEC01() {
    deploy();
    manager.stop();
    trouble = new CloudUnavailableException("nothing answers there");

    manager = manager();
    manager.start(context());

    assertThat(text("{\"SecretId\":\"greengrass-TestSecret\"}")).isEqualTo("abcdefghi");
    assertThat(asked).hasValue(1);
  }

  @Test
  void aNewValueComesWithTheNextDeploymentAndNotBeforeSEC06() {
    deploy();
    put("AWSCURRENT", "v2", "rotated");
    assertThat(text("{\"SecretId\":\"greengrass-TestSecret\"}")).isEqualTo("abcdefghi");

    manager.prepare(configuration, false);

    assertThat(text("{\"SecretId\":\"greengrass-TestSecret\"}")).isEqualTo("rotated");
    assertThat(
            get(FUNCTION, "{\"SecretId\":\"" + ARN + "\",\"VersionId\":\"v1\"}")
                .path("Status")
                .asInt())
        .as("a version without a label is gone")
        .isEqualTo(404);
  }

  @Test
  void aRefusedFetchFailsTheDeploymentWithTheCloudsReasonAndTheHeldValueStaysTRB21() {
    deploy();
    trouble = new CloudRefusedException("ACCESS_DENIED", "403 AccessDeniedException: not allowed");

    assertThatThrownBy(() -> manager.prepare(configuration, false))
        .isInstanceOf(NucleusException.class)
        .hasMessageContaining("AccessDeniedException");
    assertThat(text("{\"SecretId\":\"greengrass-TestSecret\"}")).isEqualTo("abcdefghi");
  }

  @Test
  void whileTheCloudIsAwayADeploymentOfThisDeviceGoesOnWithWhatIsHeld() {
    deploy();
    trouble = new CloudUnavailableException("nothing answers there");

    manager.prepare(configuration, true);
    assertThatThrownBy(() -> manager.prepare(configuration, false))
        .hasMessageContaining("nothing answers there");
    assertThatThrownBy(() -> manager.prepare(configuration(ARN, "blue"), true))
        .as("what is not held has to be fetched")
        .hasMessageContaining("nothing answers there");
  }

  @Test
  void whatADeploymentNoLongerNamesLeavesTheDiskSEC15() {
    deploy();

    configurationChanged.accept(Json.object());
    manager.deploymentEnded(Json.object());

    assertThat(root.resolve("secrets/secrets.json")).doesNotExist();
    assertThat(status(FUNCTION, "{\"SecretId\":\"greengrass-TestSecret\"}")).isEqualTo(404);
  }

  @Test
  void withAnotherPrivateKeyNothingOpensAndItIsFetchedAnew() throws Exception {
    deploy();
    manager.stop();
    String before = file();
    key = ec;
    trouble = new CloudUnavailableException("nothing answers there");

    manager = manager();
    manager.start(context());
    assertThat(status(FUNCTION, "{\"SecretId\":\"greengrass-TestSecret\"}")).isEqualTo(404);
    assertThat(file()).as("the key may come back").isEqualTo(before);
    manager.stop();
    trouble = null;
    manager = manager();
    manager.start(context());

    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> text("{\"SecretId\":\"greengrass-TestSecret\"}").equals("abcdefghi"));
  }

  @Test
  void aValueThatWasExchangedInTheFileDoesNotOpen() throws Exception {
    deploy();
    manager.stop();
    Path file = root.resolve("secrets/secrets.json");
    Files.writeString(file, file().replace("\"v1\"", "\"v9\""));

    manager = manager();
    manager.start(context());

    assertThat(status(FUNCTION, "{\"SecretId\":\"greengrass-TestSecret\"}")).isEqualTo(500);
  }

  @Test
  void aDamagedFileIsFetchedAnew() throws Exception {
    deploy();
    manager.stop();
    Files.writeString(root.resolve("secrets/secrets.json"), "{\"format\":1,");

    manager = manager();
    manager.start(context());

    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> text("{\"SecretId\":\"greengrass-TestSecret\"}").equals("abcdefghi"));
  }

  @Test
  void aWeakRsaKeyIsRefusedByNameSEC04() throws Exception {
    KeyPairGenerator weak = KeyPairGenerator.getInstance("RSA");
    weak.initialize(1024);
    key = weak.generateKeyPair().getPrivate();

    assertThatThrownBy(() -> manager.prepare(configuration, false))
        .hasMessageContaining("RSA key of 1024 bits");
  }

  @Test
  void aBadArnIsRefusedBeforeAnythingIsAskedSCM02() {
    assertThatThrownBy(() -> manager.prepare(configuration("arn:aws:s3:::bucket"), false))
        .hasMessageContaining("is not the ARN of a secret");
    assertThat(asked).hasValue(0);
  }

  @Test
  void aComponentMayAskForARefreshAndGetsTheHeldValueWhenThatFailsX24() {
    deploy();
    put("AWSCURRENT", "v2", "rotated");

    assertThat(port.get(ARN, null, null, false).text()).isEqualTo("abcdefghi");
    assertThat(port.get(ARN, null, null, true).text()).isEqualTo("rotated");
    trouble = new CloudUnavailableException("nothing answers there");
    assertThat(port.get(ARN, null, null, true).text()).isEqualTo("rotated");
    assertThatThrownBy(() -> port.get(ARN, null, "green", false))
        .isInstanceOfSatisfying(
            NucleusException.class, e -> assertThat(e.code()).isEqualTo("RESOURCE_NOT_FOUND"));
  }

  private BuiltInContext context() {
    ObjectNode policy = Json.object();
    ObjectNode block = Json.object();
    policy.putArray("operations").add("aws.greengrass#GetSecretValue");
    policy.putArray("resources").add(attached);
    block.putObject("aws.greengrass.SecretManager").set("p", policy);
    Components components =
        face(
            Components.class,
            (method, args) ->
                switch (method) {
                  case "accessControl" -> AccessControl.parse(Map.of("secret_test", block));
                  case "list" -> List.of(status("other"), status("secret_test"));
                  default -> null;
                });
    ConfigTree config =
        face(
            ConfigTree.class,
            (method, args) ->
                Optional.of(
                    Json.read(
                        args[0].equals("other") ? "\"" + OTHER + "\"" : "\"" + FUNCTION + "\"")));
    BuiltInContext context =
        face(
            BuiltInContext.class,
            (method, args) ->
                switch (method) {
                  case "configuration" -> configuration;
                  case "components" -> components;
                  case "config" -> config;
                  case "onConfigurationChanged" -> {
                    configurationChanged = listener(args[0]);
                    yield null;
                  }
                  default -> null;
                });
    port = manager.port();
    return context;
  }

  private static ComponentStatus status(String name) {
    return new ComponentStatus(
        name,
        "1.0.0",
        ComponentState.RUNNING,
        ComponentType.LAMBDA,
        true,
        List.of(),
        List.of(),
        "",
        Instant.EPOCH);
  }

  @SuppressWarnings("unchecked") // the parameter's type, which a proxy does not know
  private static Consumer<ObjectNode> listener(Object argument) {
    return (Consumer<ObjectNode>) argument;
  }

  private interface Body {
    Object call(String method, Object[] args);
  }

  /** Only the few methods that the component calls. */
  private static <T> T face(Class<T> type, Body body) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (p, m, args) -> body.call(m.getName(), args == null ? new Object[0] : args)));
  }
}
