package io.ryegrass.cli.device;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.ipc.IpcServer;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.Nucleus;
import io.ryegrass.nucleus.NucleusSettings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * The command line against a real nucleus without a cloud, over its real socket (CLI-06 to CLI-19,
 * CLI-25, CLI-26).
 */
@Timeout(240)
class CoreCommandsTest {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String HELLO = "com.example.Hello";

  @TempDir static Path temp;
  private static Path root;
  private static Path recipes;
  private static Nucleus nucleus;
  private static IpcServer server;

  @BeforeAll
  static void start() throws IOException {
    root = Files.createDirectories(temp.resolve("root"));
    recipes = Files.createDirectories(temp.resolve("recipes"));
    Files.writeString(
        Files.createDirectories(root.resolve("config")).resolve("config.yaml"),
        "services: {aws.greengrass.Nucleus: {configuration: {runWithDefault: {posixUser: "
            + System.getProperty("user.name")
            + "}}}}");
    recipe(HELLO, "1.0.0", "{message: world, password: hunter2}", "");
    recipe(
        "com.example.Friend",
        "1.0.0",
        "{}",
        "ComponentDependencies: {com.example.Hello: {VersionRequirement: '>=1.0.0'}}");
    CloudPorts cloud = CloudPorts.offline();
    nucleus = Nucleus.open(NucleusSettings.of(root), List.of(), List.of(), cloud);
    server = IpcServer.start(nucleus, cloud.messaging());
    nucleus.start();
    succeeded(
        run("deployment", "create", "--recipeDir", recipes.toString(), "-m", HELLO + "=1.0.0"));
    running(HELLO);
  }

  @AfterAll
  static void stop() {
    nucleus.close();
    server.close();
  }

  private static void recipe(String name, String version, String configuration, String more)
      throws IOException {
    Files.writeString(
        recipes.resolve(name + "-" + version + ".yaml"),
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: %s
        ComponentPublisher: test
        ComponentConfiguration: {DefaultConfiguration: %s}
        %s
        Manifests:
          - Platform: {os: linux}
            Lifecycle: {Run: 'echo hello; exec sleep 600'}
        """
            .formatted(name, version, configuration, more));
  }

  private static CommandRun run(String... args) {
    return CommandRun.of(root, args);
  }

  private static JsonNode json(String... args) {
    CommandRun run = run(args);
    assertThat(run.err()).isEmpty();
    return Result.JSON.readTree(run.out());
  }

  /** Waits for the end of a deployment, which comes later than its components run. */
  private static void succeeded(CommandRun created) {
    assertThat(created.out()).startsWith("Local deployment submitted! Deployment Id: ");
    String id = created.out().strip().replaceAll(".*Id: ", "");
    await()
        .atMost(SOON)
        .until(() -> run("deployment", "status", "-i", id).out().startsWith(id + ": SUCCEEDED"));
  }

  private static void running(String component) {
    await()
        .atMost(SOON)
        .until(() -> run("component", "details", "-n", component).out().contains("State: RUNNING"));
  }

  @Test
  void componentListAndDetailsPrintTheFourLinesOfEachComponent() {
    CommandRun list = run("component", "list");
    assertThat(list.code()).isZero();
    assertThat(list.out().lines().findFirst())
        .contains("Components currently running in Greengrass:");
    assertThat(list.out())
        .contains("Component Name: aws.greengrass.Nucleus\nVersion: 2.")
        .contains(
            "Component Name: com.example.Hello\nVersion: 1.0.0\nState: RUNNING\n"
                + "Configuration: {\"message\":\"world\",\"password\":\"hunter2\"}\n");
    assertThat(json("component", "details", "--name", HELLO, "--output", "json").path("state"))
        .hasToString("\"RUNNING\"");
    CommandRun unknown = run("component", "details", "-n", "nope");
    assertThat(unknown.code()).isEqualTo(1);
    assertThat(unknown.err()).contains("nope not found");
  }

  @Test
  void restartAndStopAreSilentAndTellWhatFailed() throws IOException {
    await().atMost(SOON).until(() -> starts() > 0);
    long starts = starts();
    CommandRun restart = run("component", "restart", "--names", HELLO);
    assertThat(restart).isEqualTo(new CommandRun(0, "", ""));
    await().atMost(SOON).until(() -> starts() == starts + 1);
    running(HELLO);
    CommandRun half = run("component", "restart", "-n", HELLO + ",nope");
    assertThat(half.code()).isEqualTo(1);
    assertThat(half.err()).contains("nope not found");
    await().atMost(SOON).until(() -> starts() == starts + 2);
    running(HELLO);
  }

  /** How often the component has said its word; that it runs was so before a restart, too. */
  private static long starts() throws IOException {
    Path log = root.resolve("logs/" + HELLO + ".log");
    return Files.exists(log)
        ? Files.readString(log).lines().filter(l -> l.contains("stdout. hello")).count()
        : 0;
  }

  @Test
  void aDeploymentIsListedAndAFailedOneTellsItsErrors() {
    CommandRun created = run("deployment", "create", "--merge", "com.example.None=1.0.0");
    String id = created.out().strip().replaceAll(".*Id: ", "");
    await()
        .atMost(SOON)
        .until(() -> run("deployment", "status", "-i", id).out().startsWith(id + ": FAILED"));
    assertThat(run("deployment", "status", "--deploymentId", id).out())
        .contains("Created on: ", " UTC\n", "Detailed Status: FAILED_NO_STATE_CHANGE")
        .contains("Deployment Error Stack: DEPLOYMENT_FAILURE, ", "Deployment Error Types: ")
        .contains("Deployment Failure Cause: ");
    assertThat(run("deployment", "list").out())
        .contains("Deployment ID: " + id + "\nCreated on: ", "\nStatus: FAILED\n");
    assertThat(run("deployment", "cancel", "-i", id).code()).isZero();
    assertThat(run("deployment", "status", "-i", "no-uuid").code()).isEqualTo(1);
  }

  @Test
  void aPlanSaysWhatWouldHappenAndChangesNothing() {
    JsonNode plan =
        json(
            "plan",
            "-r",
            recipes.toString(),
            "-m",
            "com.example.Friend=1.0.0",
            "--update-config",
            "{\"com.example.Hello\": {\"MERGE\": {\"message\": \"moon\"}}}",
            "--output",
            "json");
    assertThat(
            plan.path("steps")
                .valueStream()
                .map(s -> s.path("action").asString() + " " + s.path("componentName").asString()))
        .containsExactly("INSTALL com.example.Friend", "RECONFIGURE com.example.Hello");
    assertThat(run("plan", "-m", HELLO + "=1.0.0").out()).isEqualTo("Nothing would change.\n");
    assertThat(run("plan", "--remove", HELLO).out()).startsWith("remove ");
    assertThat(run("plan", "-g", "factory", "--remove", HELLO).out())
        .contains("stays, because LOCAL_DEPLOYMENT asks for it");
    assertThat(run("plan", "-g", "factory", "-m", HELLO + "=2.0.0").out())
        .contains("this would fail: LOCAL_DEPLOYMENT requires " + HELLO + " =1.0.0");
    assertThat(run("component", "list").out()).doesNotContain("com.example.Friend");
  }

  @Test
  void aPlanSaysWhichComponentsRestartAndWhy() throws IOException {
    Path folder = Files.createDirectories(temp.resolve("speaking"));
    for (String name : List.of("com.example.Speaker", "com.example.Echo")) {
      String script =
          name.endsWith("Echo")
              ? "echo {com.example.Speaker:configuration:/say}; exec sleep 600"
              : "echo {configuration:/say}; exec sleep 600";
      Files.writeString(
          folder.resolve(name + ".yaml"),
          """
          RecipeFormatVersion: '2020-01-25'
          ComponentName: %s
          ComponentVersion: 1.0.0
          ComponentConfiguration: {DefaultConfiguration: {say: a, quiet: b}}
          ComponentDependencies: %s
          Manifests:
            - Lifecycle: {Run: '%s'}
          """
              .formatted(
                  name,
                  name.endsWith("Echo")
                      ? "{com.example.Speaker: {VersionRequirement: '*', DependencyType: SOFT}}"
                      : "{}",
                  script));
    }
    succeeded(run("deployment", "create", "-r", folder.toString(), "-m", "com.example.Echo=1.0.0"));
    String update = "{\"com.example.Speaker\": {\"MERGE\": {\"%s\": \"x\"}}}";

    assertThat(run("plan", "-c", update.formatted("say")).out().lines())
        .satisfiesExactly(
            l ->
                assertThat(l)
                    .startsWith("reconfigure com.example.Speaker")
                    .contains("Run uses /say, so it restarts"),
            l ->
                assertThat(l)
                    .startsWith("restart     com.example.Echo")
                    .contains("Run uses /say of com.example.Speaker"));
    JsonNode quiet = json("plan", "-c", update.formatted("quiet"), "--output", "json");
    assertThat(quiet.path("steps")).hasSize(1);
    assertThat(quiet.at("/steps/0/restarts").asBoolean()).isFalse();
    assertThat(run("plan", "--remove", "com.example.Echo").out().lines())
        .satisfiesExactly(
            l -> assertThat(l).startsWith("remove      com.example.Echo"),
            l -> assertThat(l).startsWith("remove      com.example.Speaker").contains("only"));
  }

  @Test
  void configExplainNamesTheRecipeAndTheFile() {
    JsonNode values = json("config", "explain", "-n", HELLO, "/message", "--output", "json");
    assertThat(values).hasSize(1);
    assertThat(values.get(0).path("value").asString()).isEqualTo("world");
    assertThat(values.get(0).path("origin").asString()).isEqualTo("RECIPE");
    assertThat(run("config", "explain", "-n", HELLO).out())
        .contains("/message = \"world\"    # default of recipe 1.0.0");
    assertThat(run("config", "explain", "-n", HELLO, "/none").code()).isEqualTo(1);
  }

  @Test
  void whatIsPublishedIsSeenByWhoWatches() throws Exception {
    CompletableFuture<CommandRun> watching =
        CompletableFuture.supplyAsync(
            () -> run("topic", "watch", "room/#", "--count", "2", "--output", "json"));
    await()
        .atMost(SOON)
        .until(
            () -> {
              run("topic", "pub", "room/a", "{\"x\": 1}");
              run("pubsub", "pub", "--topic", "room/b", "--message", "text");
              return watching.isDone();
            });
    assertThat(watching.get().out().lines())
        .isSubsetOf(
            "{\"topic\":\"room/a\",\"json\":{\"x\":1}}", "{\"topic\":\"room/b\",\"text\":\"text\"}")
        .hasSize(2);
    CommandRun empty = run("pubsub", "pub", "-t", "", "-m", "x");
    assertThat(empty.code()).isEqualTo(2);
    assertThat(empty.err()).contains("Topic name cannot be empty");
  }

  @Test
  void aDebugPasswordIsShownWithItsEnd() {
    assertThat(run("get-debug-password").out())
        .matches(
            "(?s)Username: debug\nPassword: \\S{43}\nPassword expires at: \\d{4}-\\d\\d-\\d\\dT.*\n");
  }

  @Test
  void theDoctorAndTheSupportBundleSeeTheCoreAndKeepItsSecrets() throws IOException {
    JsonNode findings = json("doctor", "--offline", "--output", "json");
    assertThat(findings.valueStream().map(f -> f.path("check").asString()))
        .contains("root folder", "disk", "core");
    Files.writeString(root.resolve("logs/extra.log"), "token=abc123 and password: hunter2\n");
    Path bundle = temp.resolve("bundle.zip");
    assertThat(run("support-bundle", "--offline", "-f", bundle.toString()).code()).isZero();
    StringBuilder all = new StringBuilder();
    try (ZipFile zip = new ZipFile(bundle.toFile())) {
      for (var entry :
          (Iterable<java.util.zip.ZipEntry>)
              () -> zip.stream().map(e -> (java.util.zip.ZipEntry) e).iterator()) {
        try (InputStream in = zip.getInputStream(entry)) {
          all.append(entry.getName()).append('\n').append(new String(in.readAllBytes(), UTF_8));
        }
      }
    }
    assertThat(all).contains("ListComponents.json", "doctor.json", "logs/extra.log", HELLO);
    assertThat(all).doesNotContain("hunter2", "abc123");
  }

  @Test
  void wrongUsageIsOneSentenceAndExitCodeTwo() {
    for (String[] args :
        new String[][] {
          {"component", "details"},
          {"component"},
          {"component", "list", "--bogus"},
          {"bogus"},
          {"deployment", "create", "--merge", "no-version"},
          {"deployment", "create", "--recipeDir", "/no/such/folder"},
          {"deployment", "create", "--update-config", "{not json"},
          {"deployment", "create", "--update-config", "no-such-file"},
          {"deployment", "create", "--runWith", "user=me"},
          {"deployment", "create", "-fp", "PERHAPS"},
          {"component", "list", "--output", "xml"},
          {"iotcore", "pub", "-t", "t", "-m", "m", "-q", "7"},
          {"logs", "get", "--time-window", "yesterday"}
        }) {
      CommandRun wrong = run(args);
      assertThat(wrong.code()).as(String.join(" ", args)).isEqualTo(2);
      assertThat(wrong.err().lines()).as(String.join(" ", args)).hasSize(1);
      assertThat(wrong.err().contains("--bogus")).isEqualTo(List.of(args).contains("--bogus"));
      assertThat(wrong.out()).isEmpty();
    }
  }

  @Test
  void withoutACoreTheSentenceSaysWhatToDo() throws IOException {
    Path empty = Files.createDirectories(temp.resolve("empty"));
    CommandRun nobody = CommandRun.of(empty, "component", "list");
    assertThat(nobody.code()).isEqualTo(1);
    assertThat(nobody.err())
        .startsWith("greengrass-cli: Unable to create ipc client: no core runs")
        .contains("--ggcRootPath");
    assertThat(CommandRun.of(temp.resolve("gone"), "component", "list").err())
        .contains("is no folder");
  }

  @Test
  void helpShowsTheSynopsisOfTheGuide() {
    assertThat(run("help").out())
        .startsWith("Usage: greengrass-cli [-hV] [--ggcRootPath=<ggcRootPath>] [COMMAND]")
        .contains("component", "deployment", "logs", "get-debug-password");
    assertThat(run("--version").out()).startsWith("Ryegrass CLI");
  }
}
