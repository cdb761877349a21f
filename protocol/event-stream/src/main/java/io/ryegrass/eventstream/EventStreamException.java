package io.ryegrass.eventstream;

/**
 * What goes wrong below the operations: a damaged frame, a breach of the RPC rules, a connection
 * that is gone.
 *
 * <p>{@link #code()} is stable and meant for programs, the message is meant for people.
 */
public class EventStreamException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Stable reasons. */
  public enum Code {
    /** A checksum does not fit the bytes. The stream of bytes cannot be trusted any more. */
    CHECKSUM,
    /** A length is beyond a limit. */
    TOO_LARGE,
    /** The bytes are not a message. */
    MALFORMED,
    /** The message is well formed, but not allowed here. */
    PROTOCOL,
    /** The server refused the authentication token. */
    ACCESS_DENIED,
    /** The connection or the stream is closed. */
    CLOSED,
    /** A deadline passed. */
    TIMEOUT
  }

  private final Code code;

  public EventStreamException(Code code, String message) {
    super(message);
    this.code = code;
  }

  public EventStreamException(Code code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public Code code() {
    return code;
  }
}
