package io.ryegrass.identity;

import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;

/** An authority that signs device and server certificates. */
public final class CertificateAuthority {

  /** A certificate with its private key, both PEM (the key as PKCS#8). */
  public record Issued(String certificatePem, String privateKeyPem, X509Certificate certificate) {
    @Override
    public String toString() {
      return "Issued[" + certificate.getSubjectX500Principal() + "]";
    }
  }

  public static CertificateAuthority openOrCreate(Path folder, String commonName) {
    throw new UnsupportedOperationException();
  }

  public X509Certificate certificate() {
    throw new UnsupportedOperationException();
  }

  public String certificatePem() {
    throw new UnsupportedOperationException();
  }

  public Issued issueDevice(String commonName) {
    throw new UnsupportedOperationException();
  }

  public String signCsr(String csrPem) {
    throw new UnsupportedOperationException();
  }

  public String signServerCsr(String csrPem, List<String> dnsNamesAndIps, Duration validity) {
    throw new UnsupportedOperationException();
  }

  public Issued issueServer(List<String> dnsNamesAndIps, Duration validity) {
    throw new UnsupportedOperationException();
  }
}
