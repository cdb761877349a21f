package io.ryegrass.nucleus;

import java.util.List;

/** Carries out deployments, one at a time, each step persisted, each with a deadline. */
public interface DeploymentEngine {
  /**
   * Queues a deployment; returns when it is stored. A duplicate (same origin and id) is not run
   * again, its status is reported again.
   */
  void submit(DeploymentRequest r);

  /** Queues a deployment that starts from this device. */
  void submit(LocalDeployment d);

  /** Cancels a queued or running deployment; unknown ones are ignored. */
  void cancel(String origin, String id);

  /** Newest first, bounded. */
  List<DeploymentRecord> recent();

  /** Who is asked before an update; replaces the one before. */
  void consult(UpdateConsent consent);
}
