package io.ryegrass.model.shadow;

import org.jspecify.annotations.Nullable;

/** A refused shadow request, with the code and text of the reference (mqtt-cloud, section 3.3). */
public final class ShadowException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final int code;

  public ShadowException(int code, String message) {
    super(message);
    this.code = code;
  }

  /** 404: no such shadow. AWS names the thing where the classic shadow is missing. */
  public static ShadowException missing(String thing, @Nullable String shadowName) {
    return new ShadowException(
        404, "No shadow exists with name: '" + (shadowName == null ? thing : shadowName) + "'");
  }

  /** HTTP-like: 400, 404, 409, 413 … */
  public int code() {
    return code;
  }
}
