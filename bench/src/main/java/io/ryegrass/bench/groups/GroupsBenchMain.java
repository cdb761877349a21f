package io.ryegrass.bench.groups;

import io.ryegrass.bench.cloud.CloudProgram;
import io.ryegrass.bench.report.Bench;
import io.ryegrass.bench.report.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** {@code ./ryegrass bench groups}: {@link Options#USAGE} is the whole interface. */
public final class GroupsBenchMain {
  private GroupsBenchMain() {}

  public static void main(String[] args) throws IOException {
    Bench.main("groups", Options.USAGE, args, Options::parse, GroupsBenchMain::cases);
  }

  private static void cases(Bench bench, Options options, Path home) throws IOException {
    Report report = bench.report();
    // as root, functions run as 'nobody', who has to get to their folders
    Files.setPosixFilePermissions(bench.work(), PosixFilePermissions.fromString("rwxr-xr-x"));
    report.remark(
        "a group of %d functions, %d subscriptions, %d devices"
            .formatted(options.functions(), options.subscriptions(), options.devices()));
    try (CloudProgram cloud =
        CloudProgram.start(CloudProgram.launcher(home), bench.work().resolve("cloud"))) {
      LargeGroup group =
          LargeGroup.in(
              cloud.api(), options.functions(), options.subscriptions(), options.devices());
      bench.part(
          options.only(), "cloud", () -> new CloudCase(report, options.runs()).run(cloud, group));
      bench.part(
          options.only(),
          "core",
          () -> new CoreCase(report, options.runs(), home, bench.work()).run(cloud, group));
    }
  }
}
