package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The README's local quick start, in a shell, on a core that has neither cloud nor configuration.
 */
class QuickStartTest {
  private static final String SCRIPT =
      """
      set -e
      cd "$HOME_OF_RYEGRASS"
      ./ryegrass core --root "$ROOT" > "$ROOT.out" 2>&1 & echo $! > "$ROOT.pid"
      ./ryegrass cli deployment create --recipeDir examples/local/recipes --merge com.example.Hello=1.0.0
      """;

  @TempDir Path folder;
  private TestCore core;

  @BeforeEach
  void folder() throws IOException {
    // as root, the component runs as 'nobody', who has to get there
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    core = TestCore.withoutCloud(folder, "r");
  }

  @AfterEach
  void stop() {
    String pid = TestCloud.read(folder.resolve("r.pid")).strip();
    if (!pid.isEmpty()) {
      ProcessHandle.of(Long.parseLong(pid))
          .ifPresent(
              process -> {
                process.destroy();
                TestCore.await("the core to end").until(() -> !process.isAlive());
              });
    }
  }

  @Test
  void aComponentRunsTwoCommandsAfterACleanShell() throws Exception {
    ProcessBuilder shell =
        new ProcessBuilder(List.of("bash", "-c", SCRIPT))
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("shell.txt").toFile());
    shell.environment().put("HOME_OF_RYEGRASS", Ryegrass.HOME.toString());
    shell.environment().put("ROOT", core.root.toString());
    // this machine may run other cores; who has one alone leaves this away
    shell.environment().put("GGC_ROOT_PATH", core.root.toString());
    shell.environment().put("RYEGRASS_NO_BUILD", "1");
    Process running = shell.start();
    assertThat(running.waitFor(TestCore.PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(TestCloud.read(folder.resolve("shell.txt")))
        .contains("Local deployment submitted! Deployment Id: ");
    assertThat(running.exitValue()).isZero();

    TestCore.await("RUNNING in component list")
        .untilAsserted(
            () ->
                assertThat(core.cliOutput("component", "list"))
                    .contains(
                        "Component Name: com.example.Hello\nVersion: 1.0.0\nState: RUNNING\n"));
    core.awaitLog("com.example.Hello", "Hello, world!");
  }
}
