package io.ryegrass.nucleus;

import io.ryegrass.model.ComponentType;
import java.time.Instant;
import java.util.List;

/**
 * A component as others may see it.
 *
 * @param root whether a deployment names it itself (not only as a dependency)
 * @param fleetConfigArns configuration ARNs of the deployments that ask for it
 * @param statusCodes v2-recipes-config.md section 4.3; empty when there is no error
 * @param statusReason sentence for the code; empty when there is no error
 */
public record ComponentStatus(
    String name,
    String version,
    ComponentState state,
    ComponentType type,
    boolean root,
    List<String> fleetConfigArns,
    List<String> statusCodes,
    String statusReason,
    Instant since) {}
