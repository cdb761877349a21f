package io.ryegrass.bench.nucleus;

import io.ryegrass.bench.report.Arguments;
import io.ryegrass.bench.report.UsageException;
import java.util.List;
import java.util.regex.Pattern;

/** What {@code ./ryegrass bench nucleus} was asked to do. */
record Options(Pattern only, boolean quick, int runs, double seconds) {
  static final String USAGE =
      """
      usage: ./ryegrass bench nucleus [options]

      Measures a core from outside and prints 'name value unit goal' lines, then the goals that are
      missed. Cases: start, deployment, rollback, pubsub, round-trip, configuration, connect,
      connections, slow, spool, memory (brings up a cloud as well).

        --quick          short loads, few runs: about 2 minutes, rough figures
        --only REGEX     only the cases that the expression is found in: start, pubsub, memory, ...
        --runs N         runs of each start and each deployment (default 5)
        --seconds S      length of each load (default 3)
      """;

  static final Pattern ALL = Pattern.compile("");

  private static final List<String> CASES =
      List.of(
          "start",
          "deployment",
          "rollback",
          "pubsub",
          "round-trip",
          "configuration",
          "connect",
          "connections",
          "slow",
          "spool",
          "memory");

  static Options parse(String[] args) throws UsageException {
    Pattern only = ALL;
    boolean quick = false;
    double runs = 0;
    double seconds = 0;
    Arguments given = new Arguments("nucleus", args);
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
        only, quick, runs > 0 ? (int) runs : quick ? 3 : 5, seconds > 0 ? seconds : quick ? 1 : 3);
  }

  boolean wants(String name) {
    return only.matcher(name).find();
  }
}
