package io.ryegrass.awsapi;

import io.ryegrass.awssignature.SigV4Verifier;
import java.util.List;

/** Answers requests for AWS APIs. Safe for use by many threads. */
public final class ApiEngine {

  /**
   * An engine for some services.
   *
   * @param services what is served; when two share a route, the first one listed answers
   * @param verifier checks signatures
   * @param authoriser asked before every call
   * @param region region of this cloud
   * @param accountId account of this cloud
   */
  public ApiEngine(
      List<ServiceOperations> services,
      SigV4Verifier verifier,
      CallAuthoriser authoriser,
      String region,
      String accountId) {
    throw new UnsupportedOperationException("under construction");
  }

  /** Answers one request; never throws for anything the request contains. */
  public ApiResponse handle(ApiRequest request) {
    throw new UnsupportedOperationException("under construction: " + request);
  }
}
