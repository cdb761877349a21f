package com.amazonaws.greengrass.ipcsdk;

import java.io.IOException;

/** The core was not reached, or said no. It always has a cause: the SDK hands that on. */
public class IPCException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final int status;

  public IPCException(String message) {
    this(message, 0);
  }

  /**
   * @param status what the core answered, 0 where nobody did
   */
  public IPCException(String message, int status) {
    super(message, new IOException(message));
    this.status = status;
  }

  public IPCException(String message, Throwable cause) {
    super(message, cause);
    this.status = 0;
  }

  public int getStatus() {
    return status;
  }
}
