package io.ryegrass.clientdevices;

import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.Signature;
import java.util.Collection;
import javax.security.auth.x500.X500Principal;

/**
 * A certificate request (PKCS #10, RFC 2986) for an RSA key, with the subject's alternative names
 * as the extension request of RFC 2985. The JDK encodes the name and the key and signs; what is
 * left is a few nested DER values. A library for them is on the class path of every start, because
 * Netty looks for Bouncy Castle and loads it whole where it finds it; see decision 008 for the
 * figures.
 */
final class CertificateRequest {
  private static final int INTEGER = 0x02;
  private static final int BIT_STRING = 0x03;
  private static final int OCTET_STRING = 0x04;
  private static final int SEQUENCE = 0x30;
  private static final int SET = 0x31;
  private static final int ATTRIBUTES = 0xA0;
  private static final int DNS_NAME = 0x82;
  private static final int IP_ADDRESS = 0x87;

  /** 1.2.840.113549.1.9.14 */
  private static final byte[] EXTENSION_REQUEST = {
    0x06, 0x09, 0x2A, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xF7, 0x0D, 0x01, 0x09, 0x0E
  };

  /** 2.5.29.17 */
  private static final byte[] SUBJECT_ALTERNATIVE_NAME = {0x06, 0x03, 0x55, 0x1D, 0x11};

  /** 1.2.840.113549.1.1.11 with its NULL parameter: sha256WithRSAEncryption */
  private static final byte[] SHA256_WITH_RSA = {
    0x30,
    0x0D,
    0x06,
    0x09,
    0x2A,
    (byte) 0x86,
    0x48,
    (byte) 0x86,
    (byte) 0xF7,
    0x0D,
    0x01,
    0x01,
    0x0B,
    0x05,
    0x00
  };

  private CertificateRequest() {}

  /**
   * @param keys RSA
   * @param addresses host names and IP addresses, as text
   */
  static String pem(X500Principal subject, KeyPair keys, Collection<String> addresses)
      throws GeneralSecurityException {
    byte[] information =
        value(
            SEQUENCE,
            value(INTEGER, new byte[] {0}),
            subject.getEncoded(),
            keys.getPublic().getEncoded(),
            value(ATTRIBUTES, attribute(addresses)));
    Signature signature = Signature.getInstance("SHA256withRSA");
    signature.initSign(keys.getPrivate());
    signature.update(information);
    byte[] request =
        value(
            SEQUENCE,
            information,
            SHA256_WITH_RSA,
            value(BIT_STRING, new byte[] {0}, signature.sign()));
    return Pems.encode("CERTIFICATE REQUEST", request);
  }

  private static byte[] attribute(Collection<String> addresses) {
    byte[][] names = addresses.stream().map(CertificateRequest::name).toArray(byte[][]::new);
    byte[] extension =
        value(SEQUENCE, SUBJECT_ALTERNATIVE_NAME, value(OCTET_STRING, value(SEQUENCE, names)));
    return value(SEQUENCE, EXTENSION_REQUEST, value(SET, value(SEQUENCE, extension)));
  }

  private static byte[] name(String address) {
    boolean numeric = address.matches("\\d{1,3}(\\.\\d{1,3}){3}") || address.indexOf(':') >= 0;
    if (!numeric) {
      return value(DNS_NAME, address.getBytes(StandardCharsets.US_ASCII));
    }
    try {
      return value(IP_ADDRESS, InetAddress.getByName(address).getAddress());
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("'" + address + "' is no IP address", e);
    }
  }

  /** One DER value: tag, length, contents. */
  private static byte[] value(int tag, byte[]... contents) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (byte[] content : contents) {
      body.writeBytes(content);
    }
    int length = body.size();
    ByteArrayOutputStream out = new ByteArrayOutputStream(length + 4);
    out.write(tag);
    if (length < 0x80) {
      out.write(length);
    } else if (length <= 0xFF) {
      out.write(0x81);
      out.write(length);
    } else {
      out.write(0x82);
      out.write(length >> 8);
      out.write(length);
    }
    out.writeBytes(body.toByteArray());
    return out.toByteArray();
  }
}
