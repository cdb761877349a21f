package io.ryegrass.identity;

import java.time.Instant;

/** Credentials that end by themselves. The secret is never part of {@link #toString()}. */
public record TemporaryCredentials(
    String accessKeyId, String secretAccessKey, String sessionToken, Instant expiration) {
  @Override
  public String toString() {
    return "TemporaryCredentials[" + accessKeyId + " until " + expiration + "]";
  }
}
