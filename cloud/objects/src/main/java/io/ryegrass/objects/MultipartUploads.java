package io.ryegrass.objects;

import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Uploads in parts. A part is on the disk when its upload is answered; completing writes the parts
 * one after the other into a staged file and puts that, in one transaction with the end of the
 * upload. An upload that was completed is remembered for a day: who did not hear the answer may ask
 * again.
 */
final class MultipartUploads {
  static final int MAX_PARTS = 10_000;
  private static final long SMALLEST_PART = 5L << 20;
  private static final Duration REMEMBERED = Duration.ofDays(1);
  private static final JsonMapper JSON = JsonMapper.shared();

  private final FolderStore store;
  private final CloudStore index;

  MultipartUploads(FolderStore store) {
    this.store = store;
    this.index = store.index();
  }

  /**
   * An upload that waits for its parts.
   *
   * @param algorithm checksum of the parts in lower case; empty for none
   * @param fullObject whether the checksum of the whole is one over its bytes, not over the parts'
   * @param done what it became; null while it is open
   */
  record Upload(
      String id,
      String bucket,
      String key,
      Instant initiated,
      String contentType,
      Map<String, String> headers,
      Map<String, String> tags,
      String algorithm,
      boolean fullObject,
      @Nullable ObjectInfo done) {}

  /** A part that was received. */
  record Part(
      int number,
      String etag,
      long size,
      Instant lastModified,
      Map<String, String> checksums,
      String file) {}

  /**
   * A part that the caller wants in the object.
   *
   * @param checksums as the caller names them
   */
  record Wanted(int number, String etag, Map<String, String> checksums) {}

  /** Begins an upload; bucket and key must be good. */
  Upload create(Upload upload) {
    BucketNames.checkKey(upload.key());
    Instant forgotten = store.clock().instant().minus(REMEMBERED);
    return index.write(
        sql -> {
          if (ObjectTables.bucket(sql, upload.bucket()).isEmpty()) {
            throw S3Exception.noSuchBucket(upload.bucket());
          }
          sql.update("DELETE FROM uploads WHERE completed < ?", forgotten);
          sql.update(
              "INSERT INTO uploads (id, bucket, object_key, initiated, completed, description)"
                  + " VALUES (?, ?, ?, ?, NULL, ?)",
              upload.id(),
              upload.bucket(),
              upload.key(),
              upload.initiated(),
              describe(upload).toString());
          return upload;
        });
  }

  /**
   * An open upload.
   *
   * @throws S3Exception {@code NoSuchUpload}
   */
  Upload find(String bucket, String key, String id) {
    return findAny(bucket, key, id).filter(u -> u.done() == null).orElseThrow(() -> noSuch(id));
  }

  /** An upload, open or completed. */
  Optional<Upload> findAny(String bucket, String key, String id) {
    return index
        .read(sql -> sql.one("SELECT * FROM uploads WHERE id = ?", MultipartUploads::upload, id))
        .filter(u -> u.bucket().equals(bucket) && u.key().equals(key));
  }

  static S3Exception noSuch(String id) {
    return new S3Exception(
            "NoSuchUpload",
            404,
            "The specified upload does not exist. The upload ID may be invalid, or the upload may"
                + " have been aborted or completed.")
        .with("UploadId", id);
  }

  /** Open uploads of a bucket by key and id, behind a place, below an end. */
  List<Upload> list(String bucket, String key, String id, @Nullable String end, int limit) {
    String select =
        "SELECT * FROM uploads WHERE bucket = ? AND completed IS NULL"
            + " AND (object_key > ? OR object_key = ? AND id > ?)";
    String rest = " ORDER BY object_key, id LIMIT " + limit;
    return index.read(
        sql ->
            end == null
                ? sql.list(select + rest, MultipartUploads::upload, bucket, key, key, id)
                : sql.list(
                    select + " AND object_key < ?" + rest,
                    MultipartUploads::upload,
                    bucket,
                    key,
                    key,
                    id,
                    end));
  }

  Part putPart(Upload upload, int number, StagedObject staged) {
    try (DataFiles.Placed placed = store.files().placePart(staged)) {
      Part part =
          new Part(
              number,
              staged.checksums().etag(),
              staged.size(),
              store.clock().instant(),
              staged.checksums().named(),
              placed.name());
      List<String> before =
          index.write(
              sql -> {
                requireOpen(sql, upload.id());
                List<String> old =
                    sql.list(
                        "SELECT file FROM upload_parts WHERE upload = ? AND number = ?",
                        row -> row.text("file"),
                        upload.id(),
                        number);
                sql.update(
                    "DELETE FROM upload_parts WHERE upload = ? AND number = ?",
                    upload.id(),
                    number);
                ObjectNode checksums = JsonNodeFactory.instance.objectNode();
                part.checksums().forEach(checksums::put);
                sql.update(
                    "INSERT INTO upload_parts (upload, number, etag, size, modified, checksums,"
                        + " file) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    upload.id(),
                    number,
                    part.etag(),
                    part.size(),
                    part.lastModified(),
                    checksums.toString(),
                    part.file());
                return old;
              });
      placed.keep();
      store.files().deleteParts(before);
      return part;
    }
  }

  private static void requireOpen(Sql sql, String id) {
    if (sql.count("SELECT COUNT(*) AS n FROM uploads WHERE id = ? AND completed IS NULL", id)
        == 0) {
      throw noSuch(id);
    }
  }

  List<Part> parts(Upload upload, int after, int limit) {
    return index.read(
        sql ->
            sql.list(
                "SELECT * FROM upload_parts WHERE upload = ? AND number > ? ORDER BY number LIMIT "
                    + limit,
                MultipartUploads::part,
                upload.id(),
                after));
  }

  /**
   * Makes the object of the parts that the caller names, in ascending order.
   *
   * @throws S3Exception {@code InvalidPart}, {@code EntityTooSmall}, {@code NoSuchUpload}
   */
  ObjectInfo complete(Upload upload, List<Wanted> wanted, FolderStore.Precondition precondition) {
    List<Part> chosen = choose(upload, wanted);
    Path staged = store.staging().newFile();
    try {
      Checksums whole = new Checksums();
      if (upload.fullObject()) {
        whole.add(upload.algorithm());
      }
      concatenate(chosen, staged, upload.fullObject() ? whole : null);
      java.security.MessageDigest etags = Checksums.digest("MD5");
      chosen.forEach(part -> etags.update(HexFormat.of().parseHex(part.etag())));
      ObjectInfo info =
          new ObjectInfo(
              upload.key(),
              ObjectInfo.NULL_VERSION,
              chosen.stream().mapToLong(Part::size).sum(),
              HexFormat.of().formatHex(etags.digest()) + "-" + chosen.size(),
              store.clock().instant(),
              upload.contentType(),
              upload.headers(),
              upload.fullObject() ? whole.result().named() : composite(upload, chosen),
              upload.tags(),
              chosen.stream().map(Part::size).toList());
      List<String> spent = new ArrayList<>();
      ObjectInfo stored =
          store.commit(
              upload.bucket(),
              staged,
              info,
              precondition,
              sql -> {
                requireOpen(sql, upload.id());
                spent.addAll(removeParts(sql, upload.id()));
                ObjectNode description = describe(upload);
                description.set("done", ObjectFile.describe(info).put("size", info.size()));
                sql.update(
                    "UPDATE uploads SET completed = ?, description = ? WHERE id = ?",
                    info.lastModified(),
                    description.toString(),
                    upload.id());
              });
      store.files().deleteParts(spent);
      return stored;
    } catch (IOException e) {
      throw S3Exception.io("completing upload " + upload.id(), e);
    } finally {
      store.staging().discard(staged);
    }
  }

  private List<Part> choose(Upload upload, List<Wanted> wanted) {
    Map<Integer, Part> present = new LinkedHashMap<>();
    parts(upload, 0, MAX_PARTS).forEach(part -> present.put(part.number(), part));
    List<Part> chosen = new ArrayList<>();
    for (Wanted one : wanted) {
      Part part = present.get(one.number());
      if (part == null || !part.etag().equals(one.etag()) || differs(one, part)) {
        throw new S3Exception(
                "InvalidPart",
                400,
                "One or more of the specified parts could not be found.  The part may not have"
                    + " been uploaded, or the specified entity tag may not match the part's entity"
                    + " tag.")
            .with("UploadId", upload.id())
            .with("PartNumber", Integer.toString(one.number()))
            .with("ETag", one.etag());
      }
      chosen.add(part);
    }
    for (Part part : chosen.subList(0, chosen.size() - 1)) {
      if (part.size() < SMALLEST_PART) {
        throw new S3Exception(
                "EntityTooSmall",
                400,
                "Your proposed upload is smaller than the minimum allowed size")
            .with("ETag", part.etag())
            .with("MinSizeAllowed", Long.toString(SMALLEST_PART))
            .with("PartNumber", Integer.toString(part.number()))
            .with("ProposedSize", Long.toString(part.size()));
      }
    }
    return chosen;
  }

  private static boolean differs(Wanted one, Part part) {
    return one.checksums().entrySet().stream()
        .anyMatch(
            e ->
                part.checksums().containsKey(e.getKey())
                    && !e.getValue().equals(part.checksums().get(e.getKey())));
  }

  private void concatenate(List<Part> parts, Path staged, @Nullable Checksums whole)
      throws IOException {
    try (FileChannel out =
        FileChannel.open(staged, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (Part part : parts) {
        Path file = store.files().ofPart(part.file());
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
          if (whole == null) {
            for (long at = 0; at < part.size(); ) {
              at += in.transferTo(at, part.size() - at, out);
            }
          } else {
            copy(Channels.newInputStream(in), Channels.newOutputStream(out), whole);
          }
        }
      }
    } catch (java.nio.file.NoSuchFileException e) {
      // completed or aborted by another request in this moment
      throw noSuch(parts.getFirst().file());
    }
  }

  private static void copy(InputStream in, OutputStream out, Checksums checksums)
      throws IOException {
    byte[] buffer = new byte[1 << 16];
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      checksums.update(buffer, 0, n);
      out.write(buffer, 0, n);
    }
  }

  /** The checksum over the parts' checksums; none when a part lacks its own. */
  private static Map<String, String> composite(Upload upload, List<Part> parts) {
    String algorithm = upload.algorithm();
    if (algorithm.isEmpty()
        || !parts.stream().allMatch(part -> part.checksums().containsKey(algorithm))) {
      return Map.of();
    }
    Checksums over = new Checksums();
    over.add(algorithm);
    for (Part part : parts) {
      byte[] one =
          java.util.Base64.getDecoder().decode(String.valueOf(part.checksums().get(algorithm)));
      over.update(one, 0, one.length);
    }
    return Map.of(algorithm, over.result().named().get(algorithm) + "-" + parts.size());
  }

  void abort(Upload upload) {
    store
        .files()
        .deleteParts(
            index.write(
                sql -> {
                  requireOpen(sql, upload.id());
                  sql.update("DELETE FROM uploads WHERE id = ?", upload.id());
                  return removeParts(sql, upload.id());
                }));
  }

  /** Ends all uploads of a bucket; returns the files of their parts. */
  List<String> removeAll(Sql sql, String bucket) {
    List<String> files = new ArrayList<>();
    for (String id :
        sql.list("SELECT id FROM uploads WHERE bucket = ?", row -> row.text("id"), bucket)) {
      files.addAll(removeParts(sql, id));
    }
    sql.update("DELETE FROM uploads WHERE bucket = ?", bucket);
    return files;
  }

  private static List<String> removeParts(Sql sql, String upload) {
    List<String> files =
        sql.list("SELECT file FROM upload_parts WHERE upload = ?", row -> row.text("file"), upload);
    sql.update("DELETE FROM upload_parts WHERE upload = ?", upload);
    return files;
  }

  private static ObjectNode describe(Upload upload) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("type", upload.contentType());
    node.put("algorithm", upload.algorithm());
    node.put("fullObject", upload.fullObject());
    ObjectFile.put(node, "headers", upload.headers());
    ObjectFile.put(node, "tags", upload.tags());
    return node;
  }

  private static Upload upload(Row row) {
    JsonNode node = JSON.readTree(row.text("description"));
    JsonNode done = node.path("done");
    return new Upload(
        row.text("id"),
        row.text("bucket"),
        row.text("object_key"),
        row.instant("initiated"),
        node.path("type").asString(""),
        ObjectFile.texts(node.path("headers")),
        ObjectFile.texts(node.path("tags")),
        node.path("algorithm").asString(""),
        node.path("fullObject").asBoolean(false),
        done.isObject() ? ObjectFile.info(done, done.path("size").asLong()) : null);
  }

  private static Part part(Row row) {
    return new Part(
        (int) row.number("number"),
        row.text("etag"),
        row.number("size"),
        row.instant("modified"),
        ObjectFile.texts(JSON.readTree(row.text("checksums"))),
        row.text("file"));
  }
}
