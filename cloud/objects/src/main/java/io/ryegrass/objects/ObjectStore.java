package io.ryegrass.objects;

import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;

/**
 * Where objects lie: a local folder, or another S3-compatible server. This is what the cloud's
 * other services need of it; the S3 API knows the two kinds. Safe for many threads.
 *
 * <p>Buckets whose name starts with a dot belong to the program itself: the S3 API neither lists
 * nor opens them, only presigned URLs made here reach their objects.
 */
public abstract sealed class ObjectStore implements AutoCloseable permits FolderStore, RemoteStore {

  /**
   * Opens a local folder, making it when needed, and removes what unfinished requests left behind.
   *
   * @param folder the store's own folder
   * @param clock gives the time stamps of objects and presigned URLs
   */
  public static ObjectStore open(Path folder, Clock clock) {
    return new FolderStore(folder, clock);
  }

  /**
   * Uses another S3-compatible server.
   *
   * @param folder keeps the key of presigned URLs and bodies while they are received
   */
  public static ObjectStore open(Path folder, RemoteServer server, Clock clock) {
    return new RemoteStore(folder, server, clock);
  }

  /**
   * Makes a bucket; false when it was there already.
   *
   * @throws S3Exception {@code InvalidBucketName}
   */
  public abstract boolean createBucket(String bucket);

  /** Whether there is a bucket of that name. */
  public abstract boolean bucketExists(String bucket);

  /** Puts a small object; durable when it returns. */
  public abstract ObjectInfo put(String bucket, String key, byte[] body);

  /**
   * Opens an object for reading; empty when there is none.
   *
   * @throws S3Exception {@code NoSuchBucket}
   */
  public Optional<StoredObject> get(String bucket, String key) {
    return get(bucket, key, "");
  }

  /**
   * The same for one version.
   *
   * @param versionId empty for the newest
   */
  public abstract Optional<StoredObject> get(String bucket, String key, String versionId);

  /** A whole small object in memory; empty when there is none. */
  public Optional<byte[]> read(String bucket, String key) {
    return read(bucket, key, "");
  }

  /** A whole small object in one version; empty when there is none. */
  public Optional<byte[]> read(String bucket, String key, String versionId) {
    return get(bucket, key, versionId).map(StoredObject::readAll);
  }

  /** Description of an object; empty when there is none. */
  public Optional<ObjectInfo> head(String bucket, String key) {
    return get(bucket, key)
        .map(
            object -> {
              try (object) {
                return object.info();
              }
            });
  }

  /**
   * The SHA-256 of an object's bytes, read through once; empty when there is none. What a recipe's
   * Digest is made of.
   */
  public Optional<byte[]> sha256(String bucket, String key) {
    return get(bucket, key).map(StoredObject::sha256);
  }

  /** Removes an object (or marks it deleted); false when there was none. */
  public abstract boolean delete(String bucket, String key);

  /**
   * A URL that gives its bearer one object, signed with the store's own key. Works for the
   * program's own buckets, too.
   *
   * @param base where the S3 API is reached, for example {@code https://localhost:8443}
   * @param validity at most seven days
   */
  public abstract String presignGet(
      URI base, String region, String bucket, String key, Duration validity);

  @Override
  public abstract void close();

  /** Whether a name belongs to the program's own buckets. */
  static boolean isInternal(String bucket) {
    return bucket.startsWith(".");
  }
}
