package io.ryegrass.components;

import tools.jackson.databind.JsonNode;

/**
 * How far a V1 group's deployment is, for those who missed what {@link GroupDeploymentListener}
 * said.
 *
 * @param status QUEUED, IN_PROGRESS, SUCCEEDED, FAILED, REJECTED, TIMED_OUT or CANCELED
 * @param statusDetails as the listener gets them
 */
public record GroupDeploymentStatus(String status, JsonNode statusDetails) {}
