package io.ryegrass.crashtests.core;

/** A promise that the core did not keep. */
record CoreViolation(Kind kind, String what) {
  /** The promises (the project's "cannot be bricked", LESSON-01, -02, -04). */
  enum Kind {
    /** It did not come up on its folder. */
    NOT_STARTED,
    /** It is somebody else now, or its identity's files were changed. */
    IDENTITY_CHANGED,
    /** A deployment that was answered with an id is unknown. */
    DEPLOYMENT_LOST,
    /** A deployment did not end in time. */
    NOT_ENDED,
    /** A deployment of something broken succeeded, or of something whole failed. */
    WRONG_END,
    /** It failed, and was not, or not wholly, rolled back. */
    NOT_ROLLED_BACK,
    /** It succeeded, and something else runs than what was asked for. */
    NOT_APPLIED,
    /** Nobody deployed, and components or files are not what they were. */
    STATE_CHANGED,
    /** A change of configuration that was answered is gone. */
    UPDATE_LOST,
    /** A component that runs has no process, or more than one. */
    WRONG_PROCESSES,
    /** Components of a whole deployment do not come to run. */
    NOT_RUNNING
  }

  @Override
  public String toString() {
    return kind + ": " + what;
  }
}
