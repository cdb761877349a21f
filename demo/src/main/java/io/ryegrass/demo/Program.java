package io.ryegrass.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A program of ours that the demo started, with its output in a file. */
final class Program {
  /** Generous, because a program that was told to writes its AOT cache on the way out. */
  private static final Duration STOP_DEADLINE = Duration.ofSeconds(90);

  private final String name;
  private final Process process;
  private final Path log;

  private Program(String name, Process process, Path log) {
    this.name = name;
    this.process = process;
    this.log = log;
  }

  static Program start(String name, Path logFolder, Map<String, String> env, List<String> command) {
    Path log = logFolder.resolve(name + ".log");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().putAll(env);
    try {
      return new Program(name, builder.start(), log);
    } catch (IOException e) {
      throw new StepFailed("cannot start " + String.join(" ", command) + ": " + e.getMessage(), e);
    }
  }

  /** The line with which the program says that it is ready. */
  String awaitLine(String marker, Duration deadline) {
    return Await.until(
        name + " to print '" + marker + "'",
        deadline,
        () -> {
          Optional<String> line = output().lines().filter(l -> l.contains(marker)).findFirst();
          if (line.isEmpty() && !process.isAlive()) {
            throw new StepFailed(
                name + " ended with exit code " + process.exitValue() + ": " + tail());
          }
          return line;
        },
        this::tail);
  }

  /** Waits for the end and gives the output; a code other than 0 fails the step. */
  String awaitSuccess(Duration deadline) {
    try {
      if (!process.waitFor(deadline.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
        throw new StepFailed(
            name + " did not end within " + deadline.toSeconds() + " s: " + tail());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StepFailed("interrupted while waiting for " + name, e);
    }
    if (process.exitValue() != 0) {
      throw new StepFailed(name + " ended with exit code " + process.exitValue() + ": " + tail());
    }
    return output();
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** SIGKILL: no chance to tidy up. */
  void kill() {
    process.destroyForcibly();
    await(Duration.ofSeconds(60));
  }

  /** SIGTERM, and SIGKILL when that is not heard. */
  void stop() {
    process.destroy();
    if (!await(STOP_DEADLINE)) {
      kill();
    }
  }

  private boolean await(Duration deadline) {
    try {
      return process.waitFor(deadline.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  String tail() {
    List<String> lines = output().lines().toList();
    return String.join(" | ", lines.subList(Math.max(0, lines.size() - 5), lines.size()));
  }

  private String output() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return "(cannot read " + log + ": " + e.getMessage() + ")";
    }
  }
}
