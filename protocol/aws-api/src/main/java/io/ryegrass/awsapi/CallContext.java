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
 * @param origin where it came from
 */
public record CallContext(
    @Nullable Object identity,
    String principalArn,
    String accountId,
    String region,
    String requestId,
    Instant time,
    Origin origin) {

  /**
   * Where a call came from; a text is empty when that is not known.
   *
   * @param sourceIp address of the client
   * @param userAgent as the client calls itself
   * @param accessKeyId the key that signed
   */
  public record Origin(String sourceIp, String userAgent, String accessKeyId) {

    /** A call from nobody knows where. */
    public static final Origin UNKNOWN = new Origin("", "", "");
  }

  /** A call of unknown origin. */
  public CallContext(
      @Nullable Object identity,
      String principalArn,
      String accountId,
      String region,
      String requestId,
      Instant time) {
    this(identity, principalArn, accountId, region, requestId, time, Origin.UNKNOWN);
  }
}
