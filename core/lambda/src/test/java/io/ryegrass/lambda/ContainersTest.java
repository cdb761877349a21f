package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.lambda.LambdaHarness.Deployed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Resources of containers, containers that are made ahead, and what is left of them: nothing; by
 * each OCI runtime that is installed where they could differ.
 */
@Timeout(90)
class ContainersTest {
  private static final String LOOK =
      """
      import os
      def read(path):
          try:
              if os.path.isdir(path):
                  return sorted(os.listdir(path))
              with open(path) as f:
                  return f.read()
          except OSError as e:
              return 'errno %d' % e.errno
      def write(path):
          try:
              with open(path, 'w') as f:
                  f.write('x')
              return 'ok'
          except OSError as e:
              return 'errno %d' % e.errno
      def ways(path):
          good = ''
          for name, flag in (('r', os.O_RDONLY), ('w', os.O_WRONLY)):
              try:
                  os.close(os.open(path, flag))
                  good += name
              except OSError as e:
                  good += '-%d' % e.errno
          return good
      def handler(event, context):
          if event.get('child'):
              import subprocess
              return subprocess.Popen(['nohup', 'sleep', '300'], start_new_session=True).pid
          return {'groups': os.getgroups(), 'env': dict(os.environ), 'ways': [ways(p) for p in event.get('ways', [])], 'read': [read(p) for p in event.get('read', [])],
                  'write': [write(p) for p in event.get('write', [])]}
      """;

  private Path root;
  private LambdaHarness core;
  private LeftBehindByContainers left;
  private @Nullable Path devices;

  @BeforeEach
  void start() throws IOException {
    assumeThat(UserIds.own().uid()).as("making containers needs root").isZero();
    assumeThat(PlainProcesses.find("runc").or(() -> PlainProcesses.find("crun")))
        .as("an OCI runtime is needed: apt-get install runc")
        .isPresent();
    root = Files.createTempDirectory(Path.of("/var/tmp"), "ryegrass-containers");
    mode(root, "rwxr-xr-x");
    left = new LeftBehindByContainers(root);
    core = new LambdaHarness(root);
  }

  @AfterEach
  void stop() {
    if (devices != null) {
      Models.delete(devices);
    }
    if (core != null) {
      core.close();
      Models.delete(root);
      soon().untilAsserted(() -> assertThat(left.all()).isEmpty());
    }
  }

  /** Those that are installed here. */
  static List<String> engines() {
    return Stream.of("runc", "crun").filter(e -> PlainProcesses.find(e).isPresent()).toList();
  }

  private static Path mode(Path path, String mode) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    return path;
  }

  private static ConditionFactory soon() {
    return await().atMost(Duration.ofSeconds(20));
  }

  private Deployed contained(String name, Consumer<ObjectNode> change) {
    return core.deploy(
        name,
        "main.handler",
        LOOK,
        c -> {
          c.put("containerMode", "GreengrassContainer");
          c.putObject("runAs").put("uid", 54321).put("gid", 54322);
          change.accept(c);
        });
  }

  private static ObjectNode resource(ObjectNode c, String kind, int index) {
    return c.withObject("/containerParams/" + kind).putObject(Integer.toString(index));
  }

  private static void volume(ObjectNode c, int index, Path source, String to, String permission) {
    resource(c, "volumes", index)
        .put("sourcePath", source.toString())
        .put("destinationPath", to)
        .put("permission", permission);
  }

  /** LRA-02: what is mounted where the host has nothing leaves nothing on the host. */
  @ParameterizedTest
  @MethodSource("engines")
  void resourcesAreWhereTheFunctionWantsThemAndNowhereOnTheHost(String engine) throws IOException {
    core.configure(Map.of("containerEngine", engine));
    Path folder = mode(Files.createDirectory(root.resolve("folder")), "rwxrwxrwx");
    Path file = mode(Files.writeString(root.resolve("file"), "content"), "rw-r--r--");
    Deployed d =
        contained(
            "placed",
            c -> {
              volume(c, 0, folder, "/dest/LRAtest", "rw");
              volume(c, 1, folder, "/usr/share/ryegrass-test/deep", "rw");
              volume(c, 2, file, "/etc/ryegrass-test.conf", "ro");
              resource(c, "devices", 0).put("path", "/dev/full").put("permission", "rw");
              c.withObject("/containerParams").put("mountROSysfs", true);
            });
    JsonNode seen =
        core.call(
                d.arn(),
                """
                {"write": ["/dest/LRAtest/a", "/usr/share/ryegrass-test/deep/b", "/etc/ryegrass-test.conf", "/dev/full", "/sys/x", "/tmp/x", "/dev/shm/x"],
                 "read": ["/etc/ryegrass-test.conf", "/usr/share/ryegrass-test", "/sys/kernel/mm/nothing", "/etc/hostname"]}
                """)
            .json();
    assertThat(seen.path("write").toString())
        .isEqualTo("[\"ok\",\"ok\",\"errno 30\",\"errno 28\",\"errno 30\",\"ok\",\"ok\"]");
    assertThat(seen.path("read").get(0).asString()).isEqualTo("content");
    assertThat(seen.path("read").get(1).toString()).isEqualTo("[\"deep\"]");
    assertThat(folder.resolve("a")).exists();
    assertThat(folder.resolve("b")).exists();
    assertThat(Path.of("/dest/LRAtest")).doesNotExist();
    assertThat(Path.of("/usr/share/ryegrass-test")).doesNotExist();
    assertThat(Path.of("/etc/ryegrass-test.conf")).doesNotExist();
  }

  /**
   * LRA-03, LRA-06, LRA-10: the node has its owner and mode, the right to open it is the
   * resource's.
   */
  @ParameterizedTest
  @MethodSource("engines")
  void aDeviceIsOpenedAsItsResourceSaysAndByTheGroupThatOwnsIt(String engine) throws Exception {
    core.configure(Map.of("containerEngine", engine));
    Path folder = devices();
    Path readOnly = node(folder, "ro", "237", "rw-rw-rw-"); // of /dev/loop-control
    Path ofAGroup = node(folder, "grouped", "229", "rw-rw----"); // of /dev/fuse
    Files.setAttribute(ofAGroup, "unix:gid", 4711);
    Deployed d =
        contained(
            "devices",
            c -> {
              resource(c, "devices", 0).put("path", readOnly.toString()).put("permission", "ro");
              resource(c, "devices", 1)
                  .put("path", ofAGroup.toString())
                  .put("permission", "rw")
                  .put("addGroupOwner", true);
            });
    String both = "{\"ways\": [\"" + readOnly + "\",\"" + ofAGroup + "\"]}";
    assertThat(core.call(d.arn(), both).json().path("ways").toString())
        .isEqualTo("[\"r-1\",\"rw\"]");

    Deployed stranger =
        contained(
            "stranger",
            c -> resource(c, "devices", 0).put("path", folder.toString()).put("permission", "ro"));
    assertThat(stranger.reporter().states)
        .singleElement()
        .asString()
        .contains("don't have ro permission on the file: " + ofAGroup + ".");
    mode(ofAGroup, "rw-rw-rw-");
    Deployed all =
        contained(
            "all",
            c -> resource(c, "devices", 0).put("path", folder.toString()).put("permission", "rw"));
    assertThat(core.call(all.arn(), both).json().path("ways").toString())
        .isEqualTo("[\"rw\",\"rw\"]");
  }

  /** A folder of this test alone below /dev; removed at its end. */
  private Path devices() throws IOException {
    devices = Files.createTempDirectory(Path.of("/dev"), "ryegrass-test");
    return mode(devices, "rwxr-xr-x");
  }

  /** One of the kernel's miscellaneous devices (major 10) that no container has by itself. */
  private static Path node(Path folder, String name, String minor, String mode) throws Exception {
    Path node = folder.resolve(name);
    assumeThat(new ProcessBuilder("mknod", node.toString(), "c", "10", minor).start().waitFor())
        .as("devices are made on this host")
        .isZero();
    try {
      Files.newByteChannel(node, StandardOpenOption.WRITE).close();
    } catch (IOException e) {
      assumeThat(e).as("device 10:" + minor + " is in this kernel").isNull();
    }
    return mode(node, mode);
  }

  @Test
  void whatIsNoDeviceIsNamedBeforeAnythingStarts() throws IOException {
    Path file = Files.writeString(devices().resolve("file"), "");
    Path folder = Files.createDirectory(devices.resolve("empty"));
    Map<Path, String> wrong =
        Map.of(
            file,
            "is neither a character nor a block device",
            folder,
            "is a folder without any device",
            Path.of("/etc/hostname"),
            "is not below /dev");
    wrong.forEach(
        (path, why) -> {
          Deployed d =
              contained(
                  "no-" + path.getFileName(),
                  c ->
                      resource(c, "devices", 0)
                          .put("path", path.toString())
                          .put("permission", "rw"));
          assertThat(d.reporter().states)
              .singleElement()
              .asString()
              .startsWith("ERRORED LOCAL_RESOURCE_NOT_VALID The device " + path + " of " + d.arn())
              .contains(why, "make it a volume");
        });
  }

  /** LRA-10, LRA-11: the group of the resource, or another by its name. */
  @Test
  void theGroupOfAResourceIsAddedAsItSays() throws IOException {
    Path auto = mode(Files.createDirectory(root.resolve("auto")), "rwxrwx---");
    Files.setAttribute(auto, "unix:gid", 4711);
    Path named = mode(Files.createDirectory(root.resolve("named")), "rwxrwx---");
    Files.setAttribute(named, "unix:gid", UserIds.group("daemon"));
    Deployed d =
        contained(
            "grouped",
            c -> {
              volume(c, 0, auto, "/auto", "rw");
              volume(c, 1, named, "/named", "rw");
              c.withObject("/containerParams/volumes/0").put("addGroupOwner", true);
              c.withObject("/containerParams/volumes/1").put("groupOwner", "daemon");
            });
    JsonNode seen = core.call(d.arn(), "{\"write\": [\"/auto/a\", \"/named/b\"]}").json();
    assertThat(seen.path("write").toString()).isEqualTo("[\"ok\",\"ok\"]");
    assertThat(seen.path("groups").toString()).contains("4711", "" + UserIds.group("daemon"));
  }

  /** LRA-16, TRB-DEP-10, LESSON-61: before anything starts. */
  @Test
  void aFileThatTheFunctionMayNotUseFailsItsDeploymentByName() throws IOException {
    Path secret = mode(Files.writeString(root.resolve("secret"), ""), "rw-------");
    Path data = mode(Files.createDirectory(root.resolve("data")), "rwxr-xr-x");
    Deployed reads = contained("reads", c -> volume(c, 0, secret, "/secret", "ro"));
    Deployed writes =
        contained(
            "writes",
            c -> {
              volume(c, 0, data, "/data", "rw");
              c.withObject("/containerParams/volumes/0").put("addGroupOwner", true);
            });
    assertThat(reads.reporter().states)
        .singleElement()
        .asString()
        .startsWith(
            "ERRORED LOCAL_RESOURCE_PERMISSION group config is invalid: 54321 or [54322] don't have"
                + " ro permission on the file: "
                + secret
                + ".")
        .contains("uid 0, gid 0 and has mode 0600");
    assertThat(writes.reporter().states)
        .singleElement()
        .asString()
        .contains("54321 or [54322 root] don't have rw permission on the file: " + data + ".")
        .contains("mode 0755");
  }

  /** LRA-14. */
  @Test
  void withoutAContainerALocalResourceFailsTheDeployment() {
    Deployed d =
        contained(
            "bare",
            c -> {
              c.put("containerMode", "NoContainer");
              volume(c, 0, Path.of("/usr"), "/data", "ro");
            });
    assertThat(d.reporter().states)
        .singleElement()
        .asString()
        .contains(
            "Function "
                + d.arn()
                + " refers to resource of type Local.Volume that is not allowed in"
                + " IsolationMode=NoContainer.");
  }

  /** E39, MLI-08, MLI-13, MLI-14, TRB-MLI-06. */
  @Test
  void aModelIsAtItsDestinationAndOnlyForThoseWhoHaveIt() throws IOException {
    Path unpacked = root.resolve("packages/artifacts-unarchived/model.m/1.2.3/model.tar");
    Files.createDirectories(unpacked.resolve("net"));
    Files.writeString(unpacked.resolve("net/labels"), "cat");
    String links = root + "/work/aws.greengrass.LambdaManager/ml/plain";
    String ask =
        "{\"read\": [\"/models/m/net/labels\", \""
            + links
            + "/models/m/net/labels\"], \"write\": [\"/models/m/net/labels\", \""
            + links
            + "/new\"]}";
    Deployed container = contained("inside", ContainersTest::model);
    JsonNode inside = core.call(container.arn(), ask).json();
    assertThat(inside.path("read").get(0).asString()).isEqualTo("cat");
    assertThat(inside.path("write").get(0).asString()).isEqualTo("errno 30");
    assertThat(inside.path("env").path("AWS_GG_RESOURCE_PREFIX").asString()).isEqualTo("/");

    Deployed plain =
        contained(
            "plain",
            c -> {
              model(c);
              c.put("containerMode", "NoContainer");
            });
    JsonNode outside = core.call(plain.arn(), ask).json();
    assertThat(outside.path("read").get(1).asString()).isEqualTo("cat");
    assertThat(outside.path("groups").toString()).contains("4712");
    assertThat(outside.path("env").path("AWS_GG_RESOURCE_PREFIX").asString()).isEqualTo(links);
    assertThat(outside.path("write").get(1).asString())
        .as("the core writes there as root, so nobody else does")
        .isEqualTo("errno 13");

    Deployed stranger =
        contained(
            "stranger",
            c -> {
              c.withObject("/runAs").put("gid", 4712);
              c.putObject("mlOwners").put("m", "4712");
            });
    assertThat(stranger.reporter().states)
        .singleElement()
        .asString()
        .contains(
            "Lambda "
                + stranger.arn()
                + " gains access to resource m by sharing the same group owner id");
  }

  private static void model(ObjectNode c) {
    c.putObject("mlResources")
        .putObject("0")
        .put("resourceId", "m")
        .put("component", "model.m")
        .put("version", "1.2.3")
        .put("artifact", "model.tar.gz")
        .put("destinationPath", "/models/m")
        .put("permission", "ro")
        .put("groupOwner", "4712");
  }

  /** E32: in a container no child outlives the function, whatever it does. */
  @ParameterizedTest
  @MethodSource("engines")
  void aChildOfAContainerEndsWithTheFunction(String engine) {
    core.configure(Map.of("containerEngine", engine));
    Deployed d = contained("parent", c -> {});
    core.call(d.arn(), "{\"child\": true}");
    long pid = pool(d).workerFigures().getFirst().pid();
    List<ProcessHandle> family = ProcessHandle.of(pid).orElseThrow().descendants().toList();
    assertThat(family).hasSizeGreaterThanOrEqualTo(2);
    d.body().stop(Duration.ofSeconds(3));
    soon().until(() -> family.stream().noneMatch(ProcessHandle::isAlive));
  }

  private FunctionPool pool(Deployed d) {
    return core.manager.running().functions().find(d.arn()).orElseThrow();
  }

  @Test
  void aContainerIsMadeAheadWhileTheFunctionIsInUseAndGoesWhenItIsIdle() {
    Deployed d = contained("ahead", c -> c.put("maxIdleTimeInSeconds", 3));
    assertThat(left.containers()).as("none for a function that nobody has called").isEmpty();
    soon()
        .until(
            () -> {
              core.call(d.arn(), "{}"); // it stays in use, however long the other one takes
              return left.containers().size() == 2 && pool(d).figures().workers() == 1;
            });
    soon().until(() -> left.containers().isEmpty());
    assertThat(pool(d).figures().workers()).isZero();
    assertThat(core.call(d.arn(), "{}").error()).isEmpty();
  }

  @Test
  void whatWasMadeAheadTakesTheNextCallUnlessTheConfigurationIsAnother() {
    core.managerConfiguration.put("spareContainers", "always");
    Deployed d = contained("always", c -> {});
    soon().until(() -> left.containers().size() == 1);
    String spare = left.containers().getFirst().getFileName().toString();
    JsonNode seen = core.call(d.arn(), "{}").json();
    assertThat("ryegrass-" + seen.path("env").path(ProcessTree.MARK).asString()).isEqualTo(spare);

    soon().until(() -> left.containers().size() == 2);
    ObjectNode other = LambdaHarness.JSON.createObjectNode();
    other.put("lambdaArn", d.arn()).put("runtime", "python3.8").put("handler", "main.handler");
    other.put("pinned", false).put("timeoutInSeconds", 10);
    other.withObject("/lambdaExecutionParameters/EnvironmentVariables").put("NEW", "value");
    other.putObject("runAs").put("uid", 54321).put("gid", 54322);
    d.body().configurationChanged(other);
    JsonNode later = core.call(d.arn(), "{}").json();
    assertThat(later.path("env").path("NEW").asString()).isEqualTo("value");
  }

  /** Nothing leaks when the core is killed: a process of its own that is killed by SIGKILL. */
  @ParameterizedTest
  @MethodSource("engines")
  void nothingIsLeftOfAKilledCoreAfterTheNextStart(String engine) throws Exception {
    Path other = mode(Files.createDirectory(root.resolve("other")), "rwxr-xr-x");
    LeftBehindByContainers traces = new LeftBehindByContainers(other);
    Process killed =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-cp",
                System.getProperty("java.class.path"),
                KilledCore.class.getName(),
                other.toString(),
                engine)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> traces.containers().size() == 2 && Files.exists(other.resolve("ready")));
      Set<Long> before = marked(other);
      assertThat(before).hasSizeGreaterThanOrEqualTo(2);
      assertThat(traces.all())
          .as("layers of overlays")
          .anyMatch(p -> p.toString().contains("-layers/"));
      killed.destroyForcibly();
      assertThat(killed.waitFor()).isEqualTo(137);

      new LambdaHarness(other).close();

      soon().untilAsserted(() -> assertThat(traces.all()).isEmpty());
      soon().until(() -> marked(other).isEmpty());
      assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
          .as("mounts of this host")
          .doesNotContain(other.toString(), "ryegrass-killed");
    } finally {
      killed.destroyForcibly();
    }
  }

  /** Processes of workers of the functions that {@link KilledCore} deploys. */
  private static Set<Long> marked(Path root) throws IOException {
    Set<Long> found = new java.util.HashSet<>();
    try (var processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (Path process : processes) {
        try {
          if (Files.readString(
                  process.resolve("environ"), java.nio.charset.StandardCharsets.ISO_8859_1)
              .contains("KILLED_CORE=" + root)) {
            found.add(Long.parseLong(process.getFileName().toString()));
          }
        } catch (IOException e) {
          continue; // it has ended
        }
      }
    }
    return found;
  }

  /** A core of its own, with a worker in a container, one made ahead, and one without. */
  static final class KilledCore {
    private KilledCore() {}

    public static void main(String[] arguments) throws Exception {
      Path root = Path.of(arguments[0]);
      LambdaHarness core = new LambdaHarness(root);
      core.configure(Map.of("spareContainers", "always", "containerEngine", arguments[1]));
      for (String mode : List.of("GreengrassContainer", "NoContainer")) {
        core.deploy(
                "killed-" + mode,
                "main.handler",
                LOOK,
                c -> {
                  c.put("containerMode", mode).put("pinned", true);
                  if (mode.equals("GreengrassContainer")) { // an overlay, for want of its place
                    volume(c, 0, Path.of("/usr"), "/usr/share/ryegrass-killed", "ro");
                  }
                  c.withObject("/lambdaExecutionParameters/EnvironmentVariables")
                      .put("KILLED_CORE", root.toString());
                })
            .awaitRunning();
      }
      Files.writeString(root.resolve("ready"), "");
      Thread.sleep(Duration.ofMinutes(2));
    }
  }
}
