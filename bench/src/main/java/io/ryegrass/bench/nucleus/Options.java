package io.ryegrass.bench.nucleus;

import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

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

  /** A mistake in the arguments, as one sentence. */
  static final class UsageException extends Exception {
    UsageException(String message) {
      super(message);
    }
  }

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
    Pattern only = Pattern.compile("");
    boolean quick = false;
    double runs = 0;
    double seconds = 0;
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--quick" -> quick = true;
        case "--only" -> only = pattern(value(args, i++));
        case "--runs" -> runs = number("--runs", value(args, i++), 1, 100);
        case "--seconds" -> seconds = number("--seconds", value(args, i++), 0.1, 600);
        default ->
            throw new UsageException(
                "there is no option '"
                    + args[i]
                    + "'; './ryegrass bench nucleus --help' lists them");
      }
    }
    Pattern chosen = only;
    if (CASES.stream().noneMatch(name -> chosen.matcher(name).find())) {
      throw new UsageException(
          "--only '" + only + "' names no case; there are " + String.join(", ", CASES));
    }
    return new Options(
        only, quick, runs > 0 ? (int) runs : quick ? 3 : 5, seconds > 0 ? seconds : quick ? 1 : 3);
  }

  boolean wants(String name) {
    return only.matcher(name).find();
  }

  private static String value(String[] args, int at) throws UsageException {
    if (at + 1 >= args.length) {
      throw new UsageException(args[at] + " needs a value");
    }
    return args[at + 1];
  }

  private static double number(String option, String text, double least, double most)
      throws UsageException {
    try {
      double number = Double.parseDouble(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below, as for a number out of range.
    }
    throw new UsageException(
        String.format("%s needs a number from %s to %s, not '%s'", option, least, most, text));
  }

  private static Pattern pattern(String text) throws UsageException {
    try {
      return Pattern.compile(text);
    } catch (PatternSyntaxException e) {
      throw new UsageException("--only needs a regular expression, and '" + text + "' is none");
    }
  }
}
