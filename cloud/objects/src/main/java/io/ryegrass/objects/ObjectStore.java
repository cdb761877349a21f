package io.ryegrass.objects;

import io.ryegrass.durable.DurableFiles;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Buckets and objects in a local folder. Safe for many threads; one process at a time (the program
 * locks its data folder).
 *
 * <p>Buckets whose name starts with a dot belong to the program itself: the S3 API neither lists
 * nor opens them, only presigned URLs made here reach their objects.
 */
public final class ObjectStore {
  private static final Pattern BUCKET = Pattern.compile("\\.?[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");
  private static final int MAX_KEY_BYTES = 1024;
  private static final int STRIPES = 64;

  private final Path buckets;
  private final Path staging;
  private final Clock clock;
  private final PresignKey presignKey;
  private final MultipartUploads uploads;
  private final Map<String, BucketIndex> indexes = new ConcurrentHashMap<>();
  private final ReentrantLock[] locks = new ReentrantLock[STRIPES];

  private ObjectStore(Path folder, Clock clock) {
    this.buckets = folder.resolve("buckets");
    this.staging = folder.resolve("staging");
    this.clock = clock;
    for (int i = 0; i < STRIPES; i++) {
      locks[i] = new ReentrantLock();
    }
    DurableFiles.createDirectories(buckets);
    DurableFiles.createDirectories(staging);
    emptyStaging();
    this.presignKey = PresignKey.openOrCreate(folder.resolve("presign-key"));
    this.uploads = new MultipartUploads(folder.resolve("uploads"), this);
  }

  /**
   * Opens the store, making the folder when needed, and removes what unfinished uploads left
   * behind.
   *
   * @param folder the store's own folder
   * @param clock gives the time stamps of objects and presigned URLs
   */
  public static ObjectStore open(Path folder, Clock clock) {
    return new ObjectStore(folder, clock);
  }

  /** A bucket and when it was made. */
  public record Bucket(String name, Instant created) {}

  // ---- buckets

  /**
   * Makes a bucket; false when it was there already.
   *
   * @throws S3Exception {@code InvalidBucketName}
   */
  public boolean createBucket(String bucket) {
    if (!BUCKET.matcher(bucket).matches() || bucket.contains("..")) {
      throw new S3Exception(
          "InvalidBucketName",
          400,
          "The specified bucket is not valid: '"
              + bucket
              + "'; use 3 to 63 of lower-case letters, digits, dots and hyphens");
    }
    try {
      Files.createDirectory(folderOf(bucket));
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (IOException e) {
      throw S3Exception.io("making bucket '" + bucket + "'", e);
    }
    DurableFiles.syncDirectory(buckets);
    return true;
  }

  /** Whether there is a bucket of that name. */
  public boolean bucketExists(String bucket) {
    return BUCKET.matcher(bucket).matches() && Files.isDirectory(folderOf(bucket));
  }

  /** All buckets except the program's own, by name. */
  public List<Bucket> listBuckets() {
    try (Stream<Path> folders = Files.list(buckets)) {
      List<Bucket> result = new ArrayList<>();
      for (Path folder : folders.sorted().toList()) {
        String name = folder.getFileName().toString();
        if (!isInternal(name) && Files.isDirectory(folder)) {
          Object created = Files.getAttribute(folder, "creationTime");
          result.add(new Bucket(name, Instant.parse(created.toString())));
        }
      }
      return result;
    } catch (IOException e) {
      throw S3Exception.io("listing buckets", e);
    }
  }

  /**
   * Removes an empty bucket.
   *
   * @throws S3Exception {@code NoSuchBucket}, {@code BucketNotEmpty}
   */
  public void deleteBucket(String bucket) {
    if (!index(bucket).isEmpty()) {
      throw new S3Exception(
          "BucketNotEmpty",
          409,
          "The bucket you tried to delete is not empty: '"
              + bucket
              + "'; delete its objects first");
    }
    try (Stream<Path> content = Files.walk(folderOf(bucket))) {
      for (Path path : content.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    } catch (IOException e) {
      throw S3Exception.io("deleting bucket '" + bucket + "'", e);
    }
    indexes.remove(bucket);
    DurableFiles.syncDirectory(buckets);
  }

  /** Whether a name belongs to the program's own buckets. */
  static boolean isInternal(String bucket) {
    return bucket.startsWith(".");
  }

  // ---- objects

  /** Puts a small object; durable when it returns. */
  public ObjectInfo put(String bucket, String key, byte[] body) {
    StagedObject staged = stage(new ByteArrayInputStream(body), body.length, new Checksums());
    return commit(bucket, key, staged, ObjectInfo.DEFAULT_TYPE, Map.of(), Precondition.NONE);
  }

  /** Opens an object for reading; empty when there is none. */
  public Optional<StoredObject> get(String bucket, String key) {
    requireBucket(bucket);
    checkKey(key);
    try {
      FileChannel channel = FileChannel.open(fileOf(bucket, key), StandardOpenOption.READ);
      try {
        return Optional.of(new StoredObject(ObjectFile.read(channel), channel));
      } catch (IOException e) {
        channel.close();
        throw e;
      }
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw S3Exception.io("reading s3://" + bucket + "/" + key, e);
    }
  }

  /** A whole small object in memory; empty when there is none. */
  public Optional<byte[]> read(String bucket, String key) {
    Optional<StoredObject> found = get(bucket, key);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    try (StoredObject object = found.get()) {
      return Optional.of(object.stream().readAllBytes());
    } catch (IOException e) {
      throw S3Exception.io("reading s3://" + bucket + "/" + key, e);
    }
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
    return get(bucket, key)
        .map(
            object -> {
              try (object;
                  InputStream in = object.stream()) {
                java.security.MessageDigest digest = Checksums.digest("SHA-256");
                byte[] buffer = new byte[1 << 16];
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                  digest.update(buffer, 0, n);
                }
                return digest.digest();
              } catch (IOException e) {
                throw S3Exception.io("reading s3://" + bucket + "/" + key, e);
              }
            });
  }

  /** Removes an object; false when there was none. */
  public boolean delete(String bucket, String key) {
    BucketIndex index = index(bucket);
    checkKey(key);
    ReentrantLock lock = lock(bucket, key);
    lock.lock();
    try {
      Path file = fileOf(bucket, key);
      boolean deleted = Files.deleteIfExists(file);
      index.remove(key);
      if (deleted) {
        DurableFiles.syncDirectory(parent(file));
      }
      return deleted;
    } catch (IOException e) {
      throw S3Exception.io("deleting s3://" + bucket + "/" + key, e);
    } finally {
      lock.unlock();
    }
  }

  /** A page of a listing in the order of UTF-8 bytes. */
  public record Page(
      List<ObjectInfo> objects, List<String> commonPrefixes, String last, boolean truncated) {}

  /**
   * Lists a bucket.
   *
   * @param prefix only keys that start so
   * @param delimiter keys that hold it behind the prefix are folded into common prefixes; empty for
   *     none
   * @param after only keys (or common prefixes) behind this one; empty from the start
   * @param maxKeys at most so many objects and common prefixes together
   */
  public Page list(String bucket, String prefix, String delimiter, String after, int maxKeys) {
    return index(bucket).list(prefix, delimiter, after, maxKeys);
  }

  /**
   * A URL that gives its bearer one object, signed with the store's own key. Works for the
   * program's own buckets, too.
   *
   * @param base where the S3 API is reached, for example {@code https://localhost:8443}
   * @param validity at most seven days
   */
  public String presignGet(URI base, String region, String bucket, String key, Duration validity) {
    return presignKey.presignGet(base, region, bucket, key, validity, clock.instant());
  }

  // ---- for the API

  PresignKey presignKey() {
    return presignKey;
  }

  Clock clock() {
    return clock;
  }

  MultipartUploads uploads() {
    return uploads;
  }

  Path newStagingFile() {
    return staging.resolve(UUID.randomUUID().toString());
  }

  /**
   * Receives a body into the staging folder.
   *
   * @throws S3Exception {@code EntityTooLarge} when it is longer than maxBytes
   */
  StagedObject stage(InputStream body, long maxBytes, Checksums checksums) {
    Path file = newStagingFile();
    boolean done = false;
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      byte[] buffer = new byte[1 << 16];
      long size = 0;
      for (int n = body.read(buffer); n >= 0; n = body.read(buffer)) {
        size += n;
        if (size > maxBytes) {
          throw new S3Exception(
              "EntityTooLarge",
              400,
              "Your proposed upload exceeds the maximum allowed size of " + maxBytes + " bytes");
        }
        checksums.update(buffer, 0, n);
        ByteBuffer out = ByteBuffer.wrap(buffer, 0, n);
        while (out.hasRemaining()) {
          channel.write(out);
        }
      }
      done = true;
      return new StagedObject(file, size, checksums.result());
    } catch (IOException e) {
      throw S3Exception.io("receiving the body", e);
    } finally {
      if (!done) {
        DurableFiles.delete(file);
      }
    }
  }

  void discard(StagedObject staged) {
    DurableFiles.delete(staged.file());
  }

  /** Looks at what a key holds before it is replaced (null for nothing); throws to refuse. */
  @FunctionalInterface
  interface Precondition {
    Precondition NONE = present -> {};

    void check(@Nullable ObjectInfo present);
  }

  ObjectInfo commit(
      String bucket,
      String key,
      StagedObject staged,
      String contentType,
      Map<String, String> headers,
      Precondition precondition) {
    return commit(
        bucket,
        staged.file(),
        new ObjectInfo(
            key,
            staged.size(),
            staged.checksums().etag(),
            clock.instant(),
            contentType,
            headers,
            staged.checksums().named()),
        precondition);
  }

  /** Makes a staged file the object of a key; the file is gone afterwards, whatever happens. */
  ObjectInfo commit(String bucket, Path staged, ObjectInfo info, Precondition precondition) {
    String key = info.key();
    try {
      BucketIndex index = index(bucket);
      checkKey(key);
      Path file = fileOf(bucket, key);
      try (FileChannel channel = FileChannel.open(staged, StandardOpenOption.WRITE)) {
        ObjectFile.seal(channel, info);
        channel.force(true);
      }
      Path shelf = parent(file);
      if (!Files.isDirectory(shelf)) {
        DurableFiles.createDirectories(shelf);
      }
      ReentrantLock lock = lock(bucket, key);
      lock.lock();
      try {
        precondition.check(index.get(key));
        Files.move(staged, file, StandardCopyOption.ATOMIC_MOVE);
        DurableFiles.syncDirectory(shelf);
        index.put(info);
      } finally {
        lock.unlock();
      }
      return info;
    } catch (IOException e) {
      throw S3Exception.io("storing s3://" + bucket + "/" + key, e);
    } finally {
      DurableFiles.delete(staged);
    }
  }

  void requireBucket(String bucket) {
    if (!bucketExists(bucket)) {
      throw S3Exception.noSuchBucket(bucket);
    }
  }

  static void checkKey(String key) {
    if (key.isEmpty() || key.getBytes(StandardCharsets.UTF_8).length > MAX_KEY_BYTES) {
      throw new S3Exception(
          "KeyTooLongError", 400, "Your key is too long or empty; use 1 to 1024 bytes");
    }
  }

  private BucketIndex index(String bucket) {
    requireBucket(bucket);
    return indexes.computeIfAbsent(bucket, b -> BucketIndex.load(folderOf(b)));
  }

  private ReentrantLock lock(String bucket, String key) {
    return locks[Math.floorMod(bucket.hashCode() * 31 + key.hashCode(), STRIPES)];
  }

  private Path folderOf(String bucket) {
    return buckets.resolve(bucket);
  }

  private Path fileOf(String bucket, String key) {
    return folderOf(bucket).resolve(ObjectFile.nameOf(key));
  }

  private static Path parent(Path file) {
    Path parent = file.getParent();
    if (parent == null) {
      throw new IllegalArgumentException("file without a folder: " + file);
    }
    return parent;
  }

  private void emptyStaging() {
    try (Stream<Path> left = Files.list(staging)) {
      for (Path file : left.toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw S3Exception.io("emptying " + staging, e);
    }
  }
}
