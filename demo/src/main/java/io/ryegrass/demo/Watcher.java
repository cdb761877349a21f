package io.ryegrass.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.jspecify.annotations.Nullable;

/**
 * A cloud subscriber: an application of the plant's owner that listens at the cloud's MQTT door.
 */
final class Watcher {
  private static final String NAME = "demo-watcher";
  private static final String POLICY =
      """
      {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*",
       "Action":["iot:Connect","iot:Subscribe","iot:Receive"]}]}
      """;

  private final World world;
  private final List<MqttDevice.Received> received = new ArrayList<>();
  private @Nullable MqttDevice device;

  Watcher(World world) {
    this.world = world;
  }

  /** Provisions it and subscribes with a session that the cloud keeps. */
  void connect() {
    Path policy = world.folder().resolve("watcher-policy.json");
    try {
      Files.writeString(policy, POLICY);
    } catch (IOException e) {
      throw new StepFailed("cannot write " + policy, e);
    }
    world.provision(
        "--client-device",
        "--thing",
        NAME,
        "--root",
        folder().toString(),
        "--policy",
        NAME,
        "--policy-document",
        policy.toString());
    reconnect(Duration.ofSeconds(30));
    device().subscribe("demo/#");
    device().subscribe("devices/#");
  }

  /**
   * The session is there already when the cloud kept it; messages that waited come by themselves.
   */
  void reconnect(Duration deadline) {
    if (device != null) {
      device.close();
    }
    device =
        Await.until(
            "the cloud's MQTT door",
            deadline,
            () -> {
              try {
                return java.util.Optional.of(
                    MqttDevice.connect(
                        "localhost",
                        world.mqttPort(),
                        NAME,
                        DeviceTls.context(folder().resolve("certs"), List.of(world.rootCa())),
                        false,
                        received));
              } catch (MqttException e) {
                return java.util.Optional.empty();
              }
            },
            () -> "no connection");
  }

  MqttDevice.Received await(String what, Duration deadline, Predicate<MqttDevice.Received> wanted) {
    return device().await(what + " at the cloud subscriber", deadline, wanted);
  }

  List<MqttDevice.Received> received() {
    return device().received();
  }

  private Path folder() {
    return world.folder().resolve(NAME);
  }

  private MqttDevice device() {
    if (device == null) {
      throw new StepFailed("the cloud subscriber never connected");
    }
    return device;
  }
}
