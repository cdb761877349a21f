package io.ryegrass.components;

import tools.jackson.databind.JsonNode;

/** Told, after the commit, how a V1 group's deployment goes on its core. */
@FunctionalInterface
public interface GroupDeploymentListener {
  /**
   * A change of state.
   *
   * @param status QUEUED, IN_PROGRESS, SUCCEEDED, FAILED, REJECTED, TIMED_OUT or CANCELED
   * @param statusDetails {@code detailedStatus}, {@code failureCause}, {@code errorStack}, {@code
   *     errorTypes}
   */
  void changed(String deploymentId, String status, JsonNode statusDetails);
}
