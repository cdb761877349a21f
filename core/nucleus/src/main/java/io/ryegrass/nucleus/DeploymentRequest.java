package io.ryegrass.nucleus;

import io.ryegrass.model.DeploymentDocument;

/**
 * A deployment as it arrives.
 *
 * @param origin {@code IOT_JOBS}, {@code SHADOW} or {@code LOCAL}
 * @param id job id, configuration ARN, or request id
 */
public record DeploymentRequest(String origin, String id, DeploymentDocument document) {
  public static final String IOT_JOBS = "IOT_JOBS";
  public static final String SHADOW = "SHADOW";
  public static final String LOCAL = "LOCAL";
}
