package io.ryegrass.bench.report;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * One run of a benchmark that consists of cases: each is guarded, so that one that fails does not
 * keep the others from being measured. Results go to standard output, all else to standard error.
 */
public final class Bench {
  /** One case; what it throws is told and counts as failed. */
  public interface Case {
    void run() throws Exception;
  }

  /** A benchmark's cases, for {@link #main}. */
  public interface Cases<O> {
    void run(Bench bench, O options, Path home) throws Exception;
  }

  /** Reads a benchmark's arguments. */
  public interface Parser<O> {
    O parse(String[] args) throws UsageException;
  }

  private final String name;
  private final Report report;
  private final Path work;
  private boolean complete = true;

  private Bench(String name, Report report, Path work) {
    this.name = name;
    this.report = report;
    this.work = work;
  }

  /**
   * A whole program of a benchmark. Ends the process: with 0 when everything was measured, 1 when
   * something failed, 2 for wrong arguments.
   *
   * @param name how the launcher names it
   */
  public static <O> void main(
      String name, String usage, String[] args, Parser<O> parser, Cases<O> cases)
      throws IOException {
    if (List.of(args).contains("--help") || List.of(args).contains("-h")) {
      System.out.print(usage);
      return;
    }
    O options;
    try {
      options = parser.parse(args);
    } catch (UsageException e) {
      System.err.println("bench " + name + ": " + e.getMessage());
      System.exit(2);
      return;
    }
    PrintStream results = System.out;
    System.setOut(System.err);
    Path home = Path.of(System.getProperty("ryegrass.home", ".")).toAbsolutePath();
    Path work = Files.createTempDirectory("ryegrass-bench-" + name + "-");
    Runtime.getRuntime().addShutdownHook(new Thread(Program::closeAll, "stop-programs"));
    boolean complete =
        run(name, new Report(results), work, bench -> cases.run(bench, options, home));
    Program.closeAll();
    System.exit(complete ? 0 : 1);
  }

  /** A benchmark's cases, for {@link #run}. */
  public interface Body {
    void run(Bench bench) throws Exception;
  }

  /** Runs cases in a work folder, which is deleted unless one failed; false when one did. */
  public static boolean run(String name, Report report, Path work, Body body) throws IOException {
    Bench bench = new Bench(name, report, work);
    report.remark("load of the machine before: " + load());
    bench.guarded(name, () -> body.run(bench));
    report.remark("load of the machine after: " + load());
    report.close();
    if (bench.complete) {
      Program.delete(work);
    } else {
      report.remark("not everything was measured; what was left is in " + work);
    }
    return bench.complete;
  }

  public Report report() {
    return report;
  }

  /** A folder of this run alone. */
  public Path work() {
    return work;
  }

  /** Runs a case if its name is wanted. */
  public void part(Pattern only, String part, Case body) {
    if (only.matcher(part).find()) {
      System.err.println("bench " + name + ": " + part);
      guarded(part, body);
    }
  }

  private void guarded(String part, Case body) {
    try {
      body.run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      complete = false;
    } catch (Exception e) {
      complete = false;
      report.remark(part + " failed: " + (e instanceof BenchFailed ? e.getMessage() : e));
    }
  }

  private static String load() throws IOException {
    return Files.readString(Path.of("/proc/loadavg")).strip();
  }
}
