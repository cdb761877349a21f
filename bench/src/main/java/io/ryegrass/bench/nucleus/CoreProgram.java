package io.ryegrass.bench.nucleus;

import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Memory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** {@code ./ryegrass core --root DIR}, from its start to its end by SIGTERM. */
final class CoreProgram implements AutoCloseable {
  private static final int START_SECONDS = 60;
  private static final ConcurrentLinkedQueue<CoreProgram> RUNNING = new ConcurrentLinkedQueue<>();

  private final Process process;
  private final Path root;
  private final long startedNanos;
  private final CompletableFuture<Long> ready = new CompletableFuture<>();
  private final StringBuffer said = new StringBuffer();

  private CoreProgram(Process process, Path root, long startedNanos) {
    this.process = process;
    this.root = root;
    this.startedNanos = startedNanos;
  }

  static CoreProgram start(Path home, Path root) {
    ProcessBuilder builder =
        new ProcessBuilder(home.resolve("ryegrass").toString(), "core", "--root", root.toString())
            .redirectErrorStream(true);
    builder.environment().put("RYEGRASS_NO_BUILD", "1");
    long start = System.nanoTime();
    try {
      CoreProgram core = new CoreProgram(builder.start(), root, start);
      RUNNING.add(core);
      Thread.ofPlatform().daemon().name("core-output").start(core::read);
      return core;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + home.resolve("ryegrass"), e);
    }
  }

  private void read() {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line;
      while ((line = lines.readLine()) != null) {
        if (line.startsWith("ryegrass core ready")) {
          ready.complete(System.nanoTime());
        }
        if (said.length() < 10_000) {
          said.append(line).append('\n');
        }
      }
    } catch (IOException e) {
      said.append(e.getMessage());
    }
    ready.completeExceptionally(new BenchFailed("the core ended: " + said));
  }

  /** Waits until the core says that it is ready; milliseconds from the start of its process. */
  double awaitReady() {
    try {
      return (ready.get(START_SECONDS, TimeUnit.SECONDS) - startedNanos) / 1e6;
    } catch (ExecutionException | TimeoutException e) {
      throw new BenchFailed("the core did not become ready: " + said, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchFailed("interrupted", e);
    }
  }

  /** Milliseconds since the start of its process. */
  double age() {
    return (System.nanoTime() - startedNanos) / 1e6;
  }

  Path root() {
    return root;
  }

  Path socket() {
    return root.resolve("ipc.socket");
  }

  long pid() {
    return process.pid();
  }

  /** CPU seconds so far, its own and not its components'. */
  double cpuSeconds() {
    return Memory.cpuSeconds(pid());
  }

  static void closeAll() {
    List<CoreProgram> all = new ArrayList<>(RUNNING);
    all.forEach(CoreProgram::close);
  }

  @Override
  public void close() {
    RUNNING.remove(this);
    process.destroy();
    try {
      if (!process.waitFor(50, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  /** Deletes a folder and all that is in it; what cannot be deleted stays. */
  static void delete(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (var all = Files.walk(folder)) {
      for (Path p : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(p);
      }
    } catch (IOException e) {
      System.err.println("bench nucleus: " + folder + " stays behind: " + e.getMessage());
    }
  }
}
