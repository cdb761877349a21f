package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.lambda.LambdaHarness.Answer;
import io.ryegrass.lambda.LambdaHarness.Deployed;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.node.ObjectNode;

/** Other users, containers, and what a killed core leaves behind. */
@Timeout(60)
class IsolationTest {
  private static final String LOOK =
      """
      import os, sys
      def handler(event, context):
          def can(path, mode):
              try:
                  with open(path, mode) as f:
                      f.read() if mode == 'r' else f.write('x')
                  return True
              except OSError:
                  return False
          if event == 'eat':
              hoard = []
              while True:
                  hoard.append(b'x' * 1000000)
          return {'uid': os.getuid(), 'gid': os.getgid(), 'groups': os.getgroups(), 'pid': os.getpid(), 'cwd': os.getcwd(),
                  'root': sorted(os.listdir('/')), 'core': os.listdir(CORE) if os.path.exists(CORE) else [], 'tmp': can('/tmp/f', 'w'), 'usr': can('/usr/f', 'w'), 'code': can('/lambda/f', 'w'),
                  'volume': can('/data/f', 'w'), 'readonly': can('/ro/f', 'w'), 'null': can('/dev/null', 'w'),
                  'caps': [l for l in open('/proc/self/status') if l.startswith(('CapEff', 'NoNewPrivs'))]}
      """;

  private static final String WHO =
      "import os\ndef handler(event, context):\n    return os.getuid()\n";

  private Path root;
  private LambdaHarness core;

  /** Not a @TempDir: other users must be able to read it. */
  @BeforeEach
  void start() throws IOException {
    root =
        Files.createTempDirectory(
            Path.of("/var/tmp"), // /tmp is another one in a container
            "ryegrass-lambda",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
    core = new LambdaHarness(root);
  }

  @AfterEach
  void stop() throws IOException {
    core.close();
    try (var all = Files.walk(root)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private static void asRoot() {
    assumeThat(UserIds.own().uid()).as("changing users and making containers needs root").isZero();
  }

  private static void withContainers() {
    asRoot();
    assumeThat(PlainProcesses.find("runc").or(() -> PlainProcesses.find("crun")))
        .as("an OCI runtime is needed: apt-get install runc")
        .isPresent();
  }

  private Deployed contained(Consumer<ObjectNode> change) {
    return core.deploy(
        "contained",
        "main.handler",
        "CORE = '" + root + "'\n" + LOOK,
        c -> {
          c.put("containerMode", "GreengrassContainer");
          change.accept(c);
        });
  }

  @Test
  void aPlainFunctionRunsAsTheUserItNames() {
    asRoot();
    Deployed d =
        core.deploy(
            "other",
            "main.handler",
            "CORE = '" + root + "'\n" + LOOK,
            c -> c.putObject("runAs").put("uid", 54321).put("gid", 54322));
    var seen = core.call(d.arn(), "1").json();
    assertThat(seen.path("uid").asInt()).isEqualTo(54321);
    assertThat(seen.path("gid").asInt()).isEqualTo(54322);
    assertThat(seen.path("groups")).isEmpty();
  }

  /** E31, LAM-30, CFG-29: by its own ids, or as the user of this core's components. */
  @Test
  void aV1FunctionRunsAsRootOnlyWhereTheCoreAllowsIt() {
    asRoot();
    core.configure(Map.of("allowFunctionsToRunAsRoot", "no"));
    Consumer<ObjectNode> ofAGroup = c -> c.putObject("group").put("id", "g").put("name", "g");
    Deployed asks = core.deploy("asks", "main.handler", WHO, c -> runAs(c, 0, 54322));
    Deployed rootsGroup = core.deploy("group", "main.handler", WHO, c -> runAs(c, 54321, 0));
    Deployed inherits = core.deploy("inherits", "main.handler", WHO, ofAGroup);
    Deployed half =
        core.deploy(
            "half",
            "main.handler",
            WHO,
            ofAGroup.andThen(c -> c.putObject("runAs").put("uid", 54321)));
    for (Deployed d : List.of(asks, rootsGroup, inherits, half)) {
      assertThat(d.reporter().states)
          .singleElement()
          .asString()
          .startsWith(
              "ERRORED ROOT_NOT_ALLOWED lambda(s) ["
                  + d.arn()
                  + "] are configured to run as root while Greengrass is not configured to run"
                  + " lambdas with root permissions (")
          .contains("set allowFunctionsToRunAsRoot to \"yes\"");
    }
    assertThat(inherits.reporter().states.getFirst())
        .contains("uid 0, gid 0, because components of this core run as root");

    Deployed ofV2 = core.deploy("v2", "main.handler", WHO);
    assertThat(core.call(ofV2.arn(), "1").body()).isEqualTo("0");
    core.configure(Map.of("allowFunctionsToRunAsRoot", "yes"));
    Deployed allowed = core.deploy("allowed", "main.handler", WHO, c -> runAs(c, 0, 0));
    assertThat(core.call(allowed.arn(), "1").body()).isEqualTo("0");
  }

  private static void runAs(ObjectNode c, int uid, int gid) {
    c.putObject("runAs").put("uid", uid).put("gid", gid);
  }

  @Test
  void aContainerSeesTheHostReadOnlyWithoutTheCoresOwnFolder() {
    withContainers();
    Deployed d = contained(c -> {});
    var seen = core.call(d.arn(), "1").json();
    assertThat(seen.path("pid").asInt()).isEqualTo(1);
    assertThat(seen.path("cwd").asString()).isEqualTo("/lambda");
    assertThat(seen.path("root").toString()).contains("\"usr\"", "\"var\"", "\"lambda\"");
    assertThat(seen.path("core")).as("the core's root folder").isEmpty();
    assertThat(seen.path("tmp").asBoolean()).isTrue();
    assertThat(seen.path("null").asBoolean()).isTrue();
    assertThat(seen.path("usr").asBoolean()).isFalse();
    assertThat(seen.path("code").asBoolean()).isFalse();
    assertThat(seen.path("caps").toString())
        .contains("CapEff:\\t0000000000000000")
        .contains("NoNewPrivs:\\t1");
  }

  @Test
  void aContainerHasTheVolumesAndTheUserItIsGiven() throws IOException {
    withContainers();
    Path data = Files.createDirectory(root.resolve("data"));
    Path readOnly = Files.createDirectory(root.resolve("ro"));
    Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwxrwxrwx"));
    Files.setPosixFilePermissions(readOnly, PosixFilePermissions.fromString("rwxrwxrwx"));
    Files.setAttribute(data, "unix:gid", 4711);
    Deployed d =
        contained(
            c -> {
              c.putObject("runAs").put("uid", 65534).put("gid", 65534);
              ObjectNode volumes = c.putObject("containerParams").putObject("volumes");
              volumes
                  .putObject("0")
                  .put("sourcePath", data.toString())
                  .put("destinationPath", "/data")
                  .put("permission", "rw")
                  .put("addGroupOwner", true);
              volumes
                  .putObject("1")
                  .put("sourcePath", readOnly.toString())
                  .put("destinationPath", "/ro")
                  .put("permission", "ro");
            });
    var seen = core.call(d.arn(), "1").json();
    assertThat(seen.path("uid").asInt()).isEqualTo(65534);
    assertThat(seen.path("groups").toString()).contains("4711");
    assertThat(seen.path("volume").asBoolean()).isTrue();
    assertThat(seen.path("readonly").asBoolean()).isFalse();
    assertThat(data.resolve("f")).hasContent("x");
  }

  /** v1-lambda-runtime.md section 12, check 8. */
  @ParameterizedTest
  @MethodSource("io.ryegrass.lambda.ContainersTest#engines")
  void aContainerThatTakesTooMuchMemoryIsKilledAndItsCallerIsTold(String engine) {
    withContainers();
    core.configure(Map.of("containerEngine", engine));
    Deployed d = contained(c -> c.putObject("containerParams").put("memorySize", 80 * 1024));
    Answer answer = core.call(d.arn(), "\"eat\"");
    assertThat(answer.error()).isEqualTo("Unhandled");
    assertThat(answer.json().path("errorMessage").asString())
        .contains("exit code 137")
        .contains(
            engine.equals("runc")
                ? "Out of memory: " + d.arn() + " used more than its limit of 80 MB"
                : "80 MB (MemorySize)"); // which crun says it was depends on its version
    assertThat(core.call(d.arn(), "1").json().path("pid").asInt()).isEqualTo(1);
  }

  /** LESSON-61. */
  @Test
  void aVolumeThatIsNotThereIsNamedInTheError() {
    withContainers();
    Deployed d =
        contained(
            c ->
                c.putObject("containerParams")
                    .putObject("volumes")
                    .putObject("0")
                    .put("sourcePath", "/no/such/folder")
                    .put("destinationPath", "/data"));
    assertThat(d.reporter().states)
        .singleElement()
        .asString()
        .startsWith("ERRORED LOCAL_RESOURCE_NOT_FOUND")
        .contains("/no/such/folder", "does not exist");
  }

  @Test
  void withoutRootAContainerIsRefusedWithBothRemedies() {
    Containers ofAnotherUser =
        new Containers(
            new UserIds(1000, 1000),
            root,
            root,
            root,
            new Models(root, root, false),
            Runnable::run);
    var configuration =
        FunctionConfiguration.read(
            "f",
            LambdaHarness.JSON
                .createObjectNode()
                .put("lambdaArn", LambdaHarness.arn("f"))
                .put("handler", "a.b"));
    var home =
        new WorkerStarter.FunctionHome(
            configuration,
            root,
            root,
            "",
            new FunctionEnvironment("core-1", 1, Map.of()),
            LambdaHarness.JSON.createObjectNode(),
            new WorkerLog((l, t) -> {}));
    assertThatThrownBy(() -> ofAnotherUser.check(home))
        .isInstanceOf(NucleusException.class)
        .hasMessageContaining("the core does not run as root")
        .hasMessageContaining("install runc")
        .hasMessageContaining("containerMode NoContainer");
  }

  @Test
  void aRuntimeThatTheCoreLacksIsNamedBeforeAnythingStarts() {
    Deployed d = core.deploy("cobol", "main.handler", "", c -> c.put("runtime", "cobol85"));
    assertThat(d.reporter().states)
        .singleElement()
        .asString()
        .startsWith("ERRORED RUNTIME_NOT_SUPPORTED")
        .contains("cobol85");
    assertThat(core.bus.attached).isEmpty();
  }

  @Test
  void whatAKilledCoreLeftBehindIsEndedAtTheNextStart() throws Exception {
    Path notes = root.resolve("work/aws.greengrass.LambdaManager/workers");
    // A worker of a core that is gone: in its own session, noted, with a child.
    Process worker =
        PlainProcesses.run(
            List.of("/usr/bin/setsid", "sh", "-c", "sleep 300 & exec sleep 300"),
            root,
            Map.of("PATH", "/usr/bin:/bin", ProcessTree.MARK, "old-1"),
            PlainProcesses.NOTHING);
    new Leftovers(notes).note("old-1", worker.pid());
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> ProcessTree.members(worker.pid(), "old-1").size() == 2);
    // A note whose process id now belongs to somebody else.
    Process stranger =
        PlainProcesses.run(
            List.of("/usr/bin/setsid", "sleep", "300"),
            root,
            Map.of("PATH", "/usr/bin"),
            PlainProcesses.NOTHING);
    Files.writeString(
        notes.resolve("old-2.json"),
        "{\"pid\":"
            + stranger.pid()
            + ",\"startTicks\":1,\"bootId\":\""
            + Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip()
            + "\"}");
    Files.writeString(notes.resolve("old-3.json"), "{\"pi");

    LambdaHarness next = new LambdaHarness(root);
    try {
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> ProcessTree.members(worker.pid(), "old-1").isEmpty());
      assertThat(stranger.isAlive()).isTrue();
      assertThat(Files.list(notes)).isEmpty();
    } finally {
      stranger.destroyForcibly();
      next.close();
    }
  }
}
