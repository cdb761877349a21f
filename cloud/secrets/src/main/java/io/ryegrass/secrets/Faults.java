package io.ryegrass.secrets;

import io.ryegrass.awsapi.AwsException;

/** The errors of Secrets Manager, by the names of its model. */
final class Faults {
  private Faults() {}

  static AwsException notFound() {
    return notFound("Secrets Manager can't find the specified secret.");
  }

  static AwsException notFound(String message) {
    return new AwsException("ResourceNotFoundException", 400, message);
  }

  static AwsException invalidRequest(String message) {
    return new AwsException("InvalidRequestException", 400, message);
  }

  static AwsException invalidParameter(String message) {
    return new AwsException("InvalidParameterException", 400, message);
  }

  static AwsException exists(String message) {
    return new AwsException("ResourceExistsException", 400, message);
  }

  static AwsException limit(String message) {
    return new AwsException("LimitExceededException", 400, message);
  }

  static AwsException badToken() {
    return new AwsException(
        "InvalidNextTokenException",
        400,
        "The NextToken is not one of this call; start again without it.");
  }

  static AwsException markedForDeletion() {
    return invalidRequest(
        "You can't perform this operation on the secret because it was marked for deletion.");
  }
}
