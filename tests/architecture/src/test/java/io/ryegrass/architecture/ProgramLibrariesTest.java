package io.ryegrass.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Some libraries are for functions and examples only; each byte of a program on a device counts.
 * They are looked for where they would be: in the folders that the programs are started from, and
 * on the class path of this test, which has all modules with what they need.
 */
class ProgramLibrariesTest {
  private static final Path HOME = Path.of("../..").toAbsolutePath().normalize();

  /** Words in the names of files that no program of ours may have. */
  private static final List<String> NOT_OURS =
      List.of("onnx", "aws-lambda-java-core", "hivemq", "moquette", "mxnet", "tensorflow");

  @Test
  void noProgramHasTheLibrariesOfFunctionsAndOfExamples() throws IOException {
    for (String program : List.of("core/app", "cloud/app", "cli", "demo")) {
      Path lib = HOME.resolve(program).resolve("target/lib");
      try (Stream<Path> files = Files.list(lib)) {
        List<String> names = files.map(f -> f.getFileName().toString()).toList();
        assertThat(names).as("%s is built", lib).anyMatch(n -> n.startsWith("jackson-core"));
        assertThat(names).as(lib.toString()).noneMatch(ProgramLibrariesTest::isNotOurs);
      }
    }
  }

  @Test
  void noModuleNeedsThem() {
    List<String> path =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(p -> Path.of(p).getFileName().toString())
            .toList();
    assertThat(path).anyMatch(n -> n.startsWith("jackson-core"));
    assertThat(path)
        .filteredOn(n -> !n.startsWith("aws-lambda-java-core")) // of runtimes/java, for its tests
        .noneMatch(ProgramLibrariesTest::isNotOurs);
  }

  private static boolean isNotOurs(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return NOT_OURS.stream().anyMatch(lower::contains);
  }
}
