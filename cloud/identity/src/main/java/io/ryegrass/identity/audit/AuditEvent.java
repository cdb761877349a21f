package io.ryegrass.identity.audit;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Something that was asked of the cloud.
 *
 * @param time when it came
 * @param service first part of the service's host name, such as {@code iot}
 * @param name of the operation
 * @param userIdentity who asked, as CloudTrail's element of that name
 * @param userName short name of who asked
 * @param accessKeyId the key that signed, empty for devices
 * @param sourceIp where from, empty when unknown
 * @param userAgent what the client calls itself
 * @param region region that was called
 * @param requestId also told to the caller
 * @param parameters what was asked, without secrets
 * @param resource ARN of what it was about, absent when the request does not tell
 */
public record AuditEvent(
    Instant time,
    String service,
    String name,
    ObjectNode userIdentity,
    String userName,
    String accessKeyId,
    String sourceIp,
    String userAgent,
    String region,
    String requestId,
    @Nullable ObjectNode parameters,
    @Nullable String resource) {}
