package io.ryegrass.lambda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** Runs short commands to their end, or to a deadline: those of an OCI runtime, mostly. */
final class OciTool {
  private static final Duration DEADLINE = Duration.ofSeconds(10);

  private final Executor tasks;

  OciTool(Executor tasks) {
    this.tasks = tasks;
  }

  /**
   * @param code exit code; -1 when it did not end by itself or did not start
   * @param text all that it said
   */
  record Outcome(int code, String text) {
    boolean isGood() {
      return code == 0;
    }
  }

  Outcome run(List<String> command) {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectInput(PlainProcesses.NOTHING);
    try {
      Process process = builder.start();
      CompletableFuture<String> text =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                      .strip();
                } catch (IOException e) {
                  return e.toString();
                }
              },
              tasks);
      if (!process.waitFor(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
        return new Outcome(-1, "it did not end within " + DEADLINE.toSeconds() + " s");
      }
      return new Outcome(process.exitValue(), text.get(DEADLINE.toMillis(), TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Outcome(-1, "interrupted");
    } catch (Exception e) {
      return new Outcome(-1, e.toString());
    }
  }
}
