package io.ryegrass.lambda;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker in a container: the process of the OCI runtime, which ends with what is in the
 * container. What the container had on this host is removed when it has ended, however it did.
 */
final class ContainerProcess implements WorkerProcess {
  private static final Logger LOG = LoggerFactory.getLogger(ContainerProcess.class);
  private static final Duration KILL_DEADLINE = Duration.ofSeconds(3);
  private static final int KILLED = 128 + 9;

  /**
   * What belongs to one container alone.
   *
   * @param id its name at the engine
   * @param cgroup with a leading slash
   */
  record Parts(OciEngine engine, Path state, String id, Path bundle, Path layers, String cgroup) {}

  private final Process process;
  private final Parts parts;
  private final Cgroups cgroups;
  private final Map<String, String> environment;
  private final FunctionConfiguration function;
  private final Executor tasks;
  private final OciTool tool;
  private final CompletableFuture<Integer> ended = new CompletableFuture<>();
  private volatile boolean killed;
  private volatile @Nullable String reason;

  /**
   * @param process the engine, which has just been started
   */
  ContainerProcess(
      Process process,
      Parts parts,
      Cgroups cgroups,
      Map<String, String> environment,
      FunctionConfiguration function,
      WorkerLog log,
      Executor tasks) {
    this.process = process;
    this.parts = parts;
    this.cgroups = cgroups;
    this.environment = environment;
    this.function = function;
    this.tasks = tasks;
    this.tool = new OciTool(tasks);
    tasks.execute(() -> log.carry(process.getInputStream(), "INFO"));
    tasks.execute(() -> log.carry(process.getErrorStream(), "WARN"));
    tasks.execute(this::await);
  }

  /** What its program sees. */
  Map<String, String> environment() {
    return environment;
  }

  private void await() {
    try {
      int code = process.waitFor();
      if (code == KILLED && !killed) {
        reason = whyKilled();
      }
      // Also when the engine's own process was killed: the container would live on.
      OciTool.Outcome outcome =
          tool.run(parts.engine().command(parts.state(), "delete", "-f", parts.id()));
      if (!outcome.isGood()) {
        LOG.debug("{} delete {}: {}", parts.engine(), parts.id(), outcome.text());
      }
      if (killed) {
        var unused = cgroups.sweep(parts.cgroup()); // an engine that was killed leaves them
      }
      Models.delete(parts.bundle());
      Models.delete(parts.layers());
      ended.complete(code);
    } catch (InterruptedException e) {
      ended.complete(-1);
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      ended.completeExceptionally(e);
    }
  }

  private @Nullable String whyKilled() {
    String limit = BundleConfig.memoryKb(function) / 1024 + " MB (MemorySize)";
    if (cgroups.outOfMemory(parts.cgroup())) {
      return "Out of memory: "
          + function.arn()
          + " used more than its limit of "
          + limit
          + "; raise it, or let the function need less.";
    }
    return parts.engine().keeps()
        ? null
        : "It was killed from outside, as the kernel does with a function that uses more memory"
            + " than its limit, here "
            + limit
            + ".";
  }

  /** Lets the shell that waits in it become the worker; false when it has ended. */
  boolean open() {
    try (OutputStream gate = process.getOutputStream()) {
      gate.write('\n');
      gate.flush();
      return process.isAlive();
    } catch (IOException e) {
      LOG.debug("{} has ended before it was needed: {}", parts.id(), e.toString());
      return false;
    }
  }

  /** The waiting shell reads the end of its input, and ends; killed where it does not. */
  void close() {
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      LOG.debug("{} has ended already: {}", parts.id(), e.toString());
    }
    tasks.execute(
        () -> {
          try {
            if (!process.waitFor(KILL_DEADLINE.toMillis(), TimeUnit.MILLISECONDS)) {
              kill();
            }
          } catch (InterruptedException e) {
            kill();
            Thread.currentThread().interrupt();
          }
        });
  }

  @Override
  public long pid() {
    return process.pid();
  }

  @Override
  public CompletableFuture<Integer> ended() {
    return ended;
  }

  @Override
  public @Nullable String reason() {
    return reason;
  }

  @Override
  public void terminate() {
    process.toHandle().destroy(); // leaves the output open; the engine hands the signal on
  }

  @Override
  public void kill() {
    killed = true;
    tasks.execute(this::killNow);
  }

  /**
   * One that is being made cannot be killed yet, and its engine must not be: it would leave parts.
   */
  private void killNow() {
    long end = System.nanoTime() + KILL_DEADLINE.toNanos();
    while (process.isAlive()) {
      if (tool.run(parts.engine().command(parts.state(), "kill", parts.id(), "KILL")).isGood()) {
        return;
      }
      if (System.nanoTime() > end) {
        process.destroyForcibly();
        return;
      }
      try {
        if (process.waitFor(20, TimeUnit.MILLISECONDS)) {
          return;
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
        return;
      }
    }
  }
}
