package io.ryegrass.lambda;

import io.ryegrass.nucleus.NucleusException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Which program runs a function of a given runtime. */
final class RuntimeCommand {
  private static final List<Path> SYSTEM_FOLDERS =
      List.of(Path.of("/usr/local/bin"), Path.of("/usr/bin"), Path.of("/bin"));

  /** The V1 runtime of executables (C functions): the handler is the program's name. */
  private static final String EXECUTABLE = "arn:aws:greengrass:::runtime/function/executable";

  private RuntimeCommand() {}

  /**
   * The command line of a worker.
   *
   * @param runtimes folder of the runtimes as the worker sees it
   * @param code folder of the function as the worker sees it
   * @param systemOnly whether only the folders of the system are visible to the worker (container,
   *     other user)
   * @throws NucleusException when the runtime is not to be had here
   */
  static List<String> of(FunctionConfiguration f, Path runtimes, Path code, boolean systemOnly) {
    List<String> command = new ArrayList<>();
    if (f.runtime().startsWith("python")) {
      command.add(python(f, systemOnly).toString());
      command.add("-u");
      command.add(runtimes.resolve("python/lambda_runtime.py").toString());
      command.add("--handler");
      command.add(f.handler());
    } else if (f.runtime().startsWith("provided")) {
      command.add(code.resolve("bootstrap").toString());
    } else if (f.runtime().equals(EXECUTABLE)) {
      command.add(code.resolve(f.handler()).toString());
    } else {
      throw new NucleusException(
          "RUNTIME_NOT_SUPPORTED",
          "The function "
              + f.arn()
              + " needs the runtime "
              + f.runtime()
              + ", which this core does not have; use python3.x, provided, or an executable.");
    }
    command.addAll(f.execArgs());
    return command;
  }

  /**
   * The interpreter: the very version when the system has it, else the system's python3, else what
   * the PATH of the core offers (a version manager's wrapper there costs a slow start, so it comes
   * last).
   */
  private static Path python(FunctionConfiguration f, boolean systemOnly) {
    List<Path> others = new ArrayList<>();
    if (!systemOnly) {
      for (String folder : System.getenv().getOrDefault("PATH", "").split(":")) {
        if (!folder.isEmpty()) {
          others.add(Path.of(folder));
        }
      }
    }
    return first(SYSTEM_FOLDERS, f.runtime())
        .or(() -> first(SYSTEM_FOLDERS, "python3"))
        .or(() -> first(others, f.runtime()))
        .or(() -> first(others, "python3"))
        .orElseThrow(
            () ->
                new NucleusException(
                    "RUNTIME_NOT_FOUND",
                    "The function "
                        + f.arn()
                        + " needs "
                        + f.runtime()
                        + ", but neither it nor python3 is in /usr/local/bin or /usr/bin; install python3."));
  }

  private static Optional<Path> first(List<Path> folders, String name) {
    return folders.stream().map(p -> p.resolve(name)).filter(Files::isExecutable).findFirst();
  }
}
