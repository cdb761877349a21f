package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A device of Greengrass V1: its folder, {@code greengrassd}, {@code config.json}, V1's logs. */
final class V1Device {
  private static final Pattern STARTED =
      Pattern.compile("Greengrass successfully started with PID: (\\d+)");
  private static final Pattern CERTIFICATE = Pattern.compile("certificate=(\\S+)");

  final Path root;
  private final Path folder;
  private final String thing;
  private final String certificate;

  private V1Device(Path folder, Path root, String thing, String certificate) {
    this.folder = folder;
    this.root = root;
    this.thing = thing;
    this.certificate = certificate;
  }

  /** Provisioned in that cloud; not started yet. */
  static V1Device provisioned(TestCloud cloud, String thing, Path root) {
    Ryegrass.Outcome outcome =
        Ryegrass.run(
            cloud.folder,
            TestCore.PATIENCE,
            "provision",
            "--v1",
            "--data",
            cloud.data().toString(),
            "--thing",
            thing,
            "--root",
            root.toString(),
            "--local-mqtt-port",
            "0",
            "--lambda-ipc-port",
            "0");
    outcome.isSuccess();
    Matcher certificate = CERTIFICATE.matcher(outcome.output());
    assertThat(certificate.find()).as(outcome.output()).isTrue();
    V1Device device = new V1Device(cloud.folder, root, thing, certificate.group(1));
    device.change(c -> c.put("pidFileDirectory", root.resolve("pids").toString()));
    return device;
  }

  /** The first version of a core definition for it. */
  String coreDefinition() {
    return "{\"Cores\":[{\"Id\":\"c\",\"ThingArn\":\""
        + TestCloud.thingArn(thing)
        + "\",\"CertificateArn\":\"arn:aws:iot:us-east-1:000000000000:cert/"
        + certificate
        + "\",\"SyncShadow\":false}]}";
  }

  /** Its functions run as {@code nobody} where nothing else is said. */
  Ryegrass.Outcome daemon(String command) {
    try (Ryegrass.Running running =
        Ryegrass.startProgram(
            folder,
            Map.of("RYEGRASS_COMPONENT_DEFAULT_USER", "nobody"),
            List.of(root.resolve("ggc/core/greengrassd").toString(), command))) {
      return running.awaitEnd(TestCore.PATIENCE);
    }
  }

  /** The PID that {@code greengrassd start} or {@code restart} printed. */
  static long started(Ryegrass.Outcome outcome) {
    outcome.isSuccess();
    Matcher started = STARTED.matcher(outcome.output());
    assertThat(started.find()).as(outcome.output()).isTrue();
    return Long.parseLong(started.group(1));
  }

  void change(Consumer<ObjectNode> how) {
    Path file = root.resolve("config/config.json");
    ObjectNode config = (ObjectNode) JsonMapper.shared().readTree(TestCloud.read(file));
    how.accept(config);
    TestCloud.write(file, JsonMapper.shared().writeValueAsString(config));
  }

  void allowFunctionsToRunAsRoot() {
    change(c -> c.withObject("/runtime").put("allowFunctionsToRunAsRoot", "yes"));
  }

  /** Of {@code ggc/var/log}, without {@code .log}. */
  String log(String file) {
    return TestCloud.read(root.resolve("ggc/var/log").resolve(file + ".log"));
  }

  String runtimeLog() {
    return log("system/runtime");
  }

  String userLog(String function) {
    return log("user/us-east-1/000000000000/" + function);
  }
}
