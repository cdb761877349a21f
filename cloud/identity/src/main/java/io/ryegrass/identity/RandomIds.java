package io.ryegrass.identity;

import java.security.SecureRandom;
import java.util.Base64;

/** Ids and secrets in the forms of AWS: {@code AKIA…}, {@code AROA…}, 40-character secrets. */
final class RandomIds {
  private static final String BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  private final SecureRandom random;

  RandomIds(SecureRandom random) {
    this.random = random;
  }

  /** A prefix of four letters and sixteen random ones. */
  String id(String prefix) {
    StringBuilder id = new StringBuilder(prefix);
    for (int i = 0; i < 16; i++) {
      id.append(BASE32.charAt(random.nextInt(BASE32.length())));
    }
    return id.toString();
  }

  /** 30 random bytes as 40 characters. */
  String secret() {
    return base64(30);
  }

  String sessionToken() {
    return base64(192);
  }

  private String base64(int bytes) {
    byte[] data = new byte[bytes];
    random.nextBytes(data);
    return Base64.getEncoder().encodeToString(data);
  }
}
