package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.tools.ToolProvider;

/** Compiles functions of tests as their packages are compiled: for Java 8. */
final class Java8 {
  private Java8() {}

  /**
   * @param classPath with {@code :} between its parts
   * @param classes folder that gets the classes
   */
  static void compile(String classPath, Path classes, Path... sources) {
    List<String> arguments =
        new ArrayList<>(List.of("--release", "8", "-proc:none", "-nowarn", "-Xlint:-options"));
    arguments.addAll(List.of("-cp", classPath, "-d", classes.toString()));
    for (Path source : sources) {
      arguments.add(source.toString());
    }
    int code =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, arguments.toArray(String[]::new));
    assertThat(code).as("exit code of the compiler").isZero();
  }
}
