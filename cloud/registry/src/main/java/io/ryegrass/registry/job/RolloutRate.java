package io.ryegrass.registry.job;

import org.jspecify.annotations.Nullable;

/**
 * How many things of a job are told of it in a minute (developer guide, "Job rollout rates";
 * DPL-18).
 *
 * @param maximumPerMinute no minute sees more; null: no limit without {@code exponential}, {@value
 *     #DEFAULT_MAXIMUM} with it
 * @param exponential null for a constant rate
 */
record RolloutRate(@Nullable Integer maximumPerMinute, @Nullable Exponential exponential) {
  static final RolloutRate UNLIMITED = new RolloutRate(null, null);
  static final int DEFAULT_MAXIMUM = 1000;

  /**
   * The rate grows by a factor each time a number of things is reached.
   *
   * @param notifiedThings null when it does not count
   * @param succeededThings null when it does not count
   */
  record Exponential(
      int basePerMinute,
      double incrementFactor,
      @Nullable Integer notifiedThings,
      @Nullable Integer succeededThings) {

    /**
     * How often the threshold was reached; of two thresholds the one that was reached more often.
     */
    private long increments(long notified, long succeeded) {
      long byNotified = notifiedThings == null ? 0 : notified / notifiedThings;
      long bySucceeded = succeededThings == null ? 0 : succeeded / succeededThings;
      return Math.max(byNotified, bySucceeded);
    }
  }

  boolean isUnlimited() {
    return maximumPerMinute == null && exponential == null;
  }

  /**
   * The rate of a moment; at least 1.
   *
   * @param notified things told so far
   * @param succeeded executions that succeeded so far
   */
  long perMinute(long notified, long succeeded) {
    if (exponential == null) {
      return maximumPerMinute == null ? Long.MAX_VALUE : maximumPerMinute;
    }
    int most = maximumPerMinute == null ? DEFAULT_MAXIMUM : maximumPerMinute;
    double rate =
        exponential.basePerMinute()
            * Math.pow(exponential.incrementFactor(), exponential.increments(notified, succeeded));
    return (long) Math.max(1, Math.min(most, rate));
  }
}
