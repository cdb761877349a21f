package io.ryegrass.nucleus;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A deployment's persisted progress.
 *
 * @param state name of the state in the deployment table (docs/reference/deployment-states.md)
 * @param status what was last reported: QUEUED, IN_PROGRESS, SUCCEEDED, FAILED, REJECTED or
 *     CANCELED
 */
public record DeploymentRecord(
    String origin,
    String id,
    String configurationArn,
    @Nullable String deploymentId,
    String state,
    String status,
    String detailedStatus,
    @Nullable String failureCause,
    List<String> errorStack,
    List<String> errorTypes,
    Instant received,
    Instant since) {}
