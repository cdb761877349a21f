package io.ryegrass.objects;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is known of an object without reading it.
 *
 * @param key 1 to 1024 bytes of UTF-8
 * @param versionId {@code null} (the text) for what was put without versions
 * @param size bytes
 * @param etag lower-case hex MD5 without quotes; with {@code -N} for an object of N parts
 * @param lastModified when it was put
 * @param contentType {@code binary/octet-stream} unless given
 * @param headers other HTTP headers to give back as they came (lower-case names: {@code
 *     x-amz-meta-…}, {@code content-encoding}, {@code cache-control} …)
 * @param checksums base64 values by lower-case algorithm ({@code crc32}, {@code sha256} …); with
 *     {@code -N} behind when it is one over the checksums of N parts
 * @param tags by name
 * @param parts sizes of the parts it was uploaded in; empty for one piece
 */
public record ObjectInfo(
    String key,
    String versionId,
    long size,
    String etag,
    Instant lastModified,
    String contentType,
    Map<String, String> headers,
    Map<String, String> checksums,
    Map<String, String> tags,
    List<Long> parts) {

  /** The type of an object that came without one. */
  public static final String DEFAULT_TYPE = "binary/octet-stream";

  /** The version id of what was put without versions. */
  static final String NULL_VERSION = "null";

  public ObjectInfo {
    headers = java.util.Collections.unmodifiableMap(new TreeMap<>(headers));
    checksums = java.util.Collections.unmodifiableMap(new TreeMap<>(checksums));
    tags = java.util.Collections.unmodifiableMap(new TreeMap<>(tags));
    parts = List.copyOf(parts);
  }

  ObjectInfo withVersion(String id) {
    return new ObjectInfo(
        key, id, size, etag, lastModified, contentType, headers, checksums, tags, parts);
  }
}
