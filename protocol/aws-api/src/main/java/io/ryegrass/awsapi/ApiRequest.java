package io.ryegrass.awsapi;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An HTTP request as it came over the wire.
 *
 * @param method upper-case method
 * @param rawPath path before any decoding
 * @param rawQuery query before any decoding, without the question mark, empty when there is none
 * @param headers by lower-case name
 * @param body the whole body, empty when there is none
 * @param remoteAddress IP address of the client, empty when it is not known
 */
public record ApiRequest(
    String method,
    String rawPath,
    String rawQuery,
    Map<String, List<String>> headers,
    byte[] body,
    String remoteAddress) {

  /** A request of which nobody knows where it came from. */
  public ApiRequest(
      String method,
      String rawPath,
      String rawQuery,
      Map<String, List<String>> headers,
      byte[] body) {
    this(method, rawPath, rawQuery, headers, body, "");
  }

  /** First value of a header, by lower-case name. */
  public Optional<String> header(String lowerCaseName) {
    List<String> values = headers.get(lowerCaseName);
    return values == null || values.isEmpty() ? Optional.empty() : Optional.of(values.getFirst());
  }

  @Override
  public String toString() {
    return "ApiRequest[" + method + " " + rawPath + ", " + body.length + " bytes]";
  }
}
