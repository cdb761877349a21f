package io.ryegrass.registry.shadow;

/** A refused shadow request, with the code and text of the reference (mqtt-cloud, section 3.3). */
public final class ShadowException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final int code;

  ShadowException(int code, String message) {
    super(message);
    this.code = code;
  }

  /** HTTP-like: 400, 404, 409, 413 … */
  public int code() {
    return code;
  }
}
