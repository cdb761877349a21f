package io.ryegrass.lambda;

import java.util.concurrent.ScheduledExecutorService;

/** What a pool needs from its surroundings. */
interface PoolSurroundings {
  /** Starts a worker process; blocks. */
  WorkerProcess start(Worker worker);

  /** A new worker with its token. */
  Worker newWorker(FunctionPool pool);

  /** The worker is dead: its token ends. */
  void gone(Worker worker);

  /** A worker can work: a long-lived function runs. */
  void ready();

  /** A long-lived function does not start. */
  void failed(String reason);

  void log(String level, String text);

  /** Runs a task that may block, on a thread of its own. */
  void run(Runnable task);

  ScheduledExecutorService timer();

  /** What all functions of the core share. */
  CoreLimits limits();
}
