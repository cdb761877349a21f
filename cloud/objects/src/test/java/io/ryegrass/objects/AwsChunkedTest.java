package io.ryegrass.objects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class AwsChunkedTest {

  /** The worked example of AWS's description of signatures for multiple chunks. */
  private static final String SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

  private static final String SEED =
      "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
  private static final String SIGNED =
      "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n"
          + "a".repeat(65536)
          + "\r\n"
          + "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"
          + "a".repeat(1024)
          + "\r\n"
          + "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";

  @Test
  void the_published_example_of_signed_chunks_is_accepted() throws IOException {
    assertThat(signed(SIGNED).readAllBytes()).hasSize(66560);
  }

  @Test
  void a_changed_byte_in_a_signed_chunk_is_found() {
    assertThatThrownBy(() -> signed(SIGNED.replaceFirst("aaaa", "aaba")).readAllBytes())
        .isInstanceOfSatisfying(
            S3Exception.class, e -> assertThat(e.code()).isEqualTo("SignatureDoesNotMatch"));
  }

  @Test
  void an_unsigned_body_gives_its_data_and_its_trailing_checksum() throws IOException {
    AwsChunkedInputStream in =
        unsigned("5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n");
    assertThat(in.readAllBytes()).asString(StandardCharsets.UTF_8).isEqualTo("hello world");
    assertThat(in.trailers()).containsEntry("x-amz-checksum-crc32", "DUoRhQ==");
    Checksums checksums = new Checksums();
    checksums.add("crc32");
    checksums.update("hello world".getBytes(StandardCharsets.UTF_8), 0, 11);
    assertThat(checksums.result().named()).containsEntry("crc32", "DUoRhQ==");
  }

  @Test
  void a_body_that_ends_early_or_has_another_form_is_refused() {
    for (String body :
        new String[] {"5\r\nhel", "5\r\nhello\r\n", "zz\r\nx", "5\r\nhelloworld\r\n", ""}) {
      assertThatThrownBy(() -> unsigned(body).readAllBytes())
          .as(body)
          .isInstanceOf(S3Exception.class);
    }
  }

  private static AwsChunkedInputStream signed(String body) {
    return new AwsChunkedInputStream(
        new ByteArrayInputStream(body.getBytes(StandardCharsets.US_ASCII)),
        new ChunkSignatures(SECRET, "20130524T000000Z", "us-east-1", SEED),
        false);
  }

  private static AwsChunkedInputStream unsigned(String body) {
    return new AwsChunkedInputStream(
        new ByteArrayInputStream(body.getBytes(StandardCharsets.US_ASCII)), null, true);
  }
}
