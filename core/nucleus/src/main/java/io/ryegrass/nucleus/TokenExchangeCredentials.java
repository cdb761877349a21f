package io.ryegrass.nucleus;

import java.time.Instant;

/** Temporary credentials of the core's role alias. */
public record TokenExchangeCredentials(
    String accessKeyId, String secretAccessKey, String sessionToken, Instant expiration) {
  @Override
  public String toString() {
    return "TokenExchangeCredentials[" + accessKeyId + ", until " + expiration + "]";
  }
}
