package io.ryegrass.awssignature;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ryegrass.awssignature.SignatureException.Dialect;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The cases of AWS's public signing test suite (version 4, as AWS's own C library carries it) that
 * normalise paths, each signed by header and by query. Those that do not normalise are for S3 only,
 * which has cases of its own. Folded header lines stand unfolded here: HTTP servers refuse them.
 */
class AwsVectorsTest {

  private static final String SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

  static Stream<JsonNode> cases() throws IOException {
    try (InputStream in = AwsVectorsTest.class.getResourceAsStream("aws-vectors.json")) {
      List<JsonNode> cases = new ArrayList<>();
      JsonMapper.shared().readTree(in).forEach(cases::add);
      return cases.stream();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void aRequestSignedByHeaderIsAcceptedAndNoOther(JsonNode vector) {
    check(vector, vector.path("header"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void aRequestSignedByQueryIsAcceptedAndNoOther(JsonNode vector) {
    check(vector, vector.path("query"));
  }

  private static void check(JsonNode vector, JsonNode request) {
    String token = vector.path("token").isNull() ? null : vector.path("token").asString();
    Instant time = Instant.parse(vector.path("time").asString());
    AccessKey key =
        new AccessKey(
            "AKIDEXAMPLE", SECRET, token, token == null ? null : time.plusSeconds(60), "someone");
    SigV4Verifier verifier =
        new SigV4Verifier(
            id -> id.equals("AKIDEXAMPLE") ? Optional.of(key) : Optional.empty(),
            Clock.fixed(time, ZoneOffset.UTC));
    Map<String, List<String>> headers = new HashMap<>();
    for (JsonNode header : request.path("headers")) {
      headers
          .computeIfAbsent(header.path(0).asString(), k -> new ArrayList<>())
          .add(header.path(1).asString());
    }
    byte[] body = request.path("body").asString().getBytes(UTF_8);
    HttpRequestToSign received =
        new HttpRequestToSign(
            request.path("method").asString(),
            request.path("path").asString(),
            request.path("query").asString(),
            headers);
    if (vector.path("omitToken").asBoolean(false)) {
      // the token was appended unsigned; only IoT's WebSocket URLs may do that
      assertThat(
              catchThrowableOfType(SignatureException.class, () -> verifier.verify(received, body)))
          .isNotNull();
      return;
    }
    assertThat(verifier.verify(received, body).service()).isEqualTo("service");
    HttpRequestToSign other =
        new HttpRequestToSign(
            received.method(), received.rawPath() + "x", received.rawQuery(), headers);
    assertThat(
            catchThrowableOfType(SignatureException.class, () -> verifier.verify(other, body))
                .reason())
        .isEqualTo(SignatureException.Reason.MISMATCH);
  }

  @Test
  void whatIsWrongWithACredentialIsSaidInTheWordsOfAws() {
    assertThat(refusal("AKID/20150830/us-east-1/sts/aws4_request", "Signature=a"))
        .isEqualTo(
            "IncompleteSignature: Authorization header requires 'SignedHeaders' parameter."
                + " Authorization=AWS4-HMAC-SHA256"
                + " Credential=AKID/20150830/us-east-1/sts/aws4_request, Signature=a");
    String rest = "SignedHeaders=host;x-amz-date, Signature=a";
    assertThat(refusal("AKID", rest))
        .isEqualTo(
            "IncompleteSignature: Credential must have exactly 5 slash-delimited elements, e.g."
                + " keyid/date/region/service/term, got 'AKID'");
    assertThat(refusal("AKID/20150830/us-east-1/sts/aws5", rest))
        .isEqualTo(
            "SignatureDoesNotMatch: Credential should be scoped with a valid terminator:"
                + " 'aws4_request', not 'aws5'. ");
    assertThat(refusal("AKID/20150830/moon/sts/aws4_request", rest))
        .isEqualTo(
            "SignatureDoesNotMatch: Credential should be scoped to a valid region, not 'moon'. ");
    assertThat(refusal("AKID/20150829/us-east-1/sts/aws4_request", rest))
        .isEqualTo(
            "SignatureDoesNotMatch: Date in Credential scope does not match YYYYMMDD from ISO-8601"
                + " version of date from HTTP: '20150829' != '20150830', from '20150830T123600Z'.");
    assertThat(refusal("AKID/20150830/us-east-1/sts/aws4_request", rest))
        .isEqualTo("InvalidClientTokenId: The security token included in the request is invalid.");
  }

  private static String refusal(String credential, String rest) {
    Map<String, List<String>> headers =
        Map.of(
            "host", List.of("localhost"),
            "x-amz-date", List.of("20150830T123600Z"),
            "authorization", List.of("AWS4-HMAC-SHA256 Credential=" + credential + ", " + rest));
    SigV4Verifier verifier =
        new SigV4Verifier(
            id -> Optional.empty(),
            Clock.fixed(Instant.parse("2015-08-30T12:36:00Z"), ZoneOffset.UTC));
    SignatureException e =
        catchThrowableOfType(
            SignatureException.class,
            () -> verifier.verify(new HttpRequestToSign("POST", "/", "", headers), new byte[0]));
    return e.awsCode(Dialect.QUERY) + ": " + e.awsMessage(Dialect.QUERY);
  }
}
