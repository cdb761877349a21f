package io.ryegrass.bench.lambda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.tools.ToolProvider;

/**
 * The runtimes that are measured: a line each. All functions give back what they got. A name that
 * ends in {@code -ric} is AWS's published runtime interface client, as a {@code provided} function
 * on the same Runtime API; the launcher fetches those (bench/ric) where the machine can build them.
 */
final class Runtimes {
  static final List<String> NAMES =
      List.of("python", "nodejs", "java", "c", "nodejs-ric", "java-ric");

  private static final String EXECUTABLE = "arn:aws:greengrass:::runtime/function/executable";
  private static final String C_SOURCE =
      """
      #include <greengrasssdk.h>
      static char buffer[65536];
      static void handler(const gg_lambda_context *context) {
        size_t all = 0, some = 0;
        (void)context;
        do {
          if (gg_lambda_handler_read(buffer + all, sizeof buffer - all, &some) != GGE_SUCCESS) return;
          all += some;
        } while (some > 0);
        gg_lambda_handler_write_response(buffer, all);
      }
      int main(void) {
        if (gg_global_init(0) != GGE_SUCCESS) return 1;
        return gg_runtime_start(handler, 0) == GGE_SUCCESS ? 0 : 1;
      }
      """;
  private static final String JAVA_SOURCE =
      """
      package bench;
      public class Echo {
        public java.util.Map<String, Object> handle(java.util.Map<String, Object> event) { return event; }
      }
      """;

  private final Path home;
  private final Path work;

  Runtimes(Path home, Path work) {
    this.home = home;
    this.work = work;
  }

  /** One line of the table: a function, or why there is none. */
  record Entry(String name, Optional<Function> function, String missing) {
    /** The entry that this one is held against, or nothing. */
    Optional<String> peerOf() {
      return name.endsWith("-ric")
          ? Optional.of(name.substring(0, name.length() - "-ric".length()))
          : Optional.empty();
    }
  }

  List<Entry> all() {
    List<Entry> all = new ArrayList<>();
    all.add(python());
    all.add(
        found(
            "nodejs",
            Files.isDirectory(home.resolve("runtimes/nodejs")) && hasProgram("node"),
            "no node, or no runtimes/nodejs",
            () ->
                function(
                    "nodejs",
                    nodeRuntime(),
                    "index.handler",
                    Map.of(
                        "index.js",
                        Function.text(
                            "exports.handler = (event, context, callback) => callback(null, event);\n")))));
    all.add(
        found(
            "java",
            Files.isDirectory(home.resolve("runtimes/java")),
            "no runtimes/java",
            () ->
                function(
                    "java",
                    "java" + Math.min(25, Runtime.version().feature()),
                    "bench.Echo::handle",
                    echoClass())));
    all.add(c());
    all.add(
        found(
            "nodejs-ric",
            Files.isDirectory(ric("node_modules/aws-lambda-ric")),
            "aws-lambda-ric of npm could not be built here",
            () ->
                provided(
                    "nodejs-ric",
                    "exec /usr/bin/env node "
                        + ric("node_modules/aws-lambda-ric/bin/index.mjs")
                        + " index.handler",
                    Map.of(
                        "index.js",
                        Function.text("exports.handler = async (event) => event;\n")))));
    all.add(
        found(
            "java-ric",
            Files.isDirectory(ric("target/lib")),
            "aws-lambda-java-runtime-interface-client could not be fetched",
            () ->
                provided(
                    "java-ric",
                    "exec "
                        + System.getProperty("java.home")
                        + "/bin/java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '.:"
                        + ric("target/lib")
                        + "/*' com.amazonaws.services.lambda.runtime.api.client.AWSLambda bench.Echo::handle",
                    echoClass())));
    return all;
  }

  Entry python() {
    return found(
        "python",
        hasProgram("python3"),
        "no python3",
        () ->
            function(
                "python",
                pythonRuntime(),
                "main.handler",
                Map.of(
                    "main.py", Function.text("def handler(event, context):\n    return event\n"))));
  }

  private Path ric(String rest) {
    return home.resolve("bench/ric").resolve(rest);
  }

  private interface Made {
    Function make();
  }

  private static Entry found(String name, boolean there, String missing, Made made) {
    return there
        ? new Entry(name, Optional.of(made.make()), "")
        : new Entry(name, Optional.empty(), missing);
  }

  private static Function function(
      String name, String runtime, String handler, Map<String, byte[]> files) {
    return new Function("bench-" + name, runtime, handler, files);
  }

  /** A custom runtime whose bootstrap is a line of shell. */
  static Function provided(String name, String line, Map<String, byte[]> files) {
    Map<String, byte[]> all = new LinkedHashMap<>(files);
    all.put("bootstrap", Function.text("#!/bin/bash\ncd \"$LAMBDA_TASK_ROOT\"\n" + line + "\n"));
    return new Function("bench-" + name, "provided.al2", "index.handler", all);
  }

  private Map<String, byte[]> echoClass() {
    try {
      Path source = Files.createDirectories(work.resolve("echo/bench")).resolve("Echo.java");
      Files.writeString(source, JAVA_SOURCE);
      int code =
          ToolProvider.getSystemJavaCompiler()
              .run(null, null, null, "--release", "8", "-Xlint:-options", source.toString());
      if (code != 0) {
        throw new IllegalStateException("javac ended with " + code);
      }
      return Map.of("bench/Echo.class", Files.readAllBytes(source.resolveSibling("Echo.class")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Entry c() {
    Optional<Path> header = find("runtimes/c", "greengrasssdk.h");
    Optional<Path> library = find("runtimes/c", "libaws-greengrass-core-sdk-c.so");
    Optional<Path> compiled = header.flatMap(h -> compile(h, library));
    return found(
        "c",
        compiled.isPresent(),
        "no runtimes/c with its library, or no gcc",
        () -> {
          try {
            return function(
                "c",
                EXECUTABLE,
                "echo",
                Map.of("echo", Files.readAllBytes(compiled.orElseThrow())));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private Optional<Path> find(String folder, String file) {
    Path root = home.resolve(folder);
    if (!Files.isDirectory(root)) {
      return Optional.empty();
    }
    try (Stream<Path> all = Files.walk(root)) {
      return all.filter(p -> p.getFileName().toString().equals(file)).findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Linked as the C SDK says: the core supplies the library, so it may be absent now. */
  private Optional<Path> compile(Path header, Optional<Path> library) {
    if (!hasProgram("gcc")) {
      return Optional.empty();
    }
    try {
      Path source = Files.createDirectories(work.resolve("c")).resolve("echo.c");
      Files.writeString(source, C_SOURCE);
      Path program = source.resolveSibling("echo");
      List<String> command =
          new ArrayList<>(
              List.of(
                  "gcc",
                  "-O2",
                  "-I",
                  String.valueOf(header.getParent()),
                  source.toString(),
                  "-o",
                  program.toString()));
      library.ifPresentOrElse(
          l ->
              command.addAll(
                  List.of("-L", String.valueOf(l.getParent()), "-laws-greengrass-core-sdk-c")),
          () -> command.add("-Wl,--unresolved-symbols=ignore-all"));
      Process gcc = new ProcessBuilder(command).inheritIO().start();
      return gcc.waitFor(60, TimeUnit.SECONDS) && gcc.exitValue() == 0
          ? Optional.of(program)
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  private static boolean hasProgram(String name) {
    return Stream.of(System.getenv().getOrDefault("PATH", "/usr/bin").split(":"))
        .anyMatch(f -> !f.isEmpty() && Files.isExecutable(Path.of(f, name)));
  }

  private static String said(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String text =
          new String(
              process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
      process.waitFor(20, TimeUnit.SECONDS);
      return text.strip();
    } catch (IOException e) {
      return "";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }

  /** The interpreter that the core takes, and whose bare start a cold start is held against. */
  static String pythonProgram() {
    return Files.isExecutable(Path.of("/usr/bin/python3")) ? "/usr/bin/python3" : "python3";
  }

  private static String pythonRuntime() {
    String[] version = said(pythonProgram(), "--version").split("[ .]");
    return version.length > 2 ? "python3." + version[2] : "python3.9";
  }

  private static String nodeRuntime() {
    String major = said("node", "--version").replaceFirst("^v", "").replaceFirst("\\..*", "");
    return String.format(Locale.ROOT, "nodejs%s.x", major.isEmpty() ? "20" : major);
  }
}
