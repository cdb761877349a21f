package io.ryegrass.devicegateway;

import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;

/** What is checked of a client certificate beside its registration. */
final class Certificates {

  private Certificates() {}

  /** Whether now is between the certificate's dates. */
  static boolean isCurrent(X509Certificate certificate) {
    try {
      certificate.checkValidity();
      return true;
    } catch (CertificateExpiredException | CertificateNotYetValidException e) {
      return false; // that is the answer
    }
  }
}
