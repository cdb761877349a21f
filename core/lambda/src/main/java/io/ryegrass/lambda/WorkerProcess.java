package io.ryegrass.lambda;

import java.util.concurrent.CompletableFuture;

/** A started worker: a process with all it starts, or a container. */
interface WorkerProcess {
  /** Process id of the first process, as the host sees it. */
  long pid();

  /**
   * Completes with the exit code (137 for SIGKILL …) when nothing of the worker runs any more: what
   * the first process left behind is ended before.
   */
  CompletableFuture<Integer> ended();

  /** Asks it to end (SIGTERM). Returns at once. */
  void terminate();

  /** Ends it with all its children (SIGKILL). Returns at once; {@link #ended} tells. */
  void kill();
}
