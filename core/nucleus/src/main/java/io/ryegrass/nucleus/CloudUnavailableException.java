package io.ryegrass.nucleus;

import org.jspecify.annotations.Nullable;

/**
 * The cloud could not be asked (no network, deadline passed, server error): trying again later may
 * help.
 */
public final class CloudUnavailableException extends NucleusException {
  public CloudUnavailableException(String message, @Nullable Throwable cause) {
    super("NETWORK_ERROR", message, cause);
  }

  public CloudUnavailableException(String message) {
    this(message, null);
  }
}
