package io.ryegrass.nucleus;

import org.jspecify.annotations.Nullable;

/**
 * The cloud answered and said no: trying again does not help. The code is one of v2-deployments.md
 * section 6, for example {@code NO_AVAILABLE_COMPONENT_VERSION} or {@code ACCESS_DENIED}.
 */
public final class CloudRefusedException extends NucleusException {
  private final int status;

  public CloudRefusedException(String code, String message) {
    super(code, message);
    this.status = 0;
  }

  public CloudRefusedException(String code, String message, @Nullable Throwable cause) {
    super(code, message, cause);
    this.status = 0;
  }

  /**
   * @param status HTTP status of the cloud's answer
   */
  public CloudRefusedException(String code, String message, int status) {
    super(code, message);
    this.status = status;
  }

  /** HTTP status of the cloud's answer; 0 when there was none. */
  public int status() {
    return status;
  }
}
