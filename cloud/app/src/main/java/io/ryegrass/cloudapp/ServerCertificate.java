package io.ryegrass.cloudapp;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.identity.CertificateAuthority;
import java.io.ByteArrayInputStream;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificate of the device listeners, kept with its key in {@code ca/server.pem}, one file so
 * that they cannot come apart. A new one is issued when there is none, when it does not name what
 * the cloud is called now, when the authority did not sign it, or when it comes near its end.
 */
final class ServerCertificate {

  private static final Logger LOG = LoggerFactory.getLogger(ServerCertificate.class);
  private static final Duration VALIDITY = Duration.ofDays(5 * 365);
  private static final Duration RENEWED_BEFORE_END = Duration.ofDays(365);

  private ServerCertificate() {}

  static CertificateAuthority.Issued openOrIssue(
      Path folder, CertificateAuthority authority, List<String> names, Clock clock) {
    Optional<CertificateAuthority.Issued> stored = read(folder);
    if (stored.isPresent()
        && fits(stored.get().certificate(), authority.certificate(), names, clock)) {
      return stored.get();
    }
    CertificateAuthority.Issued issued = authority.issueServer(names, VALIDITY);
    DurableFiles.writeAtomically(
        folder.resolve("server.pem"),
        (issued.certificatePem() + issued.privateKeyPem()).getBytes(US_ASCII),
        DurableFiles.OWNER_ONLY);
    LOG.debug("server certificate issued for {}", names);
    return issued;
  }

  private static Optional<CertificateAuthority.Issued> read(Path folder) {
    return DurableFiles.read(folder.resolve("server.pem"))
        .flatMap(
            bytes -> {
              String text = new String(bytes, US_ASCII);
              int key = text.indexOf("-----BEGIN PRIVATE KEY-----");
              if (key < 0) {
                return Optional.empty();
              }
              String certificatePem = text.substring(0, key);
              try {
                X509Certificate certificate =
                    (X509Certificate)
                        CertificateFactory.getInstance("X.509")
                            .generateCertificate(
                                new ByteArrayInputStream(certificatePem.getBytes(US_ASCII)));
                return Optional.of(
                    new CertificateAuthority.Issued(
                        certificatePem, text.substring(key), certificate));
              } catch (GeneralSecurityException e) {
                LOG.warn("server.pem in {} cannot be read, a new one is issued", folder, e);
                return Optional.empty();
              }
            });
  }

  private static boolean fits(
      X509Certificate certificate, X509Certificate root, List<String> names, Clock clock) {
    try {
      certificate.verify(root.getPublicKey());
      Set<String> certified = new HashSet<>();
      if (certificate.getSubjectAlternativeNames() != null) {
        certificate.getSubjectAlternativeNames().forEach(n -> certified.add(n.get(1).toString()));
      }
      return certified.containsAll(names)
          && certificate
              .getNotAfter()
              .toInstant()
              .isAfter(clock.instant().plus(RENEWED_BEFORE_END));
    } catch (GeneralSecurityException e) {
      LOG.info("the server certificate is not of this authority: {}", e.getMessage());
      return false;
    }
  }
}
