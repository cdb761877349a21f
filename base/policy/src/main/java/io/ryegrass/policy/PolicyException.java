package io.ryegrass.policy;

import org.jspecify.annotations.Nullable;

/** A document that is not a policy. The message names the field and what it must be. */
public final class PolicyException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The stable code of every refusal here, as AWS names it. */
  public static final String MALFORMED = "MalformedPolicyDocument";

  public PolicyException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  public PolicyException(String message) {
    this(message, null);
  }

  public String code() {
    return MALFORMED;
  }
}
