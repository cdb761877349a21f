package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
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
 * The guide's tutorials of modules 4 and 5 (TUT-04 with E08 and E09; TUT-05 with E11 and E12): a V1
 * group made by the AWS CLI, with four devices that discover their core. Both ways between core and
 * cloud are relays that are cut.
 */
@DisplayName("TUT-04 and TUT-05 Devices and their shadows")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class V1ShadowScenarioTest {
  private static final String TOPIC = "hello/world/pubsub";
  private static final String SHADOW = "$aws/things/GG_TrafficLight/shadow/update";

  private static TestCloud cloud;
  private static TestCore core;
  private static final List<Relay> line = new ArrayList<>();
  private static final List<GroupDevice> devices = new ArrayList<>();
  private static GroupDevice publisher;
  private static GroupDevice subscriber;
  private static GroupDevice switcher;
  private static GroupDevice light;
  private static List<String> heardBySwitch;
  private static List<String> heardByLight;
  private static String group;
  private static int messages;

  @BeforeAll
  static void makeTheGroup(TestCloud shared) {
    cloud = shared;
    core = TestCore.provisioned(cloud, "GG_Core");
    throughRelay("port", cloud.mqttPort());
    throughRelay("greengrassDataPlanePort", cloud.endpoints().path("httpsPort").asInt());
    core.start();
    publisher = device("HelloWorld_Publisher");
    subscriber = device("HelloWorld_Subscriber");
    switcher = device("GG_Switch");
    light = device("GG_TrafficLight");
    String cores =
        define(
            "core",
            "{\"Cores\":[{\"Id\":\"core\",\"ThingArn\":\"%s\",\"CertificateArn\":\"%s\",\"SyncShadow\":false}]}"
                .formatted(
                    TestCloud.thingArn(core.thing),
                    cloud
                        .iot
                        .listThingPrincipals(b -> b.thingName(core.thing))
                        .principals()
                        .getFirst()));
    String subscriptions =
        define(
            "subscription",
            "{\"Subscriptions\":["
                + String.join(
                    ",",
                    row(1, publisher.thing, TOPIC, subscriber.thing),
                    row(2, "GG_Switch", SHADOW, "GGShadowService"),
                    row(3, "GGShadowService", SHADOW + "/accepted", "GG_Switch"),
                    row(4, "GGShadowService", SHADOW + "/rejected", "GG_Switch"),
                    row(5, "GG_TrafficLight", SHADOW, "GGShadowService"),
                    row(6, "GGShadowService", SHADOW + "/delta", "GG_TrafficLight"),
                    row(7, "GGShadowService", SHADOW + "/accepted", "GG_TrafficLight"),
                    row(8, "GGShadowService", SHADOW + "/rejected", "GG_TrafficLight"))
                + "]}");
    String deviceDefinition = define("device", members(false));
    JsonNode made =
        cloud.aws(
            "greengrass",
            "create-group",
            "--name",
            "shadows",
            "--initial-version",
            version(cores, deviceDefinition, subscriptions));
    group = made.path("Id").asString();
    deploy(made.path("LatestVersion").asString());
  }

  private static void throughRelay(String key, int port) {
    Relay relay = new Relay(port);
    line.add(relay);
    var config = core.root.resolve("config/config.yaml");
    String before = TestCloud.read(config);
    String after =
        Pattern.compile("(?m)^(\\s+" + key + ": )" + port + "$")
            .matcher(before)
            .replaceFirst("$1" + relay.port());
    assertThat(after).isNotEqualTo(before);
    TestCloud.write(config, after);
  }

  private static GroupDevice device(String thing) {
    GroupDevice device = GroupDevice.create(cloud, thing);
    devices.add(device);
    return device;
  }

  private static String members(boolean sync) {
    return "{\"Devices\":["
        + String.join(",", devices.stream().map(d -> d.member(sync)).toList())
        + "]}";
  }

  private static String end(String name) {
    return name.equals("GGShadowService") ? name : TestCloud.thingArn(name);
  }

  private static String row(int id, String source, String subject, String target) {
    return "{\"Id\":\"%d\",\"Source\":\"%s\",\"Subject\":\"%s\",\"Target\":\"%s\"}"
        .formatted(id, end(source), subject, end(target));
  }

  private static String define(String kind, String content) {
    return cloud
        .aws(
            "greengrass",
            "create-" + kind + "-definition",
            "--name",
            "shadows",
            "--initial-version",
            content)
        .path("LatestVersionArn")
        .asString();
  }

  private static String version(String cores, String deviceDefinition, String subscriptions) {
    return "{\"CoreDefinitionVersionArn\":\"%s\",\"DeviceDefinitionVersionArn\":\"%s\",\"SubscriptionDefinitionVersionArn\":\"%s\"}"
        .formatted(cores, deviceDefinition, subscriptions);
  }

  private static void deploy(String version) {
    String deployment = cloud.newDeployment(group, version);
    TestCore.await("deployment " + deployment)
        .until(
            () ->
                cloud
                    .aws(
                        "greengrass",
                        "get-deployment-status",
                        "--group-id",
                        group,
                        "--deployment-id",
                        deployment)
                    .path("DeploymentStatus")
                    .asString(),
            "Success"::equals);
  }

  @AfterAll
  static void stop() {
    devices.forEach(GroupDevice::close);
    core.close();
    line.forEach(Relay::close);
  }

  // ---- module 4

  private static String hello(int sequence) {
    return "{\"message\": \"Hello, World! Sent from HelloWorld_Publisher\", \"sequence\": "
        + sequence
        + "}";
  }

  private static void awaitHellos(int count) {
    List<String> heard = subscriber.subscribe(TOPIC);
    List<String> wanted = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      publisher.publish(TOPIC, hello(messages));
      wanted.add(TOPIC + " " + hello(messages));
      messages++;
    }
    TestCore.await("the hellos").untilAsserted(() -> assertThat(heard).isEqualTo(wanted));
  }

  @Test
  @Order(1)
  @DisplayName("E08: the subscriber receives the publisher's sequence through the core")
  void twoDevicesTalkThroughTheCore() {
    devices.forEach(d -> d.discover(cloud));
    publisher.connect();
    subscriber.connect();
    awaitHellos(3);
  }

  @Test
  @Order(2)
  @DisplayName("E09: with the cloud cut off they connect anew by what they know, and go on")
  void theyTalkWithoutTheCloud() {
    line.forEach(Relay::cut);
    publisher.connect();
    subscriber.connect();
    awaitHellos(3);
    line.forEach(Relay::restore);
  }

  // ---- module 5

  private static String desired(String color, String token) {
    return "{\"state\":{\"desired\":{\"property\":\"%s\"}},\"clientToken\":\"%s\"}"
        .formatted(color, token);
  }

  private static JsonNode awaitMessage(
      List<String> heard, String topic, Predicate<JsonNode> wanted) {
    return TestCore.await(topic)
        .until(
            () ->
                heard.stream()
                    .filter(h -> h.startsWith(topic + " "))
                    .map(h -> JsonMapper.shared().readTree(h.substring(topic.length() + 1)))
                    .filter(wanted)
                    .findFirst()
                    .orElse(null),
            m -> m != null);
  }

  private static Predicate<JsonNode> token(String token) {
    return m -> m.path("clientToken").asString("").equals(token);
  }

  /** The switch wants a color, the light hears it as delta and reports it. */
  private static JsonNode cycle(String color) {
    String wish = "switch-" + color + "-" + messages++;
    switcher.publish(SHADOW, desired(color, wish));
    JsonNode accepted = awaitMessage(heardBySwitch, SHADOW + "/accepted", token(wish));
    assertThat(accepted.at("/state/desired/property").asString()).isEqualTo(color);
    JsonNode delta = awaitMessage(heardByLight, SHADOW + "/delta", token(wish));
    String report = "light-" + color + "-" + messages++;
    light.publish(
        SHADOW,
        "{\"state\":{\"reported\":{\"property\":\"%s\"}},\"clientToken\":\"%s\"}"
            .formatted(delta.at("/state/property").asString(), report));
    awaitMessage(heardByLight, SHADOW + "/accepted", token(report));
    return delta;
  }

  private static Ryegrass.Outcome cloudShadow() {
    return cloud.awsOutcome(
        "iot-data", "get-thing-shadow", "--thing-name", "GG_TrafficLight", "/dev/stdout");
  }

  /** The AWS CLI writes the document, and then what it would print anyway. */
  private static JsonNode cloudState() {
    Ryegrass.Outcome outcome = cloudShadow();
    String text = outcome.output().lines().findFirst().orElse("");
    return outcome.exitCode() == 0 && text.startsWith("{")
        ? JsonMapper.shared().readTree(text.substring(0, text.lastIndexOf('}') + 1)).path("state")
        : JsonMapper.shared().createObjectNode();
  }

  private static void awaitCloud(String desired, String reported) {
    TestCore.await("desired " + desired + ", reported " + reported + " in the cloud")
        .untilAsserted(
            () -> {
              JsonNode state = cloudState();
              assertThat(state.at("/desired/property").asString("")).isEqualTo(desired);
              assertThat(state.at("/reported/property").asString("")).isEqualTo(reported);
            });
  }

  /**
   * Until the core has the cloud's answer to what it gave, too: cut off before, it would take that
   * for somebody else's wish, which goes before its own (SHM-13).
   */
  private static void awaitAnswered(String color) {
    TestCore.await("the cloud's answer about " + color)
        .untilAsserted(
            () -> {
              String record =
                  TestCloud.read(
                      core.work("aws.greengrass.ShadowManager")
                          .resolve("sync/GG_TrafficLight/classic.json"));
              assertThat(record).isNotEmpty();
              JsonNode base = JsonMapper.shared().readTree(record).path("base");
              assertThat(base.at("/desired/property").asString("")).isEqualTo(color);
              assertThat(base.at("/reported/property").asString("")).isEqualTo(color);
            });
  }

  @Test
  @Order(3)
  @DisplayName("E11: light and switch share a shadow on the core, of which the cloud knows nothing")
  void theShadowIsLocal() {
    switcher.connect();
    light.connect();
    heardBySwitch = switcher.subscribe(SHADOW + "/accepted", SHADOW + "/rejected");
    heardByLight = light.subscribe(SHADOW + "/delta", SHADOW + "/accepted", SHADOW + "/rejected");

    JsonNode delta = cycle("R");
    assertThat(delta.at("/state/property").asString()).isEqualTo("R");
    assertThat(delta.at("/metadata/property/timestamp").asLong()).isGreaterThan(1_500_000_000L);
    assertThat(delta.path("version").asInt()).isEqualTo(1);
    assertThat(cycle("G").path("version").asInt()).isEqualTo(3);

    switcher.publish(SHADOW, "{\"state\":{\"desired\":{}},\"version\":1,\"clientToken\":\"old\"}");
    JsonNode rejected = awaitMessage(heardBySwitch, SHADOW + "/rejected", token("old"));
    assertThat(rejected.path("code").asInt()).isEqualTo(409);

    Ryegrass.Outcome shadow = cloudShadow();
    assertThat(shadow.exitCode()).isNotZero();
    assertThat(shadow.output()).contains("ResourceNotFoundException");
  }

  @Test
  @Order(4)
  @DisplayName(
      "E12: synced, the cloud shows desired and reported, and both sides converge after a cut")
  void theShadowIsSynced() {
    JsonNode version =
        cloud
            .aws(
                "greengrass",
                "get-group-version",
                "--group-id",
                group,
                "--group-version-id",
                latest())
            .path("Definition");
    JsonNode next =
        cloud.aws(
            "greengrass",
            "create-group-version",
            "--group-id",
            group,
            "--core-definition-version-arn",
            version.path("CoreDefinitionVersionArn").asString(),
            "--device-definition-version-arn",
            define("device", members(true)),
            "--subscription-definition-version-arn",
            version.path("SubscriptionDefinitionVersionArn").asString());
    deploy(next.path("Version").asString());

    awaitCloud("G", "G");
    cycle("Y");
    awaitCloud("Y", "Y");
    awaitAnswered("Y");

    line.forEach(Relay::cut);
    switcher.connect();
    light.connect();
    heardBySwitch = Collections.unmodifiableList(switcher.subscribe(SHADOW + "/accepted"));
    heardByLight = light.subscribe(SHADOW + "/delta", SHADOW + "/accepted");
    cycle("R");
    cloud.aws(
        "iot-data",
        "update-thing-shadow",
        "--thing-name",
        "GG_TrafficLight",
        "--payload",
        "{\"state\":{\"desired\":{\"mode\":\"night\"}}}",
        cloud.folder.resolve("updated-shadow.json").toString());
    line.forEach(Relay::restore);

    awaitCloud("R", "R");
    JsonNode delta =
        awaitMessage(
            heardByLight, SHADOW + "/delta", m -> m.at("/state/mode").asString("").equals("night"));
    assertThat(delta.path("state").size()).isEqualTo(1);
  }

  private static String latest() {
    return cloud
        .aws("greengrass", "get-group", "--group-id", group)
        .path("LatestVersion")
        .asString();
  }
}
