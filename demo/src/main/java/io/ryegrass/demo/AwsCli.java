package io.ryegrass.demo;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The unmodified AWS CLI, pointed at our cloud by {@code ./ryegrass aws}. */
public final class AwsCli {
  private static final int DEADLINE_SECONDS = 60;

  private final Path launcher;
  private final Path cloudData;

  AwsCli(Path launcher, Path cloudData) {
    this.launcher = launcher;
    this.cloudData = cloudData;
  }

  boolean isInstalled() {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "aws")));
  }

  /** Runs one command; anything but exit code 0 fails the step with the CLI's own words. */
  public JsonNode run(String... arguments) {
    Result result = attempt(Map.of(), arguments);
    if (result.exitCode() != 0) {
      throw new StepFailed(
          "aws " + arguments[0] + " " + arguments[1] + ": " + result.error().strip());
    }
    return result.output().isBlank()
        ? JsonMapper.shared().createObjectNode()
        : JsonMapper.shared().readTree(result.output());
  }

  /** Runs one command that may be refused. */
  Result attempt(Map<String, String> environment, String... arguments) {
    List<String> command = new ArrayList<>();
    if (environment.isEmpty()) {
      command.addAll(List.of(launcher.toString(), "aws", "--data", cloudData.toString()));
    } else {
      command.add("aws");
    }
    command.addAll(List.of(arguments));
    if (!arguments[0].startsWith("--")) {
      command.addAll(List.of("--output", "json"));
    }
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    builder.environment().put("AWS_MAX_ATTEMPTS", "1");
    try {
      Process process = builder.start();
      process.getOutputStream().close();
      var error = CompletableFuture.supplyAsync(() -> text(process.getErrorStream()));
      String output = text(process.getInputStream());
      if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new StepFailed("'" + String.join(" ", command) + "' did not end");
      }
      return new Result(process.exitValue(), output, error.join());
    } catch (IOException e) {
      throw new StepFailed("cannot run the AWS CLI: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StepFailed("interrupted while the AWS CLI ran", e);
    }
  }

  private static String text(java.io.InputStream stream) {
    try (stream) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "(cannot read: " + e.getMessage() + ")";
    }
  }

  record Result(int exitCode, String output, String error) {}
}
