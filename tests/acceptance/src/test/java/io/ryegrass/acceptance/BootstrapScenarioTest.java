package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.services.greengrassv2.model.EffectiveDeployment;

/**
 * A core under the loader. Another nucleus is the same program in another folder, under the next
 * version; the start of the machine is a command of the test.
 */
@DisplayName("S-13 Nucleus update and bootstrap")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class BootstrapScenarioTest {
  private static final String NUCLEUS = "aws.greengrass.Nucleus";

  private static TestCloud cloud;
  private static TestCore core;

  @BeforeAll
  static void start(TestCloud shared) {
    cloud = shared;
    core = TestCore.provisioned(cloud, "bootstrap");
    core.startUnderLoader();
  }

  @AfterAll
  static void stop() {
    core.close();
  }

  private static String loaded() {
    return TestCloud.read(core.root.resolve("alts/loader.pid")).strip();
  }

  private static String deploy(String component, String version) {
    return core.deploy("{\"" + component + "\":{\"componentVersion\":\"" + version + "\"}}");
  }

  private static void bootstrap(String name, int exit) {
    cloud.createComponent(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: 1.0.0
        Manifests:
          - Lifecycle:
              Bootstrap: echo x >> bootstraps; exit %d
              Run: exec sleep 100000
        """
            .formatted(name, exit));
  }

  @Test
  @Order(1)
  @DisplayName("exit 100 restarts the nucleus")
  void exitHundredRestartsTheNucleus() {
    bootstrap("com.example.Restarts", 100);
    String before = loaded();

    core.awaitCompleted(deploy("com.example.Restarts", "1.0.0"));

    assertThat(loaded()).isNotEqualTo(before);
    core.awaitState("com.example.Restarts", "1.0.0", "RUNNING");
    assertThat(core.work("com.example.Restarts").resolve("bootstraps")).hasContent("x");
    assertThat(core.root.resolve("rebooted")).doesNotExist();
  }

  @Test
  @Order(2)
  @DisplayName("101 reboots")
  void exitHundredAndOneReboots() {
    bootstrap("com.example.Reboots", 101);

    core.awaitCompleted(deploy("com.example.Reboots", "1.0.0"));

    assertThat(core.root.resolve("rebooted")).exists();
    core.awaitState("com.example.Reboots", "1.0.0", "RUNNING");
  }

  @Test
  @Order(3)
  @DisplayName("5 fails with COMPONENT_BOOTSTRAP_ERROR")
  void anotherExitCodeFails() {
    bootstrap("com.example.BadBootstrap", 5);

    EffectiveDeployment failed =
        core.awaitEffective(deploy("com.example.BadBootstrap", "1.0.0"), "FAILED");

    assertThat(failed.statusDetails().errorStack()).contains("COMPONENT_BOOTSTRAP_ERROR");
    core.awaitState("com.example.Reboots", "1.0.0", "RUNNING");
  }

  @Test
  @Order(4)
  @DisplayName(
      "a component that only pulls a newer nucleus minor: FAILED with"
          + " UNAUTHORIZED_NUCLEUS_MINOR_VERSION_UPDATE")
  void nobodyGetsANewerNucleusByTheWay() {
    cloud.createComponent(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: com.example.WantsNewer
        ComponentVersion: 1.0.0
        ComponentDependencies:
          aws.greengrass.Nucleus: {VersionRequirement: '>=2.99.0', DependencyType: SOFT}
        Manifests:
          - Lifecycle: {Run: exec sleep 100000}
        """);

    EffectiveDeployment failed =
        core.awaitEffective(deploy("com.example.WantsNewer", "1.0.0"), "FAILED");

    assertThat(failed.statusDetails().errorStack())
        .contains("UNAUTHORIZED_NUCLEUS_MINOR_VERSION_UPDATE");
  }

  /** A folder that starts this same Ryegrass, after a line of its own. */
  private static Path distro(String name, String line) {
    Path folder = cloud.folder.resolve(name);
    Path script = folder.resolve("ryegrass");
    TestCloud.write(
        script,
        "#!/bin/sh\n" + line + "\nexec '" + Ryegrass.HOME.resolve("ryegrass") + "' \"$@\"\n");
    try {
      Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return folder;
  }

  private static void nucleus(String version, Path distro) {
    cloud.createComponent(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: %s
        ComponentType: aws.greengrass.nucleus
        Manifests:
          - Lifecycle:
              Bootstrap:
                RequiresPrivilege: true
                Script: ln -sfn %s %s/alts/current/distro; exit 100
        """
            .formatted(NUCLEUS, version, distro, core.root));
  }

  @Test
  @Order(5)
  @DisplayName(
      "a nucleus that crashes three times is rolled back and the job reports"
          + " NUCLEUS_RESTART_FAILURE")
  void aNucleusThatDoesNotStartIsRolledBack() throws IOException {
    Path before = core.root.resolve("alts/current/distro").toRealPath();
    nucleus("2.98.0", distro("distro-broken", "exit 1"));

    EffectiveDeployment failed = core.awaitEffective(deploy(NUCLEUS, "2.98.0"), "FAILED");

    assertThat(failed.statusDetails().errorStack()).contains("NUCLEUS_RESTART_FAILURE");
    assertThat(core.root.resolve("alts/current/distro").toRealPath()).isEqualTo(before);
    core.awaitState("com.example.Reboots", "1.0.0", "RUNNING");
  }

  @Test
  @Order(6)
  @DisplayName("restart through the loader, alts/current points to the new launch folder")
  void theNextNucleusIsStartedByTheLoader() throws IOException {
    Path started = cloud.folder.resolve("next-nucleus-started");
    Path distro = distro("distro-next", "touch '" + started + "'");
    nucleus("2.97.0", distro);

    core.awaitCompleted(deploy(NUCLEUS, "2.97.0"));

    assertThat(started).exists();
    assertThat(core.root.resolve("alts/current/distro").toRealPath())
        .isEqualTo(distro.toRealPath());
    assertThat(core.root.resolve("alts/old")).doesNotExist();
    core.awaitState(NUCLEUS, "2.97.0", "RUNNING");
  }
}
