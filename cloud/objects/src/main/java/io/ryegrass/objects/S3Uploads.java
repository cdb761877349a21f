package io.ryegrass.objects;

import io.ryegrass.objects.MultipartUploads.Upload;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Operations on uploads in parts. */
final class S3Uploads {
  private static final Pattern COPY_RANGE = Pattern.compile("bytes=(\\d{1,18})-(\\d{1,18})");
  private static final int MAX_PAGE = 1000;

  private final FolderStore store;
  private final MultipartUploads uploads;
  private final S3Copy copies;
  private final long maxBytes;

  S3Uploads(FolderStore store, long maxBytes) {
    this.store = store;
    this.uploads = store.uploads();
    this.copies = new S3Copy(store);
    this.maxBytes = maxBytes;
  }

  S3Response handle(S3Call call) {
    return switch (call.request().method()) {
      case "GET" -> parts(call);
      case "PUT" -> put(call);
      case "POST" -> call.has("uploads") ? create(call) : complete(call);
      case "DELETE" -> abort(call);
      default -> throw S3Api.notImplemented(call);
    };
  }

  private S3Response create(S3Call call) {
    call.requireOnObject("s3:PutObject");
    S3Headers.refuseUnkept(call);
    String algorithm =
        call.request().header("x-amz-checksum-algorithm").strip().toLowerCase(Locale.ROOT);
    String type = call.request().header("x-amz-checksum-type").strip().toUpperCase(Locale.ROOT);
    boolean full = fullObject(algorithm, type);
    Upload upload =
        uploads.create(
            new Upload(
                UUID.randomUUID().toString().replace("-", ""),
                call.bucket(),
                call.key(),
                store.clock().instant(),
                S3Headers.typeOf(call),
                S3Headers.kept(call),
                S3Tags.inHeader(call),
                algorithm,
                full,
                null));
    Map<String, String> headers = new LinkedHashMap<>();
    if (!algorithm.isEmpty()) {
      headers.put("x-amz-checksum-algorithm", algorithm.toUpperCase(Locale.ROOT));
      headers.put("x-amz-checksum-type", full ? "FULL_OBJECT" : "COMPOSITE");
    }
    return S3Response.xml(
        200,
        headers,
        S3Xml.document("InitiateMultipartUploadResult")
            .element("Bucket", call.bucket())
            .element("Key", call.key())
            .element("UploadId", upload.id())
            .end("InitiateMultipartUploadResult"));
  }

  /** CRC64NVME is over the whole object always, SHA over the parts always. */
  private static boolean fullObject(String algorithm, String type) {
    if (!algorithm.isEmpty()) {
      new Checksums().add(algorithm); // refuses what is none
    }
    if (!type.isEmpty() && !type.equals("FULL_OBJECT") && !type.equals("COMPOSITE")) {
      throw S3Exception.invalidRequest("Value for x-amz-checksum-type header is invalid.");
    }
    boolean wrong =
        type.equals("FULL_OBJECT") && algorithm.startsWith("sha")
            || type.equals("COMPOSITE") && algorithm.equals("crc64nvme");
    if (wrong) {
      throw S3Exception.invalidRequest(
          "The "
              + type
              + " checksum type cannot be used with the "
              + algorithm
              + " checksum algorithm.");
    }
    if (!type.isEmpty() && algorithm.isEmpty()) {
      throw S3Exception.invalidRequest(
          "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm"
              + " header.");
    }
    return type.equals("FULL_OBJECT") || algorithm.equals("crc64nvme");
  }

  private S3Response put(S3Call call) {
    call.requireOnObject("s3:PutObject");
    int number = partNumber(call.parameter("partNumber"));
    Upload upload = find(call);
    if (!call.request().header("x-amz-copy-source").isEmpty()) {
      return copyPart(call, upload, number);
    }
    StagedObject staged = call.stage(store.staging(), maxBytes);
    try {
      MultipartUploads.Part part = uploads.putPart(upload, number, staged);
      Map<String, String> headers = new LinkedHashMap<>();
      headers.put("etag", "\"" + part.etag() + "\"");
      part.checksums().forEach((name, value) -> headers.put("x-amz-checksum-" + name, value));
      return S3Response.empty(200, headers);
    } finally {
      store.staging().discard(staged);
    }
  }

  private S3Response copyPart(S3Call call, Upload upload, int number) {
    S3Copy.Source source = S3Copy.Source.of(call);
    try (StoredObject object = copies.open(call, source)) {
      Checksums checksums = new Checksums();
      if (!upload.algorithm().isEmpty()) {
        checksums.add(upload.algorithm());
      }
      InputStream data = part(object, call.request().header("x-amz-copy-source-range"));
      StagedObject staged = store.staging().receive(data, maxBytes, checksums);
      MultipartUploads.Part part;
      try {
        part = uploads.putPart(upload, number, staged);
      } finally {
        store.staging().discard(staged);
      }
      Map<String, String> headers = new LinkedHashMap<>();
      if (store.bucket(source.bucket()).hasVersions()) {
        headers.put("x-amz-copy-source-version-id", object.info().versionId());
      }
      S3Xml xml =
          S3Xml.document("CopyPartResult")
              .element("LastModified", part.lastModified())
              .element("ETag", "\"" + part.etag() + "\"");
      part.checksums()
          .forEach((name, value) -> xml.element("Checksum" + name.toUpperCase(Locale.ROOT), value));
      return S3Response.xml(200, headers, xml.end("CopyPartResult"));
    }
  }

  private static InputStream part(StoredObject object, String range) {
    if (range.isEmpty()) {
      return object.stream();
    }
    Matcher m = COPY_RANGE.matcher(range);
    long size = object.info().size();
    if (!m.matches() || Long.parseLong(m.group(1)) > Long.parseLong(m.group(2))) {
      throw S3Exception.invalidArgument(
          "The x-amz-copy-source-range value must be of the form bytes=first-last where first and"
              + " last are the zero-based offsets of the first and last bytes to copy",
          "x-amz-copy-source-range",
          range);
    }
    long from = Long.parseLong(m.group(1));
    long last = Long.parseLong(m.group(2));
    if (last >= size) {
      throw S3Exception.invalidArgument(
          "Range specified is not valid for source object of size: " + size,
          "x-amz-copy-source-range",
          range);
    }
    return object.range(from, last - from + 1);
  }

  private S3Response parts(S3Call call) {
    call.requireOnObject("s3:ListMultipartUploadParts");
    Upload upload = find(call);
    int most = S3Listings.number(call, "max-parts", MAX_PAGE);
    int after = S3Listings.number(call, "part-number-marker", Integer.MAX_VALUE, 0);
    List<MultipartUploads.Part> found = uploads.parts(upload, after, most + 1);
    boolean truncated = found.size() > most;
    List<MultipartUploads.Part> page = truncated ? found.subList(0, most) : found;
    S3Xml xml =
        S3Xml.document("ListPartsResult")
            .element("Bucket", call.bucket())
            .element("Key", call.key())
            .element("UploadId", upload.id());
    S3Buckets.owner(xml, "Initiator");
    S3Buckets.owner(xml, "Owner");
    xml.element("StorageClass", upload.headers().getOrDefault(S3Headers.STORAGE_CLASS, "STANDARD"))
        .element("PartNumberMarker", after)
        .element("NextPartNumberMarker", page.isEmpty() ? 0 : page.getLast().number())
        .element("MaxParts", most)
        .element("IsTruncated", truncated);
    if (!upload.algorithm().isEmpty()) {
      xml.element("ChecksumAlgorithm", upload.algorithm().toUpperCase(Locale.ROOT))
          .element("ChecksumType", upload.fullObject() ? "FULL_OBJECT" : "COMPOSITE");
    }
    for (MultipartUploads.Part part : page) {
      xml.open("Part")
          .element("PartNumber", part.number())
          .element("LastModified", part.lastModified())
          .element("ETag", "\"" + part.etag() + "\"")
          .element("Size", part.size());
      part.checksums()
          .forEach((name, value) -> xml.element("Checksum" + name.toUpperCase(Locale.ROOT), value));
      xml.close("Part");
    }
    return S3Response.xml(200, xml.end("ListPartsResult"));
  }

  private S3Response complete(S3Call call) {
    call.requireOnObject("s3:PutObject");
    String id = call.parameter("uploadId");
    Upload upload =
        uploads.findAny(call.bucket(), call.key(), id).orElseThrow(() -> noUpload(call));
    ObjectInfo done = upload.done();
    if (done == null) {
      done =
          uploads.complete(
              upload,
              wanted(S3Xml.read(call.document(store.staging(), false), "CompleteMultipartUpload")),
              S3Headers.putCondition(call));
    } else {
      done = stillThere(upload, done);
    }
    Map<String, String> headers = new LinkedHashMap<>();
    if (store.bucket(call.bucket()).hasVersions()) {
      headers.put("x-amz-version-id", done.versionId());
    }
    String host = call.request().header("host");
    S3Xml xml =
        S3Xml.document("CompleteMultipartUploadResult")
            .element(
                "Location",
                (host.isEmpty() ? "" : "http://" + host)
                    + "/"
                    + call.bucket()
                    + "/"
                    + UriText.encode(call.key(), false))
            .element("Bucket", call.bucket())
            .element("Key", call.key())
            .element("ETag", "\"" + done.etag() + "\"");
    S3Objects.checksums(xml, done.checksums());
    return S3Response.xml(200, headers, xml.end("CompleteMultipartUploadResult"));
  }

  /** Who asks again gets the same answer as long as the object is what the upload became. */
  private ObjectInfo stillThere(Upload upload, ObjectInfo done) {
    Optional<ObjectInfo> present =
        store
            .find(upload.bucket(), upload.key(), "")
            .map(ObjectTables.Version::info)
            .filter(
                info ->
                    info.etag().equals(done.etag())
                        && info.lastModified().equals(done.lastModified()));
    return present.orElseThrow(() -> MultipartUploads.noSuch(upload.id()));
  }

  private static List<MultipartUploads.Wanted> wanted(S3Xml.Node document) {
    List<MultipartUploads.Wanted> result = new ArrayList<>();
    int previous = 0;
    for (S3Xml.Node part : document.all("Part")) {
      int number = partNumber(part.value("PartNumber").strip());
      if (number <= previous) {
        throw new S3Exception(
            "InvalidPartOrder",
            400,
            "The list of parts was not in ascending order. Parts must be ordered by part number.");
      }
      previous = number;
      Map<String, String> checksums = new LinkedHashMap<>();
      for (S3Xml.Node child : part.children()) {
        if (child.name().startsWith("Checksum")) {
          checksums.put(
              child.name().substring("Checksum".length()).toLowerCase(Locale.ROOT), child.text());
        }
      }
      result.add(
          new MultipartUploads.Wanted(
              number, part.value("ETag").strip().replace("\"", ""), checksums));
    }
    if (result.isEmpty() || result.size() > MultipartUploads.MAX_PARTS) {
      throw S3Exception.malformedXml();
    }
    return result;
  }

  private S3Response abort(S3Call call) {
    call.requireOnObject("s3:AbortMultipartUpload");
    uploads.abort(find(call));
    return S3Response.empty(204, Map.of());
  }

  private Upload find(S3Call call) {
    return uploads
        .findAny(call.bucket(), call.key(), call.parameter("uploadId"))
        .filter(upload -> upload.done() == null)
        .orElseThrow(() -> noUpload(call));
  }

  private S3Exception noUpload(S3Call call) {
    store.bucket(call.bucket());
    return MultipartUploads.noSuch(call.parameter("uploadId"));
  }

  static int partNumber(String text) {
    try {
      int number = Integer.parseInt(text);
      if (number >= 1 && number <= MultipartUploads.MAX_PARTS) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw badPartNumber(text);
    }
    throw badPartNumber(text);
  }

  private static S3Exception badPartNumber(String text) {
    return S3Exception.invalidArgument(
        "Part number must be an integer between 1 and 10000, inclusive", "partNumber", text);
  }
}
