package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.ryegrass.lambda.Interpreters.Reach;
import io.ryegrass.lambda.LambdaHarness.Deployed;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Interpreters that somebody installed elsewhere than under /usr (decision 045). */
@Timeout(60)
class InterpretersTest {
  private static final String LOOK =
      """
      import os, sys
      def handler(event, context):
          return {'program': sys.executable, 'beside': os.listdir(event), 'uid': os.getuid(),
                  'writable': os.access(sys.executable, os.W_OK)}
      """;

  /** Closed to others, as root's home is. */
  private Path home;

  private Path python;

  @BeforeEach
  void install() throws IOException {
    home = Files.createTempDirectory(Path.of("/var/tmp"), "ryegrass-home");
    Files.writeString(home.resolve("private"), "");
    python = Files.createDirectories(home.resolve("py/versions/3/bin")).resolve("python3");
    Files.copy(Path.of("/usr/bin/python3").toRealPath(), python);
    mode(python, "rwxr-xr-x");
    for (Path folder = python.getParent(); !folder.equals(home); folder = folder.getParent()) {
      mode(folder, "rwxr-xr-x");
    }
  }

  @AfterEach
  void remove() {
    Models.delete(home);
  }

  private static void mode(Path path, String mode) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
  }

  private static void find(Path program, Reach reach) {
    ObjectNode manager = LambdaHarness.JSON.createObjectNode();
    manager.putObject("interpreters").put("python3.8", program.toString());
    FunctionConfiguration f =
        FunctionConfiguration.read(
            "f",
            LambdaHarness.JSON
                .createObjectNode()
                .put("lambdaArn", LambdaHarness.arn("f"))
                .put("runtime", "python3.8")
                .put("handler", "a.b"));
    var unused = Interpreters.find(f, manager, reach);
  }

  /** By a link of a link, as virtual environments and version managers make them. */
  @Test
  void aContainerSeesTheInstallationInAClosedHomeAndNothingBesideIt() throws IOException {
    assumeThat(UserIds.own().uid()).as("making containers needs root").isZero();
    Path environment = Files.createDirectories(home.resolve("venv/bin")).resolve("python");
    Path current = home.resolve("py/current");
    Files.createSymbolicLink(current, Path.of("versions/3"));
    Files.createSymbolicLink(environment, current.resolve("bin/python3"));
    mode(home.resolve("venv"), "rwxr-xr-x");
    mode(environment.getParent(), "rwxr-xr-x");
    Path root = Files.createTempDirectory(Path.of("/var/tmp"), "ryegrass-interpreters");
    mode(root, "rwxr-xr-x");
    try (LambdaHarness core = new LambdaHarness(root)) {
      core.configure(Map.of("interpreters", Map.of("python3.8", environment.toString())));
      Deployed d =
          core.deploy(
              "elsewhere",
              "main.handler",
              LOOK,
              c -> {
                c.put("containerMode", "GreengrassContainer");
                c.putObject("runAs").put("uid", 54321).put("gid", 54322);
              });
      JsonNode seen = core.call(d.arn(), "\"" + home + "\"").json();
      assertThat(seen.path("program").asString()).isEqualTo(environment.toString());
      assertThat(seen.path("uid").asInt()).isEqualTo(54321);
      assertThat(seen.path("writable").asBoolean()).isFalse();
      assertThat(seen.path("beside").toString()).contains("venv", "py").doesNotContain("private");
    } finally {
      Models.delete(root);
    }
  }

  @Test
  void whatCannotBeShownIsRefusedWithTheFileAndTheRemedy() throws IOException {
    Path script = python.resolveSibling("shim");
    Files.writeString(script, "#!/bin/sh\nexec " + python + " \"$@\"\n");
    mode(script, "rwxr-xr-x");
    assertThatThrownBy(() -> find(script, Reach.CONTAINER))
        .isInstanceOf(NucleusException.class)
        .hasMessageContaining(
            LambdaHarness.arn("f") + " needs python3.8, but " + script + " cannot be used")
        .hasMessageContaining(script + " is a script that starts something else")
        .hasMessageContaining("name the program that it starts; or put the interpreter under /usr");
    find(python, Reach.CONTAINER);
    assertThatThrownBy(() -> find(python, Reach.OTHER_USER))
        .hasMessageContaining(
            home + " is closed to other users; open it (chmod o+rx " + home + ")");
    mode(python.getParent(), "rwxr-x---");
    assertThatThrownBy(() -> find(python, Reach.CONTAINER))
        .hasMessageContaining(
            python.getParent() + " is closed to other users; open it (chmod o+rx");
  }
}
