package io.ryegrass.awssignature;

import java.util.List;
import java.util.Map;

/**
 * The parts of an HTTP request that a signature covers.
 *
 * @param method upper-case HTTP method
 * @param rawPath path exactly as on the wire, still percent-encoded
 * @param rawQuery query exactly as on the wire without the question mark, empty when there is none
 * @param headers all headers by lower-case name; {@code host} must be among them
 */
public record HttpRequestToSign(
    String method, String rawPath, String rawQuery, Map<String, List<String>> headers) {}
