package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** The launcher as a person uses it: a command, its exit code, what it printed. */
final class Ryegrass {
  static final Path HOME = Path.of("../..").toAbsolutePath().normalize();

  private Ryegrass() {}

  /** Runs a command to its end. */
  static Outcome run(Path folder, Duration deadline, String... arguments) {
    try (Running running = start(folder, arguments)) {
      return running.awaitEnd(deadline);
    }
  }

  /** Starts a command that stays up; closing it ends the process. */
  static Running start(Path folder, String... arguments) {
    List<String> command = new ArrayList<>(List.of(HOME.resolve("ryegrass").toString()));
    command.addAll(List.of(arguments));
    return startProgram(folder, Map.of(), command);
  }

  /** The same for another program of the distribution, such as the loader. */
  static Running startProgram(Path folder, Map<String, String> environment, List<String> command) {
    try {
      Path output = Files.createTempFile(folder, "output", ".txt");
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(output.toFile());
      builder.environment().put("RYEGRASS_NO_BUILD", "1");
      builder.environment().putAll(environment);
      // as root, components are run only as somebody who was named
      builder
          .environment()
          .putIfAbsent("RYEGRASS_COMPONENT_DEFAULT_USER", System.getProperty("user.name"));
      return new Running(builder.start(), output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A cloud on free ports with its data in {@code folder/cloud}. */
  static Running startCloud(Path folder) {
    Running cloud =
        start(
            folder,
            "cloud",
            "--data",
            folder.resolve("cloud").toString(),
            "--api-port",
            "0",
            "--https-port",
            "0",
            "--mqtt-port",
            "0");
    cloud.awaitOutput("ryegrass cloud ready:");
    return cloud;
  }

  static Outcome aws(Path folder, String... arguments) {
    List<String> command =
        new ArrayList<>(List.of("aws", "--data", folder.resolve("cloud").toString()));
    command.addAll(List.of(arguments));
    return run(folder, Duration.ofSeconds(120), command.toArray(String[]::new));
  }

  record Outcome(int exitCode, String output) {
    void isSuccess() {
      assertThat(exitCode).as(output).isZero();
    }

    /** One sentence for a person: an exit code, the words, no stack trace. */
    void isRefusalNaming(String... words) {
      assertThat(exitCode).as(output).isNotZero();
      assertThat(output).contains(words);
      assertThat(output).doesNotContain("\tat ").doesNotContain("Exception in thread");
    }
  }

  record Running(Process process, Path outputFile) implements AutoCloseable {
    String output() {
      return TestCloud.read(outputFile);
    }

    void awaitOutput(String words) {
      Awaitility.await()
          .atMost(Duration.ofSeconds(120))
          .pollInterval(Duration.ofMillis(50))
          .until(() -> output().contains(words) || !process.isAlive());
      assertThat(output()).contains(words);
    }

    Outcome awaitEnd(Duration deadline) {
      try {
        assertThat(process.waitFor(deadline.toMillis(), TimeUnit.MILLISECONDS))
            .as("ends within %s; printed: %s", deadline, output())
            .isTrue();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError(e);
      }
      return new Outcome(process.exitValue(), output());
    }

    void kill() {
      process.destroyForcibly();
      awaitEnd(Duration.ofSeconds(60));
    }

    @Override
    public void close() {
      if (process.isAlive()) {
        process.destroy();
        awaitEnd(Duration.ofSeconds(60));
      }
    }
  }
}
