package io.ryegrass.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;

/** A device's private key as AWS hands it out: PEM, RSA, in PKCS#1 or PKCS#8. */
final class PemKey {
  /** The DER bytes that stand before an RSA key of PKCS#1 to make it one of PKCS#8 (RFC 5208). */
  private static final byte[] RSA_ALGORITHM = {
    0x02,
    0x01,
    0x00,
    0x30,
    0x0d,
    0x06,
    0x09,
    0x2a,
    (byte) 0x86,
    0x48,
    (byte) 0x86,
    (byte) 0xf7,
    0x0d,
    0x01,
    0x01,
    0x01,
    0x05,
    0x00
  };

  private PemKey() {}

  static PrivateKey read(Path file) throws IOException, GeneralSecurityException {
    String pem = Files.readString(file);
    byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
    byte[] pkcs8 = pem.contains("BEGIN RSA PRIVATE KEY") ? wrap(der) : der;
    return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
  }

  private static byte[] wrap(byte[] pkcs1) {
    byte[] octets = tagged(0x04, pkcs1);
    byte[] inner = new byte[RSA_ALGORITHM.length + octets.length];
    System.arraycopy(RSA_ALGORITHM, 0, inner, 0, RSA_ALGORITHM.length);
    System.arraycopy(octets, 0, inner, RSA_ALGORITHM.length, octets.length);
    return tagged(0x30, inner);
  }

  private static byte[] tagged(int tag, byte[] content) {
    int n = content.length;
    byte[] out = new byte[n + 4];
    out[0] = (byte) tag;
    out[1] = (byte) 0x82;
    out[2] = (byte) (n >> 8);
    out[3] = (byte) n;
    System.arraycopy(content, 0, out, 4, n);
    return out;
  }
}
