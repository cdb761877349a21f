package io.ryegrass.objects;

import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.identity.IdentityService;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Whether a caller of another service may read an object. A service that fetches an object because
 * a caller named it (a component's artifact, a function's package) asks here first: it must not be
 * a way round the policies of S3.
 */
@FunctionalInterface
public interface ReadAccess {

  /**
   * The answer of {@code s3:GetObject}.
   *
   * @param identity who called, as the verifier of signatures knows it
   */
  boolean mayRead(@Nullable Object identity, String bucket, String key);

  /** By the policies of users and roles; nobody reads the program's own buckets. */
  static ReadAccess of(IdentityService identity) {
    return (who, bucket, key) ->
        !ObjectStore.isInternal(bucket)
            && who instanceof CallerIdentity caller
            && identity.isAllowed(caller, "s3:GetObject", "arn:aws:s3:::" + bucket + "/" + key);
  }

  /** By the policies of users and roles and of the bucket. */
  static ReadAccess of(IdentityService identity, ObjectStore objects) {
    S3Decision decision = S3Decision.of(identity);
    return (who, bucket, key) ->
        !ObjectStore.isInternal(bucket)
            && decision.allows(
                who,
                "s3:GetObject",
                "arn:aws:s3:::" + bucket + "/" + key,
                S3Decision.policyOf(objects, bucket),
                Map.of());
  }
}
