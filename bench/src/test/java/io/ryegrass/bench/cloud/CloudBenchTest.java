package io.ryegrass.bench.cloud;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.bench.report.Bench;
import io.ryegrass.bench.report.Program;
import io.ryegrass.bench.report.Report;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The benchmark itself, small: that it runs, and that what it compares agrees. */
class CloudBenchTest {
  @TempDir Path folder;

  @AfterEach
  void stop() {
    Program.closeAll();
  }

  private static List<String> cloud() {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-cp",
        System.getProperty("java.class.path"),
        "io.ryegrass.cloudapp.CloudMain");
  }

  private String run(String... options) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    boolean complete =
        Bench.run(
            "cloud",
            new Report(new PrintStream(out, true, StandardCharsets.UTF_8)),
            folder.resolve("work"),
            bench -> CloudBenchMain.cases(bench, Options.parse(options), cloud()));
    String said = out.toString(StandardCharsets.UTF_8);
    assertThat(complete).as(said).isTrue();
    return said;
  }

  @Test
  void twentyCoresConnectAreDeployedToAndTheCloudTellsWhatTheySaw() throws Exception {
    assertThat(run("--only", "fleet", "--cores", "20"))
        .contains("fleet_20_connected ")
        .contains("fleet_20_all_succeeded ")
        .contains("#     20 |");
  }

  @Test
  void callsAndShadowsAreMeasured() throws Exception {
    assertThat(run("--only", "api|shadow", "--seconds", "0.1"))
        .contains("read_get_group ")
        .contains("create_thing ")
        .contains("shadow_updates ");
  }
}
