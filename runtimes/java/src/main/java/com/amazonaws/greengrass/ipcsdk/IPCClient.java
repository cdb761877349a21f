package com.amazonaws.greengrass.ipcsdk;

import org.jspecify.annotations.Nullable;

/** The caller's side of the work protocol (v1-lambda-runtime.md sections 3 and 6). */
public interface IPCClient {
  /**
   * Hands work to a function.
   *
   * @param functionArn qualified ARN, or that of a service of the core
   * @param invocationType {@code RequestResponse} or {@code Event}
   * @param clientContext base64 of JSON; may be null or empty
   * @return id of the invocation
   * @throws IPCException when the core is not reached or refuses it
   */
  String postWork(
      String functionArn,
      String invocationType,
      byte @Nullable [] payload,
      @Nullable String clientContext);

  /**
   * Waits for the answer.
   *
   * @throws IPCException when the core is not reached or knows no such invocation
   */
  WorkResult getWorkResult(String functionArn, String invocationId);
}
