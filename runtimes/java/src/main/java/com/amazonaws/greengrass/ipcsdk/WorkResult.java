package com.amazonaws.greengrass.ipcsdk;

import org.jspecify.annotations.Nullable;

/** What a function answered. */
public class WorkResult {
  private final byte[] payload;
  private final int statusCode;
  private final @Nullable String functionErr;

  public WorkResult(byte[] payload, int statusCode, @Nullable String functionErr) {
    this.payload = payload;
    this.statusCode = statusCode;
    this.functionErr = functionErr;
  }

  public byte[] getPayload() {
    return payload;
  }

  public int getStatusCode() {
    return statusCode;
  }

  /** {@code Handled}, {@code Unhandled}, or null when the function answered well. */
  public @Nullable String getFunctionErr() {
    return functionErr;
  }
}
