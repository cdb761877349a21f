package io.ryegrass.bench.groups;

import io.ryegrass.bench.report.Arguments;
import io.ryegrass.bench.report.UsageException;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What {@code ./ryegrass bench groups} was asked to do.
 *
 * @param functions of the group, the pinned one among them
 */
record Options(Pattern only, int functions, int subscriptions, int devices, int runs) {
  static final String USAGE =
      """
      usage: ./ryegrass bench groups [options]

      Measures a large group of Greengrass V1 and prints 'name value unit goal' lines, then the goals
      that are missed. Cases: cloud (create-group to create-deployment, and the compiler), core (a
      core applies the group, and a deployment that changes one subscription).

        --functions N        functions of the group (default 200, 2 to 200)
        --subscriptions N    subscriptions (default 500, 4 to 10000)
        --devices N          devices (default 2500, 1 to 2500)
        --quick              a tenth of each, two runs
        --only REGEX         only the cases that the expression is found in
        --runs N             runs of each (default 5; at most 3 of the whole group on a new core)
      """;

  private static final List<String> CASES = List.of("cloud", "core");

  static Options parse(String[] args) throws UsageException {
    Pattern only = Pattern.compile("");
    boolean quick = false;
    double functions = 0;
    double subscriptions = 0;
    double devices = 0;
    double runs = 0;
    Arguments given = new Arguments("groups", args);
    while (given.next()) {
      switch (given.option()) {
        case "--quick" -> quick = true;
        case "--only" -> only = given.only(CASES);
        case "--functions" -> functions = given.number(2, 200);
        case "--subscriptions" -> subscriptions = given.number(4, 10_000);
        case "--devices" -> devices = given.number(1, 2500);
        case "--runs" -> runs = given.number(1, 100);
        default -> throw given.unknown();
      }
    }
    return new Options(
        only,
        functions > 0 ? (int) functions : quick ? 20 : 200,
        subscriptions > 0 ? (int) subscriptions : quick ? 50 : 500,
        devices > 0 ? (int) devices : quick ? 250 : 2500,
        runs > 0 ? (int) runs : quick ? 2 : 5);
  }
}
