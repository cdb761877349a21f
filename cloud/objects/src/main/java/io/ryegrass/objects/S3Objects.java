package io.ryegrass.objects;

import io.ryegrass.objects.ObjectTables.Version;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Operations on objects in one piece. */
final class S3Objects {
  private final FolderStore store;
  private final long maxBytes;
  private final S3Copy copies;

  S3Objects(FolderStore store, long maxBytes) {
    this.store = store;
    this.maxBytes = maxBytes;
    this.copies = new S3Copy(store);
  }

  S3Response handle(S3Call call) {
    return switch (call.request().method()) {
      case "GET" -> call.has("attributes") ? attributes(call) : get(call, false);
      case "HEAD" -> get(call, true);
      case "PUT" -> put(call);
      case "DELETE" -> delete(call);
      default -> throw S3Api.notImplemented(call);
    };
  }

  // ---- reading

  /** The version asked for; without s3:ListBucket one is not told that there is none. */
  static Version find(FolderStore store, S3Call call, String action) {
    String versionId = call.versionId();
    call.requireOnObject(versionId.isEmpty() ? action : action + "Version");
    Optional<Version> found = store.find(call.bucket(), call.key(), versionId);
    if (found.isEmpty() && !call.mayOnBucket("s3:ListBucket")) {
      throw new S3Exception(
          "AccessDenied",
          403,
          "Access Denied: the object may not exist; s3:ListBucket on the bucket is needed to be"
              + " told so");
    }
    return Versions.required(found, call.key(), versionId);
  }

  private S3Response get(S3Call call, boolean head) {
    Version version = find(store, call, "s3:GetObject");
    boolean versions = !call.internal() && store.bucket(call.bucket()).hasVersions();
    StoredObject object = store.open(call.bucket(), call.key(), version);
    boolean handedOver = false;
    try {
      ObjectInfo info = object.info();
      Map<String, String> headers = S3Headers.describe(info, versions, call);
      if (!S3Headers.modified(call, info, "")) {
        headers.remove("content-type");
        headers.keySet().removeIf(h -> h.startsWith("x-amz-checksum-"));
        return S3Response.empty(304, headers);
      }
      ByteRange range = wanted(call, info, headers);
      long from = range == null ? 0 : range.from();
      long length = range == null ? info.size() : range.length();
      int status = range == null ? 200 : 206;
      if (range != null) {
        headers.put(
            "content-range", "bytes " + from + "-" + (from + length - 1) + "/" + info.size());
        headers.keySet().removeIf(h -> h.startsWith("x-amz-checksum-"));
      }
      if (head) {
        return S3Response.head(status, headers, length);
      }
      InputStream data = object.range(from, length);
      handedOver = true;
      return new S3Response(status, headers, length, data::transferTo, object::close);
    } finally {
      if (!handedOver) {
        object.close();
      }
    }
  }

  /** By Range, or by the number of a part. */
  private static @Nullable ByteRange wanted(
      S3Call call, ObjectInfo info, Map<String, String> headers) {
    if (!call.has("partNumber")) {
      return ByteRange.parse(call.request().header("range"), info.size());
    }
    if (!call.request().header("range").isEmpty()) {
      throw S3Exception.invalidRequest(
          "Cannot specify both Range header and partNumber query parameter");
    }
    int number = S3Uploads.partNumber(call.parameter("partNumber"));
    List<Long> parts = info.parts().isEmpty() ? List.of(info.size()) : info.parts();
    if (number > parts.size()) {
      throw new S3Exception("InvalidPartNumber", 416, "The requested partnumber is not satisfiable")
          .with("PartNumberRequested", Integer.toString(number))
          .with("ActualPartCount", Integer.toString(parts.size()));
    }
    if (!info.parts().isEmpty()) {
      headers.put("x-amz-mp-parts-count", Integer.toString(parts.size()));
    }
    long from = parts.subList(0, number - 1).stream().mapToLong(Long::longValue).sum();
    long length = parts.get(number - 1);
    return length == 0 ? null : new ByteRange(from, length);
  }

  private S3Response attributes(S3Call call) {
    ObjectInfo info = find(store, call, "s3:GetObject").info();
    List<String> wanted =
        java.util.Arrays.stream(
                String.join(
                        ",",
                        call.request()
                            .headers()
                            .getOrDefault("x-amz-object-attributes", List.of("")))
                    .split(","))
            .map(String::strip)
            .toList();
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("last-modified", S3Headers.date(info.lastModified()));
    if (store.bucket(call.bucket()).hasVersions()) {
      headers.put("x-amz-version-id", info.versionId());
    }
    S3Xml xml = S3Xml.document("GetObjectAttributesResponse");
    if (wanted.contains("ETag")) {
      xml.element("ETag", info.etag());
    }
    if (wanted.contains("Checksum") && !info.checksums().isEmpty()) {
      xml.open("Checksum");
      checksums(xml, info.checksums());
      xml.close("Checksum");
    }
    if (wanted.contains("ObjectParts") && !info.parts().isEmpty()) {
      xml.open("ObjectParts").element("PartsCount", info.parts().size()).close("ObjectParts");
    }
    if (wanted.contains("StorageClass")) {
      xml.element("StorageClass", storageClass(info));
    }
    if (wanted.contains("ObjectSize")) {
      xml.element("ObjectSize", info.size());
    }
    return S3Response.xml(200, headers, xml.end("GetObjectAttributesResponse"));
  }

  static String storageClass(ObjectInfo info) {
    return info.headers().getOrDefault(S3Headers.STORAGE_CLASS, "STANDARD");
  }

  /** Elements {@code ChecksumCRC32} … and {@code ChecksumType}. */
  static void checksums(S3Xml xml, Map<String, String> checksums) {
    checksums.forEach(
        (name, value) -> xml.element("Checksum" + name.toUpperCase(java.util.Locale.ROOT), value));
    if (!checksums.isEmpty()) {
      xml.element("ChecksumType", S3Headers.checksumType(checksums));
    }
  }

  // ---- writing

  private S3Response put(S3Call call) {
    call.requireOnObject("s3:PutObject");
    Bucket bucket = store.bucket(call.bucket());
    BucketNames.checkKey(call.key());
    S3Headers.refuseUnkept(call);
    if (!call.request().header("x-amz-copy-source").isEmpty()) {
      return copies.copy(call, bucket);
    }
    Map<String, String> kept = S3Headers.kept(call);
    Map<String, String> tags = S3Tags.inHeader(call);
    StagedObject staged = call.stage(store.staging(), maxBytes);
    ObjectInfo info =
        store.commit(
            call.bucket(),
            staged,
            store.description(call.key(), staged, S3Headers.typeOf(call), kept, tags),
            S3Headers.putCondition(call));
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("etag", "\"" + info.etag() + "\"");
    headers.putAll(S3Headers.checksums(info.checksums()));
    if (bucket.hasVersions()) {
      headers.put("x-amz-version-id", info.versionId());
    }
    return S3Response.empty(200, headers);
  }

  private S3Response delete(S3Call call) {
    String versionId = call.versionId();
    call.requireOnObject(versionId.isEmpty() ? "s3:DeleteObject" : "s3:DeleteObjectVersion");
    FolderStore.Deleted deleted =
        store.delete(call.bucket(), call.key(), versionId, deleteCondition(call));
    Map<String, String> headers = new LinkedHashMap<>();
    if (!deleted.versionId().isEmpty()) {
      headers.put("x-amz-version-id", deleted.versionId());
    }
    if (deleted.marker()) {
      headers.put("x-amz-delete-marker", "true");
    }
    return S3Response.empty(204, headers);
  }

  private static FolderStore.Precondition deleteCondition(S3Call call) {
    String match = call.request().header("if-match");
    return match.isEmpty() ? FolderStore.Precondition.NONE : S3Headers.putCondition(call);
  }
}
