package io.ryegrass.identity;

import io.ryegrass.durable.DurableFiles;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Encrypts secrets before they enter the database: AES-256-GCM, a fresh nonce each, with the id of
 * the key they belong to as associated data, so that rows cannot be exchanged.
 */
final class SecretBox {
  private static final int NONCE = 12;
  private static final int TAG_BITS = 128;

  private final SecretKeySpec key;
  private final SecureRandom random;

  private SecretBox(byte[] key, SecureRandom random) {
    this.key = new SecretKeySpec(key, "AES");
    this.random = random;
  }

  /** Reads the key file, or makes it (mode 0600) when {@code mayCreate}. */
  static SecretBox open(Path file, SecureRandom random, boolean mayCreate) {
    byte[] stored = DurableFiles.read(file).orElse(null);
    if (stored == null) {
      if (!mayCreate) {
        throw new IdentityException(
            "The key file "
                + file
                + " is missing, but the database holds keys encrypted with it;"
                + " restore it from a backup");
      }
      stored = new byte[32];
      random.nextBytes(stored);
      DurableFiles.writeAtomically(file, stored, DurableFiles.OWNER_ONLY);
    }
    if (stored.length != 32) {
      throw new IdentityException(
          "The key file " + file + " must have 32 bytes; restore it from a backup");
    }
    return new SecretBox(stored, random);
  }

  String seal(String secret, String owner) {
    byte[] nonce = new byte[NONCE];
    random.nextBytes(nonce);
    try {
      byte[] sealed =
          cipher(Cipher.ENCRYPT_MODE, nonce, owner)
              .doFinal(secret.getBytes(StandardCharsets.UTF_8));
      return Base64.getEncoder()
          .encodeToString(
              ByteBuffer.allocate(NONCE + sealed.length).put(nonce).put(sealed).array());
    } catch (GeneralSecurityException e) {
      throw new IdentityException("Cannot encrypt the secret of " + owner, e);
    }
  }

  String open(String sealed, String owner) {
    byte[] all = Base64.getDecoder().decode(sealed);
    byte[] nonce = Arrays.copyOf(all, NONCE);
    try {
      byte[] plain =
          cipher(Cipher.DECRYPT_MODE, nonce, owner).doFinal(all, NONCE, all.length - NONCE);
      return new String(plain, StandardCharsets.UTF_8);
    } catch (GeneralSecurityException e) {
      throw new IdentityException(
          "The secret of "
              + owner
              + " cannot be decrypted; the key file is not the one of this"
              + " database",
          e);
    }
  }

  private Cipher cipher(int mode, byte[] nonce, String owner) throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
    cipher.updateAAD(owner.getBytes(StandardCharsets.UTF_8));
    return cipher;
  }
}
