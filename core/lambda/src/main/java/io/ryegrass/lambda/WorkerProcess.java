package io.ryegrass.lambda;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A started worker: a process with all it starts, or a container. */
interface WorkerProcess {
  /** Process id of the first process, as the host sees it. */
  long pid();

  /**
   * Completes with the exit code (137 for SIGKILL …) when nothing of the worker runs any more: what
   * the first process left behind is ended before. Without a container, what was put into another
   * session or ignores SIGHUP is excepted (LAM-32).
   */
  CompletableFuture<Integer> ended();

  /**
   * A sentence about why it ended, where more than the exit code is known (its memory limit); asked
   * after {@link #ended}.
   */
  default @Nullable String reason() {
    return null;
  }

  /** Asks it to end (SIGTERM). Returns at once. */
  void terminate();

  /**
   * Ends it with its children (SIGKILL), as {@link #ended} has it. Returns at once; {@link #ended}
   * tells.
   */
  void kill();
}
