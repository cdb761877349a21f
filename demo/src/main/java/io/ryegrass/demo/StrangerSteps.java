package io.ryegrass.demo;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import org.eclipse.paho.client.mqttv3.MqttException;

/** Who is not known, or asks for more than is his, gets nothing. */
final class StrangerSteps {
  private final World world;
  private final Watcher watcher;
  private final GroupSteps groups;

  StrangerSteps(World world, Watcher watcher, GroupSteps groups) {
    this.world = world;
    this.watcher = watcher;
    this.groups = groups;
  }

  String refuse() {
    List<String> seen = new ArrayList<>();
    seen.add("wrong key: " + wrongKey());
    seen.add("other CA: " + otherCa());
    seen.add("inactive certificate: " + inactiveCertificate());
    seen.add("foreign client id: " + foreignClientId());
    seen.add("topic outside the policy: " + outsidePolicy());
    return String.join("; ", seen);
  }

  private String wrongKey() {
    AwsCli.Result result =
        world
            .aws()
            .attempt(
                GroupSteps.asDevice("AKIAIOSFODNN7EXAMPLE", "not-the-secret"),
                "--debug",
                "--endpoint-url",
                "http://127.0.0.1:" + world.apiPort(),
                "--output",
                "json",
                "greengrass",
                "list-groups");
    String code = "UnrecognizedClientException";
    if (result.exitCode() == 0 || !result.error().contains(code)) {
      throw new StepFailed(
          "a wrong access key was not refused as AWS refuses it: " + last(result.error()));
    }
    if (!result.error().contains("403")) {
      throw new StepFailed("a wrong access key was refused, but not with status 403");
    }
    return "403 " + code;
  }

  private static String last(String text) {
    List<String> lines = text.strip().lines().toList();
    return lines.isEmpty() ? "(nothing)" : lines.getLast();
  }

  private String otherCa() {
    return refusedConnection(
        "demo-device",
        DeviceTls.strangerContext(world.folder(), List.of(world.rootCa())),
        "a certificate of another CA");
  }

  private String inactiveCertificate() {
    String thing = "demo-retired";
    Path root = world.folder().resolve(thing);
    world.provision("--client-device", "--thing", thing, "--root", root.toString());
    SSLContext tls = DeviceTls.context(root.resolve("certs"), List.of(world.rootCa()));
    MqttDevice.connect("localhost", world.mqttPort(), thing, tls).close();
    String certificate =
        world
            .aws()
            .run("iot", "list-thing-principals", "--thing-name", thing)
            .path("principals")
            .path(0)
            .asString();
    world
        .aws()
        .run(
            "iot",
            "update-certificate",
            "--certificate-id",
            certificate.substring(certificate.indexOf('/') + 1),
            "--new-status",
            "INACTIVE");
    return refusedConnection(thing, tls, "an INACTIVE certificate");
  }

  /** At the cloud by the policy, at the core because the id must be the certificate's thing. */
  private String foreignClientId() {
    refusedConnection(
        World.CORE, deviceTls(world.rootCa()), "a device with another thing's client id");
    try {
      groups.connectLocallyAs("not-" + GroupSteps.DEVICE).close();
    } catch (MqttException e) {
      return "refused by cloud and core";
    }
    throw new StepFailed("the core let a device in whose client id is not its thing name");
  }

  private String outsidePolicy() {
    MqttDevice device =
        MqttDevice.connect(
            "localhost", world.mqttPort(), GroupSteps.DEVICE, deviceTls(world.rootCa()));
    try {
      device.publish("demo/forbidden", "{}");
    } catch (StepFailed e) {
      // The broker closes the connection instead of acknowledging; looked at below.
    }
    Await.until(
        "the connection to be closed",
        Duration.ofSeconds(30),
        () -> Optional.of(true).filter(x -> !device.isConnected()),
        () -> "still connected");
    device.close();
    if (watcher.received().stream().anyMatch(r -> r.topic().equals("demo/forbidden"))) {
      throw new StepFailed("a publish outside the policy was delivered");
    }
    return "disconnected, not delivered";
  }

  private SSLContext deviceTls(String trusted) {
    return DeviceTls.context(
        world.folder().resolve(GroupSteps.DEVICE).resolve("certs"), List.of(trusted));
  }

  private String refusedConnection(String clientId, SSLContext tls, String who) {
    try (MqttDevice device =
        MqttDevice.connect("localhost", world.mqttPort(), clientId, tls, true, new ArrayList<>())) {
      throw new StepFailed(who + " was let in (" + device.isConnected() + ")");
    } catch (MqttException e) {
      if (e.getReasonCode() == MqttException.REASON_CODE_SERVER_CONNECT_ERROR) {
        throw new StepFailed("the cloud's MQTT door does not answer at all", e);
      }
      return "refused";
    }
  }
}
