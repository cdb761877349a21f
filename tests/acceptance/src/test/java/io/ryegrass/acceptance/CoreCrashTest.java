package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * LESSON-01, LESSON-02, LESSON-04 on a real core: killed at any moment it starts again, ends its
 * deployment applied or rolled back as a whole, and keeps what it answered. {@code ./ryegrass crash
 * core} does the work and tells what it found.
 */
class CoreCrashTest {
  /** A slow machine does fewer kills, not longer ones. */
  private static final String SECONDS = "40";

  @TempDir Path folder;

  @Test
  void aCoreThatIsKilledAtAnyMomentEndsItsDeploymentsAndKeepsWhatItAnswered() {
    Ryegrass.Outcome outcome =
        Ryegrass.run(
            folder,
            Duration.ofMinutes(8),
            "crash",
            "core",
            "--rounds",
            "24",
            "--world-rounds",
            "6",
            "--seconds",
            SECONDS);

    outcome.isSuccess();
    assertThat(outcome.output()).contains("crash test of the core passed: ");
  }

  @Test
  void theCrashTestOfTheCoreFindsALossThatIsMadeOnPurpose() {
    Ryegrass.Outcome outcome =
        Ryegrass.run(
            folder,
            Duration.ofMinutes(8),
            "crash",
            "core",
            "--rounds",
            "10",
            "--sabotage",
            "forget-deployments");

    assertThat(outcome.exitCode()).as(outcome.output()).isEqualTo(1);
    assertThat(outcome.output()).contains("DEPLOYMENT_LOST", "again with: --seed");
  }

  @Test
  void aWrongOptionIsNamed() {
    Ryegrass.run(folder, Duration.ofSeconds(120), "crash", "core", "--rounds", "many")
        .isRefusalNaming("--rounds", "many");
  }
}
