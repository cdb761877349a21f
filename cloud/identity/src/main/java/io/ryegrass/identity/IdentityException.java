package io.ryegrass.identity;

import org.jspecify.annotations.Nullable;

/** The identity service cannot work; the message says what to do. */
public final class IdentityException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public IdentityException(String message) {
    super(message);
  }

  public IdentityException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
