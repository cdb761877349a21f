package io.ryegrass.nucleus;

/** Credentials of the role alias, cached and refreshed ahead by the link. */
@FunctionalInterface
public interface CredentialsSource {
  /**
   * @throws CloudUnavailableException when none can be had now
   * @throws CloudRefusedException when the role alias is not allowed to this core
   */
  TokenExchangeCredentials get();
}
