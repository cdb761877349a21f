package io.ryegrass.registry.job;

/**
 * Where a rollout is in its current minute. A minute begins with the first thing told after the end
 * of the one before; as many as the rate allows are told at its start, in batches, so that no sixty
 * seconds see more than the rate. After a pause, such as a stop of the cloud, a new minute begins:
 * what was missed is not made up for in a burst.
 *
 * @param minuteStart milliseconds since 1970; 0 before the first minute
 * @param released things told in it
 */
record Pace(long minuteStart, long released) {
  static final Pace START = new Pace(0, 0);
  static final long MINUTE = 60_000;

  /**
   * What happens now.
   *
   * @param count things to be told now; may be 0
   * @param after the pace to remember
   * @param due when to look again, milliseconds since 1970
   */
  record Step(long count, Pace after, long due) {}

  /**
   * Looks what may be told now.
   *
   * @param rate things a minute; {@link Long#MAX_VALUE} for no limit
   * @param waiting things not yet told
   * @param batch most in one step
   */
  Step next(long now, long rate, long waiting, long batch) {
    if (rate == Long.MAX_VALUE) {
      return new Step(Math.min(waiting, batch), this, now);
    }
    boolean fresh = now - minuteStart >= MINUTE || now < minuteStart;
    long start = fresh ? now : minuteStart;
    long told = fresh ? 0 : released;
    long count = Math.max(0, Math.min(Math.min(waiting, batch), rate - told));
    long after = told + count;
    return new Step(count, new Pace(start, after), after < rate ? now : start + MINUTE);
  }
}
