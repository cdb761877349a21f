package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.NucleusException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Certificates and private keys in PEM files, with the JDK alone.
 *
 * <p>The JDK reads private keys as PKCS#8 only, while AWS hands out RSA keys as PKCS#1 ({@code RSA
 * PRIVATE KEY}, RFC 8017) and OpenSSL writes elliptic-curve keys as SEC 1 ({@code EC PRIVATE KEY},
 * RFC 5915). Both are what stands inside a PKCS#8 envelope, so they are read by putting the
 * envelope round them.
 */
final class Pem {
  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \\1-----");

  /** AlgorithmIdentifier of rsaEncryption, 1.2.840.113549.1.1.1 with NULL parameters. */
  private static final byte[] RSA_ALGORITHM = {
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

  /** Object identifier of id-ecPublicKey, 1.2.840.10045.2.1. */
  private static final byte[] EC_PUBLIC_KEY = {
    0x06, 0x07, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 0x02, 0x01
  };

  private static final int INTEGER = 0x02;
  private static final int OCTET_STRING = 0x04;
  private static final int SEQUENCE = 0x30;
  private static final int CONTEXT_0 = 0xa0;

  private Pem() {}

  /** All certificates of the file, in its order; at least one. */
  static List<X509Certificate> certificates(Path file, String what) {
    List<X509Certificate> found = new ArrayList<>();
    try {
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      Matcher m = BLOCK.matcher(text(file, what));
      while (m.find()) {
        if (m.group(1).endsWith("CERTIFICATE")) {
          found.add(
              (X509Certificate)
                  factory.generateCertificate(new ByteArrayInputStream(decode(m.group(2)))));
        }
      }
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw unusable(what, file, "holds a certificate that cannot be read", e);
    }
    if (found.isEmpty()) {
      throw unusable(what, file, "holds no PEM certificate", null);
    }
    return found;
  }

  /** The first private key of the file: PKCS#8, PKCS#1 or SEC 1. */
  static PrivateKey privateKey(Path file) {
    String what = "private key";
    Matcher m = BLOCK.matcher(text(file, what));
    try {
      while (m.find()) {
        switch (m.group(1)) {
          case "PRIVATE KEY":
            return read(decode(m.group(2)));
          case "RSA PRIVATE KEY":
            return read(envelope(RSA_ALGORITHM, decode(m.group(2))));
          case "EC PRIVATE KEY":
            byte[] key = decode(m.group(2));
            return read(envelope(sequence(EC_PUBLIC_KEY, curveOf(key, file)), key));
          case "ENCRYPTED PRIVATE KEY":
            throw unusable(
                what,
                file,
                "is encrypted; store it without a passphrase, readable by its owner only",
                null);
          default:
            // EC PARAMETERS, certificates beside the key
        }
      }
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw unusable(what, file, "cannot be read as an RSA or EC key", e);
    }
    throw unusable(what, file, "holds no PEM private key", null);
  }

  private static PrivateKey read(byte[] pkcs8) throws GeneralSecurityException {
    PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(pkcs8);
    return KeyFactory.getInstance(indexOf(pkcs8, EC_PUBLIC_KEY) >= 0 ? "EC" : "RSA")
        .generatePrivate(spec);
  }

  /** PrivateKeyInfo ::= SEQUENCE { version 0, algorithm, OCTET STRING key } (RFC 5208). */
  private static byte[] envelope(byte[] algorithm, byte[] key) {
    return sequence(new byte[] {INTEGER, 1, 0}, algorithm, tagged(OCTET_STRING, key));
  }

  /**
   * ECPrivateKey ::= SEQUENCE { version 1, OCTET STRING, [0] curve, [1] public key } (RFC 5915).
   */
  private static byte[] curveOf(byte[] ecPrivateKey, Path file) {
    ByteBuffer in = ByteBuffer.wrap(ecPrivateKey);
    ByteBuffer body = enter(in, SEQUENCE);
    enter(body, INTEGER);
    enter(body, OCTET_STRING);
    if (!body.hasRemaining() || (body.get(body.position()) & 0xff) != CONTEXT_0) {
      throw unusable(
          "private key",
          file,
          "does not name its curve; convert it with 'openssl pkcs8 -topk8 -nocrypt'",
          null);
    }
    ByteBuffer curve = enter(body, CONTEXT_0);
    byte[] oid = new byte[curve.remaining()];
    curve.get(oid);
    return oid;
  }

  private static ByteBuffer enter(ByteBuffer in, int tag) {
    if (in.remaining() < 2 || (in.get() & 0xff) != tag) {
      throw new IllegalArgumentException("not the DER element expected");
    }
    int length = in.get() & 0xff;
    if (length > 0x80) {
      int bytes = length & 0x7f;
      if (bytes > 3 || in.remaining() < bytes) {
        throw new IllegalArgumentException("DER length out of range");
      }
      length = 0;
      for (int i = 0; i < bytes; i++) {
        length = length << 8 | in.get() & 0xff;
      }
    }
    if (length > in.remaining()) {
      throw new IllegalArgumentException("DER element is cut off");
    }
    ByteBuffer content = in.slice(in.position(), length);
    in.position(in.position() + length);
    return content;
  }

  private static byte[] sequence(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return tagged(SEQUENCE, out.toByteArray());
  }

  private static byte[] tagged(int tag, byte[] content) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    if (content.length < 0x80) {
      out.write(content.length);
    } else if (content.length < 0x100) {
      out.write(0x81);
      out.write(content.length);
    } else {
      out.write(0x82);
      out.write(content.length >> 8);
      out.write(content.length);
    }
    out.writeBytes(content);
    return out.toByteArray();
  }

  private static int indexOf(byte[] in, byte[] what) {
    for (int i = 0; i + what.length <= in.length; i++) {
      if (Arrays.equals(in, i, i + what.length, what, 0, what.length)) {
        return i;
      }
    }
    return -1;
  }

  private static byte[] decode(String base64) {
    return Base64.getMimeDecoder().decode(base64);
  }

  private static String text(Path file, String what) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      throw unusable(
          what,
          file,
          "does not exist; provision this core or correct the path in config/config.yaml",
          e);
    } catch (IOException e) {
      throw unusable(what, file, "cannot be read (" + e.getMessage() + ")", e);
    }
  }

  static NucleusException unusable(String what, Path file, String why, @Nullable Throwable cause) {
    return new NucleusException(
        "IDENTITY_NOT_USABLE", "The " + what + " " + file + " " + why + ".", cause);
  }
}
