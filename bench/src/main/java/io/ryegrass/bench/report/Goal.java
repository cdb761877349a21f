package io.ryegrass.bench.report;

import java.util.Locale;

/** What a figure should be: at most, or at least. */
public record Goal(double bound, boolean atMost) {
  public static Goal atMost(double bound) {
    return new Goal(bound, true);
  }

  public static Goal atLeast(double bound) {
    return new Goal(bound, false);
  }

  public boolean met(double value) {
    return atMost ? value <= bound : value >= bound;
  }

  @Override
  public String toString() {
    return (atMost ? "<=" : ">=") + Report.number(bound, Locale.ROOT);
  }
}
