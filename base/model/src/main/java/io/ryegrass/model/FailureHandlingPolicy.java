package io.ryegrass.model;

/** What a device does with a deployment that failed after it was applied. */
public enum FailureHandlingPolicy {
  /** Go back to the configuration before the deployment. */
  ROLLBACK,
  /** Keep the new state as it is. */
  DO_NOTHING
}
