package io.ryegrass.model;

/**
 * A document, name or value that the Greengrass contract does not allow. The message names the
 * field and what to write instead; {@link #code()} is one of the stable error codes of
 * v2-deployments.md §6 (for example {@code RECIPE_PARSE_ERROR}), which travel in deployment
 * statuses.
 */
public final class InvalidDocumentException extends RuntimeException {
  private final String code;

  /** With a code and a sentence for people. */
  public InvalidDocumentException(String code, String message) {
    super(message);
    this.code = code;
  }

  /** With a code, a sentence for people and the parser's own complaint. */
  public InvalidDocumentException(String code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  /** The stable error code, for example {@code RECIPE_PARSE_ERROR}. */
  public String code() {
    return code;
  }
}
