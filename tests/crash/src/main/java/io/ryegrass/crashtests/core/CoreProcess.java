package io.ryegrass.crashtests.core;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One core process: what it says that it is once it is ready, and its end. */
final class CoreProcess {
  private static final String READY = "ryegrass core ready: ";

  private final Process process;
  private final CompletableFuture<String> ready = new CompletableFuture<>();
  private volatile String lastLine = "";

  private CoreProcess(Process process) {
    this.process = process;
  }

  static CoreProcess start(List<String> command, Path root, Path log) throws IOException {
    List<String> line = new java.util.ArrayList<>(command);
    line.addAll(List.of("--root", root.toString()));
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    CoreProcess core = new CoreProcess(process);
    Thread.ofPlatform().daemon().name("core output").start(() -> core.listen(log));
    return core;
  }

  private void listen(Path log) {
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8);
        Writer out =
            Files.newBufferedWriter(log, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        out.write(line + "\n");
        out.flush();
        lastLine = line;
        if (line.startsWith(READY)) {
          ready.complete(line.substring(READY.length()).replaceAll(" root=.*", ""));
        }
      }
      ready.completeExceptionally(new IOException("the core ended: " + lastLine));
    } catch (IOException | UncheckedIOException e) {
      ready.completeExceptionally(e);
    }
  }

  /** What the core says that it is. */
  String awaitReady(Duration deadline) throws IOException, InterruptedException {
    try {
      return ready.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException(String.valueOf(e.getMessage()), e);
    } catch (TimeoutException e) {
      throw new IOException(
          "the core was not ready within " + deadline.toSeconds() + " s; it said: " + lastLine, e);
    }
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** SIGKILL; returns when the process is gone and its locks with it. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  /** SIGTERM, and SIGKILL when that is not enough. */
  void stop() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(20, TimeUnit.SECONDS)) {
      kill();
    }
  }
}
