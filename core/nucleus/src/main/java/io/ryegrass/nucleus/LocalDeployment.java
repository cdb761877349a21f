package io.ryegrass.nucleus;

import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.FailureHandlingPolicy;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A deployment asked for on the device itself (v2-deployments.md section 16).
 *
 * @param group thing group name, or null for the group of local deployments
 * @param updates configuration updates by component
 * @param runWith runWith by component
 * @param recipes folder with recipes to take over, or null
 * @param artifacts folder {@code <component>/<version>/<file>} to take over, or null
 */
public record LocalDeployment(
    String requestId,
    long requestTimestamp,
    Map<String, String> componentsToMerge,
    Set<String> componentsToRemove,
    @Nullable String group,
    Map<String, DeploymentDocument.ConfigurationUpdate> updates,
    Map<String, DeploymentDocument.RunWith> runWith,
    @Nullable Path recipes,
    @Nullable Path artifacts,
    FailureHandlingPolicy failureHandlingPolicy) {}
