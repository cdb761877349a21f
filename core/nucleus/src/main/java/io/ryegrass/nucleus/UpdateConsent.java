package io.ryegrass.nucleus;

import java.time.Duration;
import java.util.Map;
import tools.jackson.databind.node.ObjectNode;

/**
 * Asks the components before a deployment changes things (v2-recipes-config.md section 4.4,
 * v2-ipc.md section 7.1 and 7.2). The IPC server implements it; without one every update is agreed
 * to at once.
 */
public interface UpdateConsent {
  /**
   * Validates changed configurations; throws NucleusException COMPONENT_CONFIGURATION_NOT_VALID
   * when a component rejects.
   */
  void validate(String deploymentId, Map<String, ObjectNode> changed, Duration timeout);

  /** Sends PreComponentUpdateEvent and waits for deferrals; returns when the update may go on. */
  void beforeUpdate(String deploymentId, boolean nucleusRestarts, Duration timeout);

  /** Sends PostComponentUpdateEvent, also when a pending update was discarded. */
  void afterUpdate(String deploymentId);

  /** Agrees to everything. */
  UpdateConsent ALWAYS =
      new UpdateConsent() {
        @Override
        public void validate(
            String deploymentId, Map<String, ObjectNode> changed, Duration timeout) {}

        @Override
        public void beforeUpdate(String deploymentId, boolean nucleusRestarts, Duration timeout) {}

        @Override
        public void afterUpdate(String deploymentId) {}
      };
}
