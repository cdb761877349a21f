package io.ryegrass.bench.nucleus;

import io.ryegrass.bench.report.Bench;
import io.ryegrass.bench.report.Report;
import java.io.IOException;
import java.nio.file.Path;
import java.util.logging.LogManager;

/** {@code ./ryegrass bench nucleus}: {@link Options#USAGE} is the whole interface. */
public final class NucleusBenchMain {
  private NucleusBenchMain() {}

  public static void main(String[] args) throws IOException {
    LogManager.getLogManager().reset(); // AWS's client tells of each connection
    Bench.main("nucleus", Options.USAGE, args, Options::parse, NucleusBenchMain::cases);
  }

  private static void cases(Bench bench, Options options, Path home) {
    Report report = bench.report();
    Path work = bench.work();
    LifeCases life = new LifeCases(report, options, home, work);
    bench.part(options.only(), "start", life::start);
    bench.part(options.only(), "deployment", life::deployment);
    bench.part(options.only(), "rollback", life::rollback);
    IpcCases ipc = new IpcCases(report, options);
    if (ipc.wanted()) {
      bench.part(
          Options.ALL,
          "ipc",
          () -> {
            try (CoreProgram core = CoreProgram.start(home, work.resolve("ipc"))) {
              core.awaitReady();
              ipc.run(core);
            }
          });
    }
    bench.part(options.only(), "spool", () -> new SpoolCase(report, options, home, work).run());
    bench.part(
        options.only(),
        "memory",
        () -> new MemoryCase(report, options, home, work.resolve("world")).run());
  }
}
