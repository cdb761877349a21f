package io.ryegrass.identity;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Base64;

/** PEM text to and from DER (RFC 7468). */
public final class Pem {
  private static final Base64.Encoder LINES = Base64.getMimeEncoder(64, new byte[] {'\n'});

  private Pem() {}

  static String encode(String label, byte[] der) {
    return "-----BEGIN "
        + label
        + "-----\n"
        + LINES.encodeToString(der)
        + "\n-----END "
        + label
        + "-----\n";
  }

  /** The content of the first block whose label ends with the given one. */
  static byte[] decode(String pem, String label) {
    int begin = pem.indexOf("-----BEGIN ");
    while (begin >= 0) {
      int headerEnd = pem.indexOf("-----", begin + 11);
      int end = headerEnd < 0 ? -1 : pem.indexOf("-----END ", headerEnd);
      if (end < 0) {
        break;
      }
      if (pem.substring(begin + 11, headerEnd).endsWith(label)) {
        try {
          return Base64.getMimeDecoder().decode(pem.substring(headerEnd + 5, end).strip());
        } catch (IllegalArgumentException e) {
          throw new CertificateException("The " + label + " block is not valid base64", e);
        }
      }
      begin = pem.indexOf("-----BEGIN ", end);
    }
    throw new CertificateException(
        "No '-----BEGIN " + label + "-----' block found; give the text in PEM form", null);
  }

  /**
   * Reads the first certificate of a PEM text.
   *
   * @throws CertificateException when there is none
   */
  public static X509Certificate certificate(String pem) {
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(decode(pem, "CERTIFICATE")));
    } catch (java.security.cert.CertificateException e) {
      throw new CertificateException("The certificate cannot be read: " + e.getMessage(), e);
    }
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.US_ASCII);
  }
}
