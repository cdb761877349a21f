package io.ryegrass.bench.nucleus;

import io.ryegrass.bench.report.Memory;
import io.ryegrass.bench.report.Program;
import java.nio.file.Path;
import java.util.List;

/** {@code ./ryegrass core --root DIR}, from its start to its end by SIGTERM. */
public record CoreProgram(Program program, Path root) implements AutoCloseable {
  public static CoreProgram start(Path home, Path root) {
    return new CoreProgram(
        Program.start(
            "the core",
            List.of(home.resolve("ryegrass").toString(), "core", "--root", root.toString()),
            "ryegrass core ready",
            line -> true),
        root);
  }

  /** Waits until the core says that it is ready; milliseconds from the start of its process. */
  public double awaitReady() {
    return program.awaitReady().afterMilliseconds();
  }

  /** Milliseconds since the start of its process. */
  double age() {
    return program.age();
  }

  Path socket() {
    return root.resolve("ipc.socket");
  }

  public long pid() {
    return program.pid();
  }

  /** CPU seconds so far, its own and not its components'. */
  public double cpuSeconds() {
    return Memory.cpuSeconds(pid());
  }

  @Override
  public void close() {
    program.close();
  }
}
