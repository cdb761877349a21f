package io.ryegrass.identity;

import org.jspecify.annotations.Nullable;

/** A certificate, request or authority that cannot be used; the message says what to do. */
public final class CertificateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CertificateException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
