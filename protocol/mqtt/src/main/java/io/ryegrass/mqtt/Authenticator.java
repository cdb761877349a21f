package io.ryegrass.mqtt;

/** Decides who may connect. */
@FunctionalInterface
public interface Authenticator {
  /**
   * Called on a virtual thread of the connection; may block. An exception refuses the client with
   * SERVER_UNAVAILABLE.
   */
  AuthenticationResult authenticate(ConnectRequest request);
}
