package io.ryegrass.bench.report;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/** A program of ours, from its start to its end by SIGTERM. */
public final class Program implements AutoCloseable {
  private static final int START_SECONDS = 60;
  private static final int STOP_SECONDS = 60;
  private static final int MOST_SAID = 10_000;
  private static final ConcurrentLinkedQueue<Program> RUNNING = new ConcurrentLinkedQueue<>();

  /** The line by which it became ready, and when. */
  public record Ready(String line, double afterMilliseconds) {}

  private final String name;
  private final Process process;
  private final long startedNanos;
  private final CompletableFuture<Ready> ready = new CompletableFuture<>();
  private final StringBuffer said = new StringBuffer();

  private Program(String name, Process process, long startedNanos) {
    this.name = name;
    this.process = process;
    this.startedNanos = startedNanos;
  }

  /**
   * Starts a program and reads what it writes.
   *
   * @param name for sentences: {@code the cloud}
   * @param readyPrefix its first line that begins so says that it is ready
   * @param kept which of the other lines {@link #said()} keeps, the first 10,000 characters of them
   */
  public static Program start(
      String name, List<String> command, String readyPrefix, Predicate<String> kept) {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("RYEGRASS_NO_BUILD", "1");
    // As root, components are run only as somebody who was named.
    builder
        .environment()
        .putIfAbsent("RYEGRASS_COMPONENT_DEFAULT_USER", System.getProperty("user.name"));
    long start = System.nanoTime();
    try {
      Program program = new Program(name, builder.start(), start);
      RUNNING.add(program);
      Thread.ofPlatform()
          .daemon()
          .name("output of " + name)
          .start(() -> program.read(readyPrefix, kept));
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + String.join(" ", command), e);
    }
  }

  private void read(String readyPrefix, Predicate<String> kept) {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line;
      while ((line = lines.readLine()) != null) {
        if (line.startsWith(readyPrefix)) {
          ready.complete(new Ready(line, age()));
        } else if (kept.test(line) && said.length() < MOST_SAID) {
          said.append(line).append('\n');
        }
      }
    } catch (IOException e) {
      said.append(e.getMessage());
    }
    ready.completeExceptionally(new BenchFailed(name + " ended: " + said));
  }

  /** Waits until the program says that it is ready. */
  public Ready awaitReady() {
    try {
      return ready.get(START_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new BenchFailed(name + " did not become ready: " + said, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchFailed("interrupted", e);
    }
  }

  /** Milliseconds since the start of its process. */
  public double age() {
    return (System.nanoTime() - startedNanos) / 1e6;
  }

  public String said() {
    return said.toString();
  }

  public long pid() {
    return process.pid();
  }

  /** Ends all that run. */
  public static void closeAll() {
    new ArrayList<>(RUNNING).forEach(Program::close);
  }

  @Override
  public void close() {
    RUNNING.remove(this);
    process.destroy();
    try {
      if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  /** Deletes a folder and all that is in it; what cannot be deleted stays, and is named. */
  public static void delete(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (var all = Files.walk(folder)) {
      for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(p);
      }
    } catch (IOException | UncheckedIOException e) {
      System.err.println("bench: " + folder + " stays behind: " + e.getMessage());
    }
  }
}
