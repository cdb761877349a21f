package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * LESSON-10 for the engine that carries every message: what was acknowledged over MQTT survives
 * SIGKILL at any moment. {@code ./ryegrass crash mqtt} does the work and tells what it found.
 */
class MqttCrashTest {
  private static final int ROUNDS = 200;

  @TempDir Path folder;

  @Test
  void nothingAcknowledgedIsLostOrDoubledOrDisorderedOver200Kills() {
    Ryegrass.Outcome outcome =
        Ryegrass.run(
            folder, Duration.ofMinutes(8), "crash", "mqtt", "--rounds", String.valueOf(ROUNDS));

    outcome.isSuccess();
    assertThat(outcome.output()).contains("crash test passed: " + ROUNDS + " kills");
  }

  @Test
  void aWrongOptionOfTheCrashTestIsNamed() {
    Ryegrass.run(folder, Duration.ofSeconds(120), "crash", "mqtt", "--rounds", "many")
        .isRefusalNaming("--rounds", "many");
    Ryegrass.run(folder, Duration.ofSeconds(120), "crash", "dishes").isRefusalNaming("dishes");
  }
}
