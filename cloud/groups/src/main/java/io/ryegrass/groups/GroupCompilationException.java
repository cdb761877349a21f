package io.ryegrass.groups;

/**
 * A group version cannot be deployed; the message is the deployment's ErrorMessage and says why and
 * on which thing.
 */
public final class GroupCompilationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public GroupCompilationException(String message) {
    super(message);
  }
}
