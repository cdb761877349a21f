package io.ryegrass.awssignature;

import org.jspecify.annotations.Nullable;

/**
 * What a client signs with.
 *
 * @param accessKeyId public name of the key
 * @param secretAccessKey the secret; never part of {@link #toString()}
 * @param sessionToken given with temporary credentials, otherwise absent
 */
public record Credentials(
    String accessKeyId, String secretAccessKey, @Nullable String sessionToken) {

  @Override
  public String toString() {
    return "Credentials[" + accessKeyId + "]";
  }
}
