package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Runs the Python runtime's own tests; a machine without python3 fails here, it does not skip. */
class PythonRuntimeTest {
  @Test
  void thePythonRuntimePassesItsOwnTests() throws Exception {
    Process tests =
        new ProcessBuilder("python3", "-B", "-m", "unittest", "discover", "-s", "tests")
            .directory(LambdaHarness.RUNTIMES.resolve("python").toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(tests.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(tests.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(tests.exitValue()).as(output).isZero();
    assertThat(output)
        .containsPattern("Ran \\d\\d+ tests")
        .contains("OK")
        .doesNotContain("skipped");
  }
}
