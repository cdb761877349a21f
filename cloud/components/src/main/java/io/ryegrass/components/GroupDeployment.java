package io.ryegrass.components;

import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.FailureHandlingPolicy;
import java.util.Map;

/**
 * A compiled V1 group on its way to its core.
 *
 * @param deploymentId of the V1 deployment; must be new
 * @param groupKey {@code thinggroup/greengrassV1-<groupId>}: the pseudo group whose roots the
 *     device keeps under this key
 * @param coreThingName the group's core
 * @param components root components with exact versions
 */
public record GroupDeployment(
    String deploymentId,
    String groupKey,
    String coreThingName,
    Map<String, DeploymentDocument.ComponentUpdate> components,
    FailureHandlingPolicy failureHandlingPolicy) {}
