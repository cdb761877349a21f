package io.ryegrass.durable;

import org.jspecify.annotations.Nullable;

/**
 * Something that had to be durable is not. The message says what failed, on which file, and what to
 * do; {@link #code()} is stable and meant for programs.
 */
public final class DurableException extends RuntimeException {
  /**
   * The log has reached its bound; drop something by {@link SegmentedLog#truncateBefore} or refuse
   * the message.
   */
  public static final String LOG_FULL = "LOG_FULL";

  /** The folder is used by another process. */
  public static final String FOLDER_LOCKED = "FOLDER_LOCKED";

  /** The folder or file cannot be written or read. */
  public static final String IO_FAILED = "IO_FAILED";

  /** Bytes that were once synced do not match their checksum any more. */
  public static final String CORRUPT = "CORRUPT";

  private final String code;

  DurableException(String code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  /** One of the constants of this class. */
  public String code() {
    return code;
  }
}
