package io.ryegrass.events;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The header by which a receiver knows that a request is ours and not an old one: {@code
 * X-Ryegrass-Signature: t=SECONDS,v1=HEX}, where HEX is the HMAC-SHA256, under the webhook's key,
 * of the text {@code SECONDS.BODY}. The key is the text of the key file as it stands there, in
 * UTF-8.
 */
public final class WebhookSignature {
  /** Name of the header. */
  public static final String HEADER = "X-Ryegrass-Signature";

  private WebhookSignature() {}

  /**
   * The value of the header.
   *
   * @param seconds since 1970
   */
  public static String of(String key, long seconds, String body) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
      byte[] digest = mac.doFinal((seconds + "." + body).getBytes(StandardCharsets.UTF_8));
      return "t=" + seconds + ",v1=" + HexFormat.of().formatHex(digest);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has HmacSHA256", e);
    }
  }

  /**
   * For receivers written in Java: whether a header fits its body and is not older (or newer) than
   * some seconds.
   */
  public static boolean fits(String header, String key, String body, long now, long tolerance) {
    int comma = header.indexOf(',');
    if (!header.startsWith("t=") || comma < 3) {
      return false;
    }
    long seconds;
    try {
      seconds = Long.parseLong(header.substring(2, comma));
    } catch (NumberFormatException e) {
      return false;
    }
    return Math.abs(now - seconds) <= tolerance
        && MessageDigest.isEqual(
            of(key, seconds, body).getBytes(StandardCharsets.UTF_8),
            header.getBytes(StandardCharsets.UTF_8));
  }
}
