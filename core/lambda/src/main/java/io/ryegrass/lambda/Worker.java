package io.ryegrass.lambda;

import io.ryegrass.nucleus.Components;
import org.jspecify.annotations.Nullable;

/** One worker of a pool. Everything that changes is guarded by the pool's lock. */
final class Worker {
  private final FunctionPool pool;
  private final Components.Token token;
  private final String name;

  WorkerState state = WorkerState.STARTING;

  /** Null until the start has returned. */
  @Nullable WorkerProcess process;

  /** The work it owes an answer for. */
  @Nullable Work work;

  /** Its open question for work. */
  @Nullable Question question;

  /** Limit of the start, of its question, of the work it has, or of its silence. */
  final Alarm alarm;

  /** Why it could not start, as it said itself. */
  @Nullable String startFailure;

  /** Whether its end was our doing, and why: goes to the caller whose work is lost. */
  @Nullable String killReason;

  /** Whether SIGTERM was sent. */
  boolean terminated;

  boolean wasReady;
  boolean permitted;
  long idleSinceNanos;

  Worker(FunctionPool pool, Components.Token token, String name) {
    this.pool = pool;
    this.token = token;
    this.name = name;
    this.alarm = pool.newAlarm();
  }

  FunctionPool pool() {
    return pool;
  }

  String token() {
    return token.text();
  }

  void endToken() {
    token.close();
  }

  /** Unique on this core, {@code <function name>-<number>}. */
  String name() {
    return name;
  }

  /** The function it works for, as it was when it started. */
  String functionArn() {
    return pool.arn();
  }

  /** Goes to the state that the table names and returns what is to be done. */
  WorkerState.Action on(WorkerState.Event event) {
    WorkerState.Step step = state.on(event);
    state = step.next();
    return step.action();
  }

  /** Can work and has none. */
  boolean isIdle() {
    return wasReady && work == null && (state == WorkerState.READY || state == WorkerState.WAITING);
  }
}
