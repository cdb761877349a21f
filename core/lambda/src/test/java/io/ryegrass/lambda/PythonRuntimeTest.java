package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Runs the Python runtime's own tests; a machine without python3 fails here, it does not skip. */
class PythonRuntimeTest {
  private static String run(String... modules) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("python3", "-B", "-m", "unittest", "-v"));
    command.addAll(List.of(modules));
    Process tests =
        new ProcessBuilder(command)
            .directory(LambdaHarness.RUNTIMES.resolve("python/tests").toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(tests.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(tests.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(tests.exitValue()).as(output).isZero();
    assertThat(output).contains("OK");
    return output;
  }

  @Test
  void thePythonRuntimePassesItsOwnTests() throws Exception {
    assertThat(run("test_lambda_runtime", "test_sdk"))
        .containsPattern("Ran \\d\\d+ tests")
        .doesNotContain("skipped");
  }

  /** LAM-01, LMB-08: one source for all; which of them are there is the machine's business. */
  @TestFactory
  Stream<DynamicTest> theSameWorkerRunsOnEveryPythonOfThisMachine() {
    return Stream.of("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
        .map(
            version ->
                DynamicTest.dynamicTest(
                    "Python " + version,
                    () -> {
                      String output =
                          run("test_versions.Python" + version.replace('.', '_') + "Test");
                      assumeThat(output)
                          .as("Python %s is not on this machine", version)
                          .doesNotContain("skipped");
                    }));
  }
}
