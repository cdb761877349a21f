package io.ryegrass.objects;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.objects.ObjectTables.Version;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Buckets and objects in a local folder: a file per version of an object in {@code data}, the index
 * of all of them in {@code index}. Safe for many threads; one process at a time (the program locks
 * its data folder).
 *
 * <p>A put writes and syncs the file, gives it its place, and then commits its row: from that
 * moment on it is there. A process that dies before leaves a file that no row names; the next start
 * removes it.
 */
final class FolderStore extends ObjectStore {
  private static final int READ_TRIES = 5;

  private final Clock clock;
  private final PresignKey presignKey;
  private final CloudStore index;
  private final DataFiles files;
  private final Staging staging;
  private final MultipartUploads uploads;
  private final BucketSettings settings;

  FolderStore(Path folder, Clock clock) {
    this.clock = clock;
    DurableFiles.createDirectories(folder);
    boolean indexed = folder.resolve("index").resolve("cloud.db").toFile().isFile();
    this.staging = new Staging(folder.resolve("staging"));
    this.presignKey = PresignKey.openOrCreate(folder.resolve("presign-key"));
    this.index = CloudStore.open(folder.resolve("index"), ObjectTables.MIGRATIONS);
    this.files = new DataFiles(folder, index);
    this.uploads = new MultipartUploads(this);
    this.settings = new BucketSettings(index);
    files.takeOver(folder, indexed);
    files.sweep();
  }

  // ---- buckets

  @Override
  public boolean createBucket(String name) {
    return createBucket(name, "");
  }

  boolean createBucket(String name, String location) {
    BucketNames.check(name);
    Bucket bucket = new Bucket(name, clock.instant(), location, Bucket.Versioning.NEVER);
    return index.write(sql -> ObjectTables.insert(sql, bucket));
  }

  @Override
  public boolean bucketExists(String name) {
    return index.read(sql -> ObjectTables.bucket(sql, name)).isPresent();
  }

  /**
   * @throws S3Exception {@code NoSuchBucket}
   */
  Bucket bucket(String name) {
    return index.read(sql -> bucket(sql, name));
  }

  private static Bucket bucket(Sql sql, String name) {
    return ObjectTables.bucket(sql, name).orElseThrow(() -> S3Exception.noSuchBucket(name));
  }

  /** Buckets behind a name, except the program's own. */
  List<Bucket> buckets(String after, int limit) {
    return index.read(sql -> ObjectTables.buckets(sql, after.isEmpty() ? "/" : after, limit));
  }

  /**
   * Removes an empty bucket.
   *
   * @throws S3Exception {@code NoSuchBucket}, {@code BucketNotEmpty}
   */
  void deleteBucket(String name) {
    List<String> parts =
        index.write(
            sql -> {
              bucket(sql, name);
              if (!ObjectTables.versions(sql, name, "", Long.MIN_VALUE, null, 1).isEmpty()) {
                throw new S3Exception(
                        "BucketNotEmpty", 409, "The bucket you tried to delete is not empty")
                    .with("BucketName", name);
              }
              sql.update("DELETE FROM bucket_settings WHERE bucket = ?", name);
              sql.update("DELETE FROM buckets WHERE name = ?", name);
              return uploads.removeAll(sql, name);
            });
    files.delete(parts);
    settings.forget(name);
  }

  void setVersioning(String name, Bucket.Versioning versioning) {
    index.write(
        sql -> {
          bucket(sql, name);
          return sql.update("UPDATE buckets SET versioning = ? WHERE name = ?", versioning, name);
        });
  }

  // ---- objects

  @Override
  public ObjectInfo put(String bucket, String key, byte[] body) {
    StagedObject staged =
        staging.receive(new ByteArrayInputStream(body), body.length, new Checksums());
    return commit(
        bucket,
        staged,
        description(key, staged, ObjectInfo.DEFAULT_TYPE, Map.of(), Map.of()),
        Precondition.NONE);
  }

  ObjectInfo description(
      String key,
      StagedObject staged,
      String type,
      Map<String, String> headers,
      Map<String, String> tags) {
    return new ObjectInfo(
        key,
        ObjectInfo.NULL_VERSION,
        staged.size(),
        staged.checksums().etag(),
        clock.instant(),
        type,
        headers,
        staged.checksums().named(),
        tags,
        List.of());
  }

  @Override
  public Optional<StoredObject> get(String bucket, String key, String versionId) {
    return find(bucket, key, versionId).filter(v -> !v.marker()).map(v -> open(bucket, key, v));
  }

  /**
   * A version, or the mark of a deletion.
   *
   * @param versionId empty for the newest
   * @throws S3Exception {@code NoSuchBucket}
   */
  Optional<Version> find(String bucket, String key, String versionId) {
    return index.read(
        sql -> {
          Optional<Version> found =
              versionId.isEmpty()
                  ? ObjectTables.latest(sql, bucket, key)
                  : ObjectTables.version(sql, bucket, key, versionId);
          if (found.isEmpty()) {
            bucket(sql, bucket);
          }
          return found;
        });
  }

  /** Opens a version; when it is replaced in this moment, what replaced it. */
  StoredObject open(String bucket, String key, Version version) {
    Version wanted = version;
    for (int tries = 1; ; tries++) {
      try {
        return new StoredObject(
            wanted.info(),
            FileChannel.open(files.of(String.valueOf(wanted.file())), StandardOpenOption.READ));
      } catch (NoSuchFileException e) {
        if (tries == READ_TRIES) {
          throw S3Exception.io("reading s3://" + bucket + "/" + key, e);
        }
        wanted =
            find(bucket, key, version.latest() ? "" : version.info().versionId())
                .filter(v -> !v.marker())
                .orElseThrow(() -> S3Exception.noSuchKey(key));
      } catch (IOException e) {
        throw S3Exception.io("reading s3://" + bucket + "/" + key, e);
      }
    }
  }

  /** Looks at what a key holds before it is replaced (null for nothing); throws to refuse. */
  @FunctionalInterface
  interface Precondition {
    Precondition NONE = present -> {};

    void check(@Nullable ObjectInfo present);
  }

  ObjectInfo commit(String bucket, StagedObject staged, ObjectInfo info, Precondition condition) {
    return commit(bucket, staged.file(), info, condition, sql -> {});
  }

  /**
   * Makes a staged file the newest version of a key; the file is gone from the staging folder
   * afterwards, whatever happens.
   *
   * @param also what else belongs to the transaction
   */
  ObjectInfo commit(
      String bucket, Path staged, ObjectInfo info, Precondition condition, Consumer<Sql> also) {
    BucketNames.checkKey(info.key());
    String fresh = VersionIds.next();
    try (DataFiles.Placed placed = files.place(staged, bucket, info.withVersion(fresh))) {
      Replaced replaced =
          index.write(
              sql -> {
                Bucket in = bucket(sql, bucket);
                condition.check(
                    ObjectTables.latest(sql, bucket, info.key())
                        .filter(v -> !v.marker())
                        .map(Version::info)
                        .orElse(null));
                also.accept(sql);
                boolean keeps = in.versioning() == Bucket.Versioning.ENABLED;
                ObjectInfo stored = info.withVersion(keeps ? fresh : ObjectInfo.NULL_VERSION);
                List<String> old = removeSame(sql, bucket, stored);
                ObjectTables.add(sql, bucket, stored, placed.name());
                return new Replaced(stored, old);
              });
      placed.keep();
      files.delete(replaced.files());
      return replaced.by();
    } finally {
      staging.discard(staged);
    }
  }

  private record Replaced(ObjectInfo by, List<String> files) {}

  /** Removes what has the same version id; its file goes when the transaction is committed. */
  private static List<String> removeSame(Sql sql, String bucket, ObjectInfo stored) {
    Optional<Version> same = ObjectTables.version(sql, bucket, stored.key(), stored.versionId());
    same.ifPresent(v -> ObjectTables.remove(sql, bucket, v));
    return same.stream().flatMap(v -> Optional.ofNullable(v.file()).stream()).toList();
  }

  @Override
  public boolean delete(String bucket, String key) {
    return delete(bucket, key, "", Precondition.NONE).found();
  }

  /**
   * What a deletion did.
   *
   * @param found whether there was something to delete
   * @param marker whether a mark was made, or removed
   * @param versionId of the mark or the version; empty in a bucket without versions
   */
  record Deleted(boolean found, boolean marker, String versionId) {}

  /**
   * Deletes as S3 does: without a version id the newest is gone for good where versions are not
   * kept, and hidden behind a mark where they are.
   */
  Deleted delete(String bucket, String key, String versionId, Precondition condition) {
    record Outcome(Deleted deleted, List<String> files) {}
    Outcome outcome =
        index.write(
            sql -> {
              Bucket in = bucket(sql, bucket);
              Optional<Version> target =
                  versionId.isEmpty()
                      ? ObjectTables.latest(sql, bucket, key)
                      : ObjectTables.version(sql, bucket, key, versionId);
              condition.check(target.filter(v -> !v.marker()).map(Version::info).orElse(null));
              if (!versionId.isEmpty() || !in.hasVersions()) {
                target.ifPresent(v -> ObjectTables.remove(sql, bucket, v));
                return new Outcome(
                    new Deleted(
                        target.isPresent(),
                        target.map(Version::marker).orElse(false),
                        in.hasVersions() ? versionId : ""),
                    target.stream().flatMap(v -> Optional.ofNullable(v.file()).stream()).toList());
              }
              boolean keeps = in.versioning() == Bucket.Versioning.ENABLED;
              ObjectInfo marker =
                  ObjectTables.marker(
                      key, keeps ? VersionIds.next() : ObjectInfo.NULL_VERSION, clock.instant());
              List<String> old = removeSame(sql, bucket, marker);
              ObjectTables.add(sql, bucket, marker, null);
              return new Outcome(new Deleted(target.isPresent(), true, marker.versionId()), old);
            });
    files.delete(outcome.files());
    return outcome.deleted();
  }

  /** Gives a version other tags. */
  ObjectInfo tag(String bucket, String key, String versionId, Map<String, String> tags) {
    return index.write(
        sql -> {
          Version version = Versions.required(find(bucket, key, versionId), key, versionId);
          ObjectInfo old = version.info();
          ObjectInfo tagged =
              new ObjectInfo(
                  key,
                  old.versionId(),
                  old.size(),
                  old.etag(),
                  old.lastModified(),
                  old.contentType(),
                  old.headers(),
                  old.checksums(),
                  tags,
                  old.parts());
          ObjectTables.describe(sql, bucket, version, tagged);
          return tagged;
        });
  }

  @Override
  public String presignGet(URI base, String region, String bucket, String key, Duration validity) {
    return presignKey.presignGet(base, region, bucket, key, validity, clock.instant());
  }

  // ---- for the API

  Listing list(Listing.Wanted wanted) {
    bucket(wanted.bucket());
    return Listing.of(index, wanted);
  }

  VersionListing versions(VersionListing.Wanted wanted) {
    bucket(wanted.bucket());
    return VersionListing.of(index, wanted);
  }

  PresignKey presignKey() {
    return presignKey;
  }

  Clock clock() {
    return clock;
  }

  MultipartUploads uploads() {
    return uploads;
  }

  BucketSettings settings() {
    return settings;
  }

  Staging staging() {
    return staging;
  }

  CloudStore index() {
    return index;
  }

  DataFiles files() {
    return files;
  }

  @Override
  public void close() {
    files.close();
    index.close();
  }
}
