package io.ryegrass.awssignature;

import static io.ryegrass.awssignature.CanonicalRequest.ALGORITHM;
import static io.ryegrass.awssignature.CanonicalRequest.TIME;
import static io.ryegrass.awssignature.CanonicalRequest.UNSIGNED_PAYLOAD;

import io.ryegrass.awssignature.SignatureException.Dialect;
import io.ryegrass.awssignature.SignatureException.Reason;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Checks Signature Version 4 on requests that came over the wire, by header or by presigned URL.
 *
 * <p>A signature is good when the key is known and alive, the time is within fifteen minutes of the
 * server's (or within the life of a presigned URL), all headers that change what the request means
 * are signed, the body has the hash that was signed, and the HMAC agrees. Safe for use by many
 * threads.
 */
public final class SigV4Verifier {

  private static final Duration SKEW = Duration.ofMinutes(15);
  private static final long LONGEST_VALIDITY_SECONDS = 7 * 24 * 3600;
  private static final Set<String> SIGNATURE_KEY = Set.of("X-Amz-Signature");
  private static final Set<String> SIGNATURE_AND_TOKEN =
      Set.of("X-Amz-Signature", "X-Amz-Security-Token");

  /**
   * Services whose clients append the session token to a URL that is already signed (AWS IoT Core
   * developer guide, MQTT over the WebSocket protocol). The token is compared by itself.
   */
  private static final Set<String> TOKEN_IS_ADDED_LATER = Set.of("iotdevicegateway", "iotdata");

  /** What such a URL is good for when it names no time itself. */
  private static final String DEVICE_GATEWAY_SECONDS = "300";

  private static final Set<String> IN_PRESIGNED_QUERY =
      Set.of("x-amz-date", "x-amz-security-token", "x-amz-content-sha256");
  private static final Set<String> QUERY_SERVICES =
      Set.of("sts", "iam", "sns", "cloudformation", "monitoring", "ec2");

  private final AccessKeySource keys;
  private final Clock clock;

  /**
   * A verifier.
   *
   * @param keys asked once per request
   * @param clock the server's time
   */
  public SigV4Verifier(AccessKeySource keys, Clock clock) {
    this.keys = keys;
    this.clock = clock;
  }

  /** A good signature: by which key, for which service and region of the credential scope. */
  public record Verified(AccessKey key, String service, String region) {}

  /** What a request says about its signature; nothing of it is checked yet. */
  private record Claim(
      String accessKeyId,
      String day,
      String region,
      String service,
      List<String> signedHeaders,
      String signature,
      String time,
      @Nullable String token,
      boolean presigned,
      long validSeconds) {

    Dialect dialect() {
      return dialectOf(service);
    }
  }

  /** The service named by the credential scope, without any check; empty for unsigned requests. */
  public static Optional<String> claimedService(HttpRequestToSign request) {
    try {
      return Optional.of(claim(request).service());
    } catch (SignatureException e) {
      return Optional.empty(); // the caller only wants a hint for routing
    }
  }

  /**
   * Checks a request whose body is at hand.
   *
   * @throws SignatureException when the signature is missing or not good
   */
  public Verified verify(HttpRequestToSign request, byte[] body) {
    return verify(request, () -> CanonicalRequest.sha256(body));
  }

  /**
   * Checks a request whose body was hashed while it was received.
   *
   * @param bodySha256 asked only when the body is signed; lower-case hex
   * @throws SignatureException when the signature is missing or not good
   */
  public Verified verify(HttpRequestToSign request, Supplier<String> bodySha256) {
    Claim claim = claim(request);
    Dialect dialect = claim.dialect();
    checkSignedHeaders(request, claim);
    Instant now = clock.instant();
    Instant signedAt = time(claim);
    AccessKey key =
        keys.find(claim.accessKeyId())
            .orElseThrow(
                () ->
                    new SignatureException(
                        Reason.UNKNOWN_KEY,
                        dialect,
                        dialect == Dialect.S3
                            ? "The AWS Access Key Id you provided does not exist in our records."
                            : "The security token included in the request is invalid."));

    String body = payloadHash(request, claim, bodySha256);
    boolean good =
        isSigned(request, claim, key, signedAt, body, claim.presigned() ? SIGNATURE_KEY : Set.of())
            || (claim.presigned()
                && claim.token() != null
                && TOKEN_IS_ADDED_LATER.contains(claim.service())
                && isSigned(request, claim, key, signedAt, body, SIGNATURE_AND_TOKEN));
    if (!good) {
      throw new SignatureException(
          Reason.MISMATCH,
          dialect,
          "The request signature we calculated does not match the signature you provided. Check your"
              + " AWS Secret Access Key and signing method. Consult the service documentation for"
              + " details.");
    }
    checkTime(claim, signedAt, now);
    checkToken(claim, key, now);
    return new Verified(key, claim.service(), claim.region());
  }

  private static boolean isSigned(
      HttpRequestToSign request,
      Claim claim,
      AccessKey key,
      Instant signedAt,
      String bodyHash,
      Set<String> leftOut) {
    String canonical =
        CanonicalRequest.of(request, claim.service(), claim.signedHeaders(), bodyHash, leftOut);
    return equal(
        CanonicalRequest.signature(
            key.secretAccessKey(), claim.region(), claim.service(), signedAt, canonical),
        claim.signature());
  }

  private static Claim claim(HttpRequestToSign request) {
    String authorization = first(request, "authorization");
    if (authorization != null && authorization.startsWith(ALGORITHM)) {
      return headerClaim(request, authorization);
    }
    if (request.rawQuery().contains("X-Amz-Signature=")) {
      return queryClaim(request);
    }
    if (authorization != null) {
      throw new SignatureException(
          Reason.MALFORMED,
          Dialect.JSON,
          "The Authorization header does not start with " + ALGORITHM + ".");
    }
    throw new SignatureException(
        Reason.MISSING, Dialect.JSON, "Missing Authentication Token: the request is not signed.");
  }

  private static Claim headerClaim(HttpRequestToSign request, String authorization) {
    Map<String, String> parts = new HashMap<>();
    for (String part : authorization.substring(ALGORITHM.length()).split(",")) {
      int equals = part.indexOf('=');
      if (equals > 0) {
        parts.put(part.substring(0, equals).strip(), part.substring(equals + 1).strip());
      }
    }
    return claimOf(
        parts.get("Credential"),
        parts.get("SignedHeaders"),
        parts.get("Signature"),
        first(request, "x-amz-date"),
        first(request, "x-amz-security-token"),
        false,
        "0");
  }

  private static Claim queryClaim(HttpRequestToSign request) {
    Map<String, String> query = CanonicalRequest.queryParameters(request.rawQuery());
    if (!ALGORITHM.equals(query.get("X-Amz-Algorithm"))) {
      throw new SignatureException(
          Reason.MALFORMED, Dialect.JSON, "X-Amz-Algorithm must be " + ALGORITHM + ".");
    }
    return claimOf(
        query.get("X-Amz-Credential"),
        query.get("X-Amz-SignedHeaders"),
        query.get("X-Amz-Signature"),
        query.get("X-Amz-Date"),
        query.get("X-Amz-Security-Token"),
        true,
        query.getOrDefault("X-Amz-Expires", withoutExpiry(query.get("X-Amz-Credential"))));
  }

  private static String withoutExpiry(@Nullable String credential) {
    boolean gateway =
        credential != null
            && TOKEN_IS_ADDED_LATER.stream()
                .anyMatch(s -> credential.endsWith("/" + s + "/aws4_request"));
    return gateway ? DEVICE_GATEWAY_SECONDS : "";
  }

  private static Claim claimOf(
      @Nullable String credential,
      @Nullable String signedHeaders,
      @Nullable String signature,
      @Nullable String time,
      @Nullable String token,
      boolean presigned,
      String expires) {
    if (credential == null || signedHeaders == null || signature == null || time == null) {
      throw new SignatureException(
          Reason.MALFORMED,
          Dialect.JSON,
          "The signature lacks one of Credential, SignedHeaders, Signature, X-Amz-Date.");
    }
    String[] scope = credential.split("/", -1);
    if (scope.length < 5 || !scope[scope.length - 1].equals("aws4_request")) {
      throw new SignatureException(
          Reason.MALFORMED,
          Dialect.JSON,
          "Credential must be ACCESSKEY/DATE/REGION/SERVICE/aws4_request.");
    }
    int end = scope.length;
    String service = scope[end - 2];
    String id = String.join("/", List.of(scope).subList(0, end - 4));
    long valid;
    try {
      valid = Long.parseLong(expires);
    } catch (NumberFormatException e) {
      throw new SignatureException(
          Reason.MALFORMED, dialectOf(service), "X-Amz-Expires must be a number of seconds.");
    }
    if (valid < 0 || valid > LONGEST_VALIDITY_SECONDS) {
      throw new SignatureException(
          Reason.MALFORMED,
          dialectOf(service),
          "X-Amz-Expires must be between 0 and " + LONGEST_VALIDITY_SECONDS + " seconds.");
    }
    return new Claim(
        id,
        scope[end - 4],
        scope[end - 3],
        service,
        List.of(signedHeaders.split(";")),
        signature,
        time,
        token,
        presigned,
        valid);
  }

  /** What gives the request its meaning must be signed, or it could be changed on the way. */
  private static void checkSignedHeaders(HttpRequestToSign request, Claim claim) {
    requireSigned(claim, "host");
    if (!claim.presigned()) {
      requireSigned(claim, "x-amz-date");
    }
    for (String name : request.headers().keySet()) {
      if (changesMeaning(name, claim)) {
        requireSigned(claim, name);
      }
    }
  }

  /**
   * To S3 every {@code x-amz-} header is an instruction ({@code x-amz-copy-source} turns an upload
   * into the copy of another object), so none may be added to a request that someone else signed. A
   * presigned URL has time, token and hash in its query; those headers are not looked at.
   */
  private static boolean changesMeaning(String header, Claim claim) {
    if (claim.presigned() && IN_PRESIGNED_QUERY.contains(header)) {
      return false;
    }
    return claim.dialect() == Dialect.S3
        ? header.startsWith("x-amz-")
        : header.equals("x-amz-target") || header.equals("x-amz-security-token");
  }

  private static void requireSigned(Claim claim, String header) {
    if (!claim.signedHeaders().contains(header)) {
      throw new SignatureException(
          Reason.MALFORMED, claim.dialect(), "'" + header + "' must be a 'SignedHeader'.");
    }
  }

  private static Instant time(Claim claim) {
    try {
      Instant time = TIME.parse(claim.time(), Instant::from);
      if (claim.time().startsWith(claim.day())) {
        return time;
      }
    } catch (DateTimeException e) {
      throw new SignatureException(
          Reason.MALFORMED,
          claim.dialect(),
          "Date must be in ISO-8601 'basic format'. Got '" + claim.time() + "'.");
    }
    throw new SignatureException(
        Reason.MALFORMED,
        claim.dialect(),
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '"
            + claim.day()
            + "' != '"
            + claim.time()
            + "'.");
  }

  private static String payloadHash(
      HttpRequestToSign request, Claim claim, Supplier<String> bodySha256) {
    String declared = first(request, "x-amz-content-sha256");
    if (claim.dialect() != Dialect.S3) {
      return bodySha256.get();
    }
    if (declared == null) {
      return claim.presigned() ? UNSIGNED_PAYLOAD : bodySha256.get();
    }
    if (declared.equals(UNSIGNED_PAYLOAD) || declared.startsWith("STREAMING-")) {
      return declared;
    }
    if (!equal(declared, bodySha256.get())) {
      throw new SignatureException(
          Reason.BODY_MISMATCH,
          Dialect.S3,
          "The provided 'x-amz-content-sha256' header does not match what was computed.");
    }
    return declared;
  }

  private static void checkTime(Claim claim, Instant signedAt, Instant now) {
    if (claim.presigned()) {
      if (now.isAfter(signedAt.plusSeconds(claim.validSeconds()))) {
        throw new SignatureException(Reason.URL_EXPIRED, claim.dialect(), "Request has expired");
      }
      if (signedAt.isAfter(now.plus(SKEW))) {
        throw new SignatureException(
            Reason.CLOCK_SKEW, claim.dialect(), "The request is not valid yet.");
      }
    } else if (Duration.between(signedAt, now).abs().compareTo(SKEW) > 0) {
      throw new SignatureException(
          Reason.CLOCK_SKEW,
          claim.dialect(),
          signedAt.isBefore(now)
              ? "Signature expired: "
                  + claim.time()
                  + " is now earlier than "
                  + TIME.format(now.minus(SKEW))
                  + " ("
                  + TIME.format(now)
                  + " - 15 min.)"
              : "Signature not yet current: "
                  + claim.time()
                  + " is still later than "
                  + TIME.format(now.plus(SKEW))
                  + " ("
                  + TIME.format(now)
                  + " + 15 min.)");
    }
  }

  private static void checkToken(Claim claim, AccessKey key, Instant now) {
    String expected = key.sessionToken() == null ? "" : key.sessionToken();
    String given = claim.token() == null ? "" : claim.token();
    if (!equal(expected, given)) {
      throw new SignatureException(
          Reason.WRONG_TOKEN,
          claim.dialect(),
          "The security token included in the request is invalid.");
    }
    if (key.expires() != null && !now.isBefore(key.expires())) {
      throw new SignatureException(
          Reason.TOKEN_EXPIRED,
          claim.dialect(),
          "The security token included in the request is expired");
    }
  }

  private static Dialect dialectOf(String service) {
    if (CanonicalRequest.isS3(service)) {
      return Dialect.S3;
    }
    return QUERY_SERVICES.contains(service) ? Dialect.QUERY : Dialect.JSON;
  }

  private static @Nullable String first(HttpRequestToSign request, String name) {
    List<String> values = request.headers().get(name);
    return values == null || values.isEmpty() ? null : values.getFirst();
  }

  private static boolean equal(String a, String b) {
    return MessageDigest.isEqual(
        a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));
  }
}
