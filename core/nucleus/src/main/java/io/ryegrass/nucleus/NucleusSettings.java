package io.ryegrass.nucleus;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

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
 * @param instead configuration that counts in place of {@code config/config.yaml}; null for the
 *     file
 */
public record NucleusSettings(
    Path root,
    Clock clock,
    Duration stopGrace,
    Duration healthDeadline,
    @Nullable String defaultUser,
    @Nullable Given instead) {
  /**
   * A configuration that somebody else has read, in the form of {@code config.yaml}.
   *
   * @param file what to call it in sentences for people
   */
  public record Given(Path file, ObjectNode tree) {}

  /** Without a default user of its own. */
  public NucleusSettings(Path root, Clock clock, Duration stopGrace, Duration healthDeadline) {
    this(root, clock, stopGrace, healthDeadline, null);
  }

  /** With the configuration of the file. */
  public NucleusSettings(
      Path root,
      Clock clock,
      Duration stopGrace,
      Duration healthDeadline,
      @Nullable String defaultUser) {
    this(root, clock, stopGrace, healthDeadline, defaultUser, null);
  }

  /** The same with another default user. */
  public NucleusSettings withDefaultUser(@Nullable String user) {
    return new NucleusSettings(root, clock, stopGrace, healthDeadline, user, instead);
  }

  /** The same with a configuration in place of the file. */
  public NucleusSettings withConfiguration(@Nullable Given configuration) {
    return new NucleusSettings(root, clock, stopGrace, healthDeadline, defaultUser, configuration);
  }

  /** The same in another folder. */
  public NucleusSettings in(Path folder) {
    return new NucleusSettings(folder, clock, stopGrace, healthDeadline, defaultUser, instead);
  }

  /** Settings with the defaults of the guides: 5 s between TERM and KILL, 10 minutes for health. */
  public static NucleusSettings of(Path root) {
    return new NucleusSettings(
        root, Clock.systemUTC(), Duration.ofSeconds(5), Duration.ofMinutes(10));
  }
}
