package io.ryegrass.bench.cloud;

import io.ryegrass.bench.report.Bench;
import io.ryegrass.bench.report.Report;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** {@code ./ryegrass bench cloud}: {@link Options#USAGE} is the whole interface. */
public final class CloudBenchMain {
  private final Bench bench;
  private final Report report;
  private final Options options;
  private final List<String> launcher;
  private final Path work;

  private CloudBenchMain(Bench bench, Options options, List<String> launcher) {
    this.bench = bench;
    this.report = bench.report();
    this.options = options;
    this.launcher = launcher;
    this.work = bench.work();
  }

  public static void main(String[] args) throws IOException {
    Bench.main(
        "cloud",
        Options.USAGE,
        args,
        Options::parse,
        (bench, options, home) -> cases(bench, options, CloudProgram.launcher(home)));
  }

  /** Runs all cases that are wanted. */
  static void cases(Bench bench, Options options, List<String> launcher) {
    new CloudBenchMain(bench, options, launcher).cases();
  }

  private void cases() {
    part(
        "start",
        () -> new StartCase(report, launcher, work.resolve("start"), options.runs()).run());
    part(
        "api",
        () -> {
          try (CloudProgram cloud = CloudProgram.start(launcher, work.resolve("api"))) {
            new ApiCase(report, options.seconds(), true).run(cloud, "");
          }
        });
    part("postgresql", this::postgresql);
    part(
        "shadow",
        () -> {
          try (CloudProgram cloud = CloudProgram.start(launcher, work.resolve("shadow"))) {
            new ShadowCase(report, options.seconds()).run(cloud, ShadowCase.devices());
          }
        });
    part("fleet", () -> new FleetCase(report, launcher, work, options.cores()).run());
  }

  private void postgresql() throws IOException, InterruptedException {
    String given = options.database();
    if (given != null) {
      onPostgresql(given);
      return;
    }
    Optional<PostgresServer> own = PostgresServer.start(work.resolve("postgresql"));
    if (own.isEmpty()) {
      report.remark("postgresql is not measured: it is not installed (apt-get install postgresql)");
      return;
    }
    try (PostgresServer server = own.get()) {
      onPostgresql(server.url());
    }
  }

  private void onPostgresql(String url) {
    try (CloudProgram cloud =
        CloudProgram.start(launcher, work.resolve("on-postgresql"), "--database", url)) {
      new ApiCase(report, options.seconds(), false).run(cloud, "postgresql_");
    }
  }

  private void part(String name, Bench.Case body) {
    bench.part(options.only(), name, body);
  }
}
