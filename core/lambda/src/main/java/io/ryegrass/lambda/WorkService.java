package io.ryegrass.lambda;

/**
 * A service of the core that functions reach as if it were a function: the shadow service, the
 * secrets service. Its answer is the payload that the SDK reads, also when it is an error
 * (v1-lambda-runtime.md sections 11.1 and 11.2).
 */
@FunctionalInterface
public interface WorkService {
  /**
   * @param callerArn qualified ARN of the calling function, established by its token
   * @param subject {@code custom.subject} of the client context, empty when there is none
   * @param payload the request
   */
  byte[] call(String callerArn, String subject, byte[] payload);
}
