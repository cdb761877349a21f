package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the demo does, done by hand, and what happens when it is done wrong. */
class CommandsTest {
  private static final Duration SOON = TestCore.PATIENCE;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"demo", "test", "cloud", "provision", "core", "mqtt", "bench", "build"})
  void helpIsThereForEveryCommand(String command) {
    Ryegrass.Outcome help = Ryegrass.run(folder, SOON, command, "--help");

    assertThat(help.exitCode()).as(help.output()).isZero();
    assertThat(help.output()).containsIgnoringCase("usage").contains("ryegrass " + command);
  }

  @Test
  void anUnknownCommandIsNamed() {
    Ryegrass.run(folder, SOON, "frobnicate").isRefusalNaming("frobnicate", "help");
  }

  @Test
  void cloudProvisionAndCoreByHandGiveAHealthyCore() {
    try (Ryegrass.Running cloud = Ryegrass.startCloud(folder)) {
      provision("hand-made").isSuccess();
      try (Ryegrass.Running core = Ryegrass.start(folder, "core", "--root", root("hand-made"))) {
        core.awaitOutput("ryegrass core ready:");
        Awaitility.await()
            .atMost(SOON)
            .until(
                () ->
                    Ryegrass.aws(folder, "greengrassv2", "list-core-devices")
                        .output()
                        .contains("\"HEALTHY\""));
        core.close();
        assertThat(core.process().exitValue()).isZero();
      }
      cloud.close();
      assertThat(cloud.process().exitValue()).as(cloud.output()).isZero();
    }
  }

  @Test
  void whatTheCloudAnsweredIsThereAfterAKill() {
    try (Ryegrass.Running cloud = Ryegrass.startCloud(folder)) {
      Ryegrass.aws(folder, "iot", "create-thing", "--thing-name", "kept");
      cloud.kill();
    }
    try (Ryegrass.Running cloud = Ryegrass.startCloud(folder)) {
      Ryegrass.Outcome thing =
          Ryegrass.aws(folder, "iot", "describe-thing", "--thing-name", "kept");
      assertThat(thing.exitCode()).as(thing.output() + cloud.output()).isZero();
    }
  }

  @Test
  void aPortInUseIsNamedWithTheOptionThatChangesIt() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = "" + taken.getLocalPort();
      Ryegrass.run(
              folder,
              SOON,
              "cloud",
              "--data",
              folder.resolve("cloud").toString(),
              "--api-port",
              port,
              "--https-port",
              "0",
              "--mqtt-port",
              "0")
          .isRefusalNaming(port, "--api-port");
    }
  }

  @Test
  void aFolderThatCannotBeWrittenIsNamed() throws IOException {
    Path file = Files.writeString(folder.resolve("a-file"), "in the way");
    String data = file.resolve("data").toString();
    Ryegrass.run(folder, SOON, "cloud", "--data", data).isRefusalNaming(data, "--data");
    try (Ryegrass.Running cloud = Ryegrass.startCloud(folder)) {
      Ryegrass.run(
              folder,
              SOON,
              "provision",
              "--data",
              folder.resolve("cloud").toString(),
              "--thing",
              "nowhere",
              "--root",
              data)
          .isRefusalNaming(data, "--root");
      assertThat(cloud.process().isAlive()).isTrue();
    }
  }

  @Test
  void twoCloudsDoNotShareAFolder() {
    try (Ryegrass.Running cloud = Ryegrass.startCloud(folder)) {
      Ryegrass.run(
              folder,
              SOON,
              "cloud",
              "--data",
              folder.resolve("cloud").toString(),
              "--api-port",
              "0",
              "--https-port",
              "0",
              "--mqtt-port",
              "0")
          .isRefusalNaming("" + cloud.process().pid());
    }
  }

  @Test
  void provisioningWithoutACloudSaysHowToStartOne() {
    provision("lonely").isRefusalNaming("ryegrass cloud");
    Ryegrass.startCloud(folder).close();
    provision("lonely").isRefusalNaming("cannot reach the cloud", "ryegrass cloud");
  }

  @Test
  void aProvisionedFolderIsNotOverwritten() {
    try (Ryegrass.Running cloud = Ryegrass.startCloud(folder)) {
      provision("once").isSuccess();
      provision("once").isRefusalNaming("already provisioned");
      assertThat(cloud.process().isAlive()).isTrue();
    }
  }

  @Test
  void aCoreWithoutConfigurationLivesWithoutACloudAndSaysSo() {
    try (Ryegrass.Running core = Ryegrass.start(folder, "core", "--root", root("empty"))) {
      core.awaitOutput("ryegrass core ready: without a cloud");
    }
  }

  @Test
  void aCoreStartsWithoutItsCloud() {
    try (Ryegrass.Running cloud = Ryegrass.startCloud(folder)) {
      provision("alone").isSuccess();
      cloud.kill();
    }
    try (Ryegrass.Running core = Ryegrass.start(folder, "core", "--root", root("alone"))) {
      core.awaitOutput("ryegrass core ready:");
    }
  }

  @Test
  void aMalformedRecipeIsRefusedAndChangesNothing() throws IOException {
    Path recipe =
        Files.writeString(
            folder.resolve("recipe.yaml"),
            """
            RecipeFormatVersion: '2020-01-25'
            ComponentName: com.example.Bad
            ComponentVersion: one
            """);
    try (Ryegrass.Running cloud = Ryegrass.startCloud(folder)) {
      Ryegrass.aws(
              folder,
              "greengrassv2",
              "create-component-version",
              "--inline-recipe",
              "fileb://" + recipe)
          .isRefusalNaming("ValidationException", "ComponentVersion");
      assertThat(Ryegrass.aws(folder, "greengrassv2", "list-components").output())
          .doesNotContain("com.example.Bad");
      assertThat(cloud.process().isAlive()).isTrue();
    }
  }

  @Test
  void theAwsWrapperNeedsACloudThatHasRun() {
    Ryegrass.aws(folder, "iot", "list-things").isRefusalNaming("ryegrass cloud --data");
  }

  private Ryegrass.Outcome provision(String thing) {
    return Ryegrass.run(
        folder,
        SOON,
        "provision",
        "--data",
        folder.resolve("cloud").toString(),
        "--thing",
        thing,
        "--root",
        root(thing),
        "--local-mqtt-port",
        "0",
        "--lambda-ipc-port",
        "0");
  }

  private String root(String thing) {
    return folder.resolve(thing).toString();
  }
}
