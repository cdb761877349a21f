package io.ryegrass.objects;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The chain of signatures over the chunks of a body (Signature Version 4, multiple chunks): each is
 * an HMAC over the one before and the hash of its chunk; the first one follows the request's own.
 */
final class ChunkSignatures {
  private static final String EMPTY_HASH = Checksums.hex("SHA-256", new byte[0]);

  private final byte[] key;
  private final String stamp;
  private final String scope;
  private String previous;

  /**
   * The chain of one request.
   *
   * @param secret the signer's secret key
   * @param stamp x-amz-date
   * @param region region of the credential scope
   * @param seed the signature of the request's headers
   */
  ChunkSignatures(String secret, String stamp, String region, String seed) {
    String day = stamp.substring(0, 8);
    byte[] derived = hmac(("AWS4" + secret).getBytes(StandardCharsets.UTF_8), day);
    derived = hmac(derived, region);
    derived = hmac(derived, "s3");
    this.key = hmac(derived, "aws4_request");
    this.stamp = stamp;
    this.scope = day + "/" + region + "/s3/aws4_request";
    this.previous = seed;
  }

  void checkChunk(byte[] sha256, String signature) {
    check(
        "AWS4-HMAC-SHA256-PAYLOAD\n"
            + stamp
            + "\n"
            + scope
            + "\n"
            + previous
            + "\n"
            + EMPTY_HASH
            + "\n"
            + HexFormat.of().formatHex(sha256),
        signature);
  }

  void checkTrailer(String canonicalTrailer, String signature) {
    check(
        "AWS4-HMAC-SHA256-TRAILER\n"
            + stamp
            + "\n"
            + scope
            + "\n"
            + previous
            + "\n"
            + Checksums.hex("SHA-256", canonicalTrailer.getBytes(StandardCharsets.UTF_8)),
        signature);
  }

  private void check(String toSign, String signature) {
    String expected = HexFormat.of().formatHex(hmac(key, toSign));
    if (!MessageDigest.isEqual(
        expected.getBytes(StandardCharsets.US_ASCII),
        signature.getBytes(StandardCharsets.US_ASCII))) {
      throw new S3Exception(
          "SignatureDoesNotMatch",
          403,
          "The signature of a chunk of the body does not match the one we calculated.");
    }
    previous = expected;
  }

  private static byte[] hmac(byte[] key, String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java lacks HmacSHA256", e);
    }
  }
}
