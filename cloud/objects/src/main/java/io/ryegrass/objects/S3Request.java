package io.ryegrass.objects;

import java.io.InputStream;
import java.util.List;
import java.util.Map;

/**
 * An HTTP request for the S3 API, body not yet read.
 *
 * @param method upper-case method
 * @param rawPath path before any decoding
 * @param rawQuery query before any decoding, without the question mark, empty when there is none
 * @param headers by lower-case name
 * @param body read at most once, to its end or to the configured bound
 */
public record S3Request(
    String method,
    String rawPath,
    String rawQuery,
    Map<String, List<String>> headers,
    InputStream body) {

  /** First value of a header or an empty text. */
  String header(String lowerCaseName) {
    List<String> values = headers.get(lowerCaseName);
    return values == null || values.isEmpty() ? "" : values.getFirst();
  }
}
