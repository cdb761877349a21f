package io.ryegrass.awsapi;

import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * An error for the caller of an AWS API, written in the protocol of its request. A modelled
 * exception class of the AWS SDK may be thrown just as well.
 */
public final class AwsException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final String code;
  private final int status;
  private final transient ObjectNode members;

  /**
   * An error without members of its own.
   *
   * @param code AWS error code, such as {@code ResourceNotFoundException}
   * @param status HTTP status
   * @param message what failed, on which thing, and what to do
   */
  public AwsException(String code, int status, String message) {
    this(code, status, message, JsonNodeFactory.instance.objectNode());
  }

  /**
   * An error with further members, such as {@code resourceId}.
   *
   * @param members by the names of the model
   */
  public AwsException(String code, int status, String message, ObjectNode members) {
    super(message);
    this.code = code;
    this.status = status;
    this.members = members;
  }

  /** AWS error code. */
  public String code() {
    return code;
  }

  /** HTTP status. */
  public int status() {
    return status;
  }

  /** Further members of the error, by the names of the model. */
  public ObjectNode members() {
    return members;
  }
}
