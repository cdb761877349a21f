package io.ryegrass.awssignature;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A key the server knows, with whom it stands for.
 *
 * @param accessKeyId public name of the key
 * @param secretAccessKey the secret; never part of {@link #toString()}
 * @param sessionToken the token that must accompany a temporary key, absent for a permanent one
 * @param expires end of a temporary key's life, absent for a permanent one
 * @param identity whoever signs with this key, opaque here
 */
public record AccessKey(
    String accessKeyId,
    String secretAccessKey,
    @Nullable String sessionToken,
    @Nullable Instant expires,
    Object identity) {

  @Override
  public String toString() {
    return "AccessKey[" + accessKeyId + ", expires=" + expires + "]";
  }
}
