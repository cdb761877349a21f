package io.ryegrass.mqtt.program;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/**
 * {@code pbkdf2-sha256$iterations$salt$hash}, the last two in Base64 (PBKDF2 of RFC 8018 with
 * HMAC-SHA-256).
 */
record PasswordHash(int iterations, byte[] salt, byte[] hash) {
  /**
   * Some 30 ms of one processor of a gateway. Devices reconnect all at once when the power is back,
   * so this is fewer than for people's passwords, and a device's should be long and random.
   */
  static final int ITERATIONS = 50_000;

  private static final int MOST_ITERATIONS = 2_000_000;
  private static final int SALT_BYTES = 16;
  private static final int HASH_BYTES = 32;
  private static final Pattern FORM =
      Pattern.compile("pbkdf2-sha256\\$(\\d{1,7})\\$([A-Za-z0-9+/=]+)\\$([A-Za-z0-9+/=]+)");

  static PasswordHash of(byte[] password, SecureRandom random) {
    byte[] salt = new byte[SALT_BYTES];
    random.nextBytes(salt);
    return new PasswordHash(ITERATIONS, salt, derive(password, salt, ITERATIONS, HASH_BYTES));
  }

  /**
   * @throws IllegalArgumentException when it is none
   */
  static PasswordHash parse(String text) {
    Matcher m = FORM.matcher(text);
    if (!m.matches()) {
      throw new IllegalArgumentException("not pbkdf2-sha256$iterations$salt$hash");
    }
    int iterations = Integer.parseInt(m.group(1));
    byte[] salt = Base64.getDecoder().decode(m.group(2));
    byte[] hash = Base64.getDecoder().decode(m.group(3));
    if (iterations < 1 || iterations > MOST_ITERATIONS || hash.length < SALT_BYTES) {
      throw new IllegalArgumentException("iterations or length out of range");
    }
    return new PasswordHash(iterations, salt, hash);
  }

  boolean matches(byte[] password) {
    return MessageDigest.isEqual(hash, derive(password, salt, iterations, hash.length));
  }

  @Override
  public String toString() {
    Base64.Encoder base64 = Base64.getEncoder();
    return "pbkdf2-sha256$%d$%s$%s"
        .formatted(iterations, base64.encodeToString(salt), base64.encodeToString(hash));
  }

  private static byte[] derive(byte[] password, byte[] salt, int iterations, int length) {
    // The key specification wants characters: ISO 8859-1 keeps any bytes apart, and the JDK encodes
    // them as UTF-8, so ASCII passwords have the hashes that other programs make.
    char[] characters = new String(password, StandardCharsets.ISO_8859_1).toCharArray();
    PBEKeySpec spec = new PBEKeySpec(characters, salt, iterations, length * 8);
    try {
      return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java has no PBKDF2WithHmacSHA256", e);
    } finally {
      spec.clearPassword();
    }
  }
}
