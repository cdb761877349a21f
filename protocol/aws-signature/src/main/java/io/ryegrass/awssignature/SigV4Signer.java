package io.ryegrass.awssignature;

import static io.ryegrass.awssignature.CanonicalRequest.ALGORITHM;
import static io.ryegrass.awssignature.CanonicalRequest.TIME;
import static io.ryegrass.awssignature.CanonicalRequest.encode;
import static io.ryegrass.awssignature.CanonicalRequest.scope;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Signs requests with Signature Version 4. Stateless. */
public final class SigV4Signer {

  /** Headers that proxies or HTTP clients change or add after signing. */
  private static final Set<String> NEVER_SIGNED =
      Set.of(
          "authorization",
          "connection",
          "content-length",
          "expect",
          "te",
          "transfer-encoding",
          "user-agent",
          "x-amzn-trace-id");

  private static final Duration LONGEST_VALIDITY = Duration.ofDays(7);

  private SigV4Signer() {}

  /**
   * The headers to add to a request so that it is signed: {@code authorization}, {@code
   * x-amz-date}, {@code x-amz-content-sha256} and, with temporary credentials, {@code
   * x-amz-security-token}.
   *
   * @param request must have a {@code host} header; all its headers are signed but those that HTTP
   *     clients set themselves
   * @param now time of the signature; the server accepts it for fifteen minutes
   */
  public static Map<String, String> sign(
      Credentials credentials,
      String region,
      String service,
      HttpRequestToSign request,
      byte[] body,
      Instant now) {
    return sign(credentials, region, service, request, CanonicalRequest.sha256(body), now);
  }

  /**
   * The same for a body that is not in memory.
   *
   * @param payloadHash lower-case hex SHA-256 of the body
   */
  public static Map<String, String> sign(
      Credentials credentials,
      String region,
      String service,
      HttpRequestToSign request,
      String payloadHash,
      Instant now) {
    if (!request.headers().containsKey("host")) {
      throw new IllegalArgumentException("a request to sign needs its host header");
    }
    Map<String, String> added = new LinkedHashMap<>();
    added.put("x-amz-date", TIME.format(now));
    added.put("x-amz-content-sha256", payloadHash);
    if (credentials.sessionToken() != null) {
      added.put("x-amz-security-token", credentials.sessionToken());
    }

    TreeMap<String, List<String>> headers = new TreeMap<>(request.headers());
    headers.keySet().removeAll(NEVER_SIGNED);
    added.forEach((name, value) -> headers.put(name, List.of(value)));
    List<String> names = List.copyOf(headers.keySet());
    HttpRequestToSign complete =
        new HttpRequestToSign(request.method(), request.rawPath(), request.rawQuery(), headers);
    String canonical = CanonicalRequest.of(complete, service, names, payloadHash, Set.of());
    String signature =
        CanonicalRequest.signature(credentials.secretAccessKey(), region, service, now, canonical);
    added.put(
        "authorization",
        ALGORITHM
            + " Credential="
            + credentials.accessKeyId()
            + '/'
            + scope(TIME.format(now).substring(0, 8), region, service)
            + ", SignedHeaders="
            + String.join(";", names)
            + ", Signature="
            + signature);
    return added;
  }

  /**
   * A URL that carries its own signature in the query.
   *
   * @param uri scheme, host, port, path and query of the request; the path as it shall stand on the
   *     wire
   * @param validity at most seven days
   * @return the whole URL
   */
  public static String presign(
      Credentials credentials,
      String region,
      String service,
      String method,
      URI uri,
      Duration validity,
      Instant now) {
    if (validity.isNegative() || validity.compareTo(LONGEST_VALIDITY) > 0) {
      throw new IllegalArgumentException(
          "a presigned URL is valid for at most seven days, not " + validity);
    }
    String stamp = TIME.format(now);
    List<String> query = new ArrayList<>();
    if (uri.getRawQuery() != null && !uri.getRawQuery().isEmpty()) {
      query.add(uri.getRawQuery());
    }
    query.add("X-Amz-Algorithm=" + ALGORITHM);
    query.add(
        "X-Amz-Credential="
            + encode(
                credentials.accessKeyId() + '/' + scope(stamp.substring(0, 8), region, service),
                false));
    query.add("X-Amz-Date=" + stamp);
    query.add("X-Amz-Expires=" + validity.toSeconds());
    if (credentials.sessionToken() != null) {
      query.add("X-Amz-Security-Token=" + encode(credentials.sessionToken(), false));
    }
    query.add("X-Amz-SignedHeaders=host");

    String rawQuery = String.join("&", query);
    String path = uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
    boolean defaultPort =
        uri.getPort() < 0
            || (uri.getScheme().equals("http") && uri.getPort() == 80)
            || (uri.getScheme().equals("https") && uri.getPort() == 443);
    String host = defaultPort ? uri.getHost() : uri.getHost() + ':' + uri.getPort();
    HttpRequestToSign request =
        new HttpRequestToSign(method, path, rawQuery, Map.of("host", List.of(host)));
    String payloadHash =
        CanonicalRequest.isS3(service)
            ? CanonicalRequest.UNSIGNED_PAYLOAD
            : CanonicalRequest.sha256(new byte[0]);
    String canonical =
        CanonicalRequest.of(request, service, List.of("host"), payloadHash, Set.of());
    String signature =
        CanonicalRequest.signature(credentials.secretAccessKey(), region, service, now, canonical);
    return uri.getScheme() + "://" + host + path + '?' + rawQuery + "&X-Amz-Signature=" + signature;
  }
}
