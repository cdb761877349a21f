package io.ryegrass.nucleus;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What the nucleus is told by the program that starts it.
 *
 * @param root the root folder ({@code config/}, {@code generations/}, {@code packages/} … below it)
 * @param clock wall-clock time for records and timestamps
 * @param stopGrace how long processes of a component may take between SIGTERM and SIGKILL
 * @param healthDeadline how long a deployment waits for the components to become healthy, on top of
 *     their own step timeouts
 * @param defaultUser {@code user[:group]} that counts where neither config.yaml nor a deployment
 *     has {@code runWithDefault.posixUser}; null for none
 */
public record NucleusSettings(
    Path root,
    Clock clock,
    Duration stopGrace,
    Duration healthDeadline,
    @Nullable String defaultUser) {
  /** Without a default user of its own. */
  public NucleusSettings(Path root, Clock clock, Duration stopGrace, Duration healthDeadline) {
    this(root, clock, stopGrace, healthDeadline, null);
  }

  /** The same with another default user. */
  public NucleusSettings withDefaultUser(@Nullable String user) {
    return new NucleusSettings(root, clock, stopGrace, healthDeadline, user);
  }

  /** Settings with the defaults of the guides: 5 s between TERM and KILL, 10 minutes for health. */
  public static NucleusSettings of(Path root) {
    return new NucleusSettings(
        root, Clock.systemUTC(), Duration.ofSeconds(5), Duration.ofMinutes(10));
  }
}
