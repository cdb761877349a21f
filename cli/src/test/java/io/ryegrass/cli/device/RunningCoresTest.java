package io.ryegrass.cli.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.cli.device.CoreAccess.CommandFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunningCoresTest {
  @TempDir Path processes;

  private void process(int pid, String... arguments) throws IOException {
    Path folder = Files.createDirectories(processes.resolve("" + pid));
    Files.writeString(folder.resolve("cmdline"), String.join("\0", arguments) + "\0");
    Files.createSymbolicLink(folder.resolve("cwd"), processes.toRealPath());
  }

  private void core(int pid, String... arguments) throws IOException {
    List<String> line = new ArrayList<>(List.of("java", "-cp", "x".repeat(9000)));
    line.add("io.ryegrass.coreapp.CoreMain");
    line.addAll(List.of(arguments));
    process(pid, line.toArray(String[]::new));
  }

  @Test
  void rootsAreThoseOfTheCoresCommandLinesAlsoLongAndRelativeOnes() throws IOException {
    process(1, "/sbin/init");
    process(2, "grep", "--root", "/wrong");
    core(10, "--root", "/tmp/r");
    core(11, "--root=relative");
    core(12, "-u", "nobody");
    process(14, "bash", "/opt/ryegrass", "core", "--root", "/starting");
    process(15, "bash", "/opt/ryegrass", "cli", "--root", "/no-core");
    Files.createDirectories(processes.resolve("13")); // ended meanwhile

    assertThat(RunningCores.roots(processes))
        .containsExactlyInAnyOrder(
            Path.of("/tmp/r"), Path.of("/starting"), processes.toRealPath().resolve("relative"));
  }

  @Test
  void theOneCoreThatRunsNeedsNoName_CLI_08() {
    assertThat(CoreAccess.root(null, null, () -> List.of(processes))).isEqualTo(processes);
    assertThat(CoreAccess.root(null, processes.toString(), List::of)).isEqualTo(processes);
  }

  @Test
  void ofSeveralCoresOneHasToBeNamed_TRB_46() {
    assertThatThrownBy(
            () -> CoreAccess.root(null, null, () -> List.of(Path.of("/a"), Path.of("/b"))))
        .isInstanceOf(CommandFailure.class)
        .hasMessageContaining("Unable to create ipc client")
        .hasMessageContaining("--ggcRootPath")
        .hasMessageContaining("/a, /b");
    assertThatThrownBy(() -> CoreAccess.root(null, " ", List::of))
        .isInstanceOf(CommandFailure.class)
        .hasMessageContaining("GGC_ROOT_PATH");
  }
}
