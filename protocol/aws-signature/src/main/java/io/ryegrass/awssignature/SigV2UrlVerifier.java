package io.ryegrass.awssignature;

import io.ryegrass.awssignature.SignatureException.Dialect;
import io.ryegrass.awssignature.SignatureException.Reason;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Checks presigned URLs of S3 in Signature Version 2 (S3 developer guide, "Signing and
 * authenticating REST requests", query string authentication): what boto3 and the AWS CLI 1 make
 * for us-east-1 unless they are told otherwise. Only URLs; requests with a header of version 2 are
 * nobody's default any more. Safe for many threads.
 *
 * <p>Version 2 signs the path, the sub-resources and {@code x-amz-} headers. A parameter that it
 * does not sign could be added by whoever holds the URL, so only those that merely choose a part of
 * a listing are let through.
 */
public final class SigV2UrlVerifier {
  private static final Set<String> OWN = Set.of("AWSAccessKeyId", "Expires", "Signature");

  /** Signed with their values. */
  private static final Set<String> SIGNED =
      Set.of(
          "accelerate",
          "acl",
          "analytics",
          "cors",
          "delete",
          "encryption",
          "inventory",
          "lifecycle",
          "location",
          "logging",
          "metrics",
          "notification",
          "partNumber",
          "policy",
          "policyStatus",
          "publicAccessBlock",
          "replication",
          "requestPayment",
          "response-cache-control",
          "response-content-disposition",
          "response-content-encoding",
          "response-content-language",
          "response-content-type",
          "response-expires",
          "restore",
          "tagging",
          "torrent",
          "uploadId",
          "uploads",
          "versionId",
          "versioning",
          "versions",
          "website");

  private static final Set<String> UNSIGNED =
      Set.of(
          "prefix",
          "delimiter",
          "marker",
          "max-keys",
          "encoding-type",
          "list-type",
          "start-after",
          "continuation-token",
          "fetch-owner",
          "key-marker",
          "version-id-marker",
          "max-parts",
          "part-number-marker",
          "max-uploads",
          "upload-id-marker");

  private final AccessKeySource keys;
  private final Clock clock;

  /**
   * @param keys asked once per request
   * @param clock the server's time
   */
  public SigV2UrlVerifier(AccessKeySource keys, Clock clock) {
    this.keys = keys;
    this.clock = clock;
  }

  /** Whether a query is that of a URL of version 2. */
  public static boolean claims(String rawQuery) {
    return rawQuery.startsWith("AWSAccessKeyId=") || rawQuery.contains("&AWSAccessKeyId=");
  }

  /**
   * Checks a URL.
   *
   * @param resource bucket and key as signed: {@code /bucket/key} with the path still encoded
   * @return the key that signed
   * @throws SignatureException when the signature is not good or the URL is past its time
   */
  public AccessKey verify(HttpRequestToSign request, String resource) {
    Map<String, String> query = query(request.rawQuery());
    Instant expires = expires(query.getOrDefault("Expires", ""));
    AccessKey key =
        keys.find(query.getOrDefault("AWSAccessKeyId", ""))
            .orElseThrow(
                () ->
                    failure(
                        Reason.UNKNOWN_KEY,
                        "The AWS Access Key Id you provided does not exist in our records."));
    String text = stringToSign(request, query, resource);
    byte[] expected = Base64.getEncoder().encode(hmac(key.secretAccessKey(), text));
    if (!MessageDigest.isEqual(
        expected, query.getOrDefault("Signature", "").getBytes(StandardCharsets.UTF_8))) {
      throw failure(
          Reason.MISMATCH,
          "The request signature we calculated does not match the signature you provided. Check"
              + " your key and signing method.");
    }
    Instant now = clock.instant();
    if (now.isAfter(expires)) {
      throw failure(Reason.URL_EXPIRED, "Request has expired");
    }
    if (!Objects.equals(key.sessionToken(), query.get("x-amz-security-token"))) {
      throw failure(Reason.WRONG_TOKEN, "The provided token is malformed or otherwise invalid.");
    }
    Instant end = key.expires();
    if (end != null && !now.isBefore(end)) {
      throw failure(Reason.TOKEN_EXPIRED, "The provided token has expired.");
    }
    return key;
  }

  private static Instant expires(String seconds) {
    try {
      return Instant.ofEpochSecond(Long.parseLong(seconds));
    } catch (NumberFormatException | java.time.DateTimeException e) {
      throw new SignatureException(
          Reason.URL_EXPIRED,
          Dialect.S3,
          "Invalid date (should be seconds since epoch): " + seconds);
    }
  }

  private static String stringToSign(
      HttpRequestToSign request, Map<String, String> query, String resource) {
    TreeMap<String, String> amz = new TreeMap<>();
    request
        .headers()
        .forEach(
            (name, values) -> {
              String lower = name.toLowerCase(Locale.ROOT);
              if (lower.startsWith("x-amz-")) {
                amz.put(lower, String.join(",", values.stream().map(String::strip).toList()));
              }
            });
    TreeMap<String, String> signed = new TreeMap<>();
    query.forEach(
        (name, value) -> {
          if (name.toLowerCase(Locale.ROOT).startsWith("x-amz-")) {
            amz.put(name.toLowerCase(Locale.ROOT), value);
          } else if (SIGNED.contains(name)) {
            signed.put(name, value);
          } else if (!OWN.contains(name)
              && !UNSIGNED.contains(name)
              && !name.equalsIgnoreCase("content-type")
              && !name.equalsIgnoreCase("content-md5")) {
            throw failure(
                Reason.MISMATCH,
                "The parameter "
                    + name
                    + " is not signed by Signature Version 2; sign the URL with version 4"
                    + " (signature_version s3v4).");
          }
        });
    StringBuilder text = new StringBuilder(request.method());
    text.append('\n').append(either(request, query, "content-md5"));
    text.append('\n').append(either(request, query, "content-type"));
    text.append('\n').append(query.getOrDefault("Expires", "")).append('\n');
    amz.forEach((name, value) -> text.append(name).append(':').append(value).append('\n'));
    text.append(resource);
    char separator = '?';
    for (Map.Entry<String, String> e : signed.entrySet()) {
      text.append(separator).append(e.getKey());
      if (!e.getValue().isEmpty()) {
        text.append('=').append(e.getValue());
      }
      separator = '&';
    }
    return text.toString();
  }

  private static String either(HttpRequestToSign request, Map<String, String> query, String name) {
    List<String> values = request.headers().get(name);
    return values != null && !values.isEmpty() ? values.getFirst() : query.getOrDefault(name, "");
  }

  /** One value per name: two of the same would let the signed one differ from the one used. */
  private static Map<String, String> query(String rawQuery) {
    Map<String, String> result = new TreeMap<>();
    for (String pair : rawQuery.split("&")) {
      int equals = pair.indexOf('=');
      String name = decode(equals < 0 ? pair : pair.substring(0, equals));
      if (result.put(name, equals < 0 ? "" : decode(pair.substring(equals + 1))) != null) {
        throw failure(Reason.MISMATCH, "The parameter " + name + " is given twice.");
      }
    }
    return result;
  }

  private static String decode(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw failure(Reason.MISMATCH, "Couldn't parse the specified URI.");
    }
  }

  private static byte[] hmac(String secret, String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA1");
      mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA1"));
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has HmacSHA1", e);
    }
  }

  private static SignatureException failure(Reason reason, String message) {
    return new SignatureException(reason, Dialect.S3, message);
  }
}
