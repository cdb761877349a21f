package io.ryegrass.objects;

import io.ryegrass.objects.ObjectTables.Version;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** ListObjects (both), ListObjectVersions, ListMultipartUploads. */
final class S3Listings {
  private static final int MAX_KEYS = 1000;

  private final FolderStore store;

  S3Listings(FolderStore store) {
    this.store = store;
  }

  /** What all listings are asked. */
  private record Asked(String prefix, String delimiter, boolean encode, int most) {
    static Asked of(S3Call call, String maximum) {
      String encoding = call.parameter("encoding-type");
      if (call.has("encoding-type") && !encoding.equals("url")) {
        throw S3Exception.invalidArgument(
            "Invalid Encoding Method specified in Request", "encoding-type", encoding);
      }
      return new Asked(
          call.parameter("prefix"),
          call.parameter("delimiter"),
          encoding.equals("url"),
          number(call, maximum, MAX_KEYS));
    }

    String text(String key) {
      return encode ? UriText.encode(key, true) : key;
    }

    void prefixes(S3Xml xml, List<String> prefixes) {
      for (String common : prefixes) {
        xml.open("CommonPrefixes").element("Prefix", text(common)).close("CommonPrefixes");
      }
    }
  }

  S3Response objects(S3Call call) {
    call.requireOnBucket("s3:ListBucket");
    Asked asked = Asked.of(call, "max-keys");
    return switch (call.parameter("list-type")) {
      case "2" -> second(call, asked);
      case "", "1" -> first(call, asked);
      default ->
          throw S3Exception.invalidArgument(
              "Invalid list type", "list-type", call.parameter("list-type"));
    };
  }

  private Listing list(S3Call call, Asked asked, String after) {
    return store.list(
        new Listing.Wanted(call.bucket(), asked.prefix(), asked.delimiter(), after, asked.most()));
  }

  private S3Response first(S3Call call, Asked asked) {
    String marker = call.parameter("marker");
    Listing page = list(call, asked, marker);
    S3Xml xml =
        S3Xml.document("ListBucketResult")
            .element("Name", call.bucket())
            .element("Prefix", asked.text(asked.prefix()))
            .element("Marker", asked.text(marker));
    if (page.truncated() && !asked.delimiter().isEmpty()) {
      xml.element("NextMarker", asked.text(page.last()));
    }
    return finish(xml, call, asked, page, true);
  }

  private S3Response second(S3Call call, Asked asked) {
    String start = call.parameter("start-after");
    String token = call.parameter("continuation-token");
    if (call.has("continuation-token") && token.isEmpty()) {
      throw S3Exception.invalidArgument(
          "The continuation token provided is incorrect", "continuation-token", "");
    }
    Listing page = list(call, asked, token.isEmpty() ? start : decodeToken(token));
    S3Xml xml =
        S3Xml.document("ListBucketResult")
            .element("Name", call.bucket())
            .element("Prefix", asked.text(asked.prefix()))
            .element("KeyCount", page.objects().size() + page.commonPrefixes().size());
    if (!start.isEmpty()) {
      xml.element("StartAfter", asked.text(start));
    }
    if (!token.isEmpty()) {
      xml.element("ContinuationToken", token);
    }
    if (page.truncated()) {
      xml.element("NextContinuationToken", encodeToken(page.last()));
    }
    return finish(xml, call, asked, page, call.parameter("fetch-owner").equals("true"));
  }

  private static S3Response finish(
      S3Xml xml, S3Call call, Asked asked, Listing page, boolean owner) {
    xml.element("MaxKeys", asked.most());
    if (!asked.delimiter().isEmpty()) {
      xml.element("Delimiter", asked.text(asked.delimiter()));
    }
    if (asked.encode()) {
      xml.element("EncodingType", "url");
    }
    xml.element("IsTruncated", page.truncated());
    for (ObjectInfo info : page.objects()) {
      xml.open("Contents").element("Key", asked.text(info.key()));
      describe(xml, info);
      if (owner) {
        S3Buckets.owner(xml, "Owner");
      }
      xml.close("Contents");
    }
    asked.prefixes(xml, page.commonPrefixes());
    return S3Response.xml(200, xml.end("ListBucketResult"));
  }

  private static void describe(S3Xml xml, ObjectInfo info) {
    xml.element("LastModified", info.lastModified()).element("ETag", "\"" + info.etag() + "\"");
    Map<String, String> checksums = info.checksums();
    checksums
        .keySet()
        .forEach(name -> xml.element("ChecksumAlgorithm", name.toUpperCase(java.util.Locale.ROOT)));
    if (!checksums.isEmpty()) {
      xml.element("ChecksumType", S3Headers.checksumType(checksums));
    }
    xml.element("Size", info.size()).element("StorageClass", S3Objects.storageClass(info));
  }

  S3Response versions(S3Call call) {
    call.requireOnBucket("s3:ListBucketVersions");
    Asked asked = Asked.of(call, "max-keys");
    String keyMarker = call.parameter("key-marker");
    String idMarker = call.parameter("version-id-marker");
    if (call.has("version-id-marker") && (idMarker.isEmpty() || keyMarker.isEmpty())) {
      throw S3Exception.invalidArgument(
          idMarker.isEmpty()
              ? "A version-id marker cannot be empty."
              : "A version-id marker cannot be specified without a key marker.",
          "version-id-marker",
          idMarker);
    }
    VersionListing page =
        store.versions(
            new VersionListing.Wanted(
                call.bucket(),
                asked.prefix(),
                asked.delimiter(),
                keyMarker,
                idMarker.isEmpty() ? "" : VersionIds.checked(idMarker),
                asked.most()));
    S3Xml xml =
        S3Xml.document("ListVersionsResult")
            .element("Name", call.bucket())
            .element("Prefix", asked.text(asked.prefix()))
            .element("KeyMarker", asked.text(keyMarker))
            .element("VersionIdMarker", idMarker);
    if (page.truncated()) {
      xml.element("NextKeyMarker", asked.text(page.lastKey()));
      if (!page.lastVersion().isEmpty()) {
        xml.element("NextVersionIdMarker", page.lastVersion());
      }
    }
    xml.element("MaxKeys", asked.most());
    if (!asked.delimiter().isEmpty()) {
      xml.element("Delimiter", asked.text(asked.delimiter()));
    }
    if (asked.encode()) {
      xml.element("EncodingType", "url");
    }
    xml.element("IsTruncated", page.truncated());
    for (Version version : page.versions()) {
      String element = version.marker() ? "DeleteMarker" : "Version";
      xml.open(element)
          .element("Key", asked.text(version.info().key()))
          .element("VersionId", version.info().versionId())
          .element("IsLatest", version.latest());
      if (version.marker()) {
        xml.element("LastModified", version.info().lastModified());
      } else {
        describe(xml, version.info());
      }
      S3Buckets.owner(xml, "Owner");
      xml.close(element);
    }
    asked.prefixes(xml, page.commonPrefixes());
    return S3Response.xml(200, xml.end("ListVersionsResult"));
  }

  S3Response uploads(S3Call call) {
    call.requireOnBucket("s3:ListBucketMultipartUploads");
    store.bucket(call.bucket());
    Asked asked = Asked.of(call, "max-uploads");
    String keyMarker = call.parameter("key-marker");
    String idMarker = keyMarker.isEmpty() ? "" : call.parameter("upload-id-marker");
    boolean fromPrefix = KeyOrder.compare(keyMarker, asked.prefix()) < 0;
    // without an id all uploads of the marker's key are behind us: '~' is above all ids
    List<MultipartUploads.Upload> found =
        store
            .uploads()
            .list(
                call.bucket(),
                fromPrefix ? asked.prefix() : keyMarker,
                fromPrefix ? "" : idMarker.isEmpty() ? "~" : idMarker,
                KeyOrder.behind(asked.prefix()),
                asked.delimiter().isEmpty() ? asked.most() + 1 : MultipartUploads.MAX_PARTS);
    TreeSet<String> prefixes = new TreeSet<>(KeyOrder::compare);
    S3Xml entries = S3Xml.part();
    String lastKey = "";
    String lastId = "";
    int count = 0;
    boolean truncated = false;
    for (MultipartUploads.Upload upload : found) {
      String common = KeyOrder.commonPrefix(upload.key(), asked.prefix(), asked.delimiter());
      if (!common.isEmpty() && (prefixes.contains(common) || common.equals(keyMarker))) {
        lastKey = upload.key();
        lastId = upload.id();
        continue;
      }
      if (count == asked.most()) {
        truncated = count > 0;
        break;
      }
      count++;
      lastKey = upload.key();
      lastId = upload.id();
      if (!common.isEmpty()) {
        prefixes.add(common);
        continue;
      }
      entries.open("Upload").element("Key", asked.text(upload.key())).element("UploadId", lastId);
      S3Buckets.owner(entries, "Initiator");
      S3Buckets.owner(entries, "Owner");
      entries
          .element(
              "StorageClass", upload.headers().getOrDefault(S3Headers.STORAGE_CLASS, "STANDARD"))
          .element("Initiated", upload.initiated());
      if (!upload.algorithm().isEmpty()) {
        entries
            .element("ChecksumAlgorithm", upload.algorithm().toUpperCase(java.util.Locale.ROOT))
            .element("ChecksumType", upload.fullObject() ? "FULL_OBJECT" : "COMPOSITE");
      }
      entries.close("Upload");
    }
    S3Xml xml =
        S3Xml.document("ListMultipartUploadsResult")
            .element("Bucket", call.bucket())
            .element("KeyMarker", asked.text(keyMarker))
            .element("UploadIdMarker", idMarker);
    if (truncated) {
      xml.element("NextKeyMarker", asked.text(lastKey)).element("NextUploadIdMarker", lastId);
    }
    xml.element("Prefix", asked.text(asked.prefix()));
    if (!asked.delimiter().isEmpty()) {
      xml.element("Delimiter", asked.text(asked.delimiter()));
    }
    if (asked.encode()) {
      xml.element("EncodingType", "url");
    }
    xml.element("MaxUploads", asked.most()).element("IsTruncated", truncated).add(entries);
    asked.prefixes(xml, List.copyOf(prefixes));
    return S3Response.xml(200, xml.end("ListMultipartUploadsResult"));
  }

  /** A number in the query, at most the highest that is served. */
  static int number(S3Call call, String name, int highest) {
    return number(call, name, highest, highest);
  }

  static int number(S3Call call, String name, int highest, int otherwise) {
    String text = call.parameter(name);
    try {
      int wanted = text.isEmpty() ? otherwise : Integer.parseInt(text);
      if (wanted >= 0) {
        return Math.min(wanted, highest);
      }
    } catch (NumberFormatException e) {
      throw S3Exception.invalidArgument(
          "Provided " + name + " not an integer or within integer range", name, text);
    }
    throw S3Exception.invalidArgument(
        "Argument " + name + " must be an integer between 0 and 2147483647", name, text);
  }

  static String encodeToken(String last) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(last.getBytes(StandardCharsets.UTF_8));
  }

  static String decodeToken(String token) {
    try {
      String text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
      if (text.indexOf(0) < 0) {
        return text;
      }
    } catch (IllegalArgumentException e) {
      throw badToken(token);
    }
    throw badToken(token);
  }

  private static S3Exception badToken(String token) {
    return S3Exception.invalidArgument(
        "The continuation token provided is incorrect", "continuation-token", token);
  }
}
