package io.ryegrass.awsapi;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Who calls, where and when.
 *
 * @param identity whatever the access key stood for (the cloud's {@code CallerIdentity}); null only
 *     for requests that need no signature
 * @param principalArn ARN of the caller
 * @param accountId account the call acts on
 * @param region region the call acts on
 * @param requestId also sent to the client in {@code x-amzn-RequestId}
 * @param time when the request arrived
 */
public record CallContext(
    @Nullable Object identity,
    String principalArn,
    String accountId,
    String region,
    String requestId,
    Instant time) {}
