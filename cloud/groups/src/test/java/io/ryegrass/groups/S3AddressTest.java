package io.ryegrass.groups;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Addresses of objects as InputFileUri and S3Uri have them. */
class S3AddressTest {
  private static String read(String uri) {
    return S3Address.parse(uri).map(S3Address::toString).orElse("none");
  }

  @Test
  void keysOfHttpsAddressesAreDecodedAndThoseAfterS3AreNot() {
    assertThat(read("s3://b/a%20b+c/d.json")).isEqualTo("s3://b/a%20b+c/d.json");
    assertThat(read("https://b.s3.us-east-1.amazonaws.com/a%20b+c/d%C3%A9.json?versionId=1"))
        .isEqualTo("s3://b/a b+c/dé.json");
    assertThat(read("https://s3.amazonaws.com/b/a%2Bb")).isEqualTo("s3://b/a+b");
    assertThat(read("http://127.0.0.1:9000/b/k")).isEqualTo("s3://b/k");
  }

  @Test
  void whatNamesNoObjectIsNone() {
    assertThat(read("s3://b")).isEqualTo("none");
    assertThat(read("file:///etc/passwd")).isEqualTo("none");
    assertThat(read("https://b.s3.us-east-1.amazonaws.com/a%zz")).isEqualTo("none");
  }
}
