package io.ryegrass.registry.job;

/** The states of an execution, named as on the wire (IoT Jobs, "job execution states"). */
public enum ExecutionStatus {
  QUEUED,
  IN_PROGRESS,
  SUCCEEDED,
  FAILED,
  REJECTED,
  TIMED_OUT,
  CANCELED,
  REMOVED;

  /** Whether the execution can still change. */
  public boolean isOpen() {
    return this == QUEUED || this == IN_PROGRESS;
  }

  /** Whether a device may move an execution from this state to that one. */
  boolean mayBecome(ExecutionStatus next) {
    return switch (this) {
      case QUEUED, IN_PROGRESS ->
          next == IN_PROGRESS || next == SUCCEEDED || next == FAILED || next == REJECTED;
      default -> false;
    };
  }
}
