package io.ryegrass.awssignature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The example of the S3 developer guide, "Query string request authentication alternative". */
class SigV2UrlVerifierTest {
  private static final AccessKey KEY =
      new AccessKey(
          "AKIAIOSFODNN7EXAMPLE",
          "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
          null,
          null,
          "somebody");
  private static final String QUERY =
      "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";

  private static AccessKey verify(long now, String method, String query, String amzHeader) {
    return new SigV2UrlVerifier(
            id -> id.equals(KEY.accessKeyId()) ? Optional.of(KEY) : Optional.empty(),
            Clock.fixed(Instant.ofEpochSecond(now), ZoneOffset.UTC))
        .verify(
            new HttpRequestToSign(
                method,
                "/photos/puppy.jpg",
                query,
                amzHeader.isEmpty() ? Map.of() : Map.of("x-amz-acl", List.of(amzHeader))),
            "/johnsmith/photos/puppy.jpg");
  }

  @Test
  void theGuidesUrlIsGoodUntilItsTime() {
    assertThat(verify(1175139620, "GET", QUERY, "")).isSameAs(KEY);
    assertThatThrownBy(() -> verify(1175139621, "GET", QUERY, ""))
        .hasMessage("Request has expired");
  }

  @Test
  void whatWasNotSignedIsNotTaken() {
    assertThatThrownBy(() -> verify(1, "PUT", QUERY, "")).hasMessageContaining("does not match");
    assertThatThrownBy(() -> verify(1, "GET", QUERY, "public-read"))
        .hasMessageContaining("does not match");
    assertThatThrownBy(() -> verify(1, "GET", QUERY + "&acl", ""))
        .hasMessageContaining("does not match");
    assertThatThrownBy(() -> verify(1, "GET", QUERY + "&legal-hold", ""))
        .hasMessageContaining("legal-hold");
    assertThatThrownBy(() -> verify(1, "GET", QUERY + "&Expires=9999999999", ""))
        .hasMessageContaining("twice");
    assertThatThrownBy(() -> verify(1, "GET", QUERY + "&x-amz-security-token=t", ""))
        .hasMessageContaining("does not match");
    assertThatThrownBy(() -> verify(1, "GET", QUERY.replace("AKIA", "BKIA"), ""))
        .hasMessageContaining("does not exist");
    assertThatThrownBy(() -> verify(1, "GET", QUERY.replace("1175139620", "soon"), ""))
        .hasMessageContaining("seconds since epoch");
  }
}
