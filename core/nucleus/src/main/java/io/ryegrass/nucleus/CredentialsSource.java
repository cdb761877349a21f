package io.ryegrass.nucleus;

/** Credentials of the role alias, cached and refreshed ahead by the link. */
@FunctionalInterface
public interface CredentialsSource {
  /**
   * @throws CloudUnavailableException when none can be had now
   * @throws CloudRefusedException when the role alias is not allowed to this core
   */
  TokenExchangeCredentials get();

  /**
   * Gets new ones when those that are held end soon, so that no caller of {@link #get} has to wait
   * for them. Does nothing when none are held; failures are for the log.
   */
  default void refreshAhead() {}

  /** Credentials of the role of a V1 group that this core belongs to (IAM-06, IAM-07). */
  default CredentialsSource ofGroup(String groupId) {
    return this;
  }

  /** Roles of groups may be others now: who asks next gets what they are, if the cloud answers. */
  default void doubtGroups() {}
}
