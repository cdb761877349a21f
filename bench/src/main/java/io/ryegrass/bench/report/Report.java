package io.ryegrass.bench.report;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Prints {@code name value unit goal} lines and remembers which goals were missed. */
public final class Report {
  private final PrintStream out;
  private final List<String> missed = new ArrayList<>();

  public Report(PrintStream out) {
    this.out = out;
  }

  public void figure(String name, double value, String unit) {
    figure(name, value, unit, null);
  }

  public void figure(String name, double value, String unit, @Nullable Goal goal) {
    String line = name + " " + number(value, Locale.ROOT) + " " + unit;
    out.println(goal == null ? line : line + " " + goal);
    out.flush();
    if (goal != null && !goal.met(value)) {
      missed.add(line + ", goal " + goal);
    }
  }

  /** Median and largest of some runs of the same thing. */
  public void runs(String name, List<Double> values, String unit, Goal goal) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    figure(name, sorted[sorted.length / 2], unit, goal);
    figure(name + "_max", sorted[sorted.length - 1], unit);
  }

  /** Half of the nanoseconds are below the first figure, 99 of 100 below the second. */
  public void percentiles(String name, long[] nanos, @Nullable Goal half, @Nullable Goal most) {
    long[] sorted = nanos.clone();
    Arrays.sort(sorted);
    figure(name + "_p50", sorted[sorted.length / 2] / 1e6, "ms", half);
    figure(name + "_p99", sorted[sorted.length * 99 / 100] / 1e6, "ms", most);
  }

  public void remark(String text) {
    out.println("# " + text);
    out.flush();
  }

  /** Says which goals were missed. */
  public void close() {
    if (missed.isEmpty()) {
      remark("every goal that was measured is met");
    }
    missed.forEach(m -> remark("MISSED " + m));
  }

  public static String number(double value, Locale locale) {
    if (value == Math.rint(value) && Math.abs(value) < 1e9) {
      return String.format(locale, "%.0f", value);
    }
    return String.format(locale, Math.abs(value) < 10 ? "%.2f" : "%.0f", value);
  }
}
