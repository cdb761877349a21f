package io.ryegrass.nucleus;

/** States of a component as they appear in status messages (v2-recipes-config.md section 4). */
public enum ComponentState {
  NEW,
  INSTALLED,
  STARTING,
  RUNNING,
  STOPPING,
  ERRORED,
  BROKEN,
  FINISHED,
  UNINSTALLED;

  /** Whether a component that a hard dependency waits for is good enough in this state. */
  public boolean functioning() {
    return this == RUNNING || this == FINISHED;
  }

  /** Whether nothing more happens by itself. */
  public boolean settled() {
    return this == RUNNING || this == FINISHED || this == BROKEN || this == UNINSTALLED;
  }
}
