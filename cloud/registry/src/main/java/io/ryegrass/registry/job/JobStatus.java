package io.ryegrass.registry.job;

/** The states of a job, named as on the wire (developer guide, "Jobs and job execution states"). */
enum JobStatus {
  SCHEDULED,
  IN_PROGRESS,
  COMPLETED,
  CANCELED,
  DELETION_IN_PROGRESS;

  /** Whether it will still be given to things. */
  boolean isActive() {
    return this == SCHEDULED || this == IN_PROGRESS;
  }
}
