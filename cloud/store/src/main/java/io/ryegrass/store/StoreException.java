package io.ryegrass.store;

import org.jspecify.annotations.Nullable;

/** Anything the store cannot do. The message names the file or statement and the next action. */
public final class StoreException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public StoreException(String message) {
    super(message);
  }

  public StoreException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
