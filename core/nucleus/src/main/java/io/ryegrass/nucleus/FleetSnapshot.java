package io.ryegrass.nucleus;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All components at one moment, and why they are told (v2-deployments.md section 11).
 *
 * @param deployment the deployment that just ended, for the three deployment triggers
 * @param unchangedRootComponents its root components that it did not change
 */
public record FleetSnapshot(
    List<ComponentStatus> components,
    Trigger trigger,
    @Nullable DeploymentStatus deployment,
    List<String> unchangedRootComponents) {
  /** Names as on the wire. */
  public enum Trigger {
    NUCLEUS_LAUNCH,
    COMPONENT_STATUS_CHANGE,
    LOCAL_DEPLOYMENT,
    THING_DEPLOYMENT,
    THING_GROUP_DEPLOYMENT
  }
}
