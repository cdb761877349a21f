package io.ryegrass.objects;

import java.io.InputStream;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Operations on objects, in one piece and in parts. */
final class S3Objects {
  private static final DateTimeFormatter HTTP_DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);
  private static final List<String> KEPT =
      List.of("cache-control", "content-disposition", "content-language", "expires");

  private final ObjectStore store;
  private final long maxBytes;

  S3Objects(ObjectStore store, long maxBytes) {
    this.store = store;
    this.maxBytes = maxBytes;
  }

  S3Response handle(S3Call call) {
    for (String name : List.of("acl", "tagging", "retention", "legal-hold", "torrent", "restore")) {
      if (call.has(name)) {
        throw S3Api.notImplemented(call);
      }
    }
    boolean upload = call.has("uploadId");
    return switch (call.request().method()) {
      case "GET" -> upload ? listParts(call) : get(call, false);
      case "HEAD" -> get(call, true);
      case "PUT" -> upload ? putPart(call) : put(call);
      case "POST" -> upload ? complete(call) : createUpload(call);
      case "DELETE" -> upload ? abort(call) : delete(call);
      default -> throw S3Api.notImplemented(call);
    };
  }

  // ---- one piece

  private S3Response get(S3Call call, boolean head) {
    call.requireOnObject("s3:GetObject");
    StoredObject object =
        store
            .get(call.bucket(), call.key())
            .orElseThrow(
                () ->
                    call.mayOnBucket("s3:ListBucket")
                        ? S3Exception.noSuchKey(call.bucket(), call.key())
                        : new S3Exception(
                            "AccessDenied",
                            403,
                            "Access Denied: the object may not exist; s3:ListBucket on the bucket is"
                                + " needed to be told so"));
    boolean handedOver = false;
    try {
      ObjectInfo info = object.info();
      Map<String, String> headers = describe(info, call);
      if (!precondition(call, info)) {
        return S3Response.empty(304, headers);
      }
      String wanted = call.request().header("range");
      long from = 0;
      long length = info.size();
      int status = 200;
      ByteRange range = ByteRange.parse(wanted, info.size());
      if (range != null) {
        from = range.from();
        length = range.length();
        status = 206;
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

  private static Map<String, String> describe(ObjectInfo info, S3Call call) {
    Map<String, String> headers = new LinkedHashMap<>(info.headers());
    headers.put("content-type", info.contentType());
    headers.put("etag", "\"" + info.etag() + "\"");
    headers.put("last-modified", HTTP_DATE.format(info.lastModified()));
    headers.put("accept-ranges", "bytes");
    if (call.request().header("x-amz-checksum-mode").equalsIgnoreCase("ENABLED")) {
      info.checksums().forEach((name, value) -> headers.put("x-amz-checksum-" + name, value));
    }
    call.query()
        .forEach(
            (name, value) -> {
              if (name.startsWith("response-") && value.chars().noneMatch(c -> c < 0x20)) {
                headers.put(name.substring("response-".length()), value);
              }
            });
    return headers;
  }

  /** False for "not modified"; throws when If-Match or If-Unmodified-Since fails. */
  private static boolean precondition(S3Call call, ObjectInfo info) {
    String match = call.request().header("if-match");
    Instant modified = info.lastModified().truncatedTo(ChronoUnit.SECONDS);
    if (!match.isEmpty() ? !names(match, info) : after(call, "if-unmodified-since", modified)) {
      throw preconditionFailed();
    }
    String none = call.request().header("if-none-match");
    if (!none.isEmpty()) {
      return !names(none, info);
    }
    return call.request().header("if-modified-since").isEmpty()
        || after(call, "if-modified-since", modified);
  }

  private static boolean after(S3Call call, String header, Instant modified) {
    String text = call.request().header(header);
    if (text.isEmpty()) {
      return false;
    }
    try {
      return modified.isAfter(HTTP_DATE.parse(text, Instant::from));
    } catch (DateTimeException e) {
      throw new S3Exception("InvalidArgument", 400, header + " is not an HTTP date: " + text, e);
    }
  }

  private static boolean names(String header, ObjectInfo info) {
    for (String tag : header.split(",")) {
      String bare = tag.strip().replace("\"", "");
      if (bare.equals("*") || bare.equals(info.etag())) {
        return true;
      }
    }
    return false;
  }

  private static S3Exception preconditionFailed() {
    return new S3Exception(
        "PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold");
  }

  private S3Response put(S3Call call) {
    call.requireOnObject("s3:PutObject");
    store.requireBucket(call.bucket());
    ObjectStore.checkKey(call.key());
    if (!call.request().header("x-amz-copy-source").isEmpty()) {
      return copy(call);
    }
    StagedObject staged = call.stage(store, maxBytes);
    try {
      ObjectInfo info =
          store.commit(
              call.bucket(), call.key(), staged, typeOf(call), kept(call), putCondition(call));
      Map<String, String> headers = new LinkedHashMap<>();
      headers.put("etag", "\"" + info.etag() + "\"");
      info.checksums().forEach((name, value) -> headers.put("x-amz-checksum-" + name, value));
      return S3Response.empty(200, headers);
    } finally {
      store.discard(staged);
    }
  }

  private static ObjectStore.Precondition putCondition(S3Call call) {
    String none = call.request().header("if-none-match");
    String match = call.request().header("if-match");
    return present -> {
      boolean refusedByNone = !none.isEmpty() && present != null;
      boolean refusedByMatch = !match.isEmpty() && (present == null || !names(match, present));
      if (refusedByNone || refusedByMatch) {
        throw preconditionFailed();
      }
    };
  }

  private S3Response copy(S3Call call) {
    String source = UriText.decode(call.request().header("x-amz-copy-source"), false);
    source = source.startsWith("/") ? source.substring(1) : source;
    int slash = source.indexOf('/');
    if (slash < 1 || ObjectStore.isInternal(source)) {
      throw new S3Exception(
          "InvalidArgument", 400, "x-amz-copy-source must be BUCKET/KEY, not '" + source + "'");
    }
    String fromBucket = source.substring(0, slash);
    String fromKey = source.substring(slash + 1);
    call.require("s3:GetObject", "arn:aws:s3:::" + source);
    boolean replace = call.request().header("x-amz-metadata-directive").equals("REPLACE");
    try (StoredObject object =
        store
            .get(fromBucket, fromKey)
            .orElseThrow(() -> S3Exception.noSuchKey(fromBucket, fromKey))) {
      ObjectInfo info = object.info();
      Checksums checksums = new Checksums();
      info.checksums().keySet().forEach(checksums::add);
      StagedObject staged = store.stage(object.stream(), maxBytes, checksums);
      ObjectInfo stored =
          store.commit(
              call.bucket(),
              call.key(),
              staged,
              replace ? typeOf(call) : info.contentType(),
              replace ? kept(call) : info.headers(),
              putCondition(call));
      return S3Response.xml(
          200,
          S3Xml.document("CopyObjectResult")
              .element("LastModified", stored.lastModified())
              .element("ETag", "\"" + stored.etag() + "\"")
              .end("CopyObjectResult"));
    }
  }

  private S3Response delete(S3Call call) {
    call.requireOnObject("s3:DeleteObject");
    store.delete(call.bucket(), call.key());
    return S3Response.empty(204, Map.of());
  }

  private static String typeOf(S3Call call) {
    String type = call.request().header("content-type");
    return type.isEmpty() ? ObjectInfo.DEFAULT_TYPE : type;
  }

  private static Map<String, String> kept(S3Call call) {
    Map<String, String> result = new HashMap<>();
    for (String name : KEPT) {
      String value = call.request().header(name);
      if (!value.isEmpty()) {
        result.put(name, value);
      }
    }
    String encoding =
        String.join(
            ",",
            java.util.Arrays.stream(call.request().header("content-encoding").split(","))
                .map(String::strip)
                .filter(e -> !e.isEmpty() && !e.equals("aws-chunked"))
                .toList());
    if (!encoding.isEmpty()) {
      result.put("content-encoding", encoding);
    }
    call.request()
        .headers()
        .forEach(
            (name, values) -> {
              if (name.startsWith("x-amz-meta-")) {
                result.put(name, String.join(",", values));
              }
            });
    return result;
  }

  // ---- in parts

  private S3Response createUpload(S3Call call) {
    if (!call.has("uploads")) {
      throw S3Api.notImplemented(call);
    }
    call.requireOnObject("s3:PutObject");
    MultipartUploads.Upload upload =
        store.uploads().create(call.bucket(), call.key(), typeOf(call), kept(call));
    return S3Response.xml(
        200,
        S3Xml.document("InitiateMultipartUploadResult")
            .element("Bucket", call.bucket())
            .element("Key", call.key())
            .element("UploadId", upload.id())
            .end("InitiateMultipartUploadResult"));
  }

  private S3Response putPart(S3Call call) {
    call.requireOnObject("s3:PutObject");
    if (!call.request().header("x-amz-copy-source").isEmpty()) {
      throw S3Api.notImplemented(call);
    }
    int number = partNumber(call.parameter("partNumber"));
    MultipartUploads.Upload upload = find(call);
    StagedObject staged = call.stage(store, maxBytes);
    MultipartUploads.Part part = store.uploads().putPart(upload, number, staged);
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("etag", "\"" + part.etag() + "\"");
    staged
        .checksums()
        .named()
        .forEach((name, value) -> headers.put("x-amz-checksum-" + name, value));
    return S3Response.empty(200, headers);
  }

  private S3Response listParts(S3Call call) {
    call.requireOnObject("s3:ListMultipartUploadParts");
    MultipartUploads.Upload upload = find(call);
    S3Xml xml =
        S3Xml.document("ListPartsResult")
            .element("Bucket", call.bucket())
            .element("Key", call.key())
            .element("UploadId", upload.id())
            .element("StorageClass", "STANDARD")
            .element("IsTruncated", false);
    for (MultipartUploads.Part part : store.uploads().parts(upload)) {
      xml.open("Part")
          .element("PartNumber", part.number())
          .element("LastModified", part.lastModified())
          .element("ETag", "\"" + part.etag() + "\"")
          .element("Size", part.size())
          .close("Part");
    }
    return S3Response.xml(200, xml.end("ListPartsResult"));
  }

  private S3Response complete(S3Call call) {
    call.requireOnObject("s3:PutObject");
    MultipartUploads.Upload upload = find(call);
    Map<Integer, String> wanted = new TreeMap<>();
    int previous = 0;
    for (Map<String, String> part : S3Xml.read(call.document(store), "Part")) {
      int number = partNumber(part.getOrDefault("PartNumber", ""));
      if (number <= previous) {
        throw new S3Exception(
            "InvalidPartOrder", 400, "The list of parts was not in ascending order.");
      }
      previous = number;
      wanted.put(number, part.getOrDefault("ETag", "").replace("\"", ""));
    }
    if (wanted.isEmpty()) {
      throw new S3Exception("MalformedXML", 400, "Name at least one part to complete the upload");
    }
    ObjectInfo info = store.uploads().complete(upload, wanted, putCondition(call));
    return S3Response.xml(
        200,
        S3Xml.document("CompleteMultipartUploadResult")
            .element("Location", "/" + call.bucket() + "/" + UriText.encode(call.key(), true))
            .element("Bucket", call.bucket())
            .element("Key", call.key())
            .element("ETag", "\"" + info.etag() + "\"")
            .end("CompleteMultipartUploadResult"));
  }

  private S3Response abort(S3Call call) {
    call.requireOnObject("s3:AbortMultipartUpload");
    store.uploads().abort(find(call));
    return S3Response.empty(204, Map.of());
  }

  private MultipartUploads.Upload find(S3Call call) {
    return store.uploads().find(call.bucket(), call.key(), call.parameter("uploadId"));
  }

  private static int partNumber(String text) {
    try {
      int number = Integer.parseInt(text);
      if (number >= 1 && number <= MultipartUploads.MAX_PARTS) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw badPartNumber();
    }
    throw badPartNumber();
  }

  private static S3Exception badPartNumber() {
    return new S3Exception(
        "InvalidArgument", 400, "Part number must be an integer between 1 and 10000, inclusive");
  }
}
