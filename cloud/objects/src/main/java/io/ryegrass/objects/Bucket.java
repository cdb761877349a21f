package io.ryegrass.objects;

import java.time.Instant;

/**
 * A bucket.
 *
 * @param location what its maker said where it shall be; empty for us-east-1
 */
record Bucket(String name, Instant created, String location, Versioning versioning) {
  /** Whether versions are kept; once they were, there is no way back to never. */
  enum Versioning {
    NEVER,
    ENABLED,
    SUSPENDED
  }

  /** Whether its answers name version ids. */
  boolean hasVersions() {
    return versioning != Versioning.NEVER;
  }
}
