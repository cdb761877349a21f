package io.ryegrass.lambda;

import io.ryegrass.nucleus.NucleusException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * What functions that are programs need beyond a command line: V1's executables (LAM-44) our
 * library of the C SDK, which is built where there is a C compiler, and, like {@code provided}
 * functions, a library path.
 */
final class Executables {
  /** The V1 runtime of executables (C functions): the handler is the program's name. */
  static final String RUNTIME = "arn:aws:greengrass:::runtime/function/executable";

  private static final String LIBRARIES = "c/target/lib";
  private static final String LIBRARY = "libaws-greengrass-core-sdk-c.so";

  private Executables() {}

  private static boolean isExecutable(FunctionConfiguration f) {
    return f.runtime().equals(RUNTIME);
  }

  private static boolean isProvided(FunctionConfiguration f) {
    return f.runtime().startsWith("provided") || f.runtime().equals("go1.x");
  }

  /**
   * Says what is missing before anything starts.
   *
   * @param runtimes folder of the runtimes on this host
   * @param code folder of the function on this host
   * @throws NucleusException that names it and the remedy
   */
  static void check(FunctionConfiguration f, Path runtimes, Path code) {
    if (isExecutable(f) && !Files.isReadable(runtimes.resolve(LIBRARIES).resolve(LIBRARY))) {
      throw new NucleusException(
          "RUNTIME_NOT_FOUND",
          "The function "
              + f.arn()
              + " is an executable, and "
              + LIBRARY
              + " is not in "
              + runtimes.resolve(LIBRARIES)
              + ", because there was no C compiler when Ryegrass was built; install gcc and libc6-dev and run ./ryegrass build, or copy the library there.");
    }
    if (isExecutable(f) || isProvided(f)) {
      String name = isProvided(f) && !f.runtime().equals("go1.x") ? "bootstrap" : f.handler();
      Path program = code.resolve(name);
      if (!Files.isRegularFile(program) || !Files.isExecutable(program)) {
        throw new NucleusException(
            "EXECUTABLE_NOT_FOUND",
            "The function "
                + f.arn()
                + " (runtime "
                + f.runtime()
                + ") is the program "
                + name
                + ", and its package has "
                + (Files.exists(program) ? "no right to execute it" : "no such file at its root")
                + "; pack "
                + name
                + " at the root of the ZIP with mode 755.");
      }
    }
  }

  /**
   * Puts our library first, then what the function brings, then what the function asks for.
   *
   * @param runtimes folder of the runtimes as the worker sees it
   * @param code folder of the function as the worker sees it
   */
  static void libraries(
      Map<String, String> environment, FunctionConfiguration f, Path runtimes, Path code) {
    if (isExecutable(f) || isProvided(f)) {
      String own = environment.getOrDefault("LD_LIBRARY_PATH", "");
      environment.put(
          "LD_LIBRARY_PATH",
          (isExecutable(f) ? runtimes.resolve(LIBRARIES) + ":" : "")
              + code
              + ":"
              + code.resolve("lib")
              + (own.isEmpty() ? "" : ":" + own));
    }
  }
}
