package io.ryegrass.bench.cloud;

import io.ryegrass.bench.report.Arguments;
import io.ryegrass.bench.report.UsageException;
import java.util.List;
import java.util.regex.Pattern;
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

  static Options parse(String[] args) throws UsageException {
    Pattern only = Pattern.compile("");
    boolean quick = false;
    double cores = 0;
    double runs = 0;
    double seconds = 0;
    String database = null;
    Arguments given = new Arguments("cloud", args);
    while (given.next()) {
      switch (given.option()) {
        case "--quick" -> quick = true;
        case "--only" -> only = given.only(CASES);
        case "--cores" -> cores = given.number(1, MOST_CORES);
        case "--runs" -> runs = given.number(1, 100);
        case "--seconds" -> seconds = given.number(0.1, 600);
        case "--database" -> database = given.value();
        default -> throw given.unknown();
      }
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
}
