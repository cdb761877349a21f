package io.ryegrass.lambda;

import io.ryegrass.nucleus.NucleusException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;

/**
 * What the program that starts the core tells this module.
 *
 * @param runtimes folder with {@code python/lambda_runtime.py}
 * @param clock wall-clock time for deadlines told to functions
 * @param initialisationLimit how long an on-demand worker may take until it can work
 * @param moduleLoopGrace after this long a long-lived function counts as running though its module
 *     code still runs (V1 functions loop there)
 * @param longPoll how long a worker's question for work stays open before it is answered with
 *     "nothing yet"
 * @param stopGrace between SIGTERM and SIGKILL where no deadline was given
 * @param firstRestartPause pause before the first restart of a crashed long-lived function; doubles
 *     up to 30 s, jittered
 */
public record LambdaSettings(
    Path runtimes,
    Clock clock,
    Duration initialisationLimit,
    Duration moduleLoopGrace,
    Duration longPoll,
    Duration stopGrace,
    Duration firstRestartPause) {

  /** System property that names the runtimes folder. */
  public static final String RUNTIMES_PROPERTY = "ryegrass.runtimes";

  /** Defaults for everything but the folder. */
  public static LambdaSettings of(Path runtimes) {
    return new LambdaSettings(
        runtimes.toAbsolutePath().normalize(),
        Clock.systemUTC(),
        Duration.ofSeconds(30),
        Duration.ofSeconds(10),
        Duration.ofSeconds(20),
        Duration.ofSeconds(5),
        Duration.ofMillis(200));
  }

  /**
   * Settings with the folder of the system property {@code ryegrass.runtimes}.
   *
   * @throws NucleusException when the property is not set or names no runtimes folder
   */
  public static LambdaSettings fromSystemProperty() {
    String folder = System.getProperty(RUNTIMES_PROPERTY);
    if (folder == null || !Files.isDirectory(Path.of(folder, "python"))) {
      throw new NucleusException(
          "RUNTIMES_NOT_FOUND",
          "The Lambda runtimes are not at \""
              + folder
              + "\"; start Java with -Dryegrass.runtimes=<folder that holds python/>.");
    }
    return of(Path.of(folder));
  }
}
