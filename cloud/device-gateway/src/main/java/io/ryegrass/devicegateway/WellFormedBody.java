package io.ryegrass.devicegateway;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * A body whose framing may be broken: a chunk size that is no number, a negative length, a
 * connection that ends in the middle. The HTTP server throws runtime exceptions of its own then;
 * they are the client's fault and become what every reader of a body expects.
 */
final class WellFormedBody extends FilterInputStream {

  WellFormedBody(InputStream body) {
    super(body);
  }

  @Override
  public int read() throws IOException {
    try {
      return super.read();
    } catch (RuntimeException e) {
      throw broken(e);
    }
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    try {
      return super.read(into, offset, length);
    } catch (RuntimeException e) {
      throw broken(e);
    }
  }

  private static Broken broken(RuntimeException e) {
    return new Broken("the body is cut off or not well-formed HTTP: " + e, e);
  }

  /** The client's fault; nothing more can be read of its connection. */
  static final class Broken extends IOException {
    private static final long serialVersionUID = 1;

    Broken(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
