package io.ryegrass.nucleus;

/**
 * A runtime configuration change carries an older timestamp than the stored value (v2-ipc.md
 * section 7.2, FailedUpdateConditionCheckError).
 */
public final class ConfigurationConflictException extends NucleusException {
  public ConfigurationConflictException(String message) {
    super("FAILED_UPDATE_CONDITION_CHECK", message);
  }
}
