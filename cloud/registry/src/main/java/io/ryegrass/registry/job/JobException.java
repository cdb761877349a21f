package io.ryegrass.registry.job;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** A refused jobs request, with the code that the device gets (mqtt-cloud, section 4). */
public final class JobException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final String code;
  private final transient @Nullable ObjectNode executionState;

  JobException(String code, String message, @Nullable ObjectNode executionState) {
    super(message);
    this.code = code;
    this.executionState = executionState;
  }

  JobException(String code, String message) {
    this(code, message, null);
  }

  /** For example {@code ResourceNotFound} or {@code VersionMismatch}. */
  public String code() {
    return code;
  }

  @Nullable ObjectNode executionState() {
    return executionState;
  }
}
