package io.ryegrass.awssignature;

import java.util.Optional;

/** Where the verifier looks keys up. Called once per request, may block. */
@FunctionalInterface
public interface AccessKeySource {

  /** The key of this id, or nothing when it is unknown or not active. */
  Optional<AccessKey> find(String accessKeyId);
}
