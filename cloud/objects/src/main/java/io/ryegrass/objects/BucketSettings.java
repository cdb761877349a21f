package io.ryegrass.objects;

import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.store.CloudStore;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** What is set for a bucket beside its objects: policy, tags and the like, each a document. */
final class BucketSettings {
  static final String POLICY = "policy";

  private final CloudStore index;

  /** Parsed policies of buckets; empty for those without. */
  private final Map<String, Optional<PolicyDocument>> policies = new ConcurrentHashMap<>();

  BucketSettings(CloudStore index) {
    this.index = index;
  }

  /**
   * @throws S3Exception {@code NoSuchBucket}
   */
  Optional<String> get(String bucket, String kind) {
    return index.read(
        sql -> {
          require(ObjectTables.bucket(sql, bucket).isPresent(), bucket);
          return ObjectTables.setting(sql, bucket, kind);
        });
  }

  /** Sets a document, or removes it when it is null. */
  void put(String bucket, String kind, @Nullable String document) {
    index.write(
        sql -> {
          require(ObjectTables.bucket(sql, bucket).isPresent(), bucket);
          ObjectTables.putSetting(sql, bucket, kind, document);
          index.afterCommit(() -> forget(bucket));
          return bucket;
        });
  }

  /** The policy of a bucket; empty when it has none or there is no such bucket. */
  Optional<PolicyDocument> policy(String bucket) {
    Optional<PolicyDocument> known = policies.get(bucket);
    if (known != null) {
      return known;
    }
    // names of buckets that are none must not fill the memory
    return index.read(sql -> ObjectTables.bucket(sql, bucket)).isPresent()
        ? policies.computeIfAbsent(bucket, this::readPolicy)
        : Optional.empty();
  }

  private Optional<PolicyDocument> readPolicy(String bucket) {
    return index.read(sql -> ObjectTables.setting(sql, bucket, POLICY)).map(PolicyDocument::parse);
  }

  void forget(String bucket) {
    policies.remove(bucket);
  }

  private static void require(boolean present, String bucket) {
    if (!present) {
      throw S3Exception.noSuchBucket(bucket);
    }
  }
}
