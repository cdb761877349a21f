package io.ryegrass.objects;

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
import java.util.Set;

/** Headers of objects: those that are kept with them, and those that make a request conditional. */
final class S3Headers {
  static final String STORAGE_CLASS = "x-amz-storage-class";
  static final String REDIRECT = "x-amz-website-redirect-location";
  private static final DateTimeFormatter HTTP_DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);
  private static final List<String> KEPT =
      List.of("cache-control", "content-disposition", "content-language", "expires", REDIRECT);
  private static final int MAX_METADATA = 2048;
  private static final String METADATA = "x-amz-meta-";

  /** Classes that differ in price only, which is none here. */
  private static final Set<String> CLASSES =
      Set.of("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING");

  private static final Set<String> SLOW_CLASSES =
      Set.of("GLACIER", "DEEP_ARCHIVE", "GLACIER_IR", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE");

  private S3Headers() {}

  static String date(Instant time) {
    return HTTP_DATE.format(time);
  }

  // ---- of requests that make an object

  static String typeOf(S3Call call) {
    String type = call.request().header("content-type");
    return type.isEmpty() ? ObjectInfo.DEFAULT_TYPE : type;
  }

  /** What is kept beside the type. */
  static Map<String, String> kept(S3Call call) {
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
    int size = 0;
    for (Map.Entry<String, List<String>> header : call.request().headers().entrySet()) {
      if (header.getKey().startsWith(METADATA)) {
        String value = String.join(",", header.getValue());
        result.put(header.getKey(), value);
        size += header.getKey().length() - METADATA.length() + value.length();
      }
    }
    if (size > MAX_METADATA) {
      throw new S3Exception(
              "MetadataTooLarge",
              400,
              "Your metadata headers exceed the maximum allowed metadata size")
          .with("Size", Integer.toString(size))
          .with("MaxSizeAllowed", Integer.toString(MAX_METADATA));
    }
    String storageClass = storageClass(call);
    if (!storageClass.isEmpty()) {
      result.put(STORAGE_CLASS, storageClass);
    }
    return result;
  }

  private static String storageClass(S3Call call) {
    String wanted = call.request().header(STORAGE_CLASS);
    if (SLOW_CLASSES.contains(wanted)) {
      throw refused("Storage class " + wanted);
    }
    if (!wanted.isEmpty() && !CLASSES.contains(wanted)) {
      throw new S3Exception(
              "InvalidStorageClass", 400, "The storage class you specified is not valid")
          .with("StorageClassRequested", wanted);
    }
    return wanted.equals("STANDARD") ? "" : wanted;
  }

  /** Refuses what an object would not be: encrypted, locked, open to others. */
  static void refuseUnkept(S3Call call) {
    for (String name : call.request().headers().keySet()) {
      if (name.startsWith("x-amz-server-side-encryption")
          || name.startsWith("x-amz-copy-source-server-side-encryption")) {
        throw refused(
            "Encryption by the server (" + name + "); put the folder on an encrypted disk");
      }
      if (name.startsWith("x-amz-object-lock")) {
        throw refused("Object lock (" + name + ")");
      }
      if (name.startsWith("x-amz-grant-")) {
        throw noAcl();
      }
    }
    checkAcl(call.request().header("x-amz-acl"));
  }

  /** As a bucket with BucketOwnerEnforced, which is what new buckets are at AWS. */
  static void checkAcl(String canned) {
    switch (canned) {
      case "", "private", "bucket-owner-full-control", "bucket-owner-read" -> {
        // the owner has all, which is what these say
      }
      case "public-read",
          "public-read-write",
          "authenticated-read",
          "aws-exec-read",
          "log-delivery-write" ->
          throw noAcl();
      default -> throw S3Exception.invalidArgument("", "x-amz-acl", canned);
    }
  }

  static S3Exception noAcl() {
    return new S3Exception(
        "AccessControlListNotSupported",
        400,
        "The bucket does not allow ACLs; allow others by a bucket policy");
  }

  static S3Exception refused(String what) {
    return new S3Exception("NotImplemented", 501, what + " is not served here");
  }

  static FolderStore.Precondition putCondition(S3Call call) {
    String none = call.request().header("if-none-match");
    String match = call.request().header("if-match");
    return present -> {
      if (!none.isEmpty() && present != null && names(none, present)) {
        throw S3Exception.preconditionFailed("If-None-Match");
      }
      if (!match.isEmpty() && present == null) {
        throw S3Exception.noSuchKey(call.key());
      }
      if (!match.isEmpty() && present != null && !names(match, present)) {
        throw S3Exception.preconditionFailed("If-Match");
      }
    };
  }

  // ---- of answers

  /** All headers of an object that is read. */
  static Map<String, String> describe(ObjectInfo info, boolean versions, S3Call call) {
    Map<String, String> headers = new LinkedHashMap<>(info.headers());
    headers.put("content-type", info.contentType());
    headers.put("etag", "\"" + info.etag() + "\"");
    headers.put("last-modified", date(info.lastModified()));
    headers.put("accept-ranges", "bytes");
    if (versions) {
      headers.put("x-amz-version-id", info.versionId());
    }
    if (!info.tags().isEmpty()) {
      headers.put("x-amz-tagging-count", Integer.toString(info.tags().size()));
    }
    if (call.request().header("x-amz-checksum-mode").equalsIgnoreCase("ENABLED")) {
      headers.putAll(checksums(info.checksums()));
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

  /** {@code x-amz-checksum-…} and the type of it. */
  static Map<String, String> checksums(Map<String, String> values) {
    Map<String, String> headers = new LinkedHashMap<>();
    values.forEach((name, value) -> headers.put("x-amz-checksum-" + name, value));
    if (!values.isEmpty()) {
      headers.put("x-amz-checksum-type", checksumType(values));
    }
    return headers;
  }

  static String checksumType(Map<String, String> values) {
    return values.values().stream().anyMatch(v -> v.contains("-")) ? "COMPOSITE" : "FULL_OBJECT";
  }

  /**
   * False for "not modified" (RFC 9110 §13.2.2).
   *
   * @param prefix of the headers: empty, or {@code x-amz-copy-source-}
   * @throws S3Exception when If-Match or If-Unmodified-Since fails
   */
  static boolean modified(S3Call call, ObjectInfo info, String prefix) {
    String match = call.request().header(prefix + "if-match");
    Instant modified = info.lastModified().truncatedTo(ChronoUnit.SECONDS);
    if (!match.isEmpty()) {
      if (!names(match, info)) {
        throw S3Exception.preconditionFailed("If-Match");
      }
    } else if (after(call, prefix + "if-unmodified-since", modified)) {
      throw S3Exception.preconditionFailed("If-Unmodified-Since");
    }
    String none = call.request().header(prefix + "if-none-match");
    if (!none.isEmpty()) {
      return !names(none, info);
    }
    return call.request().header(prefix + "if-modified-since").isEmpty()
        || after(call, prefix + "if-modified-since", modified);
  }

  private static boolean after(S3Call call, String header, Instant modified) {
    String text = call.request().header(header);
    if (text.isEmpty()) {
      return false;
    }
    try {
      return modified.isAfter(
          Character.isDigit(text.charAt(0))
              ? Instant.parse(text)
              : DateTimeFormatter.RFC_1123_DATE_TIME.parse(text, Instant::from));
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
}
