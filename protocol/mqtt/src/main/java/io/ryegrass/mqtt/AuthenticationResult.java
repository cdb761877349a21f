package io.ryegrass.mqtt;

/** The answer to a CONNECT. */
public sealed interface AuthenticationResult {
  /**
   * The client may connect.
   *
   * @param principal whatever the host knows the client by; it comes back in {@link
   *     ClientSession#principal()}
   */
  record Accepted(Object principal) implements AuthenticationResult {}

  /**
   * The client is refused: CONNACK with this code, then the connection is closed.
   *
   * @param reason for the log, not sent
   */
  record Refused(ReturnCode code, String reason) implements AuthenticationResult {}
}
