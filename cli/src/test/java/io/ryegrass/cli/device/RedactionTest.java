package io.ryegrass.cli.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What must not leave a device with a support bundle. */
class RedactionTest {
  @Test
  void secretsAreFoundByTheNamesOfKeysAndByWhatTheyLookLike() {
    for (String line :
        new String[] {
          "password=geheim",
          "db.password: 'geheim'",
          "{\"secretKey\":\"geheim\"}",
          "Authorization: Bearer geheim12345",
          "SVCUID=geheim",
          "proxy http://user:geheim@host:80/",
          "-----BEGIN RSA PRIVATE KEY-----\ngeheim\n-----END RSA PRIVATE KEY-----",
          "api_key = geheim"
        }) {
      assertThat(Redaction.text(line)).as(line).doesNotContain("geheim").contains("redacted");
    }
    assertThat(Redaction.text("key AKIAIOSFODNN7EXAMPLE used")).doesNotContain("AKIA");
    assertThat(Redaction.text("topic a/b took 5 ms")).isEqualTo("topic a/b took 5 ms");
  }

  @Test
  void aTreeKeepsItsFormAndLosesItsSecrets() {
    var tree =
        Result.JSON.readTree(
            "{\"a\":{\"Password\":\"geheim\",\"port\":8883},\"list\":[{\"authToken\":\"geheim\"}]}");
    assertThat(Redaction.json(tree))
        .hasToString(
            "{\"a\":{\"Password\":\"(redacted)\",\"port\":8883},"
                + "\"list\":[{\"authToken\":\"(redacted)\"}]}");
  }
}
