package io.ryegrass.nucleus;

import org.jspecify.annotations.Nullable;

/**
 * The cloud answered and said no: trying again does not help. The code is one of v2-deployments.md
 * section 6, for example {@code NO_AVAILABLE_COMPONENT_VERSION} or {@code ACCESS_DENIED}.
 */
public final class CloudRefusedException extends NucleusException {
  public CloudRefusedException(String code, String message) {
    super(code, message);
  }

  public CloudRefusedException(String code, String message, @Nullable Throwable cause) {
    super(code, message, cause);
  }
}
