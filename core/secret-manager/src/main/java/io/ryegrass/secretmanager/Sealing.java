package io.ryegrass.secretmanager;

import io.ryegrass.nucleus.NucleusException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.EdECPrivateKey;
import java.security.interfaces.RSAPrivateKey;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * AES-256-GCM with a random nonce before the ciphertext, and the key that comes from the core's
 * private key (SEC-02, SCM-03, docs/decisions/041).
 */
final class Sealing {
  static final int KEY_BYTES = 32;
  static final int SALT_BYTES = 32;
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;

  /** SEC-04. */
  private static final int LEAST_RSA_BITS = 2048;

  private static final byte[] PURPOSE =
      "ryegrass secrets, key of the data key, 1".getBytes(StandardCharsets.US_ASCII);

  private final SecureRandom random = new SecureRandom();

  byte[] random(int bytes) {
    byte[] made = new byte[bytes];
    random.nextBytes(made);
    return made;
  }

  static SecretKey key(byte[] raw) {
    return new SecretKeySpec(raw, "AES");
  }

  /**
   * @param bound what the result belongs to; the same has to be given to open it
   */
  byte[] seal(SecretKey key, byte[] plain, byte[] bound) {
    byte[] nonce = random(NONCE_BYTES);
    try {
      Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
      cipher.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, nonce));
      cipher.updateAAD(bound);
      byte[] sealed = Arrays.copyOf(nonce, NONCE_BYTES + cipher.getOutputSize(plain.length));
      int written = cipher.doFinal(plain, 0, plain.length, sealed, NONCE_BYTES);
      return Arrays.copyOf(sealed, NONCE_BYTES + written);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java runtime has no AES-GCM.", e);
    }
  }

  /**
   * @throws GeneralSecurityException when it was sealed under another key, belongs to something
   *     else, or was changed
   */
  static byte[] open(SecretKey key, byte[] sealed, byte[] bound) throws GeneralSecurityException {
    if (sealed.length < NONCE_BYTES) {
      throw new GeneralSecurityException("too short");
    }
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, sealed, 0, NONCE_BYTES));
    cipher.updateAAD(bound);
    return cipher.doFinal(sealed, NONCE_BYTES, sealed.length - NONCE_BYTES);
  }

  /**
   * The key of data keys: HKDF-SHA-256 (RFC 5869) over the numbers that make the private key, so
   * that the file's format (PKCS#1, PKCS#8, SEC 1) does not matter.
   *
   * @throws NucleusException for a key that cannot protect anything
   */
  static SecretKey derived(PrivateKey key, byte[] salt) {
    ByteArrayOutputStream material = new ByteArrayOutputStream();
    switch (key) {
      case RSAPrivateKey rsa -> {
        if (rsa.getModulus().bitLength() < LEAST_RSA_BITS) {
          throw unusable("is an RSA key of " + rsa.getModulus().bitLength() + " bits");
        }
        add(material, rsa.getModulus().toByteArray());
        add(material, rsa.getPrivateExponent().toByteArray());
      }
      case ECPrivateKey ec -> add(material, ec.getS().toByteArray());
      case EdECPrivateKey ed -> add(material, ed.getBytes().orElseThrow(() -> hidden(key)));
      default -> throw hidden(key);
    }
    try {
      return KDF.getInstance("HKDF-SHA256")
          .deriveKey(
              "AES",
              HKDFParameterSpec.ofExtract()
                  .addIKM(material.toByteArray())
                  .addSalt(salt)
                  .thenExpand(PURPOSE, KEY_BYTES));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java runtime has no HKDF.", e);
    }
  }

  private static void add(ByteArrayOutputStream to, byte[] part) {
    to.write(part.length >>> 8);
    to.write(part.length);
    to.writeBytes(part);
  }

  private static NucleusException hidden(PrivateKey key) {
    return unusable("is of a kind (" + key.getAlgorithm() + ") whose numbers cannot be read");
  }

  private static NucleusException unusable(String why) {
    return new NucleusException(
        "SECRETS_KEY_NOT_USABLE",
        "The private key that protects this core's secrets "
            + why
            + "; give the core an RSA key of 2048 bits or more, or an elliptic-curve key.");
  }
}
