package io.ryegrass.nucleus;

import org.jspecify.annotations.Nullable;

/**
 * The cloud could not be asked (no network, deadline passed, server error): trying again later may
 * help.
 */
public final class CloudUnavailableException extends NucleusException {
  private final int status;

  public CloudUnavailableException(String message, @Nullable Throwable cause) {
    super("NETWORK_ERROR", message, cause);
    this.status = 0;
  }

  public CloudUnavailableException(String message) {
    this(message, null);
  }

  /**
   * @param status HTTP status of the cloud's answer
   */
  public CloudUnavailableException(String message, int status) {
    super("NETWORK_ERROR", message);
    this.status = status;
  }

  /** HTTP status of the cloud's answer; 0 when there was none. */
  public int status() {
    return status;
  }
}
