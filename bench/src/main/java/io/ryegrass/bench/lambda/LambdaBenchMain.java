package io.ryegrass.bench.lambda;

import io.ryegrass.bench.report.Bench;
import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Report;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.logging.LogManager;
import java.util.regex.Pattern;

/** {@code ./ryegrass bench lambda}: {@link Options#USAGE} is the whole interface. */
public final class LambdaBenchMain {
  private final Bench bench;
  private final Report report;
  private final Options options;
  private final Path home;

  private LambdaBenchMain(Bench bench, Options options, Path home) {
    this.bench = bench;
    this.report = bench.report();
    this.options = options;
    this.home = home;
  }

  public static void main(String[] args) throws IOException {
    LogManager.getLogManager().reset();
    Bench.main(
        "lambda",
        Options.USAGE,
        args,
        Options::parse,
        (bench, options, home) -> new LambdaBenchMain(bench, options, home).cases());
  }

  private void cases() {
    Runtimes runtimes = new Runtimes(home, bench.work());
    bench.part(options.only(), "floor", () -> new Floor(report, options).run());
    if (options.wants("call") || Runtimes.NAMES.stream().anyMatch(options::wants)) {
      part(Options.ALL, "call", core -> new CallCases(report, options, core).call(runtimes.all()));
    }
    Runtimes.Entry python = runtimes.python();
    python
        .function()
        .ifPresentOrElse(this::python, () -> report.remark("python MISSING: " + python.missing()));
    part(options.only(), "heap", core -> new StartCases(report, options, core).heap());
    part(options.only(), "many", core -> new StartCases(report, options, core).many());
    bench.part(
        options.only(),
        "mqtt",
        () -> new MqttCase(report, options, home, bench.work().resolve("world")).run());
  }

  private void python(Function python) {
    part(
        options.only(),
        "throughput",
        core -> new CallCases(report, options, core).throughput(python));
    part(
        options.only(),
        "cold",
        core -> new StartCases(report, options, core).cold("cold", python, Goal.atMost(25)));
    if (!"root".equals(System.getProperty("user.name"))) {
      report.remark("container MISSING: containers need root");
      return;
    }
    Function contained =
        python
            .with("containerMode", "GreengrassContainer")
            .with("containerParams", Map.of("memorySize", 65_536));
    part(
        options.only(),
        "container",
        core ->
            new StartCases(report, options, core)
                .cold("cold_container", contained, Goal.atMost(60)));
  }

  private interface OnCore {
    void run(FunctionCore core) throws Exception;
  }

  /** A case on a core of its own. */
  private void part(Pattern only, String name, OnCore body) {
    bench.part(
        only,
        name,
        () -> {
          try (FunctionCore core = FunctionCore.start(home, bench.work().resolve(name))) {
            body.run(core);
          }
        });
  }
}
