package io.ryegrass.nucleus;

import org.jspecify.annotations.Nullable;

/**
 * The one unchecked root of the nucleus' errors: a stable code (the codes of v2-deployments.md
 * section 6 where one fits) and a sentence that says what failed, on which thing, and what to do.
 */
public class NucleusException extends RuntimeException {
  private final String code;

  public NucleusException(String code, String message) {
    super(message);
    this.code = code;
  }

  public NucleusException(String code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  /** The stable code, for example {@code ARTIFACT_CHECKSUM_MISMATCH}. */
  public String code() {
    return code;
  }
}
