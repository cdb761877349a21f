package io.ryegrass.cloudlink;

import java.nio.file.Path;
import java.security.PrivateKey;

/** Private keys of this device, for who protects something with them. */
public final class PrivateKeys {
  private PrivateKeys() {}

  /**
   * The first private key of a PEM file: PKCS#8, PKCS#1 or SEC 1.
   *
   * @throws io.ryegrass.nucleus.NucleusException with one sentence when there is none
   */
  public static PrivateKey read(Path file) {
    return Pem.privateKey(file);
  }
}
