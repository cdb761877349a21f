package io.ryegrass.cloudapp;

import org.jspecify.annotations.Nullable;

/** The cloud cannot start or go on; the message is one sentence for the operator. */
final class CloudException extends RuntimeException {

  private static final long serialVersionUID = 1;

  CloudException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
