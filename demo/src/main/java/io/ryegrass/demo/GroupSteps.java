package io.ryegrass.demo;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.net.ssl.SSLContext;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Greengrass V1: functions, a group, its deployment, and a client device that lives under it. */
final class GroupSteps {
  static final String DEVICE = "demo-device";
  private static final int NOBODY = 65534;
  private static final String THINGS =
      "arn:aws:iot:" + World.REGION + ":" + World.ACCOUNT + ":thing/";

  private final World world;
  private final Watcher watcher;
  private @Nullable Broker broker;
  private @Nullable MqttDevice device;

  /** What discovery told the device. */
  private record Broker(String host, int port, List<String> groupCas) {}

  GroupSteps(World world, Watcher watcher) {
    this.world = world;
    this.watcher = watcher;
  }

  String deploy() {
    world.provision(
        "--client-device", "--thing", DEVICE, "--root", world.folder().resolve(DEVICE).toString());
    String echo = createFunction("demo-echo", "echo");
    String upper = createFunction("demo-upper", "upper");
    String group =
        world
            .aws()
            .run(
                "greengrass",
                "create-group",
                "--name",
                "demo",
                "--initial-version",
                definitions(echo, upper))
            .path("Id")
            .asString();
    String version =
        world
            .api()
            .get("greengrass", "/greengrass/groups/" + group)
            .path("LatestVersion")
            .asString();
    CompletableFuture<JsonNode> asked =
        CompletableFuture.supplyAsync(
            () ->
                world
                    .aws()
                    .run(
                        "greengrass",
                        "create-deployment",
                        "--deployment-type",
                        "NewDeployment",
                        "--group-id",
                        group,
                        "--group-version-id",
                        version));
    String deployment = firstDeployment(group);
    Set<String> seen = new LinkedHashSet<>();
    Await.until(
        "deployment " + deployment + " to be Success",
        Duration.ofSeconds(60),
        () -> {
          JsonNode status =
              world
                  .api()
                  .get(
                      "greengrass",
                      "/greengrass/groups/" + group + "/deployments/" + deployment + "/status");
          String text = status.path("DeploymentStatus").asString();
          seen.add(text);
          if (text.equals("Failure")) {
            throw new StepFailed(
                "the deployment failed: " + status.path("ErrorMessage").asString());
          }
          return Optional.of(text).filter("Success"::equals);
        },
        () -> seen);
    String answered = asked.join().path("DeploymentId").asString();
    if (!answered.equals(deployment)) {
      throw new StepFailed("create-deployment made " + answered + ", the list says " + deployment);
    }
    // the fleet's status comes by itself, after the deployment's or before it
    for (String component : List.of("demo-echo", "demo-upper", "com.example.Hello")) {
      Await.until(
          component + " to be among the core's components",
          Duration.ofSeconds(30),
          () -> Optional.of(installed()).filter(i -> i.contains("\"" + component + "\"")),
          this::installed);
    }
    return "group "
        + group.substring(0, 8)
        + "… "
        + String.join(" → ", seen)
        + "; its functions are V2 components beside com.example.Hello, isolation "
        + isolationMode();
  }

  private String installed() {
    return world
        .api()
        .get("greengrass", "/greengrass/v2/coreDevices/" + World.CORE + "/installedComponents")
        .toString();
  }

  /** Looked for while the CLI still waits, because Building is over in a moment. */
  private String firstDeployment(String group) {
    return Await.until(
        "the group's deployment",
        Duration.ofSeconds(60),
        () ->
            world
                .api()
                .get("greengrass", "/greengrass/groups/" + group + "/deployments")
                .path("Deployments")
                .valueStream()
                .map(d -> d.path("DeploymentId").asString())
                .findFirst(),
        () -> "none");
  }

  private String createFunction(String name, String module) {
    Path zip = world.folder().resolve(name + ".zip");
    Path source =
        world.home().resolve("examples/functions").resolve(module).resolve(module + ".py");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      out.putNextEntry(new ZipEntry(module + ".py"));
      Files.copy(source, out);
    } catch (IOException e) {
      throw new StepFailed("cannot zip " + source + ": " + e.getMessage(), e);
    }
    world
        .aws()
        .run(
            "lambda",
            "create-function",
            "--function-name",
            name,
            "--runtime",
            "python3.8",
            "--handler",
            module + ".handler",
            "--role",
            "arn:aws:iam::" + World.ACCOUNT + ":role/demo",
            "--zip-file",
            "fileb://" + zip);
    return world
        .aws()
        .run("lambda", "publish-version", "--function-name", name)
        .path("FunctionArn")
        .asString();
  }

  private String definitions(String echo, String upper) {
    String reply = "devices/" + DEVICE + "/reply";
    String loud = "devices/" + DEVICE + "/loud";
    String request = "devices/" + DEVICE + "/request";
    String shout = "devices/" + DEVICE + "/shout";
    ObjectNode core = entity("core", THINGS + World.CORE);
    ObjectNode client = entity("device", THINGS + DEVICE);
    ArrayNode functions = JsonMapper.shared().createArrayNode();
    functions.add(function("echo", echo, true));
    functions.add(function("upper", upper, false));
    ArrayNode subscriptions = JsonMapper.shared().createArrayNode();
    String thing = THINGS + DEVICE;
    subscriptions.add(subscription("ask", thing, request, echo));
    subscriptions.add(subscription("answer", echo, reply, thing));
    subscriptions.add(subscription("tell", echo, "devices/+/seen", "cloud"));
    subscriptions.add(subscription("shout", thing, shout, upper));
    subscriptions.add(subscription("loud", upper, loud, thing));
    subscriptions.add(subscription("count", thing, "devices/" + DEVICE + "/count", "cloud"));
    ObjectNode function = JsonMapper.shared().createObjectNode();
    ObjectNode execution = function.putObject("DefaultConfig").putObject("Execution");
    execution.put("IsolationMode", isolationMode());
    if (isolated()) {
      // As root, components run as root here; functions of V1 may not, unless the device allows it.
      execution.putObject("RunAs").put("Uid", NOBODY).put("Gid", NOBODY);
    }
    function.set("Functions", functions);
    ObjectNode version = JsonMapper.shared().createObjectNode();
    version.put("CoreDefinitionVersionArn", define("core", "Cores", array(core)));
    version.put("DeviceDefinitionVersionArn", define("device", "Devices", array(client)));
    version.put("FunctionDefinitionVersionArn", define("function", function));
    version.put(
        "SubscriptionDefinitionVersionArn", define("subscription", "Subscriptions", subscriptions));
    return version.toString();
  }

  private static String isolationMode() {
    return isolated() ? "GreengrassContainer" : "NoContainer";
  }

  /** Containers need root; without it V1's other isolation mode serves as well. */
  static boolean isolated() {
    return "root".equals(System.getProperty("user.name"));
  }

  private ObjectNode function(String id, String arn, boolean pinned) {
    ObjectNode function =
        JsonMapper.shared().createObjectNode().put("Id", id).put("FunctionArn", arn);
    ObjectNode configuration = function.putObject("FunctionConfiguration");
    configuration.put("Pinned", pinned).put("Timeout", 10).put("EncodingType", "json");
    if (isolated()) {
      configuration.put("MemorySize", 65536);
    }
    return function;
  }

  private static ObjectNode subscription(String id, String source, String subject, String target) {
    return JsonMapper.shared()
        .createObjectNode()
        .put("Id", id)
        .put("Source", source)
        .put("Subject", subject)
        .put("Target", target);
  }

  private ObjectNode entity(String id, String thingArn) {
    String certificate =
        world
            .aws()
            .run(
                "iot",
                "list-thing-principals",
                "--thing-name",
                thingArn.substring(thingArn.indexOf('/') + 1))
            .path("principals")
            .path(0)
            .asString();
    return JsonMapper.shared()
        .createObjectNode()
        .put("Id", id)
        .put("ThingArn", thingArn)
        .put("CertificateArn", certificate)
        .put("SyncShadow", false);
  }

  private static ArrayNode array(ObjectNode node) {
    return JsonMapper.shared().createArrayNode().add(node);
  }

  private String define(String kind, String member, ArrayNode entities) {
    ObjectNode content = JsonMapper.shared().createObjectNode();
    content.set(member, entities);
    return define(kind, content);
  }

  private String define(String kind, ObjectNode content) {
    return world
        .aws()
        .run(
            "greengrass",
            "create-" + kind + "-definition",
            "--name",
            "demo",
            "--initial-version",
            content.toString())
        .path("LatestVersionArn")
        .asString();
  }

  String talkToDevice() throws Exception {
    broker = discover();
    connectDevice();
    MqttDevice device = device();
    device.publish("devices/" + DEVICE + "/unrouted", "{\"nobody\":\"hears this\"}");
    String answer = ask("first question");
    device.publish("devices/" + DEVICE + "/shout", "{\"text\":\"hear me\"}");
    MqttDevice.Received loud =
        device.await(
            "the on-demand function's answer",
            Duration.ofSeconds(30),
            r -> r.topic().endsWith("/loud"));
    if (!loud.payload().contains("HEAR ME")) {
      throw new StepFailed("the on-demand function answered " + loud.payload());
    }
    watcher.await(
        "the long-lived function's report",
        Duration.ofSeconds(20),
        r ->
            r.topic().equals("devices/" + DEVICE + "/seen")
                && r.payload().contains("first question"));
    if (device.find(r -> r.topic().endsWith("/unrouted")).isPresent()
        || watcher.received().stream().anyMatch(r -> r.topic().endsWith("/unrouted"))) {
      throw new StepFailed("a topic without a subscription reached somebody");
    }
    return "discovered "
        + broker().host()
        + ":"
        + broker().port()
        + ", device → function → device "
        + answer
        + ", on demand "
        + loud.payload()
        + ", cloud heard it, the unrouted topic went nowhere";
  }

  /** One way through the long-lived function and back; gives the milliseconds. */
  String ask(String question) {
    long start = System.nanoTime();
    device().publish("devices/" + DEVICE + "/request", "{\"q\":\"" + question + "\"}");
    device()
        .await(
            "the long-lived function's answer to '" + question + "'",
            Duration.ofSeconds(30),
            r -> r.topic().endsWith("/reply") && r.payload().contains(question));
    return (System.nanoTime() - start) / 1_000_000 + " ms";
  }

  /** Ways through the function that answers to nobody else and back, one at a time, in ns. */
  long[] shout(int times) throws InterruptedException {
    byte[] payload = "{\"text\":\"hear me\"}".getBytes(StandardCharsets.UTF_8);
    MqttDevice shouter = device();
    shouter.forget();
    long[] took = new long[times];
    for (int i = 0; i < times; i++) {
      long start = System.nanoTime();
      shouter.publishOnce("devices/" + DEVICE + "/shout", payload);
      shouter.awaitNumber(i + 1, Duration.ofSeconds(30));
      took[i] = System.nanoTime() - start;
    }
    return took;
  }

  /** Messages for the cloud, by the device's own subscription. */
  void count(int from, int to) {
    for (int i = from; i <= to; i++) {
      device().publish("devices/" + DEVICE + "/count", "{\"n\":" + i + "}");
    }
  }

  void connectDevice() {
    if (device != null) {
      device.close();
    }
    Broker known = broker();
    SSLContext tls = DeviceTls.context(certs(), known.groupCas());
    device =
        Await.until(
            "the core's local broker",
            Duration.ofSeconds(30),
            () -> {
              try {
                return Optional.of(MqttDevice.connect(known.host(), known.port(), DEVICE, tls));
              } catch (StepFailed e) {
                return Optional.empty();
              }
            },
            () -> "no connection to " + known.host() + ":" + known.port());
    device.subscribe("devices/" + DEVICE + "/#");
  }

  /** The device's own certificate under any client id. */
  MqttDevice connectLocallyAs(String clientId) throws MqttException {
    return MqttDevice.connect(
        broker().host(),
        broker().port(),
        clientId,
        DeviceTls.context(certs(), broker().groupCas()),
        true,
        new ArrayList<>());
  }

  MqttDevice device() {
    if (device == null) {
      throw new StepFailed("the client device never connected");
    }
    return device;
  }

  private Broker broker() {
    if (broker == null) {
      throw new StepFailed("the client device never discovered its core");
    }
    return broker;
  }

  private Path certs() {
    return world.folder().resolve(DEVICE).resolve("certs");
  }

  private Broker discover() throws InterruptedException {
    SSLContext tls = DeviceTls.context(certs(), List.of(world.rootCa()));
    try (HttpClient http =
        HttpClient.newBuilder().sslContext(tls).version(HttpClient.Version.HTTP_1_1).build()) {
      HttpRequest request =
          HttpRequest.newBuilder(
                  URI.create(
                      "https://localhost:"
                          + world.httpsPort()
                          + "/greengrass/discover/thing/"
                          + DEVICE))
              .timeout(Duration.ofSeconds(30))
              .build();
      return Await.until(
          "discovery to name the core's address",
          Duration.ofSeconds(60),
          () -> read(send(http, request)),
          () -> send(http, request).body());
    }
  }

  private static HttpResponse<String> send(HttpClient http, HttpRequest request) {
    try {
      return http.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new StepFailed("discovery failed: " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StepFailed("interrupted", e);
    }
  }

  private static Optional<Broker> read(HttpResponse<String> response) {
    if (response.statusCode() != 200) {
      throw new StepFailed("discovery answered " + response.statusCode() + ": " + response.body());
    }
    JsonNode group = JsonMapper.shared().readTree(response.body()).path("GGGroups").path(0);
    JsonNode address = group.path("Cores").path(0).path("Connectivity").path(0);
    if (address.isMissingNode()) {
      return Optional.empty();
    }
    List<String> cas = group.path("CAs").valueStream().map(JsonNode::asString).toList();
    return Optional.of(
        new Broker(
            address.path("HostAddress").asString(), address.path("PortNumber").asInt(), cas));
  }

  static Map<String, String> asDevice(String accessKey, String secret) {
    return Map.of(
        "AWS_ACCESS_KEY_ID",
        accessKey,
        "AWS_SECRET_ACCESS_KEY",
        secret,
        "AWS_DEFAULT_REGION",
        World.REGION,
        "AWS_EC2_METADATA_DISABLED",
        "true",
        "AWS_PAGER",
        "");
  }
}
