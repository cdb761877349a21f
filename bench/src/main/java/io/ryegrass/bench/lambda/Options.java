package io.ryegrass.bench.lambda;

import io.ryegrass.bench.report.Arguments;
import io.ryegrass.bench.report.UsageException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** What {@code ./ryegrass bench lambda} was asked to do. */
record Options(Pattern only, boolean quick, int runs, double seconds) {
  static final String USAGE =
      """
      usage: ./ryegrass bench lambda [options]

      Measures functions on a core from outside and prints 'name value unit goal' lines, then the
      goals that are missed. Cases: floor (the machine without Ryegrass), call, throughput, cold,
      container, heap, many, mqtt (brings up a cloud as well).

        --quick          short loads, few runs: rough figures
        --only REGEX     only the cases, or the runtimes of case call, that the expression is found
                         in: call, throughput, mqtt, ... or python, nodejs, java, c, ...-ric
        --runs N         cold starts of each kind (default 9)
        --seconds S      length of each load (default 5)
      """;

  static final Pattern ALL = Pattern.compile("");

  private static final List<String> CASES = cases();

  private static List<String> cases() {
    List<String> all =
        new ArrayList<>(
            List.of("floor", "call", "throughput", "cold", "container", "heap", "many", "mqtt"));
    all.addAll(Runtimes.NAMES);
    return all;
  }

  static Options parse(String[] args) throws UsageException {
    Pattern only = ALL;
    boolean quick = false;
    double runs = 0;
    double seconds = 0;
    Arguments given = new Arguments("lambda", args);
    while (given.next()) {
      switch (given.option()) {
        case "--quick" -> quick = true;
        case "--only" -> only = given.only(CASES);
        case "--runs" -> runs = given.number(1, 100);
        case "--seconds" -> seconds = given.number(0.1, 600);
        default -> throw given.unknown();
      }
    }
    return new Options(
        only, quick, runs > 0 ? (int) runs : quick ? 3 : 9, seconds > 0 ? seconds : quick ? 1 : 5);
  }

  boolean wants(String name) {
    return only.matcher(name).find();
  }
}
