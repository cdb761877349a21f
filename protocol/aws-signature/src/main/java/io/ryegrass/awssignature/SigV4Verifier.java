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
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.regex.Pattern;
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

  /** Any region of AWS: which one this cloud plays is not the client's business. */
  private static final Pattern REGION = Pattern.compile("[a-z]{2,4}(-[a-z]+)+-\\d+|aws-global");

  private static final int MAX_DERIVED = 10_000;

  /** A key derived from a secret for one day, region and service; four HMACs saved. */
  private record Derived(String secret, byte[] key) {

    @Override
    public String toString() {
      return "Derived"; // secrets do not show in texts
    }
  }

  private final AccessKeySource keys;
  private final Clock clock;
  private final Map<String, Derived> derived = new ConcurrentHashMap<>();

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

  /** For the same keys and by the same clock: presigned URLs of S3 in Signature Version 2. */
  public SigV2UrlVerifier urlsOfVersion2() {
    return new SigV2UrlVerifier(keys, clock);
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
    String canonical =
        canonical(request, claim, body, claim.presigned() ? SIGNATURE_KEY : Set.of());
    boolean good =
        isSignature(claim, key, canonical)
            || (claim.presigned()
                && claim.token() != null
                && TOKEN_IS_ADDED_LATER.contains(claim.service())
                && isSignature(claim, key, canonical(request, claim, body, SIGNATURE_AND_TOKEN)));
    if (!good) {
      throw new SignatureException(Reason.MISMATCH, dialect, mismatch(claim, canonical));
    }
    checkTime(claim, signedAt, now);
    checkToken(claim, key, now);
    return new Verified(key, claim.service(), claim.region());
  }

  private static String canonical(
      HttpRequestToSign request, Claim claim, String payloadHash, Set<String> leftOut) {
    return CanonicalRequest.of(
        request, claim.service(), claim.signedHeaders(), payloadHash, leftOut);
  }

  private boolean isSignature(Claim claim, AccessKey key, String canonical) {
    String expected =
        CanonicalRequest.hex(
            CanonicalRequest.hmac(
                derivedKey(claim, key),
                CanonicalRequest.stringToSign(
                    claim.time(), claim.day(), claim.region(), claim.service(), canonical)));
    return equal(expected, claim.signature());
  }

  private byte[] derivedKey(Claim claim, AccessKey key) {
    String name =
        claim.accessKeyId() + '/' + claim.day() + '/' + claim.region() + '/' + claim.service();
    Derived known = derived.get(name);
    if (known != null && equal(known.secret(), key.secretAccessKey())) {
      return known.key();
    }
    byte[] made =
        CanonicalRequest.derivedKey(
            key.secretAccessKey(), claim.day(), claim.region(), claim.service());
    if (derived.size() >= MAX_DERIVED) {
      derived.clear();
    }
    derived.put(name, new Derived(key.secretAccessKey(), made));
    return made;
  }

  /** AWS shows what it signed itself, so that the difference can be found. */
  private static String mismatch(Claim claim, String canonical) {
    String sentence =
        "The request signature we calculated does not match the signature you provided. Check your"
            + " AWS Secret Access Key and signing method. Consult the service documentation for"
            + " details.";
    if (claim.dialect() == Dialect.S3) {
      return "The request signature we calculated does not match the signature you provided. Check"
          + " your key and signing method.";
    }
    return sentence
        + "\n\nThe Canonical String for this request should have been\n'"
        + shortened(canonical)
        + "'\n\nThe String-to-Sign should have been\n'"
        + CanonicalRequest.stringToSign(
            claim.time(), claim.day(), claim.region(), claim.service(), canonical)
        + "'\n";
  }

  private static String shortened(String text) {
    return text.length() <= 4096 ? text : text.substring(0, 4096) + "...";
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
    for (String part : authorization.substring(ALGORITHM.length()).split("[, ]+")) {
      int equals = part.indexOf('=');
      if (equals > 0) {
        parts.put(part.substring(0, equals).strip(), part.substring(equals + 1).strip());
      } else if (!part.isBlank()) {
        throw new SignatureException(
            Reason.MALFORMED,
            Dialect.JSON,
            "'"
                + part.strip()
                + "' not a valid key=value pair (missing equal-sign) in Authorization header: '"
                + authorization
                + "'.");
      }
    }
    String time = signedTime(request);
    StringBuilder lacking = new StringBuilder();
    for (String name : List.of("Credential", "Signature", "SignedHeaders")) {
      if (!parts.containsKey(name)) {
        lacking.append("Authorization header requires '").append(name).append("' parameter. ");
      }
    }
    if (time == null) {
      lacking.append(
          "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
    }
    if (!lacking.isEmpty()) {
      throw new SignatureException(
          Reason.MALFORMED, Dialect.JSON, lacking + "Authorization=" + authorization);
    }
    return claimOf(
        parts.get("Credential"),
        parts.get("SignedHeaders"),
        parts.get("Signature"),
        time,
        first(request, "x-amz-security-token"),
        false,
        "0");
  }

  /** The header of the signature's time, or HTTP's own in either form. */
  private static @Nullable String signedTime(HttpRequestToSign request) {
    String own = first(request, "x-amz-date");
    String date = own == null ? first(request, "date") : null;
    if (date == null || date.indexOf(' ') < 0) {
      return own == null ? date : own;
    }
    try {
      return TIME.format(DateTimeFormatter.RFC_1123_DATE_TIME.parse(date, Instant::from));
    } catch (DateTimeException e) {
      return date; // refused as no date by the check of the time
    }
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
          "AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential',"
              + " 'X-Amz-Signature', 'X-Amz-SignedHeaders' and 'X-Amz-Date'. Re-examine the"
              + " query-string parameters.");
    }
    String[] scope = credential.split("/", -1);
    if (scope.length < 5) {
      throw new SignatureException(
          Reason.MALFORMED,
          Dialect.JSON,
          "Credential must have exactly 5 slash-delimited elements, e.g."
              + " keyid/date/region/service/term, got '"
              + credential
              + "'");
    }
    int end = scope.length;
    String service = scope[end - 2];
    String id = String.join("/", List.of(scope).subList(0, end - 4));
    if (!scope[end - 1].equals("aws4_request")) {
      throw new SignatureException(
          Reason.WRONG_SCOPE,
          dialectOf(service),
          "Credential should be scoped with a valid terminator: 'aws4_request', not '"
              + scope[end - 1]
              + "'. ");
    }
    if (!REGION.matcher(scope[end - 3]).matches()) {
      throw new SignatureException(
          Reason.WRONG_SCOPE,
          dialectOf(service),
          "Credential should be scoped to a valid region, not '" + scope[end - 3] + "'. ");
    }
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
      requireSigned(claim, request.headers().containsKey("x-amz-date") ? "x-amz-date" : "date");
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
          "Date must be in ISO-8601 'basic format'. Got '"
              + claim.time()
              + "'. See http://en.wikipedia.org/wiki/ISO_8601");
    }
    throw new SignatureException(
        Reason.WRONG_SCOPE,
        claim.dialect(),
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '"
            + claim.day()
            + "' != '"
            + claim.time().substring(0, 8)
            + "', from '"
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
        throw new SignatureException(
            Reason.URL_EXPIRED,
            claim.dialect(),
            claim.dialect() == Dialect.S3
                ? "Request has expired"
                : "Signature expired: "
                    + claim.time()
                    + " is now earlier than "
                    + TIME.format(now.minusSeconds(claim.validSeconds()))
                    + " ("
                    + TIME.format(now)
                    + " - "
                    + claim.validSeconds()
                    + " sec.)");
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
