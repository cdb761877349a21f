package io.ryegrass.awssignature;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ryegrass.awssignature.SignatureException.Dialect;
import io.ryegrass.awssignature.SignatureException.Reason;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.SdkHttpFullRequest;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4FamilyHttpSigner;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.auth.spi.signer.HttpSigner;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;
import software.amazon.awssdk.identity.spi.AwsSessionCredentialsIdentity;

/** The AWS SDK's own signer is the oracle. */
class SigV4Test {

  private static final Instant NOW = Instant.parse("2026-11-21T10:00:00Z");
  private static final Clock CLOCK = Clock.fixed(NOW, ZoneOffset.UTC);
  private static final String SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  private static final AccessKey KEY = new AccessKey("AKIDEXAMPLE", SECRET, null, null, "someone");
  private static final AccessKey TEMPORARY =
      new AccessKey("ASIAEXAMPLE", SECRET, "to/k+en=", NOW.plusSeconds(60), "a role");
  private static final byte[] BODY = "{\"a\":1}".getBytes(UTF_8);
  private static final byte[] NOTHING = new byte[0];

  private final SigV4Verifier verifier = verifierAt(CLOCK);

  private static SigV4Verifier verifierAt(Clock clock) {
    return new SigV4Verifier(
        id ->
            id.equals(KEY.accessKeyId())
                ? Optional.of(KEY)
                : id.equals(TEMPORARY.accessKeyId()) ? Optional.of(TEMPORARY) : Optional.empty(),
        clock);
  }

  @ParameterizedTest
  @CsvSource({
    "greengrass, /greengrass/groups/abc/versions, ''",
    "greengrass, /greengrass/v2/components/arn%3Aaws%3Agreengrass%3Aus-east-1%3A0%3Acomponents%3Aa/x, ''",
    "iot, /things/a%20b%2Fc, nextToken=a%2Fb%3D&maxResults=3",
    "lambda, /2015-03-31/functions//double/../up/, Qualifier=%24LATEST&a",
    "iotdata, '', k=2&k=1&K=0&k-1=x",
    "s3, /bucket/a%20key/with%2Bplus/../dots, list-type=2&prefix=a%2F&delimiter=%2F",
    "s3, /bucket//double, uploads"
  })
  void aRequestSignedByTheAwsSdkIsAcceptedAndOursHasTheSameSignature(
      String service, String path, String query) {
    SdkHttpRequest signed = sdkSign(service, path, query, BODY, KEY);
    HttpRequestToSign received = received(signed, path, query);

    SigV4Verifier.Verified verified = verifier.verify(received, BODY);
    assertThat(verified.key()).isSameAs(KEY);
    assertThat(verified.service()).isEqualTo(service);
    assertThat(verified.region()).isEqualTo("us-east-1");

    Map<String, List<String>> plain = new HashMap<>(received.headers());
    plain.keySet().removeAll(List.of("authorization", "x-amz-date", "x-amz-content-sha256"));
    Map<String, String> ours =
        SigV4Signer.sign(
            new Credentials(KEY.accessKeyId(), SECRET, null),
            "us-east-1",
            service,
            new HttpRequestToSign("POST", path, query, plain),
            BODY,
            NOW);
    Map<String, List<String>> all = new HashMap<>(plain);
    ours.forEach((name, value) -> all.put(name, List.of(value)));
    assertThat(verifier.verify(new HttpRequestToSign("POST", path, query, all), BODY).key())
        .isSameAs(KEY);
    if (service.equals("s3")) { // the SDK signs the body's hash as a header for S3 as we always do
      assertThat(ours.get("authorization"))
          .isEqualTo(received.headers().get("authorization").getFirst());
    }
  }

  @Test
  void theSignatureOfTheDocumentedExampleIsReproduced() {
    // "Example: GET Object" of the S3 API reference, Signature Version 4, single chunk
    Map<String, List<String>> headers =
        Map.of("host", List.of("examplebucket.s3.amazonaws.com"), "range", List.of("bytes=0-9"));
    Map<String, String> added =
        SigV4Signer.sign(
            new Credentials("AKIAIOSFODNN7EXAMPLE", SECRET, null),
            "us-east-1",
            "s3",
            new HttpRequestToSign("GET", "/test.txt", "", headers),
            NOTHING,
            Instant.parse("2013-05-24T00:00:00Z"));
    assertThat(added.get("authorization"))
        .endsWith("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  }

  @Test
  void aTamperedBodyPathQueryOrSignedHeaderIsRefused() {
    HttpRequestToSign good =
        received(sdkSign("iot", "/things/a", "x=1", BODY, KEY), "/things/a", "x=1");
    assertRefused(Reason.MISMATCH, good, "other".getBytes(UTF_8));
    assertRefused(
        Reason.MISMATCH, new HttpRequestToSign("POST", "/things/b", "x=1", good.headers()), BODY);
    assertRefused(
        Reason.MISMATCH, new HttpRequestToSign("POST", "/things/a", "x=2", good.headers()), BODY);
    assertRefused(
        Reason.MISMATCH, new HttpRequestToSign("PUT", "/things/a", "x=1", good.headers()), BODY);
    assertRefused(Reason.MISMATCH, with(good, "host", "elsewhere"), BODY);
    HttpRequestToSign s3 = received(sdkSign("s3", "/b/k", "", BODY, KEY), "/b/k", "");
    assertRefused(Reason.BODY_MISMATCH, s3, "other".getBytes(UTF_8));
  }

  @Test
  void aHeaderThatGivesTheRequestItsMeaningMustBeSigned() {
    HttpRequestToSign good = received(sdkSign("secretsmanager", "/", "", BODY, KEY), "/", "");
    assertRefused(
        Reason.MALFORMED, with(good, "x-amz-target", "secretsmanager.DeleteSecret"), BODY);
    HttpRequestToSign s3 = received(sdkSign("s3", "/b/k", "", BODY, KEY), "/b/k", "");
    assertRefused(Reason.MALFORMED, with(s3, "x-amz-copy-source", "/secret/k"), BODY);
  }

  @Test
  void nobodyAddsAnInstructionToAPresignedUrl() {
    URI upload =
        URI.create(
            SigV4Signer.presign(
                new Credentials(KEY.accessKeyId(), SECRET, null),
                "us-east-1",
                "s3",
                "PUT",
                URI.create("https://localhost:8443/b/k"),
                Duration.ofMinutes(5),
                NOW));
    HttpRequestToSign good =
        new HttpRequestToSign(
            "PUT",
            upload.getRawPath(),
            upload.getRawQuery(),
            Map.of("host", List.of("localhost:8443"), "content-type", List.of("text/plain")));
    assertThat(verifier.verify(good, BODY).service()).isEqualTo("s3");
    assertRefused(Reason.MALFORMED, with(good, "x-amz-copy-source", "/secret/k"), BODY);
    assertRefused(Reason.MALFORMED, with(good, "x-amz-meta-a", "b"), BODY);
  }

  @Test
  void unknownKeysAndMissingSignaturesAreNamedInTheDialectOfTheService() {
    AccessKey stranger = new AccessKey("AKIDSTRANGER", SECRET, null, null, "x");
    HttpRequestToSign request = received(sdkSign("iot", "/", "", BODY, stranger), "/", "");
    SignatureException refused =
        catchThrowableOfType(SignatureException.class, () -> verifier.verify(request, BODY));
    assertThat(refused.awsCode()).isEqualTo("UnrecognizedClientException");
    assertThat(refused.awsCode(Dialect.QUERY)).isEqualTo("InvalidClientTokenId");
    assertThat(refused.awsCode(Dialect.S3)).isEqualTo("InvalidAccessKeyId");
    assertThat(refused.status()).isEqualTo(403);

    assertRefused(
        Reason.MISSING,
        new HttpRequestToSign("GET", "/", "", Map.of("host", List.of("x"))),
        NOTHING);
  }

  @Test
  void aSignatureIsGoodForFifteenMinutes() {
    HttpRequestToSign request = received(sdkSign("iot", "/", "", BODY, KEY), "/", "");
    verifierAt(Clock.offset(CLOCK, Duration.ofMinutes(14))).verify(request, BODY);
    verifierAt(Clock.offset(CLOCK, Duration.ofMinutes(-14))).verify(request, BODY);
    for (int minutes : new int[] {-16, 16}) {
      assertThatThrownBy(
              () ->
                  verifierAt(Clock.offset(CLOCK, Duration.ofMinutes(minutes)))
                      .verify(request, BODY))
          .isInstanceOfSatisfying(
              SignatureException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CLOCK_SKEW));
    }
  }

  @Test
  void temporaryCredentialsNeedTheirTokenAndEndInTime() {
    HttpRequestToSign request = received(sdkSign("sts", "/", "", BODY, TEMPORARY), "/", "");
    assertThat(verifier.verify(request, BODY).key()).isSameAs(TEMPORARY);
    assertThatThrownBy(
            () -> verifierAt(Clock.offset(CLOCK, Duration.ofSeconds(61))).verify(request, BODY))
        .isInstanceOfSatisfying(
            SignatureException.class, e -> assertThat(e.awsCode()).isEqualTo("ExpiredToken"));

    AccessKey withoutToken = new AccessKey(TEMPORARY.accessKeyId(), SECRET, null, null, "x");
    assertRefused(
        Reason.WRONG_TOKEN, received(sdkSign("sts", "/", "", BODY, withoutToken), "/", ""), BODY);
  }

  @ParameterizedTest
  @CsvSource({
    "http://localhost:9080/bucket/a%20key?versionId=3, true",
    "https://bucket.example/k, false"
  })
  void ourPresignedUrlIsTheOneTheAwsSdkMakes(String url, boolean temporary) {
    URI uri = URI.create(url);
    AccessKey key = temporary ? TEMPORARY : KEY;
    String ours =
        SigV4Signer.presign(
            new Credentials(key.accessKeyId(), SECRET, key.sessionToken()),
            "us-east-1",
            "s3",
            "GET",
            uri,
            Duration.ofMinutes(5),
            NOW);
    SdkHttpRequest theirs =
        AwsV4HttpSigner.create()
            .sign(
                b ->
                    b.identity(identity(key))
                        .request(
                            SdkHttpFullRequest.builder().method(SdkHttpMethod.GET).uri(uri).build())
                        .putProperty(AwsV4FamilyHttpSigner.SERVICE_SIGNING_NAME, "s3")
                        .putProperty(AwsV4HttpSigner.REGION_NAME, "us-east-1")
                        .putProperty(AwsV4FamilyHttpSigner.DOUBLE_URL_ENCODE, false)
                        .putProperty(AwsV4FamilyHttpSigner.NORMALIZE_PATH, false)
                        .putProperty(AwsV4FamilyHttpSigner.PAYLOAD_SIGNING_ENABLED, false)
                        .putProperty(
                            AwsV4FamilyHttpSigner.AUTH_LOCATION,
                            AwsV4FamilyHttpSigner.AuthLocation.QUERY_STRING)
                        .putProperty(
                            AwsV4FamilyHttpSigner.EXPIRATION_DURATION, Duration.ofMinutes(5))
                        .putProperty(HttpSigner.SIGNING_CLOCK, CLOCK))
            .request();
    Map<String, String> parameters =
        CanonicalRequest.queryParameters(URI.create(ours).getRawQuery());
    assertThat(parameters.get("X-Amz-Signature"))
        .isEqualTo(theirs.firstMatchingRawQueryParameter("X-Amz-Signature").orElseThrow());

    HttpRequestToSign received =
        new HttpRequestToSign(
            "GET",
            uri.getRawPath(),
            URI.create(ours).getRawQuery(),
            Map.of("host", List.of(uri.getAuthority())));
    assertThat(verifier.verify(received, NOTHING).key()).isSameAs(key);
    assertRefused(
        Reason.MISMATCH,
        new HttpRequestToSign(
            "GET", uri.getRawPath() + "x", received.rawQuery(), received.headers()),
        NOTHING);
    if (!temporary) {
      assertThatThrownBy(
              () ->
                  verifierAt(Clock.offset(CLOCK, Duration.ofMinutes(6))).verify(received, NOTHING))
          .isInstanceOfSatisfying(
              SignatureException.class, e -> assertThat(e.reason()).isEqualTo(Reason.URL_EXPIRED));
    }
  }

  @Test
  void secretsDoNotShowInTexts() {
    assertThat(KEY.toString() + new Credentials("id", SECRET, "token")).doesNotContain(SECRET);
  }

  private void assertRefused(Reason reason, HttpRequestToSign request, byte[] body) {
    assertThatThrownBy(() -> verifier.verify(request, body))
        .isInstanceOfSatisfying(
            SignatureException.class, e -> assertThat(e.reason()).isEqualTo(reason));
  }

  private static HttpRequestToSign with(HttpRequestToSign request, String name, String value) {
    Map<String, List<String>> headers = new HashMap<>(request.headers());
    headers.put(name, List.of(value));
    return new HttpRequestToSign(request.method(), request.rawPath(), request.rawQuery(), headers);
  }

  private static AwsCredentialsIdentity identity(AccessKey key) {
    return key.sessionToken() == null
        ? AwsCredentialsIdentity.create(key.accessKeyId(), key.secretAccessKey())
        : AwsSessionCredentialsIdentity.create(
            key.accessKeyId(), key.secretAccessKey(), key.sessionToken());
  }

  private static SdkHttpRequest sdkSign(
      String service, String path, String query, byte[] body, AccessKey key) {
    boolean s3 = service.equals("s3");
    SdkHttpFullRequest.Builder request =
        SdkHttpFullRequest.builder()
            .method(SdkHttpMethod.POST)
            .protocol("http")
            .host("127.0.0.1")
            .port(9080)
            .encodedPath(path)
            .putHeader("Content-Type", "application/json")
            .putHeader("X-Spaces", "  a   b ");
    Map<String, List<String>> parameters = new TreeMap<>();
    for (String pair : query.split("&")) {
      if (!pair.isEmpty()) {
        int equals = pair.indexOf('=');
        parameters
            .computeIfAbsent(
                CanonicalRequest.decode(equals < 0 ? pair : pair.substring(0, equals)),
                k -> new java.util.ArrayList<>())
            .add(equals < 0 ? "" : CanonicalRequest.decode(pair.substring(equals + 1)));
      }
    }
    parameters.forEach(request::putRawQueryParameter);
    return AwsV4HttpSigner.create()
        .sign(
            b ->
                b.identity(identity(key))
                    .request(request.build())
                    .payload(ContentStreamProvider.fromByteArray(body))
                    .putProperty(AwsV4FamilyHttpSigner.SERVICE_SIGNING_NAME, service)
                    .putProperty(AwsV4HttpSigner.REGION_NAME, "us-east-1")
                    .putProperty(AwsV4FamilyHttpSigner.DOUBLE_URL_ENCODE, !s3)
                    .putProperty(AwsV4FamilyHttpSigner.NORMALIZE_PATH, !s3)
                    .putProperty(HttpSigner.SIGNING_CLOCK, CLOCK))
        .request();
  }

  private static HttpRequestToSign received(SdkHttpRequest signed, String path, String query) {
    Map<String, List<String>> headers = new HashMap<>();
    signed.forEachHeader((name, values) -> headers.put(name.toLowerCase(Locale.ROOT), values));
    return new HttpRequestToSign("POST", path, query, headers);
  }
}
