package io.ryegrass.bench.nucleus;

import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Report;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.logging.LogManager;

/** {@code ./ryegrass bench nucleus}: {@link Options#USAGE} is the whole interface. */
public final class NucleusBenchMain {
  private final Report report;
  private final Options options;
  private final Path home;
  private final Path work;
  private boolean complete = true;

  private NucleusBenchMain(Report report, Options options, Path home, Path work) {
    this.report = report;
    this.options = options;
    this.home = home;
    this.work = work;
  }

  /** Exit code 0 when everything was measured, 1 when something failed, 2 for wrong arguments. */
  public static void main(String[] args) throws IOException {
    if (java.util.List.of(args).contains("--help") || java.util.List.of(args).contains("-h")) {
      System.out.print(Options.USAGE);
      return;
    }
    Options options;
    try {
      options = Options.parse(args);
    } catch (Options.UsageException e) {
      System.err.println("bench nucleus: " + e.getMessage());
      System.exit(2);
      return;
    }
    LogManager.getLogManager().reset(); // AWS's client tells of each connection
    PrintStream results = System.out;
    System.setOut(System.err);
    Path home = Path.of(System.getProperty("ryegrass.home", ".")).toAbsolutePath();
    Path work = Files.createTempDirectory("ryegrass-bench-nucleus-");
    Runtime.getRuntime().addShutdownHook(new Thread(CoreProgram::closeAll, "stop-cores"));
    Report report = new Report(results);
    NucleusBenchMain bench = new NucleusBenchMain(report, options, home, work);
    bench.measure();
    CoreProgram.closeAll();
    report.remark("load of the machine after: " + load());
    report.close();
    if (bench.complete) {
      CoreProgram.delete(work);
    } else {
      report.remark("not everything was measured; what was left is in " + work);
    }
    System.exit(bench.complete ? 0 : 1);
  }

  private void measure() throws IOException {
    report.remark("load of the machine before: " + load());
    LifeCases life = new LifeCases(report, options, home, work);
    part("start", life::start);
    part("deployment", life::deployment);
    part("rollback", life::rollback);
    IpcCases ipc = new IpcCases(report, options);
    if (ipc.wanted()) {
      guarded(
          "ipc",
          () -> {
            try (CoreProgram core = CoreProgram.start(home, work.resolve("ipc"))) {
              core.awaitReady();
              ipc.run(core);
            }
          });
    }
    part("spool", () -> new SpoolCase(report, options, home, work).run());
    part("memory", () -> new MemoryCase(report, options, home, work.resolve("world")).run());
  }

  private interface Part {
    void run() throws Exception;
  }

  private void part(String name, Part part) {
    if (options.wants(name)) {
      guarded(name, part);
    }
  }

  /** One case that fails does not keep the others from being measured. */
  private void guarded(String name, Part part) {
    System.err.println("bench nucleus: " + name);
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
