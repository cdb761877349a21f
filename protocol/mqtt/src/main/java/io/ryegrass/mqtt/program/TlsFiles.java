package io.ryegrass.mqtt.program;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.ryegrass.mqtt.ServerTls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Certificate, key and trusted issuers from PEM files, by the JDK alone. Files of two generations
 * (the certificate is new, the key not yet) are told apart, so that a reload waits for the rest.
 *
 * @param ca null: clients need no certificate
 * @param certificateIsMust false: a client may log in by other means instead
 */
record TlsFiles(Path cert, Path key, @Nullable Path ca, boolean certificateIsMust) {
  private static final int LARGEST_FILE = 1 << 20;
  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \\1-----");

  /**
   * @throws UsageException naming the file and the remedy
   */
  SslContext load() {
    List<X509Certificate> chain = certificates(cert, "--cert");
    PrivateKey privateKey = privateKey(key);
    if (!belongTogether(privateKey, chain.getFirst().getPublicKey())) {
      throw new UsageException(
          "The key %s is not the one of the certificate %s; give the pair that was made together."
              .formatted(key, cert));
    }
    try {
      return ca == null
          ? ServerTls.context(privateKey, chain, null, ClientAuth.NONE)
          : ServerTls.context(
              privateKey,
              chain,
              ServerTls.issuedBy(certificates(ca, "--ca")),
              certificateIsMust ? ClientAuth.REQUIRE : ClientAuth.OPTIONAL);
    } catch (GeneralSecurityException e) {
      throw new UsageException(
          "The certificate %s cannot be used for TLS (%s); make a new one."
              .formatted(cert, e.getMessage()));
    }
  }

  private static List<X509Certificate> certificates(Path file, String option) {
    List<X509Certificate> found = new ArrayList<>();
    try {
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      Matcher m = BLOCK.matcher(text(file, option));
      while (m.find()) {
        if (m.group(1).endsWith("CERTIFICATE")) {
          byte[] der = Base64.getMimeDecoder().decode(m.group(2));
          found.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der)));
        }
      }
    } catch (CertificateException | IllegalArgumentException e) {
      throw new UsageException(
          "%s %s holds a certificate that cannot be read (%s); give certificates in PEM."
              .formatted(option, file, e.getMessage()));
    }
    if (found.isEmpty()) {
      throw new UsageException(
          "%s %s holds no certificate; give certificates in PEM.".formatted(option, file));
    }
    return found;
  }

  private static PrivateKey privateKey(Path file) {
    Matcher m = BLOCK.matcher(text(file, "--key"));
    while (m.find()) {
      if (m.group(1).equals("PRIVATE KEY")) {
        return decoded(Base64.getMimeDecoder().decode(m.group(2)), file);
      }
      if (m.group(1).endsWith("PRIVATE KEY")) {
        throw new UsageException(
            "--key %s is in the form '%s', and PKCS#8 without passphrase is needed; convert it with: openssl pkcs8 -topk8 -nocrypt -in %s -out new.key"
                .formatted(file, m.group(1), file));
      }
    }
    throw new UsageException(
        "--key %s holds no private key; give one in PEM (PKCS#8).".formatted(file));
  }

  private static PrivateKey decoded(byte[] pkcs8, Path file) {
    for (String algorithm : List.of("EC", "RSA", "EdDSA")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      } catch (GeneralSecurityException e) {
        continue; // the next algorithm may fit
      }
    }
    throw new UsageException("--key %s is neither an EC nor an RSA key.".formatted(file));
  }

  private static boolean belongTogether(PrivateKey mine, PublicKey certified) {
    String algorithm =
        switch (mine.getAlgorithm()) {
          case "EC" -> "SHA256withECDSA";
          case "RSA" -> "SHA256withRSA";
          default -> mine.getAlgorithm();
        };
    byte[] sample = "ryegrass".getBytes(StandardCharsets.US_ASCII);
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(mine);
      signature.update(sample);
      byte[] signed = signature.sign();
      signature.initVerify(certified);
      signature.update(sample);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static String text(Path file, String option) {
    try {
      if (Files.size(file) > LARGEST_FILE) {
        throw new UsageException(
            "%s %s is too large for a PEM file; name the right one.".formatted(option, file));
      }
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      throw new UsageException("%s %s does not exist; correct the path.".formatted(option, file));
    } catch (IOException e) {
      throw new UsageException(
          "%s %s cannot be read (%s); check its rights.".formatted(option, file, e.getMessage()));
    }
  }
}
