package io.ryegrass.secrets;

import org.jspecify.annotations.Nullable;

/** The service cannot start or go on; the message says what to do. */
public final class SecretsException extends RuntimeException {
  private static final long serialVersionUID = 1;

  SecretsException(String message) {
    this(message, null);
  }

  SecretsException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
