package io.ryegrass.bench.cloud;

import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Report;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** {@code ./ryegrass bench cloud}: {@link Options#USAGE} is the whole interface. */
public final class CloudBenchMain {
  private final Report report;
  private final Options options;
  private final List<String> launcher;
  private final Path work;
  private boolean complete = true;

  private CloudBenchMain(Report report, Options options, List<String> launcher, Path work) {
    this.report = report;
    this.options = options;
    this.launcher = launcher;
    this.work = work;
  }

  /** Exit code 0 when everything was measured, 1 when something failed, 2 for wrong arguments. */
  public static void main(String[] args) throws IOException {
    if (List.of(args).contains("--help") || List.of(args).contains("-h")) {
      System.out.print(Options.USAGE);
      return;
    }
    Options options;
    try {
      options = Options.parse(args);
    } catch (Options.UsageException e) {
      System.err.println("bench cloud: " + e.getMessage());
      System.exit(2);
      return;
    }
    PrintStream results = System.out;
    System.setOut(System.err);
    Path home = Path.of(System.getProperty("ryegrass.home", ".")).toAbsolutePath();
    Path work = Files.createTempDirectory("ryegrass-bench-cloud-");
    Runtime.getRuntime().addShutdownHook(new Thread(CloudProgram::closeAll, "stop-clouds"));
    boolean complete = measure(new Report(results), options, CloudProgram.launcher(home), work);
    CloudProgram.closeAll();
    System.exit(complete ? 0 : 1);
  }

  /** Runs all cases that are wanted; false when one failed. */
  static boolean measure(Report report, Options options, List<String> launcher, Path work)
      throws IOException {
    CloudBenchMain bench = new CloudBenchMain(report, options, launcher, work);
    report.remark("load of the machine before: " + load());
    bench.cases();
    report.remark("load of the machine after: " + load());
    report.close();
    if (bench.complete) {
      CloudProgram.delete(work);
    } else {
      report.remark("not everything was measured; what was left is in " + work);
    }
    return bench.complete;
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

  private interface Part {
    void run() throws Exception;
  }

  /** One case that fails does not keep the others from being measured. */
  private void part(String name, Part part) {
    if (!options.wants(name)) {
      return;
    }
    System.err.println("bench cloud: " + name);
    try {
      part.run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      complete = false;
    } catch (Exception e) {
      complete = false;
      report.remark(name + " failed: " + (e instanceof BenchFailed ? e.getMessage() : e));
    }
  }

  private static String load() throws IOException {
    return Files.readString(Path.of("/proc/loadavg")).strip();
  }
}
