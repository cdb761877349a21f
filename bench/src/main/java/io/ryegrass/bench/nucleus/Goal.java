package io.ryegrass.bench.nucleus;

import java.util.Locale;

/** What a figure should be: at most, or at least. */
record Goal(double bound, boolean atMost) {
  static Goal atMost(double bound) {
    return new Goal(bound, true);
  }

  static Goal atLeast(double bound) {
    return new Goal(bound, false);
  }

  boolean met(double value) {
    return atMost ? value <= bound : value >= bound;
  }

  @Override
  public String toString() {
    return (atMost ? "<=" : ">=") + Report.number(bound, Locale.ROOT);
  }
}
