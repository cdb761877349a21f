package io.ryegrass.nucleus;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A deployment's status for the cloud (v2-deployments.md sections 2, 3 and 5.1).
 *
 * @param origin {@code IOT_JOBS}, {@code SHADOW} or {@code LOCAL}
 * @param id job id, configuration ARN, or request id
 * @param status IN_PROGRESS, SUCCEEDED, FAILED, REJECTED or CANCELED
 * @param detailedStatus SUCCESSFUL, FAILED_NO_STATE_CHANGE, … ; empty while in progress
 */
public record DeploymentStatus(
    String origin,
    String id,
    String configurationArn,
    @Nullable String deploymentId,
    String status,
    String detailedStatus,
    @Nullable String failureCause,
    List<String> errorStack,
    List<String> errorTypes) {}
