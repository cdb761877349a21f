package io.ryegrass.nucleus;

/** Tells the cloud how a deployment goes. */
public interface DeploymentReporter {
  /**
   * Returns when the status was delivered or durably stored for delivery; when it throws, the
   * engine keeps the status and tries again.
   */
  void report(DeploymentStatus s);
}
