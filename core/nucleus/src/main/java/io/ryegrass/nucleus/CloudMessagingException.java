package io.ryegrass.nucleus;

import org.jspecify.annotations.Nullable;

/**
 * A message was not accepted for the cloud: {@code SPOOLER_FULL}, {@code INVALID_TOPIC}, {@code
 * NOT_AUTHORISED} …
 */
public final class CloudMessagingException extends NucleusException {
  public CloudMessagingException(String code, String message) {
    super(code, message);
  }

  public CloudMessagingException(String code, String message, @Nullable Throwable cause) {
    super(code, message, cause);
  }
}
