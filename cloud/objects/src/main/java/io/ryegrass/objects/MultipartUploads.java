package io.ryegrass.objects;

import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Uploads in parts: a folder each, holding a description and the parts as they come. A part is on
 * the disk when its upload is answered; completing writes the parts one after the other into a
 * staged file and puts that.
 */
final class MultipartUploads {
  static final int MAX_PARTS = 10_000;
  private static final long SMALLEST_PART = 5L << 20;
  private static final Pattern ID = Pattern.compile("[0-9a-f-]{36}");
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final Path folder;
  private final ObjectStore store;

  MultipartUploads(Path folder, ObjectStore store) {
    this.folder = folder;
    this.store = store;
    DurableFiles.createDirectories(folder);
  }

  /** An upload that waits for its parts. */
  record Upload(
      String id,
      String bucket,
      String key,
      Instant initiated,
      String contentType,
      Map<String, String> headers) {}

  /** A part that was received. */
  record Part(int number, String etag, long size, Instant lastModified) {}

  Upload create(String bucket, String key, String contentType, Map<String, String> headers) {
    store.requireBucket(bucket);
    ObjectStore.checkKey(key);
    Upload upload =
        new Upload(
            UUID.randomUUID().toString(),
            bucket,
            key,
            store.clock().instant(),
            contentType,
            headers);
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("bucket", bucket).put("key", key).put("type", contentType);
    node.put("initiated", upload.initiated().toEpochMilli());
    ObjectNode kept = node.putObject("headers");
    headers.forEach(kept::put);
    DurableFiles.createDirectories(folder.resolve(upload.id()));
    DurableFiles.writeAtomically(
        folder.resolve(upload.id()).resolve("upload.json"), JSON.writeValueAsBytes(node));
    return upload;
  }

  Upload find(String bucket, String key, String id) {
    return read(id)
        .filter(u -> u.bucket().equals(bucket) && u.key().equals(key))
        .orElseThrow(
            () ->
                new S3Exception(
                    "NoSuchUpload",
                    404,
                    "The specified multipart upload does not exist: '"
                        + id
                        + "'. The upload ID might be invalid, or the upload was aborted or completed."));
  }

  List<Upload> list(String bucket) {
    try (Stream<Path> folders = Files.list(folder)) {
      return folders
          .sorted()
          .flatMap(f -> read(f.getFileName().toString()).stream())
          .filter(u -> u.bucket().equals(bucket))
          .toList();
    } catch (IOException e) {
      throw S3Exception.io("listing uploads", e);
    }
  }

  Part putPart(Upload upload, int number, StagedObject staged) {
    Path target =
        folder.resolve(upload.id()).resolve("%05d-%s".formatted(number, staged.checksums().etag()));
    try {
      try (FileChannel channel = FileChannel.open(staged.file(), StandardOpenOption.WRITE)) {
        channel.force(true);
      }
      for (Path older : files(upload)) {
        if (numberOf(older) == number && !older.equals(target)) {
          Files.deleteIfExists(older);
        }
      }
      Files.move(staged.file(), target, StandardCopyOption.ATOMIC_MOVE);
      DurableFiles.syncDirectory(folder.resolve(upload.id()));
      return part(target);
    } catch (IOException e) {
      throw S3Exception.io("storing part " + number + " of upload " + upload.id(), e);
    } finally {
      store.discard(staged);
    }
  }

  List<Part> parts(Upload upload) {
    try {
      List<Part> result = new ArrayList<>();
      for (Path file : files(upload)) {
        result.add(part(file));
      }
      return result;
    } catch (IOException e) {
      throw S3Exception.io("listing the parts of upload " + upload.id(), e);
    }
  }

  /**
   * Puts the named parts together as the object.
   *
   * @param wanted ETag by part number, in ascending order of the numbers
   */
  ObjectInfo complete(
      Upload upload, Map<Integer, String> wanted, ObjectStore.Precondition precondition) {
    Path staged = store.newStagingFile();
    try {
      Map<Integer, Path> present = new LinkedHashMap<>();
      for (Path file : files(upload)) {
        present.put(numberOf(file), file);
      }
      java.security.MessageDigest etags = Checksums.digest("MD5");
      long size = 0;
      int seen = 0;
      try (FileChannel out =
          FileChannel.open(staged, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        for (Map.Entry<Integer, String> part : wanted.entrySet()) {
          Path file = present.get(part.getKey());
          if (file == null || !etagOf(file).equals(part.getValue())) {
            throw new S3Exception(
                "InvalidPart",
                400,
                "Part "
                    + part.getKey()
                    + " could not be found, or its ETag is not the one that was uploaded");
          }
          seen++;
          long length = Files.size(file);
          if (length < SMALLEST_PART && seen < wanted.size()) {
            throw new S3Exception(
                "EntityTooSmall",
                400,
                "Part " + part.getKey() + " is smaller than the minimum of 5 MiB");
          }
          etags.update(HexFormat.of().parseHex(part.getValue()));
          try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            for (long at = 0; at < length; ) {
              at += in.transferTo(at, length - at, out);
            }
          }
          size += length;
        }
      }
      ObjectInfo info =
          new ObjectInfo(
              upload.key(),
              size,
              HexFormat.of().formatHex(etags.digest()) + "-" + wanted.size(),
              store.clock().instant(),
              upload.contentType(),
              upload.headers(),
              Map.of());
      ObjectInfo stored = store.commit(upload.bucket(), staged, info, precondition);
      abort(upload);
      return stored;
    } catch (IOException e) {
      throw S3Exception.io("completing upload " + upload.id(), e);
    } finally {
      DurableFiles.delete(staged);
    }
  }

  void abort(Upload upload) {
    try {
      for (Path file : files(upload)) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(folder.resolve(upload.id()).resolve("upload.json"));
      Files.deleteIfExists(folder.resolve(upload.id()));
      DurableFiles.syncDirectory(folder);
    } catch (IOException e) {
      throw S3Exception.io("removing upload " + upload.id(), e);
    }
  }

  private Optional<Upload> read(String id) {
    if (!ID.matcher(id).matches()) {
      return Optional.empty();
    }
    return DurableFiles.read(folder.resolve(id).resolve("upload.json"))
        .map(
            bytes -> {
              JsonNode node = JSON.readTree(bytes);
              Map<String, String> headers = new LinkedHashMap<>();
              node.path("headers")
                  .properties()
                  .forEach(e -> headers.put(e.getKey(), e.getValue().asString()));
              return new Upload(
                  id,
                  node.path("bucket").asString(),
                  node.path("key").asString(),
                  Instant.ofEpochMilli(node.path("initiated").asLong()),
                  node.path("type").asString(),
                  headers);
            });
  }

  private List<Path> files(Upload upload) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve(upload.id()))) {
      return files
          .filter(f -> Character.isDigit(f.getFileName().toString().charAt(0)))
          .sorted()
          .toList();
    }
  }

  private static Part part(Path file) throws IOException {
    return new Part(
        numberOf(file),
        etagOf(file),
        Files.size(file),
        Files.getLastModifiedTime(file).toInstant());
  }

  private static int numberOf(Path file) {
    return Integer.parseInt(file.getFileName().toString().substring(0, 5));
  }

  private static String etagOf(Path file) {
    return file.getFileName().toString().substring(6);
  }
}
