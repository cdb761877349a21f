package io.ryegrass.lambda;

import io.ryegrass.nucleus.NucleusException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * Which program runs a function of a given runtime.
 *
 * @param arguments the command line of a worker
 * @param folders folders of the host that the worker needs at the same place, beyond those that
 *     every worker sees: the home of an interpreter outside the system's folders
 */
record RuntimeCommand(List<String> arguments, List<Path> folders) {
  /**
   * Workers are many and start often, so: the smallest collector, the first compiler alone, no file
   * in /tmp (decision 055). What an old Java does not know of these it leaves alone.
   */
  private static final List<String> JVM =
      List.of(
          "-XX:+IgnoreUnrecognizedVMOptions",
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-XX:-UsePerfData",
          "-Xshare:auto",
          "-Xms8m",
          "-Xss512k");

  RuntimeCommand {
    arguments = List.copyOf(arguments);
    folders = List.copyOf(folders);
  }

  /** A program of the system. */
  static RuntimeCommand plain(String... arguments) {
    return new RuntimeCommand(List.of(arguments), List.of());
  }

  /**
   * The command of a worker.
   *
   * @param manager configuration of aws.greengrass.LambdaManager
   * @param runtimes folder of the runtimes as the worker sees it
   * @param code folder of the function as the worker sees it
   * @throws NucleusException when the runtime is not to be had here
   */
  static RuntimeCommand of(
      FunctionConfiguration f,
      ObjectNode manager,
      Path runtimes,
      Path code,
      Interpreters.Reach reach) {
    List<String> arguments = new ArrayList<>();
    List<Path> folders = List.of();
    if (Interpreters.isInterpreted(f.runtime())) {
      Interpreters.Found interpreter = Interpreters.find(f, manager, reach);
      folders = interpreter.folders();
      arguments.add(interpreter.program().toString());
      if (f.runtime().startsWith("python")) {
        arguments.add("-u");
        arguments.add(runtimes.resolve("python/lambda_runtime.py").toString());
      } else if (f.runtime().startsWith("nodejs")) {
        if (f.container()) {
          // V8 sizes its heap by the machine's memory, not by the container's.
          arguments.add("--max-old-space-size=" + limitMb(f) * 3 / 4);
        }
        arguments.add(runtimes.resolve("nodejs/lambda_runtime.js").toString());
      } else {
        Path java = runtimes.resolve("java/target");
        arguments.addAll(JVM);
        if (f.container()) {
          // The other half is for what a JVM needs beside its heap.
          arguments.add("-Xmx" + limitMb(f) / 2 + "m");
        }
        arguments.add("-cp");
        arguments.add(
            java.resolve("lambda-runtime.jar")
                + ":"
                + java.resolve("lib/aws-lambda-java-core.jar"));
        arguments.add("io.ryegrass.javaruntime.Bootstrap");
      }
      arguments.add("--handler");
      arguments.add(f.handler());
    } else if (f.runtime().startsWith("provided")) {
      arguments.add(code.resolve("bootstrap").toString());
    } else if (f.runtime().equals(Executables.RUNTIME) || f.runtime().equals("go1.x")) {
      arguments.add(code.resolve(f.handler()).toString());
    } else {
      throw unsupported(f);
    }
    arguments.addAll(f.execArgs());
    return new RuntimeCommand(arguments, folders);
  }

  /** The memory limit that the container of the function has, in MiB. */
  private static int limitMb(FunctionConfiguration f) {
    return BundleConfig.memoryKb(f) / 1024;
  }

  private static NucleusException unsupported(FunctionConfiguration f) {
    return new NucleusException(
        "RUNTIME_NOT_SUPPORTED",
        "The function "
            + f.arn()
            + " needs the runtime "
            + f.runtime()
            + ", which this core does not have; use Python, Node.js, Java, provided, or an executable.");
  }
}
