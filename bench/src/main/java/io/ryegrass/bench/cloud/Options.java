package io.ryegrass.bench.cloud;

import io.ryegrass.bench.report.Report;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * What {@code ./ryegrass bench cloud} was asked to do.
 *
 * @param cores size of the largest fleet
 * @param database JDBC URL of a PostgreSQL database to measure the API on as well; null: a server
 *     of its own where PostgreSQL is installed
 */
record Options(
    Pattern only, boolean quick, int cores, int runs, double seconds, @Nullable String database) {
  static final String USAGE =
      """
      usage: ./ryegrass bench cloud [options]

      Measures a cloud from outside and prints 'name value unit goal' lines, then the goals that are
      missed. Cases: start, api, postgresql (the api on PostgreSQL), shadow, fleet (simulated cores
      that connect, and one deployment to all of them, for 100, 1000 and 10000 cores).

        --cores N        size of the largest fleet (default 10000, at most 10400)
        --quick          short loads, few runs, 1000 cores: about 3 minutes, rough figures
        --only REGEX     only the cases that the expression is found in: start, api, fleet, ...
        --runs N         runs of the start (default 5)
        --seconds S      length of each load (default 10)
        --database URL   the case postgresql on this database (jdbc:postgresql://…, which is left
                         with tables in it) instead of a server of the benchmark's own
      """;

  static final int MOST_CORES = 10_400;
  private static final List<String> CASES =
      List.of("start", "api", "postgresql", "shadow", "fleet");

  /** A mistake in the arguments, as one sentence. */
  static final class UsageException extends Exception {
    UsageException(String message) {
      super(message);
    }
  }

  static Options parse(String[] args) throws UsageException {
    Pattern only = Pattern.compile("");
    boolean quick = false;
    double cores = 0;
    double runs = 0;
    double seconds = 0;
    String database = null;
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--quick" -> quick = true;
        case "--only" -> only = pattern(value(args, i++));
        case "--cores" -> cores = number("--cores", value(args, i++), 1, MOST_CORES);
        case "--runs" -> runs = number("--runs", value(args, i++), 1, 100);
        case "--seconds" -> seconds = number("--seconds", value(args, i++), 0.1, 600);
        case "--database" -> database = value(args, i++);
        default ->
            throw new UsageException(
                "there is no option '" + args[i] + "'; './ryegrass bench cloud --help' lists them");
      }
    }
    Pattern chosen = only;
    if (CASES.stream().noneMatch(name -> chosen.matcher(name).find())) {
      throw new UsageException(
          "--only '" + only + "' names no case; there are " + String.join(", ", CASES));
    }
    if (database != null && !database.startsWith("jdbc:postgresql:")) {
      throw new UsageException("--database needs a URL that starts with jdbc:postgresql:");
    }
    return new Options(
        only,
        quick,
        cores > 0 ? (int) cores : quick ? 1000 : 10_000,
        runs > 0 ? (int) runs : quick ? 3 : 5,
        seconds > 0 ? seconds : quick ? 3 : 10,
        database);
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
        "%s needs a number from %s to %s, not '%s'"
            .formatted(
                option, Report.number(least, Locale.ROOT), Report.number(most, Locale.ROOT), text));
  }

  private static Pattern pattern(String text) throws UsageException {
    try {
      return Pattern.compile(text);
    } catch (PatternSyntaxException e) {
      throw new UsageException("--only needs a regular expression, and '" + text + "' is none");
    }
  }
}
