package io.ryegrass.crashtests;

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
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One broker process: when it is ready, and its end. What it prints goes to a log. */
final class BrokerProcess {
  private final Process process;
  private final CompletableFuture<Integer> port = new CompletableFuture<>();

  private BrokerProcess(Process process) {
    this.process = process;
  }

  /**
   * @param ready matches the line that says that it takes connections
   * @param knownPort used when the line's first group is not a number
   */
  static BrokerProcess start(List<String> command, Path log, Pattern ready, int knownPort)
      throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    BrokerProcess broker = new BrokerProcess(process);
    Thread.ofPlatform()
        .daemon()
        .name("broker output")
        .start(() -> broker.listen(log, ready, knownPort));
    return broker;
  }

  private void listen(Path log, Pattern ready, int knownPort) {
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8);
        Writer out =
            Files.newBufferedWriter(log, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        out.write(line + "\n");
        out.flush();
        Matcher m = ready.matcher(line);
        if (m.find()) {
          port.complete(m.groupCount() > 0 ? Integer.parseInt(m.group(1)) : knownPort);
        }
      }
      port.completeExceptionally(new IOException("the broker ended before it was ready"));
    } catch (IOException | UncheckedIOException e) {
      port.completeExceptionally(e);
    }
  }

  /** The port once it takes connections. */
  int awaitReady(Duration deadline) throws IOException, InterruptedException {
    try {
      return port.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("the broker was not ready within " + deadline.toSeconds() + " s", e);
    }
  }

  /** SIGKILL; returns when the process is gone and its locks with it. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  /** SIGTERM, for the peer that only writes its state on an orderly end. */
  void terminate() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(20, TimeUnit.SECONDS)) {
      kill();
    }
  }
}
