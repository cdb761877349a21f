package io.ryegrass.registry.query;

/** A query that cannot be read; the message says where. */
public final class InvalidQueryException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public InvalidQueryException(String message) {
    super(message);
  }
}
