package io.ryegrass.devicegateway;

/** A listener cannot have its port. */
public final class PortInUseException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final String listener;

  PortInUseException(String listener, String host, int port, Throwable cause) {
    super("Port " + port + " on " + host + " cannot be taken: " + cause.getMessage(), cause);
    this.listener = listener;
  }

  /** Which listener: {@code api}, {@code https} or {@code mqtt}. */
  public String listener() {
    return listener;
  }
}
