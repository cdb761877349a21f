package io.ryegrass.bench.mqtt;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Every figure of every round; says the median of each, and the best of those that others disturb
 * most.
 */
final class Results {
  private record Series(String unit, List<Double> values) {}

  private final Map<String, Series> all = new LinkedHashMap<>();

  void add(String name, double value, String unit) {
    all.computeIfAbsent("mqtt." + name, n -> new Series(unit, new ArrayList<>()))
        .values()
        .add(value);
  }

  OptionalDouble median(String name) {
    Series series = all.get("mqtt." + name);
    if (series == null) {
      return OptionalDouble.empty();
    }
    List<Double> sorted = new ArrayList<>(series.values());
    Collections.sort(sorted);
    int half = sorted.size() / 2;
    return OptionalDouble.of(
        sorted.size() % 2 == 1 ? sorted.get(half) : (sorted.get(half - 1) + sorted.get(half)) / 2);
  }

  /** One median divided by another; empty when either is missing or nothing. */
  OptionalDouble ratio(String above, String below) {
    OptionalDouble a = median(above);
    OptionalDouble b = median(below);
    return a.isEmpty() || b.isEmpty() || b.getAsDouble() == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(a.getAsDouble() / b.getAsDouble());
  }

  void print(PrintStream out) {
    all.forEach(
        (name, series) -> {
          line(out, name, median(name.substring("mqtt.".length())).orElseThrow(), series.unit());
          if (series.values().size() > 1 && name.contains(".p99")) {
            line(out, name + "_best", Collections.min(series.values()), series.unit());
          } else if (series.values().size() > 1 && name.endsWith(".throughput")) {
            line(out, name + "_best", Collections.max(series.values()), series.unit());
          }
        });
  }

  static void line(PrintStream out, String name, double value, String unit) {
    out.println(name + " " + number(value) + " " + unit);
  }

  /** Three digits that count, all digits of what is larger. */
  static String number(double value) {
    double size = Math.abs(value);
    String format =
        size >= 100 || value == 0 ? "%.0f" : size >= 10 ? "%.1f" : size >= 1 ? "%.2f" : "%.3f";
    return String.format(Locale.ROOT, format, value);
  }
}
